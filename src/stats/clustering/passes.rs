//! Passes over all points: in parallel over blocks of rows of a fixed size,
//! whose results are combined in the order of the blocks. So the outcome does
//! not depend on the number of threads.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::distances::{Nearest, PackedCentroids, STRIP, add_rows};
use super::screen::Screen;

/// Rows that one thread works on at a time.
pub(super) const BLOCK: usize = 16 * STRIP;
/// Rows that are still in the nearest cache when they are added to their centroids.
const PART: usize = 64;

/// Points with rows that lie one after the other in memory.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) values: &'a [f32],
    pub(super) n_features: usize,
}

impl<'a> Rows<'a> {
    /// `None` where the view is not in row order or has no columns.
    pub(super) fn new(points: ArrayView2<'a, f32>) -> Option<Self> {
        let n_features = points.ncols();
        let values = points.to_slice().filter(|_| n_features > 0)?;
        Some(Self { values, n_features })
    }

    pub(super) fn len(&self) -> usize {
        self.values.len() / self.n_features
    }

    pub(super) fn row(&self, index: usize) -> &'a [f32] {
        &self.values[index * self.n_features..][..self.n_features]
    }

    /// What `work` makes of each block of rows, in order.
    pub(super) fn map_blocks<T: Send>(
        &self,
        work: impl Fn(&'a [f32]) -> T + Sync + Send,
    ) -> Vec<T> {
        self.values.par_chunks(BLOCK * self.n_features).map(work).collect()
    }
}

/// Sums and numbers of the points nearest to each centroid.
pub(super) struct Members {
    /// Sum of the points, centroid by centroid.
    pub(super) sums: Vec<f64>,
    /// Number of points of each centroid.
    pub(super) sizes: Vec<usize>,
}

/// One reading of the points: assigns each to the nearest centroid and adds it up there.
pub(super) fn sum_members(points: Rows, centroids: &[f32]) -> Members {
    let screen = Screen::new(centroids, points.n_features);
    let n_clusters = centroids.len() / points.n_features;
    let blocks = points.map_blocks(|rows| sum_block(rows, points.n_features, &screen, n_clusters));
    let mut total = Members::none(n_clusters, points.n_features);
    for block in &blocks {
        total.add(block);
    }
    total
}

impl Members {
    fn none(n_clusters: usize, n_features: usize) -> Self {
        let sums = vec![0.0; n_clusters * n_features];
        Self { sums, sizes: vec![0; n_clusters] }
    }

    fn add(&mut self, other: &Self) {
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, more)| *sum += more);
        self.sizes.iter_mut().zip(&other.sizes).for_each(|(size, more)| *size += more);
    }
}

/// Sums of one block: in single precision over a strip, in double beyond.
fn sum_block(rows: &[f32], n_features: usize, screen: &Screen, n_clusters: usize) -> Members {
    let mut members = Members::none(n_clusters, n_features);
    let mut nearest = Nearest::new(n_features);
    let mut strip_sums = vec![0.0f32; n_clusters * n_features];
    for strip in rows.chunks(STRIP * n_features) {
        strip_sums.fill(0.0);
        for part in strip.chunks(PART * n_features) {
            nearest.find_labels(part, screen);
            let labels = &nearest.labels[..part.len() / n_features];
            add_rows(part, labels, n_features, &mut strip_sums);
            labels.iter().for_each(|&label| members.sizes[label as usize] += 1);
        }
        for (sum, more) in members.sums.iter_mut().zip(&strip_sums) {
            *sum += f64::from(*more);
        }
    }
    members
}

/// The sum in double precision, in eight parts that need not wait for each other.
pub(super) fn sum_of(distances: &[f32]) -> f64 {
    let mut parts = [0.0; 8];
    for eight in distances.chunks(8) {
        parts.iter_mut().zip(eight).for_each(|(part, &d)| *part += f64::from(d));
    }
    parts.iter().sum()
}

