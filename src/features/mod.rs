//! Features of every user as of any date, computed by the engine from a saved
//! plan, and the outcomes that follow that date.
//!
//! `as_of` is exclusive: no feature reads an event at or after it, no outcome
//! reads one before it.

mod catalogue;
mod compute;
mod error;
mod outcomes;
mod plan;
mod snapshots;
mod sql;
mod traits;

pub use catalogue::build_plan;
pub use compute::compute_snapshot;
pub use error::FeatureError;
pub use outcomes::compute_outcomes;
pub use plan::{Feature, FeaturePlan, Relation, Unit};
pub use snapshots::{SnapshotDates, SnapshotParams};
pub use traits::{FeatureParams, InputTraits, describe_input};
