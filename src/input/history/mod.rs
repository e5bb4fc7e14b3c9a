//! The events of every user, together and in order of time: what features,
//! outcomes and the profile of the input are computed from.
//!
//! Checked events come in as batches in any order. Each becomes a short row of
//! 32-bit words in one of [`N_BUCKETS`] buckets, chosen by a hash of the user,
//! so that all of a user's events meet in one bucket and a bucket fits the
//! processor's cache. Buckets count against the engine's memory limit and move
//! to a temporary file when it is reached. Once all is in, every bucket is
//! sorted by user and time; from then on any number of passes read it in that
//! order.

mod buckets;
mod error;
mod histories;
mod ids;
mod row;
mod sort;
mod spill;
mod tally;
#[cfg(test)]
mod tests;
mod vocabulary;
mod writer;

pub use error::HistoryError;
pub use histories::{Histories, HistorySummary};
pub use ids::{IdKind, runs_of_buckets, user_buckets};
pub use row::{Column, EventHead, EventRow, History, N_COLUMNS, UserId};
pub use tally::{Duplicates, EventTally};
pub use vocabulary::Vocabulary;
pub use writer::{HistoryBuilder, HistoryWriter};

/// Buckets that users are spread over.
pub const N_BUCKETS: usize = 512;
