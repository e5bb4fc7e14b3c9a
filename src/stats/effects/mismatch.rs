//! Whether arms hold as many users as their weights promise.

use crate::stats::distributions::{binomial_two_sided, chi_square_above};

/// Users below which the test is exact.
const EXACT_BELOW: u64 = 1_000;

/// Users of an arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArmCount {
    /// Users found.
    pub n: u64,
    /// Share that it was to have, in any unit.
    pub weight: f64,
}

/// Counts of arms against their weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// Users expected in each arm.
    pub expected: Vec<f64>,
    /// χ² statistic.
    pub chi_square: f64,
    /// Its p-value; below 1,000 users an exact one.
    pub p_value: f64,
}

/// Tests counts against weights: χ², below 1,000 users the exact binomial test; of more
/// than two arms that of each arm against the others, with Bonferroni's correction. Arms of
/// weight 0 take no part.
///
/// Source: Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled
/// experiments", KDD, §3.
pub fn mismatch(arms: &[ArmCount]) -> Mismatch {
    let taking_part = || arms.iter().filter(|arm| arm.weight > 0.0);
    let n: u64 = taking_part().map(|arm| arm.n).sum();
    let weight: f64 = taking_part().map(|arm| arm.weight).sum();
    let expected: Vec<f64> = arms.iter().map(|arm| n as f64 * arm.weight / weight).collect();
    let square = |(arm, expected): (&ArmCount, &f64)| (arm.n as f64 - expected).powi(2) / expected;
    let counted = arms.iter().zip(&expected).filter(|(arm, _)| arm.weight > 0.0);
    let chi_square = if n > 0 { counted.map(square).sum() } else { 0.0 };
    let n_arms = taking_part().count();
    let exact = |arm: &ArmCount| binomial_two_sided(arm.n, n, arm.weight / weight);
    let p_value = match n {
        0 => 1.0,
        _ if n_arms < 2 => 1.0,
        n if n >= EXACT_BELOW => chi_square_above(chi_square, n_arms - 1),
        // Of two arms, one says it all.
        _ if n_arms == 2 => taking_part().next().map_or(1.0, exact),
        _ => (n_arms as f64 * taking_part().map(exact).fold(1.0, f64::min)).min(1.0),
    };
    Mismatch { expected, chi_square, p_value }
}
