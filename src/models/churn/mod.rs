//! Who is about to leave, how likely it is, and why.
//!
//! A [`ChurnLabel`](crate::dataset::ChurnLabel) says what leaving means; classifiers behind one trait learn it
//! from earlier snapshots, are compared by what they foretell of later ones and
//! calibrated on it; [`FlagRule`] says whom to flag, [`Reasons`] why, and
//! [`SilenceParams`] by when.

mod blend;
mod classifier;
mod error;
mod evaluate;
mod fit;
mod flags;
mod importance;
mod logistic;
mod params;
mod reasons;
mod rows;
mod silence;
mod themes;
mod trees;
mod trial;
mod trust;

pub use blend::FittedBlend;
pub use classifier::{Classifier, Explain, FittedClassifier};
pub use error::ChurnError;
pub use evaluate::{
    CalibrationScores, ChurnEvaluation, Estimate, LayerScores, ProbabilityScores, Ranking,
    RankingScores, SHARES, measure_layers, measure_rankings,
};
pub use fit::{ChurnSettings, FittedChurn, SnapshotRate, fit_churn};
pub use flags::{FlagOutcome, FlagRule, KeepingCosts};
pub use importance::Importance;
pub use logistic::FittedLogistic;
pub use params::{
    BaseRate, ChurnParams, LogisticSettings, ModelChoice, RateOf, TreeParams, WeightParams,
};
pub use reasons::{Reason, ReasonThemes, Reasons};
pub use rows::{JudgedUsers, TrainingRows};
pub use silence::{Silence, SilenceParams};
pub use themes::{RiskSide, Theme};
pub use trees::FittedTrees;
pub use trial::{Candidate, TrialRecord};
pub use trust::Evidence;
