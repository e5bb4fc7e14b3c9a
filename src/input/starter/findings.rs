//! What was found out about a table, to be written down.

use std::collections::HashSet;

use super::event_column::EventGuess;
use super::snapshots::Span;

/// What was guessed of a table: expressions, and what to say about them.
#[derive(Debug, Default)]
pub(super) struct Guess {
    /// What to check before training, in sentences.
    pub to_check: Vec<String>,
    /// Types of CSV columns that a sample does not settle.
    pub types: Vec<(String, &'static str)>,
    /// Config key, expression and a remark, in the order to be written; without
    /// the event.
    pub mappings: Vec<(&'static str, String, String)>,
    /// What happened in each row.
    pub event: EventGuess,
    /// Conditions on rows to keep, each with the reason.
    pub filters: Vec<(String, String)>,
    /// Columns that nothing reads, as expressions write them.
    pub unused: Vec<String>,
    /// Keys that must be there and could not be guessed.
    pub missing: Vec<&'static str>,
    /// First and last day of the rows, without strays.
    pub span: Option<Span>,
    /// Users of the sample, and whether they are whole numbers.
    pub users: HashSet<String>,
    pub has_integer_users: bool,
}
