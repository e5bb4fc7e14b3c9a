//! Pareto/NBD: a customer may leave at any time.

use std::sync::LazyLock;

use super::bg_nbd::add_gamma_ratio;
use super::derivatives::{ByParameters, sum_rows};
use super::order_times::{GroupedTimes, OrderTimes};
use crate::stats::numerics::Nodes;

/// Orders come at a rate λ ~ Gamma(r, α), and the customer leaves at a rate
/// μ ~ Gamma(s, β).
///
/// Source: Schmittlein, Morrison & Colombo (1987), "Counting your customers", Management
/// Science 33; the likelihood as Fader & Hardie (2005), "A note on deriving the Pareto/NBD
/// model", eq. 14, before its integral is written as ₂F₁.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ParetoNbd {
    pub r: f64,
    /// In weeks.
    pub alpha: f64,
    pub s: f64,
    /// In weeks.
    pub beta: f64,
}

/// Fall of the logarithm of the integrand over which a panel of nodes is exact.
const FALL_PER_PANEL: f64 = 2.0;

/// Length of a panel over which it is exact however slowly the integrand falls: where one of α
/// and β is far below the other, the integrand has a singularity at a distance of π.
const LONGEST_PANEL: f64 = 1.4;

/// Share of the integral below which a node says that nothing follows.
const NOTHING: f64 = 1e-20;

/// As many as make a panel exact to 11 digits.
static NODES: LazyLock<Nodes<6>> = LazyLock::new(Nodes::uniform);

impl ParetoNbd {
    pub fn new([r, alpha, s, beta]: [f64; 4]) -> Self {
        Self { r, alpha, s, beta }
    }

    /// ln of s ∫ (α + y)^−(r + x) (β + y)^−(s + 1) dy from the last order to now; `None`
    /// where the last order is now.
    ///
    /// With u = ln(min(α, β) + y) the integrand is smooth for any parameters, and the
    /// logarithm of it is concave.
    fn ln_left(
        &self,
        x: f64,
        last: f64,
        age: f64,
        mut at: impl FnMut([f64; 4], f64),
    ) -> Option<f64> {
        let Self { r, alpha, s, beta } = *self;
        let smaller = alpha.min(beta);
        let (from, to) = ((smaller + last).ln(), (smaller + age).ln());
        if to <= from {
            return None;
        }
        let k = r + x;
        let (more_alpha, more_beta) = (alpha - smaller, beta - smaller);
        let height = |u: f64, ln_with_alpha: f64, ln_with_beta: f64| {
            u - k * ln_with_alpha - (s + 1.0) * ln_with_beta
        };
        let slope = |u: f64| {
            let it = u.exp();
            1.0 - k * it / (it + more_alpha) - (s + 1.0) * it / (it + more_beta)
        };
        let first = height(from, (alpha + last).ln(), (beta + last).ln());
        let with = |u: f64, with_smaller: f64, more: f64| match more > 0.0 {
            true => (with_smaller + more, (with_smaller + more).ln()),
            false => (with_smaller, u),
        };
        let (mut start, mut start_slope, mut sum) = (from, slope(from), 0.0);
        while start < to {
            let mut width = (to - start).min(LONGEST_PANEL).min(FALL_PER_PANEL / start_slope.abs());
            let mut end_slope = slope(start + width);
            while end_slope.abs() * width > FALL_PER_PANEL {
                width *= 0.7;
                end_slope = slope(start + width);
            }
            let mut last_mass = 0.0;
            for (share, weight) in NODES.at.iter().zip(&NODES.weights) {
                let u = start + width * share;
                let with_smaller = u.exp();
                let (with_alpha, ln_alpha) = with(u, with_smaller, more_alpha);
                let (with_beta, ln_beta) = with(u, with_smaller, more_beta);
                let mass = (height(u, ln_alpha, ln_beta) - first).exp() * weight * width;
                sum += mass;
                last_mass = mass;
                at([ln_alpha, 1.0 / with_alpha, ln_beta, 1.0 / with_beta], mass);
            }
            if last_mass < NOTHING * sum {
                break;
            }
            // A width below what the number of `start` can tell still goes on.
            start = (start + width).max(start.next_up());
            start_slope = end_slope;
        }
        (sum > 0.0).then(|| s.ln() + first + sum.ln())
    }

    fn ln_stayed(&self, x: f64, age: f64) -> f64 {
        -(self.r + x) * (self.alpha + age).ln() - self.s * (self.beta + age).ln()
    }

    /// The chance that a customer is still there; times in weeks.
    pub fn p_alive(&self, x: f64, last: f64, age: f64) -> f64 {
        let stayed = self.ln_stayed(x, age);
        match self.ln_left(x, last, age, |_, _| ()) {
            Some(left) => 1.0 / (1.0 + (left - stayed).exp()),
            None => 1.0,
        }
    }

