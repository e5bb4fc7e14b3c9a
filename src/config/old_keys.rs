//! Keys of former versions: each is refused with what it is called now.

use super::ConfigError;
use super::document::Document;

/// A key of a former version, as a dotted path, and what became of it.
struct OldKey {
    path: &'static str,
    became: &'static str,
}

/// A row: the former key, and what became of it, to be put after its name.
const fn old(path: &'static str, became: &'static str) -> OldKey {
    OldKey { path, became }
}

/// All of them: the one place to add to when a key is renamed.
const OLD_KEYS: &[OldKey] = &[
    old(
        "churn.at_risk",
        "is now `[churn] flag`: write `flag = { share = 0.2 }`, or top_n, cutoff, \
         precision or profit instead of share; max_silence_days is now `[silence] reach_days`",
    ),
    old("churn.churner_weight", "is now called `[churn.weights] positive_weight`"),
    old("churn.gap_factor", "is now called `[silence] gap_factor`"),
    old("churn.half_life_days", "is now called `[churn.weights] half_life_days`"),
    old("churn.l2_penalty", "is now called `[churn.logistic] l2_penalty`"),
    old("churn.learning_rate", "is now called `[churn.trees] learning_rate`"),
    old("churn.max_leaves", "is now called `[churn.trees] max_leaves`"),
    old("churn.max_rounds", "is now called `[churn.trees] max_rounds`"),
    old("churn.min_leaf_rows", "is now called `[churn.trees] min_leaf_rows`"),
    old("churn.min_of_each_class", "is now called `[churn] min_class_size`"),
    old("churn.rising", "is now called `[churn] monotone_increasing`"),
    old("churn.silence_days", "is now called `[silence] days`"),
    old("churn.warning_days", "is now called `[silence] warning_days`"),
    old("features.max_categories", "is now written `[features] max_values = { categories = 12 }`"),
    old("features.max_channels", "is now written `[features] max_values = { channels = 8 }`"),
    old("features.max_events", "is now written `[features] max_values = { events = 12 }`"),
    old("features.max_stale_days", "is now called `[input.gates] max_stale_days`"),
    old("features.order_event", "is now called `[events] order`"),
    old("features.passive_events", "is now called `[events] outbound`"),
    old("features.path_events", "is now called `[events] funnel`"),
    old("features.responses", "is now called `[events] response`"),
    old("input.max_bad_share", "is now called `[input.gates] max_rejected_share`"),
    old("lifecycle.dormant_days", "is now called `[silence] reach_days`"),
    old("segmentation.k_max", "is now the `max` of k: write `k = { min = 6, max = 12 }`"),
    old("segmentation.k_min", "is now the `min` of k: write `k = { min = 6, max = 12 }`"),
    old("segmentation.max_correlation", "is no setting any more: remove the line"),
    old("segmentation.space", "is now called `[segmentation] embedding`"),
];

/// Refuses the first key of a former version.
///
/// # Errors
/// The line, the key, and what it is called now.
pub(super) fn refuse_old_keys(document: &Document<'_>) -> Result<(), ConfigError> {
    for key in document.keys() {
        if let Some(old) = OLD_KEYS.iter().find(|old| old.path == key.path) {
            let message = format!("`{}` {}", key.label, old.became);
            return Err(document.error_at(key.at, message));
        }
    }
    Ok(())
}
