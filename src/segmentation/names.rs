//! Names in words, from where a layer differs from all users.

use std::collections::HashSet;

use super::profile::LayerProfile;

/// Effect, in spreads of all users, below which a difference is not worth a word.
const NOTABLE_EFFECT: f64 = 0.35;

/// A name for each profile, in their order: the fewest phrases, two at least
/// where there are two, that tell it apart from those before it.
pub(super) fn layer_names(profiles: &[LayerProfile]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for profile in profiles {
        let phrases = phrases(profile);
        let mut candidates = (2..=phrases.len().max(2)).map(|n| sentence(&phrases, n));
        let numbered = || format!("{} ({})", sentence(&phrases, 2), names.len() + 1);
        let name = candidates.find(|name| !names.contains(name)).unwrap_or_else(numbered);
        names.push(name);
    }
    names
}

fn sentence(phrases: &[String], n: usize) -> String {
    if phrases.is_empty() {
        return "Average users".into();
    }
    let joined = phrases.iter().take(n).cloned().collect::<Vec<_>>().join(", ");
    let mut letters = joined.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Share of customers below which a layer has, in a word, never ordered.
const HARDLY_ANY: f64 = 0.1;

/// One phrase a theme, the most telling first.
fn phrases(profile: &LayerProfile) -> Vec<String> {
    let mut said = HashSet::new();
    let mut phrases = Vec::new();
    if profile.customer_share < HARDLY_ANY {
        phrases.push("never ordered".to_owned());
        said.extend(["orders", "spend", "silence", "rhythm", "discount", "weekday"].map(Theme::Of));
    }
    let notable = profile.differences.iter().filter(|d| d.effect.abs() >= NOTABLE_EFFECT);
    for difference in notable {
        if let Some((theme, phrase)) = describe(&difference.feature, difference.effect > 0.0)
            && said.insert(theme)
        {
            phrases.push(phrase);
        }
    }
    phrases
}

/// What a phrase is about; a name says one thing about each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Theme {
    Of(&'static str),
    Event(String),
}

/// Theme and phrase of a feature that is high or low; `None` where the fact is
/// not worth saying (few events on one of many channels, say).
fn describe(feature: &str, is_high: bool) -> Option<(Theme, String)> {
    let either = |theme: &'static str, high: &str, low: &str| {
        Some((Theme::Of(theme), if is_high { high } else { low }.to_owned()))
    };
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| feature.starts_with(prefix));
    for (prefix, theme, words) in [
        ("share_channel_", "channel", "mostly via"),
        ("n_channel_", "channel", "much via"),
        ("gmv_channel_", "channel", "buys via"),
        ("share_category_", "category", "into"),
        ("n_category_", "category", "into"),
    ] {
        if let Some(value) = feature.strip_prefix(prefix) {
            return is_high.then(|| (Theme::Of(theme), format!("{words} {}", spaced(value))));
        }
    }
    if let Some(event) = feature.strip_prefix("share_event_") {
        let event = spaced(event);
        let phrase = format!("often “{event}”");
        return is_high.then_some((Theme::Event(event), phrase));
    }
    if starts(&["n_orders_trend", "gmv_trend"]) {
        return either("silence", "bought lately", "quiet of late");
    }
    if feature.contains("_trend_") {
        return either("activity", "more active of late", "less active of late");
    }
    if starts(&["discount"]) {
        return either("discount", "buys on discount", "pays full price");
    }
    if starts(&["n_order", "orders_per_30_days", "n_units", "n_items", "n_categories"]) {
        return either("orders", "many orders", "few orders");
    }
    if starts(&["gmv", "mean_order_value", "max_order_value", "sd_order_value"]) {
        return either("spend", "high spend", "low spend");
    }
    if starts(&["n_active_days", "n_sessions", "dwell_s", "last_streak", "max_streak"]) {
        return either("activity", "active", "inactive");
    }
    match feature {
        "days_since_last_order" | "silence_ratio" | "silence_of_longest_gap" => {
            either("silence", "long silent", "bought lately")
        }
        // Zero for who never ordered, who are not new for that.
        "customer_age_days" => either("orders", "customer of old", "no customer for long"),
        "days_since_first_event" => either("age", "long-standing", "new"),
        "days_since_last_activity" => either("activity", "inactive", "active"),
        "mean_gap_days" | "sd_gap_days" | "max_gap_days" | "purchase_span_days" => {
            either("rhythm", "buys at long intervals", "buys in one go")
        }
        "share_orders_discounted" => either("discount", "buys on discount", "pays full price"),
        "share_orders_weekend" => either("weekday", "buys at weekends", "buys on weekdays"),
        "n_distinct_event" => either("breadth", "does many things", "does few things"),
        "n_distinct_category" => either("variety", "many interests", "few interests"),
        "n_distinct_channel" => either("channels", "on many channels", "on one channel"),
        _ => describe_event(feature, is_high),
    }
}

/// Counts of an event and of its days, items and categories, and days since it.
fn describe_event(feature: &str, is_high: bool) -> Option<(Theme, String)> {
    let (name, is_frequent) = match feature.strip_prefix("days_since_last_") {
        Some(event) => (event, !is_high),
        None => (feature.strip_prefix("n_")?, is_high),
    };
    let name = without_window(name);
    let of = ["_days", "_items", "_categories"].iter().find_map(|of| name.strip_suffix(of));
    let event = spaced(of.unwrap_or(name));
    let how_often = if is_frequent { "often" } else { "seldom" };
    let phrase = format!("{how_often} “{event}”");
    Some((Theme::Event(event), phrase))
}

fn spaced(value: &str) -> String {
    value.replace('_', " ").trim().to_owned()
}

/// `view_30d` → `view`.
fn without_window(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((stem, last))
            if last.strip_suffix('d').is_some_and(|days| days.parse::<u32>().is_ok()) =>
        {
            stem
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::profile::Difference;
    use super::*;

    fn difference(feature: &str, effect: f64) -> Difference {
        Difference { feature: feature.into(), effect, median: 0.0, median_of_all: 0.0 }
    }

    fn profile(customer_share: f64, differences: Vec<Difference>) -> LayerProfile {
        LayerProfile {
            n_users: 1,
            share: 1.0,
            customer_share,
            gmv_per_user: 0.0,
            gmv_share: 0.0,
            churn_rate: 0.0,
            differences,
            drivers: Vec::new(),
        }
    }

    #[test]
    fn one_phrase_for_each_theme() {
        let found = phrases(&profile(
            1.0,
            vec![
                difference("n_orders_90d", 2.0),
                difference("n_orders", 1.9),
                difference("n_message_opened_30d", -1.0),
                difference("share_channel_小程序", 0.9),
                difference("gmv", 0.1),
            ],
        ));
        assert_eq!(found, ["many orders", "seldom “message opened”", "mostly via 小程序"]);
    }

    #[test]
    fn nothing_is_said_of_orders_that_were_never_placed() {
        let differences = vec![difference("gmv", -2.0), difference("n_view", 1.0)];
        assert_eq!(phrases(&profile(0.05, differences)), ["never ordered", "often “view”"]);
    }

    #[test]
    fn nothing_notable_is_average() {
        let found = phrases(&profile(1.0, vec![difference("gmv", 0.2)]));
        assert_eq!(sentence(&found, 2), "Average users");
    }
}
