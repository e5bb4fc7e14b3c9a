//! Gradient-boosted regression trees: a thin wall around the library that
//! grows them, so that another can take its place.

mod error;
mod trees;

pub use error::BoostingError;
pub use trees::{BoostedTrees, BoostingParams, Sample, best_n_rounds, fit_trees};
