use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CustomFeature;

/// `[features]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureParams {
    /// Lengths of the windows that end at the as-of date, in days.
    pub windows_days: Vec<u32>,
    /// Event types with features of their own, most frequent first.
    pub max_events: usize,
    /// Channels with features of their own, most frequent first.
    pub max_channels: usize,
    /// Categories with features of their own, most frequent first.
    pub max_categories: usize,
    /// Names of the features to consider; all that the data allows when empty.
    pub only: Vec<String>,
    /// Features that models see at most; the least relevant go.
    pub max_features: usize,
    /// Of two features correlated beyond this, the less relevant goes.
    pub max_correlation: f64,
    /// Refuse an as-of date more than this many days after the last event.
    pub max_stale_days: u32,
    /// Features of one's own, by name.
    pub custom: BTreeMap<String, CustomFeature>,
}

impl Default for FeatureParams {
    fn default() -> Self {
        Self {
            windows_days: vec![7, 14, 30, 60, 90, 180, 365],
            max_events: 12,
            max_channels: 8,
            max_categories: 12,
            only: Vec::new(),
            max_features: 120,
            max_correlation: 0.95,
            max_stale_days: 7,
            custom: BTreeMap::new(),
        }
    }
}

impl FeatureParams {
    /// Names and expressions of the features of one's own.
    pub fn custom_expressions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.custom.iter().map(|(name, custom)| (name.as_str(), custom.sql.as_str()))
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// One line that names the key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), String> {
        if self.windows_days.is_empty() || self.windows_days.contains(&0) {
            return Err(format!(
                "[features] windows_days must list at least one window of 1 day or more, got {:?}",
                self.windows_days
            ));
        }
        if self.max_features == 0 {
            return Err("[features] max_features must be at least 1, got 0".into());
        }
        if !(0.0..=1.0).contains(&self.max_correlation) {
            return Err(format!(
                "[features] max_correlation must lie between 0 and 1, got {}",
                self.max_correlation
            ));
        }
        self.custom.iter().try_for_each(|(name, custom)| custom.check(name))
    }
}
