//! Gradient-boosted regression trees: a thin wall around the library that
//! grows them, so that another can take its place.

mod error;
mod explainer;
mod patterns;
mod trees;

pub use error::BoostingError;
pub use explainer::Explainer;
pub use trees::{BoostedTrees, BoostingParams, Loss, Sample, fit_best_trees, fit_trees};
