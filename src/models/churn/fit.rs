use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::rows::PooledRows;
use super::selection::{Validated, select_classifier};
use super::{
    BaseRate, ChurnError, ChurnParams, Classifier, FittedBlend, FittedClassifier, FittedLogistic,
    FittedTrees, FlagRule, LabelledUsers, ModelChoice, ModelSelection, OrderOutlook, RateOf,
    SilenceParams, TrainingRows,
};
use crate::dataset::{ChurnLabel, FeatureMatrix, Snapshot, UserIds};
use crate::settings::nearest_names;
use crate::stats::calibration::{Calibration, CalibrationMethod, intercept_shift};
use crate::stats::linear::probability;
use crate::stats::metrics::median;
use crate::stats::season::SeasonCurve;

/// Rows that a model learns from at most, over all snapshots: beyond that a sample
/// of the users says as much in less memory.
const MAX_ROWS: usize = 400_000;

/// A churn model: a classifier, what makes its log odds probabilities, and how it
/// came about.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedChurn {
    /// Log odds, not calibrated.
    pub classifier: FittedClassifier,
    /// Its label, calibration and how it was selected.
    pub settings: ChurnSettings,
}

/// What belongs to a churn model besides its classifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnSettings {
    /// What counts as churn.
    pub label: ChurnLabel,
    /// The label in a sentence, for whoever reads the file.
    pub label_in_words: String,
    /// What a model of orders adds to the classifier's log odds; `None` where it has no say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlook: Option<OrderOutlook>,
    /// From these log odds to calibrated ones, before the prior correction.
    pub calibration: Calibration,
    /// Rows that the calibration was fitted to: predictions of a later date.
    pub n_calibration_rows: usize,
    /// Prior correction: added to calibrated log odds, so that the mean probability
    /// is the base rate.
    pub intercept_shift: f64,
    /// The base rate.
    pub base_rate: f64,
    /// What the year before adds to calibrated log odds; `None` where it tells nothing, or the
    /// base rate is not that of all training snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub season: Option<SeasonCurve>,
    /// Churn by training snapshot, latest first.
    pub snapshot_rates: Vec<SnapshotRate>,
    /// How the classifiers did in out-of-time validation.
    pub selection: ModelSelection,
    /// Medians of the classifier's features among those who stayed.
    pub typical_of_stayed: Vec<f64>,
    /// Whom to flag.
    pub flag: FlagRule,
    /// When users count as silent.
    pub silence: SilenceParams,
}

/// Churn of one snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotRate {
    /// The date.
    pub as_of: NaiveDateTime,
    /// Eligible users.
    pub n_users: usize,
    /// Share of them who churned.
    pub churn_rate: f64,
}

/// What is known of training snapshots beside their features.
#[derive(Debug, Clone, Default)]
pub struct Beside<'a> {
    /// Log odds of no order in the horizon of the users of each snapshot, by a model of orders
    /// that was fitted to what was known then; empty without one.
    pub no_order: &'a [Vec<Option<f64>>],
    /// By how much the churn rate of a date differs from that of training.
    pub season: Option<SeasonCurve>,
}

