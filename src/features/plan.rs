use serde::{Deserialize, Serialize};

use super::Measure;

/// The list of features, as saved in a bundle: the only way in which features
/// are computed, in training and in scoring alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturePlan {
    /// The event that counts as an order.
    pub order_event: String,
    /// Events that are not the user's own doing.
    pub passive_events: Vec<String>,
    /// Event columns that held values when the plan was made.
    pub columns: Vec<String>,
    /// All features, in matrix order.
    pub features: Vec<Feature>,
}

/// One feature: what it is called, what it means and how it is computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Name of the matrix column.
    pub name: String,
    /// Unit of its values.
    pub unit: Unit,
    /// One line for people.
    pub meaning: String,
    /// How it is computed.
    pub measure: Measure,
    /// What stands for a value that is missing (no such event, no second order …).
    pub when_missing: Missing,
}

/// What stands for a missing value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// 0: there was none.
    Zero,
    /// Longer ago than anything that any user can have done: twice the length
    /// of the history, in days.
    Never(f64),
    /// A number of the config.
    Value(f64),
}

impl Missing {
    /// The value that the matrix holds.
    pub fn value(self) -> f64 {
        match self {
            Self::Zero => 0.0,
            Self::Never(value) | Self::Value(value) => value,
        }
    }

    /// In words.
    pub fn meaning(self) -> String {
        match self {
            Self::Zero => "0".into(),
            Self::Never(days) => format!("{days}, which stands for never"),
            Self::Value(value) => value.to_string(),
        }
    }
}

/// Unit of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A number of things.
    Count,
    /// Money, in the currency of the data.
    Money,
    /// Days.
    Days,
    /// Seconds.
    Seconds,
    /// Between 0 and 1.
    Share,
    /// A quotient of like things.
    Ratio,
    /// Bits of information.
    Bits,
    /// Whatever the expression of the config gives.
    Custom,
}

impl Unit {
    /// In lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Money => "money",
            Self::Days => "days",
            Self::Seconds => "seconds",
            Self::Share => "share",
            Self::Ratio => "ratio",
            Self::Bits => "bits",
            Self::Custom => "custom",
        }
    }
}

/// Features that RFM, lifecycle stages and the choice of customers read,
/// whatever else is pruned.
pub const CORE_FEATURES: [&str; 4] =
    ["n_orders", "gmv", "days_since_last_order", "customer_age_days"];

impl FeaturePlan {
    /// Names, in matrix order.
    pub fn names(&self) -> Vec<String> {
        self.features.iter().map(|feature| feature.name.clone()).collect()
    }

    /// The same plan with only the named features.
    pub fn select(&self, names: &[String]) -> Self {
        let keep = |feature: &&Feature| names.contains(&feature.name);
        Self { features: self.features.iter().filter(keep).cloned().collect(), ..self.clone() }
    }

    /// Names and expressions of the features that are SQL.
    pub fn custom(&self) -> impl Iterator<Item = (&str, &str)> {
        self.features.iter().filter_map(|feature| match &feature.measure {
            Measure::Sql(sql) => Some((feature.name.as_str(), sql.as_str())),
            _ => None,
        })
    }

    /// Event types other than orders that features count.
    pub fn counted_events(&self) -> Vec<&str> {
        let mut events: Vec<&str> = Vec::new();
        for event in self.features.iter().flat_map(|feature| feature.measure.events()) {
            if event != self.order_event && !events.contains(&event) {
                events.push(event);
            }
        }
        events
    }
}
