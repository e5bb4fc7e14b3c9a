use serde::{Deserialize, Serialize};

use crate::dataset::{DatasetError, Family, FeatureMatrix};
use crate::settings::{Conflict, Days};

/// `[lifecycle]` of the config.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LifecycleParams {
    /// New: the first order is at most this many days old.
    pub new_days: Days,
}

/// Bounds between the stages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleBounds {
    /// New: the first order is at most this many days old.
    pub new_days: u32,
    /// Dormant: the last order is more than this many days old.
    pub dormant_days: u32,
}

impl Default for LifecycleParams {
    fn default() -> Self {
        Self { new_days: Days::of(30) }
    }
}

/// Where a user stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LifecycleStage {
    /// Has never ordered.
    Prospect,
    /// Ordered for the first time lately.
    New,
    /// Ordered lately.
    Active,
    /// Ordered, but not lately.
    Dormant,
}

impl LifecycleStage {
    /// All stages, in the order of a customer's life.
    pub const ALL: [Self; 4] = [Self::Prospect, Self::New, Self::Active, Self::Dormant];

    /// The stage in one lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prospect => "prospect",
            Self::New => "new",
            Self::Active => "active",
            Self::Dormant => "dormant",
        }
    }

    /// The stage in Chinese.
    pub fn as_str_zh(self) -> &'static str {
        match self {
            Self::Prospect => "潜客",
            Self::New => "新客",
            Self::Active => "活跃客户",
            Self::Dormant => "沉睡客户",
        }
    }
}

impl LifecycleParams {
    /// The bounds of the stages; dormant is whoever is out of reach.
    ///
    /// # Errors
    /// When somebody would be new and dormant at once.
    pub fn bounds(self, reach_days: Days) -> Result<LifecycleBounds, Conflict> {
        let (new_days, dormant_days) = (self.new_days.get(), reach_days.get());
        if new_days > dormant_days {
            return Err(Conflict::new(
                "new_days",
                format!("must be at most [silence] reach_days, got {new_days} and {dormant_days}"),
            ));
        }
        Ok(LifecycleBounds { new_days, dormant_days })
    }
}

impl LifecycleBounds {
    /// The stage of each user.
    ///
    /// # Errors
    /// When the matrix lacks a feature that the stages need.
    pub fn stages(&self, matrix: &FeatureMatrix) -> Result<Vec<LifecycleStage>, DatasetError> {
        let n_orders = matrix.all_time(Family::Orders)?;
        let since_first = matrix.all_time(Family::CustomerAge)?;
        let since_last = matrix.all_time(Family::Silence)?;
        let stage = |row: usize| {
            if n_orders[row] == 0.0 {
                LifecycleStage::Prospect
            } else if since_first[row] <= f64::from(self.new_days) {
                LifecycleStage::New
            } else if since_last[row] <= f64::from(self.dormant_days) {
                LifecycleStage::Active
            } else {
                LifecycleStage::Dormant
            }
        };
        Ok((0..matrix.n_rows()).map(stage).collect())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn stages_follow_first_and_last_order() {
        let values =
            array![[0.0, 0.0, 400.0], [1.0, 30.0, 30.0], [3.0, 200.0, 90.0], [3.0, 200.0, 91.0]];
        let families = [("a", Family::Orders), ("b", Family::CustomerAge), ("c", Family::Silence)];
        let matrix = FeatureMatrix::of_families(&families, values);
        let stages = LifecycleBounds { new_days: 30, dormant_days: 90 }.stages(&matrix).unwrap();
        use LifecycleStage::{Active, Dormant, New, Prospect};
        assert_eq!(stages, [Prospect, New, Active, Dormant]);
    }
}