/// Fits a churn model to training snapshots, latest first, which were labelled by
/// `label`; `silence` is kept with the model for whom it will score.
///
/// Classifiers are compared and the calibration is fitted on predictions of later
/// snapshots from those whose outcomes had ended by then; the chosen classifier is
/// then fitted to all. Calibration corrects the shape of the curve from prediction
/// to rate. The mean comes from the base rate, since the rate of one season says
/// little of the next; [`Beside::season`] tells by how much that of a date differs.
///
/// # Errors
/// When only one class is present, no feature varies,
/// or a fit fails.
pub fn fit_churn(
    params: &ChurnParams,
    label: &ChurnLabel,
    silence: &SilenceParams,
    snapshots: &[Snapshot],
    beside: Beside<'_>,
    seed: u64,
) -> Result<FittedChurn, ChurnError> {
    check_monotone(params, snapshots)?;
    let labelled = |(place, snapshot)| {
        let no_order = beside.no_order.get(place).map_or(&[][..], Vec::as_slice);
        LabelledUsers::of(snapshot, no_order)
    };
    let mut labelled = snapshots.iter().enumerate().map(labelled).collect::<Result<Vec<_>, _>>()?;
    let snapshot_rates = labelled.iter().map(SnapshotRate::of).collect();
    let users: Vec<&UserIds> = snapshots.iter().map(|snapshot| &snapshot.users).collect();
    thin_out(&mut labelled, &users, seed);
    let pooled = PooledRows::of(&labelled.iter().collect::<Vec<_>>(), params)?;
    pooled.rows().varying_names()?;
    let validated = select_classifier(params, &labelled, label.horizon_days, seed)?;
    let classifier = fit_classifier(params, &pooled.rows(), &validated.selection, seed)?;
    let (outlook, calibration) = calibrate(params, &validated)?;
    let mut log_odds = classifier.log_odds(&pooled.matrix)?;
    let no_order = labelled.iter().flat_map(|it| &it.no_order);
    add_outlook(outlook.as_ref(), &mut log_odds, no_order.copied());
    let calibrated: Vec<f64> = log_odds.iter().map(|&z| calibration.apply(z)).collect();
    let (base_rate, intercept_shift) = prior_correction(params, &calibrated, &labelled);
    Ok(FittedChurn {
        settings: ChurnSettings {
            label: label.clone(),
            label_in_words: label.sentence(),
            outlook,
            calibration,
            n_calibration_rows: validated.churned.len(),
            intercept_shift,
            base_rate,
            season: beside.season.filter(|_| params.base_rate == BaseRate::Of(RateOf::Training)),
            snapshot_rates,
            selection: validated.selection,
            typical_of_stayed: typical_of_stayed(&pooled.rows(), &classifier.features())?,
            flag: params.flag,
            silence: *silence,
        },
        classifier,
    })
}

fn check_monotone(params: &ChurnParams, snapshots: &[Snapshot]) -> Result<(), ChurnError> {
    let names = snapshots.first().map_or(&[][..], |snapshot| snapshot.features.names());
    let Some(name) = params.monotone_increasing.iter().find(|name| !names.contains(name)) else {
        return Ok(());
    };
    let nearest = nearest_names(name, names).first().copied().unwrap_or_default().to_owned();
    Err(ChurnError::NoSuchFeature { name: name.clone(), nearest })
}

impl SnapshotRate {
    fn of(labelled: &LabelledUsers) -> Self {
        let n_users = labelled.churned.len();
        let churn_rate = labelled.n_churned() as f64 / n_users.max(1) as f64;
        Self { as_of: labelled.as_of, n_users, churn_rate }
    }
}

/// Keeps a sample of users where rows are too many, the same users at every date.
fn thin_out(labelled: &mut [LabelledUsers], users: &[&UserIds], seed: u64) {
    let n_rows: usize = labelled.iter().map(|it| it.churned.len()).sum();
    if n_rows > MAX_ROWS {
        let share = MAX_ROWS as f64 / n_rows as f64;
        for (snapshot, users) in labelled.iter_mut().zip(users) {
            *snapshot = snapshot.sample(users, share, seed);
        }
    }
}

fn fit_classifier(
    params: &ChurnParams,
    rows: &TrainingRows<'_>,
    selection: &ModelSelection,
    seed: u64,
) -> Result<FittedClassifier, ChurnError> {
    let logistic = || FittedLogistic::fit(rows, selection.l2_penalty, &params.monotone_increasing);
    let trees = || FittedTrees::fit(rows, params, selection.n_rounds, seed);
    Ok(match selection.chosen {
        ModelChoice::Logistic => FittedClassifier::Logistic(logistic()?),
        ModelChoice::Trees => FittedClassifier::Trees(trees()?),
        ModelChoice::Blend | ModelChoice::Auto => {
            FittedClassifier::Blend(FittedBlend { logistic: logistic()?, trees: trees()? })
        }
    })
}

/// What a model of orders adds, and the curve for both together.
fn calibrate(
    params: &ChurnParams,
    validated: &Validated,
) -> Result<(Option<OrderOutlook>, Calibration), ChurnError> {
    let Validated { log_odds, no_order, churned, .. } = validated;
    if churned.is_empty() || params.calibration == CalibrationMethod::None {
        return Ok((None, Calibration::None));
    }
    let outlook = OrderOutlook::fit(log_odds, no_order, churned)?;
    let mut log_odds = log_odds.clone();
    add_outlook(outlook.as_ref(), &mut log_odds, no_order.iter().copied());
    Ok((outlook, Calibration::fit(params.calibration, &log_odds, churned)?))
}

