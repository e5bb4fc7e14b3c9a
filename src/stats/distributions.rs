//! Tails and quantiles of the distributions that tests and intervals use.

use statrs::distribution::{
    Binomial, ChiSquared, Continuous, ContinuousCDF, Discrete, Normal, StudentsT,
};

/// Degrees of freedom from which on Student's t is read off the normal distribution.
const WALLACE_FROM: f64 = 1e5;

fn normal() -> Normal {
    Normal::new(0.0, 1.0).expect("a standard deviation above 0")
}

fn student(degrees_of_freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees_of_freedom).expect("degrees of freedom above 0")
}

/// Φ(z).
pub fn normal_cdf(z: f64) -> f64 {
    normal().cdf(z)
}

/// The z below which a standard normal variable lies with this probability.
pub fn normal_quantile(probability: f64) -> f64 {
    normal().inverse_cdf(probability)
}

/// P(|Z| ≥ |z|) of a standard normal variable.
pub fn normal_two_sided(z: f64) -> f64 {
    2.0 * normal().sf(z.abs())
}

/// P(|T| ≥ |t|) of Student's t.
///
/// Source: for many degrees of freedom Wallace (1959), "Bounds on normal approximations to
/// Student's and the chi-square distributions", eq. 2.
pub fn student_two_sided(t: f64, degrees_of_freedom: f64) -> f64 {
    let n = degrees_of_freedom;
    if n.is_infinite() {
        normal_two_sided(t)
    } else if n >= WALLACE_FROM {
        normal_two_sided((8.0 * n + 1.0) / (8.0 * n + 3.0) * (n * (t * t / n).ln_1p()).sqrt())
    } else {
        2.0 * student(n).sf(t.abs())
    }
}

/// The t beyond which, on both sides together, Student's t lies with probability `alpha`.
pub fn student_critical(alpha: f64, degrees_of_freedom: f64) -> f64 {
    let (tail, n) = (alpha / 2.0, degrees_of_freedom);
    let z = -normal_quantile(tail);
    if n.is_infinite() {
        return z;
    }
    if n >= WALLACE_FROM {
        let z = z * (8.0 * n + 3.0) / (8.0 * n + 1.0);
        return (n * (z * z / n).exp_m1()).sqrt();
    }
    let student = student(n);
    // The tail is convex beyond the quantile of the normal distribution, which lies below
    // that of t: Newton's steps from there rise to it and never pass it.
    let mut t = z;
    for _ in 0..MAX_STEPS {
        let step = (student.sf(t) - tail) / student.pdf(t);
        t += step;
        if step.abs() < 1e-14 * t {
            break;
        }
    }
    t
}

/// Newton's steps at most; some five are usual, more where t has few degrees of freedom.
const MAX_STEPS: usize = 500;

/// P(X ≥ x) of χ²; 1 without a degree of freedom.
pub fn chi_square_above(x: f64, degrees_of_freedom: usize) -> f64 {
    match degrees_of_freedom {
        0 => 1.0,
        n => ChiSquared::new(n as f64).expect("above 0").sf(x),
    }
}

/// What a χ² variable exceeds with a probability of `alpha`.
///
/// # Panics
/// When there are no degrees of freedom.
pub fn chi_square_critical(alpha: f64, degrees_of_freedom: usize) -> f64 {
    let chi_square = ChiSquared::new(degrees_of_freedom as f64).expect("above zero");
    chi_square.inverse_cdf(1.0 - alpha)
}

/// Exact two-sided test of `n_successes` of `n` where each has this probability: all
/// outcomes that are no likelier count.
///
/// Source: Clopper & Pearson (1934) for the distribution; the two-sided rule is that of
/// R's `binom.test`.
pub fn binomial_two_sided(n_successes: u64, n: u64, probability: f64) -> f64 {
    let binomial = Binomial::new(probability, n).expect("a probability");
    // Sums of equal terms differ in their last digits.
    let at_most = binomial.pmf(n_successes) * (1.0 + 1e-7);
    let sum: f64 = (0..=n).map(|it| binomial.pmf(it)).filter(|it| *it <= at_most).sum();
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} for {expected}");
    }

    /// Expected values from SciPy 1.18 (`norm`, `t`, `chi2`, `binomtest`).
    #[test]
    fn tails_and_quantiles_are_those_of_a_reference() {
        assert_near(normal_quantile(0.975), 1.959963984540054);
        assert_near(normal_quantile(1e-12), -7.034483825301132);
        assert_near(normal_two_sided(8.0), 1.244192114854348e-15);
        assert_near(student_two_sided(2.5, 3.7), 0.07182202291182678);
        assert_near(student_two_sided(-40.0, 12.0), 3.851229580772032e-14);
        assert_near(student_critical(0.05, 5.0), 2.570581835636314);
        assert_near(student_critical(0.001, 37_000.3), 3.290789714143262);
        assert_near(student_two_sided(5.3, 36_000.0), 1.1648342232220668e-07);
        assert_near(chi_square_above(13.092157707838204, 6), 0.041595595965274866);
        assert_near(chi_square_above(60.0, 2), 9.357622968840175e-14);
        assert_near(binomial_two_sided(53, 100, 0.5), 0.6172994135892521);
        assert_near(binomial_two_sided(2, 900, 0.02), 4.09329838732633e-06);
    }

    #[test]
    fn without_degrees_of_freedom_to_speak_of_nothing_breaks() {
        assert_eq!(chi_square_above(3.0, 0), 1.0);
        assert_eq!(binomial_two_sided(0, 0, 0.5), 1.0);
        assert_near(student_critical(0.05, f64::INFINITY), normal_quantile(0.975));
        assert_near(student_critical(0.05, 1e12), normal_quantile(0.975));
        // Cauchy's distribution: 2 arctan(1 / t) / π.
        assert_near(student_critical(1e-4, 1.0), 6366.197671);
    }
}
