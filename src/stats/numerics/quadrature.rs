use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::Array2;

/// N points between 0 and 1 and weights that add up to 1: the weighted mean of a smooth
/// function over them is its expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Nodes<const N: usize = 24> {
    /// Ascending.
    pub at: [f64; N],
    /// One for each point.
    pub weights: [f64; N],
}

impl<const N: usize> Nodes<N> {
    /// Those of a variable with the density of Beta(a, b), both above 0 (Gauss–Jacobi).
    /// Exact for polynomials up to degree 2 N − 1.
    ///
    /// Source: Golub & Welsch (1969), "Calculation of Gauss quadrature rules", Math. Comp.
    /// 23; the recurrence of Jacobi polynomials from Abramowitz & Stegun (1964), 22.7.15,
    /// moved from −1..1 to 0..1.
    pub fn of_beta(a: f64, b: f64) -> Self {
        let (lower, upper) = (a - 1.0, b - 1.0);
        let sum = lower + upper;
        let mut matrix = Array2::zeros((N, N));
        for n in 0..N {
            let k = n as f64;
            let middle = 2.0 * k + sum;
            matrix[[n, n]] = match n {
                0 => a / (a + b),
                // (1 + (lower² − upper²) / (middle (middle + 2))) / 2, without the difference.
                _ => {
                    let numerator = 2.0 * k * (k + sum + 1.0) + sum * (lower + 1.0);
                    numerator / (middle * (middle + 2.0))
                }
            };
            let Some(previous) = n.checked_sub(1) else { continue };
            // With n = 1 a factor of numerator and denominator is the same, and may be 0.
            let shared = if n == 1 { 1.0 } else { (k + sum) / (middle - 1.0) };
            let square =
                k * (k + lower) * (k + upper) * shared / (middle * middle * (middle + 1.0));
            matrix[[n, previous]] = square.sqrt();
            matrix[[previous, n]] = square.sqrt();
        }
        let (at, vectors) = matrix.eigh().expect("a symmetric matrix").sort_eig_asc();
        Self {
            at: std::array::from_fn(|node| at[node].clamp(0.0, 1.0)),
            weights: std::array::from_fn(|node| vectors[[0, node]].powi(2)),
        }
    }

    /// Those of a variable that is equally likely everywhere (Gauss–Legendre).
    pub fn uniform() -> Self {
        Self::of_beta(1.0, 1.0)
    }

    /// The weighted mean of a function.
    pub fn mean(&self, mut f: impl FnMut(f64) -> f64) -> f64 {
        self.at.iter().zip(&self.weights).map(|(&at, weight)| weight * f(at)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_beta_are_exact() {
        // Higher ones of a narrow density rest on weights below 1e-16.
        for (a, b) in [(1.0, 1.0), (0.793, 2.426), (0.05, 0.05), (0.8, 5_000.0), (300.0, 2.0)] {
            let nodes: Nodes = Nodes::of_beta(a, b);
            let mut expected = 1.0;
            for power in 0..13 {
                let found = nodes.mean(|x| x.powi(power));
                assert!((found / expected - 1.0).abs() < 1e-9, "{a} {b} {power}: {found}");
                expected *= (a + f64::from(power)) / (a + b + f64::from(power));
            }
        }
    }
}
