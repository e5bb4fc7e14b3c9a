//! What a reason for a user's risk is about. Features that say the same thing share
//! one theme, and their contributions are one reason.

use crate::dataset::{Dimension, EventRole, Family, FeatureInfo};

/// What a reason is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Theme {
    /// No order for long, beside the user's own rhythm or that of others.
    Silence,
    /// How often the user orders.
    Frequency,
    /// How regularly the orders come.
    Regularity,
    /// How much money the user spends.
    Spending,
    /// How much an order is worth.
    OrderSize,
    /// From how wide a range the user buys.
    Range,
    /// How much is bought on discount.
    Discounts,
    /// What was sent to the user, and what was answered.
    Messages,
    /// The user unsubscribed, complained, returned goods.
    TurnedAway,
    /// How long the user has been known.
    History,
    /// How much the user does beside ordering.
    Activity,
    /// How much of what the user does ends in an order.
    Conversion,
    /// At what time of the year the user orders.
    Season,
    /// On what days and at what hours the user comes.
    Clock,
    /// What the first order was like.
    FirstOrder,
    /// On what channels the user comes.
    Channels,
    /// What categories the user looks at and buys.
    Categories,
    /// Recommending the shop to others.
    Sharing,
    /// Taking and redeeming coupons.
    Coupons,
    /// Custom features.
    Custom,
}

/// On which side of what is usual a feature speaks for risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RiskSide {
    /// More of it is a bad sign.
    High,
    /// Less of it is a bad sign.
    Low,
    /// It is a mere fact.
    Neither,
}

impl Theme {
    /// All themes.
    pub const ALL: [Self; 20] = [
        Self::Silence,
        Self::Frequency,
        Self::Regularity,
        Self::Spending,
        Self::OrderSize,
        Self::Range,
        Self::Discounts,
        Self::Messages,
        Self::TurnedAway,
        Self::History,
        Self::Activity,
        Self::Conversion,
        Self::Season,
        Self::Clock,
        Self::FirstOrder,
        Self::Channels,
        Self::Categories,
        Self::Sharing,
        Self::Coupons,
        Self::Custom,
    ];

    /// Its stable name in files of scores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Frequency => "frequency",
            Self::Regularity => "regularity",
            Self::Spending => "spending",
            Self::OrderSize => "order_size",
            Self::Range => "range",
            Self::Discounts => "discounts",
            Self::Messages => "messages",
            Self::TurnedAway => "turned_away",
            Self::History => "history",
            Self::Activity => "activity",
            Self::Conversion => "conversion",
            Self::Season => "season",
            Self::Clock => "clock",
            Self::FirstOrder => "first_order",
            Self::Channels => "channels",
            Self::Categories => "categories",
            Self::Sharing => "sharing",
            Self::Coupons => "coupons",
            Self::Custom => "custom",
        }
    }

    /// The theme of a feature: that of its family, but for events whose role in the
    /// business says more.
    pub fn of(feature: &FeatureInfo) -> Self {
        of_roles(feature).unwrap_or_else(|| of_family(feature.family))
    }
}

/// Where an event that is counted is more than activity.
fn of_roles(feature: &FeatureInfo) -> Option<Theme> {
    [
        (EventRole::Negative, Theme::TurnedAway),
        (EventRole::Outbound, Theme::Messages),
        (EventRole::Response, Theme::Messages),
        (EventRole::Share, Theme::Sharing),
        (EventRole::Coupon, Theme::Coupons),
    ]
    .into_iter()
    .find_map(|(role, theme)| feature.has_role(role).then_some(theme))
}

