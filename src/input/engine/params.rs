use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::settings::{Count, Threads};

/// `[engine]` of the config: how much of the machine a run may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineParams {
    /// Worker threads; all cores when absent. Results never depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<Threads>,
    /// Memory in MB for events, sorting and grouping, beyond which they go to a
    /// temporary folder; unbounded when absent. Matrices of training have to fit in as much
    /// again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit_mb: Option<Count>,
}

impl EngineParams {
    /// The number of threads that [`Engine::new`](super::Engine::new) will use.
    pub fn n_threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.threads.map_or_else(all, Threads::get)
    }
}
