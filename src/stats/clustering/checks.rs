//! What is refused before it reaches the arithmetic.

use std::collections::HashSet;

use super::ClusteringError;
use super::passes::{BLOCK, Rows};

/// Values beyond this would leave single precision when squared and added up.
const LIMIT: f32 = 1e15;

/// Every value is finite and within the limit.
pub(super) fn check_values(points: Rows) -> Result<(), ClusteringError> {
    let bad = points.map_blocks(|rows| rows.iter().position(is_bad));
    let first = bad
        .iter()
        .enumerate()
        .find_map(|(block, at)| at.map(|at| block * BLOCK * points.n_features + at));
    first.map_or(Ok(()), |at| Err(bad_value(points, at)))
}

fn is_bad(value: &f32) -> bool {
    value.is_nan() || value.abs() > LIMIT
}

/// The error for the first value of a row beyond the limit.
pub(super) fn bad_row(points: Rows, row: usize) -> ClusteringError {
    let column = points.row(row).iter().position(is_bad);
    bad_value(points, row * points.n_features + column.unwrap_or(0))
}

fn bad_value(points: Rows, at: usize) -> ClusteringError {
    ClusteringError::Value {
        row: at / points.n_features,
        column: at % points.n_features,
        value: f64::from(points.values[at]),
    }
}

/// There are at least `n_clusters` points of different values.
pub(super) fn check_distinct(points: Rows, n_clusters: usize) -> Result<(), ClusteringError> {
    let mut distinct: HashSet<Vec<u32>> = HashSet::new();
    for row in points.values.chunks_exact(points.n_features) {
        // Adding zero makes the two zeros one.
        distinct.insert(row.iter().map(|value| (value + 0.0).to_bits()).collect());
        if distinct.len() == n_clusters {
            return Ok(());
        }
    }
    Err(too_few(points, n_clusters, distinct.len()))
}

/// The error for fewer different points than clusters.
pub(super) fn too_few(points: Rows, n_clusters: usize, n_distinct: usize) -> ClusteringError {
    ClusteringError::TooFewDistinct { n_clusters, n_points: points.len(), n_distinct }
}
