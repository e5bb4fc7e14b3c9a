//! One user's features as of one date: a walk through the history from the
//! newest event to the oldest, with running sums that are noted down whenever a
//! window is over.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::orders::{Order, Overflow, collect_orders};
use super::program::{
    MICROS_PER_DAY, Note, Op, Program, Series, UNUSED, code_of, day_part, weekday,
};
use super::statistics::{Facts, KindFacts, statistic};
use crate::dataset::Dimension;
use crate::input::history::{Column, EventRow};

/// Buffers of a walk, used again for the next user.
pub(super) struct Walker<'p> {
    program: &'p Program,
    sums: Vec<i64>,
    values: Vec<f64>,
    /// Starts of the windows, newest first.
    edges: Vec<i64>,
    known: Vec<EventRow>,
    orders: Vec<Order>,
    order_lines: Vec<(u64, Order)>,
    order_days: Vec<i64>,
    active_days: Vec<i64>,
    /// Sum and value of what was counted once.
    seen: HashSet<(usize, u64), FixedState>,
    /// By event code: time of the last, the day met last, and which were met.
    last_times: Vec<i64>,
    days_met: Vec<i64>,
    met: Vec<u32>,
    kinds: [KindTally; 3],
}

/// What users have to do with the values of a column.
#[derive(Default)]
struct KindTally {
    counts: Vec<u64>,
    first_times: Vec<i64>,
    met: Vec<u32>,
}

/// The windows of a series that are still open.
struct Edges<'a> {
    edges: &'a [i64],
    notes: &'a [Vec<Note>],
    factors: &'a [f64],
    next: usize,
}

impl Edges<'_> {
    /// Closes the windows that began after `time`.
    #[inline]
    fn pass(&mut self, time: i64, sums: &[i64], values: &mut [f64]) {
        while self.next < self.edges.len() && time < self.edges[self.next] {
            self.note(sums, values);
        }
    }

    fn note(&mut self, sums: &[i64], values: &mut [f64]) {
        for note in &self.notes[self.next] {
            values[note.value] = sums[note.slot] as f64 / self.factors[note.value];
        }
        self.next += 1;
    }

    /// Closes all windows.
    fn finish(mut self, sums: &[i64], values: &mut [f64]) {
        while self.next <= self.edges.len() {
            self.note(sums, values);
        }
    }
}

#[inline]
fn add(sums: &mut [i64], slot: usize, value: i64) -> Result<(), Overflow> {
    match sums[slot].checked_add(value) {
        Some(sum) => sums[slot] = sum,
        None if slot == UNUSED => sums[slot] = 0,
        None => return Err(Overflow),
    }
    Ok(())
}

impl<'p> Walker<'p> {
    pub fn new(program: &'p Program) -> Self {
        Self {
            program,
            sums: vec![0; program.n_slots],
            values: vec![0.0; program.factors.len()],
            edges: Vec::new(),
            known: Vec::new(),
            orders: Vec::new(),
            order_lines: Vec::new(),
            order_days: Vec::new(),
            active_days: Vec::new(),
            seen: HashSet::default(),
            last_times: vec![i64::MIN; program.is_own.len()],
            days_met: vec![i64::MIN; program.is_own.len()],
            met: Vec::new(),
            kinds: Default::default(),
        }
    }

    /// Writes the features as of a moment into `row`; false when the user has
    /// no event before it that was known by then.
    pub fn walk(
        &mut self,
        events: &[EventRow],
        as_of: i64,
        row: &mut [f64],
    ) -> Result<bool, Overflow> {
        let before = &events[..events.partition_point(|event| event.time < as_of)];
        let mut known = std::mem::take(&mut self.known);
        let events = if before.iter().any(|event| event.known_from() >= as_of) {
            known.clear();
            known.extend(before.iter().filter(|event| event.known_from() < as_of));
            &known
        } else {
            before
        };
        let outcome = match events.is_empty() {
            true => Ok(false),
            false => self.walk_known(events, as_of, row).map(|()| true),
        };
        self.known = known;
        outcome
    }

