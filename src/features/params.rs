use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CustomFeature;
use crate::settings::{Conflict, Count, Days, Share};

/// `[features]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureParams {
    /// Lengths of the windows that end at the as-of date, in days.
    pub windows_days: Vec<Days>,
    /// Values of a column with features of their own, most frequent first.
    pub max_values: MaxValues,
    /// Names of the features to consider; all that the data allows when empty.
    pub only: Vec<String>,
    /// Features that models see at most; the least relevant go.
    pub max_features: Count,
    /// Of two features correlated beyond this, the less relevant goes.
    pub max_correlation: Share,
    /// Custom features, by name.
    pub custom: BTreeMap<String, CustomFeature>,
}

/// How many values of each column get features of their own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaxValues {
    /// Event types.
    pub events: usize,
    /// Channels.
    pub channels: usize,
    /// Categories.
    pub categories: usize,
}

impl Default for MaxValues {
    fn default() -> Self {
        Self { events: 12, channels: 8, categories: 12 }
    }
}

impl Default for FeatureParams {
    fn default() -> Self {
        Self {
            windows_days: [7, 14, 30, 60, 90, 180, 365].map(Days::of).to_vec(),
            max_values: MaxValues::default(),
            only: Vec::new(),
            max_features: Count::of(120),
            max_correlation: Share::of(0.95),
            custom: BTreeMap::new(),
        }
    }
}

impl FeatureParams {
    /// Names and expressions of the custom features.
    pub fn custom_expressions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.custom.iter().map(|(name, custom)| (name.as_str(), custom.sql.as_str()))
    }

    /// Checks what no type of a key shows.
    ///
    /// # Errors
    /// The key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        if self.windows_days.is_empty() {
            return Err(Conflict::new("windows_days", "must list at least one window, got none"));
        }
        self.custom.keys().try_for_each(|name| CustomFeature::check_name(name))
    }
}
