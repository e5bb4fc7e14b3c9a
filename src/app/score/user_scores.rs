//! What a model says of every user of a snapshot.

use chrono::NaiveDateTime;

use super::churn_scores::{ChurnScorer, ChurnScores};
use super::reason_words::KnownSentences;
use super::value_scores::ValueScores;
use crate::app::model::GroupsOfUsers;
use crate::app::{Model, PipelineError};
use crate::dataset::{Family, Snapshot};
use crate::models::rules::{RuleGrouping, UserGroups};
use crate::models::segmentation::{Partition, ReviewedGroup};
use crate::models::value::Valuer;

/// One entry a user, in order of user id.
pub(super) struct UserScores<'a> {
    pub model: &'a Model,
    pub snapshot: &'a Snapshot,
    pub layers: GroupsOfUsers,
    pub kinds: GroupsOfUsers,
    pub rfm_segments: UserGroups,
    pub rfm_levels: UserGroups,
    pub value_demand: UserGroups,
    pub rfm_cells: UserGroups,
    pub stages: Vec<&'static str>,
    pub churn: ChurnScores<'a>,
    pub value: ValueScores,
    pub days_since_last_order: Vec<Option<f64>>,
}

/// Scores users, with all prepared that does not depend on them.
pub(super) struct UserScorer<'a> {
    model: &'a Model,
    churn: ChurnScorer<'a>,
    valuer: Option<Valuer<'a>>,
}

impl<'a> UserScorer<'a> {
    pub fn new(model: &'a Model, as_of: NaiveDateTime) -> Result<Self, PipelineError> {
        let valuer = model.bundle.mixed_value().map(|mixed| mixed.valuer(as_of));
        Ok(Self { model, churn: ChurnScorer::new(&model.bundle)?, valuer })
    }

    /// Scores the users of a snapshot that has the features of the model's plan.
    pub fn score<'s>(
        &'s self,
        snapshot: &'s Snapshot,
        known: &mut KnownSentences,
    ) -> Result<UserScores<'s>, PipelineError> {
        let model = self.model;
        let (rules, matrix) = (&model.bundle.rules, &snapshot.features);
        let n_orders = matrix.all_time(Family::Orders)?;
        let silence = matrix.all_time(Family::Silence)?;
        let of_customer = |row: usize| (n_orders[row] > 0.0).then_some(silence[row]);
        let value = ValueScores::of(self.valuer.as_ref(), snapshot)?;
        Ok(UserScores {
            model,
            snapshot,
            layers: model.groups_of_users(Partition::Layers, matrix)?,
            kinds: model.groups_of_users(Partition::Kinds, matrix)?,
            rfm_segments: rules.groups(RuleGrouping::Rfm, matrix)?,
            rfm_levels: rules.groups(RuleGrouping::RfmLevels, matrix)?,
            value_demand: rules.groups(RuleGrouping::ValueDemand, matrix)?,
            rfm_cells: rules.groups(RuleGrouping::RfmCells, matrix)?,
            stages: rules.lifecycle.stages(matrix)?.iter().map(|it| it.as_str()).collect(),
            churn: self.churn.score(snapshot, &value, known)?,
            value,
            days_since_last_order: (0..matrix.n_rows()).map(of_customer).collect(),
        })
    }
}

impl UserScores<'_> {
    /// The layer of a user after review.
    pub fn layer(&self, user: usize) -> &ReviewedGroup {
        &self.model.groups(Partition::Layers)[self.layers.groups[user]]
    }

    /// The kind of a user after review.
    pub fn kind(&self, user: usize) -> &ReviewedGroup {
        &self.model.groups(Partition::Kinds)[self.kinds.groups[user]]
    }
}
