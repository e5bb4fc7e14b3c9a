//! Figures of a whole history: one row of a table a statistic.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::formula::quoted;
use crate::dataset::Dimension;
use crate::features::calendar::is_weekend;
use crate::features::orders::Order;
use crate::features::summary::{
    HistorySummary, gaps, largest, last_by_mean, mean, quotient, slope_by_mean, standard_deviation,
    streaks, variation,
};

/// A figure of the whole history before the as-of date. Begun days count: what
/// happened an hour ago is one day old.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Days since the last event of a type.
    DaysSinceLast(String),
    /// Days since the last own event.
    DaysSinceLastActivity,
    /// Days since the first event.
    DaysSinceFirstEvent,
    /// Days since the last order.
    DaysSinceLastOrder,
    /// Days since the first order.
    CustomerAge,
    /// Days from the first order to the last.
    PurchaseSpan,
    /// Orders by 30 days since the first.
    OrdersPer30Days,
    /// Largest order.
    LargestOrder,
    /// Standard deviation of order values.
    OrderValueSd,
    /// Standard deviation by mean of order values.
    OrderValueCv,
    /// Slope of order values over the orders' numbers, by their mean.
    OrderValueTrend,
    /// Last order by mean order.
    LastOrderValueRatio,
    /// Mean days between order days.
    MeanGap,
    /// Their standard deviation.
    GapSd,
    /// Standard deviation by mean of the days between order days.
    GapCv,
    /// Most days between order days.
    LongestGap,
    /// Days between the last two order days.
    LastGap,
    /// Last gap by mean gap.
    LastGapRatio,
    /// Days since the last order by mean gap (at least one day).
    SilenceRatio,
    /// Days since the last order by the longest gap (at least one day).
    SilenceOfLongestGap,
    /// Mean days between active days.
    MeanActiveGap,
    /// Most days between active days.
    LongestActiveGap,
    /// Active days on end up to the last.
    LastStreak,
    /// Most active days on end.
    LongestStreak,
    /// Different values of a column in own events.
    Distinct(Dimension),
    /// Entropy of a column over own events, in bits.
    Entropy(Dimension),
    /// Share of the favourite value.
    FavouriteShare(Dimension),
    /// Days since a value was met for the first time.
    DaysSinceNew(Dimension),
    /// Value of the first order.
    FirstOrderValue,
    /// Units of the first order.
    FirstOrderUnits,
    /// Discount by full price of the first order.
    FirstOrderDiscountDepth,
    /// Days from the first event to the first order.
    DaysToFirstOrder,
    /// 1 when the first order was placed on a Saturday or Sunday.
    FirstOrderAtWeekend,
    /// Orders a year before the days that follow.
    OrdersSameSeason {
        /// Number of days that follow.
        days: u32,
    },
}

