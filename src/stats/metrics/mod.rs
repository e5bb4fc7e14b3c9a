//! Pure measures of ranking, probability and grouping: numbers in, number out.
//!
//! Ties never depend on row order: equal scores are treated as one group, and
//! where a cut falls inside a tie its members count in proportion.

mod bootstrap;
mod clustering;
mod probability;
mod quantile;
mod ranked;
mod ranking;
mod reliability;

pub use bootstrap::{Interval, bootstrap_interval};
pub use clustering::{adjusted_rand_index, silhouette};
pub use probability::{brier_score, log_loss};
pub use quantile::{quantile, sorted};
pub use ranked::{Ranked, RankingMeasures, Truth};
pub use ranking::{capture_at, pr_auc, rank_correlation, roc_auc};
pub use reliability::{ReliabilityBin, expected_calibration_error, reliability};
