use serde::{Deserialize, Serialize};

use super::rfm_map::NEVER_ORDERED;
use super::{
    FittedRfm, FittedValueDemand, GroupName, LifecycleBounds, LifecycleStage, RfmMap, RfmParams,
    RfmScores, RuleError,
};
use crate::dataset::{DatasetError, FeatureMatrix};

/// A way of grouping users by rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleGrouping {
    /// The ten names of RFM, or the config's own.
    Rfm,
    /// The 125 codes of RFM.
    RfmCells,
    /// 18 levels of RFM: 3 of R, 3 of F and 2 of M.
    RfmLevels,
    /// Four quadrants: amount of an order against number of orders.
    ValueDemand,
    /// Stages from prospect to dormant.
    Lifecycle,
}

impl RuleGrouping {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Rfm, Self::RfmCells, Self::RfmLevels, Self::ValueDemand, Self::Lifecycle];

    /// The name that commands and files know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rfm => "rfm",
            Self::RfmCells => "rfm_cells",
            Self::RfmLevels => "rfm_levels",
            Self::ValueDemand => "value_demand",
            Self::Lifecycle => "lifecycle",
        }
    }
}

/// The group of each user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserGroups {
    /// All groups, also those that nobody is in.
    pub names: Vec<GroupName>,
    /// Index into `names` for each row of the matrix.
    pub group_of: Vec<usize>,
    /// The group of those who never ordered, where that is a group of its own.
    pub never_ordered: Option<usize>,
}

impl UserGroups {
    /// Adds a last group for the users without one: they never ordered.
    fn of_customers(mut names: Vec<GroupName>, groups: &[Option<usize>]) -> Self {
        let last = names.len();
        names.push(GroupName::new(NEVER_ORDERED, "未下单"));
        let group_of = groups.iter().map(|group| group.unwrap_or(last)).collect();
        Self { names, group_of, never_ordered: Some(last) }
    }

    /// Name of a user's group; `None` for who never ordered.
    pub fn customer_group(&self, row: usize) -> Option<&str> {
        let group = self.group_of[row];
        (Some(group) != self.never_ordered).then(|| self.names[group].name.as_str())
    }
}

/// All groupings by rule, with what training learned for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedRules {
    /// Quintiles of R, F and M.
    pub rfm: FittedRfm,
    /// Names of the RFM codes.
    pub rfm_map: RfmMap,
    /// Medians of value and demand.
    pub value_demand: FittedValueDemand,
    /// Bounds of the lifecycle stages.
    pub lifecycle: LifecycleBounds,
}

impl FittedRules {
    /// Learns edges and medians from the customers of `matrix`.
    ///
    /// # Errors
    /// When the map is not sound or the matrix lacks days since the last order
    /// or the number of orders.
    pub fn fit(
        matrix: &FeatureMatrix,
        rfm: &RfmParams,
        lifecycle: LifecycleBounds,
    ) -> Result<Self, RuleError> {
        Ok(Self {
            rfm: FittedRfm::fit(matrix)?,
            rfm_map: rfm.names()?,
            value_demand: FittedValueDemand::fit(matrix)?,
            lifecycle,
        })
    }

    /// The group of each user, in matrix order.
    ///
    /// # Errors
    /// When the matrix lacks a feature that the grouping reads.
    pub fn groups(
        &self,
        grouping: RuleGrouping,
        matrix: &FeatureMatrix,
    ) -> Result<UserGroups, DatasetError> {
        match grouping {
            RuleGrouping::Rfm => self.by_map(&self.rfm_map, matrix),
            RuleGrouping::RfmLevels => self.by_map(&RfmMap::levels(), matrix),
            RuleGrouping::RfmCells => self.by_cell(matrix),
            RuleGrouping::ValueDemand => Ok(UserGroups::of_customers(
                FittedValueDemand::names(),
                &self.value_demand.quadrants(matrix)?,
            )),
            RuleGrouping::Lifecycle => self.by_stage(matrix),
        }
    }

