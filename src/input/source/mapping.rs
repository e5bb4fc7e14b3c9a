//! From a raw table to the `events` shape: the user's expressions, checked and
//! cast, and the first reason why a row breaks the contract.

use std::collections::BTreeSet;
use std::path::PathBuf;

use arrow::datatypes::DataType;
use chrono::NaiveDate;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, ExprSchemable, cast, col, lit, try_cast};
use datafusion::prelude::DataFrame;
use datafusion::scalar::ScalarValue;

use super::csv_table::LINE_COLUMN;
use super::functions::{exceeds, iso_time};
use super::raw_table::{CELL_PROBLEM_COLUMN, RawTable};
use super::rejection::{Breach, first_problem};
use super::{
    DECIMAL_PRECISION, DECIMAL_SCALE, EVENT_COLUMNS, EventColumn, EventColumnKind, SourceError,
    SourceParams, UserIdType, event_column_names,
};
use crate::dataset::Bilingual;
use crate::input::engine::{Engine, plain_message};
use crate::settings::did_you_mean;

/// Why the row was rejected; null for a good row.
pub(super) const PROBLEM_COLUMN: &str = "__layercake_problem";

/// Why a row is rejected that lies beyond the latest day, in English.
pub(super) const TIME_IN_THE_FUTURE: &str = "time in the future";

/// Earliest and latest (exclusive) day that a row may carry.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeBounds {
    pub earliest: NaiveDate,
    pub latest: NaiveDate,
}

/// A source whose expressions have been checked against its columns.
pub(super) struct MappedSource {
    pub label: String,
    pub raw: RawTable,
    /// Type of the user ids.
    pub user_ids: UserIdType,
    /// By [`EVENT_COLUMNS`]; `None` for those that the source does not map.
    expressions: Vec<(&'static EventColumn, Option<MappedColumn>)>,
    filter: Option<Expr>,
    problem: Expr,
    /// All reasons for which its rows may be rejected.
    pub reasons: Vec<Bilingual>,
    needed: BTreeSet<String>,
}

/// One column of the events.
struct MappedColumn {
    /// In the type of the `events` table.
    typed: Expr,
    /// As far converted as a [`crate::input::history::HistoryWriter`] needs: numbers
    /// that come as floats and texts that come as dictionaries stay so.
    plain: Expr,
}

/// What a mapped source is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadAs {
    /// The `events` table.
    Table,
    /// Histories.
    Histories,
}

/// Checks a source's expressions.
///
/// # Errors
/// When one does not parse, names an absent column or has the wrong type.
pub(super) fn map_source(
    source: &SourceParams,
    raw: RawTable,
    engine: &Engine,
    bounds: TimeBounds,
    user_ids: Option<UserIdType>,
) -> Result<MappedSource, SourceError> {
    let schema = raw.df_schema()?;
    let parser = Parser { source, schema: &schema, raw: &raw, engine, user_ids };
    let mut parsed = Vec::new();
    for column in &EVENT_COLUMNS {
        let sql = (column.expression)(source);
        let expression = sql.map(|sql| parser.parse(column.key, sql)).transpose()?;
        parsed.push((column, expression, sql));
    }
    let filter = source.filter.as_deref().map(|sql| parser.parse_filter(sql)).transpose()?;
    let needed: BTreeSet<String> = parsed
        .iter()
        .filter_map(|(_, expression, _)| expression.as_ref())
        .chain(filter.as_ref())
        .flat_map(|expression| expression.column_refs())
        .map(|column| column.name.clone())
        .collect();
    if let Some((file, column)) = raw.lacking(&needed) {
        return Err(SourceError::FileLacksColumn {
            source_name: source.label().to_owned(),
            file: file.to_owned(),
            column: column.to_owned(),
        });
    }
    let mut expressions = Vec::new();
    let mut breaches = Vec::new();
    let mut found_ids = UserIdType::Text;
    for (column, expression, sql) in parsed {
        let Some(expression) = expression else {
            expressions.push((column, None));
            continue;
        };
        let found = expression
            .get_type(&schema)
            .map_err(|error| parser.explain(column.key, sql.unwrap_or_default(), &error))?;
        let target = parser.target_type(column, sql.unwrap_or_default(), &found)?;
        if column.kind == EventColumnKind::User && target == DataType::Int64 {
            found_ids = UserIdType::Integer;
        }
        let mut converted = try_cast(expression.clone(), target);
        let is_time = matches!(column.kind, EventColumnKind::Time | EventColumnKind::KnownFrom);
        if is_time && !found.is_temporal() {
            converted = iso_time(&expression, converted);
        }
        breaches.extend(contract(column, &expression, &converted, &found, bounds));
        let is_code = matches!(column.kind, EventColumnKind::Event | EventColumnKind::Code);
        // Texts are hashed, and so are integers, as their digits.
        let is_hashed = column.kind == EventColumnKind::Text && found.is_signed_integer();
        let stays_plain = found.is_floating()
            || is_hashed
            || is_code && matches!(&found, DataType::Dictionary(_, value) if value.is_string());
        let plain = if stays_plain { expression } else { converted.clone() };
        expressions.push((column, Some(MappedColumn { typed: converted, plain })));
    }
    let problem = first_problem(col(CELL_PROBLEM_COLUMN), &breaches)?;
    let mut reasons = raw.cell_reasons(&needed);
    reasons.extend(breaches.into_iter().map(|breach| breach.reason));
    let label = source.label().to_owned();
    let user_ids = found_ids;
    Ok(MappedSource { label, raw, user_ids, expressions, filter, problem, reasons, needed })
}

