//! Layers against RFM: what a grouping, learned on the training snapshots,
//! says of the holdout period.

use std::collections::BTreeMap;

use super::snapshots::{TrainingSnapshots, training_snapshots};
use crate::app::grouping::user_groups;
use crate::app::{Grouping, Model, PipelineError, Session};
use crate::dataset::{Bilingual, Outcomes, Snapshot};
use crate::models::rules::RuleGrouping;
use crate::models::segmentation::{Outcome, Partition};
use crate::stats::metrics::{Ranked, Truth, log_losses, mean, r_squared};
use crate::stats::resample::{Interval, bootstrap, percentile_interval};

const N_RESAMPLES: usize = 500;

/// The read-out of a back-test.
#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    /// Users of the holdout snapshot.
    pub n_users: usize,
    /// As-of date of the holdout snapshot.
    pub holdout: chrono::NaiveDateTime,
    /// Days after it on which groupings are validated.
    pub horizon_days: u32,
    /// GMV of all users in that time.
    pub gmv: f64,
    /// One row a grouping.
    pub groupings: Vec<GroupingScores>,
    /// Layers against each RFM grouping.
    pub differences: Vec<LayersAgainst>,
}

/// How well the group means of the training snapshots predict the holdout period.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupingScores {
    /// What groups the users.
    pub grouping: Grouping,
    /// The same in words.
    pub name: Bilingual,
    /// Groups that occur in the holdout snapshot.
    pub n_groups: usize,
    /// Out-of-sample R² of log(1 + GMV).
    pub r2_log_gmv: Option<f64>,
    /// Out-of-sample R² of GMV.
    pub r2_gmv: Option<f64>,
    /// ROC AUC of the group's churn rate: by the rule of the config or, for users whom
    /// it does not apply to, no order in the horizon.
    pub churn_auc: Option<f64>,
    /// Log loss of the group's churn rate, in nats.
    pub churn_log_loss: Option<f64>,
    /// Share of GMV caught by the 10 % of users in the groups of highest mean GMV.
    pub gmv_capture_10: Option<f64>,
    /// The same for 20 %.
    pub gmv_capture_20: Option<f64>,
}

/// What layers gain over another grouping: 95 % bootstrap intervals over users
/// of the difference, above zero where layers are better.
#[derive(Debug, Clone, PartialEq)]
pub struct LayersAgainst {
    /// The other grouping.
    pub other: Grouping,
    /// The same in words.
    pub name: Bilingual,
    /// Gain in R² of log(1 + GMV).
    pub r2_log_gmv: Option<Interval>,
    /// Gain in R² of GMV.
    pub r2_gmv: Option<Interval>,
    /// Gain in ROC AUC of churn.
    pub churn_auc: Option<Interval>,
    /// Log loss of churn that is saved: the other's minus that of layers.
    pub churn_log_loss: Option<Interval>,
    /// Gain in the share of GMV that 10 % of users catch.
    pub gmv_capture_10: Option<Interval>,
}

/// The predictions of a grouping for each user of the holdout snapshot.
struct Forecast {
    grouping: Grouping,
    name: Bilingual,
    n_groups: usize,
    log_gmv: Vec<f64>,
    gmv: Vec<f64>,
    churn: Vec<f64>,
}

/// Measures the model's layers and its RFM groupings on its holdout period.
///
/// # Errors
/// When the data cannot be read or the plan does not fit it.
pub fn backtest(session: &Session, model: &Model) -> Result<Backtest, PipelineError> {
    session.run("backtest", 3, |stages| {
        let snapshots = training_snapshots(session, &model.bundle, stages)?;
        stages.begin("comparing");
        compare(model, &snapshots)
    })
}

fn compare(model: &Model, snapshots: &TrainingSnapshots) -> Result<Backtest, PipelineError> {
    let (holdout, training) = (snapshots.holdout(), snapshots.training());
    let bundle = &model.bundle;
    let forecasts = [
        forecast(Grouping::Groups(Partition::Layers), model, training, holdout)?,
        forecast(Grouping::Groups(Partition::Kinds), model, training, holdout)?,
        forecast(Grouping::KindTiers, model, training, holdout)?,
        forecast(Grouping::Rule(RuleGrouping::Rfm), model, training, holdout)?,
        forecast(Grouping::Rule(RuleGrouping::RfmCells), model, training, holdout)?,
    ];
    let truth = Realised::of(holdout.known_outcomes()?);
    let ranked: Vec<RankedForecast> =
        forecasts.iter().map(|forecast| RankedForecast::new(forecast, &truth)).collect();
    let n_users = holdout.users.len();
    let resamples: Vec<Vec<GroupingScores>> =
        bootstrap(n_users, N_RESAMPLES, bundle.config.seed, |copies| {
            ranked.iter().map(|it| it.measure(&truth, Some(copies))).collect()
        });
    Ok(Backtest {
        n_users,
        holdout: holdout.as_of,
        horizon_days: bundle.config.snapshots.horizon_days.get(),
        gmv: truth.gmv.iter().sum(),
        groupings: ranked.iter().map(|it| it.measure(&truth, None)).collect(),
        differences: rules(&ranked).map(|other| difference(&resamples, other)).collect(),
    })
}

