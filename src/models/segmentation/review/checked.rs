//! What people make of the layers: other names, merges, splits and pins by rule.

use std::collections::HashMap;

use super::error::ReviewError;
use super::file::{GroupEntry, Part, ReviewFile, SplitEntry};
use crate::models::segmentation::{FittedGroups, Group, Partition};

/// A review that fits its model: the layers that users are assigned to, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// The layers that stand: those of the model, but for merged ones, then splits.
    pub groups: Vec<ReviewedGroup>,
    /// Where the users of each layer of the model go, as an index into `groups`.
    pub of_model: Vec<usize>,
    /// Splits, the first that holds counts.
    pub splits: Vec<Rule>,
    /// Pins, the first that holds counts, before any split.
    pub pins: Vec<Rule>,
}

/// A layer as scores show it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ReviewedGroup {
    /// Id, of the model or of a split.
    pub id: String,
    /// Name.
    pub name: String,
    /// Name in Chinese.
    pub name_zh: String,
    /// Who they are.
    pub description: String,
    /// What to do with them.
    pub playbook: Option<String>,
}

/// A rule that puts users into a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// The condition, in SQL.
    pub sql: String,
    /// The layer whose users it looks at, as an index into [`Review::groups`];
    /// all when `None`.
    pub from: Option<usize>,
    /// The layer they go to, as an index into [`Review::groups`].
    pub to: usize,
}

impl ReviewFile {
    /// Holds what the review says of a partition against that of a model.
    ///
    /// # Errors
    /// Whatever does not fit; the first such entry is named.
    pub fn check(&self, model: &FittedGroups) -> Result<Review, ReviewError> {
        self.part(model.partition)?.check(&model.groups)
    }
}

