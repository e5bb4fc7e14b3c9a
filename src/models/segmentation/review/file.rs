//! What a person may write into `layers.toml`.

use serde::Deserialize;

use super::ReviewError;
use crate::models::segmentation::Partition;

/// `layers.toml`, as a person wrote it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewFile {
    /// Layers of the model under another name, or merged into another.
    #[serde(rename = "layer")]
    pub layers: Vec<GroupEntry>,
    /// The same of kinds.
    #[serde(rename = "kind")]
    pub kinds: Vec<GroupEntry>,
    /// New groups: the users of a layer or kind of whom a rule holds.
    #[serde(rename = "split")]
    pub splits: Vec<SplitEntry>,
    /// Users of whom a rule holds, whatever layer or kind they are in.
    #[serde(rename = "pin")]
    pub pins: Vec<PinEntry>,
}

/// `[[layer]]` or `[[kind]]`: what is absent stays as the model has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// A group of the model.
    pub id: String,
    /// Its new name.
    pub name: Option<String>,
    /// Its new name in Chinese.
    pub name_zh: Option<String>,
    /// Who they are.
    pub description: Option<String>,
    /// What to do with them.
    pub playbook: Option<String>,
    /// The group that its users go to.
    pub merge_into: Option<String>,
}

/// `[[split]]`: a group of its own.
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
    /// The layer or kind of the model that they come from.
    pub from: String,
    /// A condition on the features of a user.
    #[serde(rename = "where")]
    pub rule: String,
}

/// `[[pin]]`: users who belong to a layer or a kind by rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinEntry {
    /// Name of the rule; without one, its number.
    pub id: Option<String>,
    /// A layer of the model or a split of one.
    pub layer: Option<String>,
    /// A kind of the model or a split of one.
    pub kind: Option<String>,
    /// A condition on the features of a user.
    #[serde(rename = "where")]
    pub rule: String,
}

/// What a file says of one partition.
pub(super) struct Part<'a> {
    pub partition: Partition,
    pub entries: &'a [GroupEntry],
    pub splits: Vec<&'a SplitEntry>,
    pub pins: Vec<Pin<'a>>,
}

/// A pin, and the group that its users go to.
pub(super) struct Pin<'a> {
    /// Its id, or its number in the file.
    pub id: String,
    pub group: &'a str,
    pub rule: &'a str,
}

impl ReviewFile {
    /// What it says of a partition: splits belong where the group does that they are from.
    ///
    /// # Errors
    /// When a pin names no group, or one of each partition.
    pub(super) fn part(&self, partition: Partition) -> Result<Part<'_>, ReviewError> {
        let is_of_kinds = |split: &&SplitEntry| Partition::Kinds.may_have(&split.from);
        let is_own = |split: &&SplitEntry| is_of_kinds(split) == (partition == Partition::Kinds);
        let mut pins = Vec::new();
        for (index, pin) in self.pins.iter().enumerate() {
            let id = pin.id.clone().unwrap_or_else(|| (index + 1).to_string());
            let (of, group) = match (&pin.layer, &pin.kind) {
                (Some(layer), None) => (Partition::Layers, layer),
                (None, Some(kind)) => (Partition::Kinds, kind),
                _ => return Err(ReviewError::PinOfNoGroup(id)),
            };
            if of == partition {
                pins.push(Pin { id, group, rule: &pin.rule });
            }
        }
        let entries = match partition {
            Partition::Layers => &self.layers,
            Partition::Kinds => &self.kinds,
        };
        Ok(Part { partition, entries, splits: self.splits.iter().filter(is_own).collect(), pins })
    }
}

impl Part<'_> {
    /// How errors name the entry of a group.
    pub fn entry(&self, id: &str) -> String {
        format!("[[{}]] id = \"{id}\"", self.partition.one())
    }
}

impl SplitEntry {
    /// How errors name it.
    pub(super) fn entry(&self) -> String {
        format!("[[split]] id = \"{}\"", self.id)
    }
}

impl Pin<'_> {
    /// How errors name it.
    pub fn entry(&self) -> String {
        format!("[[pin]] {}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_belong_where_their_group_does_also_those_of_who_is_hardly_known() {
        let split = |id: &str, from: &str| {
            format!(
                "[[split]]\nid = \"{id}\"\nname = \"{id}\"\nfrom = \"{from}\"\nwhere = \"true\"\n"
            )
        };
        let text = split("a", "L1") + &split("b", "K0") + &split("c", "K12") + &split("d", "Kx");
        let file: ReviewFile = toml::from_str(&text).unwrap();
        let ids = |partition| -> Vec<String> {
            file.part(partition).unwrap().splits.iter().map(|it| it.id.clone()).collect()
        };
        assert_eq!(ids(Partition::Layers), ["a", "d"]);
        assert_eq!(ids(Partition::Kinds), ["b", "c"]);
    }
}
