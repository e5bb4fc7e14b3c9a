//! Claims with a plain number, for layers that no word tells apart: how long since
//! the last order, what an order is worth, how many events of a type.

use super::claims::{Claim, Topic};
use super::user_set::UserSet;
use super::users::Users;
use crate::dataset::{Dimension, EventRole, Family, FeatureInfo};
use crate::stats::metrics::{quantile, sorted};

/// A number in a name is worth less than a word.
const WEIGHT: f64 = -0.05;

/// Of all who have the figure so many are on either side of the numbers used.
const MIN_SHARE_BESIDE: f64 = 0.05;

/// Days as people count them.
const DAYS: [f64; 11] = [7.0, 14.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 270.0, 365.0, 730.0];

pub(super) fn numbers(users: &Users<'_>) -> Vec<Claim> {
    let orders = |user| Some(users.n_orders(user)).filter(|&it| it > 0.0);
    let mut all = [
        since_last_order(users),
        claims(users, Topic::Basket, &round_numbers(), &|user| users.mean_order_value(user), |n| {
            [
                (format!("{n}+ an order"), format!("客单价{n}以上")),
                (format!("under {n} an order"), format!("客单价不足{n}")),
            ]
        }),
        claims(users, Topic::Orders, &round_numbers(), &orders, |n| {
            [
                (format!("{n}+ orders"), format!("{n}单以上")),
                (format!("under {n} orders"), format!("不足{n}单")),
            ]
        }),
        claims(users, Topic::Tenure, &DAYS, &|user| users.first_order_days_ago(user), |days| {
            [
                (format!("first order {days}+ days ago"), format!("首单在{days}天前")),
                (format!("first order in the last {days} days"), format!("首单在近{days}天内")),
            ]
        }),
    ]
    .concat();
    for feature in users.matrix().features() {
        all.extend(of_feature(users, feature));
    }
    all
}

/// How long ago the last order was at least; that it was no longer ago says
/// `bought within`.
fn since_last_order(users: &Users<'_>) -> Vec<Claim> {
    let claim = |days: f64| {
        let holds = |user| users.silence_days(user).is_some_and(|it| it >= days);
        let (en, zh) = (format!("last order {days}+ days ago"), format!("上次购买在{days}天前"));
        Claim::new(Topic::Since, (&en, &zh), WEIGHT, UserSet::of(users.len(), holds))
    };
    DAYS.into_iter().map(claim).collect()
}

/// What the number of active days, or of events of a type, allows to claim.
fn of_feature(users: &Users<'_>, feature: &FeatureInfo) -> Vec<Claim> {
    let Ok(values) = users.matrix().column(&feature.name) else { return Vec::new() };
    let value = |user: usize| Some(values[user]);
    let event = feature.event.as_deref().unwrap_or_default().replace('_', " ");
    // More than so many, and fewer: in English, in Chinese before and behind the number.
    let (what, before, behind) = match feature.family {
        Family::ActiveDays => ("active days".to_owned(), "活跃".to_owned(), "天"),
        Family::LongestStreak => ("days in a row".to_owned(), "连续活跃".to_owned(), "天"),
        Family::ItemVariety => ("items bought".to_owned(), "买过".to_owned(), "款"),
        Family::Distinct(Dimension::Category) => {
            ("categories".to_owned(), "看过".to_owned(), "个品类")
        }
        Family::Events if !feature.has_role(EventRole::Outbound) => {
            (format!("× “{event}”"), format!("“{event}”"), "次")
        }
        _ => return Vec::new(),
    };
    claims(users, Topic::Trait, &round_numbers(), &value, |n| {
        [
            (format!("{n}+ {what}"), format!("{before}{n}{behind}以上")),
            (format!("under {n} {what}"), format!("{before}不足{n}{behind}")),
        ]
    })
}

/// For each number, that the figure reaches it, and that it does not.
fn claims(
    users: &Users<'_>,
    topic: Topic,
    numbers: &[f64],
    figure: &dyn Fn(usize) -> Option<f64>,
    words: impl Fn(String) -> [(String, String); 2],
) -> Vec<Claim> {
    let all = sorted((0..users.len()).filter_map(figure).collect());
    if all.is_empty() {
        return Vec::new();
    }
    let (low, high) = (quantile(&all, MIN_SHARE_BESIDE), quantile(&all, 1.0 - MIN_SHARE_BESIDE));
    let mut found = Vec::new();
    for &number in numbers.iter().filter(|&&it| low < it && it <= high) {
        let [more, less] = words(with_commas(number));
        let reaches = |user| figure(user).is_some_and(|it| it >= number);
        let misses = |user| figure(user).is_some_and(|it| it < number);
        let mut claim = |(en, zh): (String, String), holds| {
            found.push(Claim::new(topic, (&en, &zh), WEIGHT, UserSet::of(users.len(), holds)));
        };
        claim(more, &reaches as &dyn Fn(usize) -> bool);
        claim(less, &misses);
    }
    found
}

/// 1, 2, 3, 5, 10, 20, 30, 50 … 500,000.
fn round_numbers() -> Vec<f64> {
    let powers = (0..6).map(|power| 10f64.powi(power));
    powers.flat_map(|power| [1.0, 2.0, 3.0, 5.0].map(|digit| digit * power)).collect()
}

fn with_commas(number: f64) -> String {
    let digits = format!("{number:.0}");
    let n_first = match digits.len() % 3 {
        0 => 3,
        rest => rest,
    };
    let (first, rest) = digits.split_at(n_first.min(digits.len()));
    let groups = rest.as_bytes().chunks(3).map(|it| String::from_utf8_lossy(it));
    groups.fold(first.to_owned(), |text, group| format!("{text},{group}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_round_and_grouped() {
        assert_eq!(round_numbers()[..6], [1.0, 2.0, 3.0, 5.0, 10.0, 20.0]);
        let texts = [7.0, 50.0, 300.0, 1_000.0, 50_000.0, 500_000.0].map(with_commas);
        assert_eq!(texts, ["7", "50", "300", "1,000", "50,000", "500,000"]);
    }
}
