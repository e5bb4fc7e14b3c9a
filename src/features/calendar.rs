//! Days, weekdays and parts of the day of moments in microseconds since 1970.

use chrono::{DateTime, Datelike};

use crate::dataset::DayPart;

pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Days since 1970.
#[inline]
pub(super) fn day_of(time: i64) -> i64 {
    time.div_euclid(MICROS_PER_DAY)
}

/// Six hours from midnight on, from 0; `day` is that of `time`.
#[inline]
pub(super) fn day_part(time: i64, day: i64) -> usize {
    let quarter_of_day = MICROS_PER_DAY / DayPart::ALL.len() as i64;
    ((time - day * MICROS_PER_DAY) / quarter_of_day) as usize
}

/// 0 for Monday.
#[inline]
pub(super) fn weekday(day: i64) -> usize {
    // 1 January 1970 was a Thursday.
    (day + 3).rem_euclid(7) as usize
}

/// Weeks since one before 1970, from Monday on.
pub(super) fn week_number(day: i64) -> i64 {
    (day + 3).div_euclid(7)
}

/// Months since the year 0.
pub(super) fn month_number(day: i64) -> i64 {
    let date = DateTime::from_timestamp(day * 86_400, 0).unwrap_or_default();
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

/// Saturday or Sunday.
#[inline]
pub(super) fn is_weekend(day: i64) -> bool {
    weekday(day) >= 5
}

/// Quarter of the year, from 0.
pub(super) fn quarter(day: i64) -> usize {
    let date = DateTime::from_timestamp(day * 86_400, 0).unwrap_or_default();
    date.month0() as usize / 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_before_1970_are_days_as_well() {
        // 31 December 1969, a Wednesday, at 23:59:59.
        let moment = -1_000_000;
        assert_eq!(day_of(moment), -1);
        assert_eq!((weekday(-1), is_weekend(-1), is_weekend(2)), (2, false, true));
        assert_eq!((day_part(moment, -1), quarter(-1), quarter(0)), (3, 3, 0));
        assert_eq!((week_number(3), week_number(4), week_number(-4)), (0, 1, -1));
        assert_eq!(month_number(0) - month_number(-1), 1);
    }
}
