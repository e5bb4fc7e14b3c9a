//! Nearest centroids by a faster form of the distance, where that form is sure.
//!
//! With points and centroids shifted to the centroids' mean, `|c|²/2 − x·c` orders
//! centroids as `(x − c)²` does, at one fused multiply-add instead of three
//! operations. Its rounding is bounded: where the two least values of every point of
//! a tile differ by more than the bound, the centroid is the one that
//! [`super::distances`] would find. Tiles with any closer call are given to that
//! kernel. So all labels are its labels, to the last one, whether the processor fuses
//! the multiplication or not.
//!
//! The bound, with `u = 2⁻²⁴`, `n` features, `y` and `d` the point and a centroid as
//! shifted and rounded, and `L` the largest `|d|²`. Terms in `u²` are left to the slack.
//!
//! 1. Shifting errs by at most `u|y|` and `u|d|`, and so changes `|c|²/2 − x·c` by at
//!    most `u|d|² + 2u|y||d| ≤ u(|y|² + 2|d|²)`.
//! 2. `|d|²/2` is rounded once and goes through `n` sums; a product, even if not fused,
//!    is rounded at most `n + 1` times: an error of at most
//!    `(n + 1)u(|d|²/2 + |y||d|) ≤ (n + 1)u(|y|²/2 + |d|²)`.
//! 3. So the difference of two centroids' values errs by at most
//!    `(n + 3)u(|y|² + 2L)`.
//! 4. The exact kernel rounds each of its terms, none below zero, at most `n + 2` times.
//!    Half its distance, at most `|y|² + |d|²`, errs by `n + 2` times `u` of that; the
//!    difference of two by at most `2(n + 2)u(|y|² + L)`.
//!
//! Together that is `u((3n + 7)|y|² + (4n + 10)L)`. The code takes
//! `(5n + 32)u(|y|² + L)`: a quarter more, for the terms in `u²` and the rounding of
//! `|y|²`, `L` and the bound itself, each below `2nu`, which holds up to 2²⁰ features.
//! Underflow adds at most 2⁻¹⁵⁰ for each operation: less than `TINY` in all.
//! Equal values never differ by more than the bound, so ties are the exact kernel's.
//! Squares up to `LARGEST_SQUARE` overflow in neither form; larger ones, infinities and
//! values that are no numbers, of a point or (by the mean) of a centroid, fail the
//! comparison and go to the exact kernel.
//!
//! Source: Higham (2002), "Accuracy and stability of numerical algorithms", section
//! 3.1, for the bound of a dot product.

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, f32x16};

use super::distances::{
    LANES, Nearest, PackedCentroids, TwoNearest, Visitor, fill_tile, find_in_tile,
};

/// Most centroids that share one pass over a tile: their sums fill the registers of AVX2.
const GROUP: usize = 6;
/// Squared lengths beyond this are left to the exact kernel, which knows overflow.
const LARGEST_SQUARE: f32 = 1e36;
/// The bound is proved up to here.
const MOST_FEATURES: usize = 1 << 20;
/// Above any error by underflow.
const TINY: f32 = 1e-36;

/// Centroids for both forms of the distance.
pub(super) struct Screen {
    level: Level,
    exact: PackedCentroids,
    shift: Vec<f32>,
    groups: Vec<Group>,
    /// Bound of the rounding errors of two centroids' values, in squared lengths.
    tolerance: f32,
    /// What the centroids' own lengths add to the bound.
    least_gap: f32,
}

/// Centroids that share one pass over a tile.
struct Group {
    start: usize,
    /// `−(c − shift)`, feature by feature.
    negated: Vec<f32>,
    half_squares: Vec<f32>,
}

impl Screen {
    pub(super) fn new(centroids: &[f32], n_features: usize) -> Self {
        Self::at(super::level::level(), centroids, n_features)
    }

    /// For a given level of vector instructions.
    pub(super) fn at(level: Level, centroids: &[f32], n_features: usize) -> Self {
        let n_centroids = centroids.len() / n_features;
        let shift = mean(centroids, n_features);
        let shifted: Vec<f32> = centroids
            .chunks_exact(n_features)
            .flat_map(|centroid| centroid.iter().zip(&shift).map(|(value, shift)| value - shift))
            .collect();
        let n_groups = n_centroids.div_ceil(GROUP);
        let bounds = |group: usize| group * n_centroids / n_groups;
        let groups: Vec<Group> = (0..n_groups)
            .map(|g| Group::new(&shifted, n_features, bounds(g)..bounds(g + 1)))
            .collect();
        let halves = groups.iter().flat_map(|group| &group.half_squares);
        let largest = 2.0 * halves.copied().fold(0.0, f32::max);
        let tolerance = (5 * n_features + 32) as f32 * (f32::EPSILON / 2.0);
        let within = largest < LARGEST_SQUARE && n_features <= MOST_FEATURES;
        let least_gap = if within { tolerance * largest + TINY } else { f32::INFINITY };
        let exact = PackedCentroids::at(level, centroids, n_features);
        Self { level, exact, shift, groups, tolerance, least_gap }
    }
}

