//! How many layers there are.

use ndarray::{ArrayView2, Axis};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::candidate::{Candidate, KVerdict, cluster_params, labels, mean_rand_index, thinned};
use super::embedding::Outcome;
use super::{SegmentationError, SegmentationParams};
use crate::dataset::Outcomes;
use crate::stats::clustering::{FittedClusters, fit_clusters};
use crate::stats::metrics::{r_squared, silhouette};

/// Users on which the silhouette of a candidate is computed: its time grows with
/// the square of them.
const N_SILHOUETTE: usize = 2_000;
/// Users on which candidates are fitted and validated at most.
pub(super) const MAX_POINTS: usize = 20_000;
/// Refits on resampled users, which show how stable a candidate is.
const N_REFITS: usize = 5;
/// A candidate whose outcome score is at least this share of the best is as good.
const NEAR_BEST: f64 = 0.98;

/// Coordinates of users, shape (rows, coordinates), and their outcomes: those that
/// candidates are fitted to, and those that validate them.
pub(super) struct SelectionData<'a> {
    pub training: ArrayView2<'a, f32>,
    pub training_outcomes: &'a Outcomes,
    pub validation: ArrayView2<'a, f32>,
    pub validation_outcomes: &'a Outcomes,
}

/// Measures every number of layers and takes one: of those whose smallest layer
/// is large enough and whose refits agree, those whose outcome R² is nearly that
/// of the best, and of these the one whose layers are furthest apart. A
/// condition that nobody meets is dropped.
pub(super) fn choose_k(
    params: &SegmentationParams,
    data: &SelectionData<'_>,
    ks: impl IntoIterator<Item = usize>,
    seed: u64,
) -> Result<Vec<Candidate>, SegmentationError> {
    let mut candidates = Vec::new();
    for k in ks {
        match measure(params, data, k, seed) {
            // More layers than the training users allow are not tried.
            Err(SegmentationError::TooFewPoints { .. }) if !candidates.is_empty() => break,
            measured => candidates.push(measured?),
        }
    }
    take_one(&mut candidates, params.min_share.get());
    Ok(candidates)
}

fn take_one(candidates: &mut [Candidate], min_share: f64) {
    let mut open: Vec<&mut Candidate> = candidates.iter_mut().collect();
    reject(&mut open, KVerdict::SmallGroup, |c, _| c.smallest_share >= min_share);
    reject(&mut open, KVerdict::Unstable, |c, _| c.is_stable());
    let predicted = |c: &Candidate| c.outcome_r2.unwrap_or(0.0);
    reject(&mut open, KVerdict::LowerOutcomeR2, |c, open| {
        let best = open.iter().map(|c| predicted(c)).fold(f64::NEG_INFINITY, f64::max);
        predicted(c) >= best.min(best * NEAR_BEST)
    });
    reject(&mut open, KVerdict::LowerSilhouette, |c, open| {
        let widest = open.iter().map(|c| c.silhouette).fold(f64::NEG_INFINITY, f64::max);
        c.silhouette >= widest
    });
    // Of equals the fewest layers.
    open.iter_mut().skip(1).for_each(|c| c.verdict = KVerdict::LowerSilhouette);
}

/// Keeps the candidates for which the condition holds, if there are any, and notes
/// the verdict of the others.
fn reject(
    open: &mut Vec<&mut Candidate>,
    verdict: KVerdict,
    holds: impl Fn(&Candidate, &[&mut Candidate]) -> bool,
) {
    let passes: Vec<bool> = open.iter().map(|candidate| holds(candidate, open)).collect();
    if !passes.contains(&true) {
        return;
    }
    let mut index = 0;
    open.retain_mut(|candidate| {
        index += 1;
        if !passes[index - 1] {
            candidate.verdict = verdict;
        }
        passes[index - 1]
    });
}

fn measure(
    params: &SegmentationParams,
    data: &SelectionData<'_>,
    k: usize,
    seed: u64,
) -> Result<Candidate, SegmentationError> {
    let training = thinned(data.training, MAX_POINTS);
    let validation = thinned(data.validation, MAX_POINTS);
    let fitted = fit_clusters(&cluster_params(params.into(), k, seed), training.view())?;
    let labels = labels(&fitted, validation.view())?;
    let mut sizes = vec![0usize; k];
    labels.iter().for_each(|&label| sizes[label] += 1);
    // A cluster of users of earlier times makes no layer.
    let smallest = sizes.iter().filter(|&&size| size > 0).min().copied().unwrap_or(0);
    let shown = thinned(validation.view(), N_SILHOUETTE);
    let of_shown = self::labels(&fitted, shown.view())?;
    Ok(Candidate {
        k,
        outcome_r2: outcome_r2(&fitted, data)?,
        silhouette: silhouette(shown.mapv(f64::from).view(), &of_shown).unwrap_or(-1.0),
        stability: stability(params, training.view(), validation.view(), k, seed)?,
        mixture_stability: None,
        prediction_strength: None,
        separation: None,
        smallest_share: smallest as f64 / labels.len().max(1) as f64,
        verdict: KVerdict::Taken,
    })
}

/// R² on the validation rows of the layer means of the training rows, averaged over
/// the outcomes.
fn outcome_r2(
    fitted: &FittedClusters,
    data: &SelectionData<'_>,
) -> Result<Option<f64>, SegmentationError> {
    let labels = (&labels(fitted, data.training)?[..], &labels(fitted, data.validation)?[..]);
    let scores = r2_of_outcomes(labels, data.training_outcomes, data.validation_outcomes);
    Ok(mean_r2(&scores))
}

