//! Claims about what else users do: one of them may tell a layer from the others.

use super::claims::{Claim, Topic};
use super::user_set::UserSet;
use super::users::Users;
use crate::dataset::{Dimension, EventRole, Family, FeatureInfo};
use crate::stats::metrics::{quantile, sorted};

/// Share from which something is most of what a user does.
const MOST: f64 = 0.5;

/// Orders below which a share of orders says nothing of a habit.
const MIN_ORDERS: f64 = 3.0;

/// Who has not ordered for so long, but was active within so many days, has not
/// gone.
const MIN_SILENT_DAYS: f64 = 60.0;
const MAX_INACTIVE_DAYS: f64 = 30.0;

/// Characters of a value of the data in a name at most.
const MAX_VALUE_CHARS: usize = 16;

/// History without which no season tells from another.
const MIN_SEASON_DAYS: f64 = 365.0;

pub(super) fn traits(users: &Users<'_>) -> Vec<Claim> {
    let features = users.matrix().features().iter();
    features.flat_map(|feature| trait_claims(users, feature)).collect()
}

/// What one feature allows to claim.
fn trait_claims(users: &Users<'_>, feature: &FeatureInfo) -> Vec<Claim> {
    let Ok(values) = users.matrix().column(&feature.name) else { return Vec::new() };
    let claim = |en: &str, zh: &str, holds: &dyn Fn(usize) -> bool| own(users, (en, zh), holds);
    let of_orders =
        |user: usize, least: f64| users.n_orders(user) >= MIN_ORDERS && values[user] >= least;
    match feature.family {
        Family::DiscountShare => {
            let mostly = |user| users.is_customer(user) && values[user] >= MOST;
            vec![claim("price-sensitive", "价格敏感", &mostly)]
        }
        // Silent, but not gone.
        Family::DaysSinceActivity => {
            let is_silent =
                |user| users.silence_days(user).is_some_and(|days| days >= MIN_SILENT_DAYS);
            let browses = |user: usize| is_silent(user) && values[user] <= MAX_INACTIVE_DAYS;
            vec![claim("still browsing", "仍在浏览", &browses)]
        }
        Family::OrdersAtWeekend => {
            vec![claim("weekend buyers", "周末购买", &|u| of_orders(u, 0.6))]
        }
        Family::OrdersInQuarter(quarter) if users.history_days >= MIN_SEASON_DAYS => {
            let (en, zh) = (format!("mostly in quarter {quarter}"), format!("多在{quarter}季度"));
            let (en, zh) = if quarter == 4 {
                ("gift season", "送礼季")
            } else {
                (en.as_str(), zh.as_str())
            };
            vec![claim(en, zh, &|user| of_orders(user, 0.6))]
        }
        Family::Events => event_traits(users, feature),
        Family::Response if feature.channel.is_none() => {
            vec![claim("message readers", "爱看消息", &|user| values[user] >= MOST)]
        }
        Family::GmvOnChannel => {
            let buys = |user: usize, share: f64| {
                users.spend(user).is_some_and(|all| all > 0.0 && values[user] >= share * all)
            };
            let value = feature.channel.as_deref().map(short).unwrap_or_default();
            vec![
                claim(&format!("{value} only"), &format!("只在{value}购买"), &|it| {
                    buys(it, 1.0)
                }),
                claim(&format!("mostly {value}"), &format!("多在{value}购买"), &|it| {
                    buys(it, MOST)
                }),
            ]
        }
        Family::ShareOf(Dimension::Channel) => {
            let value = feature.channel.as_deref().map(short).unwrap_or_default();
            // Where they buy says more.
            let uses = |(en, zh): (String, String), share: f64| Claim {
                weight: 0.0,
                ..claim(&en, &zh, &|user| values[user] >= share)
            };
            let only = (format!("only on {value}"), format!("只在{value}活跃"));
            let mostly = (format!("mostly on {value}"), format!("多在{value}活跃"));
            vec![uses(only, 1.0), uses(mostly, MOST)]
        }
        Family::ShareOf(Dimension::Category) => {
            let Some(value) = feature.category.as_deref().map(short) else { return Vec::new() };
            let mostly = |user: usize| values[user] >= MOST;
            vec![claim(&format!("mostly {value}"), &format!("偏好{value}"), &mostly)]
        }
        _ => Vec::new(),
    }
}

fn own(users: &Users<'_>, words: (&str, &str), holds: &dyn Fn(usize) -> bool) -> Claim {
    Claim::new(Topic::Trait, words, 0.05, UserSet::of(users.len(), holds))
}

/// What the number of events of a type allows to claim.
fn event_traits(users: &Users<'_>, feature: &FeatureInfo) -> Vec<Claim> {
    let Ok(values) = users.matrix().column(&feature.name) else { return Vec::new() };
    // Many: as many as the most active tenth of all users.
    let of_all = sorted(values.to_vec());
    let many = quantile(&of_all, 0.9).max(3.0);
    let does_much = |user: usize| values[user] >= many;
    if feature.has_role(EventRole::Share) {
        return vec![own(users, ("key sharers", "核心分享者"), &does_much)];
    }
    if feature.has_role(EventRole::Coupon) {
        return vec![own(users, ("coupon users", "爱用优惠券"), &does_much)];
    }
    if feature.has_role(EventRole::Negative) {
        let once = |user: usize| values[user] >= 1.0;
        let event = feature.event.as_deref().map(short).unwrap_or_default();
        return vec![own(users, (&format!("“{event}”"), &format!("有“{event}”")), &once)];
    }
    Vec::new()
}

/// A value of the data as part of a name.
pub(super) fn short(value: &str) -> String {
    let value = value.replace('_', " ");
    let value = value.trim();
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", value[..end].trim_end()),
    }
}
