//! Numbers as people read them.

use indicatif::HumanCount;

use super::{Format, Value};
use crate::dataset::Language;

/// What stands where there is no value.
const NONE: &str = "–";

/// 1234567 → 1,234,567
pub(super) fn count(n: u64) -> String {
    HumanCount(n).to_string()
}

/// Numbers from which digits say nothing.
const HUGE: f64 = 1e15;

/// −1234.5 → -1,235
pub(super) fn whole(value: f64) -> String {
    if value.abs() >= HUGE {
        return format!("{value:.2e}");
    }
    let sign = if value <= -0.5 { "-" } else { "" };
    format!("{sign}{}", count(value.abs().round() as u64))
}

/// 0.1234 → 12.3 %
pub(super) fn percent(share: f64) -> String {
    // No minus before a zero.
    format!("{:.1} %", (share * 1000.0).round() / 10.0 + 0.0)
}

/// 0.1234 → 12.3 %, 0.000412 → 0.041 %: a small share keeps two digits that say something.
pub(super) fn small_share(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        size if size >= 1.0 || size == 0.0 => format!("{percent:.1} %"),
        size if size >= 0.1 => format!("{percent:.2} %"),
        size => {
            let digits = (1.0 - size.log10().floor()).min(12.0) as usize;
            format!("{percent:.digits$} %")
        }
    }
}

fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => whole(value),
        size if size >= 10.0 || size.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

fn number(value: f64, format: Format) -> String {
    match format {
        _ if !value.is_finite() => NONE.to_owned(),
        Format::Count | Format::Money => whole(value),
        Format::Share => percent(value),
        Format::Decimal(digits) => format!("{value:.digits$}"),
        Format::Signed(digits) => format!("{value:+.digits$}"),
        Format::Short | Format::Text => short(value),
    }
}

/// Four ranges fit beside a name without the zero before the point.
fn range(low: f64, high: f64, format: Format) -> String {
    let end = |value: f64| match value.abs() {
        large if large >= 10.0 => format!("{value:+.0e}"),
        small if small < 1.0 => number(value, format).replacen("0.", ".", 1),
        _ => format!("{value:+.2}"),
    };
    format!("{}…{}", end(low), end(high))
}

/// A cell as people read it.
pub(super) fn cell(value: &Value, format: Format, language: Language) -> String {
    match value {
        Value::Missing => NONE.to_owned(),
        Value::Count(n) => count(*n),
        Value::Number(value) => number(*value, format),
        Value::Range(low, high) => range(*low, *high, format),
        Value::Estimate(value, None) => number(*value, format),
        Value::Estimate(value, Some((low, high))) => {
            let [value, low, high] = [*value, *low, *high].map(|it| number(it, format));
            format!("{value} ({low}…{high})")
        }
        Value::Flag(is_so) => match (is_so, language) {
            (true, Language::English) => "yes".to_owned(),
            (false, Language::English) => "no".to_owned(),
            (true, Language::Chinese) => "是".to_owned(),
            (false, Language::Chinese) => "否".to_owned(),
        },
        Value::Date(day) => day.to_string(),
        Value::Text(text) => text.clone(),
        Value::Words(words) | Value::Code(_, words) => words.in_language(language).to_owned(),
        Value::List(texts) => texts.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let en = |value: Value, format| cell(&value, format, Language::English);
        assert_eq!(en(0usize.into(), Format::Count), "0");
        assert_eq!(en(1_234_567usize.into(), Format::Count), "1,234,567");
        assert_eq!(en((-1234.5).into(), Format::Money), "-1,235");
        assert_eq!(en((-0.2).into(), Format::Money), "0");
        assert_eq!(en((-0.0001).into(), Format::Share), "0.0 %");
        assert_eq!(en(0.125.into(), Format::Signed(2)), "+0.12");
        assert_eq!(en(f64::NAN.into(), Format::Decimal(3)), "–");
        assert_eq!(en(Value::Range(-0.0125, 1.5), Format::Signed(3)), "-.013…+1.50");
        assert_eq!(
            en(Value::Estimate(0.8, Some((0.75, 0.85))), Format::Decimal(2)),
            "0.80 (0.75…0.85)"
        );
        assert_eq!(cell(&true.into(), Format::Text, Language::Chinese), "是");
        assert_eq!([0.123, 0.0023, 0.000412].map(small_share), ["12.3 %", "0.23 %", "0.041 %"]);
        assert_eq!(whole(-3e20), "-3.00e20");
    }
}
