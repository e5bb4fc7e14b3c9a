use serde::{Deserialize, Serialize};

use crate::dataset::{DatasetError, Family, FeatureMatrix};
use crate::stats::metrics::{quantile, sorted};

/// Quintile edges of recency, frequency and money, learned from customers.
///
/// Equal values get equal scores. The edges are kept, so that a user's score
/// depends on that user alone and not on who else is in the run.
///
/// Source: Hughes (1994), "Strategic Database Marketing"; quantiles of type 7,
/// as the R package `rfm`. That package adds 1 to each quantile and compares by
/// "less than", which for whole numbers and quantiles is the same as "up to the
/// quantile"; we compare so whatever the unit, since a step of 1 means much in
/// thousands of euros and little in yen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedRfm {
    /// Days since the last order; the shorter, the higher the score.
    pub recency: Quintiles,
    /// Number of orders.
    pub frequency: Quintiles,
    /// Amount of all orders.
    pub money: Quintiles,
}

/// A feature cut into five.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quintiles {
    /// The feature.
    pub feature: String,
    /// Its quantiles at 20, 40, 60 and 80 %: each fifth includes its upper edge.
    pub edges: [f64; 4],
}

/// Scores 1 (worst) to 5 (best) of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RfmScores {
    /// How lately they ordered.
    pub recency: u8,
    /// How often.
    pub frequency: u8,
    /// For how much.
    pub money: u8,
}

impl Quintiles {
    fn fit(matrix: &FeatureMatrix, family: Family, rows: &[usize]) -> Result<Self, DatasetError> {
        let column = matrix.all_time(family)?;
        let values = sorted(rows.iter().map(|&row| column[row]).collect());
        let edges = [0.2, 0.4, 0.6, 0.8].map(|share| quantile(&values, share));
        Ok(Self { feature: matrix.all_time_feature(family)?.name.clone(), edges })
    }

    /// 1 for values up to the first edge … 5 for those above the last.
    fn score(&self, value: f64) -> u8 {
        1 + self.edges.iter().filter(|&&edge| value > edge).count() as u8
    }
}

impl FittedRfm {
    /// Learns the edges from the users of `matrix` with at least one order.
    /// Where there is no money in the data, orders stand in for it.
    ///
    /// # Errors
    /// When the matrix lacks days since last order or the number of orders.
    pub fn fit(matrix: &FeatureMatrix) -> Result<Self, DatasetError> {
        let n_orders = matrix.all_time(Family::Orders)?;
        let customers: Vec<usize> = (0..matrix.n_rows()).filter(|&i| n_orders[i] > 0.0).collect();
        let has_money = matrix.all_time(Family::Gmv).is_ok();
        let money = if has_money { Family::Gmv } else { Family::Orders };
        Ok(Self {
            recency: Quintiles::fit(matrix, Family::Silence, &customers)?,
            frequency: Quintiles::fit(matrix, Family::Orders, &customers)?,
            money: Quintiles::fit(matrix, money, &customers)?,
        })
    }

    /// Scores of each user; `None` for those who never ordered.
    ///
    /// # Errors
    /// When the matrix lacks a feature that the scores need.
    pub fn scores(&self, matrix: &FeatureMatrix) -> Result<Vec<Option<RfmScores>>, DatasetError> {
        let n_orders = matrix.all_time(Family::Orders)?;
        let recency = matrix.column(&self.recency.feature)?;
        let frequency = matrix.column(&self.frequency.feature)?;
        let money = matrix.column(&self.money.feature)?;
        let score = |row: usize| RfmScores {
            recency: 6 - self.recency.score(recency[row]),
            frequency: self.frequency.score(frequency[row]),
            money: self.money.score(money[row]),
        };
        Ok((0..matrix.n_rows()).map(|row| (n_orders[row] > 0.0).then(|| score(row))).collect())
    }
}

impl RfmScores {
    /// R + F + M, from 3 to 15.
    pub fn sum(self) -> u8 {
        self.recency + self.frequency + self.money
    }

    /// The three digits as one number, 111 to 555: one of 125 cells.
    pub fn cell(self) -> u16 {
        u16::from(self.recency) * 100 + u16::from(self.frequency) * 10 + u16::from(self.money)
    }

    /// All 125 cells, from 555 down to 111.
    pub fn all_cells() -> Vec<u16> {
        let digits = || (1..=5).rev();
        let pairs = digits().flat_map(|r| digits().map(move |f| r * 100 + f * 10));
        pairs.flat_map(|pair| digits().map(move |m| pair + m)).collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn equal_values_score_equal_and_prospects_have_none() {
        let families = [("a", Family::Silence), ("b", Family::Orders), ("c", Family::Gmv)];
        let mut values = Array2::from_shape_fn((11, 3), |(row, _)| row as f64);
        values[[3, 2]] = 4.0;
        let matrix = FeatureMatrix::of_families(&families, values);
        let scores = FittedRfm::fit(&matrix).unwrap().scores(&matrix).unwrap();
        assert_eq!(scores[0], None);
        assert_eq!(scores[3].unwrap().money, scores[4].unwrap().money);
        assert_eq!(scores[10].unwrap().cell(), 155);
    }
}
