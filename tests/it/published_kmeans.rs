//! What books, packages and tutorials print for k-means, to their last digits.

use layercake::stats::clustering::fit_clusters;
use layercake::stats::clustering::{ClusterParams, FittedClusters, FittedKMeans, KMeansParams};
use layercake::stats::metrics::silhouette;
use ndarray::Array2;

use crate::support::project;

/// The numbers of `tests/it/data/NAME.csv`.
fn points(name: &str) -> Array2<f64> {
    let path = project().join("tests/it/data").join(name).with_extension("csv");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|value| value.parse().unwrap()).collect())
        .collect();
    let shape = (rows.len(), rows[0].len());
    Array2::from_shape_vec(shape, rows.into_iter().flatten().collect()).unwrap()
}

/// The best of fifty starts, until nothing moves.
fn best(points: &Array2<f64>, n_clusters: usize) -> (FittedKMeans, Vec<usize>) {
    let k_means = KMeansParams { n_clusters, n_starts: 50, tolerance: 0.0, ..Default::default() };
    let points = points.mapv(|value| value as f32);
    let params = ClusterParams { k_means, ..Default::default() };
    let clusters = fit_clusters(&params, points.view()).unwrap();
    let assigned = clusters.assign(points.view()).unwrap();
    let FittedClusters::KMeans(fitted) = clusters else { panic!("k-means was asked for") };
    (fitted, assigned.into_iter().map(|(label, _)| label).collect())
}

#[test]
fn sums_of_squares_of_the_mall_customers() {
    let published = [269981.28, 181363.596, 106348.3731, 73679.789, 44448.4554, 37233.8145];
    let customers = points("mall_customers");
    for (n_clusters, expected) in (1..).zip(published) {
        let (fitted, _) = best(&customers, n_clusters);
        // The figures are printed with up to four decimals.
        assert!((fitted.inertia - expected).abs() < 1e-3, "{n_clusters}: {}", fitted.inertia);
    }
}

#[test]
fn three_clusters_of_iris() {
    let (fitted, _) = best(&points("iris"), 3);
    // Lengths such as 5.1 are rounded to single precision, hence not the last digits.
    assert!((fitted.inertia - 78.851441426146).abs() < 1e-5, "{}", fitted.inertia);
    let mut sizes = fitted.sizes;
    sizes.sort_unstable();
    assert_eq!(sizes, [38, 50, 62]);
}

#[test]
fn silhouettes_of_four_blobs() {
    let blobs = points("blobs");
    for (n_clusters, expected) in [(2, 0.7049787496), (3, 0.5882004012), (4, 0.6505186633)] {
        let (_, labels) = best(&blobs, n_clusters);
        let width = silhouette(blobs.view(), &labels).unwrap();
        assert!((width - expected).abs() < 1e-9, "{n_clusters}: {width}");
    }
}
