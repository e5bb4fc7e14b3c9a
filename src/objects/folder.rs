//! A folder of an object store.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt, RetryConfig, WriteMultipart};
use tokio::runtime::Runtime;
use url::Url;

use super::error::ObjectError;
use crate::files::write_atomically;

/// An object of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name in the folder.
    pub name: String,
    /// What tells that it is still the same.
    pub version: String,
}

/// A folder of an object store. Credentials come from the environment (`AWS_…`, `AZURE_…`,
/// `GOOGLE_…`) or from the machine it runs on.
pub struct ObjectFolder {
    store: Box<dyn ObjectStore>,
    runtime: Runtime,
    folder: Key,
    url: String,
}

/// Bytes that are sent at a time.
const PART_BYTES: usize = 8 << 20;

/// Parts that are on their way at a time.
const N_PARTS: usize = 4;

impl ObjectFolder {
    /// Opens a folder; nothing is asked of the store yet.
    ///
    /// # Errors
    /// When the URL is none of an object store, or its settings do not hold together.
    pub fn open(url: &str) -> Result<Self, ObjectError> {
        let failed =
            |cause: String| ObjectError { url: url.to_owned(), cause, is_temporary: false };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| failed("no URL".into()))?;
        let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
        let root = format!("{scheme}://{bucket}/");
        Url::parse(&root).map_err(|error| failed(error.to_string()))?;
        // A night should fail within minutes, and be run again.
        let retry = RetryConfig {
            max_retries: 4,
            retry_timeout: Duration::from_secs(60),
            ..RetryConfig::default()
        };
        let store: Result<Box<dyn ObjectStore>, Error> = match scheme {
            "gs" => GoogleCloudStorageBuilder::from_env()
                .with_url(root)
                .with_retry(retry)
                .build()
                .map(|it| Box::new(it) as _),
            "s3" | "s3a" => AmazonS3Builder::from_env()
                .with_url(root)
                .with_retry(retry)
                .build()
                .map(|it| Box::new(it) as _),
            _ => MicrosoftAzureBuilder::from_env()
                .with_url(root)
                .with_retry(retry)
                .build()
                .map(|it| Box::new(it) as _),
        };
        let store = store.map_err(|error| failed(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let (folder, url) = (Key::from(folder.trim_end_matches('/')), url.to_owned());
        Ok(Self { store, runtime, folder, url })
    }

    /// The objects of the folder and of folders in it, by name.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn list(&self) -> Result<Vec<Object>, ObjectError> {
        let listed = self.store.list(Some(&self.folder)).map(|it| {
            let it = it?;
            let name = it.location.prefix_match(&self.folder).map(|parts| {
                parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/")
            });
            let time = it.last_modified.to_rfc3339();
            let version = format!("{} {} {time}", it.e_tag.unwrap_or_default(), it.size);
            Ok(name.filter(|name| !name.is_empty()).map(|name| Object { name, version }))
        });
        let listed = self.runtime.block_on(listed.try_collect::<Vec<_>>());
        let mut objects: Vec<Object> =
            listed.map_err(|error| self.failed("", error))?.into_iter().flatten().collect();
        objects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(objects)
    }