fn of_family(family: Family) -> Theme {
    use Family as F;
    match family {
        F::Silence | F::SilenceRatio | F::SilenceOfLongestGap => Theme::Silence,
        F::Orders | F::OrdersTrend | F::OrderDays | F::Frequency => Theme::Frequency,
        F::GapMean | F::LongestGap | F::LastGap | F::LastGapRatio => Theme::Frequency,
        F::GapSd | F::GapCv => Theme::Regularity,
        F::Gmv | F::GmvTrend | F::Units => Theme::Spending,
        F::OrderValue | F::LargestOrder | F::OrderValueSd | F::OrderValueCv => Theme::OrderSize,
        F::OrderValueTrend | F::LastOrderValueRatio => Theme::OrderSize,
        F::UnitsPerOrder | F::LinesPerOrder => Theme::OrderSize,
        F::ItemVariety | F::ItemNovelty | F::CategoryVariety => Theme::Range,
        F::Discount | F::DiscountShare | F::DiscountDepth => Theme::Discounts,
        F::FirstOrderValue | F::FirstOrderUnits | F::FirstOrderDiscountDepth => Theme::FirstOrder,
        F::DaysToFirstOrder | F::FirstOrderWeekend => Theme::FirstOrder,
        F::CustomerAge | F::PurchaseSpan | F::DaysSinceFirstEvent => Theme::History,
        F::OrdersInQuarter(_) | F::SameSeason => Theme::Season,
        F::Events | F::EventsTrend | F::EventDays | F::DaysSinceEvent => Theme::Activity,
        F::EventItems | F::EventCategories | F::EventAmount | F::EventDwell => Theme::Activity,
        F::ActiveDays | F::ActivityTrend | F::DaysSinceActivity => Theme::Activity,
        F::ActiveGapMean | F::LongestActiveGap | F::LastStreak | F::LongestStreak => {
            Theme::Activity
        }
        F::Dwell | F::DwellPerActiveDay | F::Sessions | F::EventsPerSession => Theme::Activity,
        F::Rate => Theme::Conversion,
        F::Response => Theme::Messages,
        F::OrdersAtWeekend | F::OrdersAt(_) | F::EventsAtWeekend => Theme::Clock,
        F::EventsAt(_) | F::EventsOnWeekday(_) => Theme::Clock,
        F::EventsOf(of) | F::ShareOf(of) | F::Distinct(of) | F::Entropy(of) => of_dimension(of),
        F::FavouriteShare(of) | F::DaysSinceNew(of) => of_dimension(of),
        F::GmvOnChannel => Theme::Channels,
        F::Custom => Theme::Custom,
    }
}

fn of_dimension(dimension: Dimension) -> Theme {
    match dimension {
        Dimension::Event => Theme::Activity,
        Dimension::Channel => Theme::Channels,
        Dimension::Category => Theme::Categories,
    }
}

impl RiskSide {
    /// That of a feature, as people read it.
    pub fn of(feature: &FeatureInfo) -> Self {
        use Family as F;
        if feature.has_role(EventRole::Negative) {
            return match feature.family {
                F::Events | F::EventDays => Self::High,
                _ => Self::Neither,
            };
        }
        if feature.has_role(EventRole::Outbound) {
            return Self::Neither;
        }
        match feature.family {
            F::Silence | F::SilenceRatio | F::SilenceOfLongestGap => Self::High,
            F::GapMean | F::LongestGap | F::LastGap | F::LastGapRatio => Self::High,
            F::GapSd | F::GapCv | F::DiscountShare | F::DiscountDepth => Self::High,
            F::DaysSinceEvent | F::DaysSinceActivity | F::DaysSinceNew(_) => Self::High,
            F::ActiveGapMean | F::LongestActiveGap => Self::High,
            F::Orders | F::OrdersTrend | F::OrderDays | F::Frequency => Self::Low,
            F::Gmv | F::GmvTrend | F::Units | F::OrderValue | F::LargestOrder => Self::Low,
            F::OrderValueTrend | F::LastOrderValueRatio | F::UnitsPerOrder => Self::Low,
            F::LinesPerOrder | F::ItemVariety | F::CategoryVariety | F::SameSeason => Self::Low,
            F::CustomerAge | F::PurchaseSpan | F::DaysSinceFirstEvent => Self::Low,
            F::Events | F::EventsTrend | F::EventDays | F::EventItems => Self::Low,
            F::EventCategories | F::EventAmount | F::EventDwell | F::ActiveDays => Self::Low,
            F::ActivityTrend | F::LastStreak | F::LongestStreak | F::Dwell => Self::Low,
            F::DwellPerActiveDay | F::Sessions | F::EventsPerSession | F::Rate => Self::Low,
            F::Response | F::EventsOf(_) | F::GmvOnChannel | F::Distinct(_) => Self::Low,
            F::Entropy(_) => Self::Low,
            F::OrderValueSd | F::OrderValueCv | F::ItemNovelty | F::Discount => Self::Neither,
            F::FirstOrderValue | F::FirstOrderUnits | F::FirstOrderDiscountDepth => Self::Neither,
            F::DaysToFirstOrder | F::FirstOrderWeekend | F::OrdersInQuarter(_) => Self::Neither,
            F::OrdersAtWeekend | F::OrdersAt(_) | F::EventsAtWeekend => Self::Neither,
            F::EventsAt(_) | F::EventsOnWeekday(_) | F::ShareOf(_) => Self::Neither,
            F::FavouriteShare(_) | F::Custom => Self::Neither,
        }
    }
}
