//! The model of value: chosen at dates of training, fitted to what was known at any.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::customers::{Clock, spend_of};
use super::interval::AmountAhead;
use super::spend::ExpectedSpend;
use super::{MixSelection, NoValue, Occasion, SpendModel, ValueParams};
use crate::dataset::{PaidDays, Snapshot};
use crate::stats::metrics::{log_loss, roc_auc};
use crate::stats::orders::{
    CovariateLevel, FittedOrders, Forecast, Forecaster, GroupedTimes, Horizons, OrderModelKind,
    OrderTimes, fit_orders,
};

/// Customers with a repeat below whom nothing is fitted.
pub const MIN_REPEATERS: usize = 20;

/// Dates at which models are compared, the latest ones.
const MAX_DATES: usize = 3;

pub(super) const DAYS_PER_YEAR: f64 = 365.0;

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

/// The model of value of a bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ValueModel {
    /// There is one.
    Fitted {
        /// How it was chosen.
        selection: ValueSelection,
        /// What learning counts beside it; `None` where there was too little to learn from.
        mix: Option<MixSelection>,
        /// How customers order, leave and pay, by all that was known at the end of training.
        fitted: Box<FittedValue>,
    },
    /// There is none.
    Absent(NoValue),
}

impl ValueModel {
    /// The model, if there is one.
    pub fn fitted(&self) -> Option<&FittedValue> {
        match self {
            Self::Fitted { fitted, .. } => Some(fitted),
            Self::Absent(_) => None,
        }
    }
}

/// What customers will be worth, by what was known at a date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedValue {
    /// Fitted to what was known before this moment.
    pub as_of: NaiveDateTime,
    /// How customers order and leave.
    pub orders: FittedOrders,
    /// For how much.
    pub spend: SpendModel,
    /// Of BG/BB.
    pub occasion: Occasion,
    /// Length of the outcome window.
    pub horizon_days: u32,
    /// How far the lifetime value looks ahead.
    pub value_horizon_days: u32,
    /// By how much less an amount is worth a year later.
    pub discount_yearly: f64,
    /// Part of what customers pay that is earned.
    pub margin: f64,
    /// What the spread of amounts is multiplied by.
    pub spread_factor: f64,
    /// Days with orders that came to nothing or less.
    pub n_days_set_aside: u64,
    /// How far customers are what the models take them to be.
    pub checks: ValueChecks,
}

/// How far customers are what the models take them to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueChecks {
    /// Share of the customers who order on more than half of the days since their first
    /// order, of those who have been here for four weeks: no one does at random times.
    pub share_of_daily_buyers: f64,
    /// Share of the customers whose first order is in the first 20th of the time since the
    /// first order of all: many seem to begin where the data does.
    pub share_of_early_first_orders: f64,
}

/// Days since the first order from which on a customer's days can be many.
const DAILY_FROM_DAYS: u32 = 28;

impl ValueChecks {
    fn of(users: &[PaidDays]) -> Self {
        let customers: Vec<&PaidDays> = users.iter().filter(|paid| paid.n_days > 0).collect();
        let share = |is_so: &dyn Fn(&PaidDays) -> bool| {
            let n = customers.iter().filter(|paid| is_so(paid)).count();
            n as f64 / customers.len().max(1) as f64
        };
        let span = customers.iter().map(|paid| paid.first_days_ago).max().unwrap_or(0);
        let early = f64::from(span) * (1.0 - 1.0 / 20.0);
        Self {
            share_of_daily_buyers: share(&|paid| {
                paid.first_days_ago >= DAILY_FROM_DAYS && paid.n_days * 2 > paid.first_days_ago
            }),
            share_of_early_first_orders: share(&|paid| f64::from(paid.first_days_ago) >= early),
        }
    }
}