    /// The log-likelihood of all rows, with its derivatives by r, α, s and β.
    pub fn log_likelihood(&self, grouped: &GroupedTimes) -> ByParameters {
        let Self { r, alpha, s, beta } = *self;
        let of_rows = sum_rows(&grouped.rows, |sum, times, n| self.add_row(sum, times, n));
        let mut total = ByParameters::default();
        total.add_weighted(&of_rows, 1.0);
        add_gamma_ratio(&mut total, grouped, r);
        for (first, shape, scale) in [(0, r, alpha), (2, s, beta)] {
            let n = grouped.n_customers;
            total.value += n * shape * scale.ln();
            total.first[first] += n * scale.ln();
            total.first[first + 1] += n * shape / scale;
            total.add_second(first, first + 1, n / scale);
            total.add_second(first + 1, first + 1, -n * shape / (scale * scale));
        }
        total
    }

    /// ln(stayed + left), upper triangle.
    fn add_row(&self, sum: &mut ByParameters, times: &OrderTimes, n: f64) {
        let Self { r, alpha, s, beta } = *self;
        let (x, last, age) = (times.x(), times.last_repeat_weeks(), times.age_weeks());
        let k = r + x;
        let (with_alpha, with_beta) = (alpha + age, beta + age);
        let (by_alpha, by_beta) = (1.0 / with_alpha, 1.0 / with_beta);
        let stayed = [-with_alpha.ln(), -k * by_alpha, -with_beta.ln(), -s * by_beta];
        let mut moments = Moments::default();
        let ln_stayed = self.ln_stayed(x, age);
        let ln_left = self.ln_left(x, last, age, |values, mass| moments.add(values, mass));
        let (value, share_left) = match ln_left {
            None => (ln_stayed, 0.0),
            Some(left) => {
                let largest = left.max(ln_stayed);
                let total = largest + ((left - largest).exp() + (ln_stayed - largest).exp()).ln();
                (total, (left - total).exp())
            }
        };
        sum.value += n * value;
        let share_stayed = 1.0 - share_left;
        let mut mean = stayed.map(|it| share_stayed * it);
        let mut square = [[0.0; 4]; 4];
        for i in 0..4 {
            for j in i..4 {
                square[i][j] = share_stayed * stayed[i] * stayed[j];
            }
        }
        square[0][1] -= share_stayed * by_alpha;
        square[1][1] += share_stayed * k * by_alpha * by_alpha;
        square[2][3] -= share_stayed * by_beta;
        square[3][3] += share_stayed * s * by_beta * by_beta;
        if share_left > 0.0 {
            moments.add_left(k, s, share_left, &mut mean, &mut square);
        }
        for i in 0..4 {
            sum.first[i] += n * mean[i];
            for j in i..4 {
                sum.second[i][j] += n * (square[i][j] - mean[i] * mean[j]);
            }
        }
    }
}

/// Sums over the integrand of ln(α + y), 1 / (α + y), ln(β + y), 1 / (β + y) and their
/// products.
#[derive(Default)]
struct Moments {
    mass: f64,
    first: [f64; 4],
    /// Upper triangle.
    second: [[f64; 4]; 4],
}

impl Moments {
    fn add(&mut self, values: [f64; 4], mass: f64) {
        self.mass += mass;
        for (i, first) in values.iter().enumerate() {
            let weighted = mass * first;
            self.first[i] += weighted;
            for (sum, second) in self.second[i].iter_mut().zip(&values).skip(i) {
                *sum += weighted * second;
            }
        }
    }

    /// Adds first derivatives of ln left, and second ones with the products of first ones,
    /// weighted; their sums are turned into derivatives by their factors.
    fn add_left(
        &self,
        k: f64,
        s: f64,
        share: f64,
        mean: &mut [f64; 4],
        square: &mut [[f64; 4]; 4],
    ) {
        let by_mass = share / self.mass;
        let factor = [-1.0, -k, -1.0, -(s + 1.0)];
        // ln s adds 1 / s to the derivative by s, and nothing to its square's.
        let extra = [0.0, 0.0, 1.0 / s, 0.0];
        let of = |i: usize| factor[i] * self.first[i] * by_mass;
        for i in 0..4 {
            mean[i] += of(i) + share * extra[i];
            for j in i..4 {
                let product = factor[i] * factor[j] * self.second[i][j] * by_mass;
                square[i][j] +=
                    product + extra[i] * of(j) + extra[j] * of(i) + share * extra[i] * extra[j];
            }
        }
        square[2][2] -= share / (s * s);
        square[0][1] -= self.first[1] * by_mass;
        square[1][1] += k * self.second[1][1] * by_mass;
        square[2][3] -= self.first[3] * by_mass;
        square[3][3] += (s + 1.0) * self.second[3][3] * by_mass;
    }
}
