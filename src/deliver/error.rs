use std::path::PathBuf;

use super::destination::Destination;
use crate::app::ErrorKind;
use crate::objects::ObjectError;

/// Why scores could not be taken somewhere; what was there still is.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The object store.
    #[error("the scores are published here, but not there: {0}")]
    Object(#[from] ObjectError),
    /// The object store, asked for the nights before.
    #[error("--out has no nights yet, and those at --to can't be fetched: {0}")]
    Records(ObjectError),
    /// The folder of scores on this machine, into which nights are fetched.
    #[error("can't write {out}: {cause}")]
    Out {
        /// The folder.
        out: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The database.
    #[error("the scores are published here, but not there: {to}: {cause}")]
    Postgres {
        /// Where.
        to: Destination,
        /// What the database said, and what to do.
        cause: String,
        /// Whether the same may succeed later.
        is_temporary: bool,
    },
    /// The scores on this machine.
    #[error("the scores are published here, but not there: {folder}: {cause}")]
    Scores {
        /// The folder of the day.
        folder: PathBuf,
        /// Why not.
        cause: String,
    },
}

impl DeliveryError {
    /// What the error means to whoever started the run.
    pub fn kind(&self) -> ErrorKind {
        let is_temporary = match self {
            Self::Object(error) | Self::Records(error) => error.is_temporary,
            Self::Postgres { is_temporary, .. } => *is_temporary,
            Self::Scores { .. } | Self::Out { .. } => false,
        };
        if is_temporary { ErrorKind::TryAgain } else { ErrorKind::CouldNotRun }
    }
}
