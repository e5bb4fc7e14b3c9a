//! How a part of a model becomes a file, and a file the part again.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::BundleError;
use super::manifest::Manifest;

/// A file of a bundle.
pub(super) struct File {
    pub name: &'static str,
    pub content: Vec<u8>,
    pub hash: blake3::Hash,
    /// Hash of the same file without the ids and names of layers, where it has any.
    pub nameless_hash: blake3::Hash,
}

impl File {
    pub fn new(name: &'static str, content: Vec<u8>) -> Self {
        let hash = blake3::hash(&content);
        Self { name, content, hash, nameless_hash: hash }
    }

    /// A file with ids and names of layers; `nameless` is the same without them.
    pub fn with_names(name: &'static str, content: Vec<u8>, nameless: &[u8]) -> Self {
        Self { nameless_hash: blake3::hash(nameless), ..Self::new(name, content) }
    }
}

/// Writes a part of a model to files and reads it back.
pub(super) trait Encoding<T> {
    /// The files.
    fn write(&self, part: &T) -> io::Result<Vec<File>>;

    /// The part.
    fn read(&self, saved: &Saved) -> Result<T, BundleError>;
}

/// One file for people and programs.
pub(super) struct Json(pub &'static str);

impl<T: Serialize + DeserializeOwned> Encoding<T> for Json {
    fn write(&self, part: &T) -> io::Result<Vec<File>> {
        Ok(vec![File::new(self.0, to_json(part)?)])
    }

    fn read(&self, saved: &Saved) -> Result<T, BundleError> {
        saved.read_json(self.0)
    }
}

pub(super) fn to_json<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    json.push(b'\n');
    Ok(json)
}

/// On one line: trees have more numbers than anybody reads.
pub(super) fn to_compact_json<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut json = serde_json::to_vec(value).map_err(io::Error::other)?;
    json.push(b'\n');
    Ok(json)
}

/// A bundle's folder whose manifest was read.
pub(super) struct Saved {
    pub folder: PathBuf,
    pub manifest: Manifest,
}

impl Saved {
    /// The content of a file, which is what was written.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        let damaged = |problem: String| damaged(&self.folder, name, problem);
        let entry = self.manifest.files.get(name);
        let entry = entry.ok_or_else(|| damaged("is not in the manifest".into()))?;
        let content = std::fs::read(self.folder.join(name))
            .map_err(|error| damaged(format!("can't be read ({error})")))?;
        if blake3::hash(&content).to_hex().as_str() != entry.blake3 {
            return Err(damaged("is not what was written".into()));
        }
        Ok(content)
    }

    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, BundleError> {
        parse_json(&self.folder, name, &self.read(name)?)
    }
}

pub(super) fn parse_json<T: DeserializeOwned>(
    folder: &Path,
    name: &str,
    content: &[u8],
) -> Result<T, BundleError> {
    serde_json::from_slice(content)
        .map_err(|error| damaged(folder, name, format!("can't be read ({error})")))
}

pub(super) fn damaged(folder: &Path, file: &str, problem: String) -> BundleError {
    BundleError::Damaged { folder: folder.to_owned(), file: file.to_owned(), problem }
}