/// Places of the groupings that layers are held against.
fn rules(ranked: &[RankedForecast<'_>]) -> impl Iterator<Item = usize> {
    let is_rule = |place: &usize| matches!(ranked[*place].forecast.grouping, Grouping::Rule(_));
    (0..ranked.len()).filter(is_rule)
}

/// "RFM, 10 names"
fn in_words(grouping: Grouping, model: &Model) -> Bilingual {
    let n_names = model.bundle.rules.rfm_map.names().len();
    match grouping {
        Grouping::Rule(RuleGrouping::Rfm) => {
            Bilingual::new(format!("RFM, {n_names} names"), format!("RFM，{n_names} 个名称"))
        }
        Grouping::Rule(RuleGrouping::RfmCells) => Bilingual::new("RFM, 125 cells", "RFM，125 格"),
        _ => grouping.title(),
    }
}

#[derive(Default)]
struct GroupSums {
    n: f64,
    gmv: f64,
    log_gmv: f64,
    churned: f64,
}

impl GroupSums {
    fn add(&mut self, outcomes: &Outcomes, row: usize) {
        self.n += 1.0;
        self.gmv += outcomes.gmv[row];
        self.log_gmv += Outcome::LogGmv.of_user(outcomes, row);
        self.churned += f64::from(u8::from(outcomes.churned_or_no_order(row)));
    }
}

/// Learns group means on the training snapshots and looks them up for the
/// holdout users; a group that training never saw gets the overall mean.
fn forecast(
    grouping: Grouping,
    model: &Model,
    training: &[Snapshot],
    holdout: &Snapshot,
) -> Result<Forecast, PipelineError> {
    let keys = |snapshot: &Snapshot| {
        Ok::<_, PipelineError>(user_groups(model, grouping, snapshot)?.group_of)
    };
    let mut groups: BTreeMap<usize, GroupSums> = BTreeMap::new();
    let mut overall = GroupSums::default();
    for snapshot in training {
        let Some(outcomes) = &snapshot.outcomes else { continue };
        for (row, key) in keys(snapshot)?.into_iter().enumerate() {
            groups.entry(key).or_default().add(outcomes, row);
            overall.add(outcomes, row);
        }
    }
    let keys = keys(holdout)?;
    let mean = |key: &usize, of: fn(&GroupSums) -> f64| {
        let sums = groups.get(key).unwrap_or(&overall);
        of(sums) / sums.n
    };
    let mut distinct = keys.clone();
    distinct.sort_unstable();
    distinct.dedup();
    Ok(Forecast {
        grouping,
        name: in_words(grouping, model),
        n_groups: distinct.len(),
        log_gmv: keys.iter().map(|key| mean(key, |sums| sums.log_gmv)).collect(),
        gmv: keys.iter().map(|key| mean(key, |sums| sums.gmv)).collect(),
        churn: keys.iter().map(|key| mean(key, |sums| sums.churned)).collect(),
    })
}

/// What came of each user.
struct Realised {
    gmv: Vec<f64>,
    log_gmv: Vec<f64>,
    churned: Vec<bool>,
    /// True for each: all users count where GMV is ranked.
    everybody: Vec<bool>,
}

impl Realised {
    fn of(outcomes: &Outcomes) -> Self {
        Self {
            log_gmv: Outcome::LogGmv.of(outcomes),
            churned: (0..outcomes.gmv.len()).map(|row| outcomes.churned_or_no_order(row)).collect(),
            everybody: vec![true; outcomes.gmv.len()],
            gmv: outcomes.gmv.clone(),
        }
    }
}

/// A forecast with what does not change between resamples.
struct RankedForecast<'a> {
    forecast: &'a Forecast,
    by_churn: Ranked,
    by_gmv: Ranked,
    log_losses: Vec<f64>,
}

impl<'a> RankedForecast<'a> {
    fn new(forecast: &'a Forecast, truth: &Realised) -> Self {
        Self {
            forecast,
            by_churn: Ranked::new(&forecast.churn),
            by_gmv: Ranked::new(&forecast.gmv),
            log_losses: log_losses(&forecast.churn, &truth.churned),
        }
    }

    /// Measures the users, each counting as often as `copies` says.
    fn measure(&self, truth: &Realised, copies: Option<&[u32]>) -> GroupingScores {
        let forecast = self.forecast;
        let churned = Truth { positive: &truth.churned, value: None };
        let gmv = Truth { positive: &truth.everybody, value: Some(&truth.gmv) };
        let capture = self.by_gmv.measure(gmv, copies, &[0.1, 0.2]).value_capture;
        GroupingScores {
            grouping: forecast.grouping,
            name: forecast.name.clone(),
            n_groups: forecast.n_groups,
            r2_log_gmv: r_squared(&forecast.log_gmv, &truth.log_gmv, copies),
            r2_gmv: r_squared(&forecast.gmv, &truth.gmv, copies),
            churn_auc: self.by_churn.measure(churned, copies, &[]).roc_auc,
            churn_log_loss: mean(&self.log_losses, copies),
            gmv_capture_10: capture[0],
            gmv_capture_20: capture[1],
        }
    }
}

/// Intervals of what layers, the first grouping, gain over another one.
fn difference(resamples: &[Vec<GroupingScores>], other: usize) -> LayersAgainst {
    let interval = |of: fn(&GroupingScores) -> Option<f64>| {
        percentile_interval(
            resamples.iter().map(|scores| Some(of(&scores[0])? - of(&scores[other])?)),
        )
    };
    LayersAgainst {
        other: resamples[0][other].grouping,
        name: resamples[0][other].name.clone(),
        r2_log_gmv: interval(|scores| scores.r2_log_gmv),
        r2_gmv: interval(|scores| scores.r2_gmv),
        churn_auc: interval(|scores| scores.churn_auc),
        churn_log_loss: interval(|scores| scores.churn_log_loss.map(|loss| -loss)),
        gmv_capture_10: interval(|scores| scores.gmv_capture_10),
    }
}
