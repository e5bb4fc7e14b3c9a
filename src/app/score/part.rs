//! Equal parts of all users.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::input::history::N_BUCKETS;

/// One of several equal parts of all users, chosen by a hash of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Part {
    /// From 1.
    number: usize,
    n_parts: usize,
}

impl Part {
    /// All users.
    pub const WHOLE: Self = Self { number: 1, n_parts: 1 };

    /// Number of parts that make all users.
    pub fn n_parts(self) -> usize {
        self.n_parts
    }

    /// The buckets of its users.
    pub(in crate::app) fn buckets(self) -> Range<usize> {
        let start = |number: usize| number * N_BUCKETS / self.n_parts;
        start(self.number - 1)..start(self.number)
    }

    /// All parts of the same size, this one among them.
    pub(super) fn all(self) -> impl Iterator<Item = Self> {
        (1..=self.n_parts).map(move |number| Self { number, ..self })
    }

    /// The first of them.
    pub(super) fn first(self) -> Self {
        Self { number: 1, ..self }
    }

    /// What its files are called, but for the ending.
    pub fn file_name(self, ending: &str) -> String {
        format!("part-{:03}-of-{:03}.{ending}", self.number, self.n_parts)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, n_parts)| {
            Some((number.trim().parse().ok()?, n_parts.trim().parse().ok()?))
        });
        match numbers {
            Some((number, n_parts)) if (1..=n_parts).contains(&number) && n_parts <= N_BUCKETS => {
                Ok(Self { number, n_parts })
            }
            _ => Err(format!(
                "must be NUMBER/OF, such as 3/16, from 1/OF to OF/OF with OF at most {N_BUCKETS}, \
                 got \"{text}\""
            )),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.n_parts)
    }
}

impl TryFrom<String> for Part {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_all_users_once() {
        for n_parts in [1, 3, 16, 512] {
            let first: Part = format!("1/{n_parts}").parse().unwrap();
            let buckets: Vec<usize> = first.all().flat_map(Part::buckets).collect();
            assert_eq!(buckets, (0..N_BUCKETS).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["0/4", "5/4", "1/0", "1", "a/b", "1/513", "-1/4", ""] {
            let error = text.parse::<Part>().unwrap_err();
            assert!(error.contains("such as 3/16") && error.contains(text), "{error}");
        }
        assert_eq!("3/16".parse::<Part>().unwrap().to_string(), "3/16");
    }
}
