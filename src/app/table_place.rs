//! Where a table for people's own tools may be written.

use std::path::Path;

use super::PipelineError;

/// Checks that a name says whether to write Parquet or CSV; else `problem` is the error.
pub(super) fn check_ending(file: &Path, problem: &'static str) -> Result<(), PipelineError> {
    let ending = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match ["csv", "parquet"].contains(&ending.as_str()) {
        true => Ok(()),
        false => Err(PipelineError::MatrixPlace { path: file.to_owned(), problem }),
    }
}
