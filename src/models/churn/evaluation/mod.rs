//! How good a churn model is, and whether there is enough to trust it.

mod evidence;
mod importance;
mod scores;

pub use evidence::Evidence;
pub use importance::Importance;
pub use scores::{
    CalibrationScores, ChurnEvaluation, Estimate, LayerScores, ProbabilityScores, Ranking,
    RankingScores, SHARES, measure_layers, measure_rankings,
};
