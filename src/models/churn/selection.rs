//! Model selection by out-of-time validation: which classifier predicts best what
//! happened later, inside the training snapshots.

use chrono::NaiveDateTime;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::classifiers::blended;
use super::rows::PooledRows;
use super::{
    ChurnError, ChurnParams, Classifier, FittedLogistic, FittedTrees, LabelledUsers, ModelChoice,
};
use crate::stats::calibration::intercept_shift;
use crate::stats::linear::probability;
use crate::stats::metrics::{log_loss, roc_auc};
use crate::stats::resample::{dates_ended_by, halves};

/// Validation dates at most, the latest ones.
const MAX_FOLDS: usize = 3;

/// Trees between two looks at how well they predict.
const ROUNDS_PER_STAGE: usize = 10;

/// Penalties on the coefficients that are tried where the config names none.
const L2_PENALTIES: [f64; 3] = [1.0, 10.0, 100.0];

/// Log loss, in nats, that a larger penalty must save to be taken.
const WORTH_A_PENALTY: f64 = 5e-4;

/// How the classifier was selected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSelection {
    /// Dates of the snapshots that were predicted, latest first, each from those
    /// whose outcomes had ended by then.
    pub validation_dates: Vec<NaiveDateTime>,
    /// False where no snapshot was early enough to train on: then half of the
    /// users were predicted from the other half.
    pub out_of_time: bool,
    /// How each classifier did.
    pub candidates: Vec<Candidate>,
    /// The one that was taken.
    pub chosen: ModelChoice,
    /// Trees that helped.
    pub n_rounds: usize,
    /// Penalty on the coefficients of the regression.
    pub l2_penalty: f64,
}

/// How a classifier did, as the mean over the validation dates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The classifier.
    pub model: ModelChoice,
    /// Log loss in nats, after the probabilities of each date are shifted to its
    /// churn rate: classifiers are not compared by the season.
    pub log_loss: f64,
    /// ROC AUC; `None` where a date has one class.
    pub roc_auc: Option<f64>,
}

/// The selection, and the predictions of the chosen classifier on the validation
/// dates: log odds, shifted to the churn rate of each date, those of no order, and who
/// churned.
pub(super) struct Validated {
    pub selection: ModelSelection,
    pub log_odds: Vec<f64>,
    pub no_order: Vec<Option<f64>>,
    pub churned: Vec<bool>,
}

struct Fold<'a> {
    training: Vec<&'a LabelledUsers>,
    validation: &'a LabelledUsers,
}

/// Predictions of one fold: by the regression with each penalty, and by trees after
/// each stage.
struct Predictions {
    logistic: Vec<Vec<f64>>,
    trees: Vec<Vec<f64>>,
}

/// A classifier with the settings that are selected for it.
#[derive(Clone, Copy)]
struct Setting {
    model: ModelChoice,
    penalty: usize,
    stage: usize,
}

/// Fits each classifier that the config allows to earlier snapshots and validates it
/// on later ones. `snapshots` come latest first.
pub(super) fn select_classifier(
    params: &ChurnParams,
    snapshots: &[LabelledUsers],
    horizon_days: u32,
    seed: u64,
) -> Result<Validated, ChurnError> {
    let halves = halves_of_latest(snapshots);
    let mut folds = out_of_time_folds(snapshots, horizon_days);
    let out_of_time = !folds.is_empty();
    if let (Some((training, validation)), false) = (&halves, out_of_time) {
        folds.push(Fold { training: vec![training], validation });
    }
    let predictions =
        folds.par_iter().map(|fold| fold.predict(params, seed)).collect::<Result<_, _>>()?;
    let validation = Validation { folds, predictions };
    let (penalty, stage) = (validation.best_penalty(), validation.best_stage());
    let candidates = validation.candidates(params.model, penalty, stage);
    let best = candidates.iter().min_by(|a, b| a.log_loss.total_cmp(&b.log_loss));
    let chosen = best.map_or(ModelChoice::Logistic, |candidate| candidate.model);
    let (log_odds, churned) = validation.outcomes(Setting { model: chosen, penalty, stage });
    let selection = ModelSelection {
        validation_dates: validation.folds.iter().map(|fold| fold.validation.as_of).collect(),
        out_of_time,
        candidates,
        chosen,
        n_rounds: ((stage + 1) * ROUNDS_PER_STAGE).min(params.trees.max_rounds.get()),
        l2_penalty: penalties(params)[penalty],
    };
    let no_order = validation.folds.iter().flat_map(|fold| &fold.validation.no_order);
    Ok(Validated { selection, log_odds, no_order: no_order.copied().collect(), churned })
}

/// Folds, and what each predicted.
struct Validation<'a> {
    folds: Vec<Fold<'a>>,
    predictions: Vec<Predictions>,
}

