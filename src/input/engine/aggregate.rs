//! Aggregates over the rows of one user, as configs write them: checked, then
//! computed in an order of rows that never changes.

use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::Column;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::physical_plan::EmptyRecordBatchStream;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::SessionContext;

use super::{Engine, EngineError, is_select, plain_message};

/// Why an expression is no aggregate that may be used.
#[derive(Debug, PartialEq, Eq)]
pub enum ExpressionFault {
    /// It does not parse, or names what is not there.
    Invalid(String),
    /// It aggregates nothing.
    NoAggregate,
    /// It reads more than the rows it is given.
    LooksAhead(String),
    /// It may give something else in another run.
    NotRepeatable(String),
    /// It gives several rows.
    ManyRows(String),
    /// Some of its aggregates have an ORDER BY of their own and others have not.
    MixedOrder,
    /// It gives something of this type.
    NoNumber(String),
}

impl Engine {
    /// Checks that `sql` is one numeric aggregate over the rows of one user that
    /// the query `rows` gives, and of nothing else.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_aggregate(&self, sql: &str, rows: &str) -> Result<(), ExpressionFault> {
        use ExpressionFault as Fault;
        let invalid = |error: DataFusionError| ExpressionFault::Invalid(plain_message(&error));
        let plan = |query: String| self.wait(self.context().sql(&query)).map_err(invalid);
        let frame = plan(rows.to_owned())?;
        // Tables are unknown to a lone expression: a subquery fails to parse.
        let has_subquery = sql.split(|c: char| !c.is_alphanumeric()).any(is_select);
        let expression = match self.context().parse_sql_expr(sql, frame.schema()) {
            Err(_) if has_subquery => return Err(ExpressionFault::LooksAhead("a subquery".into())),
            other => other.map_err(invalid)?,
        };
        let (mut n_aggregates, mut n_ordered) = (0, 0);
        let mut fault = None;
        expression
            .apply(|part| {
                match part {
                    Expr::AggregateFunction(aggregate) => {
                        n_aggregates += 1;
                        n_ordered += usize::from(!aggregate.params.order_by.is_empty());
                    }
                    Expr::WindowFunction(_) => {
                        fault = Some(Fault::LooksAhead("a window function".to_owned()));
                    }
                    Expr::ScalarSubquery(_)
                    | Expr::InSubquery(_)
                    | Expr::Exists(_)
                    | Expr::SetComparison(_) => {
                        fault = Some(Fault::LooksAhead("a subquery".to_owned()));
                    }
                    Expr::ScalarFunction(function)
                        if function.func.signature().volatility != Volatility::Immutable =>
                    {
                        fault = Some(Fault::NotRepeatable(format!("{}()", function.name())));
                    }
                    Expr::Unnest(_) => fault = Some(Fault::ManyRows("unnest".to_owned())),
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            })
            .map_err(invalid)?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        if n_aggregates == 0 {
            return Err(Fault::NoAggregate);
        }
        if n_ordered > 0 && n_ordered < n_aggregates {
            return Err(Fault::MixedOrder);
        }
        let grouped = plan(format!("SELECT {sql} AS value FROM ({rows}) GROUP BY user_id"))?;
        let found = grouped.schema().field(0).data_type().clone();
        if found.is_numeric() || found == DataType::Boolean {
            Ok(())
        } else {
            Err(ExpressionFault::NoNumber(found.to_string()))
        }
    }

    /// Columns of the query `rows` that the expression `sql` reads, and whether
    /// its aggregates have an ORDER BY of their own.
    ///
    /// # Errors
    /// When one of the two does not parse.
    pub fn what_is_read(&self, sql: &str, rows: &str) -> Result<(Vec<String>, bool), EngineError> {
        let frame = self.wait(self.context().sql(rows))?;
        let expression = self.context().parse_sql_expr(sql, frame.schema())?;
        let mut columns: Vec<String> =
            expression.column_refs().into_iter().map(|column| column.name.clone()).collect();
        columns.sort();
        let is_ordered = |part: &Expr| {
            Ok(matches!(part, Expr::AggregateFunction(it) if !it.params.order_by.is_empty()))
        };
        Ok((columns, expression.exists(is_ordered)?))
    }

    /// Runs `rows`, a query with an ORDER BY, and over its rows, in that order
    /// and on one thread, the query `sql`, which knows them as `table`. What
    /// aggregates of `sql` give depends on the rows alone, even where the order
    /// matters, and groups by the first column are done one by one.
    ///
    /// # Errors
    /// When a query cannot be planned, or fails while running.
    pub fn query_in_order(
        &self,
        (rows, table): (&str, &str),
        sql: &str,
    ) -> Result<Vec<RecordBatch>, EngineError> {
        let rows = self.wait(async { self.context().sql(rows).await?.execute_stream().await })?;
        let schema = rows.schema();
        let first = Column::new_unqualified(schema.field(0).name());
        let order = vec![Expr::from(first).sort(true, false)];
        let rows = Arc::new(OnceStream { schema: rows.schema(), rows: Mutex::new(Some(rows)) });
        let ordered = StreamingTable::try_new(schema, vec![rows])?.with_sort_order(order);
        let state = self.context().state();
        // The tables are those of this session.
        let config = state.config().clone().with_create_default_catalog_and_schema(false);
        let config = config.with_target_partitions(1);
        let state = SessionStateBuilder::new_from_existing(state).with_config(config).build();
        let context = SessionContext::new_with_state(state);
        context.register_table(table, Arc::new(ordered))?;
        let result = self.wait(async { context.sql(sql).await?.collect().await });
        context.deregister_table(table)?;
        Ok(result?)
    }
}

/// Rows that can be read once.
struct OnceStream {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl std::fmt::Debug for OnceStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnceStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl PartitionStream for OnceStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().expect("no reader panics while it holds the lock").take();
        rows.unwrap_or_else(|| Box::pin(EmptyRecordBatchStream::new(Arc::clone(&self.schema))))
    }
}
