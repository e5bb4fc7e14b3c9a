//! Features of orders: how many, how much, at what rhythm and in what season.

use super::catalogue::{Catalogue, SEASON_DAYS};
use super::{Measure, Statistic, Total, Unit};

impl Catalogue<'_> {
    /// Orders, spend, discount, units, items.
    pub(super) fn orders(&mut self) {
        use Total as T;
        self.totals("n_orders", Unit::Count, &T::Orders, "orders placed");
        self.trends("n_orders", &T::Orders, "orders");
        self.totals("n_order_days", Unit::Count, &T::OrderDays, "days with an order");
        if self.input.has("amount") {
            self.totals("gmv", Unit::Money, &T::Amount, "amount ordered");
            self.trends("gmv", &T::Amount, "amount");
            self.order_values();
        }
        if self.input.has("discount") {
            self.totals("discount", Unit::Money, &T::Discount, "discount taken");
            let windows = self.rate_windows();
            let quotient = (T::DiscountedOrders, T::Orders);
            let what = "share of orders with a discount";
            self.quotients("share_orders_discounted", Unit::Share, quotient, windows.clone(), what);
            let quotient = (T::Discount, T::FullPrice);
            let what = "discount over full price of everything ordered";
            self.quotients("discount_depth", Unit::Share, quotient, windows, what);
        }
        if self.input.has("quantity") {
            self.totals("n_units", Unit::Count, &T::Units, "units ordered");
            let quotient = (T::Units, T::Orders);
            self.quotients("units_per_order", Unit::Ratio, quotient, vec![None], "units by order");
        }
        if self.input.has("order_id") {
            let quotient = (T::OrderLines, T::Orders);
            self.quotients("lines_per_order", Unit::Ratio, quotient, vec![None], "rows by order");
        }
        if self.input.has("item") {
            self.totals("n_items", Unit::Count, &T::ItemsOrdered, "different items ordered");
            let quotient = (T::ItemsOrdered, T::OrderLines);
            let what = "different items by order row; low when the same is bought again";
            self.quotients("items_per_line", Unit::Share, quotient, vec![None], what);
        }
        if self.input.has("category") {
            let what = "different categories ordered from";
            self.totals("n_categories", Unit::Count, &T::CategoriesOrdered, what);
        }
    }

    fn order_values(&mut self) {
        use Statistic as S;
        let windows = self.all_windows();
        let quotient = (Total::Amount, Total::Orders);
        self.quotients("mean_order_value", Unit::Money, quotient, windows, "amount by order");
        self.statistic("max_order_value", Unit::Money, S::LargestOrder, "largest order");
        self.statistic(
            "sd_order_value",
            Unit::Money,
            S::OrderValueSpread,
            "standard deviation of order values; 0 below two orders",
        );
        self.statistic(
            "cv_order_value",
            Unit::Ratio,
            S::OrderValueVariation,
            "standard deviation by mean of order values; 0 below two orders",
        );
        self.statistic(
            "order_value_trend",
            Unit::Ratio,
            S::OrderValueTrend,
            "change of order value from order to order, by the mean; 0 below two orders",
        );
        self.statistic(
            "last_order_value_ratio",
            Unit::Ratio,
            S::LastOrderValueRatio,
            "value of the last order by that of the mean order",
        );
    }

    pub(super) fn first_order(&mut self) {
        use Statistic as S;
        if self.input.has("amount") {
            let meaning = "value of the first order";
            self.statistic("first_order_value", Unit::Money, S::FirstOrderValue, meaning);
        }
        if self.input.has("quantity") {
            let meaning = "units of the first order";
            self.statistic("first_order_units", Unit::Count, S::FirstOrderUnits, meaning);
        }
        if self.input.has("discount") {
            self.statistic(
                "first_order_discount_depth",
                Unit::Share,
                S::FirstOrderDiscountDepth,
                "discount over full price of the first order",
            );
        }
        if !self.others.is_empty() {
            self.days_since(
                "days_to_first_order",
                S::DaysToFirstOrder,
                "days from the first event of any type to the first order",
            );
        }
        self.statistic(
            "first_order_weekend",
            Unit::Share,
            S::FirstOrderAtWeekend,
            "1 when the first order was placed on a Saturday or Sunday",
        );
    }

    /// How regularly orders come, and how long they have not.
    pub(super) fn rhythm(&mut self) {
        use Statistic as S;
        let meaning =
            "days since the last order, begun days counting; twice the history's length if none";
        self.days_since("days_since_last_order", S::DaysSinceLastOrder, meaning);
        for (name, statistic, meaning) in [
            (
                "customer_age_days",
                S::CustomerAge,
                "days since the first order, begun days counting",
            ),
            ("purchase_span_days", S::PurchaseSpan, "days from the first order to the last"),
            ("mean_gap_days", S::MeanGap, "mean days between order days; 0 below two"),
            (
                "sd_gap_days",
                S::GapSpread,
                "standard deviation of the days between order days; 0 below three",
            ),
            ("max_gap_days", S::LongestGap, "longest gap between order days; 0 below two"),
            ("last_gap_days", S::LastGap, "days between the last two order days; 0 below two"),
        ] {
            self.statistic(name, Unit::Days, statistic, meaning);
        }
        for (name, statistic, meaning) in [
            (
                "cv_gap",
                S::GapVariation,
                "standard deviation by mean of the gaps: 0 for a regular buyer or below three",
            ),
            ("last_gap_ratio", S::LastGapRatio, "last gap by mean gap; 0 below two order days"),
            ("orders_per_30_days", S::OrdersPer30Days, "orders by 30 days since the first"),
        ] {
            self.statistic(name, Unit::Ratio, statistic, meaning);
        }
        for (name, statistic, meaning) in [
            (
                "silence_ratio",
                S::SilenceRatio,
                "days since the last order over the usual gap (at least one day)",
            ),
            (
                "silence_of_longest_gap",
                S::SilenceOfLongestGap,
                "days since the last order over the longest gap (at least one day)",
            ),
        ] {
            self.add(name, Unit::Ratio, Measure::Statistic(statistic), self.never, meaning);
        }
    }

    pub(super) fn season(&mut self) {
        for quarter in 1..=4 {
            let quotient = (Total::OrdersInQuarter(quarter), Total::Orders);
            let what = format!("share of orders placed in quarter {quarter} of the year");
            self.quotients(
                &format!("share_orders_q{quarter}"),
                Unit::Share,
                quotient,
                vec![None],
                &what,
            );
        }
        if self.span_days > 365 {
            self.statistic(
                "n_orders_same_season",
                Unit::Count,
                Statistic::OrdersSameSeason { days: SEASON_DAYS },
                "orders a year before the 90 days that follow",
            );
        }
    }
}