impl Validation<'_> {
    /// The number of stages after which trees predict best.
    fn best_stage(&self) -> usize {
        let n_stages = self.predictions.iter().map(|it| it.trees.len()).min().unwrap_or(0);
        let loss = |stage| self.mean_loss(Setting { model: ModelChoice::Trees, penalty: 0, stage });
        let losses = (0..n_stages).map(|stage| (stage, loss(stage)));
        losses.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(stage, _)| stage)
    }

    /// The smallest penalty that is about as good as the best.
    fn best_penalty(&self) -> usize {
        let n_penalties = self.predictions.iter().map(|it| it.logistic.len()).min().unwrap_or(0);
        let loss =
            |penalty| self.mean_loss(Setting { model: ModelChoice::Logistic, penalty, stage: 0 });
        let losses: Vec<f64> = (0..n_penalties).map(loss).collect();
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        losses.iter().position(|&loss| loss <= least + WORTH_A_PENALTY).unwrap_or(0)
    }

    /// How each classifier did that the config allows.
    fn candidates(&self, allowed: ModelChoice, penalty: usize, stage: usize) -> Vec<Candidate> {
        let tried = match allowed {
            ModelChoice::Auto => &[ModelChoice::Logistic, ModelChoice::Trees, ModelChoice::Blend],
            _ => std::slice::from_ref(&allowed),
        };
        let candidate = |&model: &ModelChoice| {
            let setting = Setting { model, penalty, stage };
            let (log_loss, roc_auc) = (self.mean_loss(setting), self.mean_auc(setting));
            Candidate { model, log_loss, roc_auc }
        };
        tried.iter().map(candidate).collect()
    }

    /// Shifted log odds of all folds, and who churned.
    fn outcomes(&self, setting: Setting) -> (Vec<f64>, Vec<bool>) {
        let shifted = self.folds.iter().zip(&self.predictions);
        let log_odds = shifted.flat_map(|(fold, it)| fold.shifted(&it.of(setting))).collect();
        let churned = self.folds.iter().flat_map(|fold| &fold.validation.churned);
        (log_odds, churned.copied().collect())
    }

    fn mean_loss(&self, setting: Setting) -> f64 {
        let loss = |(fold, prediction): (&Fold<'_>, &Predictions)| {
            let shifted = fold.shifted(&prediction.of(setting));
            let p: Vec<f64> = shifted.into_iter().map(probability).collect();
            log_loss(&p, &fold.validation.churned)
        };
        let losses: Vec<f64> = self.folds.iter().zip(&self.predictions).filter_map(loss).collect();
        losses.iter().sum::<f64>() / losses.len().max(1) as f64
    }

    fn mean_auc(&self, setting: Setting) -> Option<f64> {
        let folds = self.folds.iter().zip(&self.predictions);
        let aucs = folds
            .map(|(fold, prediction)| roc_auc(&prediction.of(setting), &fold.validation.churned))
            .collect::<Option<Vec<f64>>>()?;
        (!aucs.is_empty()).then(|| aucs.iter().sum::<f64>() / aucs.len() as f64)
    }
}

/// Later snapshots with the earlier ones whose outcomes had ended by then.
fn out_of_time_folds(snapshots: &[LabelledUsers], horizon_days: u32) -> Vec<Fold<'_>> {
    let dates: Vec<NaiveDateTime> = snapshots.iter().map(|it| it.as_of).collect();
    let has_both = |labelled: &LabelledUsers| {
        labelled.n_churned() > 0 && labelled.n_churned() < labelled.churned.len()
    };
    let folds = snapshots.iter().map(|validation| {
        let ended = dates_ended_by(validation.as_of, &dates, horizon_days);
        let training = ended.into_iter().map(|place| &snapshots[place]).filter(|it| has_both(it));
        Fold { training: training.collect(), validation }
    });
    folds
        .filter(|fold| !fold.training.is_empty() && has_both(fold.validation))
        .take(MAX_FOLDS)
        .collect()
}

/// Every other user of the latest snapshot, and the rest.
fn halves_of_latest(snapshots: &[LabelledUsers]) -> Option<(LabelledUsers, LabelledUsers)> {
    let latest = snapshots.first()?;
    let (training, validation) = halves(&latest.churned);
    let (training, validation) = (latest.select(&training), latest.select(&validation));
    (validation.n_churned() > 0 && validation.n_churned() < validation.churned.len())
        .then_some((training, validation))
}

impl Fold<'_> {
    fn predict(&self, params: &ChurnParams, seed: u64) -> Result<Predictions, ChurnError> {
        let pooled = PooledRows::of(&self.training, params)?;
        let rows = pooled.rows();
        let matrix = &self.validation.matrix;
        let logistic = || match params.model {
            ModelChoice::Trees => Ok(Vec::new()),
            _ => FittedLogistic::fit_each(&rows, &penalties(params), &params.monotone_increasing)?
                .iter()
                .map(|fitted| fitted.log_odds(matrix))
                .collect(),
        };
        let trees = || match params.model {
            ModelChoice::Logistic => Ok(Vec::new()),
            _ => FittedTrees::fit(&rows, params, params.trees.max_rounds.get(), seed)?
                .log_odds_in_stages(matrix, ROUNDS_PER_STAGE),
        };
        let (trees, logistic) = rayon::join(trees, logistic);
        Ok(Predictions { logistic: logistic?, trees: trees? })
    }

    /// Log odds shifted to the churn rate of the date.
    fn shifted(&self, log_odds: &[f64]) -> Vec<f64> {
        let rate = self.validation.n_churned() as f64 / self.validation.churned.len() as f64;
        let shift = intercept_shift(log_odds, rate);
        log_odds.iter().map(|z| z + shift).collect()
    }
}

/// The penalties to try, the smallest first.
fn penalties(params: &ChurnParams) -> Vec<f64> {
    params.logistic.l2_penalty.map_or(L2_PENALTIES.to_vec(), |penalty| vec![penalty.get()])
}

impl Predictions {
    fn of(&self, setting: Setting) -> Vec<f64> {
        let logistic = self.logistic.get(setting.penalty).map_or(&[][..], Vec::as_slice);
        let trees = self.trees.get(setting.stage).map_or(&[][..], Vec::as_slice);
        match setting.model {
            ModelChoice::Logistic => logistic.to_vec(),
            ModelChoice::Trees => trees.to_vec(),
            ModelChoice::Blend | ModelChoice::Auto => blended(logistic, trees),
        }
    }
}