    fn walk_known(
        &mut self,
        events: &[EventRow],
        as_of: i64,
        row: &mut [f64],
    ) -> Result<(), Overflow> {
        let program = self.program;
        self.sums.fill(0);
        self.edges.clear();
        self.edges.extend(program.windows_days.iter().map(|days| as_of - days * MICROS_PER_DAY));
        self.walk_rows(events)?;
        self.walk_orders(events)?;
        self.count_distinct(events);
        let facts = Facts {
            as_of,
            first_event: events[0].time,
            orders: &self.orders,
            order_days: &self.order_days,
            active_days: &self.active_days,
            last_activity: events
                .iter()
                .rev()
                .find(|event| program.is_own[event.event as usize])
                .map(|event| event.time),
            kinds: self.kinds.each_ref().map(|tally| KindFacts {
                counts: &tally.counts,
                first_times: &tally.first_times,
                met: &tally.met,
            }),
            scale: program.scale,
        };
        for ((op, when_missing), cell) in program.ops.iter().zip(row) {
            let value = match op {
                Op::Value(value) => Some(self.values[*value]),
                Op::Quotient(above, below) => {
                    let below = self.values[*below];
                    (below != 0.0).then(|| self.values[*above] / below)
                }
                Op::DaysSinceLast(event) => {
                    let last = self.last_times[*event as usize];
                    (last != i64::MIN).then(|| facts.days_since(last))
                }
                Op::Statistic(wanted) => statistic(wanted, &facts),
                Op::Sql => None,
            };
            *cell = value.unwrap_or(*when_missing);
        }
        for code in self.met.drain(..) {
            self.last_times[code as usize] = i64::MIN;
            self.days_met[code as usize] = i64::MIN;
        }
        Ok(())
    }