    fn by_map(&self, map: &RfmMap, matrix: &FeatureMatrix) -> Result<UserGroups, DatasetError> {
        let scores = self.rfm.scores(matrix)?;
        let groups: Vec<Option<usize>> =
            scores.into_iter().map(|scores| scores.map(|it| map.index_of(it))).collect();
        Ok(UserGroups::of_customers(map.names(), &groups))
    }

    /// Cells from 555 down to 111.
    fn by_cell(&self, matrix: &FeatureMatrix) -> Result<UserGroups, DatasetError> {
        let cells = RfmScores::all_cells();
        let names = cells.iter().map(|cell| GroupName { name: cell.to_string(), name_zh: None });
        let index = |scores: RfmScores| cells.iter().position(|cell| *cell == scores.cell());
        let scores = self.rfm.scores(matrix)?;
        let groups: Vec<Option<usize>> = scores.into_iter().map(|it| it.and_then(index)).collect();
        Ok(UserGroups::of_customers(names.collect(), &groups))
    }

    fn by_stage(&self, matrix: &FeatureMatrix) -> Result<UserGroups, DatasetError> {
        let stages = self.lifecycle.stages(matrix)?;
        let names = LifecycleStage::ALL.map(|it| GroupName::new(it.as_str(), it.as_str_zh()));
        let index = |stage: LifecycleStage| stage as usize;
        Ok(UserGroups {
            names: names.to_vec(),
            group_of: stages.into_iter().map(index).collect(),
            never_ordered: Some(index(LifecycleStage::Prospect)),
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::dataset::Family;

    /// One prospect and ten customers.
    fn matrix() -> FeatureMatrix {
        let families = [
            ("days_since_last_order", Family::Silence),
            ("customer_age_days", Family::CustomerAge),
            ("n_orders", Family::Orders),
            ("gmv", Family::Gmv),
        ];
        let values = Array2::from_shape_fn((11, 4), |(row, _)| row as f64);
        FeatureMatrix::of_families(&families, values)
    }

    fn fitted() -> FittedRules {
        let bounds = LifecycleBounds { new_days: 30, dormant_days: 90 };
        FittedRules::fit(&matrix(), &RfmParams::default(), bounds).unwrap()
    }

    #[test]
    fn every_user_is_in_one_group_of_every_grouping() {
        for (grouping, n_groups) in RuleGrouping::ALL.into_iter().zip([11, 126, 19, 5, 4]) {
            let groups = fitted().groups(grouping, &matrix()).unwrap();
            assert_eq!(groups.names.len(), n_groups, "{}", grouping.as_str());
            assert_eq!(groups.group_of.len(), 11);
            assert_eq!(groups.customer_group(0), None);
            assert!((1..11).all(|row| groups.customer_group(row).is_some()));
        }
    }

    #[test]
    fn a_users_group_does_not_depend_on_the_others() {
        let all = matrix();
        let alone = all.select_rows(&[7]);
        for grouping in RuleGrouping::ALL {
            let of = |matrix| fitted().groups(grouping, matrix).unwrap().group_of;
            assert_eq!(of(&alone)[0], of(&all)[7], "{}", grouping.as_str());
        }
    }

    #[test]
    fn names_say_where_a_user_stands() {
        let name = |grouping| {
            let groups = fitted().groups(grouping, &matrix()).unwrap();
            groups.names[groups.group_of[10]].clone()
        };
        // Ten orders, the last of them longest ago.
        assert_eq!(name(RuleGrouping::Rfm).name, "can't lose");
        assert_eq!(name(RuleGrouping::RfmCells).name, "155");
        assert_eq!(name(RuleGrouping::RfmLevels).name, "lapsed frequent high-spend");
        assert_eq!(name(RuleGrouping::ValueDemand).name, "low-value high-demand");
        assert_eq!(name(RuleGrouping::Lifecycle).name_zh.as_deref(), Some("新客"));
    }
}
