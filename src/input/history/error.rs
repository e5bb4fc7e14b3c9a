use arrow::error::ArrowError;

use super::UserId;

/// Why the events of users could not be brought together.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The memory limit leaves no room for one bucket or a buffer of each.
    #[error(
        "the memory limit is too small for this work, even with what the disk can take over: \
         {needed_mb} MB more are needed at once; raise memory_limit_mb of \
         [engine], or lower its threads"
    )]
    Memory {
        /// What was asked for in vain.
        needed_mb: usize,
    },
    /// The temporary file failed.
    #[error("can't keep events in the temporary folder {folder}: {cause}")]
    Disk {
        /// Folder of temporary files.
        folder: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A column with a value for every row, most likely.
    #[error(
        "`{column}` has more than {allowed} different values; map a column of kinds there, and \
         what is different in every row to `item` or `session`"
    )]
    TooManyValues {
        /// The event column.
        column: &'static str,
        /// The largest number of different values.
        allowed: usize,
    },
    /// More than positions in a bucket can number.
    #[error(
        "one user has several hundred million rows; is `user` a constant, or a guest account? \
         Leave such rows out by `where`"
    )]
    TooManyRows,
    /// Two text ids with one 64-bit hash.
    #[error(
        "the user ids `{first}` and `{second}` have the same hash; map user ids to \
         integers"
    )]
    Collision {
        /// One of them.
        first: UserId,
        /// The other.
        second: UserId,
    },
    /// A batch is not of the expected shape.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

impl HistoryError {
    pub(super) fn disk(cause: std::io::Error) -> Self {
        Self::Disk { folder: std::env::temp_dir().display().to_string(), cause }
    }
}
