use std::io;
use std::path::PathBuf;

use crate::bundle::BundleError;
use crate::config::ConfigError;
use crate::dataset::DatasetError;
use crate::features::FeatureError;
use crate::input::engine::EngineError;
use crate::input::history::HistoryError;
use crate::input::rows::RowsError;
use crate::input::source::SourceError;
use crate::models::churn::ChurnError;
use crate::models::rules::RuleError;
use crate::models::segmentation::SegmentationError;
use crate::models::value::ValueError;
use crate::models::worth::WorthError;

/// What an error means to whoever started the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The data did not pass a gate: too many bad rows, a dead feed, stale data.
    Refused,
    /// Something that the run needs is in use; the same run may succeed later.
    TryAgain,
    /// The run is impossible as it was asked for.
    CouldNotRun,
}

/// Why a run could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// Input.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Features.
    #[error(transparent)]
    Feature(#[from] FeatureError),
    /// Layers.
    #[error(transparent)]
    Segmentation(#[from] SegmentationError),
    /// Groupings by rule.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// Churn.
    #[error(transparent)]
    Churn(#[from] ChurnError),
    /// Value could not be learned.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Groups could not be valued.
    #[error(transparent)]
    Worth(#[from] WorthError),
    /// Offers that do not fit the model.
    #[error("{file}: {cause}")]
    Offers {
        /// Their file.
        file: PathBuf,
        /// What does not fit, and what would.
        cause: WorthError,
    },
    /// Bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Matrix.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A file that people write has an unknown key or a value of the wrong type.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Rows of a table.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A plan of an experiment, or a file of offers, that does not hold together or does not
    /// fit the data.
    #[error("{file}: {problem}")]
    Plan {
        /// The file.
        file: PathBuf,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// A plan that has to be sealed first.
    #[error("{file} is not sealed yet")]
    NotSealed {
        /// The file.
        file: PathBuf,
    },
    /// A plan that was changed after it was sealed.
    #[error(
        "{file} was changed after it was sealed: {key} was {sealed} and is {now}; set it back, or \
         give the new plan a name and a salt of its own"
    )]
    ChangedPlan {
        /// The file.
        file: PathBuf,
        /// The first key that differs.
        key: String,
        /// What was sealed.
        sealed: String,
        /// What stands there now.
        now: String,
    },
    /// An experiment whose numbers are not to be believed.
    #[error("the read-out is refused: {gates}")]
    ReadoutRefused {
        /// Names of the gates.
        gates: String,
    },
    /// A review that does not fit its model.
    #[error("{file}: {problem}")]
    Review {
        /// The file.
        file: PathBuf,
        /// What does not fit, and what would.
        problem: String,
    },
    /// A rule of the review that could not be computed.
    #[error("rule {id} of the review, where = \"{sql}\": {cause}")]
    Rule {
        /// Its name.
        id: String,
        /// The rule.
        sql: String,
        /// Why not.
        cause: String,
    },
    /// Output that could not be written; what stood there before still stands.
    #[error("can't write {path}: {cause}")]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A place for a matrix where something else belongs.
    #[error("{path}: {problem}")]
    MatrixPlace {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// Scores that do not keep the promise of their columns.
    #[error(
        "the scores are refused, and those published stay as they are: column `{column}`: {problem}; \
         this is a fault of the model or of the program: publish with the bundle before, and report it"
    )]
    Contract {
        /// The column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A bundle whose scores had other columns.
    #[error(
        "{bundle} was trained by a version whose scores had other columns ({columns}); train again"
    )]
    OtherColumns {
        /// The bundle.
        bundle: PathBuf,
        /// Columns that differ.
        columns: String,
    },
    /// Input that is unlike that of the usual nights.
    #[error("the input is refused, and the scores stay as they are: {gates}")]
    InputRefused {
        /// What is odd, and what to do, for each gate.
        gates: String,
    },
    /// Matrices of training that a memory limit has no room for.
    #[error(
        "training on {n_rows} rows (users × dates) of {n_features} features needs about {needed_mb} MB \
         beside the events, and memory_limit_mb is {limit_mb}; raise it, learn from fewer dates \
         ([snapshots] n_snapshots) or from a part of the users (--part 1/{n_parts})"
    )]
    TrainingMemory {
        /// Users at all dates.
        n_rows: u64,
        /// Features that are left after pruning.
        n_features: u64,
        /// What they take.
        needed_mb: u64,
        /// What is allowed.
        limit_mb: u64,
        /// As how many parts they would have room.
        n_parts: u64,
    },
    /// Nights of a backfill that were refused; the others are published.
    #[error(
        "{n_refused} of {n_nights} nights are refused, and their scores stay as they are: {nights}"
    )]
    NightsRefused {
        /// How many.
        n_refused: usize,
        /// Of how many.
        n_nights: usize,
        /// Their days, and why.
        nights: String,
    },
    /// Parts of a run that do not make a whole.
    #[error("{folder}: {problem}")]
    Parts {
        /// Their folder.
        folder: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Published scores that cannot be read back.
    #[error("{path}: {cause}; score that day again")]
    Published {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// A folder without published scores.
    #[error(
        "no scores are published in {folder} for these days; expected as_of=YYYY-MM-DD/_summary.json there"
    )]
    NothingPublished {
        /// The folder.
        folder: PathBuf,
    },
    /// Nights of another model.
    #[error(
        "none of the nights in {scores} was scored by a bundle in {model}; give the --bundle of the \
         model that scored them"
    )]
    OtherModel {
        /// The folder of scores.
        scores: PathBuf,
        /// The folder of the model.
        model: PathBuf,
    },
    /// Nights from a day to one before it.
    #[error("--from {from} lies after --until {until}")]
    NightsOutOfOrder {
        /// The first night.
        from: chrono::NaiveDate,
        /// The last.
        until: chrono::NaiveDate,
    },
    /// Labels beyond the end of the data.
    #[error(
        "labels of {as_of} need events of the {horizon_days} days that follow, but the last event \
         is of {last}; the latest day with labels is {latest}"
    )]
    NoLabelsYet {
        /// The day asked for.
        as_of: chrono::NaiveDate,
        /// Length of the outcome window.
        horizon_days: u32,
        /// Day of the last event.
        last: chrono::NaiveDate,
        /// The latest day that would do.
        latest: chrono::NaiveDate,
    },
    /// Migration backwards, or from a day to itself.
    #[error("the first date must lie before the second, got {from} and {to}")]
    DatesOutOfOrder {
        /// The first date.
        from: chrono::NaiveDate,
        /// The second.
        to: chrono::NaiveDate,
    },
    /// A table of reference groups that cannot be used.
    #[error("{file}: {problem}; needed are two columns, user_id and group, with a header")]
    Groups {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl PipelineError {
    /// What the error means to whoever started the run.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Source(
                SourceError::TooManyBadRows { .. }
                | SourceError::EmptySource { .. }
                | SourceError::NoEvents { .. }
                | SourceError::Duplicates { .. },
            )
            | Self::Feature(
                FeatureError::NoOrders { .. }
                | FeatureError::LostColumn { .. }
                | FeatureError::AsOfAfterData { .. },
            )
            | Self::InputRefused { .. }
            | Self::NightsRefused { .. }
            | Self::Contract { .. }
            | Self::ChangedPlan { .. }
            | Self::ReadoutRefused { .. } => ErrorKind::Refused,
            Self::Source(SourceError::Object { error, .. }) if error.is_temporary => {
                ErrorKind::TryAgain
            }
            Self::Source(SourceError::Histories(HistoryError::Disk { cause, .. }))
            | Self::Feature(FeatureError::Histories(HistoryError::Disk { cause, .. }))
            | Self::Output { cause, .. }
                if is_temporary(cause) =>
            {
                ErrorKind::TryAgain
            }
            _ => ErrorKind::CouldNotRun,
        }
    }
}

/// Whether the system says that something is in use or full for now.
fn is_temporary(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::TimedOut
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
    )
}
