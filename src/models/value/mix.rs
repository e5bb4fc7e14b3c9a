//! The model of orders and learning together: the level from learning, as far as it is to be
//! trusted, and the shape over time from the model.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::customers::{Clock, spend_of};
use super::fit::{DAYS_PER_YEAR, covariates};
use super::interval::AmountAhead;
use super::learned::{Learned, LearnedRounds, ValueRows};
use super::selection::spread_factor;
use super::spend::ExpectedSpend;
use super::{AmountInterval, FittedValue, LearnedValue, ValueError};
use crate::dataset::{PaidDays, Snapshot};
use crate::stats::linear::probability;
use crate::stats::metrics::{Ranked, tweedie_deviance};
use crate::stats::orders::{Forecast, Forecaster, OrdersAhead};
use crate::stats::resample::{dates_ended_by, halves};

/// Dates at which learning is tried, the latest ones.
const MAX_FOLDS: usize = 2;

/// How much learning counts, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixSelection {
    /// Dates whose users were predicted by trees that were grown on those whose outcomes had
    /// ended by then, latest first.
    pub dates: Vec<NaiveDateTime>,
    /// False where no snapshot was early enough: then half of the users were predicted from
    /// the other half.
    pub out_of_time: bool,
    /// How each weight did.
    pub candidates: Vec<MixCandidate>,
    /// Weight of learning that was taken: 0 for the model of orders alone, 1 for trees alone.
    pub weight: f64,
    /// Trees that helped.
    pub rounds: LearnedRounds,
}

/// How a weight of learning did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixCandidate {
    /// The weight.
    pub weight: f64,
    /// Tweedie deviance of customers' amounts, of power 1.5.
    pub deviance: f64,
    /// Expected by actual amounts.
    pub expected_by_actual: Option<f64>,
    /// Normalised Gini.
    pub gini: Option<f64>,
}

/// What a user will be worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserValue {
    /// The chance to be still a customer; `None` for who never paid.
    pub p_alive: Option<f64>,
    /// The chance of an order in the horizon.
    pub p_order_horizon: f64,
    /// Expected days with an order in the horizon.
    pub expected_orders_horizon: f64,
    /// When those who order within the value horizon do so next, in days from as-of: the
    /// 5 %, 50 % and 95 % quantiles; `None` for who never paid.
    pub next_order_days: Option<[f64; 3]>,
    /// What is in money, where the data has amounts.
    pub amounts: Option<UserAmounts>,
}

/// What a user will pay, in the currency of the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserAmounts {
    /// Expected value of a day with an order.
    pub expected_order_value: f64,
    /// Expected amount in the horizon.
    pub value_horizon: f64,
    /// Between which amounts it will lie.
    pub value_horizon_interval: AmountInterval,
    /// Expected amount over the value horizon, discounted, times the margin.
    pub clv: f64,
    /// Between which amounts it will lie.
    pub clv_interval: AmountInterval,
}

/// A model of orders, and trees beside it if they count.
#[derive(Debug, Clone, Copy)]
pub struct Mixed<'m> {
    /// The model of orders.
    pub fitted: &'m FittedValue,
    /// Trees and their weight.
    pub learned: Option<(&'m LearnedValue, f64)>,
}

/// Values users at a date, with all prepared that they have in common.
pub struct Valuer<'m> {
    model: Mixed<'m>,
    clock: Clock,
    forecaster: Forecaster,
}

impl<'m> Mixed<'m> {
    /// Prepares to value users at a date.
    pub fn valuer(self, as_of: NaiveDateTime) -> Valuer<'m> {
        let clock = self.fitted.clock(as_of);
        let forecaster = self.fitted.forecaster(clock);
        Valuer { model: self, clock, forecaster }
    }
}

