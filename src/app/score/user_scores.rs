//! What a model says of every user of a snapshot.

use std::collections::HashSet;
use std::sync::Arc;

use super::churn_scores::ChurnScores;
use crate::app::model::GroupsOfUsers;
use crate::app::{Model, PipelineError};
use crate::dataset::{Bilingual, Family, Snapshot};
use crate::models::rules::{RuleGrouping, UserGroups};
use crate::models::segmentation::{Partition, ReviewedGroup};

/// One entry a user, in order of user id.
pub(super) struct UserScores<'a> {
    pub model: &'a Model,
    pub snapshot: &'a Snapshot,
    pub layers: GroupsOfUsers,
    pub kinds: GroupsOfUsers,
    pub rfm_segments: UserGroups,
    pub rfm_levels: UserGroups,
    pub value_demand: UserGroups,
    pub rfm_cells: Vec<Option<String>>,
    pub stages: Vec<&'static str>,
    pub churn: ChurnScores,
    pub days_since_last_order: Vec<Option<f64>>,
}

impl<'a> UserScores<'a> {
    /// Scores the users of a snapshot that has the features of the model's plan.
    pub fn of(model: &'a Model, snapshot: &'a Snapshot) -> Result<Self, PipelineError> {
        let (rules, matrix) = (&model.bundle.rules, &snapshot.features);
        let n_orders = matrix.all_time(Family::Orders)?;
        let silence = matrix.all_time(Family::Silence)?;
        let of_customer = |row: usize| (n_orders[row] > 0.0).then_some(silence[row]);
        let rfm_scores = rules.rfm.scores(matrix)?;
        Ok(Self {
            model,
            snapshot,
            layers: model.groups_of_users(Partition::Layers, matrix)?,
            kinds: model.groups_of_users(Partition::Kinds, matrix)?,
            rfm_segments: rules.groups(RuleGrouping::Rfm, matrix)?,
            rfm_levels: rules.groups(RuleGrouping::RfmLevels, matrix)?,
            value_demand: rules.groups(RuleGrouping::ValueDemand, matrix)?,
            rfm_cells: rfm_scores.into_iter().map(|it| Some(it?.cell().to_string())).collect(),
            stages: rules.lifecycle.stages(matrix)?.iter().map(|it| it.as_str()).collect(),
            churn: ChurnScores::of(&model.bundle, snapshot)?,
            days_since_last_order: (0..matrix.n_rows()).map(of_customer).collect(),
        })
    }

    /// Warns of rules of the review that put nobody anywhere.
    pub fn idle_rules(&self) -> impl Iterator<Item = Bilingual> {
        let of = |partition, users: &GroupsOfUsers| {
            let used: HashSet<&Arc<str>> = users.assigned_by.iter().collect();
            let is_idle = |rule: &&Arc<str>| !used.contains(rule);
            self.model.rules(partition).filter(is_idle).cloned().collect::<Vec<_>>()
        };
        let idle = [of(Partition::Layers, &self.layers), of(Partition::Kinds, &self.kinds)];
        idle.into_iter().flatten().map(|rule| {
            Bilingual::new(
                format!(
                    "review: {rule} puts nobody into its group: its rule holds for nobody, or an \
                     earlier one comes first"
                ),
                format!("审阅：{rule} 未分入任何用户：没有用户符合该规则，或已被前面的规则分走"),
            )
        })
    }

    /// The layer of a user after review.
    pub fn layer(&self, user: usize) -> &ReviewedGroup {
        &self.model.groups(Partition::Layers)[self.layers.groups[user]]
    }

    /// The kind of a user after review.
    pub fn kind(&self, user: usize) -> &ReviewedGroup {
        &self.model.groups(Partition::Kinds)[self.kinds.groups[user]]
    }
}
