use super::PipelineError;
use super::model::Model;
use crate::dataset::{Bilingual, Snapshot};
use crate::models::rules::{GroupName, RuleGrouping, UserGroups};
use crate::models::segmentation::{Partition, ReviewedGroup};

/// A way of grouping users that a bundle knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// The layers or the kinds of the model.
    Groups(Partition),
    /// Kinds, each in tiers of the GMV that is predicted.
    KindTiers,
    /// A grouping by rule.
    Rule(RuleGrouping),
}

impl Grouping {
    /// The name that commands and files know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Groups(partition) => partition.many(),
            Self::KindTiers => "kind_tiers",
            Self::Rule(rule) => rule.as_str(),
        }
    }

    /// The head of its table.
    pub fn title(self) -> Bilingual {
        let zh = match self {
            Self::Groups(Partition::Layers) => "分层",
            Self::Groups(Partition::Kinds) => "类型",
            Self::KindTiers => return Bilingual::new("kinds × tiers", "类型 × 价值档"),
            Self::Rule(RuleGrouping::Rfm) => "RFM 名称",
            Self::Rule(RuleGrouping::RfmCells) => "RFM 格",
            Self::Rule(RuleGrouping::RfmLevels) => "RFM 等级",
            Self::Rule(RuleGrouping::ValueDemand) => "价值与需求",
            Self::Rule(RuleGrouping::Lifecycle) => "生命周期",
        };
        Bilingual::new(self.as_str(), zh)
    }
}

/// The group of each user of a snapshot.
pub(super) fn user_groups(
    model: &Model,
    grouping: Grouping,
    snapshot: &Snapshot,
) -> Result<UserGroups, PipelineError> {
    match grouping {
        Grouping::Rule(rule) => Ok(model.bundle.rules.groups(rule, &snapshot.features)?),
        Grouping::Groups(partition) => Ok(UserGroups {
            names: model.groups(partition).iter().map(name_with_id).collect(),
            group_of: model.groups_of_users(partition, &snapshot.features)?.groups,
            never_ordered: None,
        }),
        Grouping::KindTiers => kind_tiers(model, snapshot),
    }
}

fn name_with_id(group: &ReviewedGroup) -> GroupName {
    GroupName {
        name: format!("{} {}", group.id, group.name),
        name_zh: Some(format!("{} {}", group.id, group.name_zh)),
    }
}

/// Each kind in each tier, the kinds in their order and the highest tier first.
fn kind_tiers(model: &Model, snapshot: &Snapshot) -> Result<UserGroups, PipelineError> {
    let (kinds, tiers) = (model.groups(Partition::Kinds), &model.bundle.tiers);
    let of_users = model.groups_of_users(Partition::Kinds, &snapshot.features)?.groups;
    let tier_of = tiers.of_users(&model.bundle.layers, &snapshot.features)?;
    let names = kinds.iter().flat_map(|kind| {
        let GroupName { name, name_zh } = name_with_id(kind);
        tiers.names().into_iter().map(move |tier| GroupName {
            name: format!("{name}, {}", tier.en),
            name_zh: name_zh.as_ref().map(|name_zh| format!("{name_zh}，{}", tier.zh)),
        })
    });
    let group_of = of_users.iter().zip(&tier_of).map(|(kind, tier)| kind * tiers.n_tiers() + tier);
    Ok(UserGroups { names: names.collect(), group_of: group_of.collect(), never_ordered: None })
}
