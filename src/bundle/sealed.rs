//! A bundle as bytes: written once, named by its content.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::encoding::{File, to_json};
use super::manifest::{FORMAT, FileEntry, LATEST, MANIFEST, Manifest};
use super::{Bundle, BundleError};
use crate::files::{PARTIAL, sweep, write_atomically};

/// The files of a bundle and what their content is called.
pub struct Sealed {
    /// The name of the bundle's own folder, `<as_of>-<hash>`: the same for the same
    /// model with the same ids and names of its layers.
    pub name: String,
    /// A hash of the model but for what its layers are known by: the same for the same
    /// data, config and seed, whatever model came before.
    pub fingerprint: String,
    /// Name of the model.
    model: String,
    manifest: Vec<u8>,
    files: Vec<File>,
}

impl Bundle {
    /// Writes all parts to files in memory.
    ///
    /// # Errors
    /// When a part cannot be written as text.
    pub fn seal(&self) -> Result<Sealed, BundleError> {
        self.files().and_then(|files| self.sealed(files)).map_err(|cause| self.unwritable(cause))
    }

    /// The same model after its layers got other ids and names: writes only what
    /// holds them.
    ///
    /// # Errors
    /// When a part cannot be written as text.
    pub fn seal_renamed(&self, before: Sealed) -> Result<Sealed, BundleError> {
        let renamed = || {
            let mut files = before.files;
            for renamed in self.files_with_names()? {
                let at = files.iter().position(|file| file.name == renamed.name);
                files[at.expect("it was written before")] = renamed;
            }
            self.sealed(files)
        };
        renamed().map_err(|cause| self.unwritable(cause))
    }

    /// Writes the bundle as `folder/<name>/<as_of>-<hash>/` and points
    /// `latest` at it. The same model gets the same name and the same bytes.
    ///
    /// # Errors
    /// When the folder cannot be written; nothing half-written then remains.
    pub fn save(&self, folder: &Path) -> Result<PathBuf, BundleError> {
        self.seal()?.save(folder)
    }

    fn sealed(&self, files: Vec<File>) -> io::Result<Sealed> {
        let entry = |file: &File| {
            let blake3 = file.hash.to_hex().to_string();
            (file.name.to_owned(), FileEntry { bytes: file.content.len(), blake3 })
        };
        let as_of = self.record.dates.as_of;
        let manifest = to_json(&Manifest {
            format: FORMAT,
            layercake_version: env!("CARGO_PKG_VERSION").into(),
            name: self.config.name.clone(),
            as_of,
            files: files.iter().map(entry).collect::<BTreeMap<_, _>>(),
        })?;
        let hash = blake3::hash(&manifest).to_hex();
        let name = format!("{}-{}", as_of.format("%Y-%m-%d"), &hash[..10]);
        let model = self.config.name.clone();
        Ok(Sealed { name, fingerprint: fingerprint(&files), model, manifest, files })
    }

    fn unwritable(&self, cause: io::Error) -> BundleError {
        BundleError::Unwritable { folder: self.config.name.clone().into(), cause }
    }
}

fn fingerprint(files: &[File]) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(file.name.as_bytes()).update(file.nameless_hash.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

impl Sealed {
    /// Writes the files as `folder/<model>/<name>/` and points `latest` at them;
    /// returns the bundle's own folder.
    ///
    /// # Errors
    /// When the folder cannot be written; nothing half-written then remains.
    pub fn save(&self, folder: &Path) -> Result<PathBuf, BundleError> {
        let model_folder = folder.join(&self.model);
        self.write(&model_folder)
            .map_err(|cause| BundleError::Unwritable { folder: model_folder, cause })
    }

    fn write(&self, model_folder: &Path) -> io::Result<PathBuf> {
        let target = model_folder.join(&self.name);
        std::fs::create_dir_all(model_folder)?;
        if !self.is_in(&target) {
            self.publish(model_folder, &target)?;
        }
        write_atomically(&model_folder.join(LATEST), |file| writeln!(file, "{}", self.name))?;
        Ok(target)
    }

    /// Names and contents of all files.
    fn contents(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let files = self.files.iter().map(|file| (file.name, &file.content[..]));
        files.chain([(MANIFEST, &self.manifest[..])])
    }

    /// True when the folder has the files as they should be.
    fn is_in(&self, folder: &Path) -> bool {
        self.contents().all(|(name, content)| {
            std::fs::read(folder.join(name)).is_ok_and(|there| there == content)
        })
    }

    /// Writes the files to a folder that appears whole; a damaged one of the same
    /// name makes way.
    fn publish(&self, model_folder: &Path, target: &Path) -> io::Result<()> {
        sweep(model_folder);
        let scratch = tempfile::Builder::new().prefix(PARTIAL).tempdir_in(model_folder)?;
        let partial = scratch.path().join("new");
        for (name, content) in self.contents() {
            write_atomically(&partial.join(name), |file| file.write_all(content))?;
        }
        if target.exists() {
            std::fs::rename(target, scratch.path().join("damaged"))?;
        }
        match std::fs::rename(&partial, target) {
            // Another run of the same input was first: the same name is the same bytes.
            Err(_) if self.is_in(target) => Ok(()),
            other => other,
        }
    }
}
