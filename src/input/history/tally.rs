//! What is counted while events are collected.

use std::collections::BTreeMap;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What becomes of rows that repeat another in every mapped column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// They count as events of their own.
    Keep,
    /// One of them is kept.
    Drop,
}

/// How often an event occurs, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTally {
    /// Number of rows.
    pub n_rows: u64,
    /// Time of the last, in microseconds since 1970.
    pub last_time: i64,
}

/// What was seen in passing.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    /// Of users that are kept, by code, from 1.
    pub events: Vec<EventTally>,
    /// Of all users, as are the last and the days.
    pub first_time: Option<i64>,
    pub last_time: Option<i64>,
    /// Rows by day since 1970.
    pub days: BTreeMap<i64, u64>,
    /// The day of the row before, and rows of it that are not yet in `days`.
    last_day: (i64, u64),
}

impl Tally {
    /// Notes that something happened.
    pub fn see(&mut self, time: i64) {
        let day = time.div_euclid(MICROS_PER_DAY);
        if day != self.last_day.0 {
            self.end_batch();
            self.last_day.0 = day;
        }
        self.last_day.1 += 1;
        self.first_time = Some(self.first_time.map_or(time, |first| first.min(time)));
        self.last_time = self.last_time.max(Some(time));
    }

    /// Counts what was seen since the last change of day.
    pub fn end_batch(&mut self) {
        let (day, n_rows) = std::mem::take(&mut self.last_day);
        if n_rows > 0 {
            *self.days.entry(day).or_default() += n_rows;
        }
    }

    pub fn count(&mut self, event: u32, time: i64) {
        let index = event as usize;
        if self.events.len() <= index {
            self.events.resize(index + 1, EventTally { n_rows: 0, last_time: i64::MIN });
        }
        let tally = &mut self.events[index];
        tally.n_rows += 1;
        tally.last_time = tally.last_time.max(time);
    }

    pub fn add(&mut self, other: &Self) {
        if self.events.len() < other.events.len() {
            self.events.resize(other.events.len(), EventTally { n_rows: 0, last_time: i64::MIN });
        }
        for (all, part) in self.events.iter_mut().zip(&other.events) {
            all.n_rows += part.n_rows;
            all.last_time = all.last_time.max(part.last_time);
        }
        self.first_time = [self.first_time, other.first_time].into_iter().flatten().min();
        self.last_time = self.last_time.max(other.last_time);
        for (&day, &n_rows) in &other.days {
            *self.days.entry(day).or_default() += n_rows;
        }
    }
}
