//! What the same time of the year before says of a level, such as a churn rate in log odds.

use chrono::{Days, NaiveDateTime};
use serde::{Deserialize, Serialize};

/// Days after which the year comes round: whole weeks, so that weekdays agree.
pub const YEAR_DAYS: u64 = 364;

/// Dates with a level of their own and one of the year before, at least.
const MIN_DATES: usize = 4;

/// How often what the year before leaves unexplained counts: dates of training overlap, so
/// that few of them are independent. The year before has no say below an R² of 3/4.
const UNEXPLAINED_COUNTS: f64 = 4.0;

/// Levels of the past, and how far those of the year before tell what comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeasonCurve {
    /// Date of the first level.
    pub first: NaiveDateTime,
    /// Days from one to the next.
    pub step_days: u32,
    /// Levels, in units of whatever they are added to.
    pub levels: Vec<f64>,
    /// Their mean a year before the dates that the curve was fitted to.
    pub mean: f64,
    /// How far the year before counts, 0..1.
    pub weight: f64,
}

impl SeasonCurve {
    /// Fits how far levels at `first`, and every `step_days` after, tell those at the `dates`
    /// a year later: by the slope of the latter on the former, drawn to 0 as far as the former
    /// leave the latter unexplained. `None` where fewer than four dates have a year before, or
    /// it tells nothing.
    pub fn fit(
        first: NaiveDateTime,
        step_days: u32,
        levels: Vec<f64>,
        dates: &[(NaiveDateTime, f64)],
    ) -> Option<Self> {
        let mut curve = Self { first, step_days, levels, mean: 0.0, weight: 0.0 };
        let with_before =
            |&(date, level): &(NaiveDateTime, f64)| Some((curve.year_before(date)?, level));
        let pairs: Vec<(f64, f64)> = dates.iter().filter_map(with_before).collect();
        if pairs.len() < MIN_DATES {
            return None;
        }
        let mean =
            |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
        let (before, after) = (mean(|it| it.0), mean(|it| it.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| {
            pairs.iter().map(|it| of(it.0 - before, it.1 - after)).sum::<f64>()
        };
        let [xx, xy, yy] = [sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y)];
        if xx <= 0.0 || yy <= 0.0 || xy <= 0.0 {
            return None;
        }
        let r_squared = xy * xy / (xx * yy);
        curve.mean = before;
        curve.weight = (xy / xx).min(1.0) * (1.0 - UNEXPLAINED_COUNTS * (1.0 - r_squared)).max(0.0);
        (curve.weight > 0.0).then_some(curve)
    }

    /// By how much the level at a date is taken to differ from that of the dates that the
    /// curve was fitted to; 0 where the year before is not known.
    pub fn shift(&self, date: NaiveDateTime) -> f64 {
        self.year_before(date).map_or(0.0, |level| self.weight * (level - self.mean))
    }

    /// The level a year before, between those around it.
    fn year_before(&self, date: NaiveDateTime) -> Option<f64> {
        let before = date.checked_sub_days(Days::new(YEAR_DAYS))?;
        let seconds = (before - self.first).num_seconds() as f64;
        let place = seconds / 86_400.0 / f64::from(self.step_days);
        if place < 0.0 {
            return None;
        }
        let (below, share) = (place.floor() as usize, place.fract());
        let level = *self.levels.get(below)?;
        match share > 0.0 {
            true => Some(level + share * (self.levels.get(below + 1)? - level)),
            false => Some(level),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u64) -> NaiveDateTime {
        NaiveDateTime::default() + Days::new(n)
    }

    /// A level that comes round every year, on so many days from the first on.
    fn season(n: u64) -> f64 {
        (n as f64 / 364.0 * std::f64::consts::TAU).sin()
    }

    fn levels(n_days: u64) -> Vec<f64> {
        (0..=n_days / 14).map(|place| season(place * 14)).collect()
    }

    #[test]
    fn a_level_that_comes_round_is_foretold() {
        let dates: Vec<_> =
            (0..6).map(|n| (day(364 + 100 + 30 * n), season(100 + 30 * n))).collect();
        let curve = SeasonCurve::fit(day(0), 14, levels(400), &dates).unwrap();
        assert!(curve.weight > 0.95, "{curve:?}");
        let mean = dates.iter().map(|it| it.1).sum::<f64>() / 6.0;
        for n in [280, 330, 364] {
            let expected = season(n) - mean;
            assert!((curve.shift(day(364 + n)) - expected).abs() < 0.05, "{n}");
        }
        // Between the levels, and beyond the last.
        assert!((curve.shift(day(364 + 287)) - (season(287) - mean)).abs() < 0.05);
        assert_eq!(curve.shift(day(364 + 420)), 0.0);
    }

    #[test]
    fn what_does_not_come_round_has_no_say() {
        let dates = |level: fn(u64) -> f64| -> Vec<_> {
            (0..6).map(|n| (day(364 + 100 + 30 * n), level(n))).collect()
        };
        let fit = |level| SeasonCurve::fit(day(0), 14, levels(400), &dates(level));
        // The other way round, no change, and half of it by chance.
        assert_eq!(fit(|n| -season(100 + 30 * n)), None);
        assert_eq!(fit(|_| 0.3), None);
        assert_eq!(fit(|n| season(100 + 30 * n) + [1.2, -1.2][n as usize % 2]), None);
    }

    #[test]
    fn three_dates_are_too_few() {
        let dates: Vec<_> = (0..3).map(|n| (day(464 + 30 * n), season(100 + 30 * n))).collect();
        assert_eq!(SeasonCurve::fit(day(0), 14, levels(400), &dates), None);
        let before = [(day(300), 0.1), (day(320), 0.2), (day(340), 0.3), (day(360), 0.4)];
        assert_eq!(SeasonCurve::fit(day(0), 14, levels(400), &before), None);
    }
}
