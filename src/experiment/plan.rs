//! The plan of an experiment, as people write it before the first user enters.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::hashing::Hashing;
use crate::settings::{Count, Days, Finite, OpenShare, Positive, Share, read_day};
use crate::stats::effects::{Correction, CovariateOf, LiftInterval, MetricForm};

/// The plan. What is not written has the default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentPlan {
    /// What people call it.
    pub name: String,
    /// Decides, with a user's id, the user's arm; another for each experiment.
    pub salt: String,
    /// First day on which users enter.
    #[serde(deserialize_with = "read_day")]
    pub start: NaiveDate,
    /// Day before which the last users enter.
    #[serde(deserialize_with = "read_day")]
    pub end: NaiveDate,
    /// The hash of salt and id.
    #[serde(default)]
    pub hashing: Hashing,
    /// Share of the users that take part; those of a smaller share stay in their arms when
    /// it is raised.
    #[serde(default = "all")]
    pub coverage: Share,
    /// Whether each layer is divided among the arms in exact shares.
    #[serde(default)]
    pub stratify: bool,
    /// Whether effects are put together from those within layers.
    #[serde(default = "yes")]
    pub post_stratify: bool,
    /// Chance of a false alarm, for the primary metric and for all others together.
    #[serde(default = "alpha")]
    pub alpha: OpenShare,
    /// Chance to find the effect that matters.
    #[serde(default = "power")]
    pub power: OpenShare,
    /// Looks at the results: at one, the verdict is given at the planned end; at more, an
    /// interval that is valid at all of them may give it earlier.
    #[serde(default = "one")]
    pub looks: Count,
    /// Users of both arms at which that interval is narrowest.
    #[serde(default = "n_star")]
    pub n_star: Positive,
    /// How p-values beside that of the primary metric are corrected.
    #[serde(default = "holm")]
    pub correction: Correction,
    /// How intervals of lifts are made.
    #[serde(default = "fieller")]
    pub lift_interval: LiftInterval,
    /// Users who join in a week, for the weeks that a plan takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users_per_week: Option<Positive>,
    /// Users who are left alone, cut off before the arms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<HoldoutPlan>,
    /// Where a table by user has what is needed; without it, events are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// The arms; the first is the control.
    #[serde(rename = "arm", default)]
    pub arms: Vec<ArmPlan>,
    /// What is measured.
    #[serde(rename = "metric", default)]
    pub metrics: Vec<MetricPlan>,
}

fn all() -> Share {
    Share::of(1.0)
}

fn yes() -> bool {
    true
}

fn alpha() -> OpenShare {
    OpenShare::of(0.05)
}

fn power() -> OpenShare {
    OpenShare::of(0.8)
}

fn one() -> Count {
    Count::of(1)
}

fn n_star() -> Positive {
    Positive::of(5_000.0)
}

fn holm() -> Correction {
    Correction::Holm
}

fn fieller() -> LiftInterval {
    LiftInterval::Fieller
}

/// Users whom no arm touches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldoutPlan {
    /// Share of all users.
    pub share: OpenShare,
    /// Decides who they are; the same for all experiments of a programme.
    pub salt: String,
}

/// An arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmPlan {
    /// Its name in files.
    pub name: String,
    /// Its share of the users; all add up to 1.
    pub weight: Share,
}

/// SQL over the columns of a table that has rows by user.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The user, or whatever is assigned: a household, a shop. Rows of one are summed.
    /// Without it, each row is a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The name of the arm; without it, that of the file of assignments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// The layer on the day of entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// When the user entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed_at: Option<String>,
    /// When the covariates were known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covariates_as_of: Option<String>,
}

/// A metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricPlan {
    /// Its name in reports.
    pub name: String,
    /// Whether it decides; one metric does.
    #[serde(default)]
    pub primary: bool,
    /// What is compared.
    #[serde(default)]
    pub kind: MetricKind,
    /// Of events: the feature, without a window, as it is in the days after exposure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// Of events: days after exposure that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_days: Option<Days>,
    /// Of a table: SQL of what is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Of a table, for a ratio: SQL of what it is divided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divisor: Option<String>,
    /// What was known before exposure, to take out what chance alone explains: `before`,
    /// the same metric before exposure; `predicted_gmv` or `churn_probability` of the model;
    /// of a table SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covariate: Option<String>,
    /// Of a table, for a ratio: SQL of what the covariate is divided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covariate_divisor: Option<String>,
    /// Days before exposure of the covariate `before`.
    #[serde(default = "covariate_days")]
    pub covariate_days: Days,
    /// Largest value of a user that counts in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// The lift that would matter, as a share of the control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift: Option<Finite>,
    /// Whether effects are shown layer by layer; of the primary metric they always are.
    #[serde(default)]
    pub by_layer: bool,
}

