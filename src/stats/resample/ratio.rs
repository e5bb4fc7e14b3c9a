use super::Interval;

/// A ratio Σy / Σx over independent units, such as answers of messages over users, each
/// of whom got many. Units with x = 0 have no part in it. Sums are all that it needs, so
/// parts of the data add up.
///
/// Variance by linearisation, so that units are what is independent and not the events
/// within them: v = n / (n − 1) · Σ(y − R x)² / (Σx)².
///
/// Source: Cochran (1977), "Sampling Techniques", 3rd edition, §6.3–6.4.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RatioSums {
    n_units: usize,
    y: f64,
    x: f64,
    yy: f64,
    xy: f64,
    xx: f64,
}

/// Quantile of the normal distribution for intervals of 95 %.
pub const Z_95: f64 = 1.959_964;

/// The same for 99.5 %.
pub const Z_99_5: f64 = 2.807_034;

impl RatioSums {
    /// Adds a unit.
    pub fn add_unit(&mut self, y: f64, x: f64) {
        if x != 0.0 {
            *self = self.plus(&Self { n_units: 1, y, x, yy: y * y, xy: x * y, xx: x * x });
        }
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            n_units: self.n_units + other.n_units,
            y: self.y + other.y,
            x: self.x + other.x,
            yy: self.yy + other.yy,
            xy: self.xy + other.xy,
            xx: self.xx + other.xx,
        }
    }

    /// Units with x other than 0.
    pub fn n_units(&self) -> usize {
        self.n_units
    }

    /// Σy.
    pub fn numerator(&self) -> f64 {
        self.y
    }

    /// Σx.
    pub fn denominator(&self) -> f64 {
        self.x
    }

    /// Σy / Σx; `None` without units.
    pub fn ratio(&self) -> Option<f64> {
        (self.n_units > 0).then(|| self.y / self.x)
    }

    /// Variance of the ratio; `None` below two units.
    fn variance(&self) -> Option<f64> {
        let (n, ratio) = (self.n_units as f64, self.ratio()?);
        let squares = self.yy - 2.0 * ratio * self.xy + ratio * ratio * self.xx;
        (self.n_units > 1).then(|| n / (n - 1.0) * squares.max(0.0) / (self.x * self.x))
    }

    /// The ratio ± `z` standard errors; `None` below two units.
    pub fn interval(&self, z: f64) -> Option<Interval> {
        let (ratio, half) = (self.ratio()?, z * self.variance()?.sqrt());
        Some(Interval { low: ratio - half, high: ratio + half })
    }

    /// The interval of a ratio of counts that lies in 0..1: Wilson's, for as many
    /// independent events as would have the same variance (at most Σx; as many as there
    /// are units where the ratio is 0 or 1). `None` below two units.
    ///
    /// Source: Wilson (1927), "Probable inference, the law of succession, and statistical
    /// inference", JASA 22; Franco et al. (2019), "Comparative study of confidence
    /// intervals for proportions in complex sample surveys", JSSAM 7(3), §2.
    pub fn share_interval(&self, z: f64) -> Option<Interval> {
        let (share, variance) = (self.ratio()?, self.variance()?);
        let of_one = share * (1.0 - share);
        let n = match of_one > 0.0 {
            true => (of_one / variance).min(self.x),
            false => self.n_units as f64,
        };
        let shrink = 1.0 + z * z / n;
        let centre = (share + z * z / (2.0 * n)) / shrink;
        let half = z / shrink * (of_one.max(0.0) / n + z * z / (4.0 * n * n)).sqrt();
        Some(Interval { low: (centre - half).max(0.0), high: (centre + half).min(1.0) })
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::stats::resample::{bootstrap, percentile_interval};

    fn sums(units: &[(f64, f64)]) -> RatioSums {
        let mut sums = RatioSums::default();
        units.iter().for_each(|&(y, x)| sums.add_unit(y, x));
        sums
    }

    /// Users with rates of their own and numbers of messages that differ.
    fn clustered(rng: &mut Xoshiro256PlusPlus, n_users: usize) -> Vec<(f64, f64)> {
        let mut user = |_| {
            let rate = if rng.gen_bool(0.3) { 0.8 } else { 0.1 };
            let n = rng.gen_range(1..12);
            ((0..n).filter(|_| rng.gen_bool(rate)).count() as f64, f64::from(n))
        };
        (0..n_users).map(&mut user).collect()
    }

    #[test]
    fn where_units_are_single_events_the_interval_is_wilsons() {
        let units: Vec<(f64, f64)> = (0..50).map(|n| (f64::from(n < 15), 1.0)).collect();
        let found = sums(&units).share_interval(Z_95).unwrap();
        // Wilson's for 30 % of 49: the variance divides by n − 1.
        assert!((found.low - 0.1901).abs() < 1e-4 && (found.high - 0.4390).abs() < 1e-4);
    }

    #[test]
    fn the_interval_is_about_that_of_a_bootstrap_over_users() {
        let units = clustered(&mut Xoshiro256PlusPlus::seed_from_u64(4), 600);
        let ratios = bootstrap(units.len(), 2_000, 1, |copies| {
            let total = |of: fn(&(f64, f64)) -> f64| -> f64 {
                units.iter().zip(copies).map(|(unit, &n)| of(unit) * f64::from(n)).sum()
            };
            Some(total(|unit| unit.0) / total(|unit| unit.1))
        });
        let expected = percentile_interval(ratios.into_iter()).unwrap();
        for found in [sums(&units).share_interval(Z_95), sums(&units).interval(Z_95)] {
            let found = found.unwrap();
            assert!((found.low - expected.low).abs() < 0.006, "{found:?} {expected:?}");
            assert!((found.high - expected.high).abs() < 0.006, "{found:?} {expected:?}");
        }
    }

    /// Of 400 samples, 95 % should hold the true rate of .31; four standard errors of
    /// that share are 4 %.
    #[test]
    fn intervals_cover_as_often_as_they_say_though_events_of_a_user_are_alike() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
        let covers = |_: &usize| {
            let found = sums(&clustered(&mut rng, 150)).share_interval(Z_95).unwrap();
            found.low <= 0.31 && 0.31 <= found.high
        };
        let n_covering = (0..400).filter(covers).count();
        assert!((364..=396).contains(&n_covering), "{n_covering} of 400");
    }

    #[test]
    fn nobody_and_everybody_have_intervals_of_their_number() {
        assert_eq!(sums(&[]).ratio(), None);
        assert_eq!(sums(&[(1.0, 2.0)]).share_interval(Z_95), None);
        assert_eq!(sums(&[(0.0, 0.0); 9]).n_units(), 0);
        let none = sums(&[(0.0, 5.0); 40]).share_interval(Z_95).unwrap();
        // Wilson for 0 of 40: z² / (40 + z²).
        assert!(none.low == 0.0 && (none.high - 3.8415 / 43.8415).abs() < 1e-4, "{none:?}");
        let units = clustered(&mut Xoshiro256PlusPlus::seed_from_u64(2), 50);
        let (first, second) = units.split_at(20);
        assert_eq!(sums(first).plus(&sums(second)), sums(&units));
    }
}
