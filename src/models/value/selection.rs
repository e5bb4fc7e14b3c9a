//! Which model of orders is taken, by what each says at dates of training.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::fit::{Customer, check_repeaters, paid_days};
use super::interval::{AmountAhead, spread_factor};
use super::{FittedValue, MIN_REPEATERS, NoValue, ValueError, ValueParams, fit_value};
use crate::dataset::Snapshot;
use crate::stats::metrics::{log_loss, roc_auc};
use crate::stats::orders::OrderModelKind;

/// Dates at which models are compared, the latest ones.
const MAX_DATES: usize = 3;

/// Which model was chosen, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueSelection {
    /// The dates, latest first, at which each model was fitted to what was known then and
    /// asked who would order in the horizon.
    pub dates: Vec<NaiveDateTime>,
    /// How each did.
    pub candidates: Vec<ValueCandidate>,
    /// The one of least log loss.
    pub chosen: OrderModelKind,
    /// What the spread of amounts is multiplied by for intervals to hold as often as they
    /// say, at the same dates.
    pub spread_factor: f64,
}

/// How a model did, as the mean over the dates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueCandidate {
    /// The model.
    pub model: OrderModelKind,
    /// Log loss of whether customers order in the horizon, in nats.
    pub log_loss: f64,
    /// ROC AUC of the same.
    pub roc_auc: Option<f64>,
    /// Expected days with an order by those that there were.
    pub expected_by_actual: Option<f64>,
    /// Log-likelihood of a customer in sample, for comparison.
    pub log_likelihood: f64,
}

/// Chooses a model by what it says of customers at the training dates, latest first, each
/// fitted to what was known then; `training` has outcomes.
///
/// # Errors
/// When covariates do not exist or have too many values; within, why there can be no model.
pub fn select_value(
    params: &ValueParams,
    horizon_days: u32,
    training: &[Snapshot],
) -> Result<Result<ValueSelection, NoValue>, ValueError> {
    let mut refused = None;
    let can_be_fitted = |snapshot: &&Snapshot| {
        let tried = check_repeaters(&paid_days(snapshot));
        tried.map_err(|reason| refused = Some(reason)).is_ok()
    };
    let dates: Vec<&Snapshot> = training.iter().filter(can_be_fitted).take(MAX_DATES).collect();
    let mut found: Vec<(ValueCandidate, f64)> = Vec::new();
    for &kind in params.model.candidates() {
        let untried = ValueSelection::untried(kind);
        let mut trials = Vec::new();
        for snapshot in &dates {
            match fit_value(params, horizon_days, &untried, snapshot)? {
                Ok(fitted) => trials.push(Trial::new(&fitted, snapshot)?),
                Err(reason) => refused = Some(reason),
            }
        }
        if !dates.is_empty() && trials.len() == dates.len() {
            found.push(summary(kind, &trials));
        }
    }
    let best = found.iter().min_by(|a, b| a.0.log_loss.total_cmp(&b.0.log_loss));
    let Some((best, spread_factor)) = best.cloned() else {
        let nobody =
            NoValue::FewRepeaters { n_repeaters: 0, n_customers: 0, needed: MIN_REPEATERS };
        return Ok(Err(refused.unwrap_or(nobody)));
    };
    Ok(Ok(ValueSelection {
        dates: dates.iter().map(|snapshot| snapshot.as_of).collect(),
        candidates: found.into_iter().map(|(candidate, _)| candidate).collect(),
        chosen: best.model,
        spread_factor,
    }))
}

impl ValueSelection {
    fn untried(kind: OrderModelKind) -> Self {
        Self { dates: Vec::new(), candidates: Vec::new(), chosen: kind, spread_factor: 1.0 }
    }
}

/// What a model said at a date, and what came.
struct Trial {
    log_likelihood: f64,
    p_order: Vec<f64>,
    ordered: Vec<bool>,
    expected: f64,
    actual: f64,
    /// Amounts ahead and what was paid.
    amounts: Vec<(AmountAhead, f64)>,
}

impl Trial {
    fn new(fitted: &FittedValue, snapshot: &Snapshot) -> Result<Self, ValueError> {
        let outcomes = snapshot.known_outcomes()?;
        let values = fitted.forecast_all(snapshot)?;
        let mut trial = Self {
            log_likelihood: fitted.orders.log_likelihood / fitted.orders.n_customers as f64,
            p_order: Vec::new(),
            ordered: Vec::new(),
            expected: 0.0,
            actual: 0.0,
            amounts: Vec::new(),
        };
        for (row, value) in values.iter().enumerate() {
            let Some(Customer { forecast, spend, .. }) = value else { continue };
            trial.p_order.push(forecast.short.p_order);
            trial.ordered.push(outcomes.n_paid_days[row] > 0.0);
            trial.expected += forecast.short.orders;
            trial.actual += outcomes.n_paid_days[row];
            if let Some(spend) = spend {
                let mean = forecast.short.orders * spend.mean;
                trial
                    .amounts
                    .push((AmountAhead::new(&forecast.short, spend, mean), outcomes.gmv[row]));
            }
        }
        Ok(trial)
    }
}

fn summary(kind: OrderModelKind, trials: &[Trial]) -> (ValueCandidate, f64) {
    let mean = |of: &dyn Fn(&Trial) -> f64| {
        trials.iter().map(of).sum::<f64>() / trials.len().max(1) as f64
    };
    let of_all = |of: &dyn Fn(&Trial) -> Option<f64>| {
        let values: Option<Vec<f64>> = trials.iter().map(of).collect();
        values.map(|values| values.iter().sum::<f64>() / values.len().max(1) as f64)
    };
    let candidate = ValueCandidate {
        model: kind,
        log_loss: mean(&|it| log_loss(&it.p_order, &it.ordered).unwrap_or(f64::INFINITY)),
        roc_auc: of_all(&|it| roc_auc(&it.p_order, &it.ordered)),
        expected_by_actual: of_all(&|it| (it.actual > 0.0).then(|| it.expected / it.actual)),
        log_likelihood: mean(&|it| it.log_likelihood),
    };
    (candidate, spread_factor(trials.iter().flat_map(|it| &it.amounts)))
}
