use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};

/// A day as configs and commands write it.
///
/// # Errors
/// Shows how a day is written, and what it got.
pub fn parse_day(text: &str) -> Result<NaiveDate, String> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    day.map_err(|_| format!("must be a day such as \"2026-07-01\", got {text:?}"))
}

/// For serde: a day, with the error of [`parse_day`].
pub fn read_day<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveDate, D::Error> {
    match Written::deserialize(from)? {
        Written::Text(text) => parse_day(&text).map_err(D::Error::custom),
        Written::Other(_) => {
            Err(D::Error::custom("must be a day in quotes, such as \"2026-07-01\""))
        }
    }
}

/// TOML has days of its own, which are written without quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Other(IgnoredAny),
}

/// For serde: a day that may be left out.
pub fn read_optional_day<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<NaiveDate>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| parse_day(&text)).transpose().map_err(D::Error::custom)
}

/// For serde: days by what they belong to.
pub fn read_days_by_name<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, NaiveDate>, D::Error> {
    let texts = BTreeMap::<String, String>::deserialize(from)?;
    let day = |(name, text): (String, String)| Ok((name, parse_day(&text)?));
    texts.into_iter().map(day).collect::<Result<_, String>>().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_the_calendar() {
        assert_eq!(parse_day("2026-02-28"), Ok(NaiveDate::from_ymd_opt(2026, 2, 28).unwrap()));
        for text in ["2026-02-30", "01.02.2026", "yesterday", ""] {
            let error = format!("must be a day such as \"2026-07-01\", got {text:?}");
            assert_eq!(parse_day(text), Err(error));
        }
    }
}
