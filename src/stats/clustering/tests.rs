//! The algorithms against each other, against plain arithmetic, and on what
//! they must refuse.

use linfa::DatasetBase;
use linfa::traits::{Fit, FitWith, Predict};
use ndarray::{Array1, Array2, ArrayView2, Axis, array, s};
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

/// Normal groups of unit spread around centres drawn from a cube of ±`reach`.
fn blobs(n_points: usize, n_features: usize, n_groups: usize, reach: f32) -> Array2<f32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let centres =
        Array2::from_shape_simple_fn((n_groups, n_features), || rng.gen_range(-reach..reach));
    Array2::from_shape_fn((n_points, n_features), |(row, column)| {
        centres[[row % n_groups, column]] + rng.sample::<f32, _>(StandardNormal)
    })
}

fn params(algorithm: Algorithm, n_clusters: usize) -> ClusterParams {
    let k_means = KMeansParams { n_clusters, n_starts: 3, seed: 3, ..Default::default() };
    ClusterParams { algorithm, k_means, batch_size: 2000, ..Default::default() }
}

fn fit(params: &KMeansParams, points: ArrayView2<f32>) -> Result<FittedKMeans, ClusteringError> {
    params.fit(&DatasetBase::from(points))
}

fn k_means(fitted: FittedClusters) -> FittedKMeans {
    match fitted {
        FittedClusters::KMeans(fitted) => fitted,
        FittedClusters::GaussianMixture(_) => panic!("not asked for"),
    }
}

const ALL: [Algorithm; 4] =
    [Algorithm::KMeans, Algorithm::MiniBatch, Algorithm::LinfaKMeans, Algorithm::GaussianMixture];

#[test]
fn the_same_bytes_with_any_number_of_threads() {
    // Several blocks, the last one odd; features and clusters that fill no vector.
    let points = blobs(9_011, 7, 9, 3.0);
    for algorithm in ALL {
        let run = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                let fitted = fit_clusters(&params(algorithm, 6), points.view()).unwrap();
                let assigned = fitted.assign(points.view()).unwrap();
                (serde_json::to_string(&fitted).unwrap(), format!("{assigned:?}"))
            })
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3), "{algorithm:?}");
    }
}

#[test]
fn the_nearest_centroid_is_that_of_plain_arithmetic() {
    for n_features in [1, 3, 4, 16, 33] {
        let points = blobs(531, n_features, 12, 2.0);
        for n_clusters in 1..=9 {
            let settings = KMeansParams { n_clusters, n_starts: 1, ..Default::default() };
            let fitted = fit(&settings, points.view()).unwrap();
            let mut inertia = 0.0;
            let mut sizes = vec![0; n_clusters];
            let assigned = fitted.assign(points.view()).unwrap();
            for (point, (label, margin)) in points.rows().into_iter().zip(assigned) {
                let mut distances: Vec<f64> = fitted
                    .centroids
                    .rows()
                    .into_iter()
                    .map(|c| c.iter().zip(point).map(|(a, b)| f64::from(a - b).powi(2)).sum())
                    .collect();
                let own = distances[label];
                distances.sort_by(f64::total_cmp);
                assert!(own <= distances[0] * (1.0 + 1e-5));
                let second = distances.get(1).map_or(f64::INFINITY, |d| *d);
                assert!((margin - (1.0 - (distances[0] / second).sqrt())).abs() < 1e-5);
                inertia += own;
                sizes[label] += 1;
            }
            assert!((fitted.inertia / inertia - 1.0).abs() < 1e-6);
            assert_eq!(fitted.sizes, sizes);
        }
    }
}

#[test]
fn far_from_the_origin_decisions_are_as_good_as_near_it() {
    // The difference of squares would be lost in rounding here.
    let points = array![[10_000.0f32], [10_000.5], [10_001.5], [10_002.0]];
    let settings = KMeansParams { n_clusters: 2, ..Default::default() };
    let fitted = fit(&settings, points.view()).unwrap();
    assert_eq!(fitted.inertia, 0.25);
}

#[test]
fn margins_are_zero_on_the_border_and_one_on_a_centroid() {
    let start = Start::Given(array![[0.0], [10.0]]);
    let settings = KMeansParams { n_clusters: 2, start, ..Default::default() };
    let fitted = fit(&settings, array![[0.0f32], [10.0]].view()).unwrap();
    let found = fitted.assign(array![[5.0f32], [0.0], [9.0]].view()).unwrap();
    assert_eq!(found[..2], [(0, 0.0), (0, 1.0)]);
    assert_eq!(found[2].0, 1);
    assert!((found[2].1 - (1.0 - 1.0 / 9.0)).abs() < 1e-7);
}

#[test]
fn from_one_start_linfa_ends_at_the_same_centroids() {
    // linfa counts the former centroid as one more member. So it creeps where
    // Lloyd's algorithm jumps, by a rest of 1/(size + 1) each time, but stands
    // still where Lloyd's does: on the means. Left until it does, and where both
    // take the same decisions on the way, only the rounding to single precision
    // is between them.
    let points = blobs(6000, 5, 4, 8.0);
    let start = Start::Given(points.slice(s![..4, ..]).to_owned());
    let base = KMeansParams { n_clusters: 4, start, tolerance: 0.0, ..Default::default() };
    let run = |algorithm| {
        let settings = ClusterParams { algorithm, k_means: base.clone(), ..Default::default() };
        k_means(fit_clusters(&settings, points.view()).unwrap())
    };
    let (ours, theirs) = (run(Algorithm::KMeans), run(Algorithm::LinfaKMeans));
    let apart = (&ours.centroids - &theirs.centroids).fold(0.0f32, |most, d| most.max(d.abs()));
    assert!(apart < 2e-6, "{apart}");
    assert_eq!(ours.sizes, theirs.sizes);
    assert!((ours.inertia / theirs.inertia - 1.0).abs() < 1e-9);
}