impl Valuer<'_> {
    /// What every user of a snapshot will be worth; `None` for who never paid where nothing
    /// was learned.
    ///
    /// # Errors
    /// When the matrix lacks a feature of the trees.
    pub fn values(&self, snapshot: &Snapshot) -> Result<Vec<Option<UserValue>>, ValueError> {
        let learned: Vec<Option<(Learned, f64)>> = match self.model.learned {
            None => vec![None; snapshot.users.len()],
            Some((trees, weight)) => {
                let of_users = trees.predict(&snapshot.features)?.into_iter();
                of_users.map(|it| Some((it, weight))).collect()
            }
        };
        let covariates = covariates(&snapshot.features, &self.model.fitted.covariates)?;
        let of_user = |(row, learned): (usize, Option<(Learned, f64)>)| {
            self.value(&snapshot.purchases[row].paid, &covariates.row(row).to_vec(), learned)
        };
        Ok(learned.into_iter().enumerate().map(of_user).collect())
    }

    fn value(
        &self,
        paid: &PaidDays,
        covariates: &[f64],
        learned: Option<(Learned, f64)>,
    ) -> Option<UserValue> {
        let fitted = self.model.fitted;
        let Some(times) = self.clock.order_times(paid) else {
            return learned.map(|(learned, _)| self.of_prospect(&learned));
        };
        let forecast = self.forecaster.forecast(&times, covariates);
        let spend = fitted.spend.expected(spend_of(paid));
        let ahead = mixed_orders(&forecast, learned);
        let amounts = spend.map(|spend| {
            let (short, value_horizon) = amount_ahead(&forecast, &ahead, &spend, learned);
            // The model says how the years relate to the horizon.
            let by_model = forecast.short.orders * spend.mean;
            let level = if by_model > 0.0 { value_horizon / by_model } else { 1.0 };
            let clv = fitted.margin * level * forecast.long.discounted_orders * spend.mean;
            let p_order = p_order_later(&forecast, ahead.p_order);
            let long = AmountAhead::new(&forecast.long, &spend, clv).with_p_order(p_order);
            UserAmounts {
                expected_order_value: match ahead.orders > 0.0 {
                    true => value_horizon / ahead.orders,
                    false => spend.mean,
                },
                value_horizon,
                value_horizon_interval: short.interval(fitted.spread_factor),
                clv,
                clv_interval: long.interval(fitted.spread_factor),
            }
        });
        Some(UserValue {
            p_alive: Some(forecast.p_alive),
            p_order_horizon: ahead.p_order,
            expected_orders_horizon: ahead.orders,
            next_order_days: Some(forecast.next_order.map(|units| self.clock.days(units))),
            amounts,
        })
    }

    /// Who never paid is known to trees alone: in the years to come the chance of a first
    /// order stays what it is in the horizon.
    fn of_prospect(&self, learned: &Learned) -> UserValue {
        let fitted = self.model.fitted;
        let orders_of_buyer = self.model.learned.map_or(1.0, |it| it.0.orders_of_buyer);
        let orders = learned.p_order * orders_of_buyer;
        let n_horizons = f64::from(fitted.value_horizon_days) / f64::from(fitted.horizon_days);
        let p_order = 1.0 - (1.0 - learned.p_order).powf(n_horizons);
        let half_way = f64::from(fitted.value_horizon_days) / 2.0 / DAYS_PER_YEAR;
        let discount = (1.0 + fitted.discount_yearly).powf(-half_way);
        let clv = fitted.margin * discount * learned.value * p_order / learned.p_order.max(1e-12);
        let ahead = |p_order| OrdersAhead {
            p_order,
            orders: p_order,
            discounted_orders: p_order,
            variance: p_order * (1.0 - p_order),
        };
        let spend = fitted.spend.expected(None);
        let amounts = spend.map(|spend| {
            let interval = |p_order, mean| {
                AmountAhead::new(&ahead(p_order), &spend, mean).interval(fitted.spread_factor)
            };
            UserAmounts {
                expected_order_value: if orders > 0.0 {
                    learned.value / orders
                } else {
                    spend.mean
                },
                value_horizon: learned.value,
                value_horizon_interval: interval(learned.p_order, learned.value),
                clv,
                clv_interval: interval(p_order, clv),
            }
        });
        UserValue {
            p_alive: None,
            p_order_horizon: learned.p_order,
            expected_orders_horizon: orders,
            next_order_days: None,
            amounts,
        }
    }
}

