//! What depends on the time and the machine of a run, apart from what was published.

use std::io::Write;

use chrono::{SecondsFormat, Utc};
use serde::Serialize;

use super::Scored;
use crate::app::{PipelineError, Session};
use crate::files::write_atomically;
use crate::input::engine::MemoryUse;

/// `_run.json`.
#[derive(Serialize)]
struct RunRecord {
    version: &'static str,
    started_at: String,
    ended_at: String,
    seconds: f64,
    host: Option<String>,
    n_threads: usize,
    stages: Vec<Stage>,
    peak_process_bytes: Option<u64>,
    memory_limit_bytes: Option<u64>,
    peak_counted_bytes: u64,
    n_bytes_spilled: u64,
}

#[derive(Serialize)]
struct Stage {
    stage: String,
    seconds: f64,
}

/// Writes `_run.json` beside the scores that a run has published: when, where, and what each
/// stage took. A run that found the same scores there leaves the record of the one that made
/// them.
///
/// # Errors
/// When it cannot be written; the scores are published nonetheless.
pub fn note_run(session: &Session, scored: &Scored) -> Result<(), PipelineError> {
    let Some(memory) = scored.memory.filter(|_| !scored.was_there) else { return Ok(()) };
    let (started, ended) = (session.opened_at(), Utc::now());
    let text = |moment: chrono::DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
    let record = RunRecord {
        version: env!("CARGO_PKG_VERSION"),
        started_at: text(started),
        ended_at: text(ended),
        seconds: (ended - started).num_milliseconds() as f64 / 1e3,
        host: host(),
        n_threads: session.config().engine.n_threads(),
        stages: session
            .timings_of_day()
            .into_iter()
            .map(|(stage, took)| Stage { stage, seconds: took.as_secs_f64() })
            .collect(),
        peak_process_bytes: MemoryUse::peak_process_bytes(),
        memory_limit_bytes: memory.limit_bytes,
        peak_counted_bytes: memory.peak_counted_bytes,
        n_bytes_spilled: memory.n_bytes_spilled,
    };
    let path = scored.folder.join("_run.json");
    let json = serde_json::to_vec_pretty(&record).map_err(std::io::Error::other);
    json.and_then(|json| write_atomically(&path, |file| file.write_all(&json)))
        .map_err(|cause| PipelineError::Output { path, cause })
}

/// What the machine is called, where it says so.
fn host() -> Option<String> {
    let of_kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = std::env::var("HOSTNAME").ok().or_else(of_kernel)?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
