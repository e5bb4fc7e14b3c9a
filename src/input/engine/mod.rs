//! The query engine: one in-process session with bounded threads and memory,
//! driven from ordinary (blocking) code.

mod predicate;

pub use predicate::{Predicate, PredicateFault};

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::Column;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryLimit, MemoryPool, PeakRecordingPool, UnboundedMemoryPool,
};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::physical_plan::EmptyRecordBatchStream;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use serde::{Deserialize, Serialize};

/// `[engine]` of the config: how much of the machine a run may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineParams {
    /// Worker threads; all cores when absent. Results never depend on it.
    pub threads: Option<NonZeroUsize>,
    /// Memory in MB for events, sorting and grouping, beyond which they go to a
    /// temporary folder; unbounded when absent.
    pub memory_limit_mb: Option<NonZeroUsize>,
}

const MAX_THREADS: usize = 1024;

impl EngineParams {
    /// The number of threads that [`Engine::new`] will use.
    pub fn n_threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.threads.map_or_else(all, NonZeroUsize::get)
    }
}

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The session could not be started.
    #[error("could not start the query engine: {0}")]
    Start(std::io::Error),
    /// More threads than any machine has use for.
    #[error("[engine] threads must be at most {MAX_THREADS}, got {0}")]
    TooManyThreads(usize),
    /// A query failed.
    #[error("{}", plain_message(.0))]
    Query(#[from] DataFusionError),
}

impl EngineError {
    /// True when memory or disk gave out, and the query is not to blame.
    pub fn is_of_the_machine(&self) -> bool {
        match self {
            Self::Query(error) => matches!(
                error.find_root(),
                DataFusionError::ResourcesExhausted(_) | DataFusionError::IoError(_)
            ),
            Self::Start(_) | Self::TooManyThreads(_) => true,
        }
    }
}

/// What a run took of memory and disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// What the memory limit allowed.
    pub limit_bytes: Option<u64>,
    /// The most that counted against it at one time: events, sorting, grouping.
    pub peak_counted_bytes: u64,
    /// What it drove to the disk.
    pub n_bytes_spilled: u64,
}

impl MemoryUse {
    /// The most memory that the whole process ever held, where the system tells.
    pub fn peak_process_bytes() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }
}

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

/// A query session and the threads it runs on.
pub struct Engine {
    runtime: tokio::runtime::Runtime,
    context: SessionContext,
    pool: Arc<PeakRecordingPool>,
    n_threads: usize,
}

