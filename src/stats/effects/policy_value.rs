//! What a targeting is worth, from a campaign that was not targeted by it.

use crate::stats::distributions::normal_quantile;
use crate::stats::resample::Interval;

/// The mean outcome had all users been treated as a policy says.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyValue {
    /// Mean outcome a user.
    pub value: f64,
    /// What each user adds to it, in the order of users: their mean is 0, and their spread
    /// the standard error.
    pub influences: Vec<f64>,
}

impl PolicyValue {
    /// Standard error of the value; `parts` as for [`value_difference`].
    pub fn standard_error(&self, parts: &[usize]) -> f64 {
        standard_error(self.influences.iter().copied(), parts)
    }
}

/// The value of a policy by inverse-probability weighting with weights that sum to one
/// (Hájek). A user counts by the chance with which the campaign did what the policy would
/// do: `weights` has, for each user, the policy's chance of the action that the user got by
/// the campaign's chance of it.
///
/// `None` when nobody was treated as the policy says.
///
/// Sources: Hájek (1971), comment in "Foundations of Statistical Inference"; Hitsch, Misra
/// & Zhang (2024), "Heterogeneous treatment effects and optimal targeting policy
/// evaluation", QME 22(2), eq. 10.
pub fn policy_value(outcomes: &[f64], weights: &[f64]) -> Option<PolicyValue> {
    let n = outcomes.len() as f64;
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let value = outcomes.iter().zip(weights).map(|(y, w)| y * w).sum::<f64>() / total;
    let influence = |(y, w): (&f64, &f64)| w * (y - value) * n / total;
    let influences = outcomes.iter().zip(weights).map(influence).collect();
    Some(PolicyValue { value, influences })
}

/// What one policy is worth more than another on the same users, its standard error, and
/// the interval of level 1 − `alpha`: paired, so that what both do alike cancels.
///
/// `parts` has a number for each user: the same for users whose policy was learned on the
/// same others. What is learned on one half by chance alone is found again when the other
/// half is learned on, so that errors of parts may be alike; their standard errors are added,
/// which bounds that of the sum however alike they are. Of policies that were not learned on
/// these users, all users are one part.
pub fn value_difference(
    a: &PolicyValue,
    b: &PolicyValue,
    parts: &[usize],
    alpha: f64,
) -> (f64, f64, Interval) {
    let difference = a.value - b.value;
    let pairs = a.influences.iter().zip(&b.influences);
    let se = standard_error(pairs.map(|(a, b)| a - b), parts);
    let half = normal_quantile(1.0 - alpha / 2.0) * se;
    (difference, se, Interval { low: difference - half, high: difference + half })
}

/// Of the mean of values whose mean is 0, from the sums of squares of each part.
fn standard_error(influences: impl ExactSizeIterator<Item = f64>, parts: &[usize]) -> f64 {
    let n = influences.len() as f64;
    let mut squares = vec![0.0; parts.iter().max().map_or(0, |last| last + 1)];
    influences.zip(parts).for_each(|(it, part)| squares[*part] += it * it);
    let sum: f64 = squares.into_iter().map(f64::sqrt).sum();
    sum / (n * (n - 1.0).max(1.0)).sqrt()
}
