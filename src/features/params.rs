use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalogue::most_similar;
use super::{CustomFeature, FeatureError};

/// `[features]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureParams {
    /// The event that counts as an order.
    pub order_event: String,
    /// Events that the business triggers and not the user, such as a message
    /// sent: they are counted, but are no sign of activity.
    pub passive_events: Vec<String>,
    /// Events on the way to an order and beyond, in order: the rates from each
    /// to the next become features.
    pub path_events: Vec<String>,
    /// What users do in answer to which passive event, for response rates; by
    /// default events whose first word is that of a passive event.
    pub responses: BTreeMap<String, String>,
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
            order_event: "order".into(),
            passive_events: Vec::new(),
            path_events: ["view", "cart", "order", "share"].map(String::from).to_vec(),
            responses: BTreeMap::new(),
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

/// Checks that an event that the config names at `key` occurs in the data.
///
/// # Errors
/// [`FeatureError::NoSuchEvent`] when it does not.
pub fn check_event(key: &'static str, event: &str, known: &[String]) -> Result<(), FeatureError> {
    if known.iter().any(|other| other == event) {
        return Ok(());
    }
    let nearest = most_similar(event, known.iter());
    Err(FeatureError::NoSuchEvent { key, event: event.to_owned(), nearest })
}

impl FeatureParams {
    /// Names and expressions of the features of one's own.
    pub fn custom_expressions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.custom.iter().map(|(name, custom)| (name.as_str(), custom.sql.as_str()))
    }

    /// Checks that the events that the config names occur in the data.
    ///
    /// # Errors
    /// [`FeatureError::NoSuchEvent`] for the first that does not.
    pub fn check_events(&self, known: &[String]) -> Result<(), FeatureError> {
        let mut named: Vec<(&'static str, &String)> = Vec::new();
        named.extend(self.passive_events.iter().map(|event| ("[features] passive_events", event)));
        // Nobody asked for the events of the default path.
        if self.path_events != Self::default().path_events {
            named.extend(self.path_events.iter().map(|event| ("[features] path_events", event)));
        }
        let responses = self.responses.iter().flat_map(|(answer, sent)| [answer, sent]);
        named.extend(responses.map(|event| ("[features] responses", event)));
        named.into_iter().try_for_each(|(key, event)| check_event(key, event, known))
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
        let mut steps = self.path_events.iter().enumerate();
        if let Some((_, step)) = steps.find(|(n, step)| self.path_events[..*n].contains(step)) {
            return Err(format!(
                "[features] path_events must list each event once, got {step:?} twice"
            ));
        }
        if let Some((answer, _)) = self.responses.iter().find(|(answer, sent)| answer == sent) {
            return Err(format!("[features] responses: {answer:?} can't be the answer to itself"));
        }
        if self.order_event.is_empty() {
            return Err("[features] order_event must name an event, got \"\"".into());
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
