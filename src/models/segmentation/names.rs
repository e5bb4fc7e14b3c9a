//! Names in words, by a table of rules over what a layer is beside all users.

use super::facts::{CLEARLY, Facts, MUCH, NOTABLE};
use super::profile::{Difference, LayerProfile};
use super::words::{Phrase, is_shown_of_typical_users, phrase};

/// A name in two languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) english: String,
    pub(super) chinese: String,
}

/// A name, and what must hold of a layer to bear it.
struct Rule {
    english: &'static str,
    chinese: &'static str,
    holds: fn(&Facts<'_>) -> bool,
}

const fn rule(english: &'static str, chinese: &'static str, holds: fn(&Facts<'_>) -> bool) -> Rule {
    Rule { english, chinese, holds }
}

const SHARING: &[&str] =
    &["share", "forward", "invite", "refer", "repost", "分享", "转发", "邀请", "推荐", "裂变"];
const CART: &[&str] = &["cart", "basket", "trolley", "加购", "购物车"];
const COUPON: &[&str] = &["coupon", "voucher", "promo", "优惠", "领券", "折扣"];
const OPENING: &[&str] = &["opened", "open", "read", "click", "打开", "阅读", "点击"];
const GIFT: &[&str] = &["gift", "present", "礼"];

/// Churn rate from which users are no more at risk but gone.
const ALL_BUT_GONE: f64 = 0.9;

/// From the first that holds a layer has its name. Effects are in spreads of all
/// users; `value` and `churn` are multiples of those of all users.
static RULES: [Rule; 29] = [
    rule("Key accounts", "头部大客", |it| {
        it.profile.share <= 0.02 && it.profile.gmv_share >= 0.04 && it.value >= 20.0
    }),
    rule("VIP customers", "核心贵宾客", |it| it.value >= 8.0 && it.orders() >= MUCH),
    rule("Key sharers", "KOC传播者", |it| {
        it.event(SHARING) >= MUCH && it.event(SHARING) >= it.activity() + CLEARLY
    }),
    rule("New customers", "新客", |it| {
        it.profile.customer_share >= 0.9 && it.are_new("customer_age_days")
    }),
    rule("High-value regulars", "高价值常客", |it| {
        it.value >= 2.5 && it.orders() >= MUCH && it.come_back() && it.churn <= 0.8
    }),
    rule("High-value customers", "高价值客户", |it| {
        it.value >= 2.5 && it.are_customers() && it.spend() >= 0.0
    }),
    rule("Price-sensitive buyers", "价格敏感型", |it| {
        let coupons = it.event(COUPON);
        it.are_customers()
            && (it.discount() >= NOTABLE || coupons >= MUCH && coupons >= it.orders() + CLEARLY)
    }),
    rule("Lapsed regulars", "流失老客", |it| {
        it.orders() >= 0.3 && it.come_back() && is_gone(it) && it.churn >= 1.05
    }),
    rule("Lapsed high spenders", "流失高消费客", |it| {
        it.spend() >= NOTABLE
            && it.silence() >= 0.0
            && it.profile.churn_rate >= ALL_BUT_GONE
            && it.churn >= 1.05
    }),
    rule("Valuable, at risk", "高价值预警客", |it| {
        it.spend() >= NOTABLE && it.orders() >= 0.3 && it.churn >= 1.05
    }),
    rule("Frequent regulars", "高频常客", |it| {
        it.orders() >= 1.2 && it.come_back() && it.churn <= 0.6
    }),
    rule("Steady regulars", "稳定常客", |it| {
        it.orders() >= NOTABLE && it.come_back() && it.churn <= 0.6
    }),
    rule("Repeat buyers", "复购客", |it| {
        it.orders() >= NOTABLE && it.come_back() && it.churn <= 0.9
    }),
    rule("Big-ticket buyers", "大单客", |it| {
        it.are_customers() && it.basket() >= MUCH && it.value >= 1.0
    }),
    rule("Active buyers", "活跃买家", |it| {
        it.are_customers() && it.silence() <= -NOTABLE && it.churn <= 0.9
    }),
    rule("Cart abandoners", "加购未买", |it| {
        it.never_bought() && it.event(CART) >= NOTABLE && it.activity() > 0.0 && it.value <= 1.0
    }),
    rule("Message readers, not buying", "爱看消息未买", |it| {
        let reading = it.response().max(it.event(OPENING));
        it.never_bought() && reading >= NOTABLE && reading >= it.activity() + CLEARLY
    }),
    rule("New prospects", "新访客", |it| {
        it.never_bought() && it.are_new("days_since_first_event")
    }),
    rule("Browsers, not buying", "只逛不买", |it| it.never_bought() && it.activity() >= 0.3),
    rule("Inactive prospects", "沉睡潜客", |it| it.never_bought() && it.activity() <= -NOTABLE),
    rule("Prospects", "潜在客户", |it| it.never_bought() && it.value < 1.5),
    rule("Silent but promising", "高潜沉默客", |it| {
        let interest = it.activity().max(it.event(CART)).max(it.response());
        it.are_customers()
            && it.churn >= 0.95
            && it.orders() < 0.0
            && it.silence() >= -0.1
            && interest >= (it.orders() + NOTABLE).max(0.4)
            && !is_gone(it)
    }),
    rule("Lost, inactive", "沉睡流失客", |it| {
        it.seen_activity().is_some() && is_gone(it) && it.churn >= 1.05
    }),
    rule("One-off gift buyers", "一次性礼品客", |it| {
        is_one_off(it) && it.category(GIFT).max(it.event(GIFT)) >= NOTABLE
    }),
    rule("One-off buyers, big order", "一次性大单客", |it| {
        is_one_off(it) && it.basket() >= NOTABLE
    }),
    rule("One-off buyers", "一次性买家", is_one_off),
    rule("Lapsed buyers", "流失客", |it| it.are_customers() && is_gone(it) && it.churn >= 1.05),
    rule("Occasional buyers", "偶尔购买客", |it| {
        it.profile.customer_share >= 0.7 && it.median_orders() >= 2.0 && it.orders().abs() < NOTABLE
    }),
    // For whom nothing is known to be true.
    rule("Middle group", "普通用户", |_| true),
];

/// Not seen for long, or, where only orders are seen, without one for long.
fn is_gone(it: &Facts<'_>) -> bool {
    it.activity() <= -0.6 && it.profile.churn_rate >= 0.5
}

/// Most ordered once and never again since.
fn is_one_off(it: &Facts<'_>) -> bool {
    it.profile.customer_share >= 0.8
        && it.median_orders() <= 1.0
        && it.orders() < 0.0
        && it.silence() >= 0.0
}

/// A name for each profile, in their order, which is that of value: that of the
/// first rule that holds, and where several have one, how they differ.
pub(super) fn layer_names(profiles: &[LayerProfile]) -> Vec<Name> {
    let rules: Vec<&Rule> = Facts::of(profiles).iter().map(rule_of).collect();
    let mut names: Vec<Name> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let twins: Vec<usize> =
            (0..rules.len()).filter(|&i| i != index && rules[i].english == rule.english).collect();
        let plain = Name { english: rule.english.into(), chinese: rule.chinese.into() };
        let name = match twins.is_empty() {
            true => plain,
            false => told_apart(&plain, index, &twins, profiles, &names),
        };
        names.push(name);
    }
    names
}

fn rule_of(facts: &Facts<'_>) -> &'static Rule {
    RULES.iter().find(|rule| (rule.holds)(facts)).expect("the last rule holds of all")
}

/// The name with the most telling difference from the twins that none of them
/// bears yet; failing that, its place among them by value.
fn told_apart(
    plain: &Name,
    index: usize,
    twins: &[usize],
    profiles: &[LayerProfile],
    taken: &[Name],
) -> Name {
    let with = |english: &str, chinese: &str| Name {
        english: format!("{}, {english}", plain.english),
        chinese: format!("{}·{chinese}", plain.chinese),
    };
    let is_free = |name: &Name| {
        taken.iter().all(|it| it.english != name.english && it.chinese != name.chinese)
    };
    let by_difference = differences_from(index, twins, profiles)
        .into_iter()
        .map(|it| with(&it.english, &it.chinese));
    let n_above = twins.iter().filter(|&&twin| twin < index).count();
    let tiers =
        [("higher value", "价值较高"), ("middle value", "价值居中"), ("lower value", "价值较低")];
    let tier = if n_above == 0 {
        0
    } else if n_above == twins.len() {
        2
    } else {
        1
    };
    let by_value = with(tiers[tier].0, tiers[tier].1);
    let numbered = (n_above + 1..).map(|n| with(&format!("no. {n}"), &format!("第{n}组")));
    by_difference.chain([by_value]).chain(numbered).find(is_free).unwrap_or_else(|| plain.clone())
}

/// What tells a layer from its twins, the most telling first.
fn differences_from(index: usize, twins: &[usize], profiles: &[LayerProfile]) -> Vec<Phrase> {
    let mean_of_twins = |feature: &str, of: fn(&Difference) -> f64| {
        let found = twins.iter().map(|&twin| profiles[twin].difference(feature).map_or(0.0, of));
        found.sum::<f64>() / twins.len().max(1) as f64
    };
    let mut gaps: Vec<(f64, &str)> = profiles[index]
        .differences
        .iter()
        .map(|it| {
            let of_twins = mean_of_twins(&it.feature, |it| it.effect);
            let gap = it.effect - of_twins;
            let apart = (it.median - mean_of_twins(&it.feature, |it| it.median)) * gap;
            (gap, apart, it.feature.as_str())
        })
        .filter(|(gap, apart, feature)| {
            // What their typical user shows must not speak against the name.
            gap.abs() >= 0.3 && (*apart > 0.0 || !is_shown_of_typical_users(feature))
        })
        .map(|(gap, _, feature)| (gap, feature))
        .collect();
    gaps.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()).then(a.1.cmp(b.1)));
    gaps.into_iter().filter_map(|(gap, feature)| phrase(feature, gap > 0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Average users, but for what is given: feature, effect, median, median of all.
    fn profile(n_users: usize, features: &[(&str, f64, f64, f64)]) -> LayerProfile {
        let difference = |&(feature, effect, median, median_of_all): &(&str, f64, f64, f64)| {
            Difference { feature: feature.into(), effect, median, median_of_all }
        };
        LayerProfile {
            n_users,
            share: n_users as f64 / 1000.0,
            customer_share: 1.0,
            gmv_per_user: 10.0,
            gmv_share: n_users as f64 / 1000.0,
            churn_rate: 0.5,
            differences: features.iter().map(difference).collect(),
            drivers: Vec::new(),
        }
    }

    /// The name of a layer beside 900 average users.
    fn name_of(layer: LayerProfile) -> String {
        let rest = profile(900, &[("n_orders", 0.0, 2.0, 2.0)]);
        let names = layer_names(&[layer, rest]);
        assert!(names[1].english.starts_with("Occasional buyers"));
        names[0].english.clone()
    }

    #[test]
    fn names_the_groups_that_shops_speak_of() {
        let orders = |effect, median| ("n_orders", effect, median, 2.0);
        let valuable = LayerProfile {
            gmv_per_user: 60.0,
            churn_rate: 0.1,
            ..profile(100, &[orders(1.5, 9.0)])
        };
        assert_eq!(name_of(valuable), "High-value regulars");
        let whales = LayerProfile { gmv_per_user: 9000.0, gmv_share: 0.3, ..profile(5, &[]) };
        assert_eq!(name_of(whales), "Key accounts");
        let sharers = profile(100, &[orders(0.1, 2.0), ("n_分享_90d", 1.2, 4.0, 0.0)]);
        assert_eq!(name_of(sharers), "Key sharers");
        let new = profile(100, &[orders(-0.6, 1.0), ("customer_age_days", -1.5, 12.0, 160.0)]);
        assert_eq!(name_of(new), "New customers");
        let gifts = profile(
            100,
            &[
                orders(-0.6, 1.0),
                ("share_category_gifts", 0.9, 1.0, 0.0),
                ("days_since_last_order", 0.3, 90.0, 60.0),
            ],
        );
        assert_eq!(name_of(gifts), "One-off gift buyers");
        let browsing = [orders(-0.3, 1.0), ("n_active_days_90d", 0.6, 9.0, 3.0)];
        let promising = LayerProfile { churn_rate: 0.7, ..profile(100, &browsing) };
        assert_eq!(name_of(promising), "Silent but promising");
        let carts = [orders(-1.0, 0.0), ("n_加购_30d", 0.7, 3.0, 0.0), browsing[1]];
        let carts = LayerProfile { customer_share: 0.1, ..profile(100, &carts) };
        assert_eq!(name_of(carts), "Cart abandoners");
    }

    #[test]
    fn price_sensitive_are_only_those_whose_orders_do_not_explain_the_discounts() {
        let buyers = |of_orders| {
            let rate = ("share_orders_discounted_90d", 0.9, 0.8, 0.0);
            let orders = ("n_orders_90d", of_orders, 1.0, 1.0);
            name_of(profile(100, &[("n_orders", 0.1, 2.0, 2.0), orders, rate]))
        };
        assert_eq!(buyers(0.1), "Price-sensitive buyers");
        assert_ne!(buyers(0.9), "Price-sensitive buyers");
    }

    #[test]
    fn who_never_ordered_is_no_new_customer() {
        let prospects = [("customer_age_days", -1.5, 0.0, 160.0)];
        let prospects = LayerProfile { customer_share: 0.0, ..profile(100, &prospects) };
        assert_eq!(name_of(prospects), "Prospects");
    }

    #[test]
    fn no_name_says_what_the_typical_user_contradicts() {
        let once = |effect| LayerProfile {
            churn_rate: 0.4,
            ..profile(100, &[("n_orders", effect, 1.0, 1.0)])
        };
        assert_ne!(name_of(once(0.7)), "Repeat buyers");
        let middle = |effect, median| profile(100, &[("gmv", effect, median, 100.0)]);
        let english = |layers: &[LayerProfile]| layer_names(layers)[0].english.clone();
        let same = [middle(0.4, 100.0), middle(-0.4, 150.0)];
        assert!(!english(&same).contains("spending more"), "{}", english(&same));
        let more = [middle(0.4, 150.0), middle(-0.4, 100.0)];
        assert!(english(&more).contains("spending more"), "{}", english(&more));
    }

    #[test]
    fn twins_are_told_apart_by_what_differs_between_them() {
        let middle = |effect| profile(100, &[("share_channel_小程序", effect, 0.0, 0.0)]);
        let names = layer_names(&[middle(0.8), middle(0.0), middle(0.0), middle(0.0)]);
        let english: Vec<&str> = names.iter().map(|name| name.english.as_str()).collect();
        assert_eq!(
            english,
            [
                "Middle group, more via “小程序”",
                "Middle group, middle value",
                "Middle group, no. 3",
                "Middle group, lower value"
            ]
        );
        assert_eq!(names[0].chinese, "普通用户·更多来自“小程序”");
    }
}
