//! Some rows of a raw table, spread from its first to its last, so that a table
//! of any size can be looked at in a moment.

mod csv_excerpts;
mod parquet_rows;
mod table;

use std::path::PathBuf;

use self::csv_excerpts::sample_csv;
use self::parquet_rows::sample_parquet;
pub use self::table::{SampledColumn, TableSample};
use super::files::{FileFormat, expand_paths};
use super::{SourceError, SourceParams};

/// Files that are read at most, the first and the last among them.
const MAX_FILES: usize = 16;

/// Takes a sample of the files of a source.
///
/// # Errors
/// When files are missing, empty or unreadable.
pub fn sample_table(source: &SourceParams) -> Result<TableSample, SourceError> {
    let (files, format) = expand_paths(source)?;
    let chosen = spread_files(&files);
    let mut sample = match format {
        FileFormat::Csv => sample_csv(&chosen, source.delimiter)?,
        FileFormat::Parquet => sample_parquet(&chosen)?,
    };
    if chosen.len() < files.len() {
        sample.is_whole = false;
        sample.n_rows_in_files = sample.n_rows_in_files * files.len() as u64 / chosen.len() as u64;
    }
    Ok(sample)
}

/// At most [`MAX_FILES`] of the files, evenly spread.
fn spread_files(files: &[PathBuf]) -> Vec<&PathBuf> {
    let n = files.len().min(MAX_FILES);
    (0..n).map(|place| &files[place * (files.len() - 1) / (n - 1).max(1)]).collect()
}
