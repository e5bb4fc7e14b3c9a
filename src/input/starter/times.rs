//! Columns that are times, however they are written.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::columns::{Column, Kind, is_absent_word};

const DATES: [&str; 22] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%Y%m%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%a %b %d %Y",
    "%a, %d %b %Y",
];
const CLOCKS: [&str; 18] = [
    "",
    " %H:%M:%S",
    " %H:%M",
    "T%H:%M:%S",
    "T%H:%M:%SZ",
    " %H:%M:%S%.f",
    " %H:%M:%S UTC",
    " %H:%M:%S%.f UTC",
    " %H:%M:%S %z",
    "T%H:%M:%S%.f",
    ", %H:%M",
    ", %H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    ", %I:%M %p",
    ", %I:%M:%S %p",
    "%H:%M:%S",
    "%H:%M",
];

/// Formats that one column may mix.
const MAX_FORMATS: usize = 3;
/// Share of the values that must be times.
const MIN_READ_SHARE: f64 = 0.99;

/// Values by which a format is chosen.
const MAX_LOOKS: usize = 3_000;

/// First second that a time of an event may be, 1990, and the last, 2100.
const PLAUSIBLE_SECONDS: std::ops::Range<i64> = 631_152_000..4_102_444_800;

/// A column as times.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Name of the column.
    pub name: String,
    /// Gives a time.
    pub expression: String,
    /// Seconds since 1970 by row, absent where there is no time.
    pub seconds: Vec<Option<i64>>,
    /// What was assumed.
    pub remark: String,
    /// What should be checked, for the top of the config.
    pub to_check: Option<String>,
    /// False for integers, which may be something else.
    pub is_certain: bool,
}

/// The times of a column; `None` where it holds something else.
pub(super) fn times_of(column: &Column, day_first: bool) -> Option<Times> {
    let times = match column.kind {
        Kind::Time => iso_times(column),
        Kind::Integer | Kind::Number => epoch_times(column)?,
        Kind::Text => text_times(column, day_first)?,
        Kind::Boolean | Kind::Nested => return None,
    };
    times.seconds.iter().any(Option::is_some).then_some(times)
}

fn plain(column: &Column, seconds: Vec<Option<i64>>) -> Times {
    Times {
        name: column.name.clone(),
        expression: column.expression.clone(),
        seconds,
        remark: String::new(),
        to_check: None,
        is_certain: true,
    }
}

fn iso_times(column: &Column) -> Times {
    let parse = arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
    let second = |cell: &str| Some(parse(cell).ok()?.div_euclid(1_000_000_000));
    plain(column, column.cells.iter().map(|cell| cell.and_then(second)).collect())
}

/// Numbers since 1970 in units by their size, days as 20240131, days of a
/// spreadsheet.
fn epoch_times(column: &Column) -> Option<Times> {
    let numbers: Vec<Option<f64>> =
        column.cells.iter().map(|cell| cell.and_then(|cell| cell.parse().ok())).collect();
    let mut known: Vec<f64> = numbers.iter().flatten().copied().collect();
    if known.is_empty() {
        return None;
    }
    known.sort_by(f64::total_cmp);
    // A few strays say nothing of the unit.
    let (low, high) = (known[known.len() / 50], known[known.len() - 1 - known.len() / 50]);
    let name = &column.expression;
    let lies_in = |unit: f64| {
        let second = |value: f64| (value / unit) as i64;
        PLAUSIBLE_SECONDS.contains(&second(low)) && PLAUSIBLE_SECONDS.contains(&second(high))
    };
    let digits = |text: String, format: &str| {
        NaiveDateTime::parse_from_str(&text, format)
            .ok()
            .or_else(|| {
                Some(NaiveDate::parse_from_str(&text, format).ok()?.and_time(Default::default()))
            })
            .map(|time| time.and_utc().timestamp())
    };
    for (format, range, remark) in [
        ("%Y%m%d", 19_900_101.0..21_000_101.0, "days as 20240131"),
        ("%Y%m%d%H%M", 199_001_010_000.0..210_001_010_000.0, "times as 202401311530"),
        ("%Y%m%d%H%M%S", 1.990_010_1e13..2.100_010_1e13, "times as 20240131153000"),
    ] {
        if !(range.contains(&low) && range.contains(&high)) || column.kind != Kind::Integer {
            continue;
        }
        let seconds: Vec<Option<i64>> = numbers
            .iter()
            .map(|number| number.and_then(|number| digits(format!("{number:.0}"), format)))
            .collect();
        if read_share(&seconds, known.len()) >= MIN_READ_SHARE {
            let expression = format!("parse_time(cast({name} as varchar), '{format}')");
            let remark = remark.to_owned();
            return Some(Times { expression, remark, ..plain(column, seconds) });
        }
    }
    let whole = |unit: &str| match column.kind {
        Kind::Integer => format!("to_timestamp_{unit}({name})"),
        _ => format!("to_timestamp_{unit}(cast({name} as bigint))"),
    };
    let units = [
        (1.0, "seconds", "seconds since 1970"),
        (1e3, "millis", "milliseconds since 1970"),
        (1e6, "micros", "microseconds since 1970"),
        (1e9, "nanos", "nanoseconds since 1970"),
    ];
    let (unit, function, remark) = units.into_iter().find(|(unit, ..)| lies_in(*unit))?;
    let seconds =
        numbers.iter().map(|number| number.map(|number| (number / unit).floor() as i64)).collect();
    Some(Times {
        expression: whole(function),
        remark: remark.to_owned(),
        is_certain: false,
        ..plain(column, seconds)
    })
}

