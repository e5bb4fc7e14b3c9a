use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::sql::{literal, timestamp};
use super::{FeatureError, FeaturePlan};
use crate::engine::Engine;
use crate::source::EVENT_COLUMNS;

/// `[features]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureParams {
    /// The event that counts as an order.
    pub order_event: String,
    /// Events that the business triggers and not the user, such as a message
    /// sent: they are counted once, but are no sign of activity.
    pub passive_events: Vec<String>,
    /// Lengths of the windows that end at the as-of date, in days.
    pub windows_days: Vec<u32>,
    /// Event types with features of their own, most frequent first.
    pub max_events: usize,
    /// Channels with features of their own, most frequent first.
    pub max_channels: usize,
    /// Categories with features of their own, most frequent first.
    pub max_categories: usize,
    /// Refuse an as-of date more than this many days after the last event.
    pub max_stale_days: u32,
}

impl Default for FeatureParams {
    fn default() -> Self {
        Self {
            order_event: "order".into(),
            passive_events: Vec::new(),
            windows_days: vec![7, 14, 30, 60, 90, 180, 365],
            max_events: 12,
            max_channels: 8,
            max_categories: 12,
            max_stale_days: 7,
        }
    }
}

impl FeatureParams {
    /// Checks the bounds.
    ///
    /// # Errors
    /// One line that names the key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), String> {
        if self.windows_days.is_empty() || self.windows_days.contains(&0) {
            return Err(format!(
                "[features] windows_days must list at least one window of 1 day or more, got {:?}",
                self.windows_days
            ));
        }
        if self.order_event.is_empty() {
            return Err("[features] order_event must name an event, got \"\"".into());
        }
        Ok(())
    }
}

/// What the data before a date holds, as far as the catalogue depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct InputTraits {
    /// Event types, most frequent first.
    pub events: Vec<String>,
    /// Channels, most frequent first.
    pub channels: Vec<String>,
    /// Categories, most frequent first.
    pub categories: Vec<String>,
    /// Event columns that are not null throughout.
    pub columns: BTreeSet<&'static str>,
}

impl InputTraits {
    /// True when the data fills the event column.
    pub fn has(&self, column: &str) -> bool {
        self.columns.contains(column)
    }
}

impl FeaturePlan {
    /// Checks that the data still holds what the plan was made for. Returns the
    /// event types that do not occur any more, which may be no fault.
    ///
    /// # Errors
    /// When there is no order, or a column that was filled is null throughout:
    /// features of it would say that everybody changed.
    pub fn check_input(&self, input: &InputTraits) -> Result<Vec<String>, FeatureError> {
        if !input.events.contains(&self.order_event) {
            return Err(FeatureError::NoOrders {
                order_event: self.order_event.clone(),
                available: input.events.join(", "),
            });
        }
        if let Some(column) = self.columns.iter().find(|column| !input.has(column)) {
            return Err(FeatureError::LostColumn { column: column.clone() });
        }
        Ok(self.events.iter().filter(|event| !input.events.contains(event)).cloned().collect())
    }
}

/// Looks at the events before `as_of`.
///
/// # Errors
/// When the engine fails.
pub fn describe_input(engine: &Engine, as_of: NaiveDateTime) -> Result<InputTraits, FeatureError> {
    let counts: Vec<String> =
        EVENT_COLUMNS.iter().map(|column| format!("count({column})")).collect();
    let filled = engine.query(&format!(
        "SELECT {} FROM events WHERE time < {}",
        counts.join(", "),
        timestamp(as_of)
    ))?;
    let is_filled = |index: usize| filled[0].column(index).as_primitive::<Int64Type>().value(0) > 0;
    let columns =
        (0..EVENT_COLUMNS.len()).filter(|&i| is_filled(i)).map(|i| EVENT_COLUMNS[i]).collect();
    Ok(InputTraits {
        events: most_frequent(engine, "event", as_of)?,
        channels: most_frequent(engine, "channel", as_of)?,
        categories: most_frequent(engine, "category", as_of)?,
        columns,
    })
}

/// Distinct values of a text column, most frequent first, equals by name.
fn most_frequent(
    engine: &Engine,
    column: &str,
    as_of: NaiveDateTime,
) -> Result<Vec<String>, FeatureError> {
    let batches = engine.query(&format!(
        "SELECT {column}, count(*) AS n FROM events WHERE time < {} AND {column} IS NOT NULL \
         AND {column} <> {} GROUP BY {column} ORDER BY n DESC, {column} LIMIT 100",
        timestamp(as_of),
        literal("")
    ))?;
    let mut values = Vec::new();
    for batch in &batches {
        let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8)
            .map_err(|error| crate::engine::EngineError::Query(error.into()))?;
        values.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(values)
}
