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
    old("churn.min_of_each_class", "is now called `[churn] min_class_size`"),
    old("churn.rising", "is now called `[churn] monotone_increasing`"),
    old("features.order_event", "is now called `[events] order`"),
    old("features.passive_events", "is now called `[events] outbound`"),
    old("features.path_events", "is now called `[events] funnel`"),
    old("features.responses", "is now called `[events] response`"),
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
