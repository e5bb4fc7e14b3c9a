//! Pure measures of ranking, probability, regression and grouping: numbers in, number
//! out.
//!
//! Ties never depend on row order: equal scores are treated as one group, and
//! where a cut falls inside a tie its members count in proportion.

mod clustering;
mod correlation;
mod expected;
mod probability;
mod quantile;
mod ranking;
mod regression;
mod reliability;

pub use clustering::{adjusted_rand_index, silhouette};
pub use correlation::{centred, correlations};
pub use expected::{ExpectedOutcomes, ProbabilityHistogram};
pub use probability::{brier_score, log_loss, log_losses, squared_errors};
pub use quantile::{median, quantile, sorted};
pub use ranking::{Ranked, RankingMeasures, Truth, rank_correlation, ranks, roc_auc};
pub use regression::{mean, r_squared, standard_deviation, tweedie_deviance};
pub use reliability::{ReliabilityBin, expected_calibration_error, reliability};
