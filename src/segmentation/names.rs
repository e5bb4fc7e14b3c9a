//! Names in words, from where a layer differs from all users.

use std::collections::HashSet;

use super::layers::Layer;
use super::profile::Difference;

/// Effect, in spreads of all users, below which a difference is not worth a word.
const NOTABLE_EFFECT: f64 = 0.35;

/// Gives each layer the fewest phrases, two at least where there are two, that
/// tell it apart from the layers before it.
pub(super) fn name_layers(mut layers: Vec<Layer>) -> Vec<Layer> {
    let mut taken = HashSet::new();
    for layer in &mut layers {
        let phrases = phrases(&layer.profile.differences);
        let candidates = (2..=phrases.len().max(2)).map(|n| sentence(&phrases, n));
        let fallback = || format!("{} ({})", sentence(&phrases, 2), layer.id);
        let name =
            candidates.into_iter().find(|name| !taken.contains(name)).unwrap_or_else(fallback);
        taken.insert(name.clone());
        layer.name = name;
    }
    layers
}

fn sentence(phrases: &[String], n: usize) -> String {
    if phrases.is_empty() {
        return "Average users".into();
    }
    let joined = phrases.iter().take(n).cloned().collect::<Vec<_>>().join(", ");
    let mut letters = joined.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// One phrase a theme, the most telling first.
fn phrases(differences: &[Difference]) -> Vec<String> {
    let mut themes = HashSet::new();
    differences
        .iter()
        .filter(|difference| difference.effect.abs() >= NOTABLE_EFFECT)
        .filter_map(|difference| {
            let (theme, phrase) = describe(&difference.feature, difference.effect > 0.0)?;
            themes.insert(theme).then_some(phrase)
        })
        .collect()
}

/// Theme and phrase of a feature that is high or low; `None` where the fact is
/// not worth saying (few events on one of many channels, say).
fn describe(feature: &str, is_high: bool) -> Option<(String, String)> {
    let either = |theme: &str, high: &str, low: &str| {
        Some((theme.to_owned(), if is_high { high } else { low }.to_owned()))
    };
    for (kind, words) in [("share_channel_", "mostly on"), ("share_category_", "into")] {
        if let Some(value) = feature.strip_prefix(kind) {
            return is_high.then(|| (kind.to_owned(), format!("{words} {value}")));
        }
    }
    if feature == "days_since_last_order" || feature == "silence_ratio" {
        return either("silence", "long silent", "bought lately");
    }
    if feature.starts_with("n_orders_trend") || feature.starts_with("gmv_trend") {
        return either("silence", "bought lately", "quiet of late");
    }
    if feature.starts_with("n_order") || feature == "orders_per_30_days" {
        return either("orders", "many orders", "few orders");
    }
    if feature.starts_with("gmv") || feature.ends_with("order_value") {
        return either("spend", "high spend", "low spend");
    }
    if feature == "customer_age_days" || feature == "days_since_first_event" {
        return either("age", "long-standing", "new");
    }
    if feature.contains("_gap_days") || feature == "purchase_span_days" {
        return either("rhythm", "buys at long intervals", "no rhythm of buying");
    }
    if feature == "share_orders_discounted" || feature == "discount_depth" {
        return either("discount", "buys on discount", "pays full price");
    }
    if feature == "share_orders_weekend" {
        return either("weekend", "buys at weekends", "buys on weekdays");
    }
    if feature.starts_with("n_active_days") || feature == "days_since_last_event" {
        let is_active = is_high != (feature == "days_since_last_event");
        return Some(("activity".into(), if is_active { "active" } else { "inactive" }.into()));
    }
    let (name, is_many) = match feature.strip_prefix("days_since_last_") {
        Some(event) => (event, !is_high),
        None => (feature.strip_prefix("n_")?, is_high),
    };
    let event = without_window(name).replace('_', " ");
    let amount = if is_many { "much" } else { "little" };
    Some((format!("event {event}"), format!("{amount} {event}")))
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
    use super::*;

    fn difference(feature: &str, effect: f64) -> Difference {
        Difference { feature: feature.into(), effect, median: 0.0, median_of_all: 0.0 }
    }

    #[test]
    fn one_phrase_for_each_theme() {
        let found = phrases(&[
            difference("n_orders_90d", 2.0),
            difference("n_orders", 1.9),
            difference("n_message_opened_30d", -1.0),
            difference("share_channel_小程序", 0.9),
            difference("gmv", 0.1),
        ]);
        assert_eq!(found, ["many orders", "little message opened", "mostly on 小程序"]);
    }

    #[test]
    fn nothing_notable_is_average() {
        assert_eq!(sentence(&phrases(&[difference("gmv", 0.2)]), 2), "Average users");
    }
}