fn covariate_days() -> Days {
    Days::of(30)
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Mean over users.
    #[default]
    Mean,
    /// Share of users for whom it is above 0.
    Share,
    /// One total by another.
    Ratio,
}

/// Where values end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Cap {
    /// At a value.
    Value(Positive),
    /// At a quantile of the values other than 0, of all arms together.
    Quantile(OpenShare),
}

/// What a metric is adjusted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CovariatePlan<'a> {
    /// Nothing.
    None,
    /// The same feature before exposure.
    Before,
    /// The GMV that the model predicts.
    PredictedGmv,
    /// The probability that the model gives for churn.
    ChurnProbability,
    /// SQL over a table.
    Column(&'a str),
}

/// The text of a plan to begin with: two weeks of entries from a day on.
pub fn plan_template(name: &str, start: NaiveDate) -> String {
    let end = start + chrono::Days::new(14);
    let name = name.replace(['"', '\\'], "");
    include_str!("template.toml")
        .replace("{name}", &name)
        .replace("{start}", &start.to_string())
        .replace("{end}", &end.to_string())
}

impl ExperimentPlan {
    /// The metric that decides.
    pub fn primary(&self) -> &MetricPlan {
        self.metrics.iter().find(|metric| metric.primary).unwrap_or(&self.metrics[0])
    }

    /// Whether a model has to predict something.
    pub fn needs_predictions(&self) -> bool {
        let is_predicted = |metric: &MetricPlan| {
            let covariate = metric.covariate(self.columns.is_some());
            matches!(covariate, CovariatePlan::PredictedGmv | CovariatePlan::ChurnProbability)
        };
        self.metrics.iter().any(is_predicted)
    }

    /// Days after exposure that the longest window takes; 0 of a table.
    pub fn longest_window_days(&self) -> u32 {
        self.metrics.iter().filter_map(|it| it.window_days).map(Days::get).max().unwrap_or(0)
    }

    /// The day on which the windows of all users are over.
    pub fn planned_end(&self) -> NaiveDate {
        self.end + chrono::Days::new(u64::from(self.longest_window_days()))
    }
}

impl MetricPlan {
    /// What it is adjusted by.
    pub fn covariate(&self, is_of_table: bool) -> CovariatePlan<'_> {
        match self.covariate.as_deref() {
            None => CovariatePlan::None,
            Some(sql) if is_of_table => CovariatePlan::Column(sql),
            Some("predicted_gmv") => CovariatePlan::PredictedGmv,
            Some("churn_probability") => CovariatePlan::ChurnProbability,
            Some(_) => CovariatePlan::Before,
        }
    }

    /// How it follows from its columns.
    pub fn form(&self, is_of_table: bool) -> MetricForm {
        let is_ratio = self.kind == MetricKind::Ratio;
        let covariate = match self.covariate(is_of_table) {
            CovariatePlan::None => CovariateOf::None,
            CovariatePlan::Before if is_ratio => CovariateOf::Ratio,
            CovariatePlan::Column(_) if self.covariate_divisor.is_some() => CovariateOf::Ratio,
            _ => CovariateOf::Mean,
        };
        MetricForm { is_ratio, covariate }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn the_template_is_a_plan_that_holds_together() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let plan: ExperimentPlan = toml::from_str(&plan_template("spring", day)).unwrap();
        assert_eq!((plan.check(), plan.name.as_str()), (Ok(()), "spring"));
        assert_eq!(plan.planned_end(), day + chrono::Days::new(42));
    }

    /// A plan with one metric, arms of these weights, and more settings.
    pub fn plan_of(settings: &str, weights: &[f64]) -> ExperimentPlan {
        let (plain, tables) = match settings.find('[') {
            Some(place) => settings.split_at(place),
            None => (settings, ""),
        };
        let arm =
            |(number, weight)| format!("[[arm]]\nname = \"arm {number}\"\nweight = {weight}\n");
        let arms: String = weights.iter().enumerate().map(arm).collect();
        let text = format!(
            "name = \"spring\"\nsalt = \"spring-2026\"\nstart = \"2026-03-01\"\nend = \
             \"2026-03-15\"\n{plain}\n{tables}\n{arms}[[metric]]\nname = \"gmv\"\nprimary = true\n\
             feature = \"gmv\"\nwindow_days = 14\n"
        );
        toml::from_str(&text).unwrap()
    }
}