fn add_outlook(
    outlook: Option<&OrderOutlook>,
    log_odds: &mut [f64],
    no_order: impl Iterator<Item = Option<f64>>,
) {
    if let Some(outlook) = outlook {
        log_odds.iter_mut().zip(no_order).for_each(|(z, it)| *z += outlook.adds(it));
    }
}

/// The base rate, and the shift of the log odds that gives the rows it refers to
/// that mean probability. `calibrated` are the log odds of all snapshots on top of each other.
fn prior_correction(
    params: &ChurnParams,
    calibrated: &[f64],
    labelled: &[LabelledUsers],
) -> (f64, f64) {
    let n_latest = labelled.first().map_or(0, |latest| latest.churned.len());
    let rate_of = |labelled: &[LabelledUsers]| {
        let n: usize = labelled.iter().map(|it| it.churned.len()).sum();
        let n_churned: usize = labelled.iter().map(LabelledUsers::n_churned).sum();
        // No log odds have a mean probability of 0 or 1.
        (n_churned as f64 + 0.5) / (n as f64 + 1.0)
    };
    let (rate, rows) = match params.base_rate {
        BaseRate::Of(RateOf::Training) => (rate_of(labelled), calibrated),
        BaseRate::Of(RateOf::Latest) => (rate_of(&labelled[..1]), &calibrated[..n_latest]),
        BaseRate::Known(rate) => (rate.get(), &calibrated[..n_latest]),
    };
    match rows.is_empty() {
        true => (rate, 0.0),
        false => (rate, intercept_shift(rows, rate)),
    }
}

fn typical_of_stayed(rows: &TrainingRows<'_>, names: &[String]) -> Result<Vec<f64>, ChurnError> {
    names
        .iter()
        .map(|name| {
            let values = rows.matrix.column(name)?;
            let stayed = values.iter().zip(rows.churned).filter(|(_, churned)| !**churned);
            Ok(median(stayed.map(|(&value, _)| value).collect()))
        })
        .collect()
}

impl ChurnSettings {
    /// By how much the season of a date moves log odds.
    pub fn season_shift(&self, as_of: NaiveDateTime) -> f64 {
        self.season.as_ref().map_or(0.0, |season| season.shift(as_of))
    }
}

impl FittedChurn {
    /// Log odds of each row, with what the model of orders adds to the classifier's;
    /// `no_order` has its log odds of no order, as far as they are known.
    ///
    /// # Errors
    /// When the matrix lacks a feature of the model.
    pub fn log_odds(
        &self,
        matrix: &FeatureMatrix,
        no_order: &[Option<f64>],
    ) -> Result<Vec<f64>, ChurnError> {
        let mut log_odds = self.classifier.log_odds(matrix)?;
        add_outlook(self.settings.outlook.as_ref(), &mut log_odds, no_order.iter().copied());
        Ok(log_odds)
    }

    /// Calibrated probabilities of [log odds](Self::log_odds), in the mean season of training.
    pub fn probabilities(&self, log_odds: &[f64]) -> Vec<f64> {
        self.shifted(log_odds, 0.0)
    }

    /// The same in the season of a date.
    pub fn probabilities_at(&self, as_of: NaiveDateTime, log_odds: &[f64]) -> Vec<f64> {
        self.shifted(log_odds, self.settings.season_shift(as_of))
    }

    fn shifted(&self, log_odds: &[f64], shift: f64) -> Vec<f64> {
        let settings = &self.settings;
        let shift = settings.intercept_shift + shift;
        log_odds.iter().map(|&z| probability(settings.calibration.apply(z) + shift)).collect()
    }

    /// Probability to churn by the rule of the label, for each row, in the mean season of
    /// training; `no_order` as of [`FittedChurn::log_odds`].
    ///
    /// # Errors
    /// When the matrix lacks a feature of the model.
    pub fn predict(
        &self,
        matrix: &FeatureMatrix,
        no_order: &[Option<f64>],
    ) -> Result<Vec<f64>, ChurnError> {
        Ok(self.probabilities(&self.log_odds(matrix, no_order)?))
    }
}
