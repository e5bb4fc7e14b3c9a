//! BG/BB: a calendar of occasions, at each of which a customer orders or not.

use super::derivatives::{ByParameters, sum_rows};
use super::order_times::{GroupedTimes, OrderTimes};

/// At each occasion a customer who is still there orders with probability
/// p ~ Beta(α, β); before each, the customer leaves with probability θ ~ Beta(γ, δ).
///
/// Source: Fader, Hardie & Shang (2010), "Customer-base analysis in a discrete-time
/// noncontractual setting", Marketing Science 29, eq. 5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BgBb {
    pub alpha: f64,
    pub beta: f64,
    pub gamma: f64,
    pub delta: f64,
}

/// Sums of ln(c + j), 1 / (c + j) and −1 / (c + j)² over j below every number: what
/// logarithms of gamma functions differ by, and their derivatives.
struct Rising(Vec<[f64; 3]>);

impl Rising {
    fn new(c: f64, most: usize) -> Self {
        let mut sums = vec![[0.0; 3]];
        let mut sum = [0.0; 3];
        for j in 0..most {
            let value = c + j as f64;
            sum = [sum[0] + value.ln(), sum[1] + 1.0 / value, sum[2] - 1.0 / (value * value)];
            sums.push(sum);
        }
        Self(sums)
    }
}

/// The tables of one set of parameters.
struct Tables {
    gamma: f64,
    of_alpha: Rising,
    of_beta: Rising,
    of_either: Rising,
    of_delta: Rising,
    of_leaving: Rising,
}

impl Tables {
    /// ln of the chance of a history with x orders in n occasions, and to be still there
    /// after m occasions, or to have left right after them.
    fn history(&self, x: usize, n: usize, m: usize, has_left: bool) -> ByParameters {
        let [alpha, beta] = [self.of_alpha.0[x], self.of_beta.0[n - x]];
        let [either, delta] = [self.of_either.0[n], self.of_delta.0[m]];
        let leaving = self.of_leaving.0[m + usize::from(has_left)];
        let by_gamma = if has_left { 1.0 / self.gamma } else { 0.0 };
        let ln_gamma = if has_left { self.gamma.ln() } else { 0.0 };
        let mut second = [[0.0; 4]; 4];
        second[0][0] = alpha[2] - either[2];
        second[0][1] = -either[2];
        second[1][1] = beta[2] - either[2];
        second[2][2] = -by_gamma * by_gamma - leaving[2];
        second[2][3] = -leaving[2];
        second[3][3] = delta[2] - leaving[2];
        ByParameters {
            value: alpha[0] + beta[0] - either[0] + ln_gamma + delta[0] - leaving[0],
            first: [
                alpha[1] - either[1],
                beta[1] - either[1],
                by_gamma - leaving[1],
                delta[1] - leaving[1],
            ],
            second,
        }
    }

    /// ln of the likelihood of a row, upper triangle, and the share of it that is of those
    /// who are still there.
    fn row(&self, times: &OrderTimes) -> (ByParameters, f64) {
        let [x, last, n] = [times.n_repeats, times.last_repeat, times.age].map(|it| it as usize);
        let left = (last..n).map(|at| self.history(x, at, at, true));
        let histories: Vec<ByParameters> =
            std::iter::once(self.history(x, n, n, false)).chain(left).collect();
        let largest = histories.iter().map(|it| it.value).fold(f64::MIN, f64::max);
        let sum: f64 = histories.iter().map(|it| (it.value - largest).exp()).sum();
        let mut row = ByParameters { value: largest + sum.ln(), ..ByParameters::default() };
        for history in &histories {
            let share = (history.value - row.value).exp();
            for i in 0..4 {
                row.first[i] += share * history.first[i];
                for j in i..4 {
                    let product = history.first[i] * history.first[j];
                    row.second[i][j] += share * (history.second[i][j] + product);
                }
            }
        }
        for i in 0..4 {
            for j in i..4 {
                row.second[i][j] -= row.first[i] * row.first[j];
            }
        }
        (row, (histories[0].value - row.value).exp())
    }
}

impl BgBb {
    pub fn new([alpha, beta, gamma, delta]: [f64; 4]) -> Self {
        Self { alpha, beta, gamma, delta }
    }

    fn tables(&self, most: u32) -> Tables {
        let most = most as usize;
        let rising = |c| Rising::new(c, most + 1);
        Tables {
            gamma: self.gamma,
            of_alpha: rising(self.alpha),
            of_beta: rising(self.beta),
            of_either: rising(self.alpha + self.beta),
            of_delta: rising(self.delta),
            of_leaving: rising(self.gamma + self.delta),
        }
    }

    /// The chance that a customer is still there after the last occasion.
    pub fn p_alive(&self, times: &OrderTimes) -> f64 {
        self.tables(times.age).row(times).1
    }

    /// The log-likelihood of all rows, with its derivatives by α, β, γ and δ.
    pub fn log_likelihood(&self, grouped: &GroupedTimes) -> ByParameters {
        let tables = self.tables(grouped.max_age);
        let of_rows =
            sum_rows(&grouped.rows, |sum, times, n| sum.add_weighted(&tables.row(times).0, n));
        ByParameters::default().plus(&of_rows)
    }
}
