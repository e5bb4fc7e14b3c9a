//! Squared distances of points to centroids, sixteen points at a time.
//!
//! A tile holds sixteen points feature by feature, so that each lane of a
//! vector is a point. A lane adds up `(x − c)²` over the features one after the
//! other, without fused multiply-add: hence the same bits on every processor,
//! whatever the width of its vectors, and for a point whatever its neighbours.
//! [`super::screen`] finds the same labels faster, without the distances.

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, f32x4, f32x16, u32x16};

use super::level::level;

/// Points in a tile.
pub(super) const LANES: usize = 16;
/// Centroids that share one pass over a tile.
const GROUP: usize = 4;
/// Rows worked on while they are in the cache.
pub(super) const STRIP: usize = 512;

/// Centroids in groups of [`GROUP`], feature by feature within a group.
pub(super) struct PackedCentroids {
    level: Level,
    /// Points are taken as they are.
    no_shift: Vec<f32>,
    n_features: usize,
    n_centroids: usize,
    packed: Vec<f32>,
}

impl PackedCentroids {
    /// Packs centroids given row by row.
    pub(super) fn new(centroids: &[f32], n_features: usize) -> Self {
        Self::at(level(), centroids, n_features)
    }

    /// For a given level of vector instructions.
    pub(super) fn at(level: Level, centroids: &[f32], n_features: usize) -> Self {
        let mut packed = Vec::with_capacity(centroids.len());
        for group in centroids.chunks(GROUP * n_features) {
            for feature in 0..n_features {
                packed.extend(group.iter().skip(feature).step_by(n_features));
            }
        }
        let (n_centroids, no_shift) = (centroids.len() / n_features, vec![0.0; n_features]);
        Self { level, no_shift, n_features, n_centroids, packed }
    }
}

/// The nearest centroid of each row of a strip, with the squared distances to
/// it and to the second nearest (infinite if there is one centroid). Ties go to
/// the first centroid.
pub(super) struct Nearest {
    pub(super) labels: [u32; STRIP],
    pub(super) first: [f32; STRIP],
    pub(super) second: [f32; STRIP],
    pub(super) tile: Vec<f32>,
}

impl Nearest {
    pub(super) fn new(n_features: usize) -> Self {
        Self {
            labels: [0; STRIP],
            first: [0.0; STRIP],
            second: [0.0; STRIP],
            tile: vec![0.0; n_features * LANES],
        }
    }

    /// Fills the first entries, one for each row of `rows`, at most [`STRIP`].
    pub(super) fn find(&mut self, rows: &[f32], centroids: &PackedCentroids) {
        dispatch!(centroids.level, simd => find_nearest(simd, rows, centroids, self));
    }
}

#[inline(always)]
fn find_nearest<S: Simd>(simd: S, rows: &[f32], centroids: &PackedCentroids, out: &mut Nearest) {
    for (index, rows) in rows.chunks(LANES * centroids.n_features).enumerate() {
        find_in_tile(simd, rows, centroids, index, out);
    }
}

/// Finds the nearest centroids of the rows of one tile, at most [`LANES`].
#[inline(always)]
pub(super) fn find_in_tile<S: Simd>(
    simd: S,
    rows: &[f32],
    centroids: &PackedCentroids,
    index: usize,
    out: &mut Nearest,
) {
    fill_tile(simd, rows, &centroids.no_shift, &mut out.tile);
    let mut nearest = TwoNearest::none(simd);
    for_each_centroid(simd, &out.tile, centroids, &mut nearest);
    let lanes = index * LANES..(index + 1) * LANES;
    nearest.labels.store_slice(&mut out.labels[lanes.clone()]);
    nearest.first.store_slice(&mut out.first[lanes.clone()]);
    nearest.second.store_slice(&mut out.second[lanes]);
}

/// Squared distances of each row to each centroid, centroid by centroid:
/// `out[c * n_rows + row]`.
pub(super) fn all_distances(rows: &[f32], centroids: &PackedCentroids, out: &mut [f32]) {
    dispatch!(centroids.level, simd => find_all(simd, rows, centroids, out));
}

