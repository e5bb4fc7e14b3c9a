/// Mean squared distance between probability and outcome (0 is perfect).
/// `None` when there are no rows.
///
/// Source: Brier (1950), "Verification of forecasts expressed in terms of probability".
///
/// # Panics
/// When the two slices differ in length.
pub fn brier_score(probabilities: &[f64], positive: &[bool]) -> Option<f64> {
    mean(probabilities, positive, |p, y| (p - y).powi(2))
}

/// Mean negative log likelihood, in nats. Probabilities are kept at least
/// `f64::EPSILON` from 0 and 1, so that one certain miss stays finite.
/// `None` when there are no rows.
///
/// # Panics
/// When the two slices differ in length.
pub fn log_loss(probabilities: &[f64], positive: &[bool]) -> Option<f64> {
    mean(probabilities, positive, |p, y| {
        let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    })
}

fn mean(probabilities: &[f64], positive: &[bool], loss: impl Fn(f64, f64) -> f64) -> Option<f64> {
    assert_eq!(probabilities.len(), positive.len(), "one probability for each outcome");
    if probabilities.is_empty() {
        return None;
    }
    let total: f64 = probabilities
        .iter()
        .zip(positive)
        .map(|(&p, &is_positive)| loss(p, f64::from(u8::from(is_positive))))
        .sum();
    Some(total / probabilities.len() as f64)
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
}
