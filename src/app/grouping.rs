use super::PipelineError;
use super::model::Model;
use crate::dataset::{Bilingual, Snapshot};
use crate::models::rules::{GroupName, RuleGrouping, UserGroups};
use crate::models::segmentation::ReviewedLayer;

/// A way of grouping users that a bundle knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// The layers of the model.
    Layers,
    /// A grouping by rule.
    Rule(RuleGrouping),
}

impl Grouping {
    /// The name that commands and files know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Rule(rule) => rule.as_str(),
        }
    }

    /// The head of its table.
    pub fn title(self) -> Bilingual {
        let zh = match self {
            Self::Layers => "分层",
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
        Grouping::Layers => {
            let name = |layer: &ReviewedLayer| GroupName {
                name: format!("{} {}", layer.id, layer.name),
                name_zh: Some(format!("{} {}", layer.id, layer.name_zh)),
            };
            Ok(UserGroups {
                names: model.layers().iter().map(name).collect(),
                group_of: model.layers_of_users(&snapshot.features)?.layers,
                never_ordered: None,
            })
        }
    }
}
