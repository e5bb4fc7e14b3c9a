//! What a feature measures, as data: the vocabulary in which plans are written.

use serde::{Deserialize, Serialize};

use crate::dataset::{DayPart, Dimension};

/// How a feature's value follows from a user's history before the as-of date.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A total over the window, or over all time.
    Total {
        /// Of what.
        total: Total,
        /// `[as_of − window_days, as_of)`; all time when absent.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        window_days: Option<u32>,
    },
    /// One total by another over the same window; missing when that is zero.
    Quotient {
        /// Above.
        numerator: Total,
        /// Below.
        denominator: Total,
        /// As of [`Measure::Total`].
        #[serde(skip_serializing_if = "Option::is_none", default)]
        window_days: Option<u32>,
    },
    /// A total over a short window by that over a longer one; missing when that
    /// is zero.
    Trend {
        /// Of what.
        total: Total,
        /// The short window.
        recent_days: u32,
        /// The longer one.
        longer_days: u32,
    },
    /// A figure of the whole history.
    Statistic(Statistic),
    /// SQL of the config: an aggregate over the rows of `events`.
    Sql(String),
}

/// What is summed or counted. *Own* events are those that the user, and not the
/// business, brought about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Total {
    /// Events of a type.
    Events(String),
    /// Days with an event of a type.
    DaysOf(String),
    /// Different items in events of a type.
    ItemsOf(String),
    /// Different categories in events of a type.
    CategoriesOf(String),
    /// Amount of the events of a type.
    AmountOf(String),
    /// Seconds spent in events of a type.
    DwellOf(String),
    /// Own events.
    OwnEvents,
    /// Days with an own event.
    ActiveDays,
    /// Different sessions.
    Sessions,
    /// Seconds spent.
    DwellSeconds,
    /// Orders: order rows with one id are one order, others one each.
    Orders,
    /// Days with an order.
    OrderDays,
    /// Amount ordered.
    Amount,
    /// Discount taken.
    Discount,
    /// Amount and discount together.
    FullPrice,
    /// Orders with a discount.
    DiscountedOrders,
    /// Units ordered.
    Units,
    /// Order rows.
    OrderLines,
    /// Different items ordered.
    ItemsOrdered,
    /// Different categories ordered from.
    CategoriesOrdered,
    /// Orders placed in a part of the day.
    OrdersAt(DayPart),
    /// Orders placed on a Saturday or Sunday.
    OrdersAtWeekend,
    /// Orders placed in a quarter of the year, 1 to 4.
    OrdersInQuarter(u8),
    /// Own events with a channel.
    EventsWithChannel,
    /// Own events on a channel.
    EventsOnChannel(String),
    /// Amount ordered on a channel.
    AmountOnChannel(String),
    /// Events of a type on a channel.
    EventOnChannel {
        /// The type.
        event: String,
        /// The channel.
        channel: String,
    },
    /// Own events with a category.
    EventsWithCategory,
    /// Own events in a category.
    EventsInCategory(String),
    /// Own events in a part of the day.
    EventsAt(DayPart),
    /// Own events on a day of the week, 0 for Monday.
    EventsOnWeekday(u8),
    /// Own events on a Saturday or Sunday.
    EventsAtWeekend,
}

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

impl Measure {
    /// The total that is looked at: of a quotient the numerator.
    fn total(&self) -> Option<&Total> {
        match self {
            Self::Total { total, .. } | Self::Trend { total, .. } => Some(total),
            Self::Quotient { numerator, .. } => Some(numerator),
            Self::Statistic(_) | Self::Sql(_) => None,
        }
    }

    /// Event type that is looked at.
    pub fn event(&self) -> Option<&str> {
        match self {
            Self::Statistic(Statistic::DaysSinceLast(event)) => Some(event),
            _ => self.total().and_then(Total::event),
        }
    }

    /// Channel that is looked at.
    pub fn channel(&self) -> Option<&str> {
        match self.total()? {
            Total::EventsOnChannel(channel)
            | Total::AmountOnChannel(channel)
            | Total::EventOnChannel { channel, .. } => Some(channel),
            _ => None,
        }
    }

    /// Category that is looked at.
    pub fn category(&self) -> Option<&str> {
        match self.total()? {
            Total::EventsInCategory(category) => Some(category),
            _ => None,
        }
    }

    /// Lengths of the window and, of a trend, of the longer one, in days.
    pub fn windows_days(&self) -> (Option<u32>, Option<u32>) {
        match self {
            Self::Total { window_days, .. } | Self::Quotient { window_days, .. } => {
                (*window_days, None)
            }
            Self::Trend { recent_days, longer_days, .. } => {
                (Some(*recent_days), Some(*longer_days))
            }
            Self::Statistic(_) | Self::Sql(_) => (None, None),
        }
    }

    /// Event types that the measure counts.
    pub fn events(&self) -> Vec<&str> {
        let totals = match self {
            Self::Total { total, .. } | Self::Trend { total, .. } => vec![total],
            Self::Quotient { numerator, denominator, .. } => vec![numerator, denominator],
            Self::Statistic(Statistic::DaysSinceLast(event)) => return vec![event],
            Self::Statistic(_) | Self::Sql(_) => Vec::new(),
        };
        totals.into_iter().filter_map(Total::event).collect()
    }

    /// Values of the data that the measure names: events, channels, categories.
    pub fn values(&self) -> Vec<&str> {
        match self {
            Self::Total { total, .. } | Self::Trend { total, .. } => total.values(),
            Self::Quotient { numerator, denominator, .. } => {
                let mut values = numerator.values();
                values.extend(denominator.values());
                values
            }
            Self::Statistic(Statistic::DaysSinceLast(event)) => vec![event],
            Self::Statistic(_) | Self::Sql(_) => Vec::new(),
        }
    }
}

impl Total {
    fn event(&self) -> Option<&str> {
        match self {
            Self::Events(event)
            | Self::DaysOf(event)
            | Self::ItemsOf(event)
            | Self::CategoriesOf(event)
            | Self::AmountOf(event)
            | Self::DwellOf(event)
            | Self::EventOnChannel { event, .. } => Some(event),
            _ => None,
        }
    }

    fn values(&self) -> Vec<&str> {
        match self {
            Self::Events(value)
            | Self::DaysOf(value)
            | Self::ItemsOf(value)
            | Self::CategoriesOf(value)
            | Self::AmountOf(value)
            | Self::DwellOf(value)
            | Self::EventsOnChannel(value)
            | Self::AmountOnChannel(value)
            | Self::EventsInCategory(value) => vec![value],
            Self::EventOnChannel { event, channel } => vec![event, channel],
            _ => Vec::new(),
        }
    }
}
