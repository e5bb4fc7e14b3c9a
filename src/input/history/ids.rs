use std::ops::Range;

use super::N_BUCKETS;
use crate::dataset::{UserIds, hash_integer, hash_text};

/// Type of user ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// Integers, kept as they are.
    Integer,
    /// Text, found by hash and compared in full.
    Text,
}

/// 64 bits that stand for a text, never 0, which stands for no text. Two texts of one
/// user are taken for one with a probability of 2⁻⁶⁴; for the ids of users that is
/// checked.
pub(super) fn word_of_text(text: &str) -> u64 {
    hash_text(text, 0).max(1)
}

/// [`word_of_text`] of an integer in decimal digits. (Formatting it takes longer than hashing.)
pub(super) fn word_of_digits(id: i64) -> u64 {
    let (mut digits, mut start, mut rest) = ([b'0'; 20], 20, id.unsigned_abs());
    while rest > 0 || start == 20 {
        start -= 1;
        digits[start] += (rest % 10) as u8;
        rest /= 10;
    }
    if id < 0 {
        start -= 1;
        digits[start] = b'-';
    }
    word_of_text(std::str::from_utf8(&digits[start..]).expect("digits are UTF-8"))
}

/// The bucket of a user among `n_buckets`, a power of two: the leading bits of the hash
/// of the id.
pub(super) fn bucket_of(hash: u64, n_buckets: usize) -> usize {
    (hash >> (64 - n_buckets.trailing_zeros())) as usize
}

/// The bucket of each user.
pub fn user_buckets(users: &UserIds) -> Vec<usize> {
    let bucket = |row: usize| match users {
        UserIds::Integer(ids) => bucket_of(hash_integer(ids[row], 0), N_BUCKETS),
        UserIds::Text(ids) => bucket_of(word_of_text(&ids[row]), N_BUCKETS),
    };
    (0..users.len()).map(bucket).collect()
}

/// Puts the buckets of a range that follow each other together until each run has at least
/// `n_users` users; the last may have fewer.
pub fn runs_of_buckets(
    buckets: Range<usize>,
    n_users_of: impl Fn(usize) -> usize,
    n_users: usize,
) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut n_last = n_users;
    for bucket in buckets {
        match runs.last_mut() {
            Some(run) if n_last < n_users => run.end = bucket + 1,
            _ => {
                runs.push(bucket..bucket + 1);
                n_last = 0;
            }
        }
        n_last += n_users_of(bucket);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_has_the_hash_of_its_digits() {
        for id in [0, 7, -7, 10, 1_000_000_007, i64::MAX, i64::MIN] {
            assert_eq!(word_of_digits(id), word_of_text(&id.to_string()), "{id}");
        }
    }
}
