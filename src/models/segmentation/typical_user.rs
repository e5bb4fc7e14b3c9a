//! What a typical user of a layer did, in a sentence or two.

use super::profile::{Difference, LayerProfile};
use super::words::phrase;

/// Effect from which a further difference is told.
const TOLD: f64 = 0.5;

/// Further differences that are told.
const N_TOLD: usize = 3;

/// The typical user in English and in Chinese: medians beside those of all
/// users, then what else is more or less.
pub(super) fn typical_user(profile: &LayerProfile) -> (String, String) {
    let (mut english, mut chinese) = (Vec::new(), Vec::new());
    let orders = profile.difference("n_orders");
    if orders.is_some_and(|it| it.median == 0.0) {
        english.push("Has not ordered".to_owned());
        chinese.push("未下过单".to_owned());
    } else {
        for (feature, before, after, zh_before, zh_after) in [
            ("n_orders", "Ordered ", " times", "下单", "次"),
            ("days_since_last_order", "last ", " days ago", "最近一次在", "天前"),
            ("gmv", "spent ", "", "累计消费", ""),
        ] {
            let Some(it) = profile.difference(feature) else { continue };
            let after = if feature == "n_orders" && it.median == 1.0 { " time" } else { after };
            let (own, all) = (number(it.median), number(it.median_of_all));
            english.push(format!("{before}{own}{after} (all: {all})"));
            chinese.push(format!("{zh_before}{own}{zh_after}（全体{all}）"));
        }
    }
    if let Some(it) = profile.difference("days_since_last_activity") {
        let (own, all) = (number(it.median), number(it.median_of_all));
        english.push(format!("last active {own} days ago (all: {all})"));
        chinese.push(format!("{own}天前活跃（全体{all}）"));
    }
    let mut sentence = sentence_of(english, ", ", ". ");
    let mut sentence_zh = sentence_of(chinese, "，", "。");
    let (more, more_zh) = further(profile);
    sentence.push_str(&sentence_of(more, ", ", "."));
    sentence_zh.push_str(&sentence_of(more_zh, "，", "。"));
    (sentence.trim_end().to_owned(), sentence_zh)
}

/// What else is more or less than in all users, one thing a theme.
fn further(profile: &LayerProfile) -> (Vec<String>, Vec<String>) {
    const SAID: [&str; 4] = ["orders", "silence", "spend", "activity"];
    let mut themes: Vec<super::words::Theme> = SAID.map(super::words::Theme::Of).to_vec();
    let notable = |it: &&Difference| it.effect.abs() >= TOLD;
    let mut told = (Vec::new(), Vec::new());
    for it in profile.differences.iter().filter(notable) {
        let Some(found) = phrase(&it.feature, it.effect > 0.0) else { continue };
        if !themes.contains(&found.theme) && told.0.len() < N_TOLD {
            themes.push(found.theme);
            told.0.push(found.english);
            told.1.push(found.chinese);
        }
    }
    told
}

fn sentence_of(parts: Vec<String>, between: &str, end: &str) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let joined = parts.join(between);
    let mut letters = joined.chars();
    let first = letters.next().map_or(String::new(), |first| first.to_uppercase().collect());
    format!("{first}{}{end}", letters.as_str())
}

/// As many digits as tell values apart: 12,345 · 48 · 3.2 · 0.25.
fn number(value: f64) -> String {
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
