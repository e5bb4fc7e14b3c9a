use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDateTime};
use serde::{Deserialize, Serialize};

use super::SourceError;
use crate::engine::Engine;

/// What was read, kept and set aside, and what the events look like.
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
}

/// Rows of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceCounts {
    /// Label of the source.
    pub source: String,
    /// Rows read, without those that `where` leaves out.
    pub n_rows: u64,
    /// Rows that `where` leaves out.
    pub n_left_out: u64,
    /// Rows set aside, by reason.
    pub set_aside: BTreeMap<String, u64>,
}

impl SourceCounts {
    /// All rows set aside.
    pub fn n_set_aside(&self) -> u64 {
        self.set_aside.values().sum()
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

/// Describes the registered events.
pub(super) fn profile(
    engine: &Engine,
    sources: Vec<SourceCounts>,
) -> Result<InputProfile, SourceError> {
    let totals = engine.query(
        "SELECT count(*) AS n_events, count(DISTINCT user_id) AS n_users, \
         min(time) AS first_time, max(time) AS last_time FROM events",
    )?;
    let totals = &totals[0];
    let count = |index: usize| totals.column(index).as_primitive::<Int64Type>().value(0) as u64;
    let time_at = |batch: &RecordBatch, column: usize, row: usize| {
        let micros = batch.column(column).as_primitive::<TimestampMicrosecondType>().value(row);
        DateTime::from_timestamp_micros(micros).unwrap_or_default().naive_utc()
    };
    let by_event = engine.query(
        "SELECT cast(event AS varchar) AS event, count(*) AS n, max(time) AS last_time FROM events GROUP BY event \
         ORDER BY n DESC, event",
    )?;
    let mut events = Vec::new();
    for batch in &by_event {
        let names = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8)
            .map_err(datafusion::error::DataFusionError::from)?;
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let event = names.as_string::<i32>().value(row).to_owned();
            let n_rows = counts.value(row) as u64;
            events.push(EventCount { event, n_rows, last_time: time_at(batch, 2, row) });
        }
    }
    Ok(InputProfile {
        sources,
        n_events: count(0),
        n_users: count(1),
        first_time: time_at(totals, 2, 0),
        last_time: time_at(totals, 3, 0),
        events,
    })
}