#[inline(always)]
fn find_all<S: Simd>(simd: S, rows: &[f32], centroids: &PackedCentroids, out: &mut [f32]) {
    let n_rows = rows.len() / centroids.n_features;
    let mut tile = vec![0.0; centroids.n_features * LANES];
    for (index, rows) in rows.chunks(LANES * centroids.n_features).enumerate() {
        fill_tile(simd, rows, &centroids.no_shift, &mut tile);
        let n_lanes = rows.len() / centroids.n_features;
        let first_row = index * LANES;
        let mut all = WriteAll { out, n_rows, first_row, n_lanes };
        for_each_centroid(simd, &tile, centroids, &mut all);
    }
}

/// Takes the distances of a tile's points to one centroid after the other. A trait and
/// not a closure, which could not be made part of the loop around it.
pub(super) trait Visitor<S: Simd> {
    fn visit(&mut self, centroid: usize, distances: f32x16<S>);
}

/// Keeps the nearest centroid and the two least distances of each point.
pub(super) struct TwoNearest<S: Simd> {
    simd: S,
    pub(super) labels: u32x16<S>,
    pub(super) first: f32x16<S>,
    pub(super) second: f32x16<S>,
}

impl<S: Simd> TwoNearest<S> {
    #[inline(always)]
    pub(super) fn none(simd: S) -> Self {
        let far = f32x16::splat(simd, f32::INFINITY);
        Self { simd, labels: u32x16::splat(simd, 0), first: far, second: far }
    }
}

impl<S: Simd> Visitor<S> for TwoNearest<S> {
    #[inline(always)]
    fn visit(&mut self, centroid: usize, distances: f32x16<S>) {
        let nearer = distances.simd_lt(self.first);
        self.second = self.second.min(self.first.max(distances));
        self.first = nearer.select(distances, self.first);
        self.labels = nearer.select(u32x16::splat(self.simd, centroid as u32), self.labels);
    }
}

/// Writes all distances down, centroid by centroid.
struct WriteAll<'a> {
    out: &'a mut [f32],
    n_rows: usize,
    first_row: usize,
    n_lanes: usize,
}

impl<S: Simd> Visitor<S> for WriteAll<'_> {
    #[inline(always)]
    fn visit(&mut self, centroid: usize, distances: f32x16<S>) {
        let start = centroid * self.n_rows + self.first_row;
        let out = &mut self.out[start..start + self.n_lanes];
        out.copy_from_slice(&distances.as_slice()[..self.n_lanes]);
    }
}

/// Shows `visitor` each centroid's index and its distances to a tile's points.
#[inline(always)]
fn for_each_centroid<S: Simd>(
    simd: S,
    tile: &[f32],
    centroids: &PackedCentroids,
    visitor: &mut impl Visitor<S>,
) {
    let groups = centroids.packed.chunks(GROUP * centroids.n_features);
    for (index, group) in groups.enumerate() {
        let start = index * GROUP;
        match centroids.n_centroids - start {
            1 => visit_group::<S, 1>(simd, tile, group, start, visitor),
            2 => visit_group::<S, 2>(simd, tile, group, start, visitor),
            3 => visit_group::<S, 3>(simd, tile, group, start, visitor),
            _ => visit_group::<S, GROUP>(simd, tile, group, start, visitor),
        }
    }
}

#[inline(always)]
fn visit_group<S: Simd, const N: usize>(
    simd: S,
    tile: &[f32],
    group: &[f32],
    start: usize,
    visitor: &mut impl Visitor<S>,
) {
    let mut sums = [f32x16::splat(simd, 0.0); N];
    let (points, _) = tile.as_chunks::<LANES>();
    let (values, _) = group.as_chunks::<N>();
    for (point, value) in points.iter().zip(values) {
        let point = f32x16::from_slice(simd, point);
        for n in 0..N {
            let difference = point - value[n];
            sums[n] += difference * difference;
        }
    }
    for (n, &sum) in sums.iter().enumerate() {
        visitor.visit(start + n, sum);
    }
}