    /// What tells an object's content from another; `None` where there is no such object.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn find(&self, name: &str) -> Result<Option<Object>, ObjectError> {
        match self.runtime.block_on(self.store.head(&self.key(name))) {
            Ok(it) => {
                let time = it.last_modified.to_rfc3339();
                let version = format!("{} {} {time}", it.e_tag.unwrap_or_default(), it.size);
                Ok(Some(Object { name: name.to_owned(), version }))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// The content of an object; `None` where there is no such object.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        let read = async { self.store.get(&self.key(name)).await?.bytes().await };
        match self.runtime.block_on(read) {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Copies an object to a file, which appears whole or not at all.
    ///
    /// # Errors
    /// When the store refuses or does not answer, or the file cannot be written.
    pub fn download(&self, name: &str, to: &Path) -> Result<(), ObjectError> {
        let mut failure = None;
        let written = write_atomically(to, |file| {
            let copied: Result<(), Error> = self
                .runtime
                .block_on(async {
                    let mut content = self.store.get(&self.key(name)).await?.into_stream();
                    while let Some(bytes) = content.next().await {
                        if let Err(error) = file.write_all(&bytes?) {
                            return Ok(Err(error));
                        }
                    }
                    Ok(Ok(()))
                })
                .and_then(|written| match written {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        failure = Some(self.own(name, &error));
                        Err(Error::Generic { store: "file", source: Box::new(error) })
                    }
                });
            copied.map_err(|error| {
                failure.get_or_insert_with(|| self.failed(name, error));
                std::io::Error::other("see `failure`")
            })
        });
        written.map_err(|error| failure.unwrap_or_else(|| self.own(name, &error)))
    }

    /// Copies a file to an object, which appears whole or not at all; a former one stands
    /// until then.
    ///
    /// # Errors
    /// When the store refuses or does not answer, or the file cannot be read.
    pub fn upload(&self, from: &Path, name: &str) -> Result<(), ObjectError> {
        let mut file = File::open(from).map_err(|error| self.own(name, &error))?;
        let key = self.key(name);
        let sent: Result<Result<(), std::io::Error>, Error> = self.runtime.block_on(async {
            let upload = self.store.put_multipart(&key).await?;
            let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
            let mut part = vec![0; PART_BYTES];
            loop {
                let n_bytes = match file.read(&mut part) {
                    Ok(0) => break,
                    Ok(n_bytes) => n_bytes,
                    Err(error) => {
                        writer.abort().await?;
                        return Ok(Err(error));
                    }
                };
                writer.wait_for_capacity(N_PARTS).await?;
                writer.write(&part[..n_bytes]);
            }
            writer.finish().await?;
            Ok(Ok(()))
        });
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.own(name, &error)),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Removes an object, if it is there.
    ///
    /// # Errors
    /// When the store refuses or does not answer.
    pub fn remove(&self, name: &str) -> Result<(), ObjectError> {
        match self.runtime.block_on(self.store.delete(&self.key(name))) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    fn key(&self, name: &str) -> Key {
        let parts = self.folder.parts().map(|part| part.as_ref().to_owned());
        Key::from_iter(parts.chain(name.split('/').map(str::to_owned)))
    }

    fn own(&self, name: &str, error: &std::io::Error) -> ObjectError {
        let (url, cause) = (self.url_of(name), error.to_string());
        ObjectError { url, cause, is_temporary: false }
    }

    fn url_of(&self, name: &str) -> String {
        match name {
            "" => self.url.clone(),
            _ => format!("{}/{name}", self.url.trim_end_matches('/')),
        }
    }

    /// What a store says in many lines, as one, with the next step.
    fn failed(&self, name: &str, error: Error) -> ObjectError {
        let text = whole(&error);
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let is_temporary;
        let cause = match &error {
            Error::NotFound { .. } => {
                is_temporary = false;
                "there is no such bucket or object".to_owned()
            }
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                is_temporary = false;
                format!("the store refuses these credentials ({})", short(&text))
            }
            _ if says(&["NoSuchBucket"]) => {
                is_temporary = false;
                "there is no such bucket".to_owned()
            }
            _ if says(&[
                "credential",
                "169.254.169.254",
                "latest/api/token",
                "computeMetadata",
                "metadata/identity",
            ]) =>
            {
                is_temporary = false;
                "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or \
                 AZURE_…, GOOGLE_…), or give the machine a role"
                    .to_owned()
            }
            _ => {
                is_temporary = true;
                format!("the store does not answer as it should ({})", short(&text))
            }
        };
        ObjectError { url: self.url_of(name), cause, is_temporary }
    }
}

/// An error with all its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The beginning of what may be a page of XML.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(200) {
        Some((at, _)) => format!("{} …", &line[..at]),
        None => line,
    }
}
