//! Numbers as reasons show them.

use crate::dataset::{Bilingual, Family, FeatureInfo, Missing, Unit};

/// True for a value that stands for "never".
pub(super) fn is_never(feature: &FeatureInfo, value: f64) -> bool {
    matches!(feature.when_missing, Missing::Never(days) if value >= days)
}

/// A value in the unit of its feature.
pub(super) fn figure(value: f64, feature: &FeatureInfo) -> Bilingual {
    use Family as F;
    if is_never(feature, value) {
        return Bilingual::new("never", "从未");
    }
    let is_share_of_mean = matches!(
        feature.family,
        F::GapCv | F::OrderValueCv | F::OrderValueTrend | F::LastOrderValueRatio
    );
    Bilingual::same(match feature.unit {
        _ if is_share_of_mean => percent(value),
        Unit::Share => percent(value),
        Unit::Money => format!("{value:.2}"),
        _ => short(value),
    })
}

pub(super) fn percent(share: f64) -> String {
    format!("{} %", (share * 100.0).round())
}

pub(super) fn n_days(days: f64) -> String {
    if days == 1.0 { "1 day".into() } else { format!("{} days", short(days)) }
}

/// At most two digits behind the point, and none that say nothing.
pub(super) fn short(value: f64) -> String {
    // Of whole numbers, which most are, this is quicker.
    if value.trunc() == value && value.abs() < 1e15 {
        return (value as i64).to_string();
    }
    let text = format!("{value:.2}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
