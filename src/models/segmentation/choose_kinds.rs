//! How many kinds there are, and by which algorithm they are found.

use std::cmp::Ordering;

use ndarray::{Array2, ArrayView2, Axis};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::candidate::{Candidate, Gap, KVerdict, cluster_params, thinned};
use super::groups::numbers;
use super::params::Clustering;
use super::{GroupCount, KindAlgorithm, KindParams, SegmentationError};
use crate::stats::clustering::{
    Algorithm, ClusterParams, ClusteringError, FittedClusters, KMeansParams, Start, fit_clusters,
};
use crate::stats::linear::principal_components;
use crate::stats::metrics::{adjusted_rand_index, mean, silhouette, standard_deviation};

/// Users on whom numbers of kinds are tried at most.
const MAX_POINTS: usize = 10_000;

/// Users on whom the silhouette is computed at most.
const N_SILHOUETTE: usize = 2_000;

/// Ways of dividing the users into two halves, of which one predicts the other.
const N_SPLITS: usize = 5;

/// Clouds without any kinds, beside which the users' kinds must be tight.
const N_CLOUDS: u64 = 5;

/// Starts of k-means in a cloud: every cut of it is about as good.
const STARTS_IN_CLOUD: usize = 3;

/// Adjusted Rand index between halves below which a number of kinds is unstable.
const MIN_STABILITY: f64 = 0.6;

/// Users that a kind has at least: what fewer do may be chance.
const MIN_USERS: f64 = 30.0;

/// The number of kinds, how it was chosen, and how clusters are found.
pub(super) struct Choice {
    pub candidates: Vec<Candidate>,
    pub k: usize,
    pub clustering: Clustering,
}

/// Chooses the number of kinds and, where the config leaves it open, the algorithm: the
/// mixture is clearly better where in every split of the users in halves, the halves agree
/// more on its kinds than on those of k-means.
///
/// Held-out likelihood would not do: k-means has none, and a mixture has more of it than
/// any sphere where users of whom nothing is known are all at one point.
pub(super) fn choose_kinds(
    params: &KindParams,
    points: ArrayView2<f32>,
    seed: u64,
) -> Result<Choice, SegmentationError> {
    let n_users = points.nrows();
    let points = thinned(points, MAX_POINTS);
    let mut candidates = try_candidates(params, points.view(), seed)?;
    take_one(params, n_users, &mut candidates);
    let mut choice = Choice { k: 1, clustering: params.into(), candidates: Vec::new() };
    if let Some(taken) = candidates.iter_mut().find(|it| it.verdict == KVerdict::Taken) {
        choice.k = taken.k;
        if params.algorithm == KindAlgorithm::Auto && taken.k > 1 {
            let mixture = agreement_of_mixture(points.view(), taken.k, seed)?;
            let of_k_means = agreement_of_halves(params.into(), points.view(), taken.k, seed)?;
            let is_better = |(mixture, k_means): (&Agreement, &Agreement)| {
                mixture.rand_index > k_means.rand_index
            };
            if !mixture.is_empty() && mixture.iter().zip(&of_k_means).all(is_better) {
                choice.clustering = Clustering::of_mixture();
            }
            taken.mixture_stability = mean_of(&mixture, |it| it.rand_index);
        }
    }
    Ok(Choice { candidates, ..choice })
}

/// Measures every number of kinds from 2 on.
fn try_candidates(
    params: &KindParams,
    points: ArrayView2<f32>,
    seed: u64,
) -> Result<Vec<Candidate>, SegmentationError> {
    let bounds = params.k.bounds(KindParams::AUTO);
    let clouds = clouds(points, seed)?;
    let mut candidates: Vec<Candidate> = Vec::new();
    for k in bounds.clone() {
        match measure(params, points, &clouds, k, seed) {
            // There are no more different users than that.
            Err(SegmentationError::TooFewPoints { .. })
                if params.k == GroupCount::Auto || !candidates.is_empty() =>
            {
                break;
            }
            Err(SegmentationError::TooFewPoints { k, n_users, n_distinct }) => {
                return Err(SegmentationError::TooFewHabits { k, n_users, n_distinct });
            }
            measured => candidates.push(measured?),
        }
    }
    Ok(candidates)
}

