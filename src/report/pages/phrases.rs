//! Parts of sentences that several pages need.

use crate::dataset::Bilingual;
use crate::models::segmentation::Partition;
use crate::report::digits;
use crate::report::words;

/// "1 user", "1,234 users".
pub(super) fn users(n: usize) -> Bilingual {
    let number = digits::count(n as u64);
    let en = if n == 1 { "1 user".to_owned() } else { format!("{number} users") };
    words(en, format!("{number} 位用户"))
}

/// "Layers" or "Kinds".
pub(super) fn many(partition: Partition) -> Bilingual {
    match partition {
        Partition::Layers => words("Layers", "分层"),
        Partition::Kinds => words("Kinds", "类型"),
    }
}

/// The name of a layer, which a reviewer may have written: as it is.
pub(super) fn layer_name(en: &str, zh: &str) -> Bilingual {
    Bilingual { en: en.to_owned(), zh: zh.to_owned() }
}

/// 1234567 → 1,234,567
pub(super) fn thousands(n: impl TryInto<u64>) -> String {
    digits::count(n.try_into().unwrap_or_default())
}

/// A number with so many digits, or a dash.
pub(super) fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".into(), |value| format!("{value:.digits$}"))
}

/// Joins phrases by commas of each language.
pub(super) fn listed(phrases: &[Bilingual]) -> Bilingual {
    let join = |of: fn(&Bilingual) -> &str, comma: &str| {
        phrases.iter().map(of).collect::<Vec<_>>().join(comma)
    };
    words(join(|it| &it.en, ", "), join(|it| &it.zh, "，"))
}
