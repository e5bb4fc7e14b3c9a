//! A trained model on disk: plain, versioned files with hashes.
//!
//! ```text
//! models/<name>/latest                    name of the newest bundle
//! models/<name>/lineage.json              how its layers came from those before
//! models/<name>/<as_of>-<hash>/
//!   manifest.json      format, model, hash of every other file
//!   config.toml        the resolved config
//!   features.json      the feature plan
//!   pruning.json       all features of the catalogue and why some were dropped
//!   layers.json        scaling, centroids, profiles, names
//!   foretellers.json   boosted trees of the space that layers lie in
//!   rfm.json           edges and names of RFM, and of the other groupings by rule
//!   churn.json         what churn is, calibration, whom to flag, how classifiers did
//!   classifier.json    coefficients and trees that tell churn
//!   record.json        dates, input profile, hold-out measures
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::features::{FeaturePlan, Pruning, SnapshotDates};
use crate::files::{PARTIAL, sweep, write_atomically};
use crate::input::source::InputProfile;
use crate::models::churn::{ChurnEvaluation, FittedChurn};
use crate::models::rules::FittedRules;
use crate::models::segmentation::FittedLayers;

/// The format that this version writes and reads.
pub const FORMAT: u32 = 6;

const MANIFEST: &str = "manifest.json";
const LATEST: &str = "latest";

/// All parts of a trained model.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The config that it was trained with, without `[engine]`.
    pub config: Config,
    /// How features are computed.
    pub plan: FeaturePlan,
    /// All features that were considered, and what became of each.
    pub pruning: Pruning,
    /// Layers.
    pub layers: FittedLayers,
    /// RFM and the other groupings by rule.
    pub rules: FittedRules,
    /// Churn model.
    pub churn: FittedChurn,
    /// What it was trained on and how it did.
    pub record: TrainingRecord,
}

/// What a model was trained on, and how it did on the held-out snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// As-of dates.
    pub dates: SnapshotDates,
    /// What was read.
    pub input: InputProfile,
    /// Rows of users judged over all training snapshots.
    pub n_training_rows: usize,
    /// Measures on the held-out snapshot.
    pub churn: ChurnEvaluation,
}

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    layercake_version: String,
    name: String,
    as_of: NaiveDateTime,
    files: BTreeMap<String, FileEntry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FileEntry {
    bytes: usize,
    blake3: String,
}