/// Orders in the horizon: whether one comes by both, in log odds, and how many more then by
/// the model of orders.
fn mixed_orders(forecast: &Forecast, learned: Option<(Learned, f64)>) -> OrdersAhead {
    let of_model = forecast.short;
    let Some((learned, weight)) = learned else { return of_model };
    let log_odds = |p: f64| {
        let p = p.clamp(1e-9, 1.0 - 1e-9);
        (p / (1.0 - p)).ln()
    };
    let both = weight * log_odds(learned.p_order) + (1.0 - weight) * log_odds(of_model.p_order);
    let p_order = probability(both);
    let by_model = if of_model.p_order > 0.0 { p_order / of_model.p_order } else { 1.0 };
    let orders = (of_model.orders * by_model).max(p_order);
    let discounted_orders = of_model.discounted_orders * by_model;
    OrdersAhead { p_order, orders, discounted_orders, variance: of_model.variance }
}

/// The chance of an order in the value horizon, where that of one in the horizon is not the
/// model's: who has none by then orders later as the model says.
fn p_order_later(forecast: &Forecast, p_order_horizon: f64) -> f64 {
    let (short, long) = (forecast.short.p_order, forecast.long.p_order);
    let later = if short < 1.0 { ((long - short) / (1.0 - short)).clamp(0.0, 1.0) } else { 0.0 };
    p_order_horizon + (1.0 - p_order_horizon) * later
}

/// The amount in the horizon, with its mean.
fn amount_ahead(
    forecast: &Forecast,
    ahead: &OrdersAhead,
    spend: &ExpectedSpend,
    learned: Option<(Learned, f64)>,
) -> (AmountAhead, f64) {
    let by_model = forecast.short.orders * spend.mean;
    let mean = match learned {
        Some((learned, weight)) => weight * learned.value + (1.0 - weight) * by_model,
        None => by_model,
    };
    (AmountAhead::new(&forecast.short, spend, mean).with_p_order(ahead.p_order), mean)
}

/// Users of a later date, and what is said of them.
struct Fold {
    forecasts: Vec<Option<(Forecast, Option<ExpectedSpend>)>>,
    learned: Vec<Learned>,
    gmv: Vec<f64>,
    credibility: f64,
    rounds: LearnedRounds,
}

impl Fold {
    fn new(
        training: &[&Snapshot],
        validation: &Snapshot,
        fitted: &FittedValue,
        seed: u64,
    ) -> Result<Option<Self>, ValueError> {
        let (training, later) =
            (ValueRows::of(training, seed)?, ValueRows::of(&[validation], seed)?);
        if !training.is_enough() || !later.is_enough() {
            return Ok(None);
        }
        let (trees, rounds) = LearnedValue::validate(&training, &later, seed)?;
        Ok(Some(Self {
            forecasts: fitted.forecast_all(validation)?,
            learned: trees.predict(&validation.features)?,
            gmv: validation.known_outcomes()?.gmv.iter().map(|&it| it.max(0.0)).collect(),
            credibility: trees.credibility(),
            rounds,
        }))
    }

    /// Amounts ahead of the customers by a weight of learning, their means, and what they
    /// paid.
    fn amounts(&self, weight: f64) -> Vec<(AmountAhead, f64, f64)> {
        let of_user = |row: usize| {
            let (forecast, spend) = self.forecasts[row].as_ref()?;
            let learned = Some((self.learned[row], weight)).filter(|_| weight > 0.0);
            let ahead = mixed_orders(forecast, learned);
            let (amount, mean) = amount_ahead(forecast, &ahead, spend.as_ref()?, learned);
            Some((amount, mean, self.gmv[row]))
        };
        (0..self.gmv.len()).filter_map(of_user).collect()
    }
}

