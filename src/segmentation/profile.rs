use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};

use crate::dataset::{DatasetError, FeatureMatrix, Outcomes};

/// Who is in a layer, as of the snapshot on which it was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerProfile {
    /// Users in it.
    pub n_users: usize,
    /// Share of all users.
    pub share: f64,
    /// Share of its users who have ever ordered.
    pub customer_share: f64,
    /// Mean amount ordered in the horizon after the snapshot.
    pub gmv_per_user: f64,
    /// Share of all users' GMV in the horizon.
    pub gmv_share: f64,
    /// Share of its users without an order in the horizon.
    pub churn_rate: f64,
    /// Where it differs from all users, the largest difference first.
    pub differences: Vec<Difference>,
}

/// How a layer differs from all users in one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The feature.
    pub feature: String,
    /// Mean of the layer minus mean of all, in spreads of all, both on the
    /// scaled values.
    pub effect: f64,
    /// Median of the layer, in the feature's unit.
    pub median: f64,
    /// Median of all users.
    pub median_of_all: f64,
}

/// Describes each of the `k` clusters that `labels` stands for. `points` are
/// the scaled values of the features `names`.
pub(super) fn profile_layers(
    matrix: &FeatureMatrix,
    points: &Array2<f64>,
    names: &[String],
    labels: &[usize],
    k: usize,
    outcomes: &Outcomes,
) -> Result<Vec<LayerProfile>, DatasetError> {
    let n_users = labels.len();
    let total_gmv: f64 = outcomes.gmv.iter().sum();
    let raw = matrix.select(names)?;
    let overall: Vec<f64> = raw.values().columns().into_iter().map(|c| median(c, None)).collect();
    let n_orders = matrix.column("n_orders")?;
    (0..k)
        .map(|cluster| {
            let rows: Vec<usize> = (0..n_users).filter(|&row| labels[row] == cluster).collect();
            let size = rows.len().max(1) as f64;
            let gmv: f64 = rows.iter().map(|&row| outcomes.gmv[row]).sum();
            let churned = rows.iter().filter(|&&row| outcomes.n_orders[row] == 0.0).count();
            let mut differences: Vec<Difference> = names
                .iter()
                .enumerate()
                .map(|(column, feature)| Difference {
                    feature: feature.clone(),
                    // Scaled values of all users have mean 0 and spread 1.
                    effect: rows.iter().map(|&row| points[[row, column]]).sum::<f64>() / size,
                    median: median(raw.values().column(column), Some(&rows)),
                    median_of_all: overall[column],
                })
                .collect();
            differences.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
            Ok(LayerProfile {
                n_users: rows.len(),
                share: rows.len() as f64 / n_users.max(1) as f64,
                customer_share: rows.iter().filter(|&&row| n_orders[row] > 0.0).count() as f64
                    / size,
                gmv_per_user: gmv / size,
                gmv_share: if total_gmv > 0.0 { gmv / total_gmv } else { 0.0 },
                churn_rate: churned as f64 / size,
                differences,
            })
        })
        .collect()
}

/// Median of the given rows (all when `None`), 0 when there are none.
fn median(column: ArrayView1<f64>, rows: Option<&[usize]>) -> f64 {
    let mut values: Vec<f64> = match rows {
        Some(rows) => rows.iter().map(|&row| column[row]).collect(),
        None => column.to_vec(),
    };
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
