//! The one TOML file: each section is a module's own parameters.

mod document;
mod error;
mod old_keys;

pub use error::{ConfigError, Place};

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use document::Document;
use old_keys::refuse_old_keys;

use crate::features::{EventParams, FeatureParams, SnapshotParams};
use crate::input::engine::EngineParams;
use crate::input::source::{InputParams, SourceParams};
use crate::models::churn::{ChurnParams, SilenceParams};
use crate::models::rules::{LifecycleParams, RfmMapError, RfmParams};
use crate::models::segmentation::SegmentationParams;
use crate::settings::Conflict;

/// A whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the model: the folder of its bundles.
    pub name: String,
    /// Use events before this day only; by default the day after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// When it cannot be read, has an unknown key (the nearest valid one is
    /// named), or a value of the wrong type or out of bounds.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|cause| {
            let is_absent = cause.kind() == std::io::ErrorKind::NotFound;
            let hint = if is_absent { "; `layercake-train init FILE` writes one" } else { "" };
            ConfigError::Unreadable { file: file.to_owned(), cause, hint }
        })?;
        Self::parse(&text, file)
    }

    /// Parses and checks the text of a config; `file` is named in errors.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let document = Document::parse(text, file)?;
        refuse_old_keys(&document)?;
        let config: Self = document.to_typed()?;
        let placed = |(section, problem): (&str, Problem)| match problem {
            Problem::Conflict(conflict) => document.conflict(section, &conflict),
            Problem::RfmMap(error) => {
                document.error_at(document.place_of(section, "map"), error.to_string())
            }
        };
        config.check().map_err(placed)?;
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
            ("lifecycle", stages.map(|_| ())),
            ("churn", self.churn.check()),
        ];
        for (section, result) in checked {
            result.map_err(|conflict| (section, Problem::Conflict(conflict)))?;
        }
        self.rfm.names().map(|_| ()).map_err(|error| ("rfm", Problem::RfmMap(error)))
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
    Document::parse(text, file)?.to_typed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::churn::FlagRule;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("c.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
        let error = parse("name = \"x\"\n[churn.logistic]\nl2_penalti = 1.0\n").unwrap_err();
        assert_eq!(error, "c.toml, line 3: unknown key `l2_penalti`; did you mean `l2_penalty`?");
    }

    #[test]
    fn an_old_key_is_named_with_its_line_and_the_new_one() {
        let error = parse("name = \"x\"\n\n[churn]\nrising = []\n").unwrap_err();
        assert_eq!(
            error,
            "c.toml, line 4: `[churn] rising` is now called `[churn] monotone_increasing`"
        );
    }

    #[test]
    fn a_value_out_of_bounds_names_section_and_key() {
        let error = parse("name = \"x\"\n[segmentation]\nk = 1\n").unwrap_err();
        assert_eq!(error, "c.toml, line 3: [segmentation] k must be at least 2, got 1");
    }

    #[test]
    fn a_map_of_codes_is_checked_and_survives_a_round_trip() {
        let map = "name = \"x\"\n[rfm.map]\nrest = [\"[1-4]*\", \"51\"]\nVIP = [\"5[2-5]*\"]\n";
        let config = parse(map).unwrap();
        assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
        let error = parse(&map.replace("5[2-5]*", "5[1-5]*")).unwrap_err();
        assert!(error.starts_with("c.toml, line 2: [rfm.map] 5 of 125 codes"), "{error}");
        let error = parse(&map.replace("VIP", "rest")).unwrap_err();
        assert!(error.starts_with("c.toml, line 4: duplicate key"), "{error}");
    }

    #[test]
    fn the_map_in_the_docs_is_sound() {
        let page = include_str!("../../docs/input.md");
        let start = page.find("[rfm.map]\n").unwrap();
        let map = page[start..].split("```").next().unwrap();
        let config = parse(&format!("name = \"x\"\n{map}")).unwrap();
        let names: Vec<String> =
            config.rfm.names().unwrap().names().into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["VIP", "regular", "growing", "lapsing"]);
    }

    #[test]
    fn a_wrong_type_names_its_line() {
        let error = parse("name = \"x\"\nseed = \"many\"\n").unwrap_err();
        assert!(error.starts_with("c.toml, line 2: seed: invalid type"), "{error}");
    }

    #[test]
    fn defaults_survive_a_round_trip() {
        let config = parse("name = \"x\"").unwrap();
        assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
    }

    #[test]
    fn a_flag_is_one_tagged_value() {
        let flag = |text: &str| {
            parse(&format!("name = \"x\"\n[churn]\n{text}\n")).map(|config| config.churn.flag)
        };
        assert_eq!(flag("flag = { top_n = 7 }").unwrap(), FlagRule::TopN(7));
        assert!(matches!(flag("flag.profit.cost = 2").unwrap(), FlagRule::Profit(_)));
        for (text, message) in [
            ("flag = { share = 20 }", "[churn] flag must lie between 0 and 1, got 20"),
            ("flag = { shar = 0.2 }", "unknown key `shar`; did you mean `share`?"),
            (
                "flag = { profit = { save_rat = 1 } }",
                "unknown key `save_rat`; did you mean `save_rate`?",
            ),
            (
                "flag = { share = 0.2, top_n = 5 }",
                "[churn] flag must be a table with one key, got { share = 0.2, top_n = 5 }",
            ),
            ("flag = \"share\"", "[churn] flag must be a table with one key, got \"share\""),
            ("flag = {}", "[churn] flag must be a table with one key, got {}"),
            ("flag = 7", "[churn] flag must be a table with one key, got 7"),
        ] {
            assert_eq!(flag(text).unwrap_err(), format!("c.toml, line 3: {message}"));
        }
    }

    #[test]
    fn a_value_that_is_none_of_those_allowed_is_shown() {
        let error = |text: &str| parse(&format!("name = \"x\"\n[churn]\n{text}\n")).unwrap_err();
        assert_eq!(
            error("base_rate = 1.5"),
            "c.toml, line 3: [churn] base_rate must be \"training\", \"latest\" or a rate between 0 \
             and 1, and neither, got 1.5"
        );
        assert_eq!(
            error("model = \"forest\""),
            "c.toml, line 3: [churn] model must be one of `auto`, `logistic`, `trees`, `blend`, got \
             \"forest\""
        );
    }
}
