use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use super::active::{Active, LeavingNodes};
use super::bg_bb::BgBb;
use super::bg_nbd::{BgNbd, Leaves};
use super::order_times::{DAYS_PER_WEEK, OrderTimes};
use super::pareto_nbd::ParetoNbd;
use super::{OrderModel, OrderModelKind};
use crate::stats::numerics::Nodes;

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
const NEXT_ORDER_SHARES: [f64; 3] = [0.05, 0.5, 0.95];

/// Makes forecasts, and keeps what customers have in common: nodes by number of repeats, and
/// all that depends on how many orders they had and for how long they have been here, but not
/// on when the last order was.
#[derive(Debug)]
pub struct Forecaster {
    model: OrderModel,
    horizons: Horizons,
    /// By covariates, of which there are few.
    levels: RwLock<Vec<(Vec<f64>, Arc<Level>)>>,
}

/// Customers of the same covariates.
#[derive(Debug)]
struct Level {
    parameters: [f64; 4],
    nodes: RwLock<BTreeMap<u32, Arc<Nodes>>>,
    of_active: RwLock<HashMap<(u32, u32), ActiveForecast>>,
}

#[derive(Debug, Clone, Copy)]
struct ActiveForecast {
    short: OrdersAhead,
    long: OrdersAhead,
    next_order: [f64; 3],
}

/// Forecasts that are kept at most.
const MAX_KEPT: usize = 1 << 20;

const NOT_POISONED: &str = "nothing panics while it holds the lock";

impl Forecaster {
    /// Prepares forecasts.
    pub fn new(model: OrderModel, horizons: Horizons) -> Self {
        Self { model, horizons, levels: RwLock::default() }
    }

    /// What is expected of a customer; `covariates` has one number for each of the model's.
    pub fn forecast(&self, times: &OrderTimes, covariates: &[f64]) -> Forecast {
        self.forecast_at(&self.level(covariates), times)
    }

    fn level(&self, covariates: &[f64]) -> Arc<Level> {
        let find = |levels: &[(Vec<f64>, Arc<Level>)]| {
            levels.iter().find(|level| level.0 == covariates).map(|level| Arc::clone(&level.1))
        };
        if let Some(found) = find(&self.levels.read().expect(NOT_POISONED)) {
            return found;
        }
        let mut levels = self.levels.write().expect(NOT_POISONED);
        find(&levels).unwrap_or_else(|| {
            let level = Arc::new(Level {
                parameters: self.model.parameters_of(covariates),
                nodes: RwLock::default(),
                of_active: RwLock::default(),
            });
            levels.push((covariates.to_vec(), Arc::clone(&level)));
            level
        })
    }

    fn forecast_at(&self, level: &Level, times: &OrderTimes) -> Forecast {
        let key = (times.n_repeats, times.age);
        let kept = level.of_active.read().expect(NOT_POISONED).get(&key).copied();
        let of_active = kept.unwrap_or_else(|| {
            let found = self.of_active(level, times);
            let mut all = level.of_active.write().expect(NOT_POISONED);
            if all.len() < MAX_KEPT {
                all.insert(key, found);
            }
            found
        });
        of_active.of_customer(self.p_alive(level.parameters, times))
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

    fn of_active(&self, level: &Level, times: &OrderTimes) -> ActiveForecast {
        let (x, age) = (times.x(), times.age_weeks());
        let of_bg_nbd = |leaves| {
            let model = BgNbd::new(level.parameters, leaves);
            let now = level.nodes(times.n_repeats, &model);
            let after_an_order = level.nodes(times.n_repeats + 1, &model);
            let nodes = LeavingNodes { now: &now, after_an_order: &after_an_order };
            self.ahead_of(&Active::of_bg_nbd(&model, x, age, nodes))
        };
        match self.model.kind {
            OrderModelKind::BgNbd => of_bg_nbd(Leaves::AfterRepeats),
            OrderModelKind::MbgNbd => of_bg_nbd(Leaves::AfterEveryOrder),
            OrderModelKind::ParetoNbd => {
                let model = ParetoNbd::new(level.parameters);
                self.ahead_of(&Active::of_pareto_nbd(&model, x, age))
            }
            OrderModelKind::BgBb => {
                let model = BgBb::new(level.parameters);
                self.ahead_of(&Active::of_bg_bb(&model, x, f64::from(times.age)))
            }
        }
    }

    /// What is expected of a customer who is still there.
    fn ahead_of(&self, active: &Active<'_>) -> ActiveForecast {
        // The unit of the parameters: weeks, or occasions.
        let unit = if self.model.kind == OrderModelKind::BgBb { 1.0 } else { DAYS_PER_WEEK };
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
        let of_short = ahead(short);
        let of_long = if long == short { of_short } else { ahead(long) };
        let next_order = NEXT_ORDER_SHARES
            .map(|share| unit * active.time_of_next_order(share * of_long.p_order, long / unit));
        ActiveForecast { short: of_short, long: of_long, next_order }
    }
}

impl Level {
    fn nodes(&self, n_repeats: u32, model: &BgNbd) -> Arc<Nodes> {
        if let Some(found) = self.nodes.read().expect(NOT_POISONED).get(&n_repeats) {
            return Arc::clone(found);
        }
        let found = Arc::new(Nodes::of_beta(model.a, model.b_of(f64::from(n_repeats))));
        let mut all = self.nodes.write().expect(NOT_POISONED);
        Arc::clone(all.entry(n_repeats).or_insert(found))
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