/// Names and contents of files.
type Files = Vec<(&'static str, Vec<u8>)>;

/// Why a bundle could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The folder cannot be written.
    #[error("can't write the bundle {folder}: {cause}")]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// There is no bundle at the path.
    #[error(
        "no bundle at {folder}: neither {MANIFEST} nor {LATEST} is in it; `layercake-train --config \
         FILE` makes one"
    )]
    NotABundle {
        /// The folder.
        folder: PathBuf,
    },
    /// It was written by a newer version.
    #[error(
        "{folder} has bundle format {found}, this version reads {FORMAT}; update layercake \
         or train again"
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It was written by an older version.
    #[error(
        "{folder} has bundle format {found} of an earlier version, this version reads {FORMAT}; \
         train again"
    )]
    Older {
        /// The folder.
        folder: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A file is absent or not what was written.
    #[error("{folder} is damaged: {file} {problem}; restore it or train again")]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Bundle {
    /// Writes the bundle as `folder/<name>/<as_of>-<hash>/` and points
    /// `latest` at it. The same model gets the same name and the same bytes.
    ///
    /// # Errors
    /// When the folder cannot be written; nothing half-written then remains.
    pub fn save(&self, folder: &Path) -> Result<PathBuf, BundleError> {
        let model_folder = folder.join(&self.config.name);
        self.write(&model_folder)
            .map_err(|cause| BundleError::Unwritable { folder: model_folder, cause })
    }

    /// The name of the bundle's own folder, which its content determines.
    ///
    /// # Errors
    /// When a part cannot be written as text.
    pub fn name(&self) -> Result<String, BundleError> {
        Ok(self.named_files().map_err(|cause| self.unwritable(cause))?.0)
    }

    /// A hash of the whole model but for what its layers are known by: the same
    /// for the same data, config and seed, whatever model came before.
    ///
    /// # Errors
    /// When a part cannot be written as text.
    pub fn fingerprint(&self) -> Result<String, BundleError> {
        let anonymous = Self { layers: self.layers.anonymous(), ..self.clone() };
        let files = anonymous.files().map_err(|cause| self.unwritable(cause))?;
        let mut hasher = blake3::Hasher::new();
        for (name, content) in &files {
            hasher.update(name.as_bytes()).update(blake3::hash(content).as_bytes());
        }
        Ok(hasher.finalize().to_hex()[..16].to_owned())
    }

    fn unwritable(&self, cause: io::Error) -> BundleError {
        BundleError::Unwritable { folder: self.config.name.clone().into(), cause }
    }

    fn write(&self, model_folder: &Path) -> io::Result<PathBuf> {
        let (name, files) = self.named_files()?;
        let target = model_folder.join(&name);
        std::fs::create_dir_all(model_folder)?;
        if !holds(&target, &files) {
            publish_folder(&files, model_folder, &target)?;
        }
        write_atomically(&model_folder.join(LATEST), |file| writeln!(file, "{name}"))?;
        Ok(target)
    }

    /// All files with the manifest, and the name of their folder.
    fn named_files(&self) -> io::Result<(String, Files)> {
        let mut files = self.files()?;
        let entries = files.iter().map(|(name, content)| {
            let blake3 = blake3::hash(content).to_hex().to_string();
            ((*name).to_owned(), FileEntry { bytes: content.len(), blake3 })
        });
        let manifest = Manifest {
            format: FORMAT,
            layercake_version: env!("CARGO_PKG_VERSION").into(),
            name: self.config.name.clone(),
            as_of: self.record.dates.as_of,
            files: entries.collect(),
        };
        let manifest = to_json(&manifest)?;
        let hash = blake3::hash(&manifest).to_hex();
        files.push((MANIFEST, manifest));
        Ok((format!("{}-{}", self.record.dates.as_of.format("%Y-%m-%d"), &hash[..10]), files))
    }

    fn files(&self) -> io::Result<Files> {
        let config = toml::to_string(&self.config.of_model()).map_err(io::Error::other)?;
        Ok(vec![
            ("config.toml", config.into_bytes()),
            ("features.json", to_json(&self.plan)?),
            ("pruning.json", to_json(&self.pruning)?),
            ("layers.json", to_json(&self.layers)?),
            ("foretellers.json", to_compact_json(&self.layers.space.foretellers)?),
            ("rfm.json", to_json(&self.rules)?),
            ("churn.json", to_json(&self.churn.settings)?),
            ("classifier.json", to_compact_json(&self.churn.classifier)?),
            ("record.json", to_json(&self.record)?),
        ])
    }

    /// Reads a bundle: its own folder, or the folder of a model, of which the
    /// latest bundle is taken. Returns the bundle and its own folder.
    ///
    /// # Errors
    /// When there is none, it is newer than this version, or a file is absent
    /// or not what was written.
    pub fn load(path: &Path) -> Result<(Self, PathBuf), BundleError> {
        let folder = resolve(path)?;
        let manifest = read_manifest(&folder)?;
        let read = |name: &str| read_checked(&folder, name, &manifest);
        let text = String::from_utf8_lossy(&read("config.toml")?).into_owned();
        let config = Config::parse(&text, &folder.join("config.toml"))
            .map_err(|error| damaged(&folder, "config.toml", error.to_string()))?;
        let mut layers: FittedLayers = parse(&folder, "layers.json", &read("layers.json")?)?;
        layers.space.foretellers = parse(&folder, "foretellers.json", &read("foretellers.json")?)?;
        let bundle = Self {
            config,
            plan: parse(&folder, "features.json", &read("features.json")?)?,
            pruning: parse(&folder, "pruning.json", &read("pruning.json")?)?,
            layers,
            rules: parse(&folder, "rfm.json", &read("rfm.json")?)?,
            churn: FittedChurn {
                classifier: parse(&folder, "classifier.json", &read("classifier.json")?)?,
                settings: parse(&folder, "churn.json", &read("churn.json")?)?,
            },
            record: parse(&folder, "record.json", &read("record.json")?)?,
        };
        Ok((bundle, folder))
    }
}

