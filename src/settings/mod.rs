//! Values of settings that check themselves: what is not allowed cannot be made,
//! neither from a config file nor in code. And what was probably meant by an unknown name.

mod day;
mod nearest;
mod numbers;

pub use day::{parse_day, read_day, read_days_by_name, read_optional_day};
pub use nearest::{did_you_mean, nearest_names};
pub use numbers::{
    Clusters, Count, Days, Delimiter, Finite, LearningRate, Leaves, Margin, NonNegative, OpenShare,
    OutOfBounds, Positive, Share, Starts, Threads, Weight,
};

/// Something that is wrong with settings that are each allowed by themselves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} {message}")]
pub struct Conflict {
    /// The key to change, dotted within its section.
    pub key: String,
    /// What is allowed and what it got, to be put after the key.
    pub message: String,
}

impl Conflict {
    /// A conflict at a key.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }
}
