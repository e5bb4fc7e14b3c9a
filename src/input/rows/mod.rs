//! Rows of any table, read through SQL expressions: what is not events.

mod error;
mod fold;

pub use error::RowsError;

use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::functions_aggregate::expr_fn::{count, max, min, sum};
use datafusion::logical_expr::{Expr, cast, ident, lit, when};
use datafusion::prelude::{DataFrame, JoinType};

use super::engine::{Engine, plain_message};
use super::source::{Paths, SourceParams, open_raw_table, quoted_column, register_functions};

/// What an expression is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAs {
    /// UTF-8; numbers are written out.
    Text,
    /// Double precision.
    Number,
    /// Microseconds since 1970.
    Time,
}

/// An expression that is wanted of each row.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What the column is called in the rows that come out.
    pub name: String,
    /// The expression.
    pub sql: String,
    /// What it is read as.
    pub read_as: ReadAs,
    /// What people know it by, for messages: "value of metric `gmv`".
    pub what: String,
}

/// A table, and what is read of it.
#[derive(Clone)]
pub struct Rows {
    path: PathBuf,
    frame: DataFrame,
    columns: Vec<String>,
}

impl Rows {
    /// Opens a file, a folder or a glob of CSV or Parquet files.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(engine: &Engine, path: &Path) -> Result<Self, RowsError> {
        register_functions(engine.context());
        let source = SourceParams {
            path: Paths::One(path.display().to_string()),
            ..SourceParams::default()
        };
        let raw = open_raw_table(engine, &source)?;
        if raw.n_rows() == 0 {
            let (file, problem) = (path.to_owned(), "it has no rows".to_owned());
            return Err(RowsError::Unusable { file, problem });
        }
        let (columns, frame) = (raw.column_names(), raw.frame(engine)?);
        Ok(Self { path: path.to_owned(), frame, columns })
    }

    /// Names of its columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The wanted expressions of each row.
    ///
    /// # Errors
    /// When an expression does not fit the table.
    pub fn select(&self, engine: &Engine, wanted: &[Wanted]) -> Result<Self, RowsError> {
        let schema = self.frame.schema();
        let parsed: Vec<Expr> = wanted
            .iter()
            .map(|it| Ok(self.parse(engine, schema, it)?.alias(&it.name)))
            .collect::<Result<_, RowsError>>()?;
        let columns = wanted.iter().map(|it| it.name.clone()).collect();
        Ok(Self { frame: self.frame.clone().select(parsed)?, columns, path: self.path.clone() })
    }

    fn parse(
        &self,
        engine: &Engine,
        schema: &DFSchema,
        wanted: &Wanted,
    ) -> Result<Expr, RowsError> {
        let refuse = |cause: String| RowsError::Expression {
            file: self.path.clone(),
            what: wanted.what.clone(),
            sql: wanted.sql.clone(),
            cause,
        };
        let expression = engine.context().parse_sql_expr(&wanted.sql, schema).map_err(|error| {
            let message = plain_message(&error);
            let known = schema.fields().iter().map(|field| quoted_column(field.name()));
            let known: Vec<String> = known.collect();
            match message.contains("Valid fields") {
                true => refuse(message),
                false => refuse(format!("{message}; the columns are {}", known.join(", "))),
            }
        })?;
        let of_many =
            |it: &Expr| Ok(matches!(it, Expr::AggregateFunction(_) | Expr::WindowFunction(_)));
        use datafusion::common::tree_node::TreeNode;
        if expression.exists(of_many)? {
            return Err(refuse("an expression over one row is needed".into()));
        }
        use datafusion::logical_expr::ExprSchemable;
        let found = expression.get_type(schema).map_err(|error| refuse(plain_message(&error)))?;
        let is_text = matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
            || matches!(&found, DataType::Dictionary(_, of) if of.is_string());
        let target = match wanted.read_as {
            ReadAs::Text => DataType::Utf8View,
            ReadAs::Number => DataType::Float64,
            ReadAs::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
        };
        let fits = match wanted.read_as {
            ReadAs::Text => is_text || found.is_integer() || found == DataType::Boolean,
            ReadAs::Number => found.is_numeric() || found == DataType::Boolean,
            ReadAs::Time => found.is_temporal() || is_text,
        };
        if !fits && found != DataType::Null {
            let needed = match wanted.read_as {
                ReadAs::Text => "text or whole numbers are needed",
                ReadAs::Number => "a number is needed",
                ReadAs::Time => "a time, a date or text in ISO 8601 is needed",
            };
            return Err(refuse(format!("{needed}, but this is {found}")));
        }
        Ok(cast(expression, target))
    }

    /// One of its columns alone.
    ///
    /// # Errors
    /// When it is missing.
    pub fn only(&self, column: &str) -> Result<Self, RowsError> {
        let frame = self.frame.clone().select(vec![ident(column)])?;
        Ok(Self { frame, columns: vec![column.to_owned()], path: self.path.clone() })
    }

    /// One row for each key: the number of its rows as `count_as`; of each text and time the
    /// least and the largest value, as `name` and `name_max`; of each number, rounded to
    /// whole numbers of 1 / `scale`, the sum, which is exact in any order.
    ///
    /// # Errors
    /// When a column is missing.
    pub fn sums_by(
        &self,
        key: &str,
        count_as: &str,
        ranges: &[String],
        numbers: &[String],
        scale: f64,
    ) -> Result<Self, RowsError> {
        let mut measures = vec![count(lit(1)).alias(count_as)];
        for name in ranges {
            measures.push(min(ident(name)).alias(name));
            measures.push(max(ident(name)).alias(format!("{name}_max")));
        }
        for name in numbers {
            // As rounding in memory does: half away from 0.
            let scaled = ident(name) * lit(scale);
            let half = when(ident(name).lt(lit(0.0)), lit(-0.5)).otherwise(lit(0.5))?;
            measures.push(sum(cast(scaled + half, DataType::Int64)).alias(name));
        }
        let columns = measures.iter().map(|it| it.schema_name().to_string()).collect();
        let frame = self.frame.clone().aggregate(vec![ident(key)], measures)?;
        Ok(Self { frame, columns, path: self.path.clone() })
    }

    /// Rows of this table with those of another that have the same key, and nulls where
    /// there is none.
    ///
    /// # Errors
    /// When a column is missing.
    pub fn left_join(&self, other: &Self, key: &str, other_key: &str) -> Result<Self, RowsError> {
        let frame = self.frame.clone().join(
            other.frame.clone(),
            JoinType::Left,
            &[key],
            &[other_key],
            None,
        )?;
        let columns = frame.schema().fields().iter().map(|it| it.name().clone()).collect();
        Ok(Self { frame, columns, path: self.path.clone() })
    }

    /// Rows of this table whose key no row of the other has.
    ///
    /// # Errors
    /// When a column is missing.
    pub fn without(&self, other: &Self, key: &str, other_key: &str) -> Result<Self, RowsError> {
        let frame = self.frame.clone().join(
            other.frame.clone(),
            JoinType::LeftAnti,
            &[key],
            &[other_key],
            None,
        )?;
        Ok(Self { frame, columns: self.columns.clone(), path: self.path.clone() })
    }
}
