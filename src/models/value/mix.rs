//! The model of orders and learning together: the level from learning, as far as it is to be
//! trusted, and the shape over time from the model.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::customers::Clock;
use super::fit::{Customer, DAYS_PER_YEAR, covariates};
use super::interval::{AmountAhead, spread_factor};
use super::learned::{Basis, Learned, LearnedRounds, ValueRows};
use super::{AmountInterval, FittedValue, LearnedValue, ValueError};
use crate::dataset::Snapshot;
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
    /// Weight of learning that was taken: 0 for the model of orders alone, 1 for all that the
    /// trees add to it.
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
    /// Log odds of no order in the horizon, by the model of orders alone and whatever the
    /// season; `None` for who never paid.
    pub no_order_log_odds: Option<f64>,
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
    /// How many times as often customers order as usual.
    season: f64,
    forecaster: Forecaster,
}

impl<'m> Mixed<'m> {
    /// Prepares to value users at a date.
    pub fn valuer(self, as_of: NaiveDateTime) -> Valuer<'m> {
        let clock = self.fitted.clock(as_of);
        let forecaster = self.fitted.forecaster(clock);
        Valuer { model: self, clock, season: self.fitted.season_factor(as_of), forecaster }
    }
}

impl Valuer<'_> {
    /// What every user of a snapshot will be worth; `None` for who never paid where nothing
    /// was learned.
    ///
    /// # Errors
    /// When the matrix lacks a feature of the trees.
    pub fn values(&self, snapshot: &Snapshot) -> Result<Vec<Option<UserValue>>, ValueError> {
        let fitted = self.model.fitted;
        let covariates = covariates(&snapshot.features, &fitted.covariates)?;
        let forecast = |row: usize| {
            let paid = &snapshot.purchases[row].paid;
            let covariates = covariates.row(row).to_vec();
            let when = (self.clock, self.season);
            Customer::of(fitted, when, &self.forecaster, paid, &covariates)
        };
        let forecasts: Vec<Option<Customer>> = (0..snapshot.users.len()).map(forecast).collect();
        let Some((trees, weight)) = self.model.learned else {
            return Ok(forecasts
                .iter()
                .map(|it| Some(self.of_customer(it.as_ref()?, None)))
                .collect());
        };
        let learned = trees.predict(&snapshot.features, &bases(&forecasts))?;
        let of_user = |(forecast, learned): (&Option<_>, Learned)| match forecast {
            Some(forecast) => Some(self.of_customer(forecast, Some((learned, weight)))),
            None => Some(self.of_prospect(trees, learned)),
        };
        Ok(forecasts.iter().zip(learned).map(of_user).collect())
    }

    fn of_customer(&self, customer: &Customer, learned: Option<(Learned, f64)>) -> UserValue {
        let fitted = self.model.fitted;
        let Customer { forecast, no_order, spend } = customer;
        let of_model = Basis::of(customer);
        let mixed = of_model.map(|basis| basis.with(learned));
        let p_order = mixed.map_or(forecast.short.p_order, |it| it.p_order);
        let by_model = match forecast.short.p_order > 0.0 {
            true => p_order / forecast.short.p_order,
            false => 1.0,
        };
        let orders = (forecast.short.orders * by_model).max(p_order);
        let amounts = spend.zip(of_model).zip(mixed).map(|((spend, of_model), mixed)| {
            let value_horizon = mixed.value();
            // The model says how the year relates to the horizon.
            let level = if of_model.value() > 0.0 { value_horizon / of_model.value() } else { 1.0 };
            let clv = fitted.margin * level * forecast.long.discounted_orders * spend.mean;
            let ahead = |ahead: &OrdersAhead, mean, p_order| {
                let amount = AmountAhead::new(ahead, &spend, mean).with_p_order(p_order);
                amount.interval(fitted.spread_factor)
            };
            UserAmounts {
                expected_order_value: if orders > 0.0 {
                    value_horizon / orders
                } else {
                    spend.mean
                },
                value_horizon,
                value_horizon_interval: ahead(&forecast.short, value_horizon, p_order),
                clv,
                clv_interval: ahead(&forecast.long, clv, p_order_later(forecast, p_order)),
            }
        });
        UserValue {
            p_alive: Some(forecast.p_alive),
            no_order_log_odds: Some(*no_order),
            p_order_horizon: p_order,
            expected_orders_horizon: orders,
            next_order_days: Some(forecast.next_order.map(|units| self.clock.days(units))),
            amounts,
        }
    }

    /// Who never paid is known to trees alone: in the years to come the chance of a first
    /// order stays what it is in the horizon.
    fn of_prospect(&self, trees: &LearnedValue, learned: Learned) -> UserValue {
        let fitted = self.model.fitted;
        let basis = trees.prospect.with(Some((learned, 1.0)));
        let (p_horizon, value) = (basis.p_order, basis.value());
        let orders = p_horizon * trees.orders_of_buyer;
        let n_horizons = f64::from(fitted.value_horizon_days) / f64::from(fitted.horizon_days);
        let p_order = 1.0 - (1.0 - p_horizon).powf(n_horizons);
        let half_way = f64::from(fitted.value_horizon_days) / 2.0 / DAYS_PER_YEAR;
        let discount = (1.0 + fitted.discount_yearly).powf(-half_way);
        let clv = fitted.margin * discount * basis.amount_of_buyer * p_order;
        let amounts = fitted.spend.expected(None).map(|spend| {
            let interval = |p_order: f64, mean| {
                let (orders, variance) = (p_order, p_order * (1.0 - p_order));
                let ahead = OrdersAhead { p_order, orders, discounted_orders: orders, variance };
                AmountAhead::new(&ahead, &spend, mean).interval(fitted.spread_factor)
            };
            UserAmounts {
                expected_order_value: value / orders.max(f64::MIN_POSITIVE),
                value_horizon: value,
                value_horizon_interval: interval(p_horizon, value),
                clv,
                clv_interval: interval(p_order, clv),
            }
        });
        UserValue {
            p_alive: None,
            no_order_log_odds: None,
            p_order_horizon: p_horizon,
            expected_orders_horizon: orders,
            next_order_days: None,
            amounts,
        }
    }
}

