use ndarray::Axis;
use rayon::prelude::*;

use super::{ChurnError, Classifier, FittedClassifier};
use crate::dataset::FeatureMatrix;

/// Rows that are explained while their contributions are in memory.
const BLOCK_ROWS: usize = 4_096;

/// A feature that raises a user's risk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason {
    /// Place among [`Classifier::features`].
    pub feature: u32,
    /// Value of the feature.
    pub value: f64,
    /// What it adds to the log odds; above zero.
    pub contribution: f32,
}

/// Why a user's risk is what it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reasons {
    /// What raises it most, the strongest first.
    pub raising: Vec<Reason>,
    /// Log odds less the contributions of `raising`: the model's constant and all
    /// other features.
    pub rest: f64,
}

impl FittedClassifier {
    /// For each row the `n` features that raise the log odds most; `log_odds` are
    /// those of the same rows. Only a block of contributions is in memory at once.
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    pub fn reasons(
        &self,
        matrix: &FeatureMatrix,
        log_odds: &[f64],
        n: usize,
    ) -> Result<Vec<Reasons>, ChurnError> {
        let explainer = self.explainer();
        let names = self.features();
        let columns =
            names.iter().map(|name| matrix.column(name)).collect::<Result<Vec<_>, _>>()?;
        let starts: Vec<usize> = (0..matrix.n_rows()).step_by(BLOCK_ROWS).collect();
        let blocks = starts.into_par_iter().map(|start| {
            let end = (start + BLOCK_ROWS).min(matrix.n_rows());
            let contributions = explainer.contributions(&matrix.slice_rows(start..end))?;
            let mut strongest = Vec::with_capacity(n + 1);
            let reasons = contributions.axis_iter(Axis(0)).zip(start..end).map(|(of_row, row)| {
                keep_strongest(of_row.iter().copied(), n, &mut strongest);
                let raising: Vec<Reason> = strongest
                    .iter()
                    .map(|&(feature, contribution)| Reason {
                        feature: feature as u32,
                        value: columns[feature][row],
                        contribution,
                    })
                    .collect();
                let told: f64 = raising.iter().map(|reason| f64::from(reason.contribution)).sum();
                Reasons { raising, rest: log_odds[row] - told }
            });
            Ok(reasons.collect::<Vec<_>>())
        });
        let blocks = blocks.collect::<Result<Vec<_>, ChurnError>>()?;
        Ok(blocks.into_iter().flatten().collect())
    }
}

/// Keeps the `n` largest contributions above zero, the largest first, of equal
/// ones the earlier.
fn keep_strongest(
    contributions: impl Iterator<Item = f32>,
    n: usize,
    strongest: &mut Vec<(usize, f32)>,
) {
    strongest.clear();
    for (feature, contribution) in contributions.enumerate() {
        let weakest = strongest.last().map_or(0.0, |&(_, weakest)| weakest);
        if contribution <= 0.0 || (strongest.len() == n && contribution <= weakest) {
            continue;
        }
        let place = strongest.partition_point(|&(_, other)| other >= contribution);
        strongest.insert(place, (feature, contribution));
        strongest.truncate(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_that_raise_are_kept_in_order() {
        let mut strongest = Vec::new();
        keep_strongest([0.2, -5.0, 0.9, 0.2, 0.0, 0.5].into_iter(), 3, &mut strongest);
        assert_eq!(strongest, [(2, 0.9), (5, 0.5), (0, 0.2)]);
        keep_strongest([-1.0, 0.0].into_iter(), 3, &mut strongest);
        assert!(strongest.is_empty());
        keep_strongest([1.0].into_iter(), 0, &mut strongest);
        assert!(strongest.is_empty());
    }
}
