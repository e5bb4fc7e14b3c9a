use std::num::NonZeroUsize;

use serde::{Deserialize, Deserializer, Serialize};

/// `[engine]` of the config: how much of the machine a run may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineParams {
    /// Worker threads; all cores when absent. Results never depend on it.
    #[serde(deserialize_with = "at_least_one")]
    pub threads: Option<NonZeroUsize>,
    /// Memory in MB for events, sorting and grouping, beyond which they go to a
    /// temporary folder; unbounded when absent.
    pub memory_limit_mb: Option<NonZeroUsize>,
}

/// More threads than any machine has use for.
pub(super) const MAX_THREADS: usize = 1024;

impl EngineParams {
    /// The number of threads that [`Engine::new`](super::Engine::new) will use.
    pub fn n_threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.threads.map_or_else(all, NonZeroUsize::get)
    }
}

/// A number of threads, refused by name where it is 0.
fn at_least_one<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NonZeroUsize>, D::Error> {
    let number = usize::deserialize(from)?;
    let refuse = || {
        serde::de::Error::custom(format!(
            "threads must be at least 1, got {number}; leave it out to use all cores"
        ))
    };
    NonZeroUsize::new(number).ok_or_else(refuse).map(Some)
}