/// Tries how much learning should count, by what it says of later dates, and grows the trees
/// if it should. `snapshots` come latest first; `fitted_at` gives the model of orders at each
/// of their dates. `None` where there is too little to learn from, or the data has no
/// amounts.
///
/// # Errors
/// When trees cannot be grown.
pub fn learn_value<'f>(
    snapshots: &[Snapshot],
    fitted_at: &dyn Fn(NaiveDateTime) -> Option<&'f FittedValue>,
    horizon_days: u32,
    seed: u64,
) -> Result<Option<LearnedMix>, ValueError> {
    let dates: Vec<NaiveDateTime> = snapshots.iter().map(|it| it.as_of).collect();
    let (mut folds, mut validated) = (Vec::new(), Vec::new());
    for validation in snapshots {
        let ended = dates_ended_by(validation.as_of, &dates, horizon_days);
        let training: Vec<&Snapshot> = ended.into_iter().map(|place| &snapshots[place]).collect();
        let Some(fitted) = fitted_at(validation.as_of).filter(|_| !training.is_empty()) else {
            continue;
        };
        if folds.len() < MAX_FOLDS
            && let Some(fold) = Fold::new(&training, validation, fitted, seed)?
        {
            folds.push(fold);
            validated.push(validation.as_of);
        }
    }
    let out_of_time = !folds.is_empty();
    if !out_of_time && let Some(fitted) = dates.first().and_then(|&date| fitted_at(date)) {
        let latest = &snapshots[0];
        let (first, second) = halves(&vec![(); latest.users.len()]);
        let (first, second) = (latest.select_rows(&first), latest.select_rows(&second));
        if let Some(fold) = Fold::new(&[&first], &second, fitted, seed)? {
            folds.push(fold);
            validated.push(latest.as_of);
        }
    }
    let Some(latest) = folds.first() else { return Ok(None) };
    let weights = [0.0, latest.credibility, 1.0];
    let candidates: Vec<MixCandidate> =
        weights.iter().map(|&weight| measured(&folds, weight)).collect();
    let best = candidates.iter().min_by(|a, b| a.deviance.total_cmp(&b.deviance));
    let Some(weight) = best.map(|it| it.weight).filter(|_| candidates[0].deviance.is_finite())
    else {
        return Ok(None);
    };
    let rounds = latest.rounds;
    let ahead: Vec<(AmountAhead, f64)> =
        folds.iter().flat_map(|it| it.amounts(weight)).map(|it| (it.0, it.2)).collect();
    let trees = match weight > 0.0 {
        false => None,
        true => {
            let rows = ValueRows::of(&snapshots.iter().collect::<Vec<_>>(), seed)?;
            Some(LearnedValue::fit(&rows, rounds, seed)?)
        }
    };
    Ok(Some(LearnedMix {
        spread_factor: spread_factor(ahead.iter()),
        selection: MixSelection { dates: validated, out_of_time, candidates, weight, rounds },
        trees,
    }))
}

/// How much learning counts, and the trees if it does.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedMix {
    /// How it was found.
    pub selection: MixSelection,
    /// The trees.
    pub trees: Option<LearnedValue>,
    /// What the spread of amounts is multiplied by for intervals to hold.
    pub spread_factor: f64,
}

fn measured(folds: &[Fold], weight: f64) -> MixCandidate {
    let users: Vec<(f64, f64)> =
        folds.iter().flat_map(|it| it.amounts(weight)).map(|it| (it.1, it.2)).collect();
    let (expected, actual): (Vec<f64>, Vec<f64>) = users.into_iter().unzip();
    let total: f64 = actual.iter().sum();
    let gini = Ranked::new(&expected).gini(&actual, None);
    let perfect = Ranked::new(&actual).gini(&actual, None);
    MixCandidate {
        weight,
        deviance: tweedie_deviance(&expected, &actual).unwrap_or(f64::INFINITY),
        expected_by_actual: (total > 0.0).then(|| expected.iter().sum::<f64>() / total),
        gini: gini.zip(perfect).map(|(gini, perfect)| gini / perfect),
    }
}
