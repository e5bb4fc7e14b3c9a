//! How good a churn model is where it is known who churned.

use serde::{Deserialize, Serialize};

use super::Importance;
use crate::dataset::Bilingual;
use crate::models::churn::FlagOutcome;
use crate::stats::metrics::{
    Ranked, RankingMeasures, ReliabilityBin, Truth, brier_score, expected_calibration_error,
    log_loss, log_losses, mean, reliability, roc_auc, squared_errors,
};
use crate::stats::resample::{Interval, bootstrap, percentile_interval};

/// Shares of the users at which lift, capture and GMV caught are reported.
pub const SHARES: [f64; 3] = [0.05, 0.1, 0.2];

const N_RESAMPLES: usize = 200;

/// How well the model and simple rules do on the users of the holdout snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChurnEvaluation {
    /// Eligible users.
    pub n_users: usize,
    /// How many of them churned.
    pub n_churned: usize,
    /// The model first, then the baselines.
    pub scores: Vec<RankingScores>,
    /// The model's probabilities before and after calibration.
    pub calibration: CalibrationScores,
    /// What each way of flagging would have done.
    pub flags: Vec<FlagOutcome>,
    /// The model within each layer.
    pub layers: Vec<LayerScores>,
    /// How much the model relies on each feature.
    pub importance: Vec<Importance>,
    /// Checks that the model fails; it is trusted where there is none.
    pub failed_checks: Vec<Bilingual>,
}

/// A measure with its 95 % bootstrap interval over users.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// On the users as they are.
    pub value: f64,
    /// `None` where too few resamples define it.
    pub interval: Option<Interval>,
}

/// One ranking of the same users; `None` where a measure is undefined, as when only
/// one class is present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankingScores {
    /// What ranks.
    pub name: Bilingual,
    /// Area under the ROC curve.
    pub roc_auc: Option<Estimate>,
    /// Average precision.
    pub pr_auc: Option<Estimate>,
    /// Kolmogorov-Smirnov distance of churned and stayed.
    pub ks: Option<Estimate>,
    /// Churn rate among the top 5, 10 and 20 % over the churn rate of all.
    pub lift: [Option<Estimate>; 3],
    /// Share of all who churned that is among the top 5, 10 and 20 %.
    pub capture: [Option<Estimate>; 3],
    /// Share of the last year's GMV of all who churned that is among the top 5, 10
    /// and 20 %.
    pub gmv_caught: [Option<Estimate>; 3],
    /// Brier score; probabilities only.
    pub brier: Option<Estimate>,
    /// Log loss in nats; probabilities only.
    pub log_loss: Option<Estimate>,
    /// Expected calibration error over ten bins of equal size; probabilities only.
    pub ece: Option<Estimate>,
}

/// Probabilities before and after calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationScores {
    /// As the classifier has them.
    pub before: ProbabilityScores,
    /// Calibrated, and level with the base rate.
    pub after: ProbabilityScores,
    /// Ten bins of equal size of the calibrated ones.
    pub reliability: Vec<ReliabilityBin>,
}

/// Log loss, Brier score and calibration error of probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbabilityScores {
    /// Their mean; its distance from the churn rate is the error of the base rate.
    pub mean_probability: f64,
    /// Log loss in nats.
    pub log_loss: Option<f64>,
    /// Brier score.
    pub brier: Option<f64>,
    /// Expected calibration error.
    pub ece: Option<f64>,
}

/// The model within a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerScores {
    /// Id of the layer.
    pub id: String,
    /// Eligible users.
    pub n_users: usize,
    /// Share of them who churned.
    pub churn_rate: f64,
    /// Mean probability.
    pub mean_probability: f64,
    /// ROC AUC within the layer; `None` where nobody or everybody churned.
    pub roc_auc: Option<f64>,
}

/// A ranking to be measured: any number that grows with the risk.
pub struct Ranking<'a> {
    /// What it is called.
    pub name: Bilingual,
    /// One a user.
    pub scores: &'a [f64],
    /// Whether the scores are probabilities.
    pub is_probability: bool,
}