/// Mean of the centroids.
fn mean(centroids: &[f32], n_features: usize) -> Vec<f32> {
    let n_centroids = (centroids.len() / n_features) as f64;
    let column = |feature| centroids.iter().skip(feature).step_by(n_features);
    let sum = |feature| column(feature).map(|&value| f64::from(value)).sum::<f64>();
    (0..n_features).map(|feature| (sum(feature) / n_centroids) as f32).collect()
}

impl Group {
    fn new(shifted: &[f32], n_features: usize, centroids: std::ops::Range<usize>) -> Self {
        let start = centroids.start;
        let rows = &shifted[start * n_features..centroids.end * n_features];
        let column = |feature| rows.iter().skip(feature).step_by(n_features);
        let negated = (0..n_features).flat_map(|f| column(f).map(|value| -value)).collect();
        let square = |row: &[f32]| row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
        let half_squares =
            rows.chunks_exact(n_features).map(|row| (square(row) / 2.0) as f32).collect();
        Self { start, negated, half_squares }
    }
}

impl Nearest {
    /// Fills the first labels, one for each row of `rows`: those that
    /// [`Nearest::find`] gives. A distance that is no finite number is in `first`
    /// as there; other distances are not to be used.
    pub(super) fn find_labels(&mut self, rows: &[f32], screen: &Screen) {
        dispatch!(screen.level, simd => find_labels(simd, rows, screen, self));
    }
}

#[inline(always)]
fn find_labels<S: Simd>(simd: S, rows: &[f32], screen: &Screen, out: &mut Nearest) {
    for (index, rows) in rows.chunks(LANES * screen.shift.len()).enumerate() {
        let norm = fill_tile(simd, rows, &screen.shift, &mut out.tile);
        let nearest = screen_tile(simd, &out.tile, screen);
        let gap = nearest.second - nearest.first;
        let least = norm * screen.tolerance + screen.least_gap;
        let clear = gap.simd_gt(least) & norm.simd_lt(LARGEST_SQUARE);
        if clear.all_true() {
            let lanes = index * LANES..(index + 1) * LANES;
            nearest.labels.store_slice(&mut out.labels[lanes.clone()]);
            f32x16::splat(simd, 0.0).store_slice(&mut out.first[lanes]);
        } else {
            find_in_tile(simd, rows, &screen.exact, index, out);
        }
    }
}

/// The two least values of `|c|²/2 − x·c` of each point of a tile.
#[inline(always)]
fn screen_tile<S: Simd>(simd: S, tile: &[f32], screen: &Screen) -> TwoNearest<S> {
    let mut nearest = TwoNearest::none(simd);
    for group in &screen.groups {
        match group.half_squares.len() {
            1 => visit_group::<S, 1>(simd, tile, group, &mut nearest),
            2 => visit_group::<S, 2>(simd, tile, group, &mut nearest),
            3 => visit_group::<S, 3>(simd, tile, group, &mut nearest),
            4 => visit_group::<S, 4>(simd, tile, group, &mut nearest),
            5 => visit_group::<S, 5>(simd, tile, group, &mut nearest),
            _ => visit_group::<S, GROUP>(simd, tile, group, &mut nearest),
        }
    }
    nearest
}

#[inline(always)]
fn visit_group<S: Simd, const N: usize>(
    simd: S,
    tile: &[f32],
    group: &Group,
    nearest: &mut TwoNearest<S>,
) {
    let mut sums = [f32x16::splat(simd, 0.0); N];
    for (sum, &half_square) in sums.iter_mut().zip(&group.half_squares) {
        *sum = f32x16::splat(simd, half_square);
    }
    let (points, _) = tile.as_chunks::<LANES>();
    let (values, _) = group.negated.as_chunks::<N>();
    for (point, value) in points.iter().zip(values) {
        let point = f32x16::from_slice(simd, point);
        for n in 0..N {
            sums[n] = point.mul_add(f32x16::splat(simd, value[n]), sums[n]);
        }
    }
    for (n, &sum) in sums.iter().enumerate() {
        nearest.visit(group.start + n, sum);
    }
}
