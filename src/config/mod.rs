//! The one TOML file: each section is a module's own parameters.

mod document;
mod error;
mod old_keys;
mod overrides;
mod unused;

pub use error::{ConfigError, Place};
pub use overrides::Override;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use document::Document;
use old_keys::refuse_old_keys;
use overrides::Texts;
use unused::{leave_out_unused, refuse_unused};

use crate::features::{EventParams, FeatureParams, SnapshotParams};
use crate::input::engine::EngineParams;
use crate::input::source::{InputGates, InputParams, SourceParams};
use crate::models::churn::{ChurnParams, SilenceParams};
use crate::models::rules::{LifecycleParams, RfmMapError, RfmParams};
use crate::models::segmentation::{KindParams, SegmentationParams};
use crate::models::value::ValueParams;
use crate::settings::{self, Conflict};

/// A whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the model: the folder of its bundles.
    pub name: String,
    /// Use events before this day only; by default the day after the last.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "settings::read_optional_day"
    )]
    pub as_of: Option<NaiveDate>,
    /// Seed of everything random.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Folder of all bundles.
    #[serde(default = "default_models")]
    pub models: PathBuf,
    /// Threads and memory.
    #[serde(default)]
    pub engine: EngineParams,
    /// Contract of the input.
    #[serde(default)]
    pub input: InputParams,
    /// Roles of event types.
    #[serde(default)]
    pub events: EventParams,
    /// Catalogue of features.
    #[serde(default)]
    pub features: FeatureParams,
    /// Dates of training and holdout.
    #[serde(default)]
    pub snapshots: SnapshotParams,
    /// Layers.
    #[serde(default)]
    pub segmentation: SegmentationParams,
    /// Kinds.
    #[serde(default)]
    pub kinds: KindParams,
    /// Names of RFM codes.
    #[serde(default)]
    pub rfm: RfmParams,
    /// Lifecycle stages.
    #[serde(default)]
    pub lifecycle: LifecycleParams,
    /// When users count as silent.
    #[serde(default)]
    pub silence: SilenceParams,
    /// Churn model.
    #[serde(default)]
    pub churn: ChurnParams,
    /// What customers will be worth.
    #[serde(default)]
    pub value: ValueParams,
    /// Raw tables.
    #[serde(default, rename = "source")]
    pub sources: Vec<SourceParams>,
}

fn default_seed() -> u64 {
    42
}

fn default_models() -> PathBuf {
    PathBuf::from("models")
}

impl Config {
    /// Reads and checks a config file.
    ///
    /// # Errors
    /// When it cannot be read, has an unknown key (the nearest valid one is named), a
    /// value of the wrong type or out of bounds, or a setting that has no effect.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        Self::load_with(file, &[])
    }

    /// Reads and checks a config file, over whose settings others win.
    ///
    /// # Errors
    /// As [`Config::load`]; what is wrong with an override names it.
    pub fn load_with(file: &Path, overrides: &[Override]) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|cause| {
            let is_absent = cause.kind() == std::io::ErrorKind::NotFound;
            let hint = if is_absent { "; `layercake-train init FILE` writes one" } else { "" };
            ConfigError::Unreadable { file: file.to_owned(), cause, hint }
        })?;
        Self::parse_with(&text, file, overrides)
    }

    /// Parses and checks the text of a config; `file` is named in errors.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        Self::parse_with(text, file, &[])
    }

    /// The same with overrides.
    ///
    /// # Errors
    /// As [`Config::load_with`].
    pub fn parse_with(
        text: &str,
        file: &Path,
        overrides: &[Override],
    ) -> Result<Self, ConfigError> {
        let texts = Texts::new(text, overrides);
        let document = Document::parse(&texts, file)?;
        refuse_old_keys(&document)?;
        let config: Self = document.to_typed()?;
        let placed = |(section, problem): (&str, Problem)| match problem {
            Problem::Conflict(conflict) => document.conflict(section, &conflict),
            Problem::RfmMap(error) => {
                document.error_at(document.place_of(section, "map"), error.to_string())
            }
        };
        config.check().map_err(placed)?;
        refuse_unused(&config, &document)?;
        Ok(config)
    }

    /// Checks what no type of a key shows; a problem comes with its section.
    fn check(&self) -> Result<(), (&'static str, Problem)> {
        let stages = self.lifecycle.bounds(self.silence.reach_days);
        let checked = [
            ("", check_name(&self.name)),
            ("input", self.input.check()),
            ("events", self.events.check()),
            ("features", self.features.check()),
            ("segmentation", self.segmentation.check()),
            ("kinds", self.kinds.check()),
            ("lifecycle", stages.map(|_| ())),
            ("churn", self.churn.check()),
            ("value", self.value.check()),
        ];
        for (section, result) in checked {
            result.map_err(|conflict| (section, Problem::Conflict(conflict)))?;
        }
        self.rfm.names().map(|_| ()).map_err(|error| ("rfm", Problem::RfmMap(error)))
    }

    /// The config as TOML, without settings that have no effect.
    ///
    /// # Errors
    /// When a number is too large for TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let mut table = toml::Table::try_from(self)?;
        leave_out_unused(self, &mut table);
        toml::to_string(&table)
    }

    /// What it says of the input, as TOML: where it is and how it is read, but not what
    /// stops a run.
    ///
    /// # Errors
    /// When a value has no form in TOML.
    pub fn of_input(&self) -> Result<String, toml::ser::Error> {
        #[derive(Serialize)]
        struct OfInput<'a> {
            input: &'a InputParams,
            source: &'a [SourceParams],
        }
        let input = InputParams { gates: InputGates::default(), ..self.input.clone() };
        toml::to_string(&OfInput { input: &input, source: &self.sources })
    }

    /// The part that shapes a model: not how fast it was built, nor where it
    /// was put.
    pub fn of_model(&self) -> Self {
        Self { engine: EngineParams::default(), models: default_models(), ..self.clone() }
    }
}

/// What no type of a key shows.
enum Problem {
    Conflict(Conflict),
    RfmMap(RfmMapError),
}

/// The name of a model becomes a folder.
fn check_name(name: &str) -> Result<(), Conflict> {
    let is_allowed = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    match !name.is_empty() && !name.starts_with('.') && name.chars().all(is_allowed) {
        true => Ok(()),
        false => Err(Conflict::new(
            "name",
            format!("becomes a folder: letters, digits, - _ . are allowed, got {name:?}"),
        )),
    }
}

/// Parses a file that people write; the caller checks the values.
///
/// # Errors
/// [`ConfigError::Invalid`] with the line, and for an unknown key the nearest
/// valid one.
pub fn parse_toml<T: DeserializeOwned>(text: &str, file: &Path) -> Result<T, ConfigError> {
    Document::parse(&Texts::new(text, &[]), file)?.to_typed()
}

#[cfg(test)]
mod tests;
