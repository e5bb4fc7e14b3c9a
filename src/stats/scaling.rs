//! Features as models see them: transformed, centred and divided by their scale.

use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::{DatasetError, FeatureMatrix, signed_log};
use crate::stats::metrics::{quantile, sorted};

/// How long tails of counts and money are transformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// `sign(x) ln(1 + |x|)`, then mean and standard deviation.
    #[default]
    Log,
    /// Values beyond the 1st and 99th percentile count as these, then mean and
    /// standard deviation.
    Winsorise,
    /// Median and interquartile range, so that a few huge values move neither.
    Robust,
}

/// Centres and scales of the features that a model uses.
///
/// A value `x` becomes `(t(x) − centre) / scale`, cut off at ±[`Scaling::LIMIT`],
/// where `t` is the [`Transform`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Features, in model order.
    pub names: Vec<String>,
    /// How values are transformed.
    pub transform: Transform,
    /// Least and largest value that counts of each; empty unless winsorised.
    pub bounds: Vec<(f64, f64)>,
    /// Centre of each, transformed.
    pub centres: Vec<f64>,
    /// Scale of each, transformed; above zero.
    pub scales: Vec<f64>,
}

impl Scaling {
    /// Scales beyond which a value counts no further.
    pub const LIMIT: f64 = 6.0;

    /// Learns centres and scales of the named features.
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    pub fn fit(
        matrix: &FeatureMatrix,
        names: &[String],
        transform: Transform,
    ) -> Result<Self, DatasetError> {
        let mut scaling = Self {
            names: names.to_vec(),
            transform,
            bounds: Vec::new(),
            centres: Vec::new(),
            scales: Vec::new(),
        };
        for name in names {
            let values = matrix.column(name)?;
            if transform == Transform::Winsorise {
                let sorted = sorted(values.to_vec());
                scaling.bounds.push((quantile(&sorted, 0.01), quantile(&sorted, 0.99)));
            }
            let column = scaling.centres.len();
            let transformed = values.mapv(|value| scaling.transformed(column, value));
            let (centre, scale) = centre_and_scale(transformed.view(), transform);
            scaling.centres.push(centre);
            scaling.scales.push(if scale > 0.0 { scale } else { 1.0 });
        }
        Ok(scaling)
    }

    /// The scaled matrix, shape (rows, [`Scaling::names`]).
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    pub fn apply(&self, matrix: &FeatureMatrix) -> Result<Array2<f64>, DatasetError> {
        let columns = matrix.positions(&self.names)?;
        // Models that share a block of rows share its logarithms.
        let logs = matrix.kept_logs().filter(|_| self.transform == Transform::Log);
        let values = logs.unwrap_or_else(|| matrix.values());
        let values = values.as_standard_layout();
        let width = columns.len();
        let mut scaled = Array2::zeros((matrix.n_rows(), width));
        let cells = scaled.as_slice_mut().expect("a new matrix is contiguous");
        let scale_rows = |(chunk, cells): (usize, &mut [f64])| {
            let rows = values.rows().into_iter().skip(chunk * CHUNK_ROWS);
            for (row, cells) in rows.zip(cells.chunks_exact_mut(width)) {
                let row = row.to_slice().expect("rows of this layout are contiguous");
                let chosen = cells.iter_mut().zip(&columns);
                match self.transform {
                    Transform::Log if logs.is_some() => {
                        chosen.for_each(|(cell, &column)| *cell = row[column]);
                    }
                    Transform::Log => {
                        chosen.for_each(|(cell, &column)| *cell = signed_log(row[column]));
                    }
                    _ => chosen.enumerate().for_each(|(place, (cell, &column))| {
                        *cell = self.transformed(place, row[column]);
                    }),
                }
                let scales = self.centres.iter().zip(&self.scales);
                for (cell, (centre, scale)) in cells.iter_mut().zip(scales) {
                    *cell = ((*cell - centre) / scale).clamp(-Self::LIMIT, Self::LIMIT);
                }
            }
        };
        cells.par_chunks_mut((width * CHUNK_ROWS).max(1)).enumerate().for_each(scale_rows);
        Ok(scaled)
    }

    fn transformed(&self, column: usize, value: f64) -> f64 {
        match self.transform {
            Transform::Log => signed_log(value),
            Transform::Winsorise => value.clamp(self.bounds[column].0, self.bounds[column].1),
            Transform::Robust => value,
        }
    }
}

fn centre_and_scale(values: ArrayView1<f64>, transform: Transform) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.sum() / n;
    let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    if transform != Transform::Robust {
        return (mean, deviation);
    }
    let sorted = sorted(values.to_vec());
    // The interquartile range of a normal distribution, in standard deviations.
    let range = (quantile(&sorted, 0.75) - quantile(&sorted, 0.25)) / 1.349;
    // Where most values are equal, this range is zero.
    (quantile(&sorted, 0.5), if range > 0.0 { range } else { deviation })
}

/// Rows that are scaled on one thread.
const CHUNK_ROWS: usize = 1024;

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn scaled_training_data_has_mean_zero_and_standard_deviation_one() {
        let matrix =
            FeatureMatrix::new(names(&["a"]), array![[0.0], [1.0], [10.0], [100.0]]).unwrap();
        let scaling = Scaling::fit(&matrix, matrix.names(), Transform::Log).unwrap();
        let scaled = scaling.apply(&matrix).unwrap();
        assert!(scaled.sum().abs() < 1e-12);
        assert!((scaled.mapv(|x| x * x).sum() / 4.0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_huge_value_moves_neither_robust_nor_winsorised_scales() {
        let mut values: Vec<f64> = (0..1_000).map(f64::from).collect();
        values[999] = 1e9;
        let matrix =
            FeatureMatrix::new(names(&["a"]), Array2::from_shape_vec((1_000, 1), values).unwrap())
                .unwrap();
        let scale = |transform| Scaling::fit(&matrix, matrix.names(), transform).unwrap();
        let robust = scale(Transform::Robust);
        assert!((robust.centres[0] - 499.5).abs() < 1e-9);
        // Quartiles 249.75 and 749.25.
        assert!((robust.scales[0] - 499.5 / 1.349).abs() < 1e-9);
        let winsorised = scale(Transform::Winsorise);
        assert!((winsorised.bounds[0].1 - 989.01).abs() < 1e-6, "{:?}", winsorised.bounds);
        assert!(winsorised.scales[0] < 300.0);
        let scaled = robust.apply(&matrix).unwrap();
        assert_eq!(scaled[[999, 0]], Scaling::LIMIT);
    }
}