/// Takes one, or none where the users are one kind.
///
/// Of those whose smallest kind is large enough, that are tighter than one cloud cut into as
/// many pieces, and stable, the first after which one kind more is no tighter than a cut
/// through a cloud would be.
///
/// Source: Tibshirani, Walther & Hastie (2001), "Estimating the number of clusters via the
/// gap statistic", JRSS B 63, §3: the smallest k with Gap(k) ≥ Gap(k + 1) − s(k + 1); here
/// from the first that is above 0, since few cuts through many groups are no tighter than
/// cuts through one cloud.
fn take_one(params: &KindParams, n_users: usize, candidates: &mut [Candidate]) {
    let min_share = params.min_share.get().max(MIN_USERS / n_users.max(1) as f64);
    let is_fixed = candidates.len() == 1 && matches!(params.k, GroupCount::Exactly(_));
    let verdict = |it: &Candidate| {
        let gap = it.separation.unwrap_or_default();
        match it {
            _ if is_fixed => KVerdict::Taken,
            it if it.smallest_share < min_share => KVerdict::SmallGroup,
            _ if gap.mean <= gap.error => KVerdict::NotSeparated,
            it if it.stability < MIN_STABILITY => KVerdict::Unstable,
            _ => KVerdict::Taken,
        }
    };
    candidates.iter_mut().for_each(|it| it.verdict = verdict(it));
    let is_last = |at: usize| match (candidates[at].separation, candidates.get(at + 1)) {
        (Some(gap), Some(Candidate { separation: Some(next), .. })) => {
            gap.mean >= next.mean - next.error
        }
        _ => true,
    };
    let mut good: Vec<usize> =
        (0..candidates.len()).filter(|&at| candidates[at].verdict == KVerdict::Taken).collect();
    // Who asks for so many kinds at least has them: those that are the furthest apart.
    if good.is_empty() && matches!(params.k, GroupCount::Between(_)) {
        let gap = |at: &usize| candidates[*at].separation.unwrap_or_default().mean;
        good.extend((0..candidates.len()).max_by(|a, b| gap(a).total_cmp(&gap(b))));
    }
    let taken = good.iter().copied().find(|&at| is_last(at)).or(good.last().copied());
    for at in good {
        candidates[at].verdict = match Some(at).cmp(&taken) {
            Ordering::Less => KVerdict::MoreAreFound,
            Ordering::Equal => KVerdict::Taken,
            Ordering::Greater => KVerdict::NoTighter,
        };
    }
}

fn measure(
    params: &KindParams,
    points: ArrayView2<f32>,
    clouds: &[Array2<f32>],
    k: usize,
    seed: u64,
) -> Result<Candidate, SegmentationError> {
    let clustering = Clustering::from(params);
    let fitted = fit_clusters(&cluster_params(clustering, k, seed), points)?;
    let labels = numbers(fitted.assign(points)?);
    let shown = thinned(points, N_SILHOUETTE);
    let of_shown = numbers(fitted.assign(shown.view())?);
    let halves = agreement_of_halves(clustering, points, k, seed)?;
    let in_cloud = Clustering { n_starts: STARTS_IN_CLOUD, ..clustering };
    let logs_of_clouds = clouds
        .par_iter()
        .map(|cloud| {
            let clusters = fit_clusters(&cluster_params(in_cloud, k, seed), cloud.view())?;
            Ok(mean_squared_distance(&clusters, cloud.view())?.ln())
        })
        .collect::<Result<Vec<f64>, SegmentationError>>()?;
    let size = |label: usize| labels.iter().filter(|&&it| it == label).count();
    let smallest = (0..k).map(size).min().unwrap_or(0);
    Ok(Candidate {
        k,
        outcome_r2: None,
        silhouette: silhouette(shown.mapv(f64::from).view(), &of_shown).unwrap_or(-1.0),
        stability: mean_of(&halves, |it| it.rand_index).unwrap_or(0.0),
        mixture_stability: None,
        prediction_strength: mean_of(&halves, |it| it.prediction_strength),
        separation: Some(gap(mean_squared_distance(&fitted, points)?.ln(), &logs_of_clouds)),
        smallest_share: smallest as f64 / labels.len().max(1) as f64,
        verdict: KVerdict::Taken,
    })
}

/// How well kinds that one half of the users gives fit the other half.
struct Agreement {
    /// Adjusted Rand index between its own kinds and those.
    rand_index: f64,
    prediction_strength: f64,
}

