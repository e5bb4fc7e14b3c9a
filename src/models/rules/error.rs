use super::RfmMapError;
use crate::dataset::DatasetError;
use crate::settings::Conflict;

/// Why users could not be grouped by rule.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The map of RFM codes to names is not sound.
    #[error(transparent)]
    Map(#[from] RfmMapError),
    /// Settings that exclude each other.
    #[error("[lifecycle] {0}")]
    Lifecycle(#[from] Conflict),
    /// The matrix lacks a feature that a rule reads.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}
