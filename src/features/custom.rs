//! Features by SQL of the config.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::compute::SnapshotRows;
use super::{FeatureError, FeaturePlan, Measure};
use crate::dataset::UserIds;
use crate::engine::{Engine, EngineError, ExpressionFault};
use crate::source::{EVENT_COLUMNS, EVENTS_TABLE};

/// `[features.custom.<name>]` of the config: a feature of one's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomFeature {
    /// An aggregate over the rows of one user before the as-of date. Columns
    /// are those of `events`, and `age_days`: whole days before as-of, so that
    /// `age_days < 7` is the last seven days.
    pub sql: String,
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// Value where the expression is null.
    #[serde(default)]
    pub when_missing: f64,
}

impl CustomFeature {
    pub(super) fn check(&self, name: &str) -> Result<(), String> {
        let is_plain = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(format!("[features.custom] names are letters, digits and _, got {name:?}"));
        }
        if !self.when_missing.is_finite() {
            return Err(format!(
                "[features.custom.{name}] when_missing must be finite, got {}",
                self.when_missing
            ));
        }
        Ok(())
    }
}

/// Rows that SQL features may see, with their age.
fn rows_before(as_of: NaiveDateTime) -> String {
    let moment = as_of.and_utc().timestamp_micros();
    let as_of = as_of.format("%Y-%m-%dT%H:%M:%S%.6f");
    let as_of = format!("arrow_cast('{as_of}', 'Timestamp(Microsecond, None)')");
    format!(
        "SELECT *, ({moment} - 1 - cast(time AS bigint)) / 86400000000 AS age_days \
         FROM {EVENTS_TABLE} WHERE time < {as_of} \
         AND (available_at IS NULL OR available_at < {as_of})"
    )
}

/// Checks SQL features, names and expressions, before anything is computed.
///
/// # Errors
/// When an expression does not parse, names an unknown column, is no aggregate,
/// looks beyond the rows it is given, or gives no number.
pub fn check_custom<'a>(
    engine: &Engine,
    expressions: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), FeatureError> {
    for (name, sql) in expressions {
        let rows = rows_before(NaiveDateTime::default());
        engine.check_aggregate(sql, &rows).map_err(|fault| {
            let columns = format!("{}, age_days", EVENT_COLUMNS.join(", "));
            let cause = match fault {
                ExpressionFault::Invalid(cause) => format!("{cause}; the columns are {columns}"),
                ExpressionFault::NoAggregate => {
                    "an aggregate over a user's rows is needed, such as sum(amount)".into()
                }
                ExpressionFault::LooksAhead(what) => format!(
                    "{what} could see rows at or after the as-of date; only the rows given may \
                     be used"
                ),
                ExpressionFault::NoNumber(found) => {
                    format!("a number is needed, but this is {found}")
                }
            };
            FeatureError::Custom { name: name.to_owned(), sql: sql.to_owned(), cause }
        })?;
    }
    Ok(())
}

/// Computes the plan's SQL features as of the date of `rows` and puts them in
/// their place.
///
/// # Errors
/// When the engine fails.
pub(super) fn fill_custom(
    engine: &Engine,
    plan: &FeaturePlan,
    rows: &mut SnapshotRows,
) -> Result<(), FeatureError> {
    let columns: Vec<(usize, &str)> = plan
        .features
        .iter()
        .enumerate()
        .filter_map(|(column, feature)| match &feature.measure {
            Measure::Sql(sql) => Some((column, sql.as_str())),
            _ => None,
        })
        .collect();
    if columns.is_empty() {
        return Ok(());
    }
    let selected: Vec<String> = columns
        .iter()
        .map(|(column, sql)| format!("cast({sql} AS double) AS __feature_{column}"))
        .collect();
    let query = format!(
        "SELECT user_id, {} FROM ({}) GROUP BY user_id",
        selected.join(", "),
        rows_before(rows.as_of())
    );
    for batch in engine.query(&query)? {
        let places = places(rows.users(), &batch)?;
        for ((column, _), array) in columns.iter().zip(&batch.columns()[1..]) {
            let array = array.as_primitive::<Float64Type>();
            let mut values = Vec::new();
            for (row, place) in places.iter().enumerate() {
                // Infinite or undefined is missing.
                let value = (!array.is_null(row)).then(|| array.value(row));
                values.extend(place.zip(value.filter(|value| value.is_finite())));
            }
            rows.set_column(*column, &values);
        }
    }
    Ok(())
}

/// Where the users of a batch stand in `users`.
fn places(users: &UserIds, batch: &RecordBatch) -> Result<Vec<Option<usize>>, FeatureError> {
    let engine_error = |error: arrow::error::ArrowError| EngineError::Query(error.into());
    match users {
        UserIds::Integer(ids) => {
            let found = arrow::compute::cast(batch.column(0), &DataType::Int64);
            let found: ArrayRef = found.map_err(engine_error)?;
            Ok(positions(ids, found.as_primitive::<Int64Type>().values().iter().copied()))
        }
        UserIds::Text(ids) => {
            let found = arrow::compute::cast(batch.column(0), &DataType::Utf8);
            let found: ArrayRef = found.map_err(engine_error)?;
            let texts = found.as_string::<i32>().iter();
            Ok(positions(ids, texts.map(|text| text.unwrap_or_default().to_owned())))
        }
    }
}

fn positions<T: Ord>(ids: &[T], wanted: impl Iterator<Item = T>) -> Vec<Option<usize>> {
    wanted.map(|id| ids.binary_search(&id).ok()).collect()
}