/// A figure from the summary of a history; `None` where it is missing.
pub(in crate::features) type StatisticValue =
    Box<dyn Fn(&HistorySummary<'_>) -> Option<f64> + Send + Sync>;

/// What is needed to compute a statistic and to speak of it.
struct Row {
    formula: String,
    value: StatisticValue,
}

fn row(
    formula: impl Into<String>,
    value: impl Fn(&HistorySummary<'_>) -> Option<f64> + Send + Sync + 'static,
) -> Row {
    Row { formula: formula.into(), value: Box::new(value) }
}

impl Statistic {
    #[rustfmt::skip]
    fn row(&self) -> Row {
        use Statistic as S;
        match *self {
            // The time of an event type is kept by its code, beside the summary.
            S::DaysSinceLast(ref event) => row(format!("as_of - max(time of event = {})", quoted(event)), |_| None),
            S::DaysSinceLastActivity => row("as_of - max(time of own events)", |it| it.last_activity.map(|time| it.days_since(time))),
            S::DaysSinceFirstEvent => row("as_of - min(time)", |it| Some(it.days_since(it.first_event))),
            S::DaysSinceLastOrder => row("as_of - max(time of orders)", |it| it.orders.last().map(|order| it.days_since(order.time))),
            S::CustomerAge => row("as_of - min(time of orders)", |it| it.first_order().map(|order| it.days_since(order.time))),
            S::PurchaseSpan => row("max(day of orders) - min(day of orders)", |it| Some((it.order_days.last()? - it.order_days.first()?) as f64)),
            S::OrdersPer30Days => row("30 * count(orders) / customer_age_days", |it| quotient(30.0 * it.orders.len() as f64, it.days_since(it.first_order()?.time))),
            S::LargestOrder => row("max(order amount)", |it| largest(it.order_values())),
            S::OrderValueSd => row("sd(order amount)", |it| standard_deviation(it.order_values())),
            S::OrderValueCv => row("sd(order amount) / mean(order amount)", |it| variation(it.order_values())),
            S::OrderValueTrend => row("slope(order amount over order number) / mean(order amount)", |it| slope_by_mean(it.order_values())),
            S::LastOrderValueRatio => row("last(order amount) / mean(order amount)", |it| last_by_mean(it.order_values())),
            S::MeanGap => row("mean(days between order days)", |it| mean(it.order_gaps())),
            S::GapSd => row("sd(days between order days)", |it| standard_deviation(it.order_gaps())),
            S::GapCv => row("sd / mean of days between order days", |it| variation(it.order_gaps())),
            S::LongestGap => row("max(days between order days)", |it| largest(it.order_gaps())),
            S::LastGap => row("last(days between order days)", |it| it.order_gaps().last()),
            S::LastGapRatio => row("last / mean of days between order days", |it| last_by_mean(it.order_gaps())),
            S::SilenceRatio => row("days_since_last_order / max(1, mean gap)", |it| it.silence_in(mean(it.order_gaps()))),
            S::SilenceOfLongestGap => row("days_since_last_order / max(1, longest gap)", |it| it.silence_in(largest(it.order_gaps()))),
            S::MeanActiveGap => row("mean(days between active days)", |it| mean(gaps(it.active_days))),
            S::LongestActiveGap => row("max(days between active days)", |it| largest(gaps(it.active_days))),
            S::LastStreak => row("active days on end up to the last", |it| streaks(it.active_days).last()),
            S::LongestStreak => row("max(active days on end)", |it| largest(streaks(it.active_days))),
            S::Distinct(of) => row(format!("distinct({} of own events)", of.as_str()), move |it| Some(it.dimension(of).met.len() as f64)),
            S::Entropy(of) => row(format!("-sum(p log2 p), p: shares by {}", of.as_str()), move |it| it.dimension(of).entropy()),
            S::FavouriteShare(of) => row(format!("max(share by {})", of.as_str()), move |it| it.dimension(of).favourite_share()),
            S::DaysSinceNew(of) => row(format!("as_of - max over {} of min(time)", of.as_str()), move |it| it.dimension(of).last_new().map(|time| it.days_since(time))),
            S::FirstOrderValue => row("first(order amount)", |it| it.first_order().map(|order| it.amount(order.amount))),
            S::FirstOrderUnits => row("first(order quantity)", |it| it.first_order().map(|order| it.amount(order.quantity))),
            S::FirstOrderDiscountDepth => row("first(discount / (amount + discount))", |it| it.first_order().and_then(Order::discount_depth)),
            S::DaysToFirstOrder => row("min(day of orders) - min(day)", |it| it.order_days.first().map(|day| (day - it.first_day()) as f64)),
            S::FirstOrderAtWeekend => row("first(order on Sat, Sun)", |it| it.order_days.first().map(|&day| f64::from(u8::from(is_weekend(day))))),
            S::OrdersSameSeason { days } => row(format!("count(orders in [as_of - 365 d, as_of - {} d))", 365 - days.min(365)), move |it| Some(it.orders_a_year_before(days))),
        }
    }

    /// The column over whose values it looks.
    pub fn dimension(&self) -> Option<Dimension> {
        match self {
            Self::Distinct(of)
            | Self::Entropy(of)
            | Self::FavouriteShare(of)
            | Self::DaysSinceNew(of) => Some(*of),
            _ => None,
        }
    }

    /// How it is computed.
    pub(in crate::features) fn value(&self) -> StatisticValue {
        self.row().value
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.row().formula)
    }
}
