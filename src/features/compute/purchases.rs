//! How often a user does one thing, and when they do it next.

use super::program::Program;
use crate::dataset::{Gaps, PaidDays, PurchaseSummary, Purchases};
use crate::features::calendar::{MICROS_PER_DAY, day_of, month_number, week_number};
use crate::features::orders::Overflow;
use crate::input::history::{Column, EventRow};

/// Length of the window over which [`PurchaseSummary::amount_365d`] sums.
const YEAR_MICROS: i64 = 365 * MICROS_PER_DAY;

/// Makes summaries; its buffer is used again for the next user.
#[derive(Default)]
pub(super) struct PurchaseSummaries {
    gaps: Vec<i64>,
}

impl PurchaseSummaries {
    /// A user's orders, and the event `kept_by`, as far as they were known before a
    /// moment.
    pub fn of(
        &mut self,
        events: &[EventRow],
        kept_by: u32,
        program: &Program,
        as_of: i64,
    ) -> Result<Purchases, Overflow> {
        let before = &events[..events.partition_point(|event| event.time < as_of)];
        let mut summary = |code: u32| {
            let of_code =
                before.iter().filter(|event| event.event == code && event.known_from() < as_of);
            self.summary(of_code, program.scale, as_of)
        };
        let orders = summary(program.order_event)?;
        let kept_by = if kept_by == program.order_event { orders } else { summary(kept_by)? };
        let paid =
            paid_days(before.iter().filter(|event| event.known_from() < as_of), program, as_of)?;
        Ok(Purchases { orders, kept_by, paid })
    }

    fn summary<'e>(
        &mut self,
        events: impl Iterator<Item = &'e EventRow>,
        scale: f64,
        as_of: i64,
    ) -> Result<PurchaseSummary, Overflow> {
        self.gaps.clear();
        let (mut first, mut last) = (None, as_of);
        let (mut amount, mut amount_365d) = (0i64, 0i64);
        for event in events {
            let day = event.time.div_euclid(MICROS_PER_DAY);
            let gap = day - last.div_euclid(MICROS_PER_DAY);
            if first.is_some() && gap > 0 {
                self.gaps.push(gap);
            }
            first.get_or_insert(event.time);
            last = event.time;
            let of_event = event.number(Column::Amount);
            amount = amount.checked_add(of_event).ok_or(Overflow)?;
            if event.time >= as_of - YEAR_MICROS {
                amount_365d = amount_365d.checked_add(of_event).ok_or(Overflow)?;
            }
        }
        let Some(first) = first else { return Ok(PurchaseSummary::default()) };
        Ok(PurchaseSummary {
            n_days: self.gaps.len() as u32 + 1,
            first_days_ago: days(as_of - first),
            last_days_ago: days(as_of - last),
            amount: amount as f64 / scale,
            amount_365d: amount_365d as f64 / scale,
            gaps: gaps(&mut self.gaps),
        })
    }
}

/// What gaps in days amount to; sorts them.
fn gaps(gaps: &mut [i64]) -> Option<Gaps> {
    gaps.sort_unstable();
    let longest = *gaps.last()?;
    let n = gaps.len();
    Some(Gaps {
        median_days: (gaps[(n - 1) / 2] + gaps[n / 2]) as f64 / 2.0,
        mean_days: gaps.iter().sum::<i64>() as f64 / n as f64,
        longest_days: longest as f64,
    })
}

/// The paid days among events in order of time, as seen from a moment after them.
pub(super) fn paid_days<'e>(
    events: impl Iterator<Item = &'e EventRow>,
    program: &Program,
    as_of: i64,
) -> Result<PaidDays, Overflow> {
    let mut found = PaidDays::default();
    let (mut first_day, mut last_day, mut amount) = (None, None, 0i64);
    let mut end_day = |day: i64, of_day: i64| {
        if program.has_amounts && of_day <= 0 {
            found.n_set_aside += 1;
            return Ok(());
        }
        let is_new =
            |number: fn(i64) -> i64| last_day.is_none_or(|last| number(last) != number(day));
        found.n_days += 1;
        found.n_weeks += u32::from(is_new(week_number));
        found.n_months += u32::from(is_new(month_number));
        first_day.get_or_insert(day);
        last_day = Some(day);
        amount = amount.checked_add(of_day).ok_or(Overflow)?;
        Ok(())
    };
    let mut open: Option<(i64, i64)> = None;
    for event in events.filter(|event| event.event == program.order_event) {
        let (day, of_event) = (day_of(event.time), event.number(Column::Amount));
        open = match open {
            Some((open_day, sum)) if open_day == day => {
                Some((day, sum.checked_add(of_event).ok_or(Overflow)?))
            }
            before => {
                before.map_or(Ok(()), |(day, sum)| end_day(day, sum))?;
                Some((day, of_event))
            }
        };
    }
    open.map_or(Ok(()), |(day, sum)| end_day(day, sum))?;
    let days_ago = |day: Option<i64>| day.map_or(0, |day| (day_of(as_of) - day) as u32);
    let amount = amount as f64 / program.scale;
    let (first_days_ago, last_days_ago) = (days_ago(first_day), days_ago(last_day));
    Ok(PaidDays { first_days_ago, last_days_ago, amount, ..found })
}

/// Days from a moment to the next event `code` before `end`; infinite if there
/// is none.
pub(super) fn days_to_next(events: &[EventRow], code: u32, as_of: i64, end: i64) -> f64 {
    let start = events.partition_point(|event| event.time < as_of);
    let next = events[start..]
        .iter()
        .take_while(|event| event.time < end)
        .find(|event| event.event == code);
    next.map_or(f64::INFINITY, |event| days(event.time - as_of))
}

fn days(micros: i64) -> f64 {
    micros as f64 / MICROS_PER_DAY as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_have_a_median_between_the_middle_two() {
        let found = gaps(&mut [30, 2, 8, 4]).unwrap();
        assert_eq!(found, Gaps { median_days: 6.0, mean_days: 11.0, longest_days: 30.0 });
        assert_eq!(gaps(&mut [7]).unwrap().median_days, 7.0);
        assert_eq!(gaps(&mut []), None);
    }
}
