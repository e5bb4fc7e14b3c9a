//! Measures as formulas, for people.

use std::fmt;

use super::{Measure, Statistic, Total};
use crate::dataset::DayPart;

/// As on a clock.
fn hours(part: DayPart) -> &'static str {
    ["0 to 6 h", "6 to 12 h", "12 to 18 h", "18 to 24 h"][part as usize]
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Events(event) => format!("count(rows with event = {})", quoted(event)),
            Self::DaysOf(event) => format!("distinct(day of event = {})", quoted(event)),
            Self::ItemsOf(event) => format!("distinct(item of event = {})", quoted(event)),
            Self::CategoriesOf(event) => format!("distinct(category of event = {})", quoted(event)),
            Self::AmountOf(event) => format!("sum(amount of event = {})", quoted(event)),
            Self::DwellOf(event) => format!("sum(dwell_s of event = {})", quoted(event)),
            Self::OwnEvents => "count(own events)".into(),
            Self::ActiveDays => "distinct(day of own events)".into(),
            Self::Sessions => "distinct(session)".into(),
            Self::DwellSeconds => "sum(dwell_s)".into(),
            Self::Orders => "count(orders)".into(),
            Self::OrderDays => "distinct(day of orders)".into(),
            Self::Amount => "sum(order amount)".into(),
            Self::Discount => "sum(order discount)".into(),
            Self::FullPrice => "sum(order amount + discount)".into(),
            Self::DiscountedOrders => "count(orders with discount > 0)".into(),
            Self::Units => "sum(order quantity)".into(),
            Self::OrderLines => "count(order rows)".into(),
            Self::ItemsOrdered => "distinct(item of order rows)".into(),
            Self::CategoriesOrdered => "distinct(category of order rows)".into(),
            Self::OrdersAt(part) => format!("count(orders at {})", hours(*part)),
            Self::OrdersAtWeekend => "count(orders on Sat, Sun)".into(),
            Self::OrdersInQuarter(quarter) => format!("count(orders in Q{quarter})"),
            Self::EventsWithChannel => "count(own events with channel)".into(),
            Self::EventsOnChannel(channel) => {
                format!("count(own events with channel = {})", quoted(channel))
            }
            Self::AmountOnChannel(channel) => {
                format!("sum(amount of order rows with channel = {})", quoted(channel))
            }
            Self::EventOnChannel { event, channel } => {
                let (event, channel) = (quoted(event), quoted(channel));
                format!("count(rows with event = {event} and channel = {channel})")
            }
            Self::EventsWithCategory => "count(own events with category)".into(),
            Self::EventsInCategory(category) => {
                format!("count(own events with category = {})", quoted(category))
            }
            Self::EventsAt(part) => format!("count(own events at {})", hours(*part)),
            Self::EventsOnWeekday(day) => {
                let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][usize::from(*day) % 7];
                format!("count(own events on {day})")
            }
            Self::EventsAtWeekend => "count(own events on Sat, Sun)".into(),
        };
        f.write_str(&text)
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::DaysSinceLast(event) => {
                format!("as_of - max(time of event = {})", quoted(event))
            }
            Self::DaysSinceLastActivity => "as_of - max(time of own events)".into(),
            Self::DaysSinceFirstEvent => "as_of - min(time)".into(),
            Self::DaysSinceLastOrder => "as_of - max(time of orders)".into(),
            Self::CustomerAge => "as_of - min(time of orders)".into(),
            Self::PurchaseSpan => "max(day of orders) - min(day of orders)".into(),
            Self::OrdersPer30Days => "30 * count(orders) / customer_age_days".into(),
            Self::LargestOrder => "max(order amount)".into(),
            Self::OrderValueSd => "sd(order amount)".into(),
            Self::OrderValueCv => "sd(order amount) / mean(order amount)".into(),
            Self::OrderValueTrend => {
                "slope(order amount over order number) / mean(order amount)".into()
            }
            Self::LastOrderValueRatio => "last(order amount) / mean(order amount)".into(),
            Self::MeanGap => "mean(days between order days)".into(),
            Self::GapSd => "sd(days between order days)".into(),
            Self::GapCv => "sd / mean of days between order days".into(),
            Self::LongestGap => "max(days between order days)".into(),
            Self::LastGap => "last(days between order days)".into(),
            Self::LastGapRatio => "last / mean of days between order days".into(),
            Self::SilenceRatio => "days_since_last_order / max(1, mean gap)".into(),
            Self::SilenceOfLongestGap => "days_since_last_order / max(1, longest gap)".into(),
            Self::MeanActiveGap => "mean(days between active days)".into(),
            Self::LongestActiveGap => "max(days between active days)".into(),
            Self::LastStreak => "active days on end up to the last".into(),
            Self::LongestStreak => "max(active days on end)".into(),
            Self::Distinct(kind) => format!("distinct({} of own events)", kind.as_str()),
            Self::Entropy(kind) => format!("-sum(p log2 p), p: shares by {}", kind.as_str()),
            Self::FavouriteShare(kind) => format!("max(share by {})", kind.as_str()),
            Self::DaysSinceNew(kind) => {
                format!("as_of - max over {} of min(time)", kind.as_str())
            }
            Self::FirstOrderValue => "first(order amount)".into(),
            Self::FirstOrderUnits => "first(order quantity)".into(),
            Self::FirstOrderDiscountDepth => "first(discount / (amount + discount))".into(),
            Self::DaysToFirstOrder => "min(day of orders) - min(day)".into(),
            Self::FirstOrderAtWeekend => "first(order on Sat, Sun)".into(),
            Self::OrdersSameSeason { days } => {
                format!("count(orders in [as_of - 365 d, as_of - {} d))", 365 - (*days).min(365))
            }
        };
        f.write_str(&text)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = |days: &Option<u32>| {
            days.map_or(String::new(), |days| format!(" where age <= {days} d"))
        };
        match self {
            Self::Total { total, window_days } => write!(f, "{total}{}", window(window_days)),
            Self::Quotient { numerator, denominator, window_days } => {
                write!(f, "{numerator} / {denominator}{}", window(window_days))
            }
            Self::Trend { total, recent_days, longer_days } => {
                write!(f, "{total}, age <= {recent_days} d by age <= {longer_days} d")
            }
            Self::Statistic(statistic) => statistic.fmt(f),
            Self::Sql(sql) => f.write_str(sql),
        }
    }
}
