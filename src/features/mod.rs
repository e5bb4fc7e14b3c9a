//! Features of every user as of any date, computed from their histories by a
//! saved plan, and the outcomes that follow that date.
//!
//! `as_of` is exclusive: no feature reads an event at or after it, no outcome
//! reads one before it.

mod calendar;
mod catalogue;
mod compute;
mod custom;
mod error;
mod events;
mod measure;
mod moves;
mod orders;
mod params;
mod plan;
mod prune;
mod relevance;
mod slots;
mod snapshots;
mod summary;

pub use catalogue::{InputTraits, SeenInput, build_plan, describe_input};
pub use compute::{
    BucketSnapshot, BucketSnapshots, ColumnGroup, ColumnGroups, FeaturesAtMoments, LateRows,
    SnapshotRequest, compute_snapshots, features_at_moments,
};
pub use custom::{CustomFeature, check_custom};
pub use error::FeatureError;
pub use events::{EventParams, check_event};
use measure::StatisticValue;
pub use measure::{Measure, Quantity, Statistic, Total};
pub use moves::{GroupedUsers, MoveAxes, MoveSums, WINDOW_HOURS, sum_moves};
pub use params::FeatureParams;
pub use plan::{CORE_FEATURES, Feature, FeaturePlan};
pub use prune::{Candidate, Pruning, Verdict, prune};
pub use snapshots::{SnapshotDates, SnapshotParams};
