//! From all features that the data allows to those that carry the signal.

use std::collections::HashMap;

use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{CORE_FEATURES, Feature, FeatureParams, FeaturePlan};
use crate::dataset::{DatasetError, FeatureMatrix, Snapshot};
use crate::stats::metrics::{correlations, rank_correlation, roc_auc};
use crate::stats::resample::every_nth;
use crate::stats::scaling::{Scaling, Transform};

/// Alone, a feature that ranks churners this well is likely to have seen the
/// outcome.
const LEAK_AUC: f64 = 0.90;

/// Standard errors within which a relation to the outcome may be chance.
const N_STANDARD_ERRORS: f64 = 2.0;

/// Rows that correlations between features are computed from at most.
const MAX_CORRELATION_ROWS: usize = 20_000;

/// What became of every feature of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pruning {
    /// In catalogue order.
    pub candidates: Vec<Candidate>,
}

/// A feature of the catalogue, what it says of the outcome, and its fate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The feature.
    pub feature: Feature,
    /// ROC AUC of churn by this feature alone, over the eligible users of all
    /// training snapshots: below 0.5 when more of it means less churn.
    pub churn_auc: Option<f64>,
    /// Rank correlation with the GMV that followed, over all users.
    pub gmv_correlation: Option<f64>,
    /// Kept or not, and why.
    pub verdict: Verdict,
}

/// The fate of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It carries signal.
    Kept,
    /// RFM or lifecycle stages need it.
    Core,
    /// The config says `keep = true`.
    Wanted,
    /// One value for everybody.
    Constant,
    /// The same values as another.
    DuplicateOf(String),
    /// Correlated with another that says more of the outcome.
    CollinearWith {
        /// The other.
        other: String,
        /// Absolute correlation.
        correlation: f64,
    },
    /// Says no more of the outcome than chance would.
    Irrelevant,
    /// Says one thing at one snapshot and the contrary at another.
    Unstable,
    /// Beyond the number of features wanted.
    BeyondLimit,
}

impl Verdict {
    /// True for features that models see.
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Kept | Self::Core | Self::Wanted)
    }

    /// One phrase.
    pub fn reason(&self) -> String {
        match self {
            Self::Kept => "kept".into(),
            Self::Core => "kept: RFM or lifecycle need it".into(),
            Self::Wanted => "kept: the config says keep = true".into(),
            Self::Constant => "constant".into(),
            Self::DuplicateOf(other) => format!("same as {other}"),
            Self::CollinearWith { other, correlation } => {
                format!("correlated {correlation:.3} with {other}")
            }
            Self::Irrelevant => "no relation to the outcome beyond chance".into(),
            Self::Unstable => "relation to the outcome changes between snapshots".into(),
            Self::BeyondLimit => "beyond max_features".into(),
        }
    }

    /// A word for counting.
    pub fn group(&self) -> &'static str {
        match self {
            Self::Kept | Self::Core | Self::Wanted => "kept",
            Self::Constant => "constant",
            Self::DuplicateOf(_) => "duplicate",
            Self::CollinearWith { .. } => "collinear",
            Self::Irrelevant => "irrelevant",
            Self::Unstable => "unstable",
            Self::BeyondLimit => "beyond limit",
        }
    }
}

impl Pruning {
    /// Names of the features kept, in catalogue order.
    pub fn kept(&self) -> Vec<String> {
        let kept = self.candidates.iter().filter(|candidate| candidate.verdict.is_kept());
        kept.map(|candidate| candidate.feature.info.name.clone()).collect()
    }

    /// Features that alone rank churners suspiciously well, with their AUC.
    pub fn leak_alarms(&self) -> Vec<(&str, f64)> {
        self.candidates
            .iter()
            .filter_map(|candidate| {
                let auc = candidate.churn_auc?;
                let strength = auc.max(1.0 - auc);
                (strength >= LEAK_AUC).then_some((candidate.feature.info.name.as_str(), strength))
            })
            .collect()
    }
}

/// What a feature alone says of the outcome.
#[derive(Debug, Clone, Default)]
struct Relevance {
    churn_auc: Option<f64>,
    gmv_correlation: Option<f64>,
    /// Its AUC at each snapshot.
    by_snapshot: Vec<f64>,
}

impl Relevance {
    /// Between 0 and 1.
    fn strength(&self) -> f64 {
        let of_churn = self.churn_auc.map_or(0.0, |auc| (2.0 * auc - 1.0).abs());
        of_churn.max(self.gmv_correlation.map_or(0.0, f64::abs))
    }
}

