//! The parts of a trained model, and the files that each goes into.
//!
//! A new part is one row of the table in this file: from it follow the field of
//! [`Bundle`], writing, reading, the manifest and its checks.

use std::io;

use super::encoding::{Encoding, File, Json, Saved, damaged, to_compact_json, to_json};
use super::{BundleError, TrainingRecord};
use crate::config::Config;
use crate::dataset::ColumnContract;
use crate::features::{FeaturePlan, Pruning};
use crate::models::churn::FittedChurn;
use crate::models::rules::FittedRules;
use crate::models::segmentation::{FittedGroups, FittedTiers, Partition};
use crate::models::value::{LearnedValue, Mixed, ValueModel};
use crate::watch::Reference;

/// Makes [`Bundle`] of rows `meaning, field: type = encoding`.
macro_rules! parts {
    ($($(#[$meaning:meta])* $field:ident: $type:ty = $encoding:expr;)*) => {
        /// All parts of a trained model.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Bundle {
            $($(#[$meaning])* pub $field: $type,)*
        }

        impl Bundle {
            /// All files but the manifest, always in the same order.
            pub(super) fn files(&self) -> io::Result<Vec<File>> {
                let mut files = Vec::new();
                $(files.extend($encoding.write(&self.$field)?);)*
                Ok(files)
            }

            /// Reads all parts.
            pub(super) fn read(saved: &Saved) -> Result<Self, BundleError> {
                Ok(Self { $($field: $encoding.read(saved)?,)* })
            }
        }
    };
}

parts! {
    /// The config that it was trained with, without `[engine]`.
    config: Config = ConfigFile;
    /// How features are computed.
    plan: FeaturePlan = Json("features.json");
    /// All features that were considered, and what became of each.
    pruning: Pruning = Json("pruning.json");
    /// Layers.
    layers: FittedGroups = LayerFiles;
    /// Kinds.
    kinds: FittedGroups = KindFile;
    /// Tiers of predicted GMV, to go with kinds.
    tiers: FittedTiers = Json("tiers.json");
    /// RFM and the other groupings by rule.
    rules: FittedRules = Json("rfm.json");
    /// Churn model.
    churn: FittedChurn = ChurnFiles;
    /// What customers will be worth.
    value: ValueModel = Json("value.json");
    /// Trees that count beside the model of orders, if they do.
    value_trees: Option<LearnedValue> = ValueTreesFile;
    /// What the columns of its scores promise.
    contract: Vec<ColumnContract> = Json("score_columns.json");
    /// Users as they were when it was trained, in bins.
    reference: Reference = Json("reference.json");
    /// What it was trained on and how it did.
    record: TrainingRecord = RecordFile;
}

impl Bundle {
    /// The layers or the kinds.
    pub fn groups(&self, partition: Partition) -> &FittedGroups {
        match partition {
            Partition::Layers => &self.layers,
            Partition::Kinds => &self.kinds,
        }
    }

    /// What users will be worth, if the model says it.
    pub fn mixed_value(&self) -> Option<Mixed<'_>> {
        let ValueModel::Fitted { mix, fitted, .. } = &self.value else { return None };
        let weight = mix.as_ref().map_or(0.0, |it| it.weight);
        Some(Mixed { fitted, learned: self.value_trees.as_ref().map(|trees| (trees, weight)) })
    }

    /// The same, to give them ids and names.
    pub fn groups_mut(&mut self, partition: Partition) -> &mut FittedGroups {
        match partition {
            Partition::Layers => &mut self.layers,
            Partition::Kinds => &mut self.kinds,
        }
    }

    /// The files that hold ids or names of groups.
    pub(super) fn files_with_names(&self) -> io::Result<Vec<File>> {
        Ok(vec![
            groups_file(LAYERS, &self.layers)?,
            groups_file(KINDS, &self.kinds)?,
            record_file(&self.record)?,
        ])
    }
}

struct ConfigFile;

const CONFIG: &str = "config.toml";

impl Encoding<Config> for ConfigFile {
    fn write(&self, config: &Config) -> io::Result<Vec<File>> {
        let text = config.of_model().to_toml().map_err(io::Error::other)?;
        Ok(vec![File::new(CONFIG, text.into_bytes())])
    }

    fn read(&self, saved: &Saved) -> Result<Config, BundleError> {
        let text = String::from_utf8_lossy(&saved.read(CONFIG)?).into_owned();
        Config::parse(&text, &saved.folder.join(CONFIG))
            .map_err(|error| damaged(&saved.folder, CONFIG, error.to_string()))
    }
}

/// The layers, and apart from them the trees of their embedding.
struct LayerFiles;

const LAYERS: &str = "layers.json";
const OUTCOME_MODELS: &str = "outcome_models.json";

impl Encoding<FittedGroups> for LayerFiles {
    fn write(&self, layers: &FittedGroups) -> io::Result<Vec<File>> {
        let trees = to_compact_json(&layers.embedding.outcome_models)?;
        Ok(vec![groups_file(LAYERS, layers)?, File::new(OUTCOME_MODELS, trees)])
    }

    fn read(&self, saved: &Saved) -> Result<FittedGroups, BundleError> {
        let mut layers: FittedGroups = saved.read_json(LAYERS)?;
        layers.embedding.outcome_models = saved.read_json(OUTCOME_MODELS)?;
        Ok(layers)
    }
}

/// The kinds, whose embedding has no trees.
struct KindFile;

const KINDS: &str = "kinds.json";

impl Encoding<FittedGroups> for KindFile {
    fn write(&self, kinds: &FittedGroups) -> io::Result<Vec<File>> {
        Ok(vec![groups_file(KINDS, kinds)?])
    }

    fn read(&self, saved: &Saved) -> Result<FittedGroups, BundleError> {
        saved.read_json(KINDS)
    }
}

fn groups_file(name: &'static str, groups: &FittedGroups) -> io::Result<File> {
    let nameless = to_json(&groups.anonymous())?;
    Ok(File::with_names(name, to_json(groups)?, &nameless))
}

/// The classifier, which may have many trees, apart from all else about churn.
struct ChurnFiles;

const CHURN: &str = "churn.json";
const CLASSIFIER: &str = "classifier.json";

impl Encoding<FittedChurn> for ChurnFiles {
    fn write(&self, churn: &FittedChurn) -> io::Result<Vec<File>> {
        let classifier = to_compact_json(&churn.classifier)?;
        Ok(vec![File::new(CHURN, to_json(&churn.settings)?), File::new(CLASSIFIER, classifier)])
    }

    fn read(&self, saved: &Saved) -> Result<FittedChurn, BundleError> {
        let settings = saved.read_json(CHURN)?;
        Ok(FittedChurn { classifier: saved.read_json(CLASSIFIER)?, settings })
    }
}

/// The trees of value: one long line.
struct ValueTreesFile;

const VALUE_TREES: &str = "value_trees.json";

impl Encoding<Option<LearnedValue>> for ValueTreesFile {
    fn write(&self, trees: &Option<LearnedValue>) -> io::Result<Vec<File>> {
        Ok(vec![File::new(VALUE_TREES, to_compact_json(trees)?)])
    }

    fn read(&self, saved: &Saved) -> Result<Option<LearnedValue>, BundleError> {
        saved.read_json(VALUE_TREES)
    }
}

struct RecordFile;

const RECORD: &str = "record.json";

impl Encoding<TrainingRecord> for RecordFile {
    fn write(&self, record: &TrainingRecord) -> io::Result<Vec<File>> {
        Ok(vec![record_file(record)?])
    }

    fn read(&self, saved: &Saved) -> Result<TrainingRecord, BundleError> {
        saved.read_json(RECORD)
    }
}

fn record_file(record: &TrainingRecord) -> io::Result<File> {
    let mut nameless = record.clone();
    nameless.name_layers(std::iter::repeat(""));
    Ok(File::with_names(RECORD, to_json(record)?, &to_json(&nameless)?))
}
