use std::collections::{BTreeMap, HashMap};

use ndarray::{Array1, Array2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::active::{Active, LeavingNodes};
use super::bg_bb::BgBb;
use super::bg_nbd::{BgNbd, Leaves};
use super::derivatives::ByParameters;
use super::order_times::{GroupedTimes, OrderTimes};
use super::pareto_nbd::ParetoNbd;
use crate::stats::numerics::{Derivatives, Maximum, Nodes, Unfitted, maximise};

/// How customers order and leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderModelKind {
    /// At random times; they may leave after every repeat.
    BgNbd,
    /// At random times; they may leave after every order, the first included.
    MbgNbd,
    /// At random times; they may leave at any time.
    ParetoNbd,
    /// On occasions of a calendar.
    BgBb,
}

impl OrderModelKind {
    /// What it is called in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BgNbd => "BG/NBD",
            Self::MbgNbd => "MBG/NBD",
            Self::ParetoNbd => "Pareto/NBD",
            Self::BgBb => "BG/BB",
        }
    }

    /// What the papers call its parameters.
    pub fn parameter_names(self) -> [&'static str; 4] {
        match self {
            Self::BgNbd | Self::MbgNbd => ["r", "alpha", "a", "b"],
            Self::ParetoNbd => ["r", "alpha", "s", "beta"],
            Self::BgBb => ["alpha", "beta", "gamma", "delta"],
        }
    }

    /// By how much one unit of a covariate's effect on the rate of orders, and on leaving,
    /// moves the logarithm of each parameter.
    ///
    /// Source: Fader & Hardie (2007), "Incorporating time-invariant covariates into the
    /// Pareto/NBD and BG/NBD models", §3 and §4.
    fn moved_by_covariates(self) -> [[f64; 4]; 2] {
        match self {
            Self::BgNbd | Self::MbgNbd => [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]],
            Self::ParetoNbd => [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0]],
            Self::BgBb => [[0.0; 4]; 2],
        }
    }

    /// Where the search for a maximum begins, which is no more than the right size.
    fn start(self, grouped: &GroupedTimes) -> [f64; 4] {
        let customers = grouped.n_customers.max(1.0);
        let repeats = (grouped.n_repeats() / customers).max(1e-3);
        let ages: f64 = grouped.rows.iter().map(|(times, n)| n * times.age_weeks()).sum();
        let weeks = (ages / customers).max(0.1);
        match self {
            Self::BgNbd | Self::MbgNbd => [0.5, 0.5 * weeks / repeats, 1.0, 2.0],
            Self::ParetoNbd => [0.5, 0.5 * weeks / repeats, 0.5, weeks],
            Self::BgBb => [1.0, 1.0, 0.5, 2.0],
        }
    }

    /// The log-likelihood with its derivatives by the parameters.
    fn log_likelihood(self, parameters: [f64; 4], grouped: &GroupedTimes) -> ByParameters {
        match self {
            Self::BgNbd => BgNbd::new(parameters, Leaves::AfterRepeats).log_likelihood(grouped),
            Self::MbgNbd => BgNbd::new(parameters, Leaves::AfterEveryOrder).log_likelihood(grouped),
            Self::ParetoNbd => ParetoNbd::new(parameters).log_likelihood(grouped),
            Self::BgBb => BgBb::new(parameters).log_likelihood(grouped),
        }
    }
}

/// Customers of the same covariates.
#[derive(Debug, Clone, PartialEq)]
pub struct CovariateLevel {
    /// One number a covariate.
    pub covariates: Vec<f64>,
    /// When they ordered.
    pub customers: GroupedTimes,
}

impl CovariateLevel {
    /// Every tenth row.
    fn thinned(&self) -> Self {
        let rows = self.customers.rows.iter().step_by(10).copied().collect();
        Self { covariates: self.covariates.clone(), customers: GroupedTimes::of_counted(rows) }
    }
}

/// What one unit of a covariate does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CovariateEffect {
    /// Added to the logarithm of the rate of orders.
    pub on_rate: f64,
    /// Added to the logarithm of how soon customers leave; with BG/NBD of how alike they
    /// are in it.
    pub on_leaving: f64,
}

/// A model of orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderModel {
    /// Which.
    pub kind: OrderModelKind,
    /// In the order of [`OrderModelKind::parameter_names`]; times in weeks. Of a customer
    /// whose covariates are all 0.
    pub parameters: [f64; 4],
    /// One for each covariate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<CovariateEffect>,
}

