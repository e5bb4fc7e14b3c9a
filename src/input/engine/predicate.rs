//! Conditions on one row: SQL that is true or false.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::physical_plan::PhysicalExpr;

use super::{Engine, EngineError, is_select, plain_message};

/// A condition that was checked against the columns that it reads.
#[derive(Debug, Clone)]
pub struct Predicate {
    expression: Arc<dyn PhysicalExpr>,
}

/// Why an expression is no condition on a row.
#[derive(Debug, PartialEq, Eq)]
pub enum PredicateFault {
    /// It reads a column that is not there.
    UnknownColumn(String),
    /// It does not parse, or its types do not fit.
    Invalid(String),
    /// It looks at other rows than the one it is asked about.
    ManyRows(&'static str),
    /// It may give something else in another run.
    NotRepeatable(String),
    /// It gives something of this type.
    NotBoolean(String),
}

impl fmt::Display for PredicateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownColumn(name) => write!(f, "there is no column `{name}`"),
            Self::Invalid(cause) => f.write_str(cause),
            Self::ManyRows(what) => {
                write!(f, "{what} looks at other rows; a condition knows one user at a time")
            }
            Self::NotRepeatable(what) => write!(f, "{what} gives something else in every run"),
            Self::NotBoolean(found) => {
                write!(f, "a condition is needed, such as n_orders > 2, but this is {found}")
            }
        }
    }
}

impl Engine {
    /// Checks that `sql` is a condition on one row of a table of these columns.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn predicate(&self, sql: &str, columns: &SchemaRef) -> Result<Predicate, PredicateFault> {
        let schema = DFSchema::try_from(Arc::clone(columns)).map_err(|error| fault(&error))?;
        let has_subquery = sql.split(|c: char| !c.is_alphanumeric()).any(is_select);
        let expression = match self.context().parse_sql_expr(sql, &schema) {
            Err(_) if has_subquery => return Err(PredicateFault::ManyRows("a subquery")),
            other => other.map_err(|error| fault(&error))?,
        };
        check_parts(&expression)?;
        let expression = self
            .context()
            .create_physical_expr(expression, &schema)
            .map_err(|error| fault(&error))?;
        match expression.data_type(columns).map_err(|error| fault(&error))? {
            DataType::Boolean => {
                // Constants of a wrong type show without a row.
                let no_rows = RecordBatch::new_empty(Arc::clone(columns));
                expression.evaluate(&no_rows).map_err(|error| fault(&error))?;
                Ok(Predicate { expression })
            }
            other => Err(PredicateFault::NotBoolean(other.to_string())),
        }
    }
}

impl Predicate {
    /// Whether it holds of each row; where it is neither true nor false, it
    /// does not.
    ///
    /// # Errors
    /// When it cannot be computed, as a division by zero.
    pub fn holds(&self, rows: &RecordBatch) -> Result<Vec<bool>, EngineError> {
        let values = self.expression.evaluate(rows)?.into_array(rows.num_rows())?;
        let values = values.as_boolean();
        Ok((0..values.len()).map(|row| values.is_valid(row) && values.value(row)).collect())
    }
}

fn fault(error: &DataFusionError) -> PredicateFault {
    match error.find_root() {
        DataFusionError::SchemaError(cause, _) => match cause.as_ref() {
            SchemaError::FieldNotFound { field, .. } => {
                PredicateFault::UnknownColumn(field.name.clone())
            }
            _ => PredicateFault::Invalid(plain_message(error)),
        },
        _ => PredicateFault::Invalid(plain_message(error)),
    }
}

fn check_parts(expression: &Expr) -> Result<(), PredicateFault> {
    let mut found = None;
    let visited = expression.apply(|part| {
        let what = match part {
            Expr::AggregateFunction(_) => Some("an aggregate"),
            Expr::WindowFunction(_) => Some("a window function"),
            Expr::ScalarSubquery(_)
            | Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::SetComparison(_) => Some("a subquery"),
            Expr::Unnest(_) => Some("unnest"),
            _ => None,
        };
        if let Some(what) = what {
            found = Some(PredicateFault::ManyRows(what));
        }
        if let Expr::ScalarFunction(function) = part
            && function.func.signature().volatility != Volatility::Immutable
        {
            found = Some(PredicateFault::NotRepeatable(format!("{}()", function.name())));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    visited.map_err(|error| fault(&error))?;
    found.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use arrow::array::Float64Array;
    use arrow::datatypes::{Field, Schema};

    use super::super::EngineParams;
    use super::*;

    fn predicate(sql: &str) -> Result<Vec<bool>, PredicateFault> {
        let engine = Engine::new(&EngineParams::default()).unwrap();
        let field = |name| Field::new(name, DataType::Float64, false);
        let schema = Arc::new(Schema::new(vec![field("n_orders"), field("分享")]));
        let column = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as _;
        let columns = vec![column(&[0.0, 3.0, 5.0]), column(&[1.0, 0.0, 2.0])];
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        Ok(engine.predicate(sql, &schema)?.holds(&rows).unwrap())
    }

    #[test]
    fn conditions_hold_row_by_row() {
        assert_eq!(predicate("n_orders > 2").unwrap(), [false, true, true]);
        assert_eq!(predicate("n_orders > 2 AND 分享 >= 1").unwrap(), [false, false, true]);
        assert_eq!(predicate("nullif(n_orders, 3) > 2").unwrap(), [false, false, true]);
        assert_eq!(predicate("true").unwrap(), [true; 3]);
    }

    #[test]
    fn what_is_no_condition_on_a_row_is_refused() {
        let fault = |sql: &str| predicate(sql).unwrap_err();
        assert_eq!(fault("n_order > 2"), PredicateFault::UnknownColumn("n_order".into()));
        assert!(matches!(fault("n_orders + 1"), PredicateFault::NotBoolean(_)));
        assert_eq!(fault("max(n_orders) > 2"), PredicateFault::ManyRows("an aggregate"));
        assert!(matches!(fault("n_orders > (SELECT 1)"), PredicateFault::ManyRows(_)));
        assert!(matches!(fault("random() > 0.5"), PredicateFault::NotRepeatable(_)));
        assert!(matches!(fault("n_orders > 'x'"), PredicateFault::Invalid(_)));
        assert!(matches!(fault("n_orders >"), PredicateFault::Invalid(_)));
    }
}
