//! From a salt and an id to a number in 0..1: the same in any order, on any machine.

use serde::{Deserialize, Serialize};

use crate::dataset::{hash_text, unit_interval};

/// Which hash decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hashing {
    /// XXH64 of the id as text, seeded by that of the salt.
    #[default]
    Xxh64,
    /// Version 2 of GrowthBook's SDKs, for users who already have arms by it: FNV-1a, in
    /// steps of 1 / 10,000.
    GrowthbookV2,
    /// Another system gave the arms, by a rule that is not known here.
    Elsewhere,
}

impl Hashing {
    /// The number of an id, as text.
    pub fn number(self, salt: &str, id: &str) -> f64 {
        match self {
            Self::Xxh64 | Self::Elsewhere => unit_interval(hash_text(id, hash_text(salt, 0))),
            Self::GrowthbookV2 => {
                let first = fnv_1a(fnv_1a(FNV_BASIS, salt.as_bytes()), id.as_bytes());
                let second = fnv_1a(FNV_BASIS, first.to_string().as_bytes());
                f64::from(second % 10_000) / 10_000.0
            }
        }
    }
}

const FNV_BASIS: u32 = 0x811c_9dc5;

/// Goes on with a hash.
///
/// Source: Fowler, Noll & Vo, FNV-1a with 32 bits (RFC 9923).
fn fnv_1a(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Which part of 0..1 belongs to each of these weights, if only the share `coverage` of each
/// part takes part: where coverage grows, nobody changes.
///
/// Source: GrowthBook's SDKs, "bucket ranges".
pub(super) fn ranges(weights: &[f64], coverage: f64) -> Vec<(f64, f64)> {
    let mut start = 0.0;
    let range = |weight: &f64| {
        let range = (start, start + coverage * weight);
        start += weight;
        range
    };
    weights.iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: GrowthBook, packages/sdk-js/test/cases.json, version 0.8.0.
    #[test]
    fn growthbooks_published_cases() {
        for (salt, id, number) in [
            ("seed", "a", 0.0505),
            ("seed", "b", 0.2696),
            ("foo", "ab", 0.2575),
            ("foo", "def", 0.2019),
            ("89123klj", "8952klfjas09ujkasdf", 0.124),
            ("90850943850283058242805", "123", 0.7516),
            ("()**(%$##$%#$#", "___)((*\":&", 0.0128),
        ] {
            assert_eq!(Hashing::GrowthbookV2.number(salt, id), number, "{salt} {id}");
        }
        let found = ranges(&[0.2, 0.3, 0.5], 0.2);
        for (found, expected) in found.iter().zip([(0.0, 0.04), (0.2, 0.26), (0.5, 0.6)]) {
            assert!((found.0 - expected.0).abs() < 1e-12 && (found.1 - expected.1).abs() < 1e-12);
        }
    }

    /// Whoever changes these values changes who is in which arm.
    #[test]
    fn arms_stay_as_they_are() {
        for (id, number) in [("1", 0.654110725849838), ("顾客-417", 0.721527833618732)] {
            let found = Hashing::Xxh64.number("spring-2026", id);
            assert!((found - number).abs() < 1e-12, "{id} {found:.15}");
        }
    }

    #[test]
    fn two_salts_have_nothing_to_do_with_each_other() {
        let n = 20_000;
        for hashing in [Hashing::Xxh64, Hashing::GrowthbookV2] {
            let is_low = |salt: &str, id: u32| hashing.number(salt, &id.to_string()) < 0.5;
            let both = (0..n).filter(|&id| is_low("a", id) == is_low("b", id)).count() as f64;
            // Five standard errors.
            assert!((both - 10_000.0).abs() < 5.0 * 5_000f64.sqrt(), "{both}");
        }
    }
}
