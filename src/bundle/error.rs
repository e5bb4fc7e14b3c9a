use std::io;
use std::path::PathBuf;

use super::manifest::{FORMAT, LATEST, MANIFEST};

/// Why a bundle or the lineage beside it could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The folder cannot be written.
    #[error("can't write the bundle {folder}: {cause}")]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// There is no bundle at the path.
    #[error("no bundle at {folder}: neither {MANIFEST} nor {LATEST} is in it")]
    NotABundle {
        /// The folder.
        folder: PathBuf,
    },
    /// It was written by a newer version.
    #[error(
        "{folder} has bundle format {found}, this version reads {FORMAT}; update layercake \
         or train again"
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It was written by an older version.
    #[error(
        "{folder} has bundle format {found} of an earlier version, this version reads {FORMAT}; \
         train again"
    )]
    Older {
        /// The folder.
        folder: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A file is absent or not what was written.
    #[error("{folder} is damaged: {file} {problem}; restore it or train again")]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The lineage cannot be written; what stood there before still stands.
    #[error("can't write {file}: {cause}")]
    UnwritableLineage {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// There is no lineage to show.
    #[error("no lineage.json at {folder}; name the folder of a model, as models/shop")]
    NoLineage {
        /// The folder.
        folder: PathBuf,
    },
    /// A lineage that can't be read.
    #[error("{file} can't be read ({problem}); the next training starts it anew")]
    DamagedLineage {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}