impl MappedSource {
    /// Event columns that the source fills.
    pub fn mapped_columns(&self) -> impl Iterator<Item = &'static str> {
        self.expressions
            .iter()
            .filter(|(_, mapped)| mapped.is_some())
            .map(|(column, _)| column.name)
    }

    /// All rows of the given files in event shape, with [`LINE_COLUMN`] and
    /// [`PROBLEM_COLUMN`]; rows that `where` leaves out are absent.
    pub fn read(
        &self,
        engine: &Engine,
        files: &[PathBuf],
        row_numbers: bool,
        read_as: ReadAs,
    ) -> Result<DataFrame, SourceError> {
        let mut frame = self.raw.read(engine, files, &self.needed, row_numbers)?;
        if let Some(filter) = &self.filter {
            // A row with an unreadable cell can't be tested by `where`: it passes the filter and is rejected.
            frame = frame.filter(col(CELL_PROBLEM_COLUMN).is_not_null().or(filter.clone()))?;
        }
        let mut columns: Vec<Expr> = self
            .expressions
            .iter()
            .map(|(column, mapped)| {
                let expression = match (mapped, read_as) {
                    (Some(mapped), ReadAs::Table) => mapped.typed.clone(),
                    (Some(mapped), ReadAs::Histories) => mapped.plain.clone(),
                    (None, ReadAs::Table) => cast(lit(ScalarValue::Null), column.kind.data_type()),
                    (None, ReadAs::Histories) => lit(ScalarValue::Null),
                };
                expression.alias(column.name)
            })
            .collect();
        columns.push(col(LINE_COLUMN));
        columns.push(self.problem.clone().alias(PROBLEM_COLUMN));
        Ok(frame.select(columns)?)
    }
}

struct Parser<'a> {
    source: &'a SourceParams,
    schema: &'a DFSchema,
    raw: &'a RawTable,
    engine: &'a Engine,
    /// Type that user ids must have, if any.
    user_ids: Option<UserIdType>,
}

impl Parser<'_> {
    fn parse(&self, key: &'static str, sql: &str) -> Result<Expr, SourceError> {
        if sql.trim() == "?" {
            let names: Vec<String> =
                self.raw.column_names().iter().map(|n| quoted_column(n)).collect();
            let cause = "still to be filled in: write a column or an expression over";
            return Err(self.refuse(key, sql, format!("{cause} {}", names.join(", "))));
        }
        let parsed = self
            .engine
            .context()
            .parse_sql_expr(sql, self.schema)
            .map_err(|error| self.explain(key, sql, &error))?;
        let of_many_rows =
            |e: &Expr| Ok(matches!(e, Expr::AggregateFunction(_) | Expr::WindowFunction(_)));
        if parsed.exists(of_many_rows)? {
            let cause = "an expression over one row is needed; aggregates belong to features";
            return Err(self.refuse(key, sql, cause.into()));
        }
        Ok(parsed)
    }

    fn parse_filter(&self, sql: &str) -> Result<Expr, SourceError> {
        let filter = self.parse("where", sql)?;
        let found = filter.get_type(self.schema).map_err(|e| self.explain("where", sql, &e))?;
        if found == DataType::Boolean {
            Ok(filter)
        } else {
            Err(self.refuse("where", sql, format!("a condition is needed, but this is {found}")))
        }
    }

    fn refuse(&self, key: &'static str, sql: &str, cause: String) -> SourceError {
        SourceError::Expression {
            source_name: self.source.label().to_owned(),
            key,
            expression: sql.to_owned(),
            cause,
        }
    }

    fn explain(&self, key: &'static str, sql: &str, error: &DataFusionError) -> SourceError {
        let DataFusionError::SchemaError(schema_error, _) = error.find_root() else {
            return self.refuse(key, sql, plain_message(error));
        };
        let SchemaError::FieldNotFound { field, .. } = schema_error.as_ref() else {
            return self.refuse(key, sql, plain_message(error));
        };
        let names = self.raw.column_names();
        let hint = did_you_mean(&field.name, &names)
            .map_or(String::new(), |name| format!("; did you mean {}?", quoted_column(name)));
        SourceError::NoColumn {
            source_name: self.source.label().to_owned(),
            key,
            expression: sql.to_owned(),
            column: field.name.clone(),
            hint,
            available: names.iter().map(|name| quoted_column(name)).collect::<Vec<_>>().join(", "),
        }
    }

    /// The type to cast to, or an error that says what to write instead.
    fn target_type(
        &self,
        column: &EventColumn,
        sql: &str,
        found: &DataType,
    ) -> Result<DataType, SourceError> {
        use DataType::{Date32, Date64, Timestamp, Utf8View};
        use EventColumnKind::{KnownFrom, Number, Time, User};
        let is_text = matches!(found, DataType::Utf8 | DataType::LargeUtf8 | Utf8View)
            || matches!(found, DataType::Dictionary(_, value) if value.is_string());
        let refuse = |needed: &str| {
            Err(self.refuse(column.key, sql, format!("{needed}, but this is {found}")))
        };
        match column.kind {
            User if found.is_integer() && self.user_ids == Some(UserIdType::Text) => Ok(Utf8View),
            User if found.is_integer() => Ok(DataType::Int64),
            User if is_text && self.user_ids == Some(UserIdType::Integer) => {
                refuse("the model was trained on integer user ids (or [input] user_ids says so)")
            }
            User if is_text => Ok(Utf8View),
            User => refuse(&format!(
                "user ids must be integers or text; write \"cast({sql} as bigint)\""
            )),
            Time | KnownFrom if is_text || matches!(found, Timestamp(..) | Date32 | Date64) => {
                Ok(column.kind.data_type())
            }
            Time | KnownFrom if found.is_integer() => refuse(&format!(
                "a time is needed; write \"to_timestamp_seconds({sql})\", \
                 \"to_timestamp_millis({sql})\", or for days as 20240131 \
                 \"parse_time(cast({sql} as varchar), '%Y%m%d')\""
            )),
            Time | KnownFrom => refuse("a time, a date or text is needed"),
            Number if !found.is_numeric() && !is_text => refuse("a number is needed"),
            kind => Ok(kind.data_type()),
        }
    }
}