fn mean_of(splits: &[Agreement], figure: fn(&Agreement) -> f64) -> Option<f64> {
    mean(&splits.iter().map(figure).collect::<Vec<_>>(), None)
}

/// One for each way of dividing the users into two halves.
fn agreement_of_halves(
    clustering: Clustering,
    points: ArrayView2<f32>,
    k: usize,
    seed: u64,
) -> Result<Vec<Agreement>, SegmentationError> {
    let of_all = match clustering.algorithm {
        Algorithm::GaussianMixture => None,
        _ => Some(fit_clusters(&cluster_params(clustering, k, seed), points)?),
    };
    let cluster = |half: ArrayView2<f32>, seed: u64| {
        let found = fit_clusters(&cluster_params(clustering.for_trials(), k, seed), half)?;
        // The same clusters may be there but not found: from those of all users as well. A
        // mixture is no matter of distances.
        let Some(of_all) = &of_all else { return Ok(found) };
        let near = from_centroids(of_all, half)?;
        let is_better = mean_squared_distance(&near, half)? < mean_squared_distance(&found, half)?;
        Ok::<_, SegmentationError>(if is_better { near } else { found })
    };
    (0..N_SPLITS as u64)
        .into_par_iter()
        .map(|split| {
            let (first, second) = random_halves(points, seed.wrapping_add(split));
            let predicted = numbers(cluster(first.view(), split)?.assign(second.view())?);
            let own = numbers(cluster(second.view(), split)?.assign(second.view())?);
            Ok(Agreement {
                rand_index: adjusted_rand_index(&own, &predicted),
                prediction_strength: prediction_strength(&own, &predicted, k),
            })
        })
        .collect()
}

/// Of a mixture; none where the users' shape allows no mixture of so many.
fn agreement_of_mixture(
    points: ArrayView2<f32>,
    k: usize,
    seed: u64,
) -> Result<Vec<Agreement>, SegmentationError> {
    match agreement_of_halves(Clustering::of_mixture(), points, k, seed) {
        Err(SegmentationError::Clustering(ClusteringError::Mixture(_))) => Ok(Vec::new()),
        agreement => agreement,
    }
}

/// Clusters of some points that begin where those of others are.
fn from_centroids(
    others: &FittedClusters,
    points: ArrayView2<f32>,
) -> Result<FittedClusters, ClusteringError> {
    let centroids = others.centroids().clone();
    let k_means = KMeansParams {
        n_clusters: centroids.nrows(),
        start: Start::Given(centroids),
        ..Default::default()
    };
    fit_clusters(&ClusterParams { k_means, ..Default::default() }, points)
}

fn gap(log_of_points: f64, logs_of_clouds: &[f64]) -> Gap {
    let n = logs_of_clouds.len() as f64;
    let mean = logs_of_clouds.iter().sum::<f64>() / n;
    let error = standard_deviation(logs_of_clouds) * (1.0 + 1.0 / n).sqrt();
    Gap { mean: mean - log_of_points, error }
}

fn random_halves(points: ArrayView2<f32>, seed: u64) -> (Array2<f32>, Array2<f32>) {
    let mut rows: Vec<usize> = (0..points.nrows()).collect();
    rows.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
    let (first, second) = rows.split_at(rows.len() / 2);
    (points.select(Axis(0), first), points.select(Axis(0), second))
}

/// Of the pairs of users in one cluster, the share that clusters of other users put
/// together as well; that of the cluster where it is least.
///
/// Source: Tibshirani & Walther (2005), "Cluster validation by prediction strength", JCGS
/// 14, eq. 2.1.
fn prediction_strength(own: &[usize], predicted: &[usize], k: usize) -> f64 {
    let mut counts = Array2::<f64>::zeros((k, k));
    own.iter().zip(predicted).for_each(|(&own, &predicted)| counts[[own, predicted]] += 1.0);
    let pairs = |n: f64| n * (n - 1.0);
    let of_cluster = counts.rows().into_iter().filter(|row| row.sum() > 1.0);
    of_cluster
        .map(|row| row.iter().map(|&n| pairs(n)).sum::<f64>() / pairs(row.sum()))
        .fold(1.0, f64::min)
}

