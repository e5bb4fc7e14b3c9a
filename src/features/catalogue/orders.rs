//! Features of orders: how many, how much, at what rhythm and in what season.

use super::Catalogue;
use super::row::row;
use crate::dataset::{Family as F, Unit as U};
use crate::features::{Quantity as Q, Statistic as S, Total};

/// Days that follow, for orders in the same season of the year before.
const SEASON_DAYS: u32 = 90;

impl Catalogue<'_> {
    /// Orders, spend, discount, units, items.
    pub(super) fn orders(&mut self) {
        self.totals(&row("n_orders", F::Orders, U::Count, "orders placed", "下单次数"), Q::Orders);
        self.trends(&row("n_orders", F::OrdersTrend, U::Share, "orders", "订单"), Q::Orders);
        let days = row("n_order_days", F::OrderDays, U::Count, "days with an order", "下单天数");
        self.totals(&days, Q::OrderDays);
        if self.input.has("amount") {
            self.totals(&row("gmv", F::Gmv, U::Money, "amount ordered", "消费金额"), Q::Amount);
            self.trends(&row("gmv", F::GmvTrend, U::Share, "amount", "消费金额"), Q::Amount);
            self.order_values();
        }
        if self.input.has("discount") {
            self.discounts();
        }
        self.baskets();
    }

    fn order_values(&mut self) {
        let windows = self.all_windows();
        let mean = row("mean_order_value", F::OrderValue, U::Money, "mean order value", "客单价");
        self.quotients(windows, &mean, (Q::Amount, Q::Orders));
        let max = row(
            "max_order_value",
            F::LargestOrder,
            U::Money,
            "value of the largest order",
            "单笔最高消费",
        );
        self.statistic(max, S::LargestOrder);
        let sd = row(
            "sd_order_value",
            F::OrderValueSd,
            U::Money,
            "how much order values vary (standard deviation)",
            "订单金额的波动（标准差）",
        );
        self.statistic(sd, S::OrderValueSd);
        let cv = row(
            "cv_order_value",
            F::OrderValueCv,
            U::Ratio,
            "how uneven order values are; 0 when all are alike",
            "订单金额的不均匀程度；0表示每单一样",
        );
        self.statistic(cv, S::OrderValueCv);
        let trend = row(
            "order_value_trend",
            F::OrderValueTrend,
            U::Ratio,
            "rise of order value from order to order, as a share of the mean",
            "客单价逐单变化幅度（相对平均值）",
        );
        self.statistic(trend, S::OrderValueTrend);
        let last = row(
            "last_order_value_ratio",
            F::LastOrderValueRatio,
            U::Ratio,
            "value of the last order as a multiple of the user's mean",
            "最近一单金额与平均客单价之比",
        );
        self.statistic(last, S::LastOrderValueRatio);
    }

    fn discounts(&mut self) {
        let taken = row("discount", F::Discount, U::Money, "discount taken", "优惠金额");
        self.totals(&taken, Q::Discount);
        let share = row(
            "share_orders_discounted",
            F::DiscountShare,
            U::Share,
            "share of orders with a discount",
            "优惠订单占比",
        );
        self.quotients(self.rate_windows(), &share, (Q::DiscountedOrders, Q::Orders));
        let depth = row(
            "discount_depth",
            F::DiscountDepth,
            U::Share,
            "discount as a share of the full price of all orders",
            "折扣力度（优惠占原价的比例）",
        );
        self.quotients(self.rate_windows(), &depth, (Q::Discount, Q::FullPrice));
    }

    fn baskets(&mut self) {
        if self.input.has("quantity") {
            self.totals(&row("n_units", F::Units, U::Count, "units ordered", "购买件数"), Q::Units);
            let of_order =
                row("units_per_order", F::UnitsPerOrder, U::Ratio, "units in an order", "单均件数");
            self.quotient(&of_order, (Q::Units, Q::Orders));
        }
        if self.input.has("order_id") {
            let of_order =
                row("lines_per_order", F::LinesPerOrder, U::Ratio, "lines in an order", "单均行数");
            self.quotient(&of_order, (Q::OrderLines, Q::Orders));
        }
        if self.input.has("item") {
            let what = "different items ordered";
            self.totals(
                &row("n_items", F::ItemVariety, U::Count, what, "购买商品款数"),
                Q::ItemsOrdered,
            );
            let novelty = row(
                "items_per_line",
                F::ItemNovelty,
                U::Share,
                "different items for each order line; low when the same is bought again",
                "每行订单的不同商品数；越低越常回购同款",
            );
            self.quotient(&novelty, (Q::ItemsOrdered, Q::OrderLines));
        }
        if self.input.has("category") {
            let what = "different categories ordered from";
            let variety = row("n_categories", F::CategoryVariety, U::Count, what, "购买品类数");
            self.totals(&variety, Q::CategoriesOrdered);
        }
    }

    pub(super) fn first_order(&mut self) {
        if self.input.has("amount") {
            let what = "value of the first order";
            let value = row("first_order_value", F::FirstOrderValue, U::Money, what, "首单金额");
            self.statistic(value, S::FirstOrderValue);
        }
        if self.input.has("quantity") {
            let what = "units in the first order";
            let units = row("first_order_units", F::FirstOrderUnits, U::Count, what, "首单件数");
            self.statistic(units, S::FirstOrderUnits);
        }
        if self.input.has("discount") {
            let depth = row(
                "first_order_discount_depth",
                F::FirstOrderDiscountDepth,
                U::Share,
                "discount as a share of the full price of the first order",
                "首单折扣力度（优惠占原价的比例）",
            );
            self.statistic(depth, S::FirstOrderDiscountDepth);
        }
        if !self.others.is_empty() {
            let days = row(
                "days_to_first_order",
                F::DaysToFirstOrder,
                U::Days,
                "days from the first event of any type to the first order",
                "从首次到访到首单的天数",
            );
            self.since(days, S::DaysToFirstOrder);
        }
        let weekend = row(
            "first_order_weekend",
            F::FirstOrderWeekend,
            U::Share,
            "1 when the first order was placed on a Saturday or Sunday",
            "首单是否在周末（1为是）",
        );
        self.statistic(weekend, S::FirstOrderAtWeekend);
    }

    /// How regularly orders come, and how long they have not.
    pub(super) fn rhythm(&mut self) {
        let what = "days since the last order";
        let silence = row("days_since_last_order", F::Silence, U::Days, what, "距上次下单的天数");
        self.since(silence, S::DaysSinceLastOrder);
        for (name, family, statistic, en, zh) in [
            (
                "customer_age_days",
                F::CustomerAge,
                S::CustomerAge,
                "days since the first order",
                "距首单的天数",
            ),
            (
                "purchase_span_days",
                F::PurchaseSpan,
                S::PurchaseSpan,
                "days between the first order and the last",
                "首单到最近一单的天数",
            ),
            (
                "mean_gap_days",
                F::GapMean,
                S::MeanGap,
                "usual days between orders (mean)",
                "平均下单间隔天数",
            ),
            (
                "sd_gap_days",
                F::GapSd,
                S::GapSd,
                "how much the days between orders vary (standard deviation)",
                "下单间隔的波动（标准差，天）",
            ),
            (
                "max_gap_days",
                F::LongestGap,
                S::LongestGap,
                "longest pause between orders, in days",
                "最长下单间隔天数",
            ),
            (
                "last_gap_days",
                F::LastGap,
                S::LastGap,
                "days between the last two orders",
                "最近两次下单的间隔天数",
            ),
        ] {
            self.statistic(row(name, family, U::Days, en, zh), statistic);
        }
        self.rhythm_ratios();
    }

    fn rhythm_ratios(&mut self) {
        for (name, family, statistic, en, zh) in [
            (
                "cv_gap",
                F::GapCv,
                S::GapCv,
                "how irregularly orders come; 0 for always the same pause",
                "下单间隔的不规律程度；0表示间隔固定",
            ),
            (
                "last_gap_ratio",
                F::LastGapRatio,
                S::LastGapRatio,
                "last pause between orders as a multiple of the usual one",
                "最近一次下单间隔与平均间隔之比",
            ),
            (
                "orders_per_30_days",
                F::Frequency,
                S::OrdersPer30Days,
                "orders in 30 days, since the first order",
                "首单以来平均每30天下单次数",
            ),
        ] {
            self.statistic(row(name, family, U::Ratio, en, zh), statistic);
        }
        for (name, family, statistic, en, zh) in [
            (
                "silence_ratio",
                F::SilenceRatio,
                S::SilenceRatio,
                "days since the last order as a multiple of the usual pause",
                "距上次下单的天数与平均间隔之比",
            ),
            (
                "silence_of_longest_gap",
                F::SilenceOfLongestGap,
                S::SilenceOfLongestGap,
                "days since the last order as a multiple of the longest pause",
                "距上次下单的天数与最长间隔之比",
            ),
        ] {
            self.since(row(name, family, U::Ratio, en, zh), statistic);
        }
    }

    pub(super) fn season(&mut self) {
        for quarter in 1..=4 {
            let share = row(
                format!("share_orders_q{quarter}"),
                F::OrdersInQuarter(quarter),
                U::Share,
                format!("share of orders placed in quarter {quarter} of the year"),
                format!("第{quarter}季度订单占比"),
            );
            self.quotient(&share, (Total::in_part(Q::OrdersInQuarter, quarter - 1), Q::Orders));
        }
        if self.span_days > 365 {
            let orders = row(
                "n_orders_same_season",
                F::SameSeason,
                U::Count,
                format!("orders a year before the {SEASON_DAYS} days that follow"),
                format!("去年同期（未来{SEASON_DAYS}天）下单次数"),
            );
            self.statistic(orders, S::OrdersSameSeason { days: SEASON_DAYS });
        }
    }
}
