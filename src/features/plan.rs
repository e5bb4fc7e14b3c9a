use serde::{Deserialize, Serialize};

use super::{EventParams, Measure};
use crate::dataset::FeatureInfo;

/// The list of features, as saved in a bundle: the only way in which features
/// are computed, in training and in scoring alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturePlan {
    /// Roles of event types, with all responses found in the data.
    pub events: EventParams,
    /// Event columns that held values when the plan was made.
    pub columns: Vec<String>,
    /// All features, in matrix order.
    pub features: Vec<Feature>,
}

/// One feature: what it is and how it is computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// What it is.
    pub info: FeatureInfo,
    /// How it is computed.
    pub measure: Measure,
}

/// Features that RFM, lifecycle stages and the choice of customers read,
/// whatever else is pruned.
pub const CORE_FEATURES: [&str; 4] =
    ["n_orders", "gmv", "days_since_last_order", "customer_age_days"];

impl FeaturePlan {
    /// Names, in matrix order.
    pub fn names(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.info.name.clone()).collect()
    }

    /// What the features are, in matrix order.
    pub fn infos(&self) -> Vec<FeatureInfo> {
        self.features.iter().map(|feature| feature.info.clone()).collect()
    }

    /// The same plan with only the named features.
    pub fn select(&self, names: &[String]) -> Self {
        let keep = |feature: &&Feature| names.contains(&feature.info.name);
        Self { features: self.features.iter().filter(keep).cloned().collect(), ..self.clone() }
    }

    /// The same plan with the features of models and those of habits, of which models do
    /// not see what is not theirs.
    pub fn for_models_and_habits(&self, of_models: &[String], of_habits: &[String]) -> Self {
        let mut plan = self.select(&[of_models, of_habits].concat());
        for feature in &mut plan.features {
            feature.info.of_habits_only = !of_models.contains(&feature.info.name);
        }
        plan
    }

    /// Names and expressions of the features that are SQL.
    pub fn custom(&self) -> impl Iterator<Item = (&str, &str)> {
        self.features.iter().filter_map(|feature| match &feature.measure {
            Measure::Sql(sql) => Some((feature.info.name.as_str(), sql.as_str())),
            _ => None,
        })
    }

    /// Event types other than orders that features count.
    pub fn counted_events(&self) -> Vec<&str> {
        let mut events: Vec<&str> = Vec::new();
        for event in self.features.iter().flat_map(|feature| feature.measure.events()) {
            if event != self.events.order && !events.contains(&event) {
                events.push(event);
            }
        }
        events
    }
}
