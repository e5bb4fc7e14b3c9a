/// Type of user ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// Integers, kept as they are.
    Integer,
    /// Text, found by hash and compared in full.
    Text,
}

/// 64 bits that stand for a text. Two texts of one user are taken for one with
/// a probability of 2⁻⁶⁴; for the ids of users that is checked.
///
/// Source: Fowler, Noll & Vo, FNV-1a, then [`mix`].
pub(super) fn hash_text(text: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    // Never 0, which stands for no text.
    mix(text.iter().fold(0xcbf2_9ce4_8422_2325, step)).max(1)
}

/// Spreads integers over all 64 bits (the finaliser of splitmix64).
///
/// Source: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
/// generators", OOPSLA.
pub(super) fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
