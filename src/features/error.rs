use chrono::NaiveDateTime;

use crate::dataset::DatasetError;
use crate::input::engine::EngineError;
use crate::input::history::HistoryError;

/// Why features could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// A parameter is out of bounds.
    #[error("{0}")]
    Params(String),
    /// No event type of the data is the configured order event.
    #[error(
        "no `{order_event}` event before the as-of date; the events there are: {available}. Mend the source, or set [events] order"
    )]
    NoOrders {
        /// The configured order event.
        order_event: String,
        /// Event types that there are.
        available: String,
    },
    /// A column that the plan was made for is empty now.
    #[error(
        "the model was trained on data with `{column}`{mapped}, which no event has now; mend the \
         source, map the column in [[source]], or train again"
    )]
    LostColumn {
        /// The event column.
        column: String,
        /// Which columns of which sources it is read from, or empty.
        mapped: String,
    },
    /// The as-of date lies before the first event.
    #[error("as-of {as_of} is not after the first event ({first}); no user has a history yet")]
    AsOfBeforeData {
        /// The date asked for.
        as_of: NaiveDateTime,
        /// Time of the first event.
        first: NaiveDateTime,
    },
    /// The as-of date lies too far beyond the last event.
    #[error(
        "as-of {as_of} is {n_days} days after the last event ({last}); every user would look \
         silent. Update the data, or raise [input.gates] max_stale_days (now {allowed})"
    )]
    AsOfAfterData {
        /// The date asked for.
        as_of: NaiveDateTime,
        /// Time of the last event.
        last: NaiveDateTime,
        /// Whole days between them.
        n_days: i64,
        /// Days allowed.
        allowed: u32,
    },
    /// The data does not span enough time for training.
    #[error(
        "training to {as_of} needs {needed_days} days of events ([snapshots]: {min_history_days} of \
         history + {horizon_days} of outcome + {horizon_days} of holdout), but the first event is of \
         {first}, {available_days} days before; shorten [snapshots] horizon_days"
    )]
    TooShort {
        /// End of the data used.
        as_of: NaiveDateTime,
        /// First event.
        first: NaiveDateTime,
        /// Days needed.
        needed_days: i64,
        /// Days there are.
        available_days: i64,
        /// Configured history.
        min_history_days: u32,
        /// Configured horizon.
        horizon_days: u32,
    },
    /// A name that the catalogue does not have.
    #[error("[features] only: the data gives no feature `{name}`; did you mean `{nearest}`?")]
    NoSuchFeature {
        /// The name.
        name: String,
        /// The most similar there is.
        nearest: String,
    },
    /// An event of the config that never occurs.
    #[error("{key}: there is no `{event}` event; did you mean `{nearest}`?")]
    NoSuchEvent {
        /// Section and key of the config that name it.
        key: String,
        /// The event.
        event: String,
        /// The most similar there is.
        nearest: String,
    },
    /// A feature of the config that cannot be used.
    #[error("[features.custom.{name}] \"{sql}\": {cause}")]
    Custom {
        /// Name of the feature.
        name: String,
        /// Its expression.
        sql: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Amounts that no shop has.
    #[error(
        "user {user}: a sum exceeds what fixed-point numbers hold (about 9e14); check the unit of \
         amount, discount, quantity and dwell_s"
    )]
    TooLarge {
        /// Whose sum.
        user: String,
    },
    /// The histories cannot be read.
    #[error(transparent)]
    Histories(#[from] HistoryError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The result is no valid matrix.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}