/// What trees are added to, of every user.
fn bases(forecasts: &[Option<Customer>]) -> Vec<Option<Basis>> {
    forecasts.iter().map(|it| Basis::of(it.as_ref()?)).collect()
}

/// The chance of an order in the value horizon, where that of one in the horizon is not the
/// model's: who has none by then orders later as the model says.
fn p_order_later(forecast: &Forecast, p_order_horizon: f64) -> f64 {
    let (short, long) = (forecast.short.p_order, forecast.long.p_order);
    let later = if short < 1.0 { ((long - short) / (1.0 - short)).clamp(0.0, 1.0) } else { 0.0 };
    p_order_horizon + (1.0 - p_order_horizon) * later
}

/// Users of a later date, and what is said of them.
struct Fold {
    forecasts: Vec<Option<Customer>>,
    learned: Vec<Learned>,
    gmv: Vec<f64>,
    credibility: f64,
    rounds: LearnedRounds,
}

impl Fold {
    fn new(
        training: &[(&Snapshot, &FittedValue)],
        (validation, fitted): (&Snapshot, &FittedValue),
        seed: u64,
    ) -> Result<Option<Self>, ValueError> {
        let (training, later) =
            (ValueRows::of(training, seed)?, ValueRows::of(&[(validation, fitted)], seed)?);
        if !training.is_enough() || !later.is_enough() {
            return Ok(None);
        }
        let (trees, rounds) = LearnedValue::validate(&training, &later, seed)?;
        let forecasts = fitted.forecast_all(validation)?;
        Ok(Some(Self {
            learned: trees.predict(&validation.features, &bases(&forecasts))?,
            forecasts,
            gmv: validation.known_outcomes()?.gmv.iter().map(|&it| it.max(0.0)).collect(),
            credibility: trees.credibility(),
            rounds,
        }))
    }

    /// Amounts ahead of the customers by a weight of learning, their means, and what they
    /// paid.
    fn amounts(&self, weight: f64) -> Vec<(AmountAhead, f64, f64)> {
        let of_user = |row: usize| {
            let customer = self.forecasts[row].as_ref()?;
            let spend = customer.spend?;
            let learned = Some((self.learned[row], weight));
            let mixed = Basis::of(customer)?.with(learned);
            let amount = AmountAhead::new(&customer.forecast.short, &spend, mixed.value());
            Some((amount.with_p_order(mixed.p_order), mixed.value(), self.gmv[row]))
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
pub fn learn_value<'s>(
    snapshots: &'s [Snapshot],
    fitted_at: &dyn Fn(NaiveDateTime) -> Option<&'s FittedValue>,
    horizon_days: u32,
    seed: u64,
) -> Result<Option<LearnedMix>, ValueError> {
    let dates: Vec<NaiveDateTime> = snapshots.iter().map(|it| it.as_of).collect();
    let (mut folds, mut validated) = (Vec::new(), Vec::new());
    let with_model = |snapshot: &'s Snapshot| Some((snapshot, fitted_at(snapshot.as_of)?));
    for validation in snapshots {
        let ended = dates_ended_by(validation.as_of, &dates, horizon_days);
        let training = ended.into_iter().filter_map(|place| with_model(&snapshots[place]));
        let training: Vec<_> = training.collect();
        let Some(validation) = with_model(validation).filter(|_| !training.is_empty()) else {
            continue;
        };
        if folds.len() < MAX_FOLDS
            && let Some(fold) = Fold::new(&training, validation, seed)?
        {
            folds.push(fold);
            validated.push(validation.0.as_of);
        }
    }
    let out_of_time = !folds.is_empty();
    if !out_of_time && let Some((latest, fitted)) = snapshots.first().and_then(with_model) {
        let (first, second) = halves(&vec![(); latest.users.len()]);
        let (first, second) = (latest.select_rows(&first), latest.select_rows(&second));
        if let Some(fold) = Fold::new(&[(&first, fitted)], (&second, fitted), seed)? {
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
            let all: Vec<_> = snapshots.iter().filter_map(with_model).collect();
            let rows = ValueRows::of(&all, seed)?;
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
    MixCandidate::of(weight, &expected, &actual)
}

impl MixCandidate {
    /// How expected amounts did.
    pub(super) fn of(weight: f64, expected: &[f64], actual: &[f64]) -> Self {
        let total: f64 = actual.iter().sum();
        let gini = Ranked::new(expected).gini(actual, None);
        let perfect = Ranked::new(actual).gini(actual, None);
        Self {
            weight,
            deviance: tweedie_deviance(expected, actual).unwrap_or(f64::INFINITY),
            expected_by_actual: (total > 0.0).then(|| expected.iter().sum::<f64>() / total),
            gini: gini.zip(perfect).map(|(gini, perfect)| gini / perfect),
        }
    }
}