/// A column name as it has to be written in an expression: in double quotes
/// unless it is a plain word.
pub fn quoted_column(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The ways in which a column may break the contract.
fn contract(
    column: &EventColumn,
    original: &Expr,
    converted: &Expr,
    found: &DataType,
    bounds: TimeBounds,
) -> Vec<Breach> {
    let absent = original.clone().is_null();
    let lost = original.clone().is_not_null().and(converted.clone().is_null());
    let lacks = |condition, reason| Breach::new(condition, reason, None);
    let bad = |condition, reason: (&str, &str)| {
        Breach::new(condition, reason, Some(cast(original.clone(), DataType::Utf8)))
    };
    let day = |day: NaiveDate| {
        let micros = day.and_time(Default::default()).and_utc().timestamp_micros();
        lit(ScalarValue::TimestampMicrosecond(Some(micros), None))
    };
    let (no_user, name) = (("no user", "没有用户"), column.name);
    match column.kind {
        EventColumnKind::User if found.is_integer() => {
            vec![lacks(absent, no_user), bad(lost, ("user id too large", "用户编号过大"))]
        }
        EventColumnKind::User => vec![lacks(absent.or(converted.clone().eq(lit(""))), no_user)],
        EventColumnKind::Time => vec![
            lacks(absent, ("no time", "没有时间")),
            bad(lost, ("unreadable time", "时间无法读取")),
            bad(converted.clone().lt(day(bounds.earliest)), ("time too early", "时间过早")),
            bad(converted.clone().gt_eq(day(bounds.latest)), (TIME_IN_THE_FUTURE, "时间在未来")),
        ],
        EventColumnKind::Event => {
            let is_dictionary =
                matches!(found, DataType::Dictionary(_, value) if value.is_string());
            let text = if is_dictionary { original } else { converted };
            vec![lacks(absent.or(text.clone().eq(lit(""))), ("no event", "没有事件"))]
        }
        EventColumnKind::Code | EventColumnKind::Text => vec![],
        EventColumnKind::Number if found.is_floating() => {
            let bound = 10f64.powi(i32::from(DECIMAL_PRECISION) - i32::from(DECIMAL_SCALE));
            let is_out = exceeds(cast(original.clone(), DataType::Float64), bound);
            let reason =
                (format!("{name} not finite or too large"), format!("{name} 不是有限数或过大"));
            vec![bad(is_out, (&reason.0, &reason.1))]
        }
        EventColumnKind::Number | EventColumnKind::KnownFrom => {
            let reason = (format!("unreadable {name}"), format!("{name} 无法读取"));
            vec![bad(lost, (&reason.0, &reason.1))]
        }
    }
}

/// The event columns, as a selection.
pub(super) fn event_columns() -> Vec<Expr> {
    event_column_names().map(col).collect()
}
