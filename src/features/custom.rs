//! Features by SQL of the config.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::{FeatureError, FeaturePlan, Measure};
use crate::input::engine::{Engine, EngineError, ExpressionFault};
use crate::input::history::UserId;
use crate::input::source::{EVENTS_TABLE, event_column_names};
use crate::settings::{Conflict, Finite};

/// `[features.custom.<name>]` of the config: a custom feature.
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
    #[serde(default = "zero")]
    pub when_missing: Finite,
    /// Whether it stays whatever pruning says, for a rule of the review.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
}

fn zero() -> Finite {
    Finite::of(0.0)
}

/// Columns of files of features that are none.
const RESERVED_NAMES: [&str; 4] = ["user_id", "outcome_n_orders", "outcome_gmv", "outcome_churned"];

impl CustomFeature {
    pub(super) fn check_name(name: &str) -> Result<(), Conflict> {
        let is_plain = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(Conflict::new(
                "custom",
                format!("must have names of letters, digits and _, got {name:?}"),
            ));
        }
        if RESERVED_NAMES.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(Conflict::new(
                format!("custom.{name}"),
                "needs another name: files of features have a column of this one already",
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
            let names: Vec<&str> = event_column_names().collect();
            let columns = format!("{}, age_days", names.join(", "));
            let cause = match fault {
                ExpressionFault::Invalid(cause) => format!("{cause}; the columns are {columns}"),
                ExpressionFault::NoAggregate => {
                    "an aggregate over a user's rows is needed, such as sum(amount)".into()
                }
                ExpressionFault::LooksAhead(what) => format!(
                    "{what} could see rows at or after the as-of date; only the rows given may \
                     be used"
                ),
                ExpressionFault::NotRepeatable(what) => {
                    format!("{what} gives something else in every run")
                }
                ExpressionFault::ManyRows(what) => {
                    format!("{what} gives several values for a user, and a feature is one")
                }
                ExpressionFault::MixedOrder => {
                    "aggregates with ORDER BY can't stand beside others without; rows come in \
                     order of time as they are"
                        .into()
                }
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
        let mut wanted = Vec::new();
        for (column, feature) in plan.features.iter().enumerate() {
            if let Measure::Sql(sql) = &feature.measure {
                wanted.push((column, feature.info.name.as_str(), sql.as_str()));
            }
        }
        let mut values = Self::default();
        if wanted.is_empty() {
            return Ok(values);
        }
        // An ORDER BY would sort the rows anew for all features of a query.
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        for one in wanted {
            match engine.what_is_read(one.2, &rows_before(as_of))? {
                (_, true) => alone.push(vec![one]),
                (_, false) => together.push(one),
            }
        }
        alone.extend((!together.is_empty()).then_some(together));
        for group in alone {
            let failed = match values.add(engine, &group, as_of) {
                Err(FeatureError::Engine(error)) if !error.is_of_the_machine() => error,
                other => {
                    other?;
                    continue;
                }
            };
            // One at a time, to find the one at fault.
            for one in &group {
                let of_one = Self::default().add(engine, std::slice::from_ref(one), as_of);
                of_one.map_err(|error| match error {
                    FeatureError::Engine(error) => at_fault(one.1, one.2, &error.to_string()),
                    other => other,
                })?;
            }
            return Err(failed.into());
        }
        Ok(values)
    }

    /// Computes some features, each a column of the matrix, a name and an
    /// expression.
    fn add(
        &mut self,
        engine: &Engine,
        wanted: &[(usize, &str, &str)],
        as_of: NaiveDateTime,
    ) -> Result<(), FeatureError> {
        let all_rows = rows_before(as_of);
        let mut read = BTreeSet::new();
        for (.., sql) in wanted {
            read.extend(engine.what_is_read(sql, &all_rows)?.0);
        }
        // Rows that are equal in all of these columns are alike, so that the
        // order is the same whatever order they are read in.
        let first = ["user_id", "time"];
        let order: Vec<String> = first
            .into_iter()
            .map(str::to_owned)
            .chain(read.into_iter().filter(|name| !first.contains(&name.as_str())))
            .collect();
        let order = order.join(", ");
        let rows = format!("SELECT {order} FROM ({all_rows}) ORDER BY {order}");
        let selected: Vec<String> = wanted
            .iter()
            .map(|(column, _, sql)| format!("cast({sql} AS double) AS __feature_{column}"))
            .collect();
        let query = format!("SELECT user_id, {} FROM {ROWS} GROUP BY user_id", selected.join(", "));
        for batch in engine.query_in_order((&rows, ROWS), &query)? {
            self.add_batch(&batch, wanted)?;
        }
        self.columns.extend(wanted.iter().map(|(column, ..)| *column));
        Ok(())
    }

    fn add_batch(
        &mut self,
        batch: &RecordBatch,
        wanted: &[(usize, &str, &str)],
    ) -> Result<(), FeatureError> {
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
            let mut values = Vec::with_capacity(columns.len());
            for (array, (_, name, sql)) in columns.iter().zip(wanted) {
                // Undefined, as 0/0 is, is missing; infinite is a mistake.
                let value = (!array.is_null(row)).then(|| array.value(row));
                let value = value.filter(|value| !value.is_nan());
                if value.is_some_and(f64::is_infinite) {
                    let cause = format!("infinite for user {user}");
                    return Err(at_fault(name, sql, &cause));
                }
                values.push(value);
            }
            self.by_user.entry(user).or_default().extend(values);
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

/// Name of the table of rows that SQL features aggregate.
const ROWS: &str = "rows_of_users";

/// An SQL feature that failed while it was computed.
fn at_fault(name: &str, sql: &str, cause: &str) -> FeatureError {
    let is_division = cause.to_lowercase().contains("divide by zero") || cause.contains("infinite");
    let hint = if is_division { "; nullif(…, 0) avoids a division by zero" } else { "" };
    FeatureError::Custom {
        name: name.to_owned(),
        sql: sql.to_owned(),
        cause: format!("{}{hint}", cause.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}
