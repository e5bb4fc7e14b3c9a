use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use super::mapping::TIME_IN_THE_FUTURE;
use super::{DuplicateRows, Rejection};
use crate::input::history::HistorySummary;

/// What was read, kept and rejected, and what the events look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputProfile {
    /// Row counts by source, in config order.
    pub sources: Vec<SourceCounts>,
    /// Events that kept the contract.
    pub n_events: u64,
    /// Distinct users among them.
    pub n_users: u64,
    /// Time of the first event.
    pub first_time: NaiveDateTime,
    /// Time of the last event.
    pub last_time: NaiveDateTime,
    /// Events by type, most frequent first.
    pub events: Vec<EventCount>,
    /// Rows that repeat another in every mapped column.
    pub n_duplicates: u64,
    /// What became of them.
    pub duplicates: DuplicateRows,
    /// Whole days without any event, in runs, from the first to the last.
    pub gaps: Vec<DayGap>,
}

impl InputProfile {
    /// Whether rows were rejected for lying in the future: on a later day they may not be.
    pub fn has_rows_in_the_future(&self) -> bool {
        let rejections = self.sources.iter().flat_map(|source| &source.rejections);
        rejections.into_iter().any(|it| it.reason.en == TIME_IN_THE_FUTURE)
    }

    /// Adds the events of other users, read from the same sources.
    pub fn add_users(&mut self, other: &Self) {
        self.n_events += other.n_events;
        self.n_users += other.n_users;
        self.n_duplicates += other.n_duplicates;
        for count in &other.events {
            match self.events.iter_mut().find(|it| it.event == count.event) {
                Some(all) => {
                    all.n_rows += count.n_rows;
                    all.last_time = all.last_time.max(count.last_time);
                }
                None => self.events.push(count.clone()),
            }
        }
        self.events.sort_by(|a, b| b.n_rows.cmp(&a.n_rows).then_with(|| a.event.cmp(&b.event)));
    }
}

/// A run of days on which nothing happened: a closed shop, or a feed that was
/// down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayGap {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Number of days.
    pub n_days: i64,
}

/// Rows of one source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceCounts {
    /// Label of the source.
    pub source: String,
    /// Rows read, without those that `where` filters.
    pub n_rows: u64,
    /// Rows that `where` filters.
    pub n_filtered: u64,
    /// Rejected rows by reason, in order of the reasons.
    pub rejections: Vec<Rejection>,
    /// Good rows by day since 1970. Not kept with a model or a night: there are many.
    #[serde(skip)]
    pub days: BTreeMap<i64, u64>,
    /// Rows without a value, by mapped column.
    #[serde(skip)]
    pub nulls: BTreeMap<&'static str, u64>,
}

impl SourceCounts {
    /// All rejected rows.
    pub fn n_rejected(&self) -> u64 {
        self.rejections.iter().map(|rejection| rejection.n_rows).sum()
    }
}

/// How often an event type occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventCount {
    /// The event type.
    pub event: String,
    /// Its number of rows.
    pub n_rows: u64,
    /// Time of its last row.
    pub last_time: NaiveDateTime,
}

/// Describes the events.
pub(super) fn profile(
    summary: &HistorySummary,
    sources: Vec<SourceCounts>,
    duplicates: DuplicateRows,
) -> InputProfile {
    let moment =
        |micros: i64| DateTime::from_timestamp_micros(micros).unwrap_or_default().naive_utc();
    let events = summary
        .events
        .iter()
        .map(|(event, tally)| EventCount {
            event: event.clone(),
            n_rows: tally.n_rows,
            last_time: moment(tally.last_time),
        })
        .collect();
    InputProfile {
        sources,
        n_events: summary.n_events,
        n_users: summary.n_users,
        first_time: summary.first_time.map(moment).unwrap_or_default(),
        last_time: summary.last_time.map(moment).unwrap_or_default(),
        events,
        n_duplicates: summary.n_duplicates,
        duplicates,
        gaps: gaps(&summary.days),
    }
}

/// Runs of days without any event between two days with one.
fn gaps(days: &[i64]) -> Vec<DayGap> {
    let date =
        |day: i64| DateTime::from_timestamp(day * 86_400, 0).unwrap_or_default().date_naive();
    days.windows(2)
        .filter(|pair| pair[1] - pair[0] > 1)
        .map(|pair| DayGap {
            from: date(pair[0] + 1),
            to: date(pair[1] - 1),
            n_days: pair[1] - pair[0] - 1,
        })
        .collect()
}
