use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryLimit, MemoryPool, PeakRecordingPool, UnboundedMemoryPool,
};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};

use super::{EngineError, EngineParams, MemoryUse};

/// Planning recurses once for each nested expression.
const STACK_BYTES: usize = 8 << 20;

/// A query session and all threads of a run: `n_threads` that read and query, and as
/// many that compute. Both wait for each other, so that no more than `n_threads` are
/// busy for long.
pub struct Engine {
    runtime: Arc<tokio::runtime::Runtime>,
    workers: Arc<rayon::ThreadPool>,
    context: SessionContext,
    memory: Arc<PeakRecordingPool>,
}

impl Engine {
    /// Starts a session and its threads.
    ///
    /// # Errors
    /// When threads or the spill folder cannot be had.
    pub fn new(params: &EngineParams) -> Result<Self, EngineError> {
        let n_threads = params.n_threads();
        let memory = Arc::new(PeakRecordingPool::new(match params.memory_limit_mb {
            Some(limit_mb) => Arc::new(FairSpillPool::new(limit_mb.get().saturating_mul(1 << 20))),
            None => Arc::new(UnboundedMemoryPool::default()) as Arc<dyn MemoryPool>,
        }));
        let environment = RuntimeEnvBuilder::new().with_memory_pool(memory.clone());
        let config = session_config(params, n_threads);
        let context = SessionContext::new_with_config_rt(config, environment.build_arc()?);
        let (runtime, workers) = (start_readers(n_threads)?, start_workers(n_threads)?);
        Ok(Self { runtime, workers, context, memory })
    }

    /// The same engine, with a session that reads in the order of the files: rows come
    /// one after the other. Tables and functions are to be registered anew.
    pub fn in_order(&self) -> Self {
        let config = self.context.copied_config().with_target_partitions(1);
        let context = SessionContext::new_with_config_rt(config, self.context.runtime_env());
        Self {
            runtime: Arc::clone(&self.runtime),
            workers: Arc::clone(&self.workers),
            context,
            memory: Arc::clone(&self.memory),
        }
    }

    /// The session, to register tables and functions on.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The memory that all work of this engine counts against.
    pub fn memory_pool(&self) -> Arc<dyn MemoryPool> {
        self.memory.clone()
    }

    /// What the run took up to now; `n_bytes_spilled` went to the disk.
    pub fn memory_use(&self, n_bytes_spilled: u64) -> MemoryUse {
        let limit = match self.memory.memory_limit() {
            MemoryLimit::Finite(bytes) => Some(bytes as u64),
            _ => None,
        };
        MemoryUse {
            limit_bytes: limit,
            peak_counted_bytes: self.memory.max_reserved() as u64,
            n_bytes_spilled,
        }
    }

    /// The threads that compute, for whoever keeps data to compute on.
    pub fn workers(&self) -> Arc<rayon::ThreadPool> {
        Arc::clone(&self.workers)
    }

    /// Does `work` on the engine's own threads, and all that it does in parallel.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.workers.install(work)
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

fn session_config(params: &EngineParams, n_threads: usize) -> SessionConfig {
    let mut config = SessionConfig::new().with_target_partitions(n_threads);
    if let Some(limit_mb) = params.memory_limit_mb {
        // What each sort keeps free for merging what it put aside.
        let share = limit_mb.get().saturating_mul(1 << 20) / (16 * n_threads);
        let usual = config.options().execution.sort_spill_reservation_bytes;
        config.options_mut().execution.sort_spill_reservation_bytes = share.min(usual);
    }
    // Columns are written as they are spelt in the file: CustomerID, not "CustomerID".
    config.options_mut().sql_parser.enable_ident_normalization = false;
    config
}

fn start_readers(n_threads: usize) -> Result<Arc<tokio::runtime::Runtime>, EngineError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(n_threads)
        .thread_name("reader")
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build();
    runtime.map(Arc::new).map_err(EngineError::Start)
}

fn start_workers(n_threads: usize) -> Result<Arc<rayon::ThreadPool>, EngineError> {
    let workers = rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .thread_name(|number| format!("worker-{number}"))
        // Queries are planned on these threads as well.
        .stack_size(STACK_BYTES)
        .build();
    let failed = |cause: rayon::ThreadPoolBuildError| EngineError::Threads {
        n_threads,
        cause: cause.to_string(),
    };
    workers.map(Arc::new).map_err(failed)
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