#[test]
fn mini_batches_come_close_to_the_whole() {
    let points = blobs(40_000, 8, 6, 3.0);
    let whole = k_means(fit_clusters(&params(Algorithm::KMeans, 6), points.view()).unwrap());
    let batches = k_means(fit_clusters(&params(Algorithm::MiniBatch, 6), points.view()).unwrap());
    let ratio = batches.inertia / whole.inertia;
    assert!((0.999_999..1.02).contains(&ratio), "{ratio}");
}

#[test]
fn a_batch_moves_centroids_as_its_points_would_one_by_one() {
    let points = blobs(300, 2, 3, 4.0);
    let settings = KMeansParams { n_clusters: 3, ..Default::default() };
    let batch = |rows: std::ops::Range<usize>| DatasetBase::from(points.slice(s![rows, ..]));
    let first = settings.fit_with(None, &batch(0..100)).unwrap();
    let second = settings.fit_with(Some(first.clone()), &batch(100..300)).unwrap();
    let labels: Array1<usize> = first.measure(points.view()).unwrap().predict(&points);
    let (mut centroids, mut counts) = (first.centroids, first.counts);
    for row in 100..300 {
        counts[labels[row]] += 1;
        let rate = 1.0 / counts[labels[row]] as f64;
        let point = points.row(row).mapv(f64::from);
        let mut centroid = centroids.row_mut(labels[row]);
        centroid.zip_mut_with(&point, |c, x| *c = (1.0 - rate) * *c + rate * x);
    }
    assert_eq!(second.counts, counts);
    assert!((&second.centroids - &centroids).iter().all(|d| d.abs() < 1e-6));
}

#[test]
fn a_mixture_tells_a_narrow_group_from_a_wide_one() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let points = Array2::from_shape_fn((2000, 2), |(row, column)| {
        let (spread, centre) = if row % 2 == 0 { (0.3, 0.0) } else { (3.0, 5.0) };
        let centre = if column == 0 { centre } else { 0.0 };
        centre + spread * rng.sample::<f32, _>(StandardNormal)
    });
    let share_right = |algorithm| {
        let fitted = fit_clusters(&params(algorithm, 2), points.view()).unwrap();
        let assigned = fitted.assign(points.view()).unwrap();
        let same = assigned.iter().enumerate().filter(|(row, (label, _))| row % 2 == *label);
        let share = same.count() as f64 / 2000.0;
        share.max(1.0 - share)
    };
    let (mixture, cut) = (share_right(Algorithm::GaussianMixture), share_right(Algorithm::KMeans));
    assert!(mixture > 0.97 && cut < 0.93, "{mixture} {cut}");
}

#[test]
fn a_saved_model_assigns_alike() {
    let points = blobs(500, 3, 4, 5.0);
    for algorithm in ALL {
        let fitted = fit_clusters(&params(algorithm, 4), points.view()).unwrap();
        let text = serde_json::to_string(&fitted).unwrap();
        let loaded: FittedClusters = serde_json::from_str(&text).unwrap();
        assert_eq!(loaded, fitted);
        let (a, b) = (loaded.assign(points.view()).unwrap(), fitted.assign(points.view()).unwrap());
        assert_eq!(a, b);
        assert_eq!(loaded.sizes().iter().sum::<usize>(), 500);
    }
}

#[test]
fn a_matrix_of_another_layout_gives_the_same_clusters() {
    let points = blobs(1000, 4, 3, 3.0);
    let by_columns = points.t().as_standard_layout().into_owned().reversed_axes();
    let settings = KMeansParams { n_clusters: 3, ..Default::default() };
    let fitted = fit(&settings, points.view()).unwrap();
    assert_eq!(fitted, fit(&settings, by_columns.view()).unwrap());
    assert_eq!(fitted.assign(points.view()).unwrap(), fitted.assign(by_columns.view()).unwrap());
    assert_eq!(fitted.centroids.len_of(Axis(0)), 3);
}

#[test]
fn what_cannot_be_clustered_is_an_error_that_says_why() {
    let message = |algorithm, n_clusters, points: ArrayView2<f32>| {
        fit_clusters(&params(algorithm, n_clusters), points).unwrap_err().to_string()
    };
    let few = array![[0.0f32, 1.0], [-0.0, 1.0], [2.0, 2.0]];
    let broken = array![[0.0f32, 1.0], [1.0, f32::NAN]];
    for algorithm in ALL {
        assert_eq!(message(algorithm, 0, few.view()), "n_clusters must be at least 1, got 0");
        assert_eq!(
            message(algorithm, 3, few.view()),
            "n_clusters = 3 needs as many points that differ, but of 3 points only 2 differ; \
             lower n_clusters or add data"
        );
        assert_eq!(
            message(algorithm, 1, broken.view()),
            "row 1, column 1 is NaN, but points must be finite and within ±1e15; clean or scale \
             the data first"
        );
        assert_eq!(
            message(algorithm, 1, Array2::zeros((3, 0)).view()),
            "the points have no columns"
        );
        let fitted = fit_clusters(&params(algorithm, 2), blobs(50, 2, 2, 9.0).view()).unwrap();
        assert_eq!(
            fitted.assign(Array2::zeros((1, 3)).view()).unwrap_err().to_string(),
            "the clusters were fitted on 2 columns, but the points have 3"
        );
        assert!(matches!(
            fitted.assign(broken.view()),
            Err(ClusteringError::Value { row: 1, column: 1, .. })
        ));
        assert_eq!(fitted.assign(Array2::zeros((0, 2)).view()).unwrap(), []);
    }
}