pub(super) fn mean_r2(scores: &[(Outcome, f64)]) -> Option<f64> {
    let n_outcomes = scores.len() as f64;
    (n_outcomes > 0.0).then(|| scores.iter().map(|it| it.1).sum::<f64>() / n_outcomes)
}

/// R² of each outcome of validation rows, as predicted by the mean of the training rows
/// with the same label.
pub(super) fn r2_of_outcomes(
    (of_training, of_validation): (&[usize], &[usize]),
    training_outcomes: &Outcomes,
    validation_outcomes: &Outcomes,
) -> Vec<(Outcome, f64)> {
    let n_labels = of_training.iter().chain(of_validation).max().map_or(0, |&most| most + 1);
    Outcome::that_vary(validation_outcomes)
        .into_iter()
        .filter_map(|outcome| {
            let (known, truth) = (outcome.of(training_outcomes), outcome.of(validation_outcomes));
            let means = means_by_label(of_training, &known, n_labels);
            let predicted: Vec<f64> = of_validation.iter().map(|&label| means[label]).collect();
            Some((outcome, r_squared(&predicted, &truth, None)?))
        })
        .collect()
}

/// Mean of each cluster; the mean of all where a cluster has no member.
fn means_by_label(labels: &[usize], values: &[f64], n_labels: usize) -> Vec<f64> {
    let of_all = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mut sums = vec![(0.0, 0.0); n_labels];
    for (&label, value) in labels.iter().zip(values) {
        sums[label].0 += value;
        sums[label].1 += 1.0;
    }
    sums.into_iter().map(|(sum, n)| if n > 0.0 { sum / n } else { of_all }).collect()
}

/// Mean adjusted Rand index between clusterings that were fitted on resamples
/// of the training points, each by itself, and assign the validation points.
///
/// Source: Ben-Hur, Elisseeff & Guyon (2002), "A stability based method for
/// discovering structure in clustered data".
fn stability(
    params: &SegmentationParams,
    training: ArrayView2<'_, f32>,
    validation: ArrayView2<'_, f32>,
    k: usize,
    seed: u64,
) -> Result<f64, SegmentationError> {
    let refits = (0..N_REFITS as u64)
        .into_par_iter()
        .map(|refit| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(1 + refit));
            let rows: Vec<usize> =
                (0..training.nrows()).map(|_| rng.gen_range(0..training.nrows())).collect();
            let resampled = training.select(Axis(0), &rows);
            let params = cluster_params(params.into(), k, rng.r#gen());
            labels(&fit_clusters(&params, resampled.view())?, validation)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(mean_rand_index(&refits))
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn candidate(k: usize, r2: f64, silhouette: f64, stability: f64, share: f64) -> Candidate {
        Candidate {
            k,
            outcome_r2: Some(r2),
            silhouette,
            stability,
            mixture_stability: None,
            prediction_strength: None,
            separation: None,
            smallest_share: share,
            verdict: KVerdict::Taken,
        }
    }

    #[test]
    fn each_condition_in_turn_and_its_reason() {
        let mut candidates = [
            candidate(6, 0.30, 0.50, 0.95, 0.01),
            candidate(7, 0.398, 0.31, 0.95, 0.01),
            candidate(8, 0.40, 0.30, 0.95, 0.01),
            candidate(9, 0.41, 0.40, 0.50, 0.01),
            candidate(10, 0.45, 0.40, 0.95, 0.0001),
        ];
        take_one(&mut candidates, 0.001);
        use KVerdict::{LowerOutcomeR2, LowerSilhouette, SmallGroup, Taken, Unstable};
        let verdicts = candidates.map(|c| c.verdict);
        assert_eq!(verdicts, [LowerOutcomeR2, Taken, LowerSilhouette, Unstable, SmallGroup]);
    }

    #[test]
    fn a_condition_that_nobody_meets_is_dropped() {
        let mut candidates = [candidate(2, -0.2, 0.1, 0.2, 0.0), candidate(3, -0.1, 0.1, 0.3, 0.0)];
        take_one(&mut candidates, 0.001);
        assert_eq!(candidates.map(|c| c.verdict), [KVerdict::LowerOutcomeR2, KVerdict::Taken]);
    }

    #[test]
    fn plain_groups_are_stable_and_predict_the_outcome() {
        // Three groups far apart; the third orders.
        let points = Array2::from_shape_fn((300, 1), |(row, _)| {
            (row % 3) as f32 * 10.0 + (row % 7) as f32 * 0.1
        });
        let n_orders: Vec<f64> = (0..300).map(|row| f64::from(u8::from(row % 3 == 2))).collect();
        let outcomes = Outcomes::of_orders(n_orders, vec![0.0; 300]);
        let data = SelectionData {
            training: points.view(),
            training_outcomes: &outcomes,
            validation: points.view(),
            validation_outcomes: &outcomes,
        };
        let found = choose_k(&SegmentationParams::default(), &data, [2, 3], 1).unwrap();
        assert_eq!(found.iter().find(|c| c.verdict == KVerdict::Taken).unwrap().k, 3);
        assert!(found[1].stability > 0.99 && found[1].silhouette > 0.9);
        assert!((found[1].outcome_r2.unwrap() - 1.0).abs() < 1e-9);
    }
}
