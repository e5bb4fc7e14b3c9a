use serde::{Deserialize, Serialize};

use super::{FlagRule, SilenceParams};
use crate::dataset::{ChurnLabel, ChurnRule};
use crate::settings::{
    Conflict, Count, Days, LearningRate, Leaves, NonNegative, OpenShare, Positive,
};
use crate::stats::calibration::CalibrationMethod;

/// `[churn]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChurnParams {
    /// What counts as churn.
    pub rule: ChurnRule,
    /// The event whose absence is churn; orders when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Only users who did it in so many days before as-of are eligible; all who ever
    /// did when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookback_days: Option<Days>,
    /// Users who did it for the first time less than this long ago are too new to
    /// be eligible.
    pub min_age_days: u32,
    /// Which classifier.
    pub model: ModelChoice,
    /// Features which, when they rise, never lower the risk.
    pub monotone_increasing: Vec<String>,
    /// How probabilities are calibrated.
    pub calibration: CalibrationMethod,
    /// The churn rate that is the mean of the probabilities.
    pub base_rate: BaseRate,
    /// Users of each class, in training and in the holdout snapshot, below which
    /// a model is not trusted.
    pub min_class_size: usize,
    /// Whom to flag.
    pub flag: FlagRule,
    /// The boosted trees.
    pub trees: TreeParams,
    /// The logistic regression.
    pub logistic: LogisticSettings,
    /// What users count in training.
    pub weights: WeightParams,
}

/// `[churn.trees]` of the config.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TreeParams {
    /// Boosted trees at most; out-of-time validation finds how many help.
    pub max_rounds: Count,
    /// Step from tree to tree.
    pub learning_rate: LearningRate,
    /// Leaves of a tree at most.
    pub max_leaves: Leaves,
    /// Rows that a leaf holds at least.
    pub min_leaf_rows: Count,
}

/// `[churn.logistic]` of the config.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticSettings {
    /// L2 penalty on the coefficients, on the summed log loss, scikit-learn's `1 / C`;
    /// found by out-of-time validation when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l2_penalty: Option<NonNegative>,
}

/// `[churn.weights]` of the config.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeightParams {
    /// Weight of a churned user; users who stayed have weight 1.
    pub positive_weight: Positive,
    /// A snapshot this much older than the latest counts half; all the same when
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_life_days: Option<Days>,
}

/// Which classifier is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelChoice {
    /// The one of least log loss at a later date.
    Auto,
    /// Logistic regression.
    Logistic,
    /// Gradient-boosted trees.
    Trees,
    /// The mean of both, in log odds.
    Blend,
}

impl ModelChoice {
    /// What it is called in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Logistic => "logistic regression",
            Self::Trees => "boosted trees",
            Self::Blend => "blend of both",
        }
    }
}

/// The churn rate that is the mean of the probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "must be \"training\", \"latest\" or a rate between 0 and 1, and neither"
)]
pub enum BaseRate {
    /// That of snapshots.
    Of(RateOf),
    /// A rate that the user knows better, on the latest training snapshot.
    Known(OpenShare),
}

/// Snapshots whose churn rate is the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateOf {
    /// All training snapshots, so that no one season decides.
    Training,
    /// The latest training snapshot alone.
    Latest,
}

impl Default for ChurnParams {
    fn default() -> Self {
        Self {
            rule: ChurnRule::NoEvent,
            event: None,
            lookback_days: None,
            min_age_days: 0,
            model: ModelChoice::Auto,
            monotone_increasing: Vec::new(),
            calibration: CalibrationMethod::Sigmoid,
            base_rate: BaseRate::Of(RateOf::Training),
            min_class_size: 500,
            flag: FlagRule::default(),
            trees: TreeParams::default(),
            logistic: LogisticSettings::default(),
            weights: WeightParams::default(),
        }
    }
}

impl Default for TreeParams {
    fn default() -> Self {
        Self {
            max_rounds: Count::of(300),
            learning_rate: LearningRate::of(0.04),
            max_leaves: Leaves::of(8),
            min_leaf_rows: Count::of(40),
        }
    }
}

impl Default for WeightParams {
    fn default() -> Self {
        Self { positive_weight: Positive::of(1.0), half_life_days: None }
    }
}

impl ChurnParams {
    /// The label of a model with this horizon and order event.
    pub fn label(
        &self,
        horizon_days: u32,
        order_event: &str,
        silence: &SilenceParams,
    ) -> ChurnLabel {
        ChurnLabel {
            rule: self.rule,
            event: self.event.clone().unwrap_or_else(|| order_event.to_owned()),
            horizon_days,
            lookback_days: self.lookback_days.map(Days::get),
            silence_days: silence.days.get(),
            gap_factor: silence.gap_factor.get(),
            min_age_days: self.min_age_days,
        }
    }

    /// Checks what no type of a key shows.
    ///
    /// # Errors
    /// The key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        match self.event.as_deref() {
            Some("") => Err(Conflict::new("event", "must name an event, got \"\"")),
            _ => Ok(()),
        }
    }
}
