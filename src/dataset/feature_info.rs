//! What a feature is, made where it is defined and never read from its name.

use serde::{Deserialize, Serialize};

use super::Bilingual;

/// A feature as people and models need to know it. It travels with the matrix
/// from the catalogue to names, reasons and reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureInfo {
    /// Name of the matrix column.
    pub name: String,
    /// What is measured.
    pub family: Family,
    /// Event type that is counted, where it is one; of a rate the event that
    /// follows, of a response the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Event type that a rate or a response is counted by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_event: Option<String>,
    /// What the event means to the business; empty without an event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<EventRole>,
    /// Channel that is looked at alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Category that is looked at alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Days before the as-of date that are looked at; all time when absent. Of
    /// a trend the recent days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_days: Option<u32>,
    /// Of a trend the longer window, of which the recent days are a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longer_days: Option<u32>,
    /// Unit of the values.
    pub unit: Unit,
    /// One line for people.
    pub meaning: Bilingual,
    /// What stands for a value that is missing (no such event, no second order …).
    pub when_missing: Missing,
    /// Habits alone read it: models of outcomes do not see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_habits_only: bool,
}

impl FeatureInfo {
    /// A feature of which nothing is known but its name.
    pub fn plain(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            family: Family::Custom,
            event: None,
            per_event: None,
            roles: Vec::new(),
            channel: None,
            category: None,
            window_days: None,
            longer_days: None,
            unit: Unit::Custom,
            meaning: Bilingual::same(&name),
            when_missing: Missing::Zero,
            of_habits_only: false,
            name,
        }
    }

    /// True when the event that is counted has the role.
    pub fn has_role(&self, role: EventRole) -> bool {
        self.roles.contains(&role)
    }

    /// How many steps after the order the event stands in the funnel: 0 for the
    /// order, −1 for the step before it; `None` beside the funnel.
    pub fn funnel_position(&self) -> Option<i32> {
        self.roles.iter().find_map(|role| match role {
            EventRole::Funnel { position } => Some(*position),
            _ => None,
        })
    }
}

/// What an event type means to the business, as `[events]` of the config says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventRole {
    /// It is an order.
    Order,
    /// The business brings it about, not the user, such as a message sent.
    Outbound,
    /// A step on the way to an order or beyond.
    Funnel {
        /// Steps from the order: −1 is the step before it, 1 the step after.
        position: i32,
    },
    /// The user recommends the shop to others.
    Share,
    /// The user takes or redeems a coupon.
    Coupon,
    /// The user answers an outbound event.
    Response,
    /// The user turns away: unsubscribes, complains, blocks.
    Negative,
}

/// What a feature measures. Together with the event, channel, category and
/// window of [`FeatureInfo`] it says all that a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Number of orders.
    Orders,
    /// Share of the orders of a longer window that fell in the recent days.
    OrdersTrend,
    /// Days with an order.
    OrderDays,
    /// Amount ordered.
    Gmv,
    /// Share of the amount of a longer window that fell in the recent days.
    GmvTrend,
    /// Mean value of an order.
    OrderValue,
    /// Value of the largest order.
    LargestOrder,
    /// Standard deviation of order values.
    OrderValueSd,
    /// Standard deviation by mean of order values.
    OrderValueCv,
    /// Slope of order values by their mean.
    OrderValueTrend,
    /// Last order value by the mean one.
    LastOrderValueRatio,
    /// Discount taken.
    Discount,
    /// Share of orders with a discount.
    DiscountShare,
    /// Discount over full price.
    DiscountDepth,
    /// Units ordered.
    Units,
    /// Units by order.
    UnitsPerOrder,
    /// Order lines by order.
    LinesPerOrder,
    /// Different items ordered.
    ItemVariety,
    /// Different items by order line: high for users who always buy something
    /// new, low where the same is bought again.
    ItemNovelty,
    /// Different categories ordered from.
    CategoryVariety,

    /// Value of the first order.
    FirstOrderValue,
    /// Units of the first order.
    FirstOrderUnits,
    /// Discount over full price of the first order.
    FirstOrderDiscountDepth,
    /// Days from the first event to the first order.
    DaysToFirstOrder,
    /// 1 when the first order was placed at a weekend.
    FirstOrderWeekend,

    /// Days since the last order.
    Silence,
    /// Days since the last order, in usual gaps of the user.
    SilenceRatio,
    /// Days since the last order, in longest gaps of the user.
    SilenceOfLongestGap,
    /// Days since the first order.
    CustomerAge,
    /// Days from the first order to the last.
    PurchaseSpan,
    /// Mean days between order days.
    GapMean,
    /// Standard deviation of the days between order days.
    GapSd,
    /// Standard deviation by mean of the days between order days.
    GapCv,
    /// Longest gap between order days.
    LongestGap,
    /// Gap between the last two order days.
    LastGap,
    /// Last gap by the mean one.
    LastGapRatio,
    /// Orders by 30 days since the first.
    Frequency,

    /// Share of orders placed in a quarter of the year, 1 to 4.
    OrdersInQuarter(u8),
    /// Orders a year before the days that follow.
    SameSeason,

    /// Number of events of a type.
    Events,
    /// Share of the events of a longer window that fell in the recent days.
    EventsTrend,
    /// Days with an event of a type.
    EventDays,
    /// Days since the last event of a type.
    DaysSinceEvent,
    /// Different items in events of a type.
    EventItems,
    /// Different categories in events of a type.
    EventCategories,
    /// Amount of events of a type.
    EventAmount,
    /// Seconds spent in events of a type.
    EventDwell,

    /// Days with activity of the user.
    ActiveDays,
    /// Share of the active days of a longer window that fell in the recent days.
    ActivityTrend,
    /// Days since the last activity of the user.
    DaysSinceActivity,
    /// Days since the first event.
    DaysSinceFirstEvent,
    /// Mean days between active days.
    ActiveGapMean,
    /// Longest gap between active days.
    LongestActiveGap,
    /// Active days in a row up to the last.
    LastStreak,
    /// Most active days in a row.
    LongestStreak,
    /// Seconds spent.
    Dwell,
    /// Seconds spent by active day.
    DwellPerActiveDay,
    /// Different sessions.
    Sessions,
    /// Events of the user by session.
    EventsPerSession,

    /// Events of one type by events of another: the conversion from
    /// [`FeatureInfo::per_event`] to [`FeatureInfo::event`].
    Rate,
    /// Answers by outbound events, on one channel where one is given.
    Response,

    /// Share of orders placed on a Saturday or Sunday.
    OrdersAtWeekend,
    /// Share of orders placed in a part of the day.
    OrdersAt(DayPart),
    /// Share of the user's events on a Saturday or Sunday.
    EventsAtWeekend,
    /// Share of the user's events in a part of the day.
    EventsAt(DayPart),
    /// Share of the user's events on a day of the week, 0 for Monday.
    EventsOnWeekday(u8),

    /// The user's events with one value of a column.
    EventsOf(Dimension),
    /// Share of the user's events with one value of a column.
    ShareOf(Dimension),
    /// Amount ordered on one channel.
    GmvOnChannel,
    /// Different values of a column.
    Distinct(Dimension),
    /// How evenly the user's events are distributed over the values of a column.
    Entropy(Dimension),
    /// Share of the user's favourite value of a column.
    FavouriteShare(Dimension),
    /// Days since the user met a value of a column for the first time.
    DaysSinceNew(Dimension),

    /// Defined by the config, or by whoever built the matrix.
    Custom,
}