/// Measures each ranking against who churned and, where it is given, what they were worth.
pub fn measure_rankings(
    rankings: &[Ranking<'_>],
    churned: &[bool],
    gmv: Option<&[f64]>,
    seed: u64,
) -> Vec<RankingScores> {
    let truth = Truth { positive: churned, value: gmv };
    let prepared: Vec<Prepared> =
        rankings.iter().map(|ranking| Prepared::new(ranking, churned)).collect();
    let resamples: Vec<Vec<Measures>> = bootstrap(churned.len(), N_RESAMPLES, seed, |copies| {
        prepared.iter().map(|it| it.measure(truth, Some(copies))).collect()
    });
    rankings
        .iter()
        .zip(&prepared)
        .enumerate()
        .map(|(index, (ranking, prepared))| {
            let value = prepared.measure(truth, None);
            let of_resamples: Vec<&Measures> = resamples.iter().map(|all| &all[index]).collect();
            value.with_intervals(&ranking.name, &of_resamples)
        })
        .collect()
}

/// A ranking with what does not change between resamples.
struct Prepared {
    ranked: Ranked,
    /// Of probabilities only.
    probabilities: Option<PreparedProbabilities>,
}

struct PreparedProbabilities {
    p: Vec<f64>,
    log_loss: Vec<f64>,
    brier: Vec<f64>,
    /// Bin of each user.
    bins: Vec<u8>,
}

/// One ranking on one resample.
struct Measures {
    ranking: RankingMeasures,
    brier: Option<f64>,
    log_loss: Option<f64>,
    ece: Option<f64>,
}

impl Prepared {
    fn new(ranking: &Ranking<'_>, churned: &[bool]) -> Self {
        let probabilities = ranking.is_probability.then(|| PreparedProbabilities {
            p: ranking.scores.to_vec(),
            log_loss: log_losses(ranking.scores, churned),
            brier: squared_errors(ranking.scores, churned),
            bins: bins(ranking.scores, churned),
        });
        Self { ranked: Ranked::new(ranking.scores), probabilities }
    }

    fn measure(&self, truth: Truth<'_>, copies: Option<&[u32]>) -> Measures {
        let n = |row: usize| copies.map_or(1.0, |copies| f64::from(copies[row]));
        let rows = 0..truth.positive.len();
        let total: f64 = rows.clone().map(n).sum();
        let of = self.probabilities.as_ref().filter(|_| total > 0.0);
        Measures {
            ranking: self.ranked.measure(truth, copies, &SHARES),
            brier: of.and_then(|it| mean(&it.brier, copies)),
            log_loss: of.and_then(|it| mean(&it.log_loss, copies)),
            ece: of.map(|it| {
                let mut excess = [0.0; 256];
                for row in rows.clone() {
                    let churned = f64::from(u8::from(truth.positive[row]));
                    excess[usize::from(it.bins[row])] += n(row) * (it.p[row] - churned);
                }
                excess.iter().map(|sum: &f64| sum.abs()).sum::<f64>() / total
            }),
        }
    }
}

/// The bin of each user among ten of equal size.
fn bins(probabilities: &[f64], churned: &[bool]) -> Vec<u8> {
    let ends: Vec<usize> = reliability(probabilities, churned, 10)
        .iter()
        .scan(0, |end, bin| {
            *end += bin.n;
            Some(*end)
        })
        .collect();
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let mut bins = vec![0; probabilities.len()];
    for (place, row) in order.into_iter().enumerate() {
        bins[row] = ends.partition_point(|&end| end <= place) as u8;
    }
    bins
}

impl Measures {
    fn with_intervals(&self, name: &Bilingual, resamples: &[&Self]) -> RankingScores {
        let estimate = |of: &dyn Fn(&Self) -> Option<f64>| -> Option<Estimate> {
            let interval = percentile_interval(resamples.iter().map(|it| of(it)));
            Some(Estimate { value: of(self)?, interval })
        };
        let by_share = |of: fn(&Self, usize) -> Option<f64>| {
            [0, 1, 2].map(|share| estimate(&|it: &Self| of(it, share)))
        };
        RankingScores {
            name: name.clone(),
            roc_auc: estimate(&|it| it.ranking.roc_auc),
            pr_auc: estimate(&|it| it.ranking.pr_auc),
            ks: estimate(&|it| it.ranking.ks),
            lift: by_share(|it, share| it.ranking.capture[share].map(|c| c / SHARES[share])),
            capture: by_share(|it, share| it.ranking.capture[share]),
            gmv_caught: by_share(|it, share| it.ranking.value_capture[share]),
            brier: estimate(&|it| it.brier),
            log_loss: estimate(&|it| it.log_loss),
            ece: estimate(&|it| it.ece),
        }
    }
}

impl CalibrationScores {
    /// Compares probabilities before and after calibration.
    pub fn of(before: &[f64], after: &[f64], churned: &[bool]) -> Self {
        let scores = |p: &[f64]| ProbabilityScores {
            mean_probability: p.iter().sum::<f64>() / p.len().max(1) as f64,
            log_loss: log_loss(p, churned),
            brier: brier_score(p, churned),
            ece: expected_calibration_error(p, churned),
        };
        Self {
            before: scores(before),
            after: scores(after),
            reliability: reliability(after, churned, 10),
        }
    }
}

/// The model within each layer; `layer_of` has the place of each user's layer among
/// `ids`.
pub fn measure_layers(
    ids: &[String],
    layer_of: &[usize],
    probabilities: &[f64],
    churned: &[bool],
) -> Vec<LayerScores> {
    let of_layer = |(layer, id): (usize, &String)| {
        let (p, y): (Vec<f64>, Vec<bool>) = (0..layer_of.len())
            .filter(|&row| layer_of[row] == layer)
            .map(|row| (probabilities[row], churned[row]))
            .unzip();
        let n = y.len().max(1) as f64;
        LayerScores {
            id: id.clone(),
            n_users: y.len(),
            churn_rate: y.iter().filter(|&&churned| churned).count() as f64 / n,
            mean_probability: p.iter().sum::<f64>() / n,
            roc_auc: roc_auc(&p, &y),
        }
    };
    ids.iter().enumerate().map(of_layer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_lie_in_their_intervals_and_lift_is_capture_by_share() {
        let churned: Vec<bool> = (0..500u64).map(|row| row * 7919 % 100 < row / 5).collect();
        let p: Vec<f64> = (0..500).map(|row| f64::from(row) / 500.0).collect();
        let ranking = Ranking { name: Bilingual::same("model"), scores: &p, is_probability: true };
        let scores = measure_rankings(&[ranking], &churned, Some(&[1.0; 500]), 3).remove(0);
        for estimate in [scores.roc_auc, scores.pr_auc, scores.ks, scores.brier, scores.log_loss] {
            let Estimate { value, interval } = estimate.unwrap();
            let interval = interval.unwrap();
            assert!(interval.low < value && value < interval.high, "{value} {interval:?}");
        }
        let ece = scores.ece.unwrap().value;
        assert!((ece - expected_calibration_error(&p, &churned).unwrap()).abs() < 1e-12);
        let (lift, capture) = (scores.lift[1].unwrap().value, scores.capture[1].unwrap().value);
        assert!((lift - capture / 0.1).abs() < 1e-12);
        assert_eq!(scores.gmv_caught[1].unwrap().value, capture);
    }
}
