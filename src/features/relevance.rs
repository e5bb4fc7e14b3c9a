//! What a feature alone says of the outcome, and what chance alone would.

use rayon::prelude::*;

use super::FeaturePlan;
use crate::dataset::{DatasetError, Snapshot};
use crate::stats::metrics::{rank_correlation, ranks, roc_auc};

/// Standard errors within which a relation to the outcome may be chance.
const N_STANDARD_ERRORS: f64 = 2.0;

/// What a feature alone says of the outcome.
#[derive(Debug, Clone, Default)]
pub(super) struct Relevance {
    /// ROC AUC of churn, weighted by the eligible users of each snapshot.
    pub churn_auc: Option<f64>,
    /// Mean rank correlation with GMV.
    pub gmv_correlation: Option<f64>,
    /// Its AUC at each snapshot.
    by_snapshot: Vec<f64>,
}

impl Relevance {
    /// Between 0 and 1.
    pub fn strength(&self) -> f64 {
        let of_churn = self.churn_auc.map_or(0.0, |auc| (2.0 * auc - 1.0).abs());
        of_churn.max(self.gmv_correlation.map_or(0.0, f64::abs))
    }

    /// True when the relation to churn changes its sign between snapshots and its
    /// mean is within its own scatter.
    pub fn is_unstable(&self) -> bool {
        let sides: Vec<f64> = self.by_snapshot.iter().map(|auc| auc - 0.5).collect();
        let changes = sides.iter().any(|&s| s > 0.0) && sides.iter().any(|&s| s < 0.0);
        let n = sides.len() as f64;
        let mean = sides.iter().sum::<f64>() / n;
        let variance = sides.iter().map(|side| (side - mean).powi(2)).sum::<f64>() / n;
        // What says much of GMV may say little of churn.
        let of_gmv = self.gmv_correlation.map_or(0.0, f64::abs);
        changes && mean.abs() < variance.sqrt() && of_gmv < 0.1
    }
}

/// What each feature of the plan says of the outcome, over all snapshots.
///
/// # Errors
/// When outcomes are not known.
pub(super) fn relevance_of_all(
    plan: &FeaturePlan,
    snapshots: &[Snapshot],
) -> Result<Vec<Relevance>, DatasetError> {
    // One snapshot after the other: columns that are neighbours share their reads.
    let by_snapshot = snapshots
        .iter()
        .map(|snapshot| relations_of_all(plan, snapshot))
        .collect::<Result<Vec<_>, _>>()?;
    let of_column = |column: usize| {
        let (mut aucs, mut weights, mut correlations) = (Vec::new(), Vec::new(), Vec::new());
        for Relations { n_eligible, of_columns } in &by_snapshot {
            let (auc, correlation) = of_columns[column];
            if let Some(auc) = auc {
                aucs.push(auc);
                weights.push(*n_eligible as f64);
            }
            correlations.extend(correlation);
        }
        let total: f64 = weights.iter().sum();
        let weighted = aucs.iter().zip(&weights).map(|(auc, weight)| auc * weight).sum::<f64>();
        let n_correlations = correlations.len() as f64;
        Relevance {
            churn_auc: (total > 0.0).then(|| weighted / total),
            gmv_correlation: (n_correlations > 0.0)
                .then(|| correlations.iter().sum::<f64>() / n_correlations),
            by_snapshot: aucs,
        }
    };
    Ok((0..plan.features.len()).map(of_column).collect())
}

/// What each feature says of the outcome at one snapshot.
struct Relations {
    n_eligible: usize,
    /// ROC AUC of churn and rank correlation with GMV.
    of_columns: Vec<(Option<f64>, Option<f64>)>,
}

fn relations_of_all(plan: &FeaturePlan, snapshot: &Snapshot) -> Result<Relations, DatasetError> {
    let Labelled { rows, churned, gmv } = Labelled::new(snapshot)?;
    let ranks_of_gmv = ranks(&gmv);
    let of_column = |column: usize| {
        let values = snapshot.features.values().column(column).to_vec();
        let of_eligible: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
        let correlation = rank_correlation(&ranks(&values), &ranks_of_gmv);
        (roc_auc(&of_eligible, &churned), correlation)
    };
    let of_columns = (0..plan.features.len()).into_par_iter().map(of_column).collect();
    Ok(Relations { n_eligible: rows.len(), of_columns })
}

/// The users whom the churn rule applies to, who of them churned, and the GMV of all.
struct Labelled {
    rows: Vec<usize>,
    churned: Vec<bool>,
    gmv: Vec<f64>,
}

impl Labelled {
    fn new(snapshot: &Snapshot) -> Result<Self, DatasetError> {
        let outcomes = snapshot.known_outcomes()?;
        let (rows, churned) = outcomes.eligible();
        Ok(Self { rows, churned, gmv: outcomes.gmv.clone() })
    }
}

/// How strong a relation chance alone produces in a snapshot of this size.
pub(super) struct Chance {
    auc: f64,
    correlation: f64,
}

impl Chance {
    /// Standard errors of an AUC of one half and of a rank correlation of zero.
    ///
    /// Source: Mann & Whitney (1947), "On a test of whether one of two random
    /// variables is stochastically larger than the other", for the former.
    pub fn of(snapshot: &Snapshot) -> Result<Self, DatasetError> {
        let labelled = Labelled::new(snapshot)?;
        let n = labelled.churned.len() as f64;
        let n_churned = labelled.churned.iter().filter(|&&churned| churned).count() as f64;
        let pairs = n_churned * (n - n_churned);
        let n_users = labelled.gmv.len() as f64;
        Ok(Self {
            auc: if pairs > 0.0 { ((n + 1.0) / (12.0 * pairs)).sqrt() } else { f64::INFINITY },
            correlation: if n_users > 1.0 { (n_users - 1.0).sqrt().recip() } else { f64::INFINITY },
        })
    }

    /// Whether a feature says no more than chance would.
    pub fn explains(&self, relevance: &Relevance) -> bool {
        let auc = relevance.churn_auc.map_or(0.0, |auc| (auc - 0.5).abs());
        let correlation = relevance.gmv_correlation.map_or(0.0, f64::abs);
        auc < N_STANDARD_ERRORS * self.auc && correlation < N_STANDARD_ERRORS * self.correlation
    }
}