/// Decides which features of the plan to keep, from training snapshots with
/// their outcomes, the latest first.
///
/// In this order go: what is constant; of two equal or nearly collinear
/// features the one with less to say about the outcome (churn among eligible users,
/// GMV among all); what has no more to say than chance; what says the contrary
/// at another snapshot; and the least relevant beyond `max_features`.
///
/// # Errors
/// When a snapshot lacks a feature of the plan.
pub fn prune(
    params: &FeatureParams,
    plan: &FeaturePlan,
    snapshots: &[Snapshot],
) -> Result<Pruning, DatasetError> {
    let Some(latest) = snapshots.first() else {
        let keep = |feature: &Feature| Candidate {
            feature: feature.clone(),
            churn_auc: None,
            gmv_correlation: None,
            verdict: Verdict::Kept,
        };
        return Ok(Pruning { candidates: plan.features.iter().map(keep).collect() });
    };
    let relevance = relevance_of_all(plan, snapshots)?;
    let pooled: Vec<&FeatureMatrix> = snapshots.iter().map(|s| &s.features).collect();
    let varies: Vec<bool> = (0..plan.features.len())
        .map(|column| {
            let first = pooled.iter().find(|m| m.n_rows() > 0).map(|m| m.values()[[0, column]]);
            pooled.iter().any(|m| m.values().column(column).iter().any(|v| Some(*v) != first))
        })
        .collect();
    let mut order: Vec<usize> = (0..plan.features.len()).filter(|&i| varies[i]).collect();
    // The sort is stable: equals stay in catalogue order.
    order.sort_by(|&a, &b| relevance[b].strength().total_cmp(&relevance[a].strength()));
    let correlations = correlations_of_features(&latest.features, &plan.names())?;
    let chance = Chance::of(latest)?;
    let mut verdicts: HashMap<usize, Verdict> = HashMap::new();
    let mut kept: Vec<usize> = Vec::new();
    let is_core = |index: usize| CORE_FEATURES.contains(&plan.features[index].info.name.as_str());
    let is_wanted = |index: usize| {
        params.custom.get(&plan.features[index].info.name).is_some_and(|custom| custom.keep)
    };
    let stays = |index: usize| is_core(index) || is_wanted(index);
    let n_core = order.iter().filter(|&&index| stays(index)).count();
    for &index in &order {
        let twin = kept
            .iter()
            .copied()
            .find(|&other| correlations[[index, other]].abs() > params.max_correlation.get());
        let verdict = if is_core(index) {
            Verdict::Core
        } else if is_wanted(index) {
            Verdict::Wanted
        } else if let Some(other) = twin {
            let name = plan.features[other].info.name.clone();
            if pooled.iter().all(|m| m.values().column(index) == m.values().column(other)) {
                Verdict::DuplicateOf(name)
            } else {
                let correlation = correlations[[index, other]].abs();
                Verdict::CollinearWith { other: name, correlation }
            }
        } else if chance.explains(&relevance[index]) {
            Verdict::Irrelevant
        } else if is_unstable(&relevance[index]) {
            Verdict::Unstable
        } else if kept.iter().filter(|&&i| !stays(i)).count() + n_core >= params.max_features.get()
        {
            Verdict::BeyondLimit
        } else {
            Verdict::Kept
        };
        if verdict.is_kept() {
            kept.push(index);
        }
        verdicts.insert(index, verdict);
    }
    let candidate = |(index, feature): (usize, &Feature)| Candidate {
        feature: feature.clone(),
        churn_auc: relevance[index].churn_auc,
        gmv_correlation: relevance[index].gmv_correlation,
        verdict: match verdicts.remove(&index) {
            Some(verdict) => verdict,
            None if is_core(index) => Verdict::Core,
            None if is_wanted(index) => Verdict::Wanted,
            None => Verdict::Constant,
        },
    };
    Ok(Pruning { candidates: plan.features.iter().enumerate().map(candidate).collect() })
}

fn relevance_of_all(
    plan: &FeaturePlan,
    snapshots: &[Snapshot],
) -> Result<Vec<Relevance>, DatasetError> {
    let parts = snapshots.iter().map(Labelled::new).collect::<Result<Vec<_>, _>>()?;
    let of_column = |column: usize| {
        let (mut aucs, mut weights, mut correlations) = (Vec::new(), Vec::new(), Vec::new());
        for (snapshot, labelled) in snapshots.iter().zip(&parts) {
            let values = snapshot.features.values().column(column).to_vec();
            let of_eligible: Vec<f64> = labelled.rows.iter().map(|&row| values[row]).collect();
            if let Some(auc) = roc_auc(&of_eligible, &labelled.churned) {
                aucs.push(auc);
                weights.push(of_eligible.len() as f64);
            }
            correlations.extend(rank_correlation(&values, &labelled.gmv));
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
    Ok((0..plan.features.len()).into_par_iter().map(of_column).collect())
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
struct Chance {
    auc: f64,
    correlation: f64,
}

impl Chance {
    /// Standard errors of an AUC of one half and of a rank correlation of zero.
    ///
    /// Source: Mann & Whitney (1947), "On a test of whether one of two random
    /// variables is stochastically larger than the other", for the former.
    fn of(snapshot: &Snapshot) -> Result<Self, DatasetError> {
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

    fn explains(&self, relevance: &Relevance) -> bool {
        let auc = relevance.churn_auc.map_or(0.0, |auc| (auc - 0.5).abs());
        let correlation = relevance.gmv_correlation.map_or(0.0, f64::abs);
        auc < N_STANDARD_ERRORS * self.auc && correlation < N_STANDARD_ERRORS * self.correlation
    }
}

/// True when the relation to churn changes its sign between snapshots and its
/// mean is within its own scatter.
fn is_unstable(relevance: &Relevance) -> bool {
    let sides: Vec<f64> = relevance.by_snapshot.iter().map(|auc| auc - 0.5).collect();
    let changes = sides.iter().any(|&s| s > 0.0) && sides.iter().any(|&s| s < 0.0);
    let n = sides.len() as f64;
    let mean = sides.iter().sum::<f64>() / n;
    let variance = sides.iter().map(|side| (side - mean).powi(2)).sum::<f64>() / n;
    // What says much of GMV may say little of churn.
    let of_gmv = relevance.gmv_correlation.map_or(0.0, f64::abs);
    changes && mean.abs() < variance.sqrt() && of_gmv < 0.1
}

/// Correlations of the features on the scale of models, shape (features,
/// features).
fn correlations_of_features(
    matrix: &FeatureMatrix,
    names: &[String],
) -> Result<Array2<f64>, DatasetError> {
    let rows: Vec<usize> = every_nth(matrix.n_rows(), MAX_CORRELATION_ROWS).collect();
    let sample = matrix.select_rows(&rows);
    let scaled = Scaling::fit(&sample, names, Transform::Log)?.apply(&sample)?;
    Ok(correlations(scaled.view()))
}
