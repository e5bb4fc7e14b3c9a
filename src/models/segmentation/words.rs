//! What names of features say: which event they count, and in which words a
//! layer that is high or low in one is told from its like.

/// What a phrase is about; a name says one thing about each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Theme {
    Of(&'static str),
    Value(String),
}

/// A phrase in English and Chinese.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) theme: Theme,
    pub(super) english: String,
    pub(super) chinese: String,
}

/// Features that say the same thing: how their names begin, and the words for
/// more and for less of it.
type Accent = (&'static [&'static str], &'static str, [&'static str; 2], [&'static str; 2]);

const ACCENTS: [Accent; 14] = [
    // What is 0 for who has not ordered in the window says that they have not,
    // and the choice of who orders often is wide.
    (
        &[
            "mean_order_value_",
            "share_orders_discounted_",
            "discount_",
            "gmv_channel_",
            "share_orders_q",
            "n_items",
        ],
        "",
        ["", ""],
        ["", ""],
    ),
    // Of a window they say when, not how much.
    (
        &["n_orders_", "n_order_days_", "gmv_"],
        "silence",
        ["bought lately", "近期有购买"],
        ["quiet of late", "近期少购买"],
    ),
    (
        &["mean_order_value", "max_order_value", "first_order_value"],
        "basket",
        ["bigger orders", "客单更高"],
        ["smaller orders", "客单更低"],
    ),
    (
        &["n_order", "orders_per_30_days"],
        "orders",
        ["buying more often", "买得更勤"],
        ["buying less often", "买得更少"],
    ),
    (&["gmv"], "spend", ["spending more", "花费更高"], ["spending less", "花费更低"]),
    (
        &["days_since_last_order", "silence_"],
        "silence",
        ["quiet for longer", "沉默更久"],
        ["bought lately", "近期有购买"],
    ),
    (
        &["share_orders_discounted"],
        "discount",
        ["more on discount", "更爱折扣"],
        ["more at full price", "更多原价"],
    ),
    (
        &["share_orders_weekend"],
        "weekday",
        ["more at weekends", "更爱周末"],
        ["more on weekdays", "更爱工作日"],
    ),
    (
        &["n_categories", "n_distinct_category"],
        "variety",
        ["wider choice", "品类更广"],
        ["narrower choice", "品类更窄"],
    ),
    (
        &["days_since_last_activity"],
        "activity",
        ["less active", "较不活跃"],
        ["more active", "更活跃"],
    ),
    (
        &["n_active_days", "n_sessions", "dwell_s"],
        "activity",
        ["more active", "更活跃"],
        ["less active", "较不活跃"],
    ),
    (&["customer_age_days"], "age", ["customers for longer", "更早成为顾客"], ["newer", "较新"]),
    (&["days_since_first_event"], "age", ["known for longer", "更早到来"], ["newer", "较新"]),
    (
        &["n_distinct_channel"],
        "channels",
        ["on more channels", "渠道更多"],
        ["on fewer channels", "渠道更少"],
    ),
];

/// What a layer that is higher or lower than its like in a feature may be told
/// by; `None` where the fact is not worth a word.
pub(super) fn phrase(feature: &str, is_high: bool) -> Option<Phrase> {
    for (prefix, english, chinese) in
        [("share_channel_", "more via", "更多来自"), ("share_category_", "more into", "更爱")]
    {
        if let Some(value) = feature.strip_prefix(prefix) {
            return is_high.then(|| of_value(value, english, chinese));
        }
    }
    if let Some((_, theme, high, low)) =
        ACCENTS.iter().find(|(prefixes, ..)| prefixes.iter().any(|it| feature.starts_with(it)))
    {
        let [english, chinese] = if is_high { high } else { low }.map(str::to_owned);
        let theme = Theme::Of(theme);
        return (!english.is_empty()).then_some(Phrase { theme, english, chinese });
    }
    let event = event_counted(feature)?;
    let (english, chinese) = if is_high { ("more", "更多") } else { ("less", "更少") };
    Some(of_value(event, english, chinese))
}

/// Whether medians of the feature are told with a layer, so that a name must
/// agree with them.
pub(super) fn is_shown_of_typical_users(feature: &str) -> bool {
    let told = ["n_orders", "n_order_days", "orders_per_30_days", "gmv"];
    told.contains(&feature) || feature.contains("order_value")
}

fn of_value(value: &str, english: &str, chinese: &str) -> Phrase {
    let value: String = value.replace('_', " ").trim().chars().take(MAX_VALUE_CHARS).collect();
    Phrase {
        english: format!("{english} “{value}”"),
        chinese: format!("{chinese}“{value}”"),
        theme: Theme::Value(value),
    }
}

/// Characters of a value of the data in a name.
const MAX_VALUE_CHARS: usize = 20;

/// Counts of the catalogue that are of no event of the data's.
const NO_EVENTS: [&str; 9] = [
    "order",
    "orders",
    "units",
    "items",
    "categories",
    "active",
    "sessions",
    "distinct",
    "channel",
];

/// The event that a feature counts: itself, its days, items or categories, or
/// its share of all events.
pub(super) fn event_counted(feature: &str) -> Option<&str> {
    let name = match feature.strip_prefix("share_event_") {
        Some(event) => return Some(event),
        None => feature.strip_prefix("n_")?,
    };
    if name.contains("_trend_") || name.starts_with("category_") {
        return None;
    }
    let name = without_window(name);
    let of = ["_days", "_items", "_categories"].iter().find_map(|of| name.strip_suffix(of));
    let event = of.unwrap_or(name);
    let first = event.split('_').next().unwrap_or(event);
    (!NO_EVENTS.contains(&first)).then_some(event)
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

/// True when a value of the data has one of the words: as a word of its own,
/// also with an ending (`share`: `shared`, `shares`), or anywhere where the
/// script has no spaces.
pub(super) fn has_word(value: &str, words: &[&str]) -> bool {
    let value = value.to_lowercase();
    words.iter().any(|word| match word.is_ascii() {
        true => value.split(|c: char| !c.is_ascii_alphabetic()).any(|it| {
            let ending = it.strip_prefix(word);
            ending.is_some_and(|it| ["", "s", "d", "ed", "ing", "ral", "rals"].contains(&it))
        }),
        false => value.contains(word),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_in_names_of_counts_only() {
        assert_eq!(event_counted("n_share_90d"), Some("share"));
        assert_eq!(event_counted("n_add_to_cart_days_30d"), Some("add_to_cart"));
        assert_eq!(event_counted("share_event_分享"), Some("分享"));
        for none in ["n_orders_90d", "n_order_days", "share_orders_q4", "n_active_days", "gmv"] {
            assert_eq!(event_counted(none), None, "{none}");
        }
        assert_eq!(event_counted("share_channel_app"), None);
    }

    #[test]
    fn words_are_whole_but_for_endings() {
        assert!(has_word("Shared_post", &["share"]));
        assert!(has_word("朋友圈分享", &["分享"]));
        assert!(has_word("referral", &["refer"]));
        assert!(!has_word("shareholder", &["share"]));
        assert!(!has_word("cartoon", &["cart"]));
    }

    #[test]
    fn values_of_the_data_are_told_where_they_are_high() {
        let found = phrase("share_channel_小程序", true).unwrap();
        assert_eq!(
            (found.english.as_str(), found.chinese.as_str()),
            ("more via “小程序”", "更多来自“小程序”")
        );
        assert_eq!(phrase("share_channel_小程序", false), None);
        assert_eq!(phrase("share_orders_q1", true), None);
        assert_eq!(phrase("gmv_90d", true).unwrap().english, "bought lately");
        assert_eq!(phrase("gmv", true).unwrap().english, "spending more");
    }
}
