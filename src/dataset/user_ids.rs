use std::cmp::Ordering;
use std::fmt;

use super::{DatasetError, hash_integer, hash_text};

/// User ids in the type in which they came in: integers or text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserIds {
    /// Ids from an integer column.
    Integer(Vec<i64>),
    /// Ids from a text column.
    Text(Vec<String>),
}

impl UserIds {
    /// Number of users.
    pub fn len(&self) -> usize {
        match self {
            Self::Integer(ids) => ids.len(),
            Self::Text(ids) => ids.len(),
        }
    }

    /// True when there is no user.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id at `row`, as text.
    ///
    /// # Panics
    /// When `row` is not below [`UserIds::len`], as indexing a slice does.
    pub fn text(&self, row: usize) -> String {
        match self {
            Self::Integer(ids) => ids[row].to_string(),
            Self::Text(ids) => ids[row].clone(),
        }
    }

    /// Stable hash of the id at `row`: the same in every table of the same type of ids.
    ///
    /// # Panics
    /// When `row` is not below [`UserIds::len`], as indexing a slice does.
    pub fn hash(&self, row: usize, seed: u64) -> u64 {
        match self {
            Self::Integer(ids) => hash_integer(ids[row], seed),
            Self::Text(ids) => hash_text(&ids[row], seed),
        }
    }

    /// A number that stands for the id at `row`, an own for every user: of integers in
    /// their order, of texts a stable hash.
    ///
    /// # Panics
    /// When `row` is not below [`UserIds::len`], as indexing a slice does.
    pub fn rank(&self, row: usize) -> u64 {
        match self {
            Self::Integer(ids) => ids[row] as u64 ^ 1 << 63,
            Self::Text(ids) => hash_text(&ids[row], 0),
        }
    }

    /// Whether the id at one row comes before that at another.
    ///
    /// # Panics
    /// When a row is not below [`UserIds::len`], as indexing a slice does.
    pub fn is_before(&self, row: usize, other: usize) -> bool {
        match self {
            Self::Integer(ids) => ids[row] < ids[other],
            Self::Text(ids) => ids[row] < ids[other],
        }
    }

    /// How the id at a row stands to one of other users of the same type.
    ///
    /// # Panics
    /// When a row is not below [`UserIds::len`], as indexing a slice does.
    pub fn cmp_with(&self, row: usize, others: &Self, other: usize) -> Ordering {
        match (self, others) {
            (Self::Integer(ids), Self::Integer(others)) => ids[row].cmp(&others[other]),
            (Self::Text(ids), Self::Text(others)) => ids[row].cmp(&others[other]),
            // Numbers before texts: ids of one read are of one type.
            (Self::Integer(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Integer(_)) => Ordering::Greater,
        }
    }

    /// For each of these users, the row of `others` with the same id.
    pub fn rows_in(&self, others: &Self) -> Vec<Option<usize>> {
        match (others, self) {
            (Self::Integer(others), Self::Integer(users)) => {
                users.iter().map(|id| others.binary_search(id).ok()).collect()
            }
            (Self::Text(others), Self::Text(users)) => {
                users.iter().map(|id| others.binary_search(id).ok()).collect()
            }
            // Ids of one read are of one type.
            _ => vec![None; self.len()],
        }
    }

    /// The ids at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Integer(ids) => Self::Integer(rows.iter().map(|&row| ids[row]).collect()),
            Self::Text(ids) => Self::Text(rows.iter().map(|&row| ids[row].clone()).collect()),
        }
    }

    /// Checks that ids ascend strictly, so that each user occurs once and row
    /// order carries no information.
    ///
    /// # Errors
    /// [`DatasetError::Unsorted`] naming the first pair out of order.
    pub(super) fn check_sorted(&self) -> Result<(), DatasetError> {
        match self {
            Self::Integer(ids) => check_ascending(ids),
            Self::Text(ids) => check_ascending(ids),
        }
    }
}

fn check_ascending<T: Ord + fmt::Display>(ids: &[T]) -> Result<(), DatasetError> {
    match ids.windows(2).find(|pair| pair[0] >= pair[1]) {
        None => Ok(()),
        Some(pair) => {
            Err(DatasetError::Unsorted { earlier: pair[0].to_string(), later: pair[1].to_string() })
        }
    }
}
