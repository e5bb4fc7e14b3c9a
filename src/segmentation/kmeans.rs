use linfa::DatasetBase;
use linfa::prelude::Fit;
use linfa_clustering::{KMeans, KMeansError, KMeansInit};
use ndarray::{Array2, ArrayView1, ArrayView2};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Centroids of `k` clusters of `points`, shape (k, features): the best of
/// `n_starts` runs of Lloyd's algorithm from k-means++ starts.
///
/// Source: Arthur & Vassilvitskii (2007), "k-means++: the advantages of careful seeding".
pub(super) fn fit_centroids(
    points: &Array2<f64>,
    k: usize,
    n_starts: usize,
    seed: u64,
) -> Result<Array2<f64>, KMeansError> {
    let dataset = DatasetBase::from(points.view());
    let model = KMeans::params_with_rng(k, Xoshiro256PlusPlus::seed_from_u64(seed))
        // K-means|| would not repeat under a seed.
        .init_method(KMeansInit::KMeansPlusPlus)
        .n_runs(n_starts)
        .max_n_iterations(300)
        .tolerance(1e-4)
        .fit(&dataset)?;
    Ok(model.centroids().clone())
}

/// The nearest centroid of each point, ties going to the first, and how clear
/// the choice is: `1 − d₁/d₂` of the distances to the nearest and the second
/// nearest, 0 on the border between two, 1 on a centroid.
pub(super) fn assign(points: ArrayView2<f64>, centroids: ArrayView2<f64>) -> Vec<(usize, f64)> {
    points.rows().into_iter().map(|point| nearest(point, centroids)).collect()
}

fn nearest(point: ArrayView1<f64>, centroids: ArrayView2<f64>) -> (usize, f64) {
    let (mut best, mut first, mut second) = (0, f64::INFINITY, f64::INFINITY);
    for (index, centroid) in centroids.rows().into_iter().enumerate() {
        let distance: f64 = point.iter().zip(centroid).map(|(a, b)| (a - b) * (a - b)).sum();
        if distance < first {
            (best, second, first) = (index, first, distance);
        } else if distance < second {
            second = distance;
        }
    }
    let margin = if second > 0.0 { 1.0 - (first / second).sqrt() } else { 0.0 };
    (best, margin)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn finds_two_plain_groups() {
        let points = array![[0.0], [0.2], [9.8], [10.0]];
        let mut centroids = fit_centroids(&points, 2, 3, 1).unwrap().into_raw_vec_and_offset().0;
        centroids.sort_by(f64::total_cmp);
        // The library counts the former centroid as one more member, hence the slack.
        assert!((centroids[0] - 0.1).abs() < 1e-2 && (centroids[1] - 9.9).abs() < 1e-2);
    }

    #[test]
    fn the_margin_is_zero_on_the_border_and_one_on_a_centroid() {
        let centroids = array![[0.0], [10.0]];
        let found = assign(array![[5.0], [0.0], [9.0]].view(), centroids.view());
        assert_eq!(found[0], (0, 0.0));
        assert_eq!(found[1], (0, 1.0));
        assert_eq!(found[2].0, 1);
        assert!((found[2].1 - (1.0 - 1.0 / 9.0)).abs() < 1e-12);
    }
}
