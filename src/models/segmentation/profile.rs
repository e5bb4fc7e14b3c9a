use serde::{Deserialize, Serialize};

use super::SegmentationError;
use super::embedding::{Embedding, MeanParts};
use crate::dataset::{FeatureMatrix, Snapshot};
use crate::stats::metrics::median;
use crate::stats::resample::every_nth;
use crate::stats::scaling::{Scaling, Transform};

/// Who is in a layer, as of the snapshot on which it was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupProfile {
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
    pub no_order_rate: f64,
    /// Share of its eligible users who churned by the rule of the config; `None`
    /// without such users.
    pub churn_rate: Option<f64>,
    /// Where it differs from all users, the largest difference first.
    pub differences: Vec<Difference>,
    /// The features that separate it from the others, the strongest first.
    pub drivers: Vec<Driver>,
}

/// How a layer differs from all users in one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The feature.
    pub feature: String,
    /// Mean of the layer minus mean of all, in standard deviations of all, both on
    /// the scaled values.
    pub effect: f64,
    /// Median of the layer, in the feature's unit.
    pub median: f64,
    /// Median of all users.
    pub median_of_all: f64,
}

/// How far a feature moves a layer away from all users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// The feature.
    pub feature: String,
    /// Share of the squared distance from the mean of all users to that of the layer;
    /// all shares add up to 1, those of features that pull back are negative.
    pub share: f64,
}

impl GroupProfile {
    /// How it differs in a feature, if that varies.
    pub fn difference(&self, feature: &str) -> Option<&Difference> {
        self.differences.iter().find(|it| it.feature == feature)
    }
}

/// Users of a layer that drivers are computed from at most: contributions take time.
const N_DRAWN: usize = 2_000;

/// Drivers that are kept.
const N_DRIVERS: usize = 12;

/// Describes the users of each of `n_groups` groups, whose numbers are `labels`.
pub(super) fn profile_groups(
    embedding: &Embedding,
    latest: &Snapshot,
    labels: &[usize],
    n_groups: usize,
) -> Result<Vec<GroupProfile>, SegmentationError> {
    let (matrix, outcomes) = (&latest.features, latest.known_outcomes()?);
    let n_users = labels.len();
    let total_gmv: f64 = outcomes.gmv.iter().sum();
    let names = matrix.varying_names();
    let raw = matrix.select(&names)?;
    let scaled = Scaling::fit(matrix, &names, Transform::Log)?.apply(matrix)?;
    let overall: Vec<f64> =
        raw.values().columns().into_iter().map(|column| median(column.to_vec())).collect();
    let sample_of_all: Vec<usize> = every_nth(n_users, N_DRAWN).collect();
    let parts_of_all = embedding.mean_parts(&matrix.select_rows(&sample_of_all))?;
    (0..n_groups)
        .map(|cluster| {
            let rows: Vec<usize> = (0..n_users).filter(|&row| labels[row] == cluster).collect();
            let size = rows.len().max(1) as f64;
            // The sum of nothing is −0, which nobody should read.
            let gmv = rows.iter().map(|&row| outcomes.gmv[row]).sum::<f64>() + 0.0;
            let n_without_order = rows.iter().filter(|&&row| outcomes.has_no_order(row)).count();
            let mut differences: Vec<Difference> = names
                .iter()
                .enumerate()
                .map(|(column, feature)| Difference {
                    feature: feature.clone(),
                    // Scaled values of all users have mean 0 and standard deviation 1.
                    effect: rows.iter().map(|&row| scaled[[row, column]]).sum::<f64>() / size,
                    median: median(rows.iter().map(|&row| raw.values()[[row, column]]).collect()),
                    median_of_all: overall[column],
                })
                .collect();
            differences.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
            let sample: Vec<usize> =
                every_nth(rows.len(), N_DRAWN).map(|place| rows[place]).collect();
            Ok(GroupProfile {
                n_users: rows.len(),
                share: rows.len() as f64 / n_users.max(1) as f64,
                customer_share: rows
                    .iter()
                    .filter(|&&row| latest.purchases[row].orders.n_days > 0)
                    .count() as f64
                    / size,
                gmv_per_user: gmv / size,
                gmv_share: if total_gmv > 0.0 { gmv / total_gmv } else { 0.0 },
                no_order_rate: n_without_order as f64 / size,
                churn_rate: outcomes.churn_rate(&rows),
                differences,
                drivers: drivers(embedding, &matrix.select_rows(&sample), &parts_of_all)?,
            })
        })
        .collect()
}

/// The squared distance from the mean of all to the mean of the members, divided
/// into what each feature adds.
fn drivers(
    embedding: &Embedding,
    members: &FeatureMatrix,
    all: &MeanParts,
) -> Result<Vec<Driver>, SegmentationError> {
    if members.n_rows() == 0 {
        return Ok(Vec::new());
    }
    let contributions = embedding.contributions(&embedding.mean_parts(members)?, all);
    let n_coordinates = embedding.n_coordinates();
    let way: Vec<f64> = (0..n_coordinates)
        .map(|coordinate| contributions.iter().map(|(_, by)| by[coordinate]).sum())
        .collect();
    let length: f64 = way.iter().map(|step| step * step).sum();
    let mut drivers: Vec<Driver> = contributions
        .into_iter()
        .map(|(feature, by)| {
            let along: f64 = by.iter().zip(&way).map(|(part, step)| part * step).sum();
            Driver { feature, share: if length > 0.0 { along / length } else { 0.0 } }
        })
        .collect();
    drivers.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.feature.cmp(&b.feature)));
    drivers.truncate(N_DRIVERS);
    Ok(drivers)
}