/// Ids of the layers of all bundles of a model, damaged ones and those of other
/// versions included as far as they can be read.
pub fn ids_in_bundles(model_folder: &Path) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct IdsOnly {
        layers: Vec<IdOnly>,
        #[serde(default)]
        retired_ids: Vec<String>,
    }
    #[derive(Deserialize)]
    struct IdOnly {
        id: String,
    }
    let folders = std::fs::read_dir(model_folder).into_iter().flatten().flatten();
    folders
        .filter_map(|folder| std::fs::read(folder.path().join("layers.json")).ok())
        .filter_map(|content| serde_json::from_slice::<IdsOnly>(&content).ok())
        .flat_map(|it| it.layers.into_iter().map(|layer| layer.id).chain(it.retired_ids))
        .collect()
}

/// True when the folder has these files as they should be.
fn holds(folder: &Path, files: &[(&str, Vec<u8>)]) -> bool {
    files.iter().all(|(name, content)| {
        std::fs::read(folder.join(name)).is_ok_and(|there| there == *content)
    })
}

/// Writes the files to a folder that appears whole; a damaged one of the same
/// name makes way.
fn publish_folder(files: &[(&str, Vec<u8>)], model_folder: &Path, target: &Path) -> io::Result<()> {
    sweep(model_folder);
    let scratch = tempfile::Builder::new().prefix(PARTIAL).tempdir_in(model_folder)?;
    let partial = scratch.path().join("new");
    for (name, content) in files {
        write_atomically(&partial.join(name), |file| file.write_all(content))?;
    }
    if target.exists() {
        std::fs::rename(target, scratch.path().join("damaged"))?;
    }
    match std::fs::rename(&partial, target) {
        // Another run of the same input was first: the same name is the same bytes.
        Err(_) if holds(target, files) => Ok(()),
        other => other,
    }
}

fn to_json<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    json.push(b'\n');
    Ok(json)
}

/// On one line: trees have more numbers than anybody reads.
fn to_compact_json<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut json = serde_json::to_vec(value).map_err(io::Error::other)?;
    json.push(b'\n');
    Ok(json)
}

fn resolve(path: &Path) -> Result<PathBuf, BundleError> {
    if path.join(MANIFEST).is_file() {
        return Ok(path.to_owned());
    }
    match std::fs::read_to_string(path.join(LATEST)) {
        Ok(name) if path.join(name.trim()).join(MANIFEST).is_file() => Ok(path.join(name.trim())),
        Ok(name) => Err(damaged(path, LATEST, format!("names {}, which is absent", name.trim()))),
        Err(_) => Err(BundleError::NotABundle { folder: path.to_owned() }),
    }
}

fn read_manifest(folder: &Path) -> Result<Manifest, BundleError> {
    #[derive(Deserialize)]
    struct FormatOnly {
        format: u32,
    }
    let content = std::fs::read(folder.join(MANIFEST))
        .map_err(|error| damaged(folder, MANIFEST, error.to_string()))?;
    // The format comes first: a newer manifest may look different otherwise.
    let FormatOnly { format } = parse(folder, MANIFEST, &content)?;
    if format > FORMAT {
        return Err(BundleError::Newer { folder: folder.to_owned(), found: format });
    }
    if format < FORMAT {
        return Err(BundleError::Older { folder: folder.to_owned(), found: format });
    }
    parse(folder, MANIFEST, &content)
}

fn read_checked(folder: &Path, name: &str, manifest: &Manifest) -> Result<Vec<u8>, BundleError> {
    let entry = manifest
        .files
        .get(name)
        .ok_or_else(|| damaged(folder, name, "is not in the manifest".into()))?;
    let content = std::fs::read(folder.join(name))
        .map_err(|error| damaged(folder, name, format!("can't be read ({error})")))?;
    if blake3::hash(&content).to_hex().as_str() != entry.blake3 {
        return Err(damaged(folder, name, "is not what was written".into()));
    }
    Ok(content)
}

fn parse<T: DeserializeOwned>(folder: &Path, name: &str, content: &[u8]) -> Result<T, BundleError> {
    serde_json::from_slice(content)
        .map_err(|error| damaged(folder, name, format!("can't be read ({error})")))
}

fn damaged(folder: &Path, file: &str, problem: String) -> BundleError {
    BundleError::Damaged { folder: folder.to_owned(), file: file.to_owned(), problem }
}
