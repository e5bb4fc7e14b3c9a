//! Who will not order again within the horizon.

mod error;
mod evaluate;
mod logistic;

pub use error::ChurnError;
pub use evaluate::{ChurnEvaluation, Evidence, RankingScores, evaluate};
pub use logistic::{ChurnParams, FittedChurn, fit_churn};
