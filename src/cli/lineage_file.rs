//! The file to which OpenLineage events of a run are added.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use chrono::Utc;

use super::output::complain;
use crate::app::Scored;
use crate::files::bytes_hash;
use crate::input::source::SourceParams;
use crate::report::{self, LineageRun};

/// A run and where its events go.
pub(super) struct LineageFile {
    file: PathBuf,
    id: String,
    model: String,
    sources: Vec<SourceParams>,
}

impl LineageFile {
    /// A run that begins now.
    pub fn new(file: PathBuf, model: String, sources: Vec<SourceParams>) -> Self {
        // No other run has the same process and time.
        let now = Utc::now().timestamp_nanos_opt().unwrap_or_default();
        let unique = format!("{model} {now} {}", std::process::id());
        let id = bytes_hash(unique.as_bytes())[..32].to_owned();
        Self { file, id, model, sources }
    }

    /// Adds an event. Where the file cannot be written the run goes on: scores are published
    /// or not whatever lineage is told.
    pub fn note(&self, end: Option<Result<&Scored, &str>>) {
        let Self { file, id, model, sources } = self;
        let run = LineageRun { id, at: Utc::now(), model, sources, end };
        let line = report::openlineage(&run) + "\n";
        let opened = OpenOptions::new().create(true).append(true).open(file);
        if let Err(error) = opened.and_then(|mut file| file.write_all(line.as_bytes())) {
            complain(&format!("layercake-score: can't write {}: {error}", file.display()));
        }
    }
}
