use chrono::NaiveDateTime;

use super::{ChurnError, ChurnParams, WeightParams};
use crate::dataset::{DatasetError, FeatureMatrix, Snapshot, UserIds, unit_interval};

/// The eligible users of a snapshot, and whether each of them churned.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledUsers {
    /// Only events before it were read for the features.
    pub as_of: NaiveDateTime,
    /// Rows of the snapshot.
    pub rows: Vec<usize>,
    /// Features, shape (eligible users, features).
    pub matrix: FeatureMatrix,
    /// Log odds of no order in the horizon of each, by a model of orders, where it knows them.
    pub no_order: Vec<Option<f64>>,
    /// Whether each churned.
    pub churned: Vec<bool>,
}

impl LabelledUsers {
    /// The eligible users of a snapshot; `no_order` has the log odds of no order of all its
    /// users, as far as they are known.
    ///
    /// # Errors
    /// When it has no outcomes.
    pub fn of(snapshot: &Snapshot, no_order: &[Option<f64>]) -> Result<Self, DatasetError> {
        let (rows, churned) = snapshot.known_outcomes()?.eligible();
        let matrix = snapshot.features.select_rows(&rows);
        let no_order = rows.iter().map(|&row| no_order.get(row).copied().flatten()).collect();
        Ok(Self { as_of: snapshot.as_of, rows, matrix, no_order, churned })
    }

    /// How many churned.
    pub fn n_churned(&self) -> usize {
        self.churned.iter().filter(|&&churned| churned).count()
    }

    /// Some of the users, by their place among those here.
    pub(super) fn select(&self, places: &[usize]) -> Self {
        Self {
            as_of: self.as_of,
            rows: places.iter().map(|&place| self.rows[place]).collect(),
            matrix: self.matrix.select_rows(places),
            no_order: places.iter().map(|&place| self.no_order[place]).collect(),
            churned: places.iter().map(|&place| self.churned[place]).collect(),
        }
    }

    /// About `share` of the users: those whose hash is low enough, the same at
    /// every date.
    pub(super) fn sample(&self, users: &UserIds, share: f64, seed: u64) -> Self {
        let is_taken = |place: &usize| unit_interval(users.hash(self.rows[*place], seed)) < share;
        let places: Vec<usize> = (0..self.rows.len()).filter(is_taken).collect();
        self.select(&places)
    }
}

/// Rows that a classifier learns from.
#[derive(Debug, Clone, Copy)]
pub struct TrainingRows<'a> {
    /// Features, shape (rows, features).
    pub matrix: &'a FeatureMatrix,
    /// Whether each churned.
    pub churned: &'a [bool],
    /// How much each counts; all the same when absent.
    pub weights: Option<&'a [f64]>,
}

impl TrainingRows<'_> {
    /// Names of the features that are not constant.
    pub(super) fn varying_names(&self) -> Result<Vec<String>, ChurnError> {
        let names = self.matrix.varying_names_for_models();
        match names.is_empty() {
            true => Err(ChurnError::ConstantFeatures(self.matrix.n_features())),
            false => Ok(names),
        }
    }
}

/// Snapshots on top of each other, weighted as the config asks. Not the pooled rows
/// of layers: those have all users and outcomes, resampled, and other users at each
/// date; only [`FeatureMatrix::pool`] is common to both.
pub(super) struct PooledRows {
    pub matrix: FeatureMatrix,
    pub churned: Vec<bool>,
    weights: Option<Vec<f64>>,
}

impl PooledRows {
    pub fn of(snapshots: &[&LabelledUsers], params: &ChurnParams) -> Result<Self, ChurnError> {
        let matrix =
            FeatureMatrix::pool(&snapshots.iter().map(|it| &it.matrix).collect::<Vec<_>>())?;
        let churned: Vec<bool> = snapshots.iter().flat_map(|it| it.churned.clone()).collect();
        let n_churned = churned.iter().filter(|&&it| it).count();
        if n_churned == 0 || n_churned == churned.len() {
            return Err(ChurnError::one_class(churned.len(), n_churned));
        }
        Ok(Self { weights: weights(snapshots, params), matrix, churned })
    }

    pub fn rows(&self) -> TrainingRows<'_> {
        TrainingRows {
            matrix: &self.matrix,
            churned: &self.churned,
            weights: self.weights.as_deref(),
        }
    }
}

/// By class and by age of the snapshot; none where all would be 1.
fn weights(snapshots: &[&LabelledUsers], params: &ChurnParams) -> Option<Vec<f64>> {
    let WeightParams { positive_weight, half_life_days } = params.weights;
    let positive_weight = positive_weight.get();
    if positive_weight == 1.0 && half_life_days.is_none() {
        return None;
    }
    let latest = snapshots.iter().map(|it| it.as_of).max()?;
    let of_snapshot = |snapshot: &LabelledUsers| {
        let age_days = (latest - snapshot.as_of).num_days() as f64;
        half_life_days.map_or(1.0, |days| 0.5f64.powf(age_days / f64::from(days.get())))
    };
    let of_class = |churned: bool| if churned { positive_weight } else { 1.0 };
    let weights = snapshots.iter().flat_map(|snapshot| {
        let by_age = of_snapshot(snapshot);
        snapshot.churned.iter().map(move |&churned| by_age * of_class(churned))
    });
    Some(weights.collect())
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;
    use ndarray::Array2;

    use super::*;
    use crate::settings::{Days, Positive};

    #[test]
    fn older_snapshots_and_the_class_decide_the_weight() {
        let labelled = |days_ago: u64| LabelledUsers {
            as_of: NaiveDateTime::default() - chrono::Days::new(days_ago),
            rows: vec![0, 1],
            matrix: FeatureMatrix::new(vec!["a".into()], Array2::zeros((2, 1))).unwrap(),
            no_order: vec![None; 2],
            churned: vec![true, false],
        };
        let (latest, older) = (labelled(0), labelled(60));
        let weights =
            WeightParams { positive_weight: Positive::of(3.0), half_life_days: Some(Days::of(60)) };
        let params = ChurnParams { weights, ..ChurnParams::default() };
        let rows = PooledRows::of(&[&latest, &older], &params).unwrap();
        assert_eq!(rows.rows().weights, Some(&[3.0, 1.0, 1.5, 0.5][..]));
        let even = PooledRows::of(&[&latest], &ChurnParams::default()).unwrap();
        assert_eq!(even.rows().weights, None);
    }
}