/// Turns up to sixteen rows, less `shift`, into a tile: `tile[feature * 16 + point]`. The
/// sum of each point's squares there.
#[inline(always)]
pub(super) fn fill_tile<S: Simd>(
    simd: S,
    rows: &[f32],
    shift: &[f32],
    tile: &mut [f32],
) -> f32x16<S> {
    let mut squares = f32x16::splat(simd, 0.0);
    let n_features = shift.len();
    let by_fours = if rows.len() == LANES * n_features { n_features / 4 * 4 } else { 0 };
    for feature in (0..by_fours).step_by(4) {
        let (a0, a1, a2, a3) = transpose_quad(simd, rows, shift, 0, feature);
        let (b0, b1, b2, b3) = transpose_quad(simd, rows, shift, 4, feature);
        let (c0, c1, c2, c3) = transpose_quad(simd, rows, shift, 8, feature);
        let (d0, d1, d2, d3) = transpose_quad(simd, rows, shift, 12, feature);
        // Written in whole vectors: a vector cannot be read back at once from parts that
        // are still on their way to memory.
        let (out, _) = tile[feature * LANES..(feature + 4) * LANES].as_chunks_mut::<LANES>();
        let quads = [(a0, b0, c0, d0), (a1, b1, c1, d1), (a2, b2, c2, d2), (a3, b3, c3, d3)];
        for ((a, b, c, d), out) in quads.into_iter().zip(out) {
            let values = a.combine(b).combine(c.combine(d));
            squares = values.mul_add(values, squares);
            values.store_array(out);
        }
    }
    for (lane, row) in rows.chunks_exact(n_features).enumerate() {
        for feature in by_fours..n_features {
            tile[feature * LANES + lane] = row[feature] - shift[feature];
        }
    }
    for values in tile[by_fours * LANES..].chunks_exact(LANES) {
        let values = f32x16::from_slice(simd, values);
        squares = values.mul_add(values, squares);
    }
    squares
}

/// Four features of the four rows from `first_row`, less `shift`, each as one vector.
#[inline(always)]
fn transpose_quad<S: Simd>(
    simd: S,
    rows: &[f32],
    shift: &[f32],
    first_row: usize,
    feature: usize,
) -> (f32x4<S>, f32x4<S>, f32x4<S>, f32x4<S>) {
    let n_features = shift.len();
    let shift = f32x4::from_slice(simd, &shift[feature..feature + 4]);
    let at = first_row * n_features + feature;
    let a = f32x4::from_slice(simd, &rows[at..at + 4]) - shift;
    let b = f32x4::from_slice(simd, &rows[at + n_features..at + n_features + 4]) - shift;
    let at = at + 2 * n_features;
    let c = f32x4::from_slice(simd, &rows[at..at + 4]) - shift;
    let d = f32x4::from_slice(simd, &rows[at + n_features..at + n_features + 4]) - shift;
    let (ac_low, ac_high) = (a.zip_low(c), a.zip_high(c));
    let (bd_low, bd_high) = (b.zip_low(d), b.zip_high(d));
    (
        ac_low.zip_low(bd_low),
        ac_low.zip_high(bd_low),
        ac_high.zip_low(bd_high),
        ac_high.zip_high(bd_high),
    )
}

/// Adds each row to the sum of its centroid, `sums[label * n_features + feature]`.
pub(super) fn add_rows(rows: &[f32], labels: &[u32], n_features: usize, sums: &mut [f32]) {
    dispatch!(level(), simd => add_all(simd, rows, labels, n_features, sums));
}

#[inline(always)]
fn add_all<S: Simd>(simd: S, rows: &[f32], labels: &[u32], n_features: usize, sums: &mut [f32]) {
    for (row, &label) in rows.chunks_exact(n_features).zip(labels) {
        let start = label as usize * n_features;
        let sum = &mut sums[start..start + n_features];
        let (values, value_rest) = row.as_chunks::<LANES>();
        let (sums, sum_rest) = sum.as_chunks_mut::<LANES>();
        for (value, sum) in values.iter().zip(sums) {
            let total = f32x16::from_slice(simd, sum) + f32x16::from_slice(simd, value);
            total.store_array(sum);
        }
        for (value, sum) in value_rest.iter().zip(sum_rest) {
            *sum += value;
        }
    }
}
