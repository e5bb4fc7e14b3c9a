//! Layers against RFM: what a grouping, learned on the training snapshots,
//! says of the holdout period.

use chrono::{Days, NaiveDateTime};

use super::forecast::{Candidate, Forecast};
use super::snapshots::training_snapshots;
use crate::app::train::fit;
use crate::app::{Model, PipelineError, Session};
use crate::dataset::{Bilingual, Outcomes, Snapshot};
use crate::models::segmentation::Outcome;
use crate::stats::distributions::student_critical;
use crate::stats::metrics::{Ranked, Truth, log_losses, mean, r_squared, standard_deviation};
use crate::stats::resample::{Interval, bootstrap, percentile_interval};

const N_RESAMPLES: usize = 500;

/// The read-out of a back-test.
#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    /// Users of the holdout snapshot.
    pub n_users: usize,
    /// As-of date of the holdout snapshot.
    pub holdout: NaiveDateTime,
    /// Days after it on which groupings are validated.
    pub horizon_days: u32,
    /// GMV of all users in that time.
    pub gmv: f64,
    /// One row a grouping.
    pub groupings: Vec<GroupingScores>,
    /// Layers against RFM, and against as many groups by one score.
    pub differences: Vec<LayersAgainst>,
}

/// How well the group means of the training snapshots predict the holdout period.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupingScores {
    /// What groups the users, as programs call it.
    pub id: &'static str,
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
    /// The other grouping, as programs call it.
    pub id: &'static str,
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

/// Measures the model's layers, and what they are held against, on its holdout period.
///
/// # Errors
/// When the data cannot be read or the plan does not fit it.
pub fn backtest(session: &Session, model: &Model) -> Result<Backtest, PipelineError> {
    session.run("backtest", 3, |stages| {
        let snapshots = training_snapshots(session, &model.bundle, stages)?;
        stages.begin("comparing");
        compare(model, snapshots.training(), snapshots.holdout())
    })
}

fn compare(
    model: &Model,
    training: &[Snapshot],
    holdout: &Snapshot,
) -> Result<Backtest, PipelineError> {
    let bundle = &model.bundle;
    let mut forecasts = Vec::new();
    for candidate in Candidate::ALL {
        forecasts.extend(Forecast::learn(candidate, model, training, holdout)?);
    }
    let truth = Realised::of(holdout.known_outcomes()?);
    let ranked: Vec<RankedForecast> =
        forecasts.iter().map(|forecast| RankedForecast::new(forecast, &truth)).collect();
    let n_users = holdout.users.len();
    let resamples: Vec<Vec<GroupingScores>> =
        bootstrap(n_users, N_RESAMPLES, bundle.config.seed, |copies| {
            ranked.iter().map(|it| it.measure(&truth, Some(copies))).collect()
        });
    let rivals = (0..ranked.len()).filter(|&place| ranked[place].forecast.candidate.is_rival());
    Ok(Backtest {
        n_users,
        holdout: holdout.as_of,
        horizon_days: bundle.config.snapshots.horizon_days.get(),
        gmv: truth.gmv.iter().sum(),
        groupings: ranked.iter().map(|it| it.measure(&truth, None)).collect(),
        differences: rivals.map(|other| difference(&resamples, other)).collect(),
    })
}

/// Back-tests on several dates.
#[derive(Debug, Clone, PartialEq)]
pub struct RolledBacktest {
    /// One for each date, the latest first.
    pub dates: Vec<Backtest>,
    /// Layers against each rival over the dates.
    pub over_dates: Vec<OverDates>,
}

/// What layers gain over another grouping on several dates.
#[derive(Debug, Clone, PartialEq)]
pub struct OverDates {
    /// The other grouping, as programs call it.
    pub id: &'static str,
    /// The same in words.
    pub name: Bilingual,
    /// In R² of log(1 + GMV).
    pub r2_log_gmv: Option<GainOverDates>,
    /// In R² of GMV.
    pub r2_gmv: Option<GainOverDates>,
    /// In log loss of churn.
    pub churn_log_loss: Option<GainOverDates>,
    /// In the share of GMV that 10 % of users catch.
    pub gmv_capture_10: Option<GainOverDates>,
}

