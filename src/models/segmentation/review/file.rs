//! What a person may write into `layers.toml`.

use serde::Deserialize;

/// `layers.toml`, as a person wrote it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewFile {
    /// Layers of the model under another name, or merged into another.
    #[serde(rename = "layer")]
    pub layers: Vec<LayerEntry>,
    /// New layers: the users of a layer of whom a rule holds.
    #[serde(rename = "split")]
    pub splits: Vec<SplitEntry>,
    /// Users of whom a rule holds, whatever layer they are in.
    #[serde(rename = "pin")]
    pub pins: Vec<PinEntry>,
}

/// `[[layer]]`: what is absent stays as the model has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerEntry {
    /// A layer of the model.
    pub id: String,
    /// Its new name.
    pub name: Option<String>,
    /// Its new name in Chinese.
    pub name_zh: Option<String>,
    /// Who they are.
    pub description: Option<String>,
    /// What to do with them.
    pub playbook: Option<String>,
    /// The layer that its users go to.
    pub merge_into: Option<String>,
}

/// `[[split]]`: a layer of its own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitEntry {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in Chinese; without one, its name.
    pub name_zh: Option<String>,
    /// Who they are.
    pub description: Option<String>,
    /// What to do with them.
    pub playbook: Option<String>,
    /// The layer of the model that they come from.
    pub from: String,
    /// A condition on the features of a user.
    #[serde(rename = "where")]
    pub rule: String,
}

/// `[[pin]]`: users who belong to a layer by rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinEntry {
    /// Name of the rule; without one, its number.
    pub id: Option<String>,
    /// A layer of the model or a split.
    pub layer: String,
    /// A condition on the features of a user.
    #[serde(rename = "where")]
    pub rule: String,
}

impl SplitEntry {
    /// How errors name it.
    pub(super) fn entry(&self) -> String {
        format!("[[split]] id = \"{}\"", self.id)
    }
}

impl PinEntry {
    /// Its id, or its number.
    pub(super) fn id(&self, index: usize) -> String {
        self.id.clone().unwrap_or_else(|| (index + 1).to_string())
    }

    /// How errors name it.
    pub(super) fn entry(&self, index: usize) -> String {
        format!("[[pin]] {}", self.id(index))
    }
}
