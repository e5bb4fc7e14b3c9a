//! Figures of a whole history.

use super::Statistic;
use super::orders::Order;
use super::program::{MICROS_PER_DAY, weekday};
use crate::dataset::Dimension;

/// What is known of a user as of a moment.
pub(super) struct Facts<'a> {
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
    pub kinds: [KindFacts<'a>; 3],
    /// Fixed-point units in 1.
    pub scale: f64,
}

/// Own events by the values of a column.
pub(super) struct KindFacts<'a> {
    /// By code.
    pub counts: &'a [u64],
    /// By code.
    pub first_times: &'a [i64],
    /// Codes that occur.
    pub met: &'a [u32],
}

impl Facts<'_> {
    /// Begun days since a moment.
    pub fn days_since(&self, moment: i64) -> f64 {
        ((self.as_of - 1 - moment).div_euclid(MICROS_PER_DAY) + 1) as f64
    }

    fn values(&self) -> impl Iterator<Item = f64> + Clone {
        self.orders.iter().map(|order| order.amount as f64 / self.scale)
    }

    fn days_since_last_order(&self) -> Option<f64> {
        self.orders.last().map(|order| self.days_since(order.time))
    }

    /// Days between order days.
    fn gaps(&self) -> impl Iterator<Item = f64> + Clone {
        gaps(self.order_days)
    }
}

fn gaps(days: &[i64]) -> impl Iterator<Item = f64> + Clone {
    days.windows(2).map(|pair| (pair[1] - pair[0]) as f64)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
    (n > 0.0).then(|| sum / n)
}

/// Sample standard deviation; `None` below two values.
fn spread(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let mean = mean(values.clone())?;
    let (n, squares) =
        values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + (value - mean) * (value - mean)));
    (n > 1.0).then(|| (squares / (n - 1.0)).sqrt())
}

fn largest(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::max)
}

/// `above / below`; `None` where that is no number.
fn quotient(above: f64, below: f64) -> Option<f64> {
    Some(above / below).filter(|quotient| quotient.is_finite())
}

/// `None` where it is missing.
pub(super) fn statistic(wanted: &Statistic, facts: &Facts<'_>) -> Option<f64> {
    use Statistic as S;
    let first_order = facts.orders.first();
    match wanted {
        // Kept by event code, not here.
        S::DaysSinceLast(_) => None,
        S::DaysSinceLastActivity => facts.last_activity.map(|time| facts.days_since(time)),
        S::DaysSinceFirstEvent => Some(facts.days_since(facts.first_event)),
        S::DaysSinceLastOrder => facts.days_since_last_order(),
        S::CustomerAge => first_order.map(|order| facts.days_since(order.time)),
        S::PurchaseSpan => Some((facts.order_days.last()? - facts.order_days.first()?) as f64),
        S::OrdersPer30Days => {
            quotient(30.0 * facts.orders.len() as f64, facts.days_since(first_order?.time))
        }
        S::LargestOrder => largest(facts.values()),
        S::OrderValueSd => spread(facts.values()),
        S::OrderValueCv => quotient(spread(facts.values())?, mean(facts.values())?),
        S::OrderValueTrend => trend(facts),
        S::LastOrderValueRatio => quotient(facts.values().last()?, mean(facts.values())?),
        S::MeanGap => mean(facts.gaps()),
        S::GapSd => spread(facts.gaps()),
        S::GapCv => quotient(spread(facts.gaps())?, mean(facts.gaps())?),
        S::LongestGap => largest(facts.gaps()),
        S::LastGap => facts.gaps().last(),
        S::LastGapRatio => quotient(facts.gaps().last()?, mean(facts.gaps())?),
        S::SilenceRatio => {
            let usual = mean(facts.gaps()).unwrap_or(0.0).max(1.0);
            facts.days_since_last_order().map(|days| days / usual)
        }
        S::SilenceOfLongestGap => {
            let longest = largest(facts.gaps()).unwrap_or(0.0).max(1.0);
            facts.days_since_last_order().map(|days| days / longest)
        }
        S::MeanActiveGap => mean(gaps(facts.active_days)),
        S::LongestActiveGap => largest(gaps(facts.active_days)),
        S::LastStreak => streaks(facts.active_days).last(),
        S::LongestStreak => largest(streaks(facts.active_days)),
        S::Distinct(kind) => Some(facts.kinds[*kind as usize].met.len() as f64),
        S::Entropy(kind) => entropy(&facts.kinds[*kind as usize]),
        S::FavouriteShare(kind) => {
            let counts = facts.kinds[*kind as usize].present();
            quotient(counts.clone().max()? as f64, counts.sum::<u64>() as f64)
        }
        S::DaysSinceNew(kind) => newest_value(facts, *kind),
        S::FirstOrderValue => first_order.map(|order| order.amount as f64 / facts.scale),
        S::FirstOrderUnits => first_order.map(|order| order.quantity as f64 / facts.scale),
        S::FirstOrderDiscountDepth => {
            let order = first_order?;
            quotient(order.discount as f64, order.amount as f64 + order.discount as f64)
        }
        S::DaysToFirstOrder => {
            let first_day = facts.first_event.div_euclid(MICROS_PER_DAY);
            facts.order_days.first().map(|day| (day - first_day) as f64)
        }
        S::FirstOrderAtWeekend => {
            facts.order_days.first().map(|&day| f64::from(u8::from(weekday(day) >= 5)))
        }
        S::OrdersSameSeason { days } => {
            let from = facts.as_of - 365 * MICROS_PER_DAY;
            let to = from + i64::from(*days) * MICROS_PER_DAY;
            let n_before = |moment| facts.orders.partition_point(|order| order.time < moment);
            Some((n_before(to) - n_before(from)) as f64)
        }
    }
}

/// Least-squares slope of the values over 0, 1, 2 …, by their mean.
fn trend(facts: &Facts<'_>) -> Option<f64> {
    let n = facts.orders.len() as f64;
    let (mean_value, mean_number) = (mean(facts.values())?, (n - 1.0) / 2.0);
    let (mut above, mut below) = (0.0, 0.0);
    for (number, value) in facts.values().enumerate() {
        let from_centre = number as f64 - mean_number;
        above += from_centre * (value - mean_value);
        below += from_centre * from_centre;
    }
    quotient(above / below, mean_value)
}

/// Lengths of the runs of days on end, in order of time.
fn streaks(days: &[i64]) -> impl Iterator<Item = f64> {
    days.chunk_by(|a, b| b - a == 1).map(|run| run.len() as f64)
}

impl KindFacts<'_> {
    fn present(&self) -> impl Iterator<Item = u64> + Clone {
        self.met.iter().map(|&code| self.counts[code as usize])
    }
}

fn entropy(kind: &KindFacts<'_>) -> Option<f64> {
    let mut counts: Vec<u64> = kind.present().collect();
    // Sums of floats depend on their order; codes do not come in a fixed one.
    counts.sort_unstable();
    let total = counts.iter().sum::<u64>() as f64;
    let term = |count: u64| {
        let share = count as f64 / total;
        -share * share.log2()
    };
    (total > 0.0).then(|| counts.into_iter().map(term).sum::<f64>().max(0.0))
}

fn newest_value(facts: &Facts<'_>, kind: Dimension) -> Option<f64> {
    let kind = &facts.kinds[kind as usize];
    let first_times = kind.met.iter().map(|&code| kind.first_times[code as usize]);
    first_times.max().map(|time| facts.days_since(time))
}
