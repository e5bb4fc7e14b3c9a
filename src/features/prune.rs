//! From all features that the data allows to those that carry the signal.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::relevance::{Chance, Relevance, relevance_of_all};
use super::{CORE_FEATURES, Feature, FeatureParams, FeaturePlan};
use crate::dataset::{DatasetError, FeatureMatrix, Snapshot};
use crate::stats::metrics::correlations;
use crate::stats::resample::every_nth;
use crate::stats::scaling::{Scaling, Transform};

/// Alone, a feature that ranks churners this well is likely to have seen the
/// outcome.
const LEAK_AUC: f64 = 0.90;

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
    let mut decision = match snapshots.first() {
        Some(latest) => Decision::new(params, plan, snapshots, latest)?,
        None => return Ok(all_kept(plan)),
    };
    let verdicts = decision.verdicts();
    let candidates = plan.features.iter().zip(decision.relevance.drain(..)).zip(verdicts).map(
        |((feature, relevance), verdict)| Candidate {
            feature: feature.clone(),
            churn_auc: relevance.churn_auc,
            gmv_correlation: relevance.gmv_correlation,
            verdict,
        },
    );
    Ok(Pruning { candidates: candidates.collect() })
}

/// Without a snapshot nothing is known against any feature.
fn all_kept(plan: &FeaturePlan) -> Pruning {
    let keep = |feature: &Feature| Candidate {
        feature: feature.clone(),
        churn_auc: None,
        gmv_correlation: None,
        verdict: Verdict::Kept,
    };
    Pruning { candidates: plan.features.iter().map(keep).collect() }
}

/// All that verdicts rest on.
struct Decision<'a> {
    params: &'a FeatureParams,
    features: &'a [Feature],
    /// One for each snapshot.
    matrices: Vec<&'a FeatureMatrix>,
    relevance: Vec<Relevance>,
    /// Shape (features, features).
    correlations: Array2<f64>,
    chance: Chance,
}

impl<'a> Decision<'a> {
    fn new(
        params: &'a FeatureParams,
        plan: &'a FeaturePlan,
        snapshots: &'a [Snapshot],
        latest: &Snapshot,
    ) -> Result<Self, DatasetError> {
        Ok(Self {
            params,
            features: &plan.features,
            matrices: snapshots.iter().map(|snapshot| &snapshot.features).collect(),
            relevance: relevance_of_all(plan, snapshots)?,
            correlations: correlations_of_features(&latest.features, &plan.names())?,
            chance: Chance::of(latest)?,
        })
    }

    /// One verdict for each feature; of two alike, the more relevant one is kept.
    fn verdicts(&self) -> Vec<Verdict> {
        let required = |index| self.required(index).unwrap_or(Verdict::Constant);
        let mut verdicts: Vec<Verdict> = (0..self.features.len()).map(required).collect();
        let order = self.most_relevant_first();
        let n_required = order.iter().filter(|&&index| verdicts[index].is_kept()).count();
        let mut room = self.params.max_features.get().saturating_sub(n_required);
        let mut kept: Vec<usize> = Vec::new();
        for index in order {
            if !verdicts[index].is_kept() {
                verdicts[index] = self.verdict(index, &kept, room);
                room -= usize::from(verdicts[index].is_kept());
            }
            if verdicts[index].is_kept() {
                kept.push(index);
            }
        }
        verdicts
    }

    /// Why a feature stays whatever it says of the outcome.
    fn required(&self, index: usize) -> Option<Verdict> {
        let name = &self.features[index].info.name;
        if CORE_FEATURES.contains(&name.as_str()) {
            return Some(Verdict::Core);
        }
        self.params.custom.get(name).is_some_and(|custom| custom.keep).then_some(Verdict::Wanted)
    }

    /// Features that are not constant; equally relevant ones in catalogue order.
    fn most_relevant_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> =
            (0..self.features.len()).filter(|&index| self.varies(index)).collect();
        let strength = |index: usize| self.relevance[index].strength();
        order.sort_by(|&a, &b| strength(b).total_cmp(&strength(a)));
        order
    }

    fn varies(&self, index: usize) -> bool {
        let first =
            self.matrices.iter().find(|it| it.n_rows() > 0).map(|it| it.values()[[0, index]]);
        let differs = |value: &f64| Some(*value) != first;
        self.matrices.iter().any(|it| it.values().column(index).iter().any(differs))
    }

    /// The verdict on a feature that is neither required nor constant, after the more
    /// relevant ones; `room` is how many more may be kept.
    fn verdict(&self, index: usize, kept: &[usize], room: usize) -> Verdict {
        if let Some(verdict) = self.repeats_another(index, kept) {
            verdict
        } else if self.chance.explains(&self.relevance[index]) {
            Verdict::Irrelevant
        } else if self.relevance[index].is_unstable() {
            Verdict::Unstable
        } else if room == 0 {
            Verdict::BeyondLimit
        } else {
            Verdict::Kept
        }
    }

    fn repeats_another(&self, index: usize, kept: &[usize]) -> Option<Verdict> {
        let correlation = |other: usize| self.correlations[[index, other]].abs();
        let most = self.params.max_correlation.get();
        let twin = kept.iter().copied().find(|&other| correlation(other) > most)?;
        let other = self.features[twin].info.name.clone();
        let are_equal = |it: &&FeatureMatrix| it.values().column(index) == it.values().column(twin);
        Some(match self.matrices.iter().all(are_equal) {
            true => Verdict::DuplicateOf(other),
            false => Verdict::CollinearWith { other, correlation: correlation(twin) },
        })
    }
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
