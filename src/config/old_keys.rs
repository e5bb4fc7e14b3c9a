//! Keys of former versions: each is refused with what it is called now.

use super::ConfigError;
use super::document::Document;

/// A key of a former version, as a dotted path, and what became of it.
struct OldKey {
    path: &'static str,
    /// The key now, as `[section] key`.
    now: &'static str,
}

const fn renamed(path: &'static str, now: &'static str) -> OldKey {
    OldKey { path, now }
}

/// All of them: the one place to add to when a key is renamed.
const OLD_KEYS: &[OldKey] = &[
    renamed("churn.min_of_each_class", "[churn] min_class_size"),
    renamed("churn.rising", "[churn] monotone_increasing"),
    renamed("features.order_event", "[events] order"),
    renamed("features.passive_events", "[events] outbound"),
    renamed("features.path_events", "[events] funnel"),
    renamed("features.responses", "[events] response"),
];

/// Refuses the first key of a former version.
///
/// # Errors
/// The line, the key, and what it is called now.
pub(super) fn refuse_old_keys(document: &Document<'_>) -> Result<(), ConfigError> {
    for key in document.keys() {
        if let Some(old) = OLD_KEYS.iter().find(|old| old.path == key.path) {
            return Err(document.error_at(key.at, old.message(&key.label)));
        }
    }
    Ok(())
}

impl OldKey {
    fn message(&self, label: &str) -> String {
        format!("`{label}` is now called `{}`", self.now)
    }
}
