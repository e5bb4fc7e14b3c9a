//! p-values of several tests together.

use serde::{Deserialize, Serialize};

/// How p-values of a family of tests are corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Chance of one false alarm or more (Holm 1979): for few tests.
    Holm,
    /// Share of false alarms among all alarms (Benjamini & Hochberg 1995): for many.
    BenjaminiHochberg,
}

/// The adjusted p-values, in the order given: each is the least level at which its test
/// would be among those that are held for true.
pub fn adjusted_p_values(p_values: &[f64], correction: Correction) -> Vec<f64> {
    let n = p_values.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]).then(a.cmp(&b)));
    let mut adjusted = vec![0.0; n];
    match correction {
        Correction::Holm => {
            let mut largest: f64 = 0.0;
            for (rank, &test) in order.iter().enumerate() {
                largest = largest.max((n - rank) as f64 * p_values[test]);
                adjusted[test] = largest.min(1.0);
            }
        }
        Correction::BenjaminiHochberg => {
            let mut least: f64 = 1.0;
            for (rank, &test) in order.iter().enumerate().rev() {
                least = least.min(n as f64 / (rank + 1) as f64 * p_values[test]);
                adjusted[test] = least;
            }
        }
    }
    adjusted
}
