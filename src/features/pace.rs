//! How often a user does one thing, and when they do it next.

use super::calendar::MICROS_PER_DAY;
use super::orders::Overflow;
use super::program::Program;
use crate::dataset::Pace;
use crate::input::history::{Column, EventRow};

/// Length of the window over which [`Pace::gmv_365d`] sums.
const YEAR_MICROS: i64 = 365 * MICROS_PER_DAY;

/// Buffers, used again for the next user.
#[derive(Default)]
pub(super) struct PaceBuffers {
    days: Vec<i64>,
    gaps: Vec<i64>,
}

impl PaceBuffers {
    /// The pace of the event `code` by what was known before a moment.
    pub fn of(
        &mut self,
        events: &[EventRow],
        code: u32,
        program: &Program,
        as_of: i64,
    ) -> Result<Pace, Overflow> {
        self.days.clear();
        let (mut first, mut last, mut gmv) = (None, 0, 0i64);
        let before = &events[..events.partition_point(|event| event.time < as_of)];
        for event in before.iter().filter(|event| event.known_from() < as_of) {
            if event.event == code {
                first.get_or_insert(event.time);
                last = event.time;
                let day = event.time.div_euclid(MICROS_PER_DAY);
                if self.days.last() != Some(&day) {
                    self.days.push(day);
                }
            }
            if event.event == program.order_event && event.time >= as_of - YEAR_MICROS {
                gmv = gmv.checked_add(event.number(Column::Amount)).ok_or(Overflow)?;
            }
        }
        let gmv_365d = gmv as f64 / program.scale;
        let Some(first) = first else { return Ok(Pace { gmv_365d, ..Pace::default() }) };
        Ok(Pace {
            n_days: self.days.len() as u32,
            first_days_ago: days(as_of - first),
            last_days_ago: days(as_of - last),
            usual_gap_days: self.median_gap(),
            gmv_365d,
        })
    }

    fn median_gap(&mut self) -> Option<f64> {
        self.gaps.clear();
        self.gaps.extend(self.days.windows(2).map(|pair| pair[1] - pair[0]));
        self.gaps.sort_unstable();
        let n = self.gaps.len();
        let (below, above) = (self.gaps.get((n.max(1) - 1) / 2)?, self.gaps.get(n / 2)?);
        Some((below + above) as f64 / 2.0)
    }
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