impl Part<'_> {
    fn check(&self, model: &[Group]) -> Result<Review, ReviewError> {
        self.check_ids(model)?;
        self.check_texts()?;
        let merges = self.merges(model)?;
        let unmerged: Vec<usize> = (0..model.len())
            .filter(|&index| !merges.contains_key(model[index].id.as_str()))
            .collect();
        let mut layers: Vec<ReviewedGroup> =
            unmerged.iter().map(|&index| self.reviewed(&model[index])).collect();
        layers.extend(self.splits.iter().map(|split| ReviewedGroup::of_split(split)));
        let one = self.partition.one();
        check_names(self.partition, &layers)?;
        let place = |entry: String, id: &str, layers: &[ReviewedGroup]| {
            if let Some(into) = merges.get(id) {
                let (id, into) = (id.to_owned(), (*into).to_owned());
                return Err(ReviewError::MergedAway { one, entry, id, into });
            }
            layers
                .iter()
                .position(|layer| layer.id == id)
                .ok_or_else(|| self.unknown(entry, id, layers.iter().map(|layer| &layer.id)))
        };
        let of_model = model
            .iter()
            .map(|layer| {
                let id = merges.get(layer.id.as_str()).copied().unwrap_or(&layer.id);
                place(self.entry(&layer.id), id, &layers)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let splits = self.splits.iter().enumerate().map(|(index, split)| {
            let from = place(split.entry(), &split.from, &layers[..unmerged.len()])?;
            let (id, sql) = (split.id.clone(), split.rule.clone());
            Ok(Rule { id, sql, from: Some(from), to: unmerged.len() + index })
        });
        let splits = splits.collect::<Result<Vec<_>, _>>()?;
        let pins = self.pins.iter().map(|pin| {
            let to = place(pin.entry(), pin.group, &layers)?;
            Ok(Rule { id: pin.id.clone(), sql: pin.rule.to_owned(), from: None, to })
        });
        let pins = pins.collect::<Result<Vec<_>, _>>()?;
        Ok(Review { groups: layers, of_model, splits, pins })
    }

    /// Every id is known and occurs once.
    fn check_ids(&self, model: &[Group]) -> Result<(), ReviewError> {
        let ids = || model.iter().map(|layer| &layer.id);
        for layer in self.entries {
            if !ids().any(|id| *id == layer.id) {
                let entry = format!("[[{}]]", self.partition.one());
                return Err(self.unknown(entry, &layer.id, ids()));
            }
        }
        if let Some(split) = self.splits.iter().find(|split| ids().any(|id| *id == split.id)) {
            let one = self.partition.one();
            return Err(ReviewError::TakenId { id: split.id.clone(), one });
        }
        distinct(self.partition.one(), self.entries.iter().map(|layer| layer.id.as_str()))?;
        distinct("split", self.splits.iter().map(|split| split.id.as_str()))?;
        distinct("pin", self.pins.iter().map(|pin| pin.id.as_str()))
    }

    fn check_texts(&self) -> Result<(), ReviewError> {
        let mut texts = Vec::new();
        for layer in self.entries {
            let entry = self.entry(&layer.id);
            texts.push((entry.clone(), "name", layer.name.as_deref()));
            texts.push((entry, "name_zh", layer.name_zh.as_deref()));
        }
        for split in &self.splits {
            texts.push((split.entry(), "id", Some(&split.id)));
            texts.push((split.entry(), "name", Some(&split.name)));
            texts.push((split.entry(), "name_zh", split.name_zh.as_deref()));
            texts.push((split.entry(), "where", Some(&split.rule)));
        }
        for pin in &self.pins {
            texts.push((pin.entry(), "id", Some(&pin.id)));
            texts.push((pin.entry(), "where", Some(pin.rule)));
        }
        let odd = texts
            .iter()
            .find(|(_, _, text)| text.is_some_and(|text| text.chars().any(char::is_control)));
        if let Some((entry, key, _)) = odd {
            return Err(ReviewError::ControlCharacter { entry: entry.clone(), key });
        }
        for split in &self.splits {
            let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            let is_of_model = Partition::ALL.iter().any(|it| it.may_have(&split.id));
            if is_of_model || !split.id.chars().all(is_plain) {
                return Err(ReviewError::SplitId(split.id.clone()));
            }
        }
        for group in self.entries {
            let texts = [
                ("name", &group.name),
                ("name_zh", &group.name_zh),
                ("description", &group.description),
                ("playbook", &group.playbook),
            ];
            let written = texts.into_iter().find(|(_, text)| text.is_some());
            if let (Some(into), Some((key, _))) = (&group.merge_into, written) {
                let (entry, into) = (self.entry(&group.id), into.clone());
                return Err(ReviewError::OfMerged { entry, key, into });
            }
        }
        let is_blank = |text: Option<&str>| text.is_some_and(|text| text.trim().is_empty());
        match texts.into_iter().find(|(_, _, text)| is_blank(*text)) {
            Some((entry, key, _)) => Err(ReviewError::Blank { entry, key }),
            None => Ok(()),
        }
    }

    /// Where each merged layer goes.
    fn merges(&self, model: &[Group]) -> Result<HashMap<&str, &str>, ReviewError> {
        let merges: HashMap<&str, &str> = self
            .entries
            .iter()
            .filter_map(|layer| Some((layer.id.as_str(), layer.merge_into.as_deref()?)))
            .collect();
        let merged = self.entries.iter().filter(|layer| layer.merge_into.is_some());
        for id in merged.map(|layer| layer.id.as_str()) {
            let entry = format!("{}, merge_into", self.entry(id));
            let one = self.partition.one();
            let into = merges[id];
            if into == id {
                return Err(ReviewError::MergeIntoItself(self.entry(id)));
            }
            if !model.iter().any(|layer| layer.id == into) {
                return Err(self.unknown(entry, into, model.iter().map(|layer| &layer.id)));
            }
            if let Some(&further) = merges.get(into) {
                check_circle(one, &merges, id)?;
                let (id, into) = (into.to_owned(), further.to_owned());
                return Err(ReviewError::MergedAway { one, entry, id, into });
            }
        }
        Ok(merges)
    }

    fn reviewed(&self, layer: &Group) -> ReviewedGroup {
        let entry = self.entries.iter().find(|entry| entry.id == layer.id);
        let text = |of: fn(&GroupEntry) -> &Option<String>| entry.and_then(|it| of(it).clone());
        ReviewedGroup {
            id: layer.id.clone(),
            name: text(|it| &it.name).unwrap_or_else(|| layer.name.clone()),
            name_zh: text(|it| &it.name_zh).unwrap_or_else(|| layer.name_zh.clone()),
            description: text(|it| &it.description).unwrap_or_else(|| layer.description.clone()),
            playbook: text(|it| &it.playbook),
        }
    }

    fn unknown<'a>(
        &self,
        entry: String,
        id: &str,
        valid: impl Iterator<Item = &'a String>,
    ) -> ReviewError {
        let valid = valid.map(String::as_str).collect::<Vec<_>>().join(", ");
        let hint = match self.partition {
            Partition::Layers if Partition::Kinds.may_have(id) => {
                "; kinds are [[kind]], or kind = \"…\""
            }
            Partition::Kinds if Partition::Layers.may_have(id) => {
                "; layers are [[layer]], or layer = \"…\""
            }
            Partition::Layers if entry.starts_with("[[split]]") => {
                ", and its kinds, K with a number; a split can't be split again"
            }
            _ => "",
        };
        let (one, id) = (self.partition.one(), id.to_owned());
        ReviewError::UnknownGroup { one, entry, id, valid, hint }
    }
}

