//! How many users a test needs, and what it can find with those there are.

use super::sequential::{AlwaysValid, Paths};
use crate::stats::distributions::{normal_cdf, normal_quantile};

/// What is planned: the level, the power, and how often one looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// Chance of a false alarm, two-sided.
    pub alpha: f64,
    /// Chance to find the effect.
    pub power: f64,
    /// For those who look more than once.
    pub looks: Option<Looks>,
}

/// Looks at equal distances, by a confidence sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looks {
    /// Tells which differences are held for true.
    pub sequence: AlwaysValid,
    /// How many there are, the last with all users.
    pub n_looks: u32,
}

/// The metric in two arms: what one user's share of it varies by, and each arm's share of
/// the users of both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Variance over users of the control.
    pub control_variance: f64,
    /// Variance over users of the arm.
    pub treated_variance: f64,
    /// The control's share of the users of both arms.
    pub control_share: f64,
}

/// Users beyond which no number is looked for.
const MAX_USERS: f64 = 1e15;

impl Contrast {
    /// Arms of this variance and share.
    pub fn alike(variance: f64, control_share: f64) -> Self {
        Self { control_variance: variance, treated_variance: variance, control_share }
    }

    /// Variance of the difference, times the users of both arms.
    fn unit_variance(&self) -> f64 {
        self.control_variance / self.control_share
            + self.treated_variance / (1.0 - self.control_share)
    }

    /// Standard error of the difference at `n` users in both arms.
    pub fn standard_error(&self, n: f64) -> f64 {
        (self.unit_variance() / n).sqrt()
    }
}

impl Design {
    pub(super) fn one_look(&self) -> f64 {
        normal_quantile(1.0 - self.alpha / 2.0)
    }

    /// Chance to find a difference that is `shift` standard errors large once all `n` users
    /// of both arms are there: then, or at an earlier look.
    pub fn power_to_find(&self, shift: f64, n: f64) -> f64 {
        let Some(looks) = self.looks else {
            let critical = self.one_look();
            return normal_cdf(shift - critical) + normal_cdf(-shift - critical);
        };
        let mut paths = Paths::new(shift);
        let mut found = 0.0;
        for look in 1..=looks.n_looks {
            let share = f64::from(look) / f64::from(looks.n_looks);
            found = paths.look(share, looks.sequence.critical(self.alpha, share * n));
        }
        found
    }

    /// Standard errors that a difference must be large to be found with the power of the
    /// design, at `n` users in both arms.
    fn shift_needed(&self, n: f64) -> f64 {
        let of_one_look = self.one_look() + normal_quantile(self.power);
        match self.looks {
            None => of_one_look,
            Some(looks) => {
                let at_last = looks.sequence.critical(self.alpha, n) + normal_quantile(self.power);
                bisect(of_one_look, at_last, |shift| self.power_to_find(shift, n) >= self.power)
            }
        }
    }

    /// Users in both arms, so that the difference is found with the power of the design;
    /// `None` where there is no number of them.
    ///
    /// Source: Chow, Shao & Wang (2008), "Sample Size Calculations in Clinical Research",
    /// §3.2: (z + z)² times the variance by the difference squared; for several looks, with
    /// the standard errors that they need in place of z + z.
    pub fn users_needed(&self, difference: f64, contrast: Contrast) -> Option<f64> {
        let needed = |shift: f64| shift.powi(2) * contrast.unit_variance() / difference.powi(2);
        let least = needed(self.one_look() + normal_quantile(self.power));
        if difference == 0.0 || least.is_nan() || least >= MAX_USERS {
            return None;
        }
        if self.looks.is_none() {
            return Some(least);
        }
        let is_enough = |n: f64| needed(self.shift_needed(n)) <= n;
        let mut high = 2.0 * least.max(1.0);
        while !is_enough(high) {
            high *= 2.0;
            if high > MAX_USERS {
                return None;
            }
        }
        Some(bisect(least.max(1.0), high, is_enough))
    }

    /// The least difference that `n` users in both arms find with the power of the design.
    pub fn detectable(&self, contrast: Contrast, n: f64) -> f64 {
        self.shift_needed(n) * contrast.standard_error(n)
    }
}

/// The least number between two for which something holds from there on, to one part in
/// a thousand.
fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    while high - low > 1e-3 * high {
        let middle = 0.5 * (low + high);
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}
