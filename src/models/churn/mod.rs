//! Who is about to leave, how likely it is, and why.
//!
//! A [`ChurnLabel`](crate::dataset::ChurnLabel) says what leaving means; classifiers behind one trait learn it
//! from earlier snapshots, are compared by what they foretell of later ones and
//! calibrated on it; [`AtRiskParams`] says whom to flag, [`Reasons`] why, and
//! [`SilenceRule`] by when.

mod at_risk;
mod blend;
mod classifier;
mod error;
mod evaluate;
mod fit;
mod importance;
mod logistic;
mod params;
mod reasons;
mod rows;
mod themes;
mod trees;
mod trial;
mod trust;
mod warning;

pub use at_risk::{AtRiskParams, FlagBy, FlagOutcome};
pub use blend::FittedBlend;
pub use classifier::{Classifier, Explain, FittedClassifier};
pub use error::ChurnError;
pub use evaluate::{
    CalibrationScores, ChurnEvaluation, Estimate, LayerScores, ProbabilityScores, Ranking,
    RankingScores, SHARES, measure_layers, measure_rankings,
};
pub use fit::{ChurnSettings, FittedChurn, SnapshotRate, fit_churn};
pub use importance::Importance;
pub use logistic::FittedLogistic;
pub use params::{BaseRate, ChurnParams, ModelChoice, RateOf};
pub use reasons::{Reason, ReasonThemes, Reasons};
pub use rows::{JudgedUsers, TrainingRows};
pub use themes::{RiskSide, Theme};
pub use trees::FittedTrees;
pub use trial::{Candidate, TrialRecord};
pub use trust::Evidence;
pub use warning::{Silence, SilenceRule};
