use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 11;

/// The file that lists all others.
pub(super) const MANIFEST: &str = "manifest.json";

/// The file that names the newest bundle of a model.
pub(super) const LATEST: &str = "latest";

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub format: u32,
    pub layercake_version: String,
    pub name: String,
    pub as_of: NaiveDateTime,
    pub files: BTreeMap<String, FileEntry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FileEntry {
    pub bytes: usize,
    pub blake3: String,
}