impl FittedGroups {
    /// The groups as they are where nobody reviewed them.
    pub fn unreviewed(&self) -> Review {
        let (partition, splits, pins) = (self.partition, Vec::new(), Vec::new());
        let nothing = Part { partition, entries: &[], splits, pins };
        Review {
            groups: self.groups.iter().map(|layer| nothing.reviewed(layer)).collect(),
            of_model: (0..self.groups.len()).collect(),
            splits: Vec::new(),
            pins: Vec::new(),
        }
    }
}

impl ReviewedGroup {
    fn of_split(split: &SplitEntry) -> Self {
        Self {
            id: split.id.clone(),
            name: split.name.clone(),
            name_zh: split.name_zh.clone().unwrap_or_else(|| split.name.clone()),
            description: split.description.clone().unwrap_or_default(),
            playbook: split.playbook.clone(),
        }
    }
}

/// Follows merges from a layer; an error when they come back to one.
fn check_circle(
    one: &'static str,
    merges: &HashMap<&str, &str>,
    start: &str,
) -> Result<(), ReviewError> {
    let mut way = vec![start];
    while let Some(&next) = way.last().and_then(|last| merges.get(last)) {
        let is_circle = way.contains(&next);
        way.push(next);
        if is_circle {
            return Err(ReviewError::MergeCycle { one, way: way.join(" → ") });
        }
    }
    Ok(())
}