/// Days of the week in English and Chinese, from Monday on.
pub const WEEKDAYS: [(&str, &str); 7] = [
    ("Monday", "周一"),
    ("Tuesday", "周二"),
    ("Wednesday", "周三"),
    ("Thursday", "周四"),
    ("Friday", "周五"),
    ("Saturday", "周六"),
    ("Sunday", "周日"),
];

/// Six hours of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayPart {
    /// 0 to 6.
    Night,
    /// 6 to 12.
    Morning,
    /// 12 to 18.
    Afternoon,
    /// 18 to 24.
    Evening,
}

impl DayPart {
    /// From midnight on.
    pub const ALL: [Self; 4] = [Self::Night, Self::Morning, Self::Afternoon, Self::Evening];

    /// In lower case.
    pub fn as_str(self) -> &'static str {
        ["night", "morning", "afternoon", "evening"][self as usize]
    }
}

/// A text column over whose values a user's events are distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// `event`
    Event,
    /// `channel`
    Channel,
    /// `category`
    Category,
}

impl Dimension {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Event, Self::Channel, Self::Category];

    /// Name of the column.
    pub fn as_str(self) -> &'static str {
        ["event", "channel", "category"][self as usize]
    }
}

/// Unit of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A number of things.
    Count,
    /// Money, in the currency of the data.
    Money,
    /// Days.
    Days,
    /// Seconds.
    Seconds,
    /// Between 0 and 1.
    Share,
    /// A quotient of like things.
    Ratio,
    /// Bits of information.
    Bits,
    /// Whatever the expression of the config gives.
    Custom,
}

impl Unit {
    /// In lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Money => "money",
            Self::Days => "days",
            Self::Seconds => "seconds",
            Self::Share => "share",
            Self::Ratio => "ratio",
            Self::Bits => "bits",
            Self::Custom => "custom",
        }
    }
}

/// What stands for a missing value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// 0: there was none.
    Zero,
    /// Longer ago than anything that any user can have done: twice the length
    /// of the history, in days.
    Never(f64),
    /// A number of the config.
    Value(f64),
}

impl Missing {
    /// The value that the matrix holds.
    pub fn value(self) -> f64 {
        match self {
            Self::Zero => 0.0,
            Self::Never(value) | Self::Value(value) => value,
        }
    }

    /// In words.
    pub fn meaning(self) -> Bilingual {
        match self {
            Self::Zero => Bilingual::same("0"),
            Self::Never(days) => Bilingual::new(
                format!("{days}, which stands for never"),
                format!("{days}，表示从未发生"),
            ),
            Self::Value(value) => Bilingual::same(value.to_string()),
        }
    }
}
