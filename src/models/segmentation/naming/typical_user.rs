//! What a typical user of a layer did, in a sentence or two.

use crate::dataset::{Bilingual, Dimension, Family, FeatureInfo, Unit};
use crate::models::segmentation::profile::{Difference, GroupProfile};

/// Effect, in standard deviations of all users, from which a further difference is
/// shown.
const MIN_EFFECT: f64 = 0.5;

/// Further differences that are shown.
const N_FURTHER: usize = 2;

/// Families that say something to people beside what the first sentence says.
fn is_plain(family: Family) -> bool {
    matches!(
        family,
        Family::OrderValue
            | Family::LargestOrder
            | Family::DiscountShare
            | Family::ItemVariety
            | Family::CategoryVariety
            | Family::OrdersInQuarter(_)
            | Family::Events
            | Family::EventDays
            | Family::ActiveDays
            | Family::Dwell
            | Family::Sessions
            | Family::Response
            | Family::OrdersAtWeekend
            | Family::ShareOf(Dimension::Channel | Dimension::Category)
            | Family::Custom
    )
}

/// The median user of a layer beside that of all users, then what else is more or
/// less. `features` are those of the matrix that was profiled.
pub(in super::super) fn typical_user(
    profile: &GroupProfile,
    features: &[FeatureInfo],
) -> Bilingual {
    let median_of = |family| {
        let mut of_family = features.iter().filter(|it| it.family == family);
        let feature = of_family.find(|it| it.window_days.is_none())?;
        profile.difference(&feature.name)
    };
    let mut parts: Vec<Bilingual> = Vec::new();
    let orders = median_of(Family::Orders);
    if orders.is_some_and(|it| it.median == 0.0) {
        parts.push(Bilingual::new("Has not ordered", "未下过单"));
    } else {
        if let Some(it) = orders {
            let times = if it.median == 1.0 { "once" } else { "{} times" };
            parts.push(beside(it, &format!("Ordered {times}"), "下单{}次"));
        }
        if let Some(it) = median_of(Family::Silence) {
            parts.push(beside(it, "most recently {} days ago", "最近一次在{}天前"));
        }
        if let Some(it) = median_of(Family::Gmv) {
            parts.push(beside(it, "spent {}", "累计消费{}"));
        }
    }
    if let Some(it) = median_of(Family::DaysSinceActivity) {
        parts.push(beside(it, "last active {} days ago", "{}天前活跃"));
    }
    let (first, further) = (sentence(&parts), sentence(&further(profile, features)));
    Bilingual::new(
        format!("{} {}", first.en, further.en).trim(),
        format!("{}{}", first.zh, further.zh),
    )
}

/// A median in words, with that of all users.
fn beside(it: &Difference, en: &str, zh: &str) -> Bilingual {
    let (own, all) = (number(it.median), number(it.median_of_all));
    Bilingual::new(
        format!("{} (all: {all})", en.replace("{}", &own)),
        format!("{}（全体{all}）", zh.replace("{}", &own)),
    )
}

/// What else differs most, one feature of a family, where the medians show it.
fn further(profile: &GroupProfile, features: &[FeatureInfo]) -> Vec<Bilingual> {
    let mut families = Vec::new();
    let mut parts = Vec::new();
    for it in &profile.differences {
        let shows = (it.median - it.median_of_all) * it.effect > 0.0;
        let feature = features.iter().find(|feature| feature.name == it.feature);
        let Some(feature) = feature.filter(|_| shows && it.effect.abs() >= MIN_EFFECT) else {
            continue;
        };
        if parts.len() < N_FURTHER
            && is_plain(feature.family)
            && !families.contains(&feature.family)
        {
            families.push(feature.family);
            let (own, all) = (in_unit(it.median, feature), in_unit(it.median_of_all, feature));
            parts.push(Bilingual::new(
                format!("{}: {own} (all: {all})", feature.meaning.en),
                format!("{}：{own}（全体{all}）", feature.meaning.zh),
            ));
        }
    }
    parts
}

fn in_unit(value: f64, feature: &FeatureInfo) -> String {
    match feature.unit {
        Unit::Share => format!("{} %", number((value * 100.0).round())),
        _ => number(value),
    }
}

pub(super) fn sentence(parts: &[Bilingual]) -> Bilingual {
    if parts.is_empty() {
        return Bilingual::default();
    }
    let joined = |of: fn(&Bilingual) -> &str, between| {
        parts.iter().map(of).collect::<Vec<_>>().join(between)
    };
    Bilingual::new(
        format!("{}.", begun(&joined(|it| &it.en, "; "))),
        format!("{}。", joined(|it| &it.zh, "；")),
    )
}

/// With a capital letter.
pub(super) fn begun(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + letters.as_str()
}

/// As many digits as distinguish values: 12,345 · 48 · 3.2 · 0.25.
pub(super) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 20.0 || size.fract() == 0.0 => 0,
        size if size >= 1.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), ""), |it| it);
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |it| ("-", it));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let texts = [12345.4, 48.3, 3.21, 0.254, 4.0, -1500.0].map(number);
        assert_eq!(texts, ["12,345", "48", "3.2", "0.25", "4", "-1,500"]);
    }
}