/// Gains on several dates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GainOverDates {
    /// Dates on which layers are better.
    pub n_won: usize,
    /// Dates with a gain at all.
    pub n_dates: usize,
    /// Mean gain.
    pub mean: f64,
    /// 95 % interval of the mean, by Student's t over the dates; `None` of one date.
    pub interval: Option<Interval>,
}

/// Rolls back: trains the config of the model anew as of earlier days, `step_days` apart, as
/// if nothing were known of what came later, and measures each of these models on its own
/// holdout period. Nothing is saved.
///
/// # Errors
/// When the data cannot be read, or does not reach back so far.
pub fn rolled_backtest(
    session: &Session,
    n_dates: usize,
    step_days: u32,
) -> Result<RolledBacktest, PipelineError> {
    session.run("backtest", 1 + 6 * n_dates, |stages| {
        let data = session.read(None, stages)?;
        let last = data.as_of()?;
        let mut dates = Vec::new();
        for number in 0..n_dates as u64 {
            let back = Days::new(number * u64::from(step_days));
            // Before all calendars, and thus before the data.
            let as_of = last.checked_sub_days(back).unwrap_or(NaiveDateTime::MIN);
            let fitted = fit(&data, as_of, stages)?;
            let model = Model::unreviewed(fitted.bundle, Default::default());
            dates.push(compare(&model, &fitted.training, &fitted.holdout)?);
        }
        let over_dates = over_dates(&dates);
        Ok(RolledBacktest { dates, over_dates })
    })
}

fn over_dates(dates: &[Backtest]) -> Vec<OverDates> {
    let rivals = dates.first().map_or(&[][..], |date| &date.differences);
    let of_rival = |rival: &LayersAgainst| {
        // Better is more, but of log loss.
        let gain = |of: fn(&GroupingScores) -> Option<f64>, sign: f64| {
            let of_date = |date: &Backtest| {
                let score = |id: &str| of(date.groupings.iter().find(|it| it.id == id)?);
                Some(sign * (score(date.groupings[0].id)? - score(rival.id)?))
            };
            GainOverDates::of(&dates.iter().filter_map(of_date).collect::<Vec<f64>>())
        };
        OverDates {
            id: rival.id,
            name: rival.name.clone(),
            r2_log_gmv: gain(|it| it.r2_log_gmv, 1.0),
            r2_gmv: gain(|it| it.r2_gmv, 1.0),
            churn_log_loss: gain(|it| it.churn_log_loss, -1.0),
            gmv_capture_10: gain(|it| it.gmv_capture_10, 1.0),
        }
    };
    rivals.iter().map(of_rival).collect()
}

impl GainOverDates {
    fn of(gains: &[f64]) -> Option<Self> {
        let n_dates = gains.len();
        let mean = mean(gains, None)?;
        let interval = (n_dates > 1).then(|| {
            let sd = standard_deviation(gains) * (n_dates as f64 / (n_dates - 1) as f64).sqrt();
            let half = student_critical(0.05, (n_dates - 1) as f64) * sd / (n_dates as f64).sqrt();
            Interval { low: mean - half, high: mean + half }
        });
        let n_won = gains.iter().filter(|gain| **gain > 0.0).count();
        Some(Self { n_won, n_dates, mean, interval })
    }
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
            id: forecast.candidate.id(),
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
        id: resamples[0][other].id,
        name: resamples[0][other].name.clone(),
        r2_log_gmv: interval(|scores| scores.r2_log_gmv),
        r2_gmv: interval(|scores| scores.r2_gmv),
        churn_auc: interval(|scores| scores.churn_auc),
        churn_log_loss: interval(|scores| scores.churn_log_loss.map(|loss| -loss)),
        gmv_capture_10: interval(|scores| scores.gmv_capture_10),
    }
}
