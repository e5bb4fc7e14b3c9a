//! Logarithms of features.

use std::sync::LazyLock;

/// Most features are counts, most counts are small: their logarithms are looked up.
static LOGS_OF_COUNTS: LazyLock<Vec<f64>> =
    LazyLock::new(|| (0..4096u32).map(|count| f64::from(count).ln_1p()).collect());

/// `sign(x) ln(1 + |x|)`.
pub fn signed_log(x: f64) -> f64 {
    // What is below zero becomes 0, and is no count.
    let count = x as u32;
    match LOGS_OF_COUNTS.get(count as usize) {
        Some(&log) if f64::from(count) == x => log,
        _ => x.signum() * x.abs().ln_1p(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_formula() {
        for x in [-3.0, -0.5, 0.0, 0.5, 1.0, 4095.0, 4095.5, 4096.0, 1e9, 1e300f64] {
            let expected = if x < 0.0 { -(-x).ln_1p() } else { x.ln_1p() };
            assert_eq!(signed_log(x), expected, "{x}");
        }
    }
}
