//! Lloyd's algorithm, with empty clusters put where points lie farthest off.
//!
//! Source: Lloyd (1982), "Least squares quantization in PCM", section III.

use rayon::prelude::*;

use super::distances::PackedCentroids;
use super::passes::{Members, Rows, for_each_nearest, inertia, sum_members};

/// The end of one run.
pub(super) struct Run {
    /// Centroids, row by row.
    pub(super) centroids: Vec<f32>,
    /// Points nearest to each.
    pub(super) sizes: Vec<usize>,
    /// Sum of squared distances, as far as single precision goes.
    pub(super) inertia: f64,
    pub(super) n_iterations: usize,
}

/// Moves `centroids` to the means of their points until the sum of squared
/// shifts is at most `least_shift`.
pub(super) fn run(
    points: Rows,
    mut centroids: Vec<f32>,
    max_iterations: usize,
    least_shift: f64,
) -> Run {
    let mut n_iterations = 0;
    loop {
        let mut members = sum_members(points, &centroids);
        if n_iterations == max_iterations {
            return finish(points, centroids, members, n_iterations);
        }
        n_iterations += 1;
        fill_empty_clusters(points, &centroids, &mut members);
        let shift = move_centroids(&mut centroids, &members);
        if shift == 0.0 {
            return finish(points, centroids, members, n_iterations);
        }
        if shift <= least_shift {
            let members = sum_members(points, &centroids);
            return finish(points, centroids, members, n_iterations);
        }
    }
}

fn finish(points: Rows, centroids: Vec<f32>, members: Members, n_iterations: usize) -> Run {
    let inertia = inertia(points, &centroids);
    Run { centroids, sizes: members.sizes, inertia, n_iterations }
}

/// Moves each centroid to the mean of its points; the sum of squared shifts.
fn move_centroids(centroids: &mut [f32], members: &Members) -> f64 {
    let n_features = centroids.len() / members.sizes.len();
    let mut shift = 0.0;
    let sums = members.sums.chunks(n_features);
    for ((centroid, sum), &size) in centroids.chunks_mut(n_features).zip(sums).zip(&members.sizes) {
        if size == 0 {
            continue;
        }
        for (value, total) in centroid.iter_mut().zip(sum) {
            let mean = (total / size as f64) as f32;
            shift += f64::from(mean - *value).powi(2);
            *value = mean;
        }
    }
    shift
}

/// Hands each empty cluster the point farthest from its centroid, of clusters
/// that keep another point; of equally far points the first.
fn fill_empty_clusters(points: Rows, centroids: &[f32], members: &mut Members) {
    let empty: Vec<usize> =
        (0..members.sizes.len()).filter(|&cluster| members.sizes[cluster] == 0).collect();
    if empty.is_empty() {
        return;
    }
    let mut candidates = by_distance(points, centroids).into_iter();
    for cluster in empty {
        let far = candidates.find(|&(distance, _, from)| distance > 0.0 && members.sizes[from] > 1);
        let Some((_, row, from)) = far else { return };
        for (feature, &value) in points.row(row).iter().enumerate() {
            members.sums[from * points.n_features + feature] -= f64::from(value);
            members.sums[cluster * points.n_features + feature] = f64::from(value);
        }
        members.sizes[from] -= 1;
        members.sizes[cluster] = 1;
    }
}

/// Every point's squared distance to its centroid, row and cluster, farthest first.
fn by_distance(points: Rows, centroids: &[f32]) -> Vec<(f32, usize, usize)> {
    let packed = PackedCentroids::new(centroids, points.n_features);
    let mut found = vec![(0.0, 0, 0); points.len()];
    for_each_nearest(points, &packed, &mut found, |label, first, _| (first, 0, label));
    found.iter_mut().enumerate().for_each(|(row, point)| point.1 = row);
    found.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn an_empty_cluster_takes_the_farthest_point() {
        let points = array![[0.0f32], [1.0], [2.0], [50.0], [-60.0]];
        let rows = Rows::new(points.view()).unwrap();
        // The last two centroids are nearest to no point.
        let run = run(rows, vec![0.0, 900.0, 901.0], 100, 0.0);
        assert_eq!(run.centroids, [1.0, -60.0, 50.0]);
        assert_eq!(run.sizes, [3, 1, 1]);
    }

    #[test]
    fn the_only_point_of_a_cluster_stays_there() {
        let points = array![[0.0f32], [0.5], [90.0]];
        let rows = Rows::new(points.view()).unwrap();
        let run = run(rows, vec![0.0, 50.0, 1e6], 100, 0.0);
        assert_eq!(run.sizes, [1, 1, 1]);
        assert_eq!(run.inertia, 0.0);
    }
}
