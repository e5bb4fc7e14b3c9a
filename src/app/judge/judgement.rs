//! How published scores did.

use chrono::NaiveDate;

use crate::app::score::ExpectedChurn;
use crate::dataset::Bilingual;
use crate::models::churn::Estimate;

/// How published scores did.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What happened is known up to here.
    pub known_to: NaiveDate,
    /// Nights whose horizon has ended, the earliest first.
    pub nights: Vec<JudgedNight>,
    /// The others, and why each is not judged.
    pub unjudged: Vec<UnjudgedNight>,
}

/// A night beside what happened in its horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedNight {
    /// As-of date.
    pub day: NaiveDate,
    /// The bundle that scored it.
    pub bundle: String,
    /// End of the horizon.
    pub horizon_end: NaiveDate,
    /// Users with a probability of whom it is known whether they churned.
    pub n_users: usize,
    /// Users with a probability to whom the churn rule does not apply by what is known now,
    /// or of whom nothing is known any more.
    pub n_unknown: usize,
    /// Share who churned.
    pub churn_rate: Estimate,
    /// Mean of the probabilities.
    pub mean_probability: f64,
    /// Whether the two differ by more than chance and by five points, or a fifth of the mean
    /// probability where that is less.
    pub is_off: bool,
    /// What was expected on that night; `None` of scores that did not say.
    pub expected: Option<ExpectedChurn>,
    /// Area under the ROC curve.
    pub roc_auc: Option<Estimate>,
    /// Brier score.
    pub brier: Option<Estimate>,
    /// Log loss in nats.
    pub log_loss: Option<Estimate>,
    /// Expected calibration error, over ten bins of equal size.
    pub ece: Option<Estimate>,
    /// Flagged users among them.
    pub n_flagged: usize,
    /// Share of the flagged who churned; `None` where nobody is flagged.
    pub flag_precision: Option<Estimate>,
    /// By layer, in layer order; layers with such users only.
    pub layers: Vec<JudgedLayer>,
}

/// A layer of a judged night.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedLayer {
    /// Its id.
    pub id: String,
    /// Its name on that night.
    pub name: Bilingual,
    /// Users with a probability of whom it is known whether they churned.
    pub n_users: usize,
    /// Share who churned.
    pub churn_rate: Estimate,
    /// Mean of the probabilities.
    pub mean_probability: f64,
    /// Area under the ROC curve within the layer.
    pub roc_auc: Option<Estimate>,
    /// Brier score.
    pub brier: Option<Estimate>,
    /// Flagged users among them.
    pub n_flagged: usize,
    /// Share of the flagged who churned.
    pub flag_precision: Option<Estimate>,
}

/// A night that is not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnjudgedNight {
    /// As-of date.
    pub day: NaiveDate,
    /// Why not.
    pub reason: Bilingual,
}
