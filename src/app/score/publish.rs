//! Scores as files that appear whole or not at all.

use std::io::Write;
use std::path::Path;

use arrow::array::RecordBatch;

use super::summary::ScoreSummary;
use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::files::{stage_batch, write_atomically};

/// Where to put scores, and how.
#[derive(Debug, Clone)]
pub struct ScoreRequest<'a> {
    /// Folder of all scores.
    pub out: &'a Path,
    /// Encoding.
    pub format: ScoreFormat,
}

/// Encoding of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreFormat {
    /// `scores.parquet`
    Parquet,
    /// `scores.csv`
    Csv,
}

/// Puts scores, summary and the list of rejected rows in their places; returns the
/// summary with these places.
pub(super) fn publish(
    data: &OpenData<'_>,
    request: &ScoreRequest<'_>,
    batch: &RecordBatch,
    mut summary: ScoreSummary,
) -> Result<ScoreSummary, PipelineError> {
    let folder = request.out.join(format!("as_of={}", summary.as_of.format("%Y-%m-%d")));
    let failed = |cause| PipelineError::Output { path: folder.clone(), cause };
    let (name, other) = match request.format {
        ScoreFormat::Parquet => ("scores.parquet", "scores.csv"),
        ScoreFormat::Csv => ("scores.csv", "scores.parquet"),
    };
    summary.scores = folder.join(name);
    let metadata = [
        ("layercake.as_of", summary.as_of.format("%Y-%m-%d").to_string()),
        ("layercake.bundle", summary.bundle.clone()),
    ];
    let scores = stage_batch(&summary.scores, batch, &metadata).map_err(failed)?;
    summary.quarantine = data.list_rejected_rows(&folder.join("_quarantine.csv"))?;
    let json = serde_json::to_vec_pretty(&summary).map_err(std::io::Error::other);
    let put_in_place = |json: Vec<u8>| {
        // No summary stands beside scores of another run, wherever a run is killed.
        let written_last = folder.join("_summary.json");
        remove_if_there(&written_last)?;
        scores.commit()?;
        write_atomically(&written_last, |file| file.write_all(&json))?;
        // One file of scores a day: what an earlier run wrote in the other format is out
        // of date.
        remove_if_there(&folder.join(other))
    };
    json.and_then(put_in_place).map_err(failed)?;
    Ok(summary)
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
