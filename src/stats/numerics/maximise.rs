use linfa_linalg::cholesky::{InverseCInplace, SolveCInplace};
use ndarray::{Array1, Array2, Axis};

/// A function and its derivatives at a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Derivatives {
    /// The value.
    pub value: f64,
    /// First derivatives.
    pub gradient: Array1<f64>,
    /// Second derivatives.
    pub hessian: Array2<f64>,
}

impl Derivatives {
    /// All zero.
    pub fn zeros(n_parameters: usize) -> Self {
        Self {
            value: 0.0,
            gradient: Array1::zeros(n_parameters),
            hessian: Array2::zeros((n_parameters, n_parameters)),
        }
    }

    fn is_finite(&self) -> bool {
        self.value.is_finite() && self.gradient.iter().chain(&self.hessian).all(|it| it.is_finite())
    }
}

/// Where a function is largest.
#[derive(Debug, Clone, PartialEq)]
pub struct Maximum {
    /// The point.
    pub at: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// Inverse of the negative Hessian: the covariance of the estimate where the function
    /// is a log-likelihood. `None` in a direction that is flat.
    pub covariance: Option<Array2<f64>>,
    /// Steps that it took.
    pub n_steps: usize,
}

/// Why no maximum was found.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("no maximum found after {n_steps} steps; the next one would still gain {gain:.2e}")]
pub struct Unfitted {
    /// Steps taken.
    pub n_steps: usize,
    /// What the next would gain if the function were quadratic.
    pub gain: f64,
}

const MAX_STEPS: usize = 200;

/// Furthest that one step goes along an axis: parameters are logarithms.
const MAX_MOVE: f64 = 2.0;

/// Gain, by unit of the size of the value, that is none.
const TOLERANCE: f64 = 1e-12;

/// Newton's method for a maximum, with the Hessian damped as far as steps fail.
///
/// Source: Nocedal & Wright (2006), "Numerical Optimization", 2nd edition, §4.3 (steps of a
/// trust region as solutions of (−H + λI) p = g) and §10.3 (how λ follows the success).
///
/// # Errors
/// When it does not arrive within 200 steps, as where a parameter runs away to infinity.
pub fn maximise(
    start: &[f64],
    mut derivatives: impl FnMut(&[f64]) -> Derivatives,
) -> Result<Maximum, Unfitted> {
    let mut at = start.to_vec();
    let mut here = derivatives(&at);
    let mut damping = 0.0;
    let mut gain = f64::INFINITY;
    for n_steps in 0..MAX_STEPS {
        let Some(step) = damped_step(&here, &mut damping) else { break };
        gain = step.dot(&here.gradient) / 2.0;
        if gain <= TOLERANCE * (1.0 + here.value.abs()) {
            let covariance = inverse(&here.hessian);
            return Ok(Maximum { at, value: here.value, covariance, n_steps });
        }
        let next: Vec<f64> = at.iter().zip(&step).map(|(at, step)| at + step).collect();
        let there = derivatives(&next);
        let is_better = there.is_finite() && there.value >= here.value + 1e-4 * gain;
        if is_better {
            (at, here) = (next, there);
            damping = if damping < 1e-6 * scale(&here) { 0.0 } else { damping / 8.0 };
        } else {
            damping = (damping * 4.0).max(1e-3 * scale(&here));
        }
    }
    Err(Unfitted { n_steps: MAX_STEPS, gain })
}

/// The step of (−H + damping · I) p = g; where that matrix is not positive definite or the
/// step too long, the damping grows until it is.
fn damped_step(here: &Derivatives, damping: &mut f64) -> Option<Array1<f64>> {
    if !here.is_finite() {
        return None;
    }
    loop {
        let mut matrix = -&here.hessian + Array2::<f64>::eye(here.gradient.len()) * *damping;
        let gradient = here.gradient.clone().insert_axis(Axis(1));
        let step = matrix.solvec_into(gradient).map(|it| it.remove_axis(Axis(1)));
        match step {
            Ok(step) if step.iter().all(|it| it.abs() <= MAX_MOVE) => return Some(step),
            _ => *damping = (*damping * 4.0).max(1e-3 * scale(here)),
        }
        if !damping.is_finite() {
            return None;
        }
    }
}

/// Size of the second derivatives.
fn scale(here: &Derivatives) -> f64 {
    let of_axes = here.hessian.diag().iter().map(|it| it.abs()).fold(0.0, f64::max);
    of_axes.max(1e-9)
}

fn inverse(hessian: &Array2<f64>) -> Option<Array2<f64>> {
    let inverse = (-hessian).invc_inplace().ok()?;
    inverse.iter().all(|it| it.is_finite()).then_some(inverse)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_banana_is_climbed_to_its_top() {
        // Rosenbrock's function, turned over.
        let maximum = maximise(&[-1.2, 1.0], |at| {
            let (x, y) = (at[0], at[1]);
            let gap = y - x * x;
            Derivatives {
                value: -(1.0 - x).powi(2) - 100.0 * gap * gap,
                gradient: array![2.0 * (1.0 - x) + 400.0 * x * gap, -200.0 * gap],
                hessian: array![
                    [-2.0 + 400.0 * (gap - 2.0 * x * x), 400.0 * x],
                    [400.0 * x, -200.0]
                ],
            }
        })
        .unwrap();
        assert!((maximum.at[0] - 1.0).abs() < 1e-5 && (maximum.at[1] - 1.0).abs() < 1e-5);
        // Inverse of [[802, −400], [−400, 200]].
        let covariance = maximum.covariance.unwrap();
        assert!((covariance[[0, 0]] - 0.5).abs() < 1e-2, "{covariance}");
        assert!((covariance[[1, 1]] - 2.005).abs() < 4e-2, "{covariance}");
    }

    #[test]
    fn what_rises_for_ever_has_no_maximum() {
        let slope = |at: &[f64]| Derivatives {
            value: at[0],
            gradient: array![1.0],
            hessian: array![[0.0]],
        };
        let error = maximise(&[0.0], slope).unwrap_err();
        assert!(error.to_string().contains("no maximum found"), "{error}");
    }
}
