//! What the library of distributions lacks.

/// Second derivative of ln Γ at x > 0.
///
/// Source: Abramowitz & Stegun (1964), eq. 6.4.6 up to x ≥ 10, 6.4.12 from there.
pub fn trigamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series =
        1.0 / 6.0 - y * (1.0 / 30.0 - y * (1.0 / 42.0 - y * (1.0 / 30.0 - y * 5.0 / 66.0)));
    sum + 1.0 / x + y / 2.0 + y / x * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trigamma_has_its_known_values() {
        let pi_squared = std::f64::consts::PI.powi(2);
        for (x, expected) in [
            (1.0, pi_squared / 6.0),
            (0.5, pi_squared / 2.0),
            (2.0, pi_squared / 6.0 - 1.0),
            (25.5, 0.039_994_669_649_6),
        ] {
            assert!((trigamma(x) - expected).abs() < 1e-12, "{x}: {} {expected}", trigamma(x));
        }
    }

    #[test]
    fn it_is_the_slope_of_digamma() {
        for x in [1e-3, 0.3, 4.0, 9.99, 10.01, 1e4] {
            let h = x * 1e-5;
            let digamma = statrs::function::gamma::digamma;
            let slope = (digamma(x + h) - digamma(x - h)) / (2.0 * h);
            assert!((trigamma(x) / slope - 1.0).abs() < 1e-6, "{x}");
        }
    }
}
