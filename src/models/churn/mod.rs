//! Who is about to leave, how likely it is, and why.
//!
//! A [`ChurnLabel`](crate::dataset::ChurnLabel) says what leaving means.
//! Classifiers behind one trait learn it from earlier snapshots; they are compared
//! and calibrated by their predictions of later ones. [`FlagRule`] says whom to
//! flag, [`Reasons`] why, and [`SilenceParams`] by when.

mod action;
mod classifiers;
mod error;
mod evaluation;
mod fit;
mod outlook;
mod params;
mod rows;
mod season;
mod selection;

pub use action::{
    AtStake, FlagCandidate, FlagOutcome, FlagRule, FlagUser, KeepingCosts, Reason, ReasonFinder,
    Reasons, RiskSide, Silence, SilenceParams, Theme,
};
pub use classifiers::{
    Classifier, Explain, Explained, FittedBlend, FittedClassifier, FittedLogistic, FittedTrees,
};
pub use error::ChurnError;
pub use evaluation::{
    CalibrationScores, ChurnEvaluation, Estimate, Evidence, Importance, LayerScores,
    ProbabilityScores, Ranking, RankingScores, SHARES, measure_layers, measure_rankings,
};
pub use fit::{Beside, ChurnSettings, FittedChurn, SnapshotRate, fit_churn};
pub use outlook::OrderOutlook;
pub use params::{
    BaseRate, ChurnParams, LogisticSettings, ModelChoice, RateOf, TreeParams, WeightParams,
};
pub use rows::{LabelledUsers, TrainingRows};
pub use season::fit_season;
pub use selection::{Candidate, ModelSelection};
