//! Squared distances of points to centroids, sixteen points at a time.
//!
//! A tile holds sixteen points feature by feature, so that each lane of a
//! vector is a point. A lane adds up `(x − c)²` over the features one after the
//! other, without fused multiply-add: hence the same bits on every processor,
//! whatever the width of its vectors, and for a point whatever its neighbours.
//! The form `|c|² − 2x·c` would need half the operations, but loses all digits
//! that tell centroids apart where the data lies far from the origin.

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, f32x4, f32x16, u32x16};

/// Points in a tile.
const LANES: usize = 16;
/// Centroids that share one pass over a tile.
const GROUP: usize = 4;
/// Rows worked on while they are in the cache.
pub(super) const STRIP: usize = 512;

/// Centroids in groups of [`GROUP`], feature by feature within a group.
pub(super) struct PackedCentroids {
    n_features: usize,
    n_centroids: usize,
    packed: Vec<f32>,
}

impl PackedCentroids {
    /// Packs centroids given row by row.
    pub(super) fn new(centroids: &[f32], n_features: usize) -> Self {
        let mut packed = Vec::with_capacity(centroids.len());
        for group in centroids.chunks(GROUP * n_features) {
            for feature in 0..n_features {
                packed.extend(group.iter().skip(feature).step_by(n_features));
            }
        }
        Self { n_features, n_centroids: centroids.len() / n_features, packed }
    }
}

/// The nearest centroid of each row of a strip, with the squared distances to
/// it and to the second nearest (infinite if there is one centroid). Ties go to
/// the first centroid.
pub(super) struct Nearest {
    pub(super) labels: [u32; STRIP],
    pub(super) first: [f32; STRIP],
    pub(super) second: [f32; STRIP],
    tile: Vec<f32>,
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
        dispatch!(Level::new(), simd => find_nearest(simd, rows, centroids, self));
    }
}

#[inline(always)]
fn find_nearest<S: Simd>(simd: S, rows: &[f32], centroids: &PackedCentroids, out: &mut Nearest) {
    for (index, rows) in rows.chunks(LANES * centroids.n_features).enumerate() {
        fill_tile(simd, rows, centroids.n_features, &mut out.tile);
        let mut labels = u32x16::splat(simd, 0);
        let mut first = f32x16::splat(simd, f32::INFINITY);
        let mut second = first;
        for_each_centroid(simd, &out.tile, centroids, |centroid, distance| {
            let nearer = distance.simd_lt(first);
            second = second.min(first.max(distance));
            first = nearer.select(distance, first);
            labels = nearer.select(u32x16::splat(simd, centroid as u32), labels);
        });
        let lanes = index * LANES..(index + 1) * LANES;
        labels.store_slice(&mut out.labels[lanes.clone()]);
        first.store_slice(&mut out.first[lanes.clone()]);
        second.store_slice(&mut out.second[lanes]);
    }
}

/// Squared distances of each row to each centroid, centroid by centroid:
/// `out[c * n_rows + row]`.
pub(super) fn all_distances(rows: &[f32], centroids: &PackedCentroids, out: &mut [f32]) {
    dispatch!(Level::new(), simd => find_all(simd, rows, centroids, out));
}

#[inline(always)]
fn find_all<S: Simd>(simd: S, rows: &[f32], centroids: &PackedCentroids, out: &mut [f32]) {
    let n_rows = rows.len() / centroids.n_features;
    let mut tile = vec![0.0; centroids.n_features * LANES];
    for (index, rows) in rows.chunks(LANES * centroids.n_features).enumerate() {
        fill_tile(simd, rows, centroids.n_features, &mut tile);
        let n_lanes = rows.len() / centroids.n_features;
        for_each_centroid(simd, &tile, centroids, |centroid, distance| {
            let start = centroid * n_rows + index * LANES;
            out[start..start + n_lanes].copy_from_slice(&distance.as_slice()[..n_lanes]);
        });
    }
}