/// Text that is a time in one format, or in a few.
fn text_times(column: &Column, day_first: bool) -> Option<Times> {
    let mut left: Vec<&str> =
        column.cells.iter().flatten().filter(|cell| !is_absent_word(cell)).collect();
    left.sort_unstable();
    left.dedup();
    // A look at a few values first: most text is no time.
    let looks = spread(&left, 50);
    let formats: Vec<String> = DATES
        .iter()
        .flat_map(|date| CLOCKS.iter().map(move |clock| format!("{date}{clock}")))
        .filter(|format| looks.iter().any(|look| second(look, format).is_some()))
        .collect();
    if formats.is_empty() {
        return None;
    }
    let mut read: HashMap<&str, i64> = HashMap::new();
    let (mut taken, mut to_check): (Vec<&str>, Option<String>) = (Vec::new(), None);
    while taken.len() < MAX_FORMATS && !left.is_empty() {
        let some = spread(&left, MAX_LOOKS);
        let n_read =
            |format: &str| some.iter().filter(|cell| second(cell, format).is_some()).count();
        let counts: Vec<(usize, &str)> =
            formats.iter().map(|format| (n_read(format), format.as_str())).collect();
        let most = counts.iter().map(|(n, _)| *n).max()?;
        let equals: Vec<&str> =
            counts.iter().filter(|(n, _)| *n == most && most > 0).map(|(_, it)| *it).collect();
        // Of those that fit alike, the first; days come first where all else says so.
        let is_fit = |format: &&&str| day_first == format.starts_with("%d");
        let Some(format) = equals.iter().find(is_fit).or(equals.first()).copied() else { break };
        let other = equals.iter().find(|other| other.starts_with("%d") != format.starts_with("%d"));
        if let Some(other) = other {
            to_check = Some(format!(
                "{} may be day first or month first: '{format}' is assumed, '{other}' fits as well",
                column.expression
            ));
        }
        left.retain(|cell| match second(cell, format) {
            Some(second) => {
                read.insert(cell, second);
                false
            }
            None => true,
        });
        taken.push(format);
        if (left.len() as f64) <= (1.0 - MIN_READ_SHARE) * read.len() as f64 {
            break;
        }
    }
    let seconds: Vec<Option<i64>> =
        column.cells.iter().map(|cell| cell.and_then(|cell| read.get(cell).copied())).collect();
    if read_share(&seconds, column.n_filled) < MIN_READ_SHARE {
        return None;
    }
    let parse = |format: &&str| format!("parse_time({}, '{format}')", column.expression);
    let expression = match taken.as_slice() {
        [one] => parse(one),
        many => format!("coalesce({})", many.iter().map(parse).collect::<Vec<_>>().join(", ")),
    };
    let mut remarks = Vec::new();
    if to_check.is_some() {
        remarks.push("day first or month first? see above");
    }
    if taken.iter().any(|format| format.ends_with("%z")) {
        remarks.push("local time of each row");
    }
    Some(Times { expression, remark: remarks.join("; "), to_check, ..plain(column, seconds) })
}

/// At most about `n` of the values, evenly spread.
fn spread<'a>(values: &[&'a str], n: usize) -> Vec<&'a str> {
    values.iter().copied().step_by(values.len().div_ceil(n).max(1)).collect()
}

/// Share of the values that could be read and are plausible.
fn read_share(seconds: &[Option<i64>], n_values: usize) -> f64 {
    let n_read = seconds.iter().flatten().filter(|it| PLAUSIBLE_SECONDS.contains(it)).count();
    n_read as f64 / n_values.max(1) as f64
}

/// The time of a text in seconds since 1970, as `parse_time` reads it.
fn second(text: &str, format: &str) -> Option<i64> {
    let time = NaiveDateTime::parse_from_str(text, format)
        .or_else(|_| {
            NaiveDate::parse_from_str(text, format).map(|day| day.and_time(Default::default()))
        })
        .ok()?;
    let second = time.and_utc().timestamp();
    PLAUSIBLE_SECONDS.contains(&second).then_some(second)
}

/// The day of a time.
pub(super) fn day_of(second: i64) -> Option<NaiveDate> {
    Some(DateTime::from_timestamp(second, 0)?.date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_write_a_time_is_read_by_one_of_the_formats_at_least() {
        let expected = NaiveDate::from_ymd_opt(2024, 3, 25).unwrap();
        for text in [
            "2024/03/25 10:22:33",
            "2024-03-25 10:22",
            "25.03.2024 10:22",
            "3/25/2024 10:22",
            "25/03/2024",
            "03/25/24",
            "20240325",
            "2024年3月25日 10:22",
            "25-Mar-2024",
            "Mar 25, 2024, 10:22 AM",
            "2024-03-25 10:22:33 UTC",
            "2024-03-25T10:22:33.125",
            "25 March 2024",
            "3/25/2024 1:05:00 PM",
            "2024-03-25 10:22:33 -0500",
        ] {
            let formats = DATES
                .iter()
                .flat_map(|date| CLOCKS.iter().map(move |clock| format!("{date}{clock}")));
            let days: Vec<NaiveDate> =
                formats.filter_map(|format| day_of(second(text, &format)?)).collect();
            assert!(!days.is_empty() && days.iter().all(|day| *day == expected), "{text} {days:?}");
        }
    }
}