impl Engine {
    /// Starts a session.
    ///
    /// # Errors
    /// When threads or the spill folder cannot be had.
    pub fn new(params: &EngineParams) -> Result<Self, EngineError> {
        let n_threads = params.n_threads();
        if n_threads > MAX_THREADS {
            return Err(EngineError::TooManyThreads(n_threads));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(n_threads)
            // Planning recurses once for each nested expression.
            .thread_stack_size(8 << 20)
            .enable_all()
            .build()
            .map_err(EngineError::Start)?;
        let limited: Arc<dyn MemoryPool> = match params.memory_limit_mb {
            Some(limit_mb) => Arc::new(FairSpillPool::new(limit_mb.get().saturating_mul(1 << 20))),
            None => Arc::new(UnboundedMemoryPool::default()),
        };
        let pool = Arc::new(PeakRecordingPool::new(limited));
        let memory_pool: Arc<dyn MemoryPool> = pool.clone();
        let environment = RuntimeEnvBuilder::new().with_memory_pool(memory_pool);
        let mut config = SessionConfig::new().with_target_partitions(n_threads);
        if let Some(limit_mb) = params.memory_limit_mb {
            // What each sort keeps free for merging what it put aside.
            let share = limit_mb.get().saturating_mul(1 << 20) / (16 * n_threads);
            let usual = config.options().execution.sort_spill_reservation_bytes;
            config.options_mut().execution.sort_spill_reservation_bytes = share.min(usual);
        }
        // Columns are written as they are spelt in the file: CustomerID, not "CustomerID".
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let context = SessionContext::new_with_config_rt(config, environment.build_arc()?);
        Ok(Self { runtime, context, pool, n_threads })
    }

    /// The session, to register tables and functions on.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The memory that all work of this engine counts against.
    pub fn memory_pool(&self) -> Arc<dyn MemoryPool> {
        self.pool.clone()
    }

    /// What the run took up to now; `n_bytes_spilled` went to the disk.
    pub fn memory_use(&self, n_bytes_spilled: u64) -> MemoryUse {
        let limit = match self.pool.memory_limit() {
            MemoryLimit::Finite(bytes) => Some(bytes as u64),
            _ => None,
        };
        MemoryUse {
            limit_bytes: limit,
            peak_counted_bytes: self.pool.max_reserved() as u64,
            n_bytes_spilled,
        }
    }

    /// Threads that the run may use.
    pub fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// Waits for an engine future.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Checks that `sql` is one numeric aggregate over the rows of one user that
    /// the query `rows` gives, and of nothing else.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_aggregate(&self, sql: &str, rows: &str) -> Result<(), ExpressionFault> {
        use ExpressionFault as Fault;
        let invalid = |error: DataFusionError| ExpressionFault::Invalid(plain_message(&error));
        let plan = |query: String| self.wait(self.context.sql(&query)).map_err(invalid);
        let frame = plan(rows.to_owned())?;
        // Tables are unknown to a lone expression: a subquery fails to parse.
        let has_subquery = sql.split(|c: char| !c.is_alphanumeric()).any(is_select);
        let expression = match self.context.parse_sql_expr(sql, frame.schema()) {
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

    /// Runs a query to its end and returns its rows.
    ///
    /// # Errors
    /// When the query cannot be planned or fails while running.
    pub fn query(&self, sql: &str) -> Result<Vec<RecordBatch>, EngineError> {
        Ok(self.wait(async { self.context.sql(sql).await?.collect().await })?)
    }

    /// Columns of the query `rows` that the expression `sql` reads, and whether
    /// its aggregates have an ORDER BY of their own.
    ///
    /// # Errors
    /// When one of the two does not parse.
    pub fn what_is_read(&self, sql: &str, rows: &str) -> Result<(Vec<String>, bool), EngineError> {
        let frame = self.wait(self.context.sql(rows))?;
        let expression = self.context.parse_sql_expr(sql, frame.schema())?;
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
        let rows = self.wait(async { self.context.sql(rows).await?.execute_stream().await })?;
        let schema = rows.schema();
        let first = Column::new_unqualified(schema.field(0).name());
        let order = vec![Expr::from(first).sort(true, false)];
        let rows = Arc::new(OnceStream { schema: rows.schema(), rows: Mutex::new(Some(rows)) });
        let ordered = StreamingTable::try_new(schema, vec![rows])?.with_sort_order(order);
        let state = self.context.state();
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

    /// Runs a frame to its end and returns its rows.
    ///
    /// # Errors
    /// When it fails while running.
    pub fn collect(&self, frame: DataFrame) -> Result<Vec<RecordBatch>, EngineError> {
        Ok(self.wait(frame.collect())?)
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

fn is_select(word: &str) -> bool {
    word.eq_ignore_ascii_case("select")
}

/// The engine's message without its layers of context, on one line.
pub fn plain_message(error: &DataFusionError) -> String {
    if let DataFusionError::ResourcesExhausted(_) = error.find_root() {
        return "the memory limit is too small for this work, even with what the disk can take \
                over; raise --memory-limit (or [engine] memory_limit_mb), or lower --threads"
            .to_owned();
    }
    if let DataFusionError::IoError(cause) = error.find_root() {
        let folder = std::env::temp_dir();
        return format!(
            "can't read or write ({cause}); temporary files go to {}",
            folder.display()
        );
    }
    let message = error.find_root().strip_backtrace();
    let message = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let prefixes = [
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "Arrow error: ",
        "External error: ",
        "Execution error: ",
        "This feature is not implemented: ",
    ];
    let mut rest = message.as_str();
    while let Some(shorter) = prefixes.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter;
    }
    rest.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_query_says_why_in_one_line() {
        let engine = Engine::new(&EngineParams::default()).unwrap();
        let message = engine.query("SELECT nope FROM (SELECT 1 AS one)").unwrap_err().to_string();
        assert!(message.starts_with("No field named nope"), "{message}");
        assert!(!message.contains('\n'));
    }

    #[test]
    fn identifiers_keep_their_case() {
        let engine = Engine::new(&EngineParams::default()).unwrap();
        assert!(engine.query("SELECT MAX(CustomerID) FROM (SELECT 1 AS CustomerID)").is_ok());
    }
}
