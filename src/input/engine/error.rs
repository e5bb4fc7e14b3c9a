use datafusion::error::DataFusionError;

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The session could not be started.
    #[error("could not start the query engine: {0}")]
    Start(std::io::Error),
    /// The worker threads could not be started.
    #[error("could not start {n_threads} worker threads: {cause}")]
    Threads {
        /// How many.
        n_threads: usize,
        /// Why not.
        cause: String,
    },
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
            Self::Start(_) | Self::Threads { .. } => true,
        }
    }
}

/// The engine's message without its layers of context, on one line.
pub fn plain_message(error: &DataFusionError) -> String {
    if let DataFusionError::ResourcesExhausted(_) = error.find_root() {
        return "the memory limit is too small for this work, even with what the disk can take \
                over; raise memory_limit_mb of [engine], or lower its threads"
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