/// Calls `visit` with each centroid's index and its distances to a tile's points.
#[inline(always)]
fn for_each_centroid<S: Simd>(
    simd: S,
    tile: &[f32],
    centroids: &PackedCentroids,
    mut visit: impl FnMut(usize, f32x16<S>),
) {
    let groups = centroids.packed.chunks(GROUP * centroids.n_features);
    for (index, group) in groups.enumerate() {
        let start = index * GROUP;
        match centroids.n_centroids - start {
            1 => visit_group::<S, 1>(simd, tile, group, start, &mut visit),
            2 => visit_group::<S, 2>(simd, tile, group, start, &mut visit),
            3 => visit_group::<S, 3>(simd, tile, group, start, &mut visit),
            _ => visit_group::<S, GROUP>(simd, tile, group, start, &mut visit),
        }
    }
}

#[inline(always)]
fn visit_group<S: Simd, const N: usize>(
    simd: S,
    tile: &[f32],
    group: &[f32],
    start: usize,
    visit: &mut impl FnMut(usize, f32x16<S>),
) {
    let mut sums = [f32x16::splat(simd, 0.0); N];
    let (points, _) = tile.as_chunks::<LANES>();
    let (values, _) = group.as_chunks::<N>();
    for (point, value) in points.iter().zip(values) {
        let point = f32x16::simd_from(simd, *point);
        for n in 0..N {
            let difference = point - value[n];
            sums[n] += difference * difference;
        }
    }
    for (n, sum) in sums.into_iter().enumerate() {
        visit(start + n, sum);
    }
}

/// Turns up to sixteen rows into a tile: `tile[feature * 16 + point]`.
#[inline(always)]
fn fill_tile<S: Simd>(simd: S, rows: &[f32], n_features: usize, tile: &mut [f32]) {
    let mut quads = rows.chunks_exact(4 * n_features);
    let mut lane = 0;
    for quad in &mut quads {
        transpose_quad(simd, quad, n_features, &mut tile[lane..]);
        lane += 4;
    }
    for row in quads.remainder().chunks_exact(n_features) {
        for (feature, &value) in row.iter().enumerate() {
            tile[feature * LANES + lane] = value;
        }
        lane += 1;
    }
}

/// Four rows into four lanes of a tile.
#[inline(always)]
fn transpose_quad<S: Simd>(simd: S, quad: &[f32], n_features: usize, tile: &mut [f32]) {
    let (a, rest) = quad.split_at(n_features);
    let (b, rest) = rest.split_at(n_features);
    let (c, d) = rest.split_at(n_features);
    let whole = n_features / 4 * 4;
    for feature in (0..whole).step_by(4) {
        let load = |row: &[f32]| f32x4::from_slice(simd, &row[feature..feature + 4]);
        let (a, b, c, d) = (load(a), load(b), load(c), load(d));
        let (ac_low, ac_high) = (a.zip_low(c), a.zip_high(c));
        let (bd_low, bd_high) = (b.zip_low(d), b.zip_high(d));
        let columns = [
            ac_low.zip_low(bd_low),
            ac_low.zip_high(bd_low),
            ac_high.zip_low(bd_high),
            ac_high.zip_high(bd_high),
        ];
        for (offset, column) in columns.into_iter().enumerate() {
            let at = (feature + offset) * LANES;
            column.store_slice(&mut tile[at..at + 4]);
        }
    }
    for feature in whole..n_features {
        let column = [a[feature], b[feature], c[feature], d[feature]];
        tile[feature * LANES..feature * LANES + 4].copy_from_slice(&column);
    }
}

/// Adds each row to the sum of its centroid, `sums[label * n_features + feature]`.
pub(super) fn add_rows(rows: &[f32], labels: &[u32], n_features: usize, sums: &mut [f32]) {
    dispatch!(Level::new(), simd => add_all(simd, rows, labels, n_features, sums));
}

#[inline(always)]
fn add_all<S: Simd>(simd: S, rows: &[f32], labels: &[u32], n_features: usize, sums: &mut [f32]) {
    for (row, &label) in rows.chunks_exact(n_features).zip(labels) {
        let start = label as usize * n_features;
        let sum = &mut sums[start..start + n_features];
        let (values, value_rest) = row.as_chunks::<LANES>();
        let (sums, sum_rest) = sum.as_chunks_mut::<LANES>();
        for (value, sum) in values.iter().zip(sums) {
            let total = f32x16::simd_from(simd, *sum) + f32x16::simd_from(simd, *value);
            total.store_array(sum);
        }
        for (value, sum) in value_rest.iter().zip(sum_rest) {
            *sum += value;
        }
    }
}
