//! Claims about money. A tier of spend is a place among
//! all customers, so that it means the same whatever the currency.

use super::claims::{Claim, Topic};
use super::user_set::UserSet;
use super::users::Users;
use crate::stats::metrics::quantile;

/// Share of all customers who spend less, from and up to, and the words.
const SPEND: [((f64, f64), &str, &str); 4] = [
    ((0.95, 1.0), "top spenders", "顶级消费"),
    ((0.8, 1.0), "big spenders", "高消费"),
    ((0.4, 0.8), "middle spenders", "中等消费"),
    ((0.0, 0.5), "small spenders", "低消费"),
];

/// Wider ones, for layers of several tiers.
const WIDE_SPEND: [((f64, f64), &str, &str); 2] =
    [((0.5, 1.0), "mid-high spenders", "中高消费"), ((0.0, 0.75), "low-mid spenders", "中低消费")];

const BASKETS: [((f64, f64), &str, &str); 2] =
    [((0.75, 1.0), "big basket", "客单高"), ((0.0, 0.5), "small basket", "客单低")];

pub(super) fn values(users: &Users<'_>) -> Vec<Claim> {
    let spend = |user| users.spend(user);
    let order_value = |user| users.mean_order_value(user);
    [
        tiers(users, Topic::Spend, &SPEND, 0.05, spend),
        tiers(users, Topic::Spend, &WIDE_SPEND, 0.0, spend),
        tiers(users, Topic::Basket, &BASKETS, 0.03, order_value),
    ]
    .concat()
}

/// One claim a tier; none where all customers have the same figure.
fn tiers(
    users: &Users<'_>,
    topic: Topic,
    tiers: &[((f64, f64), &str, &str)],
    weight: f64,
    figure: impl Fn(usize) -> Option<f64>,
) -> Vec<Claim> {
    let all = users.of_customers(&figure);
    if all.first() == all.last() {
        return Vec::new();
    }
    let claim = |&((from, up_to), en, zh): &((f64, f64), &str, &str)| {
        let (low, high) = (quantile(&all, from), quantile(&all, up_to));
        let fits = |user| figure(user).is_some_and(|it| low <= it && it <= high);
        Claim::new(topic, (en, zh), weight, UserSet::of(users.len(), fits))
    };
    tiers.iter().map(claim).collect()
}
