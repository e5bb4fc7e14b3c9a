//! A trained model on disk: plain, versioned files with hashes.
//!
//! ```text
//! models/<name>/latest                    name of the newest bundle
//! models/<name>/lineage.json              how its layers came from those before
//! models/<name>/<as_of>-<hash>/
//!   manifest.json        format, model, hash of every other file
//!   config.toml          the resolved config
//!   features.json        the feature plan
//!   pruning.json         all features of the catalogue and why some were dropped
//!   layers.json          scaling, centroids, profiles, names
//!   kinds.json           the same of kinds, with how users' habits differ
//!   tiers.json           bounds between tiers of predicted GMV
//!   outcome_models.json  boosted trees of the embedding that layers lie in
//!   rfm.json             edges and names of RFM, and of the other groupings by rule
//!   churn.json           what churn is, calibration, whom to flag, model selection
//!   classifier.json      coefficients and trees that predict churn
//!   value.json           how customers order, leave and pay
//!   value_trees.json     boosted trees that count beside it
//!   score_columns.json   what the columns of its scores promise
//!   reference.json       users as they were when it was trained, in bins
//!   record.json          dates, input profile, measures on the holdout snapshot
//! ```
//!
//! `parts` says which part of a model goes into which file.

mod encoding;
mod error;
mod lineage;
mod load;
mod manifest;
mod movement;
mod parts;
mod record;
mod sealed;

pub use error::BundleError;
pub use lineage::{
    Born, Compared, Died, Generation, Kept, Lineage, LineageEntry, LineageGroup, Merged, Split,
    take_turn,
};
pub use load::ids_in_bundles;
pub use manifest::FORMAT;
pub use movement::{Movement, MovementFlow};
pub use parts::Bundle;
pub use record::TrainingRecord;
pub use sealed::Sealed;
