//! Features by SQL of the config.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::{FeatureError, FeaturePlan, Measure};
use crate::engine::{Engine, EngineError, ExpressionFault};
use crate::history::UserId;
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

/// The plan's SQL features of every user as of a date.
#[derive(Default)]
pub(super) struct CustomValues {
    /// Columns of the matrix.
    columns: Vec<usize>,
    /// Values in the order of `columns`; `None` where missing.
    by_user: HashMap<UserId, Vec<Option<f64>>>,
}

impl CustomValues {
    /// # Errors
    /// When the engine fails.
    pub fn compute(
        engine: &Engine,
        plan: &FeaturePlan,
        as_of: NaiveDateTime,
    ) -> Result<Self, FeatureError> {
        let mut values = Self::default();
        let mut selected = Vec::new();
        for (column, feature) in plan.features.iter().enumerate() {
            if let Measure::Sql(sql) = &feature.measure {
                selected.push(format!("cast({sql} AS double) AS __feature_{column}"));
                values.columns.push(column);
            }
        }
        if selected.is_empty() {
            return Ok(values);
        }
        let query = format!(
            "SELECT user_id, {} FROM ({}) GROUP BY user_id",
            selected.join(", "),
            rows_before(as_of)
        );
        for batch in engine.query(&query)? {
            values.add(&batch)?;
        }
        Ok(values)
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), FeatureError> {
        let engine_error = |error: arrow::error::ArrowError| EngineError::Query(error.into());
        let is_integer = batch.column(0).data_type() == &DataType::Int64;
        let texts = cast(batch.column(0), &DataType::Utf8).map_err(engine_error)?;
        let columns: Vec<_> =
            batch.columns()[1..].iter().map(AsArray::as_primitive::<Float64Type>).collect();
        for row in 0..batch.num_rows() {
            let user = match is_integer {
                true => UserId::Integer(batch.column(0).as_primitive::<Int64Type>().value(row)),
                false => UserId::Text(texts.as_string::<i32>().value(row).to_owned()),
            };
            // Infinite or undefined is missing.
            let value = |array: &&Float64Array| {
                (!array.is_null(row)).then(|| array.value(row)).filter(|value| value.is_finite())
            };
            self.by_user.insert(user, columns.iter().map(value).collect());
        }
        Ok(())
    }

    /// Puts a user's values in their places of a row; what is missing stays.
    pub fn put(&self, user: &UserId, row: &mut [f64]) {
        let Some(values) = self.by_user.get(user) else { return };
        for (column, value) in self.columns.iter().zip(values) {
            if let Some(value) = value {
                row[*column] = *value;
            }
        }
    }
}
