//! From histories and a plan to columns of numbers, for any date.
//!
//! A program is compiled for the plan and the data at hand, and a walk goes through
//! each user's history by it.

mod at_moments;
mod bucket_snapshots;
mod column_groups;
mod computation;
mod dates;
mod outcomes;
mod program;
mod purchases;
mod rows;
mod walk;

pub use at_moments::{FeaturesAtMoments, features_at_moments};
pub use bucket_snapshots::{BucketSnapshot, BucketSnapshots, LateRows};
pub use column_groups::{ColumnGroup, ColumnGroups};
pub use computation::SnapshotRequest;
pub use dates::compute_snapshots;