/// A fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedOrders {
    /// The model.
    pub model: OrderModel,
    /// Of the parameters; `None` where the likelihood is flat.
    pub standard_errors: Option<[f64; 4]>,
    /// Of the effects of covariates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors_of_effects: Vec<CovariateEffect>,
    /// In nats.
    pub log_likelihood: f64,
    /// Customers.
    pub n_customers: usize,
    /// Customers with a repeat.
    pub n_repeaters: usize,
}

/// Rows from which a first fit to every tenth of them saves time.
const MANY_ROWS: usize = 20_000;

/// Penalty on half the square of an effect: it matters only where a level has few customers.
const PENALTY: f64 = 1.0;

/// Fits a model to customers by level of their covariates; all levels have as many.
///
/// # Errors
/// When no maximum is found.
pub fn fit_orders(
    kind: OrderModelKind,
    levels: &[CovariateLevel],
) -> Result<FittedOrders, Unfitted> {
    let n_covariates = levels.first().map_or(0, |level| level.covariates.len());
    let largest =
        levels.iter().max_by(|a, b| a.customers.n_customers.total_cmp(&b.customers.n_customers));
    let Some(largest) = largest else {
        return Err(Unfitted { n_steps: 0, gain: f64::INFINITY });
    };
    let mut start: Vec<f64> = kind.start(&largest.customers).map(f64::ln).to_vec();
    start.resize(4 + 2 * n_covariates, 0.0);
    if levels.iter().map(|level| level.customers.rows.len()).sum::<usize>() >= MANY_ROWS {
        let thinned: Vec<CovariateLevel> = levels.iter().map(CovariateLevel::thinned).collect();
        if let Ok(maximum) = maximise_likelihood(kind, &thinned, &start) {
            start = maximum.at;
        }
    }
    let maximum = maximise_likelihood(kind, levels, &start)?;
    Ok(fitted(kind, levels, &maximum, n_covariates))
}

fn maximise_likelihood(
    kind: OrderModelKind,
    levels: &[CovariateLevel],
    start: &[f64],
) -> Result<Maximum, Unfitted> {
    let moved: Vec<Array2<f64>> =
        levels.iter().map(|level| moves(kind, &level.covariates)).collect();
    maximise(start, |at| {
        let point = Array1::from(at.to_vec());
        let mut total = Derivatives::zeros(at.len());
        for (level, moved) in levels.iter().zip(&moved) {
            let logs = moved.dot(&point);
            let parameters: [f64; 4] = std::array::from_fn(|i| logs[i].exp());
            let of_level = kind.log_likelihood(parameters, &level.customers);
            let of_level = of_level.by_logarithms(&parameters);
            total.value += of_level.value;
            total.gradient += &moved.t().dot(&of_level.gradient);
            total.hessian += &moved.t().dot(&of_level.hessian).dot(moved);
        }
        for i in 4..at.len() {
            total.value -= PENALTY / 2.0 * at[i] * at[i];
            total.gradient[i] -= PENALTY * at[i];
            total.hessian[[i, i]] -= PENALTY;
        }
        total
    })
}

fn fitted(
    kind: OrderModelKind,
    levels: &[CovariateLevel],
    maximum: &Maximum,
    n_covariates: usize,
) -> FittedOrders {
    let parameters: [f64; 4] = std::array::from_fn(|i| maximum.at[i].exp());
    let covariance = maximum.covariance.as_ref();
    let error = |i: usize| covariance.map_or(f64::INFINITY, |it| it[[i, i]].max(0.0).sqrt());
    let effect = |of: &dyn Fn(usize) -> f64, number: usize| CovariateEffect {
        on_rate: of(4 + number),
        on_leaving: of(4 + n_covariates + number),
    };
    let effects = |of: &dyn Fn(usize) -> f64| (0..n_covariates).map(|it| effect(of, it)).collect();
    let sum = |of: fn(&GroupedTimes) -> f64| {
        levels.iter().map(|level| of(&level.customers)).sum::<f64>() as usize
    };
    FittedOrders {
        model: OrderModel { kind, parameters, effects: effects(&|i| maximum.at[i]) },
        standard_errors: covariance
            .map(|_| std::array::from_fn(|i| parameters[i] * error(i)))
            .filter(|errors: &[f64; 4]| errors.iter().all(|it| it.is_finite())),
        errors_of_effects: match covariance {
            Some(_) => effects(&error),
            None => Vec::new(),
        },
        log_likelihood: maximum.value,
        n_customers: sum(|it| it.n_customers),
        n_repeaters: sum(GroupedTimes::n_repeaters),
    }
}

