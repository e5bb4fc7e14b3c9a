use serde::{Deserialize, Serialize};

use super::AtRiskParams;
use crate::dataset::{ChurnLabel, ChurnRule};
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
    /// Judge only users who did it in so many days before as-of; all who ever did
    /// when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookback_days: Option<u32>,
    /// Days without the event after which a user is silent.
    pub silence_days: u32,
    /// A user is silent by their own pace after so many of their usual gaps.
    pub gap_factor: f64,
    /// Users who did it for the first time less than this long ago are too new to
    /// be judged.
    pub min_age_days: u32,
    /// Which classifier.
    pub model: ModelChoice,
    /// L2 penalty on the coefficients of the logistic regression, on the summed
    /// log loss, scikit-learn's `1 / C`; found by a trial when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l2_penalty: Option<f64>,
    /// Boosted trees at most; a trial finds how many help.
    pub max_rounds: usize,
    /// Step from tree to tree.
    pub learning_rate: f64,
    /// Leaves of a tree at most.
    pub max_leaves: usize,
    /// Rows that a leaf holds at least.
    pub min_leaf_rows: usize,
    /// Features which, when they rise, never lower the risk.
    pub monotone_increasing: Vec<String>,
    /// What a churned user counts, as a multiple of one who stayed.
    pub churner_weight: f64,
    /// A snapshot this much older than the latest counts half; all the same when
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_life_days: Option<u32>,
    /// How probabilities are calibrated.
    pub calibration: CalibrationMethod,
    /// Which churn rate the probabilities are level with.
    pub base_rate: BaseRate,
    /// Users of each class, in training and in the held-out snapshot, below which
    /// a model is not trusted.
    pub min_class_size: usize,
    /// Days before turning silent from which a user is warned of.
    pub warning_days: u32,
    /// Whom to flag.
    pub at_risk: AtRiskParams,
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

/// The churn rate that the probabilities are level with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BaseRate {
    /// That of snapshots.
    Of(RateOf),
    /// A rate that the user knows better, 0..1, on the latest training snapshot.
    Known(f64),
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
            silence_days: 180,
            gap_factor: 3.0,
            min_age_days: 0,
            model: ModelChoice::Auto,
            l2_penalty: None,
            max_rounds: 300,
            learning_rate: 0.04,
            max_leaves: 8,
            min_leaf_rows: 40,
            monotone_increasing: Vec::new(),
            churner_weight: 1.0,
            half_life_days: None,
            calibration: CalibrationMethod::Auto,
            base_rate: BaseRate::Of(RateOf::Training),
            min_class_size: 500,
            warning_days: 15,
            at_risk: AtRiskParams::default(),
        }
    }
}

impl ChurnParams {
    /// The label of a model with this horizon and order event.
    pub fn label(&self, horizon_days: u32, order_event: &str) -> ChurnLabel {
        ChurnLabel {
            rule: self.rule,
            event: self.event.clone().unwrap_or_else(|| order_event.to_owned()),
            horizon_days,
            lookback_days: self.lookback_days,
            silence_days: self.silence_days,
            gap_factor: self.gap_factor,
            min_age_days: self.min_age_days,
        }
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// One line that names the key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), String> {
        let at_least_one = [
            ("lookback_days", self.lookback_days.unwrap_or(1) as usize),
            ("silence_days", self.silence_days as usize),
            ("half_life_days", self.half_life_days.unwrap_or(1) as usize),
            ("max_rounds", self.max_rounds),
            ("min_leaf_rows", self.min_leaf_rows),
        ];
        if let Some((key, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err(format!("[churn] {key} must be at least 1, got 0"));
        }
        let positive = [
            ("gap_factor", self.gap_factor),
            ("churner_weight", self.churner_weight),
            ("learning_rate", self.learning_rate),
        ];
        if let Some((key, value)) = positive.iter().find(|(_, v)| !v.is_finite() || *v <= 0.0) {
            return Err(format!("[churn] {key} must be above zero, got {value}"));
        }
        if let Some(penalty) = self.l2_penalty.filter(|it| !it.is_finite() || *it < 0.0) {
            return Err(format!("[churn] l2_penalty must be zero or more, got {penalty}"));
        }
        if self.learning_rate > 1.0 {
            return Err(format!(
                "[churn] learning_rate must be at most 1, got {}",
                self.learning_rate
            ));
        }
        if !(2..=1024).contains(&self.max_leaves) {
            return Err(format!(
                "[churn] max_leaves must lie between 2 and 1024, got {}",
                self.max_leaves
            ));
        }
        if let BaseRate::Known(rate) = self.base_rate
            && !(rate > 0.0 && rate < 1.0)
        {
            return Err(format!(
                "[churn] base_rate must be \"training\", \"latest\" or a rate between 0 and 1, got \
                 {rate}"
            ));
        }
        if self.event.as_deref() == Some("") {
            return Err("[churn] event must name an event, got \"\"".into());
        }
        self.at_risk.check()
    }
}