fn check_names(partition: Partition, layers: &[ReviewedGroup]) -> Result<(), ReviewError> {
    type Text = fn(&ReviewedGroup) -> &str;
    let keys: [(&'static str, Text); 2] =
        [("name", |layer| &layer.name), ("name_zh", |layer| &layer.name_zh)];
    for (key, of) in keys {
        for (index, layer) in layers.iter().enumerate() {
            let is_like = |other: &&ReviewedGroup| alike(of(other)) == alike(of(layer));
            if let Some(first) = layers[..index].iter().find(is_like) {
                return Err(ReviewError::RepeatedName {
                    many: partition.many(),
                    key,
                    name: of(layer).to_owned(),
                    first: first.id.clone(),
                    second: layer.id.clone(),
                });
            }
        }
    }
    Ok(())
}

/// A name without what readers overlook: case, and spaces.
fn alike(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn distinct<'a>(kind: &'static str, ids: impl Iterator<Item = &'a str>) -> Result<(), ReviewError> {
    let mut seen = std::collections::HashSet::new();
    match ids.into_iter().find(|id| !seen.insert(*id)) {
        Some(id) => Err(ReviewError::RepeatedId { kind, id: id.to_owned() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::segmentation::GroupProfile;

    fn model() -> Vec<Group> {
        let profile = GroupProfile {
            n_users: 1,
            share: 0.25,
            customer_share: 1.0,
            gmv_per_user: 0.0,
            gmv_share: 0.0,
            no_order_rate: 0.0,
            churn_rate: Some(0.0),
            differences: Vec::new(),
            drivers: Vec::new(),
        };
        (1..=4)
            .map(|n| Group {
                id: format!("L{n}"),
                name: format!("Layer {n}"),
                name_zh: format!("第{n}层"),
                name_claims: Vec::new(),
                description: String::new(),
                description_zh: String::new(),
                cluster: Some(4 - n),
                profile: profile.clone(),
            })
            .collect()
    }

    fn check(toml: &str) -> Result<Review, String> {
        let file: ReviewFile = toml::from_str(toml).unwrap();
        let part = file.part(Partition::Layers).map_err(|error| error.to_string())?;
        part.check(&model()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_review_leaves_the_model_as_it_is() {
        let review = check("").unwrap();
        let names: Vec<&str> = review.groups.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["Layer 1", "Layer 2", "Layer 3", "Layer 4"]);
        assert_eq!(review.of_model, [0, 1, 2, 3]);
    }

    #[test]
    fn layers_are_renamed_merged_split_and_pinned() {
        let review = check(
            "[[layer]]\nid = \"L4\"\nname = \"Lost\"\nplaybook = \"let go\"\n\
             [[layer]]\nid = \"L2\"\nmerge_into = \"L4\"\n\
             [[split]]\nid = \"baby\"\nname = \"Babies\"\nfrom = \"L3\"\nwhere = \"age < 12\"\n\
             [[pin]]\nlayer = \"baby\"\nwhere = \"gmv > 5\"\n",
        )
        .unwrap();
        let ids: Vec<&str> = review.groups.iter().map(|layer| layer.id.as_str()).collect();
        assert_eq!(ids, ["L1", "L3", "L4", "baby"]);
        assert_eq!(review.groups[2].name, "Lost");
        assert_eq!(review.groups[2].name_zh, "第4层");
        assert_eq!(review.groups[2].playbook.as_deref(), Some("let go"));
        assert_eq!(review.groups[3].name_zh, "Babies");
        assert_eq!(review.of_model, [0, 2, 1, 2]);
        assert_eq!((review.splits[0].from, review.splits[0].to), (Some(1), 3));
        let pin = &review.pins[0];
        assert_eq!((pin.id.as_str(), pin.from, pin.to), ("1", None, 3));
    }

    #[test]
    fn whatever_does_not_fit_is_named() {
        let layer = |id: &str, rest: &str| format!("[[layer]]\nid = \"{id}\"\n{rest}\n");
        let split = |id: &str, from: &str| {
            format!(
                "[[split]]\nid = \"{id}\"\nname = \"{id}\"\nfrom = \"{from}\"\nwhere = \"true\"\n"
            )
        };
        let merge = |id: &str, into: &str| layer(id, &format!("merge_into = \"{into}\""));
        let pin = |rest: &str| format!("[[pin]]\nwhere = \"true\"\n{rest}\n");
        for (toml, parts) in [
            (layer("L9", ""), ["no layer `L9`", "L1, L2, L3, L4"]),
            (layer("K1", ""), ["no layer `K1`", "kinds are [[kind]]"]),
            (split("a", "L1") + &split("b", "a"), ["no layer `a`", "can't be split again"]),
            (merge("L1", "L2") + "playbook = \"call\"", ["playbook has no use", "write it for L2"]),
            (layer("L1", "") + &layer("L1", ""), ["[[layer]] id = \"L1\"", "twice"]),
            (layer("L1", "name = \" \""), ["id = \"L1\"", "name must not be empty"]),
            (layer("L1", "name = \"Layer 2\""), ["L1 and L2", "same name \"Layer 2\""]),
            (layer("L1", "name_zh = \"第2层\""), ["L1 and L2", "same name_zh"]),
            (layer("L1", "name = \" layer  2\""), ["L1 and L2", "same name"]),
            (merge("L1", "L1"), ["id = \"L1\"", "into itself"]),
            (merge("L1", ""), ["id = \"L1\", merge_into", "no layer ``"]),
            (merge("L1", "L9"), ["id = \"L1\", merge_into", "no layer `L9`"]),
            (merge("L1", "L2") + &merge("L2", "L1"), ["circle", "L1 → L2 → L1"]),
            (merge("L1", "L2") + &merge("L2", "L3"), ["`L2` is itself merged", "write \"L3\""]),
            (split("L2", "L1"), ["id = \"L2\"", "is a layer of the model"]),
            (split("a", "L9"), ["[[split]] id = \"a\"", "no layer `L9`"]),
            (split("a", "L1") + &split("b", "a"), ["[[split]] id = \"b\"", "no layer `a`"]),
            (split("a", "L1") + &split("a", "L2"), ["[[split]] id = \"a\"", "twice"]),
            (merge("L1", "L2") + &split("a", "L1"), ["id = \"a\"", "`L1` is itself merged"]),
            (split("", "L1"), ["id must not be empty", "remove"]),
            (pin("layer = \"L9\""), ["[[pin]] 1", "no layer `L9`"]),
            (merge("L1", "L2") + &pin("layer = \"L1\""), ["[[pin]] 1", "merged into `L2`"]),
            (
                pin("layer = \"L1\"\nid = \"x\"") + &pin("layer = \"L2\"\nid = \"x\""),
                ["[[pin]] id = \"x\"", "twice"],
            ),
        ] {
            let error = check(&toml).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "`{part}` is not in: {error}");
            }
        }
    }
}
