//! Hand-over types between the engine and the models: who the users are, what
//! their features are worth at one moment, and what they did afterwards.
//!
//! Models know nothing of SQL, files or configuration; they receive these
//! types, which hold finite numbers only and keep users sorted by id.

mod churn_label;
mod contract;
mod feature_info;
mod language;
mod matrix;
mod outcomes;
mod purchases;
mod signed_log;
mod snapshot;
mod stable_hash;
mod user_ids;

pub use churn_label::{ChurnLabel, ChurnRule, Eligibility};
pub use contract::ColumnContract;
pub use feature_info::{
    DayPart, Dimension, EventRole, Family, FeatureInfo, Missing, Unit, WEEKDAYS,
};
pub use language::{Bilingual, Language};
pub use matrix::FeatureMatrix;
pub use outcomes::Outcomes;
pub use purchases::{Gaps, PaidDays, PurchaseSummary, Purchases};
pub use signed_log::signed_log;
pub use snapshot::Snapshot;
pub use stable_hash::{hash_integer, hash_text, unit_interval};
pub use user_ids::UserIds;

/// What is wrong with data handed to a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DatasetError {
    /// A value is NaN or infinite.
    #[error("feature `{feature}` of row {row} is {value}; only finite numbers are allowed")]
    NotFinite {
        /// Name of the feature (matrix column).
        feature: String,
        /// Row in the matrix, from 0.
        row: usize,
        /// The offending value.
        value: f64,
    },
    /// The number of names, users or outcomes differs from the matrix shape.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// Which count disagrees.
        what: &'static str,
        /// The count that the matrix shape asks for.
        expected: usize,
        /// The count that was given.
        got: usize,
    },
    /// Two columns carry the same name.
    #[error("feature name `{0}` occurs twice")]
    DuplicateName(String),
    /// Users are not in strictly ascending order.
    #[error("users must be sorted and distinct, but `{later}` follows `{earlier}`")]
    Unsorted {
        /// The id at the earlier position.
        earlier: String,
        /// The id that should have come before it.
        later: String,
    },
    /// A model asks for a feature that the matrix does not have.
    #[error("the model needs feature `{missing}`; the matrix has: {available}")]
    MissingFeature {
        /// The feature that the model was fitted on.
        missing: String,
        /// The names that there are.
        available: String,
    },
}
