use std::path::PathBuf;

use crate::input::engine::EngineError;
use crate::input::history::HistoryError;
use crate::objects::ObjectError;

/// Why raw data could not be turned into events.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No `[[source]]` in the config.
    #[error("the config has no [[source]]; `layercake-train init FILE` writes one for your file")]
    NoSource,
    /// A path or glob that matches nothing.
    #[error("source `{source_name}`: no file at `{path}` (looked from {folder})")]
    NoFile {
        /// Label of the source.
        source_name: String,
        /// Path, folder or glob as written.
        path: String,
        /// Working folder that relative paths start from.
        folder: String,
    },
    /// A file ending that is not known.
    #[error(
        "source `{source_name}`: the format of {file} is unknown; name it .parquet, .csv, .tsv \
         (also .gz or .zst), or set format = \"csv\" or \"parquet\""
    )]
    UnknownFormat {
        /// Label of the source.
        source_name: String,
        /// The file.
        file: PathBuf,
    },
    /// Parquet and CSV files in one source.
    #[error("source `{source_name}`: has both Parquet and CSV files; make them two [[source]]s")]
    MixedFormats {
        /// Label of the source.
        source_name: String,
    },
    /// A file that cannot be opened or decoded.
    #[error("can't read {file}: {cause}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the reader said.
        cause: String,
    },
    /// Objects of a store that cannot be had.
    #[error("source `{source_name}`: {error}")]
    Object {
        /// Label of the source.
        source_name: String,
        /// What the store said.
        error: ObjectError,
    },
    /// A file without a header or rows.
    #[error("{file} is empty")]
    EmptyFile {
        /// The file.
        file: PathBuf,
    },
    /// CSV files of one source with different headers.
    #[error(
        "{file} has the columns {got}, but the first file of source `{source_name}` has {expected}"
    )]
    HeaderDiffers {
        /// Label of the source.
        source_name: String,
        /// The file that differs.
        file: PathBuf,
        /// Its columns.
        got: String,
        /// The columns of the first file.
        expected: String,
    },
    /// A Parquet file that lacks a column which the mapping uses.
    #[error("{file} has no column `{column}`, which source `{source_name}` uses")]
    FileLacksColumn {
        /// Label of the source.
        source_name: String,
        /// The file.
        file: PathBuf,
        /// The column.
        column: String,
    },
    /// Reading a source's rows failed.
    #[error("source `{source_name}`: {cause}")]
    Reading {
        /// Label of the source.
        source_name: String,
        /// What the reader said.
        cause: String,
    },
    /// A header in which a column name is empty or occurs twice.
    #[error("{file}: column name `{column}` occurs twice in the header; names must differ")]
    DuplicateColumn {
        /// The file.
        file: PathBuf,
        /// The repeated name.
        column: String,
    },
    /// An expression that names an absent column.
    #[error(
        "source `{source_name}`, {key} = \"{expression}\": there is no column `{column}`{hint}; \
         the columns are: {available}"
    )]
    NoColumn {
        /// Label of the source.
        source_name: String,
        /// Config key.
        key: &'static str,
        /// The expression as written.
        expression: String,
        /// The column that is absent.
        column: String,
        /// `; did you mean …` or empty.
        hint: String,
        /// Columns of the table.
        available: String,
    },
    /// An expression that the engine does not accept.
    #[error("source `{source_name}`, {key} = \"{expression}\": {cause}")]
    Expression {
        /// Label of the source.
        source_name: String,
        /// Config key.
        key: &'static str,
        /// The expression as written.
        expression: String,
        /// What the engine said, or which type is needed instead.
        cause: String,
    },
    /// A type for a column that is not in the file.
    #[error("source `{source_name}`: types names `{column}`, but the columns are: {available}")]
    TypeOfNoColumn {
        /// Label of the source.
        source_name: String,
        /// The column named.
        column: String,
        /// Columns of the file.
        available: String,
    },
    /// Text ids in one source, integers in another.
    #[error(
        "user ids are integers in source `{integers}` but text in `{texts}`; write user = \
         \"cast(… as varchar)\" in the former, or set [input] user_ids = \"text\""
    )]
    MixedUserTypes {
        /// A source with integer ids.
        integers: String,
        /// A source with text ids.
        texts: String,
    },
    /// Too many rows were rejected.
    #[error(
        "{n_bad} of {n_rows} rows ({percent:.1} %) break the contract, more than the \
         {allowed_percent} % allowed; most often: {most_frequent}. They are listed in {quarantine}. \
         Leave them out with `where`, mend the mapping, or raise [input.gates] max_rejected_share"
    )]
    TooManyBadRows {
        /// Rejected rows.
        n_bad: u64,
        /// Rows read.
        n_rows: u64,
        /// Share rejected, in percent.
        percent: f64,
        /// Share allowed, in percent.
        allowed_percent: f64,
        /// The commonest reason, its count and its source.
        most_frequent: String,
        /// Where they are listed.
        quarantine: String,
    },
    /// A source of several without any row.
    #[error(
        "source `{source_name}` has no row left ({n_filtered} filtered by `where`); correct it, or take \
         it out of the config"
    )]
    EmptySource {
        /// Label of the source.
        source_name: String,
        /// Rows filtered.
        n_filtered: u64,
    },
    /// Nothing left to work on.
    #[error("no event left after reading {n_rows} rows{detail}")]
    NoEvents {
        /// Rows read.
        n_rows: u64,
        /// Where they went.
        detail: String,
    },
    /// The quarantine file could not be written.
    #[error("can't write the quarantine file {file}: {cause}")]
    Quarantine {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Rows repeat others, and the config says that none may.
    #[error(
        "{n_duplicates} rows repeat another in every mapped column, and [input] duplicates is \"refuse\"; \
         set it to \"drop\" to count one of each, or to \"keep\""
    )]
    Duplicates {
        /// Rows beyond the first of their kind.
        n_duplicates: u64,
    },
    /// The events could not be collected by user.
    #[error(transparent)]
    Histories(#[from] HistoryError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<datafusion::error::DataFusionError> for SourceError {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        Self::Engine(EngineError::Query(error))
    }
}
