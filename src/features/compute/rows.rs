//! What the rows of a history add to sums, and what is remembered of them.

use super::program::{Program, code_of};
use crate::dataset::Dimension;
use crate::features::calendar::{MICROS_PER_DAY, day_of, day_part, weekday};
use crate::features::orders::Overflow;
use crate::features::slots::UNUSED;
use crate::input::history::{Column, EventRow};

/// Adds to a sum; one that nobody asked for may overflow.
#[inline]
pub(super) fn add(sums: &mut [i64], slot: usize, value: i64) -> Result<(), Overflow> {
    match sums[slot].checked_add(value) {
        Some(sum) => sums[slot] = sum,
        None if slot == UNUSED => sums[slot] = 0,
        None => return Err(Overflow),
    }
    Ok(())
}

/// What is remembered of the rows of a history, met from new to old.
pub(super) struct RowTally {
    /// Days with an own event, since 1970.
    pub active_days: Vec<i64>,
    /// Own events by [`Dimension`].
    pub dimensions: [DimensionTally; 3],
    /// By event code: time of the last, the day met last, and which were met.
    last_times: Vec<i64>,
    days_met: Vec<i64>,
    met: Vec<u32>,
    /// Start and number of the active day that was met last.
    day_start: i64,
    active_day: i64,
}

/// A user's own events by the values of a column.
pub(super) struct DimensionTally {
    /// By code.
    pub counts: Vec<u64>,
    /// By code.
    pub first_times: Vec<i64>,
    /// Codes that occur.
    pub met: Vec<u32>,
}

impl RowTally {
    pub fn new(program: &Program) -> Self {
        let slots = &program.slots;
        let n_events = slots.events.len();
        let n_codes = [n_events, slots.channels.len(), slots.categories.len()];
        Self {
            active_days: Vec::new(),
            dimensions: n_codes.map(DimensionTally::new),
            last_times: vec![i64::MIN; n_events],
            days_met: vec![i64::MIN; n_events],
            met: Vec::new(),
            day_start: i64::MAX,
            active_day: i64::MIN,
        }
    }

    /// Makes ready for another history; event types are forgotten after it.
    pub fn begin(&mut self) {
        self.active_days.clear();
        self.dimensions.iter_mut().for_each(DimensionTally::clear);
        (self.day_start, self.active_day) = (i64::MAX, i64::MIN);
    }

    pub fn forget_events(&mut self) {
        for code in self.met.drain(..) {
            self.last_times[code as usize] = i64::MIN;
            self.days_met[code as usize] = i64::MIN;
        }
    }

    /// When an event type was met last.
    pub fn last_time(&self, event: u32) -> Option<i64> {
        Some(self.last_times[event as usize]).filter(|&time| time != i64::MIN)
    }

    /// Any row.
    #[inline]
    pub fn add_event(
        &mut self,
        program: &Program,
        sums: &mut [i64],
        event: &EventRow,
    ) -> Result<(), Overflow> {
        let slots = &program.slots;
        let (code, channel) = (event.event as usize, event.channel as usize);
        let of_type = &slots.events[code];
        sums[of_type.count] += 1;
        if self.last_times[code] == i64::MIN {
            self.last_times[code] = event.time;
            self.met.push(event.event);
        }
        add(sums, slots.dwell, event.number(Column::Dwell))?;
        add(sums, of_type.dwell, event.number(Column::Dwell))?;
        add(sums, of_type.amount, event.number(Column::Amount))?;
        if of_type.days != UNUSED {
            let day = day_of(event.time);
            sums[of_type.days] += i64::from(self.days_met[code] != day);
            self.days_met[code] = day;
        }
        if !slots.event_channels.is_empty() {
            sums[slots.event_channels[code][channel]] += 1;
        }
        Ok(())
    }

    /// A row that is an order line, beside what it is as any row.
    #[inline]
    pub fn add_order_line(
        &mut self,
        program: &Program,
        sums: &mut [i64],
        event: &EventRow,
    ) -> Result<(), Overflow> {
        let slots = &program.slots;
        sums[slots.order_lines] += 1;
        add(sums, slots.channel_amounts[event.channel as usize], event.number(Column::Amount))
    }

    /// A row that the user brought about, beside what it is as any row.
    #[inline]
    pub fn add_own_event(&mut self, program: &Program, sums: &mut [i64], event: &EventRow) {
        let slots = &program.slots;
        sums[slots.own_events] += 1;
        sums[slots.channels[event.channel as usize]] += 1;
        sums[slots.categories[event.category as usize]] += 1;
        sums[slots.with_channel] += i64::from(event.channel != 0);
        sums[slots.with_category] += i64::from(event.category != 0);
        if event.time < self.day_start {
            let day = day_of(event.time);
            (self.day_start, self.active_day) = (day * MICROS_PER_DAY, day);
            sums[slots.active_days] += 1;
            self.active_days.push(day);
        }
        if program.needs_clock {
            sums[slots.day_parts[day_part(event.time, self.active_day)]] += 1;
            let weekday = weekday(self.active_day);
            sums[slots.weekdays[weekday]] += 1;
            sums[slots.weekend] += i64::from(weekday >= 5);
        }
        for dimension in Dimension::ALL {
            if program.needs_dimension[dimension as usize] {
                let code = code_of(dimension, event);
                self.dimensions[dimension as usize].add(code, event.time);
            }
        }
    }
}

impl DimensionTally {
    fn new(n_codes: usize) -> Self {
        Self { counts: vec![0; n_codes], first_times: vec![i64::MIN; n_codes], met: Vec::new() }
    }

    fn clear(&mut self) {
        self.met.drain(..).for_each(|code| self.counts[code as usize] = 0);
    }

    #[inline]
    fn add(&mut self, code: u32, time: i64) {
        if code == 0 {
            return;
        }
        let index = code as usize;
        if self.counts[index] == 0 {
            self.met.push(code);
        }
        self.counts[index] += 1;
        // From new to old: the last that is met is the first there was.
        self.first_times[index] = time;
    }
}
