//! First and second derivatives by four parameters.

use ndarray::{Array1, Array2};
use rayon::prelude::*;

use super::order_times::OrderTimes;
use crate::stats::numerics::Derivatives;

/// Parts in which rows are summed, whatever the number of threads.
const N_PARTS: usize = 64;

/// A log-likelihood with its derivatives by the four parameters of a model, each above 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct ByParameters {
    pub value: f64,
    pub first: [f64; 4],
    /// Symmetric.
    pub second: [[f64; 4]; 4],
}

impl ByParameters {
    /// Adds to both of two equal second derivatives, or to the one on the diagonal.
    pub fn add_second(&mut self, i: usize, j: usize, amount: f64) {
        self.second[i][j] += amount;
        if i != j {
            self.second[j][i] += amount;
        }
    }

    /// Both together.
    pub fn plus(mut self, other: &Self) -> Self {
        self.value += other.value;
        for i in 0..4 {
            self.first[i] += other.first[i];
            for j in 0..4 {
                self.second[i][j] += other.second[i][j];
            }
        }
        self
    }

    /// Adds w · other, of which only the upper triangle need be there.
    pub fn add_weighted(&mut self, other: &Self, weight: f64) {
        self.value += weight * other.value;
        for i in 0..4 {
            self.first[i] += weight * other.first[i];
            for j in i..4 {
                self.add_second(i, j, weight * other.second[i][j]);
            }
        }
    }

    /// Derivatives by the logarithms of the parameters.
    pub fn by_logarithms(&self, parameters: &[f64; 4]) -> Derivatives {
        let mut hessian = Array2::from_shape_fn((4, 4), |(i, j)| {
            parameters[i] * parameters[j] * self.second[i][j]
        });
        for i in 0..4 {
            hessian[[i, i]] += parameters[i] * self.first[i];
        }
        let gradient = Array1::from_shape_fn(4, |i| parameters[i] * self.first[i]);
        Derivatives { value: self.value, gradient, hessian }
    }
}

/// Sums of rows, on all threads; the same for any number of them.
pub(super) fn sum_rows(
    rows: &[(OrderTimes, f64)],
    add: impl Fn(&mut ByParameters, &OrderTimes, f64) + Sync,
) -> ByParameters {
    let size = rows.len().div_ceil(N_PARTS).max(1);
    let parts: Vec<ByParameters> = rows
        .par_chunks(size)
        .map(|part| {
            let mut sum = ByParameters::default();
            for (times, n) in part {
                add(&mut sum, times, *n);
            }
            sum
        })
        .collect();
    parts.iter().fold(ByParameters::default(), ByParameters::plus)
}