/// Sum of squared distances to the nearest centroids, as far as single precision goes.
pub(super) fn inertia(points: Rows, centroids: &[f32]) -> f64 {
    let n_features = points.n_features;
    let packed = PackedCentroids::new(centroids, n_features);
    let blocks = points.map_blocks(|rows| {
        let mut nearest = Nearest::new(n_features);
        let mut sum = 0.0;
        for strip in rows.chunks(STRIP * n_features) {
            nearest.find(strip, &packed);
            sum += sum_of(&nearest.first[..strip.len() / n_features]);
        }
        sum
    });
    blocks.iter().sum()
}

/// Writes for each point what `make` makes of its nearest centroid and the
/// squared distances to it and to the second nearest. The first point whose
/// distances are no numbers, if any.
pub(super) fn for_each_nearest<T: Send>(
    points: Rows,
    centroids: &PackedCentroids,
    out: &mut [T],
    make: impl Fn(usize, f32, f32) -> T + Sync + Send,
) -> Option<usize> {
    for_each_found(points, out, |nearest, strip| nearest.find(strip, centroids), make)
}

/// Writes the nearest centroid of each point. The first point whose distances are no
/// numbers, if any.
pub(super) fn for_each_label(points: Rows, screen: &Screen, out: &mut [usize]) -> Option<usize> {
    let find = |nearest: &mut Nearest, strip: &[f32]| nearest.find_labels(strip, screen);
    for_each_found(points, out, find, |label, _, _| label)
}

fn for_each_found<T: Send>(
    points: Rows,
    out: &mut [T],
    find: impl Fn(&mut Nearest, &[f32]) + Sync + Send,
    make: impl Fn(usize, f32, f32) -> T + Sync + Send,
) -> Option<usize> {
    let n_features = points.n_features;
    let work = |(block, (rows, out)): (usize, (&[f32], &mut [T]))| {
        let mut nearest = Nearest::new(n_features);
        let mut bad = None;
        let strips = rows.chunks(STRIP * n_features).zip(out.chunks_mut(STRIP));
        for (index, (strip, out)) in strips.enumerate() {
            find(&mut nearest, strip);
            for (row, out) in out.iter_mut().enumerate() {
                let first = nearest.first[row];
                if !first.is_finite() {
                    bad = bad.or(Some(block * BLOCK + index * STRIP + row));
                }
                *out = make(nearest.labels[row] as usize, first, nearest.second[row]);
            }
        }
        bad
    };
    let rows = points.values.par_chunks(BLOCK * n_features);
    let found: Vec<Option<usize>> =
        rows.zip(out.par_chunks_mut(BLOCK)).enumerate().map(work).collect();
    found.into_iter().flatten().next()
}

/// Sum of squared distances to the nearest centroids, in double precision.
pub(super) fn exact_inertia(points: Rows, centroids: &[f32]) -> f64 {
    let n_features = points.n_features;
    let screen = Screen::new(centroids, n_features);
    let blocks = points.map_blocks(|rows| {
        let mut nearest = Nearest::new(n_features);
        let mut sum = 0.0;
        for strip in rows.chunks(STRIP * n_features) {
            nearest.find_labels(strip, &screen);
            for (row, &label) in strip.chunks_exact(n_features).zip(&nearest.labels) {
                let centroid = &centroids[label as usize * n_features..][..n_features];
                sum += squared_distance(row, centroid);
            }
        }
        sum
    });
    blocks.iter().sum()
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}

/// Mean over the features of their variance, in double precision.
pub(super) fn mean_variance(points: Rows) -> f64 {
    let n_rows = points.len() as f64;
    let sums = |of: &(dyn Fn(usize, f64) -> f64 + Sync)| {
        let blocks = points.map_blocks(|rows| {
            let mut sums = vec![0.0; points.n_features];
            for row in rows.chunks_exact(points.n_features) {
                for (column, (sum, &value)) in sums.iter_mut().zip(row).enumerate() {
                    *sum += of(column, f64::from(value));
                }
            }
            sums
        });
        blocks.into_iter().reduce(|mut total, block| {
            total.iter_mut().zip(block).for_each(|(sum, more)| *sum += more);
            total
        })
    };
    let means: Vec<f64> =
        sums(&|_, value| value).unwrap_or_default().iter().map(|sum| sum / n_rows).collect();
    let squares = sums(&|column, value| (value - means[column]).powi(2)).unwrap_or_default();
    squares.iter().sum::<f64>() / n_rows / points.n_features as f64
}
