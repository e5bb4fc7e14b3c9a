//! Matrices in saved models: a list of rows.

use ndarray::Array2;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// Writes a matrix as a list of its rows.
pub(super) fn serialize<T, S>(matrix: &Array2<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + Clone,
    S: Serializer,
{
    let rows = matrix.rows().into_iter().map(|row| row.to_vec());
    serializer.collect_seq(rows)
}

/// Reads a matrix of at least one row and column; all rows must be of one length.
pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Array2<T>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let rows = Vec::<Vec<T>>::deserialize(deserializer)?;
    let shape = (rows.len(), rows.first().map_or(0, Vec::len));
    if shape.0 == 0 || shape.1 == 0 || rows.iter().any(|row| row.len() != shape.1) {
        return Err(D::Error::custom("a matrix needs rows of one length, with at least one value"));
    }
    Array2::from_shape_vec(shape, rows.into_iter().flatten().collect()).map_err(D::Error::custom)
}
