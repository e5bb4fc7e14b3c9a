//! The query engine: one in-process session with bounded threads and memory,
//! driven from ordinary (blocking) code.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use serde::{Deserialize, Serialize};

/// `[engine]` of the config: how much of the machine a run may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineParams {
    /// Worker threads; all cores when absent. Results never depend on it.
    pub threads: Option<NonZeroUsize>,
    /// Memory in MB for sorting and grouping, beyond which they spill to a
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

/// A query session and the threads it runs on.
pub struct Engine {
    runtime: tokio::runtime::Runtime,
    context: SessionContext,
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
        let mut environment = RuntimeEnvBuilder::new();
        if let Some(limit_mb) = params.memory_limit_mb {
            let bytes = limit_mb.get().saturating_mul(1 << 20);
            environment = environment.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
        }
        let mut config = SessionConfig::new().with_target_partitions(n_threads);
        // Columns are written as they are spelt in the file: CustomerID, not "CustomerID".
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let context = SessionContext::new_with_config_rt(config, environment.build_arc()?);
        Ok(Self { runtime, context })
    }

    /// The session, to register tables and functions on.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Waits for an engine future.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Runs a query to its end and returns its rows.
    ///
    /// # Errors
    /// When the query cannot be planned or fails while running.
    pub fn query(&self, sql: &str) -> Result<Vec<RecordBatch>, EngineError> {
        Ok(self.wait(async { self.context.sql(sql).await?.collect().await })?)
    }

    /// Runs a frame to its end and returns its rows.
    ///
    /// # Errors
    /// When it fails while running.
    pub fn collect(&self, frame: DataFrame) -> Result<Vec<RecordBatch>, EngineError> {
        Ok(self.wait(frame.collect())?)
    }
}

/// The engine's message without its layers of context, on one line.
pub fn plain_message(error: &DataFusionError) -> String {
    if let DataFusionError::ResourcesExhausted(_) = error.find_root() {
        return "the memory limit is too small for this work, even with what the disk can take \
                over; raise --memory-limit (or [engine] memory_limit_mb), or lower --threads"
            .to_owned();
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
