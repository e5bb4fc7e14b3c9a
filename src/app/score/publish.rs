//! Scores as files that appear whole or not at all.

use std::io::Write;
use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::csv::WriterBuilder;

use super::summary::ScoreSummary;
use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::files::{Staged, WriteError, stage, stage_parquet, write_atomically};

/// Rows of a row group of a Parquet file of scores.
const ROW_GROUP_ROWS: usize = 1 << 17;

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
    let scores = match request.format {
        ScoreFormat::Parquet => stage_as_parquet(batch, &summary),
        ScoreFormat::Csv => stage(&summary.scores, |file| {
            WriterBuilder::new().build(file).write(batch).map_err(std::io::Error::other)
        }),
    };
    let scores = scores.map_err(failed)?;
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

fn stage_as_parquet(batch: &RecordBatch, summary: &ScoreSummary) -> std::io::Result<Staged> {
    let metadata = [
        ("layercake.as_of", summary.as_of.format("%Y-%m-%d").to_string()),
        ("layercake.bundle", summary.bundle.clone()),
    ];
    let n_groups = batch.num_rows().div_ceil(ROW_GROUP_ROWS);
    let row_group = |number: usize| {
        let start = number * ROW_GROUP_ROWS;
        let n_rows = ROW_GROUP_ROWS.min(batch.num_rows() - start);
        let slice = |array: &ArrayRef| array.slice(start, n_rows);
        Ok::<Vec<ArrayRef>, std::io::Error>(batch.columns().iter().map(slice).collect())
    };
    stage_parquet(&summary.scores, &batch.schema(), n_groups, row_group, &metadata).map_err(
        |error| match error {
            WriteError::RowGroup(error) | WriteError::File(error) => error,
        },
    )
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
