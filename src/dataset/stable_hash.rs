//! One hash for whatever is decided by a user's id or by a text: samples of users,
//! resamples, buckets.
//!
//! It is XXH64, whose values are specified, so that the same users are sampled with
//! every version of the program and on every machine. (XXH3 would be a feature more of
//! a crate that the engine uses, for no gain on ids.)
//!
//! Source: Collet, "xxHash fast digest algorithm", format description 0.1.1, XXH64.

use twox_hash::XxHash64;

/// Hash of an integer: XXH64 of its eight bytes, the lowest first.
pub fn hash_integer(value: i64, seed: u64) -> u64 {
    XxHash64::oneshot(seed, &value.to_le_bytes())
}

/// Hash of a text: XXH64 of its UTF-8 bytes.
pub fn hash_text(text: &str, seed: u64) -> u64 {
    XxHash64::oneshot(seed, text.as_bytes())
}

/// A hash as a number in 0..1, uniform over different ids.
pub fn unit_interval(hash: u64) -> f64 {
    // As many bits as a double holds.
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever changes these values changes which users are sampled.
    #[test]
    fn hashes_stay_as_they_are() {
        // The first from the specification's test vectors: XXH64 of nothing.
        assert_eq!(hash_text("", 0), 0xef46_db37_51d8_e999);
        assert_eq!(hash_text("abc", 0), 0x44bc_2cf5_ad77_0999);
        assert_eq!(hash_text("顾客-417", 1), 0x061c_d6d8_234a_14b1);
        assert_eq!(hash_text("00000000-0000-4000-8000-00000000002a", 7), 0x9efa_363a_3005_c777);
        let of_integers = [
            (0, 0, 0x34c9_6acd_cadb_1bbb),
            (42, 0, 0xb556_806f_b6d1_4353),
            (-1, 0, 0x85d1_36ad_b773_c6c9),
            (i64::MAX, 9, 0x2b62_5c97_d578_6cdf),
        ];
        for (value, seed, expected) in of_integers {
            assert_eq!(hash_integer(value, seed), expected, "{value}");
        }
    }

    #[test]
    fn shares_of_ids_are_what_they_should_be() {
        for seed in [0, 5] {
            let n = 100_000;
            let mut bins = [0; 10];
            for id in 0..n {
                bins[(unit_interval(hash_integer(id, seed)) * 10.0) as usize] += 1;
            }
            // Five standard errors of a share of one tenth.
            let tolerance = 5.0 * (0.09 * n as f64).sqrt();
            assert!(bins.iter().all(|&it| (f64::from(it) - n as f64 / 10.0).abs() < tolerance));
        }
        assert!(unit_interval(u64::MAX) < 1.0);
    }
}
