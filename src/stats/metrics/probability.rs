use super::mean;

/// Squared distance between probability and outcome, of each row.
///
/// # Panics
/// When the two slices differ in length.
pub fn squared_errors(probabilities: &[f64], positive: &[bool]) -> Vec<f64> {
    each_row(probabilities, positive, |p, is_positive| {
        (p - f64::from(u8::from(is_positive))).powi(2)
    })
}

/// Negative log likelihood of each row, in nats. Probabilities are kept at least
/// `f64::EPSILON` from 0 and 1, so that one certain miss stays finite.
///
/// # Panics
/// When the two slices differ in length.
pub fn log_losses(probabilities: &[f64], positive: &[bool]) -> Vec<f64> {
    each_row(probabilities, positive, |p, is_positive| {
        let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        -(if is_positive { p } else { 1.0 - p }).ln()
    })
}

fn each_row(probabilities: &[f64], positive: &[bool], loss: impl Fn(f64, bool) -> f64) -> Vec<f64> {
    assert_eq!(probabilities.len(), positive.len(), "one probability for each outcome");
    probabilities.iter().zip(positive).map(|(&p, &is_positive)| loss(p, is_positive)).collect()
}

/// Mean squared distance between probability and outcome (0 is perfect).
/// `None` when there are no rows.
///
/// Source: Brier (1950), "Verification of forecasts expressed in terms of probability".
///
/// # Panics
/// When the two slices differ in length.
pub fn brier_score(probabilities: &[f64], positive: &[bool]) -> Option<f64> {
    mean(&squared_errors(probabilities, positive), None)
}

/// Mean of the [`log_losses`], in nats. `None` when there are no rows.
///
/// # Panics
/// When the two slices differ in length.
pub fn log_loss(probabilities: &[f64], positive: &[bool]) -> Option<f64> {
    mean(&log_losses(probabilities, positive), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coin_costs_a_quarter_and_one_bit() {
        let (p, y) = ([0.5, 0.5], [true, false]);
        assert_eq!(brier_score(&p, &y), Some(0.25));
        assert!((log_loss(&p, &y).unwrap() - 2f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn a_certain_miss_is_finite() {
        assert!(log_loss(&[0.0], &[true]).unwrap().is_finite());
        assert_eq!(log_loss(&[], &[]), None);
    }

    /// Both are proper: no other probability is better on average.
    #[test]
    fn the_true_rate_is_the_best_constant() {
        let positive: Vec<bool> = (0..1_000).map(|row| row % 10 < 3).collect();
        for measure in [log_loss, brier_score] {
            let of = |p: f64| measure(&vec![p; 1_000], &positive).unwrap();
            assert!((1..100).all(|percent| of(0.3) <= of(f64::from(percent) / 100.0)));
        }
    }
}
