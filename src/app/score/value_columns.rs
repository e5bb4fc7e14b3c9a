//! The columns of what users will be worth.

use super::column::{Ranked, ScoreColumn, ScoreType, Words};

const WHO_NEVER_PAID: Words = (
    "who never paid, and for all where the model has no value",
    "从未付款的用户；模型无价值部分时为所有用户",
);
const WHO_HAS_NO_AMOUNT: Words = (
    "all where the data has no amounts or the model no value, and who never paid where trees do \
     not count",
    "数据无金额或模型无价值部分时为所有用户；树模型不计入时还包括从未付款的用户",
);
const WHO_HAS_NO_VALUE: Words = (
    "all where the model has no value, and who never paid where trees do not count",
    "模型无价值部分时为所有用户；树模型不计入时还包括从未付款的用户",
);

pub(super) fn value_columns() -> Vec<ScoreColumn> {
    let mut columns = order_columns();
    columns.extend(amount_columns());
    columns.extend(date_columns());
    columns
}

fn order_columns() -> Vec<ScoreColumn> {
    type Column = ScoreColumn;
    vec![
        Column::number(
            "p_alive",
            ("chance to be still a customer", "仍是顾客的概率"),
            |scores, user| scores.value.values[user]?.p_alive,
        )
        .in_unit("0 to 1")
        .within(0.0, 1.0)
        .missing_for(WHO_NEVER_PAID),
        Column::number(
            "p_order_horizon",
            ("chance of an order in the horizon", "期限内下单的概率"),
            |scores, user| Some(scores.value.values[user]?.p_order_horizon),
        )
        .in_unit("0 to 1")
        .within(0.0, 1.0)
        .missing_for(WHO_HAS_NO_VALUE),
        Column::number(
            "expected_orders_horizon",
            ("expected days with an order in the horizon", "期限内有订单的预期天数"),
            |scores, user| Some(scores.value.values[user]?.expected_orders_horizon),
        )
        .in_unit("days")
        .missing_for(WHO_HAS_NO_VALUE),
    ]
}

fn amount_columns() -> Vec<ScoreColumn> {
    type Column = ScoreColumn;
    let amount = |name: &str, words: Words, of: fn(&crate::models::value::UserAmounts) -> f64| {
        Column::number(name, words, move |scores, user| Some(of(&scores.value.amounts(user)?)))
            .in_unit("currency")
            .missing_for(WHO_HAS_NO_AMOUNT)
    };
    vec![
        amount(
            "expected_order_value",
            ("expected amount of a day with an order", "有订单之日的预期金额"),
            |it| it.expected_order_value,
        ),
        amount(
            "value_horizon",
            ("expected amount in the horizon", "期限内的预期金额"),
            |it| it.value_horizon,
        ),
        amount(
            "clv",
            (
                "lifetime value: expected amount over `[value] horizon_days`, discounted, times \
                 the margin",
                "生命周期价值：`[value] horizon_days`内的预期金额，折现后乘以利润率",
            ),
            |it| it.clv,
        ),
        amount(
            "clv_low",
            (
                "lower end of the interval that holds the user's actual amount in 90 of 100 \
                 cases; 0 where no order is likely enough",
                "以 90% 的概率包含用户实际金额的区间的下限；不下单的可能性足够大时为 0",
            ),
            |it| it.clv_interval.low,
        ),
        amount("clv_high", ("its upper end", "该区间的上限"), |it| it.clv_interval.high),
        Column::ranked(
            "clv_percentile",
            ScoreType::Number,
            (
                "rank of `clv`, 0 (least) to 100; of equal ones the middle",
                "`clv`的排名，0（最低）至100；并列者取中间",
            ),
            Ranked::ClvPercentile,
        )
        .in_unit("0 to 100")
        .within(0.0, 100.0)
        .missing_for(WHO_HAS_NO_AMOUNT),
    ]
}

fn date_columns() -> Vec<ScoreColumn> {
    let date = |name: &str, words: Words, quantile: usize| {
        ScoreColumn::date(name, words, move |scores, user| scores.value.next_order(user, quantile))
            .missing_for(WHO_NEVER_PAID)
    };
    vec![
        date(
            "next_order_on",
            (
                "by this day half of those like the user who order within `[value] horizon_days` \
                 have done so",
                "在`[value] horizon_days`内下单的同类用户，到这一天有一半已下单",
            ),
            1,
        ),
        date("next_order_from", ("the same for 5 of 100", "同上，为 5%"), 0),
        date("next_order_until", ("the same for 95 of 100", "同上，为 95%"), 2),
    ]
}
