//! Models that learn from snapshots: no SQL, no files, no config file.

pub mod churn;
pub mod rules;
pub mod segmentation;
pub mod value;
pub mod worth;
