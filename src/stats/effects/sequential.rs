//! Intervals and levels for those who look more than once.

use crate::stats::distributions::normal_cdf;

/// A confidence sequence: its intervals hold at all looks together, however many.
///
/// Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2023), "Time-uniform central
/// limit theory and asymptotic confidence sequences", arXiv:2103.06476, eq. 9, 155, 161;
/// the two-sided normal mixture of Howard, Ramdas, McAuliffe & Sekhon (2021),
/// "Time-uniform, nonparametric, nonasymptotic confidence sequences", eq. 14, is the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlwaysValid {
    /// ρ² of the mixture, as a number of users.
    r: f64,
}

impl AlwaysValid {
    /// The sequence whose interval of level 1 − `alpha` is narrowest, for its number of
    /// users, about `n_star` users in both arms. It is to stay the same at all looks.
    pub fn narrowest_at(n_star: f64, alpha: f64) -> Self {
        let ln_alpha = alpha.ln();
        Self { r: n_star / ((1.0 - 2.0 * ln_alpha).ln() - 2.0 * ln_alpha) }
    }

    /// Standard errors on each side, at `n` users in both arms.
    pub fn critical(&self, alpha: f64, n: f64) -> f64 {
        let r = self.r;
        ((n + r) / n * ((n + r) / (r * alpha * alpha)).ln()).sqrt()
    }

    /// The p-value at `z` standard errors and `n` users: below `alpha` just where the
    /// interval of that level excludes 0.
    pub fn p_value(&self, z: f64, n: f64) -> f64 {
        let r = self.r;
        ((1.0 + n / r).sqrt() * (-z * z * n / (2.0 * (n + r))).exp()).min(1.0)
    }
}

/// Points on each side of 0 in the integration over paths.
const N_STEPS: usize = 160;

/// The paths of a test's score over the looks: how many have left the bounds, and where
/// the others stand. The score is z · √share, so that its steps are independent.
///
/// Source: Armitage, McPherson & Rowe (1969), "Repeated significance tests on accumulating
/// data", JRSS A 132.
pub(super) struct Paths {
    /// Expected z once all users are there.
    drift: f64,
    /// Share of the users at the last look.
    share: f64,
    /// Where those within the bounds stand, and how likely they stand there.
    points: Vec<(f64, f64)>,
}

impl Paths {
    /// Before the first look.
    pub fn new(drift: f64) -> Self {
        Self { drift, share: 0.0, points: vec![(0.0, 1.0)] }
    }

    /// Chance to have left the bounds by a look after this share of the users, if
    /// |z| ≥ `critical` leaves them there.
    pub fn left_at(&self, share: f64, critical: f64) -> f64 {
        let (mean, variance) = self.step(share);
        let (bound, sd) = (critical * share.sqrt(), variance.sqrt());
        let stays = |x: f64| {
            let centre = x + mean;
            normal_cdf((bound - centre) / sd) - normal_cdf((-bound - centre) / sd)
        };
        1.0 - self.points.iter().map(|(x, mass)| mass * stays(*x)).sum::<f64>()
    }

    /// Takes the look; returns the chance to have left the bounds by now.
    pub fn look(&mut self, share: f64, critical: f64) -> f64 {
        let left = self.left_at(share, critical);
        let (mean, variance) = self.step(share);
        let step = critical * share.sqrt() / N_STEPS as f64;
        let place = |number: usize| (number as f64 - N_STEPS as f64) * step;
        let at = |y: f64| -> f64 {
            let density = |(x, mass): &(f64, f64)| mass * gauss(y - x - mean, variance);
            self.points.iter().map(density).sum()
        };
        // Simpson's rule.
        let weight = |number: usize| match number {
            0 => 1.0,
            number if number == 2 * N_STEPS => 1.0,
            number if number % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let point = |number| (place(number), at(place(number)) * weight(number) * step / 3.0);
        self.points = (0..=2 * N_STEPS).map(point).collect();
        self.share = share;
        left
    }

    /// Mean and variance of the score's step to a look.
    fn step(&self, share: f64) -> (f64, f64) {
        let step = share - self.share;
        (self.drift * step, step)
    }
}

fn gauss(x: f64, variance: f64) -> f64 {
    (-x * x / (2.0 * variance)).exp() / (2.0 * std::f64::consts::PI * variance).sqrt()
}
