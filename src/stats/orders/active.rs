//! What a customer who is still there will do.

use std::sync::LazyLock;

use super::bg_bb::BgBb;
use super::bg_nbd::BgNbd;
use super::pareto_nbd::ParetoNbd;
use crate::stats::numerics::Nodes;

/// A customer who is still there, as a model sees them. All that is expected of them
/// follows from one function: the rate g(u) of orders at u weeks (or periods) from now,
/// which falls as they may have left by then.
#[derive(Debug, Clone)]
pub(super) enum Active<'n> {
    /// λ ~ Gamma(k, scale), and they leave after an order with p ~ Beta(a, b).
    LeavesAfterOrders { k: f64, scale: f64, a: f64, b: f64, nodes: LeavingNodes<'n> },
    /// λ ~ Gamma(k, scale), and they leave at a rate μ ~ Gamma(s, age).
    LeavesAnyTime { k: f64, scale: f64, s: f64, age: f64 },
    /// At each occasion they order with p ~ Beta(a, b) and leave with θ ~ Beta(c, d).
    OnOccasions { a: f64, b: f64, c: f64, d: f64 },
}

/// Nodes of Beta(a, b) and Beta(a, b + 1): the same for all customers with as many orders.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeavingNodes<'n> {
    pub now: &'n Nodes,
    pub after_an_order: &'n Nodes,
}

/// Expectations over a stretch of time of a customer who is still there.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Expected {
    /// Orders.
    pub orders: f64,
    /// Orders, each worth less the later it comes.
    pub discounted_orders: f64,
    /// n (n − 1) of the number n of orders.
    pub order_pairs: f64,
}

/// Along time a panel needs fewer nodes than over customers.
static UNIFORM: LazyLock<Nodes<12>> = LazyLock::new(Nodes::uniform);

/// Length of a panel, as the logarithm of how the customer's time grows.
const PANEL: f64 = 1.0;

/// Fall of the logarithm of the rate over which a panel is exact.
const FALL_PER_PANEL: f64 = 8.0;

/// A singularity that is farther than this from shares of 0 to 1 leaves nodes exact to 11
/// digits.
const NEAR: f64 = 0.3;

/// Length of a panel over which they are as exact in the logarithm of shares.
const LONGEST_PANEL_OF_SHARES: f64 = 5.0;

impl<'n> Active<'n> {
    pub fn of_bg_nbd(model: &BgNbd, x: f64, age: f64, nodes: LeavingNodes<'n>) -> Self {
        let (k, scale) = (model.r + x, model.alpha + age);
        Self::LeavesAfterOrders { k, scale, a: model.a, b: model.b_of(x), nodes }
    }

    pub fn of_pareto_nbd(model: &ParetoNbd, x: f64, age: f64) -> Self {
        let (k, scale) = (model.r + x, model.alpha + age);
        Self::LeavesAnyTime { k, scale, s: model.s, age: model.beta + age }
    }

    pub fn of_bg_bb(model: &BgBb, x: f64, n: f64) -> Self {
        let BgBb { alpha, beta, gamma, delta } = *model;
        Self::OnOccasions { a: alpha + x, b: beta + n - x, c: gamma, d: delta + n }
    }

    /// What is expected from now on for `length`, which may be infinite where there is a
    /// discount; orders after a time u count e^(−discount · u).
    pub fn expect(&self, length: f64, discount: f64) -> Expected {
        match self {
            Self::LeavesAfterOrders { k, scale, a, b, nodes } => {
                let now = LeavingRate::new(*k, *a, *b, nodes.now);
                let after = LeavingRate::new(k + 1.0, *a, b + 1.0, nodes.after_an_order);
                let pairs_by_rate = 2.0 * (k / scale) * (b / (a + b));
                integrate(length, discount, (*scale, now.fall()), |v| {
                    (now.at(v), pairs_by_rate * after.at(v))
                })
            }
            Self::LeavesAnyTime { k, scale, s, age } => {
                integrate(length, discount, (*age, *s), |v| {
                    let rate = k * (age / scale) * (v * (1.0 - s)).exp();
                    (rate, 2.0 * (k + 1.0) / scale * rate)
                })
            }
            Self::OnOccasions { a, b, c, d } => {
                let (p, p_twice) = (a / (a + b), a * (a + 1.0) / ((a + b) * (a + b + 1.0)));
                let mut expected = Expected::default();
                let mut still_there = 1.0;
                let mut occasion = 1.0;
                while occasion - 1.0 < length && still_there * (-discount * occasion).exp() > 1e-16
                {
                    still_there *= (d + occasion - 1.0) / (c + d + occasion - 1.0);
                    let share = (length - (occasion - 1.0)).min(1.0);
                    let orders = share * p * still_there;
                    expected.orders += orders;
                    expected.discounted_orders += orders * (-discount * occasion).exp();
                    expected.order_pairs += share * 2.0 * (occasion - 1.0) * p_twice * still_there;
                    occasion += 1.0;
                }
                expected
            }
        }
    }

