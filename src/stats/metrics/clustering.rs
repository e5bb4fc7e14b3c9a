use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayView2};

/// How alike two groupings of the same rows are, corrected for chance: 1 when
/// identical up to names, about 0 when independent. Labels may be of any type.
///
/// Source: Hubert & Arabie (1985), "Comparing partitions", equation 5.
///
/// # Panics
/// When the two slices differ in length.
pub fn adjusted_rand_index<A: Ord, B: Ord>(first: &[A], second: &[B]) -> f64 {
    assert_eq!(first.len(), second.len(), "two groupings of the same rows");
    let mut cells: BTreeMap<(&A, &B), f64> = BTreeMap::new();
    let mut rows: BTreeMap<&A, f64> = BTreeMap::new();
    let mut columns: BTreeMap<&B, f64> = BTreeMap::new();
    for (a, b) in first.iter().zip(second) {
        *cells.entry((a, b)).or_default() += 1.0;
        *rows.entry(a).or_default() += 1.0;
        *columns.entry(b).or_default() += 1.0;
    }
    let pairs = |n: &f64| n * (n - 1.0) / 2.0;
    let together: f64 = cells.values().map(pairs).sum();
    let in_first: f64 = rows.values().map(pairs).sum();
    let in_second: f64 = columns.values().map(pairs).sum();
    let all = pairs(&(first.len() as f64));
    let expected = if all == 0.0 { 0.0 } else { in_first * in_second / all };
    let largest = (in_first + in_second) / 2.0;
    if largest == expected { 1.0 } else { (together - expected) / (largest - expected) }
}

/// Mean silhouette width over the rows, in −1..1; a row alone in its cluster
/// counts 0. `None` when all rows share one cluster. Takes time and reads in
/// O(rows²), so callers pass a sample.
///
/// Source: Rousseeuw (1987), "Silhouettes", equation 2.
///
/// # Panics
/// When `labels` differs in length from the rows of `points`.
pub fn silhouette(points: ArrayView2<f64>, labels: &[usize]) -> Option<f64> {
    assert_eq!(points.nrows(), labels.len(), "one label for each point");
    let n_clusters = labels.iter().max().map_or(0, |&largest| largest + 1);
    let mut sizes = vec![0usize; n_clusters];
    labels.iter().for_each(|&label| sizes[label] += 1);
    if sizes.iter().filter(|&&size| size > 0).count() < 2 {
        return None;
    }
    let total: f64 = points
        .rows()
        .into_iter()
        .zip(labels)
        .map(|(point, &own)| silhouette_width(point, own, points, labels, &sizes))
        .sum();
    Some(total / labels.len() as f64)
}

fn silhouette_width(
    point: ArrayView1<f64>,
    own: usize,
    points: ArrayView2<f64>,
    labels: &[usize],
    sizes: &[usize],
) -> f64 {
    if sizes[own] == 1 {
        return 0.0;
    }
    let mut distance_sums = vec![0.0; sizes.len()];
    for (other, &label) in points.rows().into_iter().zip(labels) {
        distance_sums[label] += distance(point, other);
    }
    let within = distance_sums[own] / (sizes[own] - 1) as f64;
    let nearest_other = (0..sizes.len())
        .filter(|&cluster| cluster != own && sizes[cluster] > 0)
        .map(|cluster| distance_sums[cluster] / sizes[cluster] as f64)
        .fold(f64::INFINITY, f64::min);
    let scale = within.max(nearest_other);
    if scale == 0.0 { 0.0 } else { (nearest_other - within) / scale }
}

fn distance(a: ArrayView1<f64>, b: ArrayView1<f64>) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn renamed_groups_agree_fully() {
        assert_eq!(adjusted_rand_index(&[0, 0, 1, 1], &["b", "b", "a", "a"]), 1.0);
    }

    #[test]
    fn adjusted_rand_index_of_a_worked_example() {
        // scikit-learn's documented example: 0.57.
        let index = adjusted_rand_index(&[0, 0, 1, 2], &[0, 0, 1, 1]);
        assert!((index - 0.571_428_571).abs() < 1e-8);
    }

    #[test]
    fn silhouette_of_two_pairs() {
        // By hand: within 1; to the other pair 10.5 and 9.5 on average.
        let points = array![[0.0], [1.0], [10.0], [11.0]];
        let expected = (9.5 / 10.5 + 8.5 / 9.5) / 2.0;
        let width = silhouette(points.view(), &[0, 0, 1, 1]).unwrap();
        assert!((width - expected).abs() < 1e-12);
    }

    #[test]
    fn a_single_cluster_has_no_silhouette_and_a_singleton_counts_zero() {
        let points = array![[0.0], [1.0], [10.0]];
        assert_eq!(silhouette(points.view(), &[0, 0, 0]), None);
        let with_singleton = silhouette(points.view(), &[0, 0, 1]).unwrap();
        assert!((with_singleton - (0.9 + 8.0 / 9.0) / 3.0).abs() < 1e-12);
    }
}
