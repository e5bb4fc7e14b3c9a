//! What statistics read of a history, and how values are put into one figure.

use super::calendar::{MICROS_PER_DAY, day_of};
use super::orders::Order;
use crate::dataset::Dimension;

/// A user's history as of a moment.
pub(super) struct HistorySummary<'a> {
    pub as_of: i64,
    pub first_event: i64,
    /// In order of time.
    pub orders: &'a [Order],
    /// Days since 1970, ascending, each once.
    pub order_days: &'a [i64],
    /// Days since 1970, ascending, each once.
    pub active_days: &'a [i64],
    pub last_activity: Option<i64>,
    /// By [`Dimension`].
    pub dimensions: [DimensionSummary<'a>; 3],
    /// Fixed-point units in 1.
    pub scale: f64,
}

/// Own events by the values of a column.
pub(super) struct DimensionSummary<'a> {
    /// By code.
    pub counts: &'a [u64],
    /// By code.
    pub first_times: &'a [i64],
    /// Codes that occur.
    pub met: &'a [u32],
}

impl HistorySummary<'_> {
    /// Begun days since a moment.
    pub fn days_since(&self, moment: i64) -> f64 {
        ((self.as_of - 1 - moment).div_euclid(MICROS_PER_DAY) + 1) as f64
    }

    pub fn first_order(&self) -> Option<&Order> {
        self.orders.first()
    }

    /// Day of the first event, since 1970.
    pub fn first_day(&self) -> i64 {
        day_of(self.first_event)
    }

    pub fn days_since_last_order(&self) -> Option<f64> {
        self.orders.last().map(|order| self.days_since(order.time))
    }

    /// A fixed-point number as it is.
    pub fn amount(&self, fixed_point: i64) -> f64 {
        fixed_point as f64 / self.scale
    }

    /// Values of the orders, in order of time.
    pub fn order_values(&self) -> impl Iterator<Item = f64> + Clone {
        self.orders.iter().map(|order| self.amount(order.amount))
    }

    /// Days between order days.
    pub fn order_gaps(&self) -> impl Iterator<Item = f64> + Clone {
        gaps(self.order_days)
    }

    /// Days since the last order by a gap of at least a day.
    pub fn silence_in(&self, gap: Option<f64>) -> Option<f64> {
        let gap = gap.unwrap_or(0.0).max(1.0);
        self.days_since_last_order().map(|days| days / gap)
    }

    /// Orders in the days from a year before the moment on.
    pub fn orders_a_year_before(&self, days: u32) -> f64 {
        let from = self.as_of - 365 * MICROS_PER_DAY;
        let to = from + i64::from(days) * MICROS_PER_DAY;
        let n_before = |moment| self.orders.partition_point(|order| order.time < moment);
        (n_before(to) - n_before(from)) as f64
    }

    pub fn dimension(&self, dimension: Dimension) -> &DimensionSummary<'_> {
        &self.dimensions[dimension as usize]
    }
}

impl DimensionSummary<'_> {
    /// Number of own events of each value that occurs, in no order.
    fn present(&self) -> impl Iterator<Item = u64> + Clone {
        self.met.iter().map(|&code| self.counts[code as usize])
    }

    /// In bits.
    pub fn entropy(&self) -> Option<f64> {
        let mut counts: Vec<u64> = self.present().collect();
        // Sums of floats depend on their order; codes do not come in a fixed one.
        counts.sort_unstable();
        let total = counts.iter().sum::<u64>() as f64;
        let term = |count: u64| {
            let share = count as f64 / total;
            -share * share.log2()
        };
        (total > 0.0).then(|| counts.into_iter().map(term).sum::<f64>().max(0.0))
    }

    /// Share of the most frequent value.
    pub fn favourite_share(&self) -> Option<f64> {
        quotient(self.present().max()? as f64, self.present().sum::<u64>() as f64)
    }

    /// When a value was met for the first time, last.
    pub fn last_new(&self) -> Option<i64> {
        self.met.iter().map(|&code| self.first_times[code as usize]).max()
    }
}

/// Days from each day to the next.
pub(super) fn gaps(days: &[i64]) -> impl Iterator<Item = f64> + Clone {
    days.windows(2).map(|pair| (pair[1] - pair[0]) as f64)
}

/// Lengths of the runs of days on end, in order of time.
pub(super) fn streaks(days: &[i64]) -> impl Iterator<Item = f64> {
    days.chunk_by(|a, b| b - a == 1).map(|run| run.len() as f64)
}

pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
    (n > 0.0).then(|| sum / n)
}

/// Sample standard deviation; `None` below two values.
pub(super) fn standard_deviation(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let mean = mean(values.clone())?;
    let (n, squares) =
        values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + (value - mean) * (value - mean)));
    (n > 1.0).then(|| (squares / (n - 1.0)).sqrt())
}

/// Standard deviation by mean.
pub(super) fn variation(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    quotient(standard_deviation(values.clone())?, mean(values)?)
}

/// The last value by the mean of all.
pub(super) fn last_by_mean(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    quotient(values.clone().last()?, mean(values)?)
}

/// Least-squares slope of the values over 0, 1, 2 …, by their mean.
pub(super) fn slope_by_mean(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let (mean_value, n) = (mean(values.clone())?, values.clone().count() as f64);
    let mean_number = (n - 1.0) / 2.0;
    let (mut above, mut below) = (0.0, 0.0);
    for (number, value) in values.enumerate() {
        let from_centre = number as f64 - mean_number;
        above += from_centre * (value - mean_value);
        below += from_centre * from_centre;
    }
    quotient(above / below, mean_value)
}

pub(super) fn largest(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::max)
}

/// `above / below`; `None` where that is no number.
pub(super) fn quotient(above: f64, below: f64) -> Option<f64> {
    Some(above / below).filter(|quotient| quotient.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_few_values_are_missing_or_zero() {
        let values = |list: &'static [f64]| list.iter().copied();
        assert_eq!(mean(values(&[])), None);
        assert_eq!(standard_deviation(values(&[3.0])), None);
        assert_eq!(standard_deviation(values(&[1.0, 3.0])), Some(2.0_f64.sqrt()));
        assert_eq!(slope_by_mean(values(&[2.0])), None);
        assert_eq!(slope_by_mean(values(&[1.0, 2.0, 3.0])), Some(0.5));
        assert_eq!(last_by_mean(values(&[1.0, 3.0])), Some(1.5));
        assert_eq!(variation(values(&[-1.0, 1.0])), None);
    }

    #[test]
    fn gaps_and_streaks_of_days() {
        let days = [1, 2, 3, 7, 8, 20];
        assert_eq!(gaps(&days).collect::<Vec<_>>(), [1.0, 1.0, 4.0, 1.0, 12.0]);
        assert_eq!(streaks(&days).collect::<Vec<_>>(), [3.0, 2.0, 1.0]);
    }
}