/// Logarithms of a level's parameters as sums of what is fitted: shape (4, 4 + twice the
/// covariates).
fn moves(kind: OrderModelKind, covariates: &[f64]) -> Array2<f64> {
    let n_covariates = covariates.len();
    let mut moves = Array2::zeros((4, 4 + 2 * n_covariates));
    let moved = kind.moved_by_covariates();
    for parameter in 0..4 {
        moves[[parameter, parameter]] = 1.0;
        for (number, value) in covariates.iter().enumerate() {
            moves[[parameter, 4 + number]] = moved[0][parameter] * value;
            moves[[parameter, 4 + n_covariates + number]] = moved[1][parameter] * value;
        }
    }
    moves
}

impl OrderModel {
    /// The parameters of customers with these covariates.
    fn parameters_of(&self, covariates: &[f64]) -> [f64; 4] {
        let moved = self.kind.moved_by_covariates();
        std::array::from_fn(|i| {
            let by = self.effects.iter().zip(covariates).map(|(effect, value)| {
                value * (moved[0][i] * effect.on_rate + moved[1][i] * effect.on_leaving)
            });
            self.parameters[i] * by.sum::<f64>().exp()
        })
    }

    /// The log-likelihood of customers without covariates.
    pub fn log_likelihood(&self, customers: &GroupedTimes) -> f64 {
        self.kind.log_likelihood(self.parameters, customers).value
    }

    /// Prepares forecasts.
    pub fn forecaster(&self, horizons: Horizons) -> Forecaster<'_> {
        Forecaster { model: self, horizons }
    }
}

/// How far forecasts go, in the unit of time of [`OrderTimes`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizons {
    /// The shorter horizon.
    pub short: f64,
    /// The horizon of the lifetime value, at least as long.
    pub long: f64,
    /// Discount by unit of time: what comes after u counts e^(−discount · u).
    pub discount: f64,
}

/// What is expected of a customer, with the spread around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// The chance to be still there.
    pub p_alive: f64,
    /// Over the shorter horizon.
    pub short: OrdersAhead,
    /// Over the longer one.
    pub long: OrdersAhead,
    /// When those who order within the longer horizon have their next order, in units of
    /// time from now: the 5 %, 50 % and 95 % quantiles.
    pub next_order: [f64; 3],
}

/// Orders over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrdersAhead {
    /// The chance of at least one.
    pub p_order: f64,
    /// Expected number.
    pub orders: f64,
    /// The same, each worth less the later it comes.
    pub discounted_orders: f64,
    /// Variance of the number.
    pub variance: f64,
}

/// Shares of those who order by which the next order has come.
pub const NEXT_ORDER_SHARES: [f64; 3] = [0.05, 0.5, 0.95];

/// Makes forecasts.
#[derive(Debug, Clone, Copy)]
pub struct Forecaster<'m> {
    model: &'m OrderModel,
    horizons: Horizons,
}

/// What customers have in common, so that it is computed once: nodes by number of repeats,
/// and all that depends on how many orders they had and for how long they have been here,
/// but not on when the last order was.
#[derive(Debug, Default)]
pub struct KnownForecasts {
    covariates: Vec<f64>,
    nodes: BTreeMap<u32, Nodes>,
    of_active: HashMap<(u32, u32), ActiveForecast>,
}

#[derive(Debug, Clone, Copy)]
struct ActiveForecast {
    short: OrdersAhead,
    long: OrdersAhead,
    next_order: [f64; 3],
}

