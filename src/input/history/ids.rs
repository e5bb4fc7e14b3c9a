use crate::dataset::hash_text;

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

/// The bucket of a user among `n_buckets`, a power of two: the leading bits of the hash
/// of the id.
pub(super) fn bucket_of(hash: u64, n_buckets: usize) -> usize {
    (hash >> (64 - n_buckets.trailing_zeros())) as usize
}
