use serde::{Deserialize, Serialize};

use crate::features::SnapshotDates;
use crate::input::source::InputProfile;
use crate::models::churn::ChurnEvaluation;
use crate::models::value::ValueEvaluation;

/// What a model was trained on, and how it did on the holdout snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// As-of dates.
    pub dates: SnapshotDates,
    /// What was read.
    pub input: InputProfile,
    /// Rows of labelled users over all training snapshots.
    pub n_training_rows: usize,
    /// Measures on the holdout snapshot.
    pub churn: ChurnEvaluation,
    /// The same of the model of value, if there is one.
    pub value: Option<ValueEvaluation>,
}

impl TrainingRecord {
    /// Gives the layers that were measured the ids of `layers`, in the same order.
    pub fn name_layers<'a>(&mut self, ids: impl Iterator<Item = &'a str>) {
        for (scores, id) in self.churn.layers.iter_mut().zip(ids) {
            id.clone_into(&mut scores.id);
        }
    }
}
