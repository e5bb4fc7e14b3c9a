use serde::{Deserialize, Serialize};

/// One bin of a reliability table: predicted and observed rates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliabilityBin {
    /// Rows.
    pub n: usize,
    /// Mean predicted probability.
    pub mean_probability: f64,
    /// Share of rows that were positive.
    pub rate: f64,
}

/// Rows in order of probability, cut into `n_bins` bins of about the same size;
/// equal probabilities stay together.
///
/// # Panics
/// When the two slices differ in length.
pub fn reliability(probabilities: &[f64], positive: &[bool], n_bins: usize) -> Vec<ReliabilityBin> {
    assert_eq!(probabilities.len(), positive.len(), "one probability for each outcome");
    let mut rows: Vec<(f64, bool)> =
        probabilities.iter().copied().zip(positive.iter().copied()).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut bins: Vec<ReliabilityBin> = Vec::new();
    let mut start = 0;
    while start < rows.len() {
        let n_left = n_bins.saturating_sub(bins.len()).max(1);
        let mut end = start + (rows.len() - start).div_ceil(n_left);
        while end < rows.len() && rows[end].0 == rows[end - 1].0 {
            end += 1;
        }
        let bin = &rows[start..end];
        let n = bin.len() as f64;
        bins.push(ReliabilityBin {
            n: bin.len(),
            mean_probability: bin.iter().map(|row| row.0).sum::<f64>() / n,
            rate: bin.iter().filter(|row| row.1).count() as f64 / n,
        });
        start = end;
    }
    bins
}

/// Expected calibration error: the mean distance between probability and rate in
/// ten bins of about equal size. `None` when there are no rows.
///
/// Source: Naeini, Cooper & Hauskrecht (2015), "Obtaining well calibrated
/// probabilities using Bayesian binning", §4; bins of equal size.
///
/// # Panics
/// When the two slices differ in length.
pub fn expected_calibration_error(probabilities: &[f64], positive: &[bool]) -> Option<f64> {
    let n = probabilities.len();
    let bins = reliability(probabilities, positive, 10);
    let distance = |bin: &ReliabilityBin| bin.n as f64 * (bin.mean_probability - bin.rate).abs();
    (n > 0).then(|| bins.iter().map(distance).sum::<f64>() / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_of_equal_size_and_ties_stay_together() {
        let probabilities = [0.1, 0.2, 0.2, 0.2, 0.9, 0.95];
        let positive = [false, false, true, false, true, true];
        let bins = reliability(&probabilities, &positive, 3);
        assert_eq!(bins.iter().map(|bin| bin.n).collect::<Vec<_>>(), [4, 1, 1]);
        assert!((bins[0].mean_probability - 0.175).abs() < 1e-12);
        assert_eq!(bins[0].rate, 0.25);
    }

    #[test]
    fn a_constant_too_high_by_a_tenth_errs_by_a_tenth() {
        let positive: Vec<bool> = (0..100).map(|row| row < 40).collect();
        let error = expected_calibration_error(&[0.5; 100], &positive).unwrap();
        assert!((error - 0.1).abs() < 1e-12);
        assert_eq!(expected_calibration_error(&[], &[]), None);
    }
}