fn mean_squared_distance(
    clusters: &FittedClusters,
    points: ArrayView2<f32>,
) -> Result<f64, SegmentationError> {
    let labels = numbers(clusters.assign(points)?);
    let squared = |(point, label): (ndarray::ArrayView1<f32>, &usize)| -> f64 {
        let centroid = clusters.centroids().row(*label);
        point.iter().zip(centroid).map(|(a, b)| f64::from(a - b).powi(2)).sum()
    };
    let total: f64 = points.rows().into_iter().zip(&labels).map(squared).sum();
    // Where each user is on a centroid there is a logarithm all the same.
    Ok((total / points.nrows().max(1) as f64).max(f64::MIN_POSITIVE))
}

/// Normal clouds that reach as far in each direction as the points do: the reference
/// along principal components of Tibshirani, Walther & Hastie (2001), §4, but normal, since
/// beside a uniform one a single cloud would pass as several groups.
fn clouds(points: ArrayView2<f32>, seed: u64) -> Result<Vec<Array2<f32>>, SegmentationError> {
    let points = points.mapv(f64::from);
    let (components, variances) = principal_components(points.view(), points.ncols())?;
    let cloud = |number: u64| {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(number));
        let along = Array2::from_shape_fn((points.nrows(), variances.len()), |(_, column)| {
            rng.sample::<f64, _>(StandardNormal) * variances[column].sqrt()
        });
        along.dot(&components).mapv(|value| value as f32)
    };
    Ok((0..N_CLOUDS).map(cloud).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Share;

    /// Two groups of users, as long and as wide.
    fn two_groups(length: f64, width: f64) -> Array2<f32> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        Array2::from_shape_fn((1_000, 2), |(row, column)| {
            let centre = if row % 2 == column { 4.0 } else { 0.0 };
            let spread = if column == 0 { length } else { width };
            (centre + spread * rng.sample::<f64, _>(StandardNormal)) as f32
        })
    }

    #[test]
    fn few_users_are_no_kind() {
        let cloud = two_groups(0.5, 0.5);
        let verdicts = |n_apart: usize| {
            // Of the second group, which has every other row, the first so many.
            let rows: Vec<usize> =
                (0..1_000).filter(|it| it % 2 == 0 || *it < 2 * n_apart).collect();
            let points = cloud.select(Axis(0), &rows);
            let choice = choose_kinds(&KindParams::default(), points.view(), 1).unwrap();
            (choice.k, choice.candidates[0].verdict)
        };
        assert_eq!(verdicts(40), (2, KVerdict::Taken));
        assert_eq!(verdicts(20), (1, KVerdict::SmallGroup));
        // Of many users it counts how many there are, not how many are looked at.
        let mut candidates = [Candidate { smallest_share: 0.002, ..measured(cloud.view(), 2) }];
        let params = KindParams { min_share: Share::of(0.001), ..KindParams::default() };
        for (n_users, verdict) in [(14_000, KVerdict::SmallGroup), (16_000, KVerdict::Taken)] {
            take_one(&params, n_users, &mut candidates);
            assert_eq!(candidates[0].verdict, verdict, "{n_users}");
        }
    }

    fn measured(points: ArrayView2<f32>, k: usize) -> Candidate {
        measure(&KindParams::default(), points, &clouds(points, 1).unwrap(), k, 1).unwrap()
    }

    #[test]
    fn a_mixture_is_taken_where_halves_of_the_users_agree_more_on_it() {
        let choose = |points: &Array2<f32>, algorithm| {
            let params = KindParams { k: GroupCount::exactly(2), algorithm, ..Default::default() };
            choose_kinds(&params, points.view(), 1).unwrap()
        };
        let (round, long) = (two_groups(1.0, 1.0), two_groups(4.0, 0.5));
        let of_round = choose(&round, KindAlgorithm::Auto);
        assert_eq!(of_round.clustering.algorithm, Algorithm::KMeans);
        let of_long = choose(&long, KindAlgorithm::Auto);
        assert_eq!(
            of_long.clustering.algorithm,
            Algorithm::GaussianMixture,
            "{:?}",
            of_long.candidates
        );
        let taken = &of_long.candidates[0];
        assert!(taken.mixture_stability.unwrap() > taken.stability, "{taken:?}");
        // Who asks for k-means has it.
        let fixed = choose(&long, KindAlgorithm::KMeans);
        assert_eq!(fixed.clustering.algorithm, Algorithm::KMeans);
        assert_eq!(fixed.candidates[0].mixture_stability, None);
    }
}
