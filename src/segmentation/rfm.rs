use serde::{Deserialize, Serialize};

use crate::dataset::{DatasetError, FeatureMatrix};

/// The ten segments of the (R, F) map, which covers all 25 cells once.
pub const RFM_SEGMENTS: [&str; 10] = [
    "champions",
    "loyal",
    "potential loyalists",
    "new",
    "promising",
    "need attention",
    "about to sleep",
    "can't lose",
    "at risk",
    "hibernating",
];

/// Quintile edges of recency, frequency and money, learned from customers.
///
/// Equal values get equal scores. The edges are kept, so that a user's score
/// depends on that user alone and not on who else is in the run.
///
/// Source: Hughes (1994), "Strategic Database Marketing"; quantiles of type 7
/// (Hyndman & Fan 1996), as the R package `rfm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedRfm {
    /// Feature and four edges for each of R, F and M.
    recency: Quintiles,
    frequency: Quintiles,
    money: Quintiles,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quintiles {
    feature: String,
    edges: [f64; 4],
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
    fn fit(matrix: &FeatureMatrix, feature: &str, rows: &[usize]) -> Result<Self, DatasetError> {
        let column = matrix.column(feature)?;
        let mut values: Vec<f64> = rows.iter().map(|&row| column[row]).collect();
        values.sort_by(f64::total_cmp);
        let edges = [0.2, 0.4, 0.6, 0.8].map(|share| quantile(&values, share));
        Ok(Self { feature: feature.to_owned(), edges })
    }

    /// 1 for values up to the first edge … 5 for those above the last.
    fn score(&self, value: f64) -> u8 {
        1 + self.edges.iter().filter(|&&edge| value > edge).count() as u8
    }
}

/// Quantile by linear interpolation between order statistics (type 7).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    if sorted.is_empty() {
        return 0.0;
    }
    let position = (sorted.len() - 1) as f64 * share;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

impl FittedRfm {
    /// Learns the edges from the users of `matrix` with at least one order.
    /// Where there is no money in the data, orders stand in for it.
    ///
    /// # Errors
    /// When the matrix lacks days since last order or the number of orders.
    pub fn fit(matrix: &FeatureMatrix) -> Result<Self, DatasetError> {
        let n_orders = matrix.column("n_orders")?;
        let customers: Vec<usize> = (0..matrix.n_rows()).filter(|&i| n_orders[i] > 0.0).collect();
        let has_money = matrix.names().iter().any(|name| name == "gmv");
        let money = if has_money { "gmv" } else { "n_orders" };
        Ok(Self {
            recency: Quintiles::fit(matrix, "days_since_last_order", &customers)?,
            frequency: Quintiles::fit(matrix, "n_orders", &customers)?,
            money: Quintiles::fit(matrix, money, &customers)?,
        })
    }

    /// Scores of each user; `None` for those who never ordered.
    ///
    /// # Errors
    /// When the matrix lacks a feature that the scores need.
    pub fn scores(&self, matrix: &FeatureMatrix) -> Result<Vec<Option<RfmScores>>, DatasetError> {
        let n_orders = matrix.column("n_orders")?;
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

    /// The name of the (R, F) cell, of [`RFM_SEGMENTS`].
    pub fn segment(self) -> &'static str {
        match (self.recency, self.frequency) {
            (..=2, ..=2) => "hibernating",
            (..=2, 3..=4) => "at risk",
            (..=2, _) => "can't lose",
            (3, ..=2) => "about to sleep",
            (3, 3) => "need attention",
            (3..=4, 4..) => "loyal",
            (4, 1) => "promising",
            (5, 1) => "new",
            (4.., 2..=3) => "potential loyalists",
            _ => "champions",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ndarray::Array2;

    use super::*;

    #[test]
    fn every_cell_has_one_name_and_every_name_its_cells() {
        let mut cells: BTreeMap<&str, usize> = BTreeMap::new();
        for recency in 1..=5 {
            for frequency in 1..=5 {
                let scores = RfmScores { recency, frequency, money: 1 };
                *cells.entry(scores.segment()).or_default() += 1;
            }
        }
        let expected = BTreeMap::from([
            ("hibernating", 4),
            ("at risk", 4),
            ("can't lose", 2),
            ("about to sleep", 2),
            ("need attention", 1),
            ("loyal", 4),
            ("promising", 1),
            ("new", 1),
            ("potential loyalists", 4),
            ("champions", 2),
        ]);
        assert_eq!(cells, expected);
        assert!(RFM_SEGMENTS.iter().all(|name| expected.contains_key(name)));
    }

    #[test]
    fn equal_values_score_equal_and_prospects_have_none() {
        let names = ["days_since_last_order", "n_orders", "gmv"].map(String::from).to_vec();
        let mut values = Array2::from_shape_fn((11, 3), |(row, _)| row as f64);
        values[[3, 2]] = 4.0;
        let matrix = FeatureMatrix::new(names, values).unwrap();
        let scores = FittedRfm::fit(&matrix).unwrap().scores(&matrix).unwrap();
        assert_eq!(scores[0], None);
        assert_eq!(scores[3].unwrap().money, scores[4].unwrap().money);
        assert_eq!(scores[10].unwrap().cell(), 155);
    }
}
