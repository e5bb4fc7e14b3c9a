//! BG/NBD and MBG/NBD: a customer may leave after every order.

use super::derivatives::{ByParameters, sum_rows};
use super::order_times::{DAYS_PER_WEEK, GroupedTimes, OrderTimes};

/// When a customer may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// After every repeat: BG/NBD.
    AfterRepeats,
    /// After the first order too: MBG/NBD.
    AfterEveryOrder,
}

/// Orders come at a rate λ ~ Gamma(r, α), and after each the customer leaves with
/// probability p ~ Beta(a, b).
///
/// Source: Fader, Hardie & Lee (2005), "Counting your customers the easy way", Marketing
/// Science 24, eq. 6; with a chance to leave after the first order Batislam, Denizel &
/// Filiztekin (2007), "Empirical validation and comparison of models for customer base
/// analysis", IJRM 24, eq. 5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BgNbd {
    pub r: f64,
    /// In weeks.
    pub alpha: f64,
    pub a: f64,
    pub b: f64,
    pub leaves: Leaves,
}

impl BgNbd {
    pub fn new([r, alpha, a, b]: [f64; 4], leaves: Leaves) -> Self {
        Self { r, alpha, a, b, leaves }
    }

    /// Times at which the customer could have left: x, or x + 1.
    fn n_chances(&self, x: f64) -> f64 {
        x + f64::from(u8::from(self.leaves == Leaves::AfterEveryOrder))
    }

    /// Second parameter of p for a customer who has not left.
    pub fn b_of(&self, x: f64) -> f64 {
        self.b + self.n_chances(x)
    }

    /// Log odds of having left after the last order; `None` where that is impossible.
    fn log_odds_left(&self, x: f64, last: f64, age: f64) -> Option<f64> {
        let longer = ((self.alpha + age) / (self.alpha + last)).ln();
        let n = self.n_chances(x);
        (n > 0.0).then(|| self.a.ln() - (self.b + n - 1.0).ln() + (self.r + x) * longer)
    }

    /// The chance that a customer is still there; times in weeks.
    pub fn p_alive(&self, x: f64, last: f64, age: f64) -> f64 {
        self.log_odds_left(x, last, age).map_or(1.0, |it| 1.0 / (1.0 + it.exp()))
    }

    /// The log-likelihood of all rows, with its derivatives by r, α, a and b.
    pub fn log_likelihood(&self, grouped: &GroupedTimes) -> ByParameters {
        let Self { r, alpha, a, b, .. } = *self;
        // ln(α + t) and 1 / (α + t) for every day t.
        let of_days: Vec<(f64, f64)> = (0..=grouped.max_age)
            .map(|day| alpha + f64::from(day) / DAYS_PER_WEEK)
            .map(|sum| (sum.ln(), sum.recip()))
            .collect();
        let add = |sum: &mut ByParameters, times: &OrderTimes, n: f64| {
            let k = r + times.x();
            let (ln_age, by_age) = of_days[times.age as usize];
            sum.value -= n * k * ln_age;
            sum.first[0] -= n * ln_age;
            sum.first[1] -= n * k * by_age;
            sum.second[0][1] -= n * by_age;
            sum.second[1][1] += n * k * by_age * by_age;
            let n_chances = self.n_chances(times.x());
            if n_chances == 0.0 {
                return;
            }
            // ln(1 + e^d), d being the log odds of having left.
            let (ln_last, by_last) = of_days[times.last_repeat as usize];
            let by_b = 1.0 / (b + n_chances - 1.0);
            let d = (a * by_b).ln() + k * (ln_age - ln_last);
            let is_gone = 1.0 / (1.0 + (-d).exp());
            let slope = [ln_age - ln_last, k * (by_age - by_last), 1.0 / a, -by_b];
            sum.value += n * if d > 0.0 { d + (-d).exp().ln_1p() } else { d.exp().ln_1p() };
            let (first, both) = (n * is_gone, n * is_gone * (1.0 - is_gone));
            for i in 0..4 {
                sum.first[i] += first * slope[i];
                for j in i..4 {
                    sum.second[i][j] += both * slope[i] * slope[j];
                }
            }
            sum.second[0][1] += first * (by_age - by_last);
            sum.second[1][1] += first * k * (by_last * by_last - by_age * by_age);
            sum.second[2][2] -= first / (a * a);
            sum.second[3][3] += first * by_b * by_b;
        };
        let of_rows = sum_rows(&grouped.rows, add);
        let mut total = ByParameters::default();
        total.add_weighted(&of_rows, 1.0);
        self.add_rates(&mut total, grouped);
        self.add_chances(&mut total, grouped);
        total
    }

    /// Γ(r + x) α^r / Γ(r), over all customers.
    fn add_rates(&self, total: &mut ByParameters, grouped: &GroupedTimes) {
        let (r, alpha, n) = (self.r, self.alpha, grouped.n_customers);
        add_gamma_ratio(total, grouped, r);
        total.value += n * r * alpha.ln();
        total.first[0] += n * alpha.ln();
        total.first[1] += n * r / alpha;
        total.add_second(0, 1, n / alpha);
        total.add_second(1, 1, -n * r / (alpha * alpha));
    }

    /// B(a, b + c) / B(a, b) with c the chances to leave, over all customers.
    fn add_chances(&self, total: &mut ByParameters, grouped: &GroupedTimes) {
        let (a, b) = (self.a, self.b);
        let of_first = match self.leaves {
            Leaves::AfterRepeats => None,
            Leaves::AfterEveryOrder => Some(grouped.n_customers),
        };
        let n_with_more = of_first.into_iter().chain(grouped.n_with_more.iter().copied());
        for (j, n) in n_with_more.enumerate() {
            let (stayed, all) = (b + j as f64, a + b + j as f64);
            total.value += n * (stayed / all).ln();
            total.first[2] -= n / all;
            total.first[3] += n * (1.0 / stayed - 1.0 / all);
            let of_all = n / (all * all);
            total.add_second(2, 2, of_all);
            total.add_second(2, 3, of_all);
            total.add_second(3, 3, of_all - n / (stayed * stayed));
        }
    }
}

/// ln Γ(r + x) − ln Γ(r) over all customers, as a sum over repeats; r is the first
/// parameter.
pub(super) fn add_gamma_ratio(total: &mut ByParameters, grouped: &GroupedTimes, r: f64) {
    for (j, n) in grouped.n_with_more.iter().enumerate() {
        let sum = r + j as f64;
        total.value += n * sum.ln();
        total.first[0] += n / sum;
        total.add_second(0, 0, -n / (sum * sum));
    }
}
