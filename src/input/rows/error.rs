use std::path::PathBuf;

use datafusion::error::DataFusionError;

use crate::input::engine::EngineError;
use crate::input::source::SourceError;

/// Why rows of a table cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The files.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// An expression does not fit the table.
    #[error("{file}: {what} = \"{sql}\": {cause}")]
    Expression {
        /// The table.
        file: PathBuf,
        /// What it is for.
        what: String,
        /// The expression.
        sql: String,
        /// Why not, and what there is.
        cause: String,
    },
    /// Rows that cannot be used.
    #[error("{file}: {problem}")]
    Unusable {
        /// The table.
        file: PathBuf,
        /// What is wrong, and what is allowed.
        problem: String,
    },
}

impl From<DataFusionError> for RowsError {
    fn from(error: DataFusionError) -> Self {
        Self::Engine(error.into())
    }
}