    fn walk_rows(&mut self, events: &[EventRow]) -> Result<(), Overflow> {
        let program = self.program;
        let slots = &program.slots;
        let mut edges = edges_of(program, &self.edges, Series::Rows);
        let (sums, values) = (&mut self.sums, &mut self.values);
        self.active_days.clear();
        for (tally, vocabulary) in self.kinds.iter_mut().zip([
            slots.events.len(),
            slots.channels.len(),
            slots.categories.len(),
        ]) {
            tally.counts.resize(vocabulary, 0);
            tally.first_times.resize(vocabulary, i64::MIN);
            tally.met.drain(..).for_each(|code| tally.counts[code as usize] = 0);
        }
        let mut day_start = i64::MAX;
        let mut active_day = i64::MIN;
        for event in events.iter().rev() {
            edges.pass(event.time, sums, values);
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
                let day = event.time.div_euclid(MICROS_PER_DAY);
                sums[of_type.days] += i64::from(self.days_met[code] != day);
                self.days_met[code] = day;
            }
            if !slots.event_channels.is_empty() {
                sums[slots.event_channels[code][channel]] += 1;
            }
            if event.event == program.order_event {
                sums[slots.order_lines] += 1;
                add(sums, slots.channel_amounts[channel], event.number(Column::Amount))?;
            }
            if !program.is_own[code] {
                continue;
            }
            sums[slots.own_events] += 1;
            sums[slots.channels[channel]] += 1;
            sums[slots.categories[event.category as usize]] += 1;
            sums[slots.with_channel] += i64::from(channel != 0);
            sums[slots.with_category] += i64::from(event.category != 0);
            if event.time < day_start {
                let day = event.time.div_euclid(MICROS_PER_DAY);
                day_start = day * MICROS_PER_DAY;
                active_day = day;
                sums[slots.active_days] += 1;
                self.active_days.push(day);
            }
            if program.needs_clock {
                sums[slots.day_parts[day_part(event.time, active_day)]] += 1;
                let weekday = weekday(active_day);
                sums[slots.weekdays[weekday]] += 1;
                sums[slots.weekend] += i64::from(weekday >= 5);
            }
            for kind in Dimension::ALL {
                if program.needs_kind[kind as usize] {
                    self.kinds[kind as usize].add(code_of(kind, event), event.time);
                }
            }
        }
        edges.finish(sums, values);
        self.active_days.reverse();
        Ok(())
    }

    fn walk_orders(&mut self, events: &[EventRow]) -> Result<(), Overflow> {
        let program = self.program;
        let slots = &program.slots;
        collect_orders(events, program.order_event, &mut self.orders, &mut self.order_lines)?;
        let mut edges = edges_of(program, &self.edges, Series::Orders);
        let (sums, values) = (&mut self.sums, &mut self.values);
        self.order_days.clear();
        for order in self.orders.iter().rev() {
            edges.pass(order.time, sums, values);
            let day = order.time.div_euclid(MICROS_PER_DAY);
            if self.order_days.last() != Some(&day) {
                self.order_days.push(day);
                sums[slots.order_days] += 1;
            }
            sums[slots.orders] += 1;
            add(sums, slots.amount, order.amount)?;
            add(sums, slots.discount, order.discount)?;
            add(sums, slots.full_price, order.amount)?;
            add(sums, slots.full_price, order.discount)?;
            add(sums, slots.units, order.quantity)?;
            sums[slots.discounted] += i64::from(order.discount > 0);
            if program.needs_order_clock {
                sums[slots.order_parts[day_part(order.time, day)]] += 1;
                sums[slots.orders_weekend] += i64::from(weekday(day) >= 5);
                sums[slots.order_quarters[quarter(day)]] += 1;
            }
        }
        edges.finish(sums, values);
        self.order_days.reverse();
        Ok(())
    }

    /// Sums over different items, categories and sessions: each counts in the
    /// windows that reach back to where it was last seen.
    fn count_distinct(&mut self, events: &[EventRow]) {
        let program = self.program;
        let slots = &program.slots;
        let if_order = |event: &EventRow, slot| match event.event == program.order_event {
            true => slot,
            false => UNUSED,
        };
        self.note_distinct(events, Series::Items, |event| {
            let of_type = slots.events[event.event as usize].items;
            (event.hash(Column::Item), [if_order(event, slots.items), of_type])
        });
        self.note_distinct(events, Series::Categories, |event| {
            let of_type = slots.events[event.event as usize].categories;
            (u64::from(event.category), [if_order(event, slots.categories_ordered), of_type])
        });
        self.note_distinct(events, Series::Sessions, |event| {
            (event.hash(Column::Session), [slots.sessions, UNUSED])
        });
    }

    /// Counts the different values of `value_of`, 0 for none, for each of the
    /// sums that it gives with them.
    fn note_distinct(
        &mut self,
        events: &[EventRow],
        series: Series,
        value_of: impl Fn(&EventRow) -> (u64, [usize; 2]),
    ) {
        if !self.program.needs(series) {
            return;
        }
        let mut edges = edges_of(self.program, &self.edges, series);
        self.seen.clear();
        // The newest first: what was seen later counts there.
        for event in events.iter().rev() {
            let (value, slots) = value_of(event);
            for slot in slots.into_iter().filter(|slot| *slot != UNUSED && value != 0) {
                if self.seen.insert((slot, value)) {
                    edges.pass(event.time, &self.sums, &mut self.values);
                    self.sums[slot] += 1;
                }
            }
        }
        edges.finish(&self.sums, &mut self.values);
    }
}

impl KindTally {
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

fn edges_of<'a>(program: &'a Program, edges: &'a [i64], series: Series) -> Edges<'a> {
    Edges { edges, notes: &program.notes[series as usize], factors: &program.factors, next: 0 }
}

/// Quarter of the year, from 0.
fn quarter(day: i64) -> usize {
    use chrono::{DateTime, Datelike};
    let date = DateTime::from_timestamp(day * 86_400, 0).unwrap_or_default();
    date.month0() as usize / 3
}
