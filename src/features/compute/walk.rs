//! One user's features as of one date: a walk through the history from the
//! newest event to the oldest, with running sums that are noted down whenever a
//! window is over.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::program::{Note, Op, Program};
use super::rows::{RowTally, add};
use crate::features::calendar::{MICROS_PER_DAY, day_of, day_part, is_weekend, quarter};
use crate::features::orders::{Order, Overflow, collect_orders};
use crate::features::slots::{Series, UNUSED};
use crate::features::summary::{DimensionSummary, HistorySummary};
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
    rows: RowTally,
    /// Sum and value of what was counted once.
    seen: HashSet<(usize, u64), FixedState>,
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
            rows: RowTally::new(program),
            seen: HashSet::default(),
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
        self.fill(events, as_of, row);
        self.rows.forget_events();
        Ok(())
    }

    /// Writes the features from the values and the summary of the history.
    fn fill(&self, events: &[EventRow], as_of: i64, row: &mut [f64]) {
        let program = self.program;
        let last_own = events.iter().rev().find(|event| program.is_own[event.event as usize]);
        let summary = HistorySummary {
            as_of,
            first_event: events[0].time,
            orders: &self.orders,
            order_days: &self.order_days,
            active_days: &self.rows.active_days,
            last_activity: last_own.map(|event| event.time),
            dimensions: self.rows.dimensions.each_ref().map(|tally| DimensionSummary {
                counts: &tally.counts,
                first_times: &tally.first_times,
                met: &tally.met,
            }),
            scale: program.scale,
        };
        for ((op, when_missing), cell) in program.ops.iter().zip(row) {
            *cell = self.value_of(op, &summary).unwrap_or(*when_missing);
        }
    }

    #[inline]
    fn value_of(&self, op: &Op, summary: &HistorySummary<'_>) -> Option<f64> {
        match op {
            Op::Value(value) => Some(self.values[*value]),
            Op::Quotient(above, below) => {
                let below = self.values[*below];
                (below != 0.0).then(|| self.values[*above] / below)
            }
            Op::DaysSinceLast(event) => {
                self.rows.last_time(*event).map(|last| summary.days_since(last))
            }
            Op::Statistic(value) => value(summary),
            Op::Sql => None,
        }
    }

    fn walk_rows(&mut self, events: &[EventRow]) -> Result<(), Overflow> {
        let program = self.program;
        let mut edges = edges_of(program, &self.edges, Series::Rows);
        let (sums, values, rows) = (&mut self.sums, &mut self.values, &mut self.rows);
        rows.begin();
        for event in events.iter().rev() {
            edges.pass(event.time, sums, values);
            rows.add_event(program, sums, event)?;
            if event.event == program.order_event {
                rows.add_order_line(program, sums, event)?;
            }
            if program.is_own[event.event as usize] {
                rows.add_own_event(program, sums, event);
            }
        }
        edges.finish(sums, values);
        rows.active_days.reverse();
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
            let day = day_of(order.time);
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
                sums[slots.orders_weekend] += i64::from(is_weekend(day));
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

fn edges_of<'a>(program: &'a Program, edges: &'a [i64], series: Series) -> Edges<'a> {
    Edges { edges, notes: &program.notes[series as usize], factors: &program.factors, next: 0 }
}