/// Chooses a model by what it says of customers at the training dates, latest first, each
/// fitted to what was known then; `training` has outcomes.
///
/// # Errors
/// When a model can be fitted at none of them.
pub fn select_value(
    params: &ValueParams,
    horizon_days: u32,
    training: &[Snapshot],
) -> Result<ValueSelection, NoValue> {
    let dates: Vec<&Snapshot> = training.iter().take(MAX_DATES).collect();
    let mut found: Vec<(ValueCandidate, f64)> = Vec::new();
    let mut refused = None;
    for &kind in params.model.candidates() {
        let tried: Result<Vec<Trial>, NoValue> = dates
            .iter()
            .map(|snapshot| {
                let selection = ValueSelection::untried(kind);
                let customers = customers(snapshot);
                let fitted =
                    fit_value(params, horizon_days, &selection, &customers, snapshot.as_of)?;
                Ok(Trial::new(&fitted, snapshot))
            })
            .collect();
        match tried {
            Ok(trials) => found.push(summary(kind, &trials)),
            Err(reason) => refused = Some(reason),
        }
    }
    let best = found.iter().min_by(|a, b| a.0.log_loss.total_cmp(&b.0.log_loss));
    let Some((best, spread_factor)) = best.cloned() else {
        return Err(refused.expect("a candidate is refused or not"));
    };
    Ok(ValueSelection {
        dates: dates.iter().map(|snapshot| snapshot.as_of).collect(),
        candidates: found.into_iter().map(|(candidate, _)| candidate).collect(),
        chosen: best.model,
        spread_factor,
    })
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
    fn new(fitted: &FittedValue, snapshot: &Snapshot) -> Self {
        let outcomes = snapshot.outcomes.as_ref();
        let values = fitted.forecast_all(&customers(snapshot), snapshot.as_of);
        let mut trial = Self {
            log_likelihood: fitted.orders.log_likelihood / fitted.orders.n_customers as f64,
            p_order: Vec::new(),
            ordered: Vec::new(),
            expected: 0.0,
            actual: 0.0,
            amounts: Vec::new(),
        };
        for (row, value) in values.iter().enumerate() {
            let (Some((forecast, spend)), Some(outcomes)) = (value, outcomes) else { continue };
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
        trial
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

/// Factors of the spread of amounts that are tried.
const SPREAD_FACTORS: [f64; 9] = [0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0];

/// The factor by which intervals hold as often as they say, or nearest to that.
pub(super) fn spread_factor<'a>(amounts: impl Iterator<Item = &'a (AmountAhead, f64)>) -> f64 {
    let amounts: Vec<&(AmountAhead, f64)> = amounts.collect();
    if amounts.is_empty() {
        return 1.0;
    }
    let miss = |factor: &f64| {
        let is_inside =
            |(ahead, paid): &&&(AmountAhead, f64)| ahead.interval(*factor).contains(*paid);
        let share = amounts.iter().filter(is_inside).count() as f64 / amounts.len() as f64;
        (share - super::interval::COVERAGE).abs()
    };
    let misses: Vec<f64> = SPREAD_FACTORS.iter().map(miss).collect();
    let best = (0..misses.len()).min_by(|&a, &b| misses[a].total_cmp(&misses[b]));
    best.map_or(1.0, |place| SPREAD_FACTORS[place])
}

/// What every user of a snapshot paid before it.
fn customers(snapshot: &Snapshot) -> Vec<PaidDays> {
    snapshot.purchases.iter().map(|it| it.paid).collect()
}

/// Fits the chosen model to what was known of all users at a date, in any order.
///
/// # Errors
/// When too few ordered again, or the likelihood has no maximum.
pub fn fit_value(
    params: &ValueParams,
    horizon_days: u32,
    selection: &ValueSelection,
    users: &[PaidDays],
    as_of: NaiveDateTime,
) -> Result<FittedValue, NoValue> {
    let kind = selection.chosen;
    let clock = Clock::new(kind, params.occasion, as_of);
    let times = users.iter().filter_map(|paid| clock.order_times(paid)).collect();
    let customers = GroupedTimes::of(times);
    let (n_repeaters, n_customers) =
        (customers.n_repeaters() as usize, customers.n_customers as usize);
    if n_repeaters < MIN_REPEATERS {
        return Err(NoValue::FewRepeaters { n_repeaters, n_customers, needed: MIN_REPEATERS });
    }
    let level = CovariateLevel { covariates: Vec::new(), customers };
    let orders = fit_orders(kind, &[level])
        .map_err(|error| NoValue::NoMaximum { model: kind, how: error.to_string() })?;
    let spends: Vec<_> = users.iter().filter_map(spend_of).collect();
    Ok(FittedValue {
        as_of,
        orders,
        spend: SpendModel::fit(&spends),
        occasion: params.occasion,
        horizon_days,
        value_horizon_days: params.horizon_days.get(),
        discount_yearly: params.discount_yearly.get(),
        margin: params.margin.get(),
        spread_factor: selection.spread_factor,
        n_days_set_aside: users.iter().map(|paid| u64::from(paid.n_set_aside)).sum(),
        checks: ValueChecks::of(users),
    })
}

impl FittedValue {
    pub(super) fn clock(&self, as_of: NaiveDateTime) -> Clock {
        Clock::new(self.orders.model.kind, self.occasion, as_of)
    }

    pub(super) fn horizons(&self, clock: Clock) -> Horizons {
        let discount_by_day = (1.0 + self.discount_yearly).ln() / DAYS_PER_YEAR;
        Horizons {
            short: clock.units(f64::from(self.horizon_days)),
            long: clock.units(f64::from(self.value_horizon_days)),
            discount: clock.days(discount_by_day),
        }
    }

    /// The chance of an order in the horizon, by the model of orders alone; `None` for who
    /// never paid.
    pub fn p_order(&self, users: &[PaidDays], as_of: NaiveDateTime) -> Vec<Option<f64>> {
        let forecasts = self.forecast_all(users, as_of).into_iter();
        forecasts.map(|it| it.map(|(forecast, _)| forecast.short.p_order)).collect()
    }

    /// What the model of orders says of users, and what their orders are worth; `None` for
    /// who never paid.
    pub(super) fn forecast_all(
        &self,
        users: &[PaidDays],
        as_of: NaiveDateTime,
    ) -> Vec<Option<(Forecast, Option<ExpectedSpend>)>> {
        let clock = self.clock(as_of);
        let times: Vec<Option<OrderTimes>> =
            users.iter().map(|paid| clock.order_times(paid)).collect();
        let customers: Vec<OrderTimes> = times.iter().flatten().copied().collect();
        let forecaster = Forecaster::new(self.orders.model.clone(), self.horizons(clock));
        let mut forecasts = forecaster.forecast_all(&customers).into_iter();
        users
            .iter()
            .zip(&times)
            .map(|(paid, times)| {
                let forecast = times.and_then(|_| forecasts.next())?;
                Some((forecast, self.spend.expected(spend_of(paid))))
            })
            .collect()
    }
}