impl Forecaster<'_> {
    /// What is expected of a customer; `covariates` has one number for each of the model's.
    pub fn forecast(
        &self,
        times: &OrderTimes,
        covariates: &[f64],
        known: &mut KnownForecasts,
    ) -> Forecast {
        if known.covariates != covariates {
            *known = KnownForecasts { covariates: covariates.to_vec(), ..Default::default() };
        }
        let parameters = self.model.parameters_of(covariates);
        let key = (times.n_repeats, times.age);
        let of_active = match known.of_active.get(&key) {
            Some(found) => *found,
            None => {
                let found = self.of_active(parameters, times, &mut known.nodes);
                known.of_active.insert(key, found);
                found
            }
        };
        of_active.of_customer(self.p_alive(parameters, times))
    }

    /// The same of many customers without covariates, on all threads.
    pub fn forecast_all(&self, customers: &[OrderTimes]) -> Vec<Forecast> {
        let parameters = self.model.parameters_of(&[]);
        let mut keys: Vec<(u32, u32)> =
            customers.iter().map(|times| (times.n_repeats, times.age)).collect();
        keys.par_sort_unstable();
        keys.dedup();
        let alike: Vec<&[(u32, u32)]> = keys.chunk_by(|a, b| a.0 == b.0).collect();
        let of_active: HashMap<(u32, u32), ActiveForecast> = alike
            .into_par_iter()
            .flat_map(|keys| {
                let mut nodes = BTreeMap::new();
                let of_key = |&(n_repeats, age): &(u32, u32)| {
                    let times = OrderTimes { n_repeats, age, last_repeat: 0 };
                    ((n_repeats, age), self.of_active(parameters, &times, &mut nodes))
                };
                keys.iter().map(of_key).collect::<Vec<_>>()
            })
            .collect();
        let of_customer = |times: &OrderTimes| {
            of_active[&(times.n_repeats, times.age)].of_customer(self.p_alive(parameters, times))
        };
        customers.par_iter().map(of_customer).collect()
    }

    fn p_alive(&self, parameters: [f64; 4], times: &OrderTimes) -> f64 {
        let (x, last, age) = (times.x(), times.last_repeat_weeks(), times.age_weeks());
        match self.model.kind {
            OrderModelKind::BgNbd => {
                BgNbd::new(parameters, Leaves::AfterRepeats).p_alive(x, last, age)
            }
            OrderModelKind::MbgNbd => {
                BgNbd::new(parameters, Leaves::AfterEveryOrder).p_alive(x, last, age)
            }
            OrderModelKind::ParetoNbd => ParetoNbd::new(parameters).p_alive(x, last, age),
            OrderModelKind::BgBb => BgBb::new(parameters).p_alive(times),
        }
    }

    fn of_active(
        &self,
        parameters: [f64; 4],
        times: &OrderTimes,
        nodes: &mut BTreeMap<u32, Nodes>,
    ) -> ActiveForecast {
        let (x, age) = (times.x(), times.age_weeks());
        let kind = self.model.kind;
        let active = match kind {
            OrderModelKind::BgNbd | OrderModelKind::MbgNbd => {
                let leaves = match kind {
                    OrderModelKind::BgNbd => Leaves::AfterRepeats,
                    _ => Leaves::AfterEveryOrder,
                };
                let model = BgNbd::new(parameters, leaves);
                for n in [times.n_repeats, times.n_repeats + 1] {
                    nodes
                        .entry(n)
                        .or_insert_with(|| Nodes::of_beta(model.a, model.b_of(f64::from(n))));
                }
                let of = |n| &nodes[&n];
                let (now, after_an_order) = (of(times.n_repeats), of(times.n_repeats + 1));
                Active::of_bg_nbd(&model, x, age, LeavingNodes { now, after_an_order })
            }
            OrderModelKind::ParetoNbd => Active::of_pareto_nbd(&ParetoNbd::new(parameters), x, age),
            OrderModelKind::BgBb => {
                Active::of_bg_bb(&BgBb::new(parameters), x, f64::from(times.age))
            }
        };
        // The unit of the parameters: weeks, or occasions.
        let unit = match kind {
            OrderModelKind::BgBb => 1.0,
            _ => super::order_times::DAYS_PER_WEEK,
        };
        let Horizons { short, long, discount } = self.horizons;
        let ahead = |length: f64| {
            let expected = active.expect(length / unit, discount * unit);
            OrdersAhead {
                p_order: active.p_order(length / unit),
                orders: expected.orders,
                discounted_orders: expected.discounted_orders,
                variance: expected.order_pairs + expected.orders - expected.orders.powi(2),
            }
        };
        let (short, long_ahead) = (ahead(short), ahead(long));
        let next_order = NEXT_ORDER_SHARES
            .map(|share| unit * active.time_of_next_order(share * long_ahead.p_order, long / unit));
        ActiveForecast { short, long: long_ahead, next_order }
    }
}

impl ActiveForecast {
    /// Of a customer who is still there with a probability.
    fn of_customer(&self, p_alive: f64) -> Forecast {
        Forecast {
            p_alive,
            short: self.short.given(p_alive),
            long: self.long.given(p_alive),
            next_order: self.next_order,
        }
    }
}

impl OrdersAhead {
    /// Of a customer who is still there with a probability, from what holds if they are.
    fn given(&self, p_alive: f64) -> Self {
        let orders = p_alive * self.orders;
        let square = p_alive * (self.variance + self.orders.powi(2));
        Self {
            p_order: p_alive * self.p_order,
            orders,
            discounted_orders: p_alive * self.discounted_orders,
            variance: square - orders.powi(2),
        }
    }
}