    /// The chance of an order within `length`.
    pub fn p_order(&self, length: f64) -> f64 {
        match self {
            Self::LeavesAfterOrders { k, scale, .. } => -(-k * (length / scale).ln_1p()).exp_m1(),
            Self::LeavesAnyTime { k, scale, s, age } => {
                let whole = -(-k * (length / scale).ln_1p()).exp_m1();
                // The mean, over the time of the next order were they to stay, of the chance
                // to have stayed until then.
                let stayed = |share: f64| {
                    let time = scale * (-(-share * whole).ln_1p() / k).exp_m1();
                    (-s * (time / age).ln_1p()).exp()
                };
                whole * mean_by_share(stayed, k * age / (scale * whole))
            }
            Self::OnOccasions { a, b, c, d } => {
                let (mut p_order, mut none_yet, mut still_there) = (0.0, 1.0, 1.0);
                let mut done = 0.0;
                while done < length && none_yet * still_there > 1e-16 {
                    still_there *= (d + done) / (c + d + done);
                    let share = (length - done).min(1.0);
                    p_order += share * none_yet * still_there * a / (a + b + done);
                    none_yet *= (b + done) / (a + b + done);
                    done += 1.0;
                }
                p_order
            }
        }
    }

    /// The time by which such a customer has ordered with a probability, which must be
    /// below [`Self::p_order`] of `within`.
    pub fn time_of_next_order(&self, probability: f64, within: f64) -> f64 {
        match self {
            Self::LeavesAfterOrders { k, scale, .. } => {
                scale * (-(-probability).ln_1p() / k).exp_m1()
            }
            Self::LeavesAnyTime { k, scale, s, age } => {
                // Newton's method from the time of one who surely stays; the chance is concave
                // in time, so that it comes from below and never passes.
                let mut time = scale * (-(-probability).ln_1p() / k).exp_m1();
                for _ in 0..30 {
                    let density = k / scale
                        * (-(k + 1.0) * (time / scale).ln_1p() - s * (time / age).ln_1p()).exp();
                    let step = (probability - self.p_order(time)) / density;
                    time = (time + step).min(within);
                    if step.abs() <= 1e-6 * time {
                        break;
                    }
                }
                time
            }
            Self::OnOccasions { .. } => {
                let (mut low, mut high) = (0.0, within);
                for _ in 0..40 {
                    let middle = (low + high) / 2.0;
                    if self.p_order(middle) < probability { low = middle } else { high = middle }
                }
                high
            }
        }
    }
}

/// The mean of a function over shares from 0 to 1 that has a singularity at −`distance`. Where
/// that is near, ln(share + distance) takes the place of the share.
fn mean_by_share(at: impl Fn(f64) -> f64, distance: f64) -> f64 {
    if distance > NEAR {
        return UNIFORM.mean(at);
    }
    let end = distance.recip().ln_1p();
    let n_panels = (end / LONGEST_PANEL_OF_SHARES).ceil().max(1.0);
    let width = end / n_panels;
    let of_panel = |panel: usize| {
        UNIFORM.mean(|place| {
            let w = width * (panel as f64 + place);
            at(distance * w.exp_m1()) * distance * w.exp()
        })
    };
    width * (0..n_panels as usize).map(of_panel).sum::<f64>()
}

/// Integrals over u = scale · (e^v − 1) of what `at` has at v: g(u) du / dv, and what
/// times u is the density of order pairs. `fall` is how fast ln of that falls at first.
fn integrate(
    length: f64,
    discount: f64,
    (scale, fall): (f64, f64),
    at: impl Fn(f64) -> (f64, f64),
) -> Expected {
    // Beyond this the discount leaves less than a number can tell.
    let length = if discount > 0.0 { length.min(37.0 / discount) } else { length };
    let end = (length / scale).ln_1p();
    let n_panels = (end * (1.0 / PANEL).max(fall / FALL_PER_PANEL)).ceil().max(1.0);
    let width = end / n_panels;
    let mut expected = Expected::default();
    for panel in 0..n_panels as usize {
        let start = width * panel as f64;
        for (share, weight) in UNIFORM.at.iter().zip(&UNIFORM.weights) {
            let v = start + width * share;
            let time = scale * v.exp_m1();
            let (orders, pairs) = at(v);
            expected.orders += width * weight * orders;
            expected.discounted_orders += width * weight * orders * (-discount * time).exp();
            expected.order_pairs += width * weight * pairs * time;
        }
    }
    expected
}

/// g(u) du / dv of a customer who leaves after orders, with u = scale · (e^v − 1):
/// k e^v E[(1 + p (e^v − 1))^−(k + 1)] over p ~ Beta(a, b).
///
/// Of the two forms that Euler's integral of ₂F₁ has (Abramowitz & Stegun 1964, 15.3.1 and
/// 15.3.4) the one with the smaller exponent is smooth enough for few nodes, whatever the
/// parameters.
struct LeavingRate<'n> {
    k: f64,
    a: f64,
    /// Exponent of 1 − q w, with w = 1 − e^−v.
    turned: f64,
    nodes: &'n Nodes,
}

impl<'n> LeavingRate<'n> {
    fn new(k: f64, a: f64, b: f64, nodes: &'n Nodes) -> Self {
        Self { k, a, turned: k + 1.0 - a - b, nodes }
    }

    /// How fast ln of it falls at first.
    fn fall(&self) -> f64 {
        (self.k + 1.0) * self.a / (self.k + 1.0 - self.turned)
    }

    fn at(&self, v: f64) -> f64 {
        let (outer, exponent, slope) = match self.turned.abs() < self.k + 1.0 {
            true => (v * (1.0 - self.a), self.turned, (-v).exp_m1()),
            false => (v, -(self.k + 1.0), v.exp_m1()),
        };
        self.k * self.nodes.mean(|q| (outer + exponent * (1.0 + q * slope).ln()).exp())
    }
}
