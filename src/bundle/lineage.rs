//! `models/<name>/lineage.json`: one entry for each bundle, the oldest first.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{BundleError, Movement};
use crate::dataset::Bilingual;
use crate::files::write_atomically;
use crate::models::segmentation::{GroupIdentity, Partition, PerPartition};

const FILE: &str = "lineage.json";

/// The format that this version writes and reads.
const FORMAT: u32 = 2;

/// How the layers of a model came from those of the models before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    format: u32,
    /// The oldest first.
    pub entries: Vec<LineageEntry>,
}

/// A model, and how its layers came from those of the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineageEntry {
    /// Name of the bundle.
    pub bundle: String,
    /// Name of the bundle whose layers go on in it.
    pub previous: Option<String>,
    /// Day on which its training ended.
    pub as_of: NaiveDate,
    /// Hash of the model but for the ids and names of its layers.
    pub fingerprint: String,
    /// Where its users were put by both models.
    pub compared: Option<Compared>,
    /// What should be looked at.
    pub warnings: Vec<Bilingual>,
    /// Its layers and kinds, and what became of those before.
    #[serde(flatten)]
    pub of: PerPartition<Generation>,
}

/// The layers or the kinds of a model, and what became of those of the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// The groups, in order of the model.
    pub groups: Vec<LineageGroup>,
    /// Ids of the groups that are the same group as before.
    pub kept: Vec<Kept>,
    /// Groups with ids of their own, all of them in a first model.
    pub born: Vec<Born>,
    /// Groups that none continues.
    pub died: Vec<Died>,
    /// Groups most of whose users are in one group now.
    pub merged: Vec<Merged>,
    /// A group that most users of several groups come from.
    pub split: Vec<Split>,
    /// Ids of all groups that ended, now or earlier.
    pub retired_ids: Vec<String>,
    /// Who changed group, and why.
    pub movement: Option<Movement>,
}

/// At which date, and by how many users, two models were compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// The latest training snapshot of the new model.
    pub on: NaiveDate,
    /// Users known then.
    pub n_users: usize,
}

/// A layer of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageGroup {
    /// Id and name.
    #[serde(flatten)]
    pub identity: GroupIdentity,
    /// Users at the latest training snapshot.
    pub n_users: usize,
}

/// A layer that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// Users in both the old and the new layer, as a share of those in either.
    pub jaccard: f64,
}

/// A layer that continues none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Born {
    /// Its id.
    pub id: String,
    /// The old layer that most of its users come from, if there is one.
    pub mostly_from: Option<String>,
}

/// A layer that none continues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Died {
    /// Its id.
    pub id: String,
    /// The new layer that has most of its users, if there is one.
    pub mostly_in: Option<String>,
}

/// Old layers most of whose users are in one new layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merged {
    /// The old layers.
    pub from: Vec<String>,
    /// The new one.
    pub into: String,
}

/// An old layer that most users of several new layers come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The old layer.
    pub from: String,
    /// The new ones.
    pub into: Vec<String>,
}

impl Lineage {
    /// No entry yet.
    pub fn empty() -> Self {
        Self { format: FORMAT, entries: Vec::new() }
    }

    /// Reads the lineage of a model, by the folder of the model or of one of its
    /// bundles.
    ///
    /// # Errors
    /// When there is none, or it can't be read.
    pub fn load(path: &Path) -> Result<Self, BundleError> {
        let beside = path.join("..");
        let folder = if path.join(FILE).exists() { path } else { &beside };
        Self::read(folder)?.ok_or_else(|| BundleError::NoLineage { folder: path.to_owned() })
    }

    /// Reads the lineage in a model's folder, `None` when there is none.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(model_folder: &Path) -> Result<Option<Self>, BundleError> {
        let file = model_folder.join(FILE);
        let damaged = |problem: String| BundleError::DamagedLineage { file: file.clone(), problem };
        let content = match std::fs::read(&file) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(damaged(error.to_string())),
        };
        let lineage: Self =
            serde_json::from_slice(&content).map_err(|error| damaged(error.to_string()))?;
        if lineage.format != FORMAT {
            let found = lineage.format;
            return Err(damaged(format!("it has format {found}, this version reads {FORMAT}")));
        }
        Ok(Some(lineage))
    }

    /// Writes the lineage into a model's folder.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, model_folder: &Path) -> Result<(), BundleError> {
        let path = model_folder.join(FILE);
        write_atomically(&path, |file| {
            serde_json::to_writer_pretty(&mut *file, self)?;
            writeln!(file)
        })
        .map_err(|cause| BundleError::UnwritableLineage { file: path, cause })
    }

    /// Moves a lineage that can't be read out of the way; returns where to.
    ///
    /// # Errors
    /// What the system said.
    pub fn move_away(model_folder: &Path) -> Result<PathBuf, BundleError> {
        let place = |number: u32| model_folder.join(format!("lineage-damaged-{number}.json"));
        let free = (1..).map(place).find(|path| !path.exists()).unwrap_or_else(|| place(0));
        std::fs::rename(model_folder.join(FILE), &free)
            .map_err(|cause| BundleError::UnwritableLineage { file: free.clone(), cause })?;
        Ok(free)
    }

    /// The entry of a bundle.
    pub fn entry(&self, bundle: &str) -> Option<&LineageEntry> {
        self.entries.iter().find(|entry| entry.bundle == bundle)
    }

    /// The newest entry of the same model; of those that came from `previous`
    /// only, when that is given.
    pub fn same_model(&self, fingerprint: &str, previous: Option<&str>) -> Option<&LineageEntry> {
        self.entries
            .iter()
            .rev()
            .filter(|entry| previous.is_none() || entry.previous.as_deref() == previous)
            .find(|entry| entry.fingerprint == fingerprint)
    }

    /// All ids that were ever used.
    pub fn used_ids(&self) -> BTreeSet<String> {
        self.entries.iter().flat_map(LineageEntry::used_ids).collect()
    }

    /// The bundle in which an id is first found.
    pub fn first_with(&self, id: &str) -> Option<&LineageEntry> {
        let has = |it: &Generation| it.groups.iter().any(|group| group.identity.id == id);
        self.entries.iter().find(|entry| entry.of.iter().any(has))
    }
}

impl LineageEntry {
    /// Ids of its groups and of those that ended.
    pub fn used_ids(&self) -> BTreeSet<String> {
        let of_current = |it: &LineageGroup| it.identity.id.clone();
        let ids = |it: &Generation| -> Vec<String> {
            it.groups.iter().map(of_current).chain(it.retired_ids.iter().cloned()).collect()
        };
        self.of.iter().flat_map(ids).collect()
    }

    /// Ids and names of its layers or kinds, in order of the model.
    pub fn identities(&self, partition: Partition) -> Vec<GroupIdentity> {
        self.of.get(partition).groups.iter().map(|group| group.identity.clone()).collect()
    }
}

/// Makes runs that train the same model take turns from reading the lineage to
/// publishing the bundle, for as long as the result lives. Where the system
/// can't lock a folder, the last run to write its entry wins.
pub fn take_turn(model_folder: &Path) -> Option<File> {
    let folder = File::open(model_folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_reported_and_kept_under_a_free_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Lineage::read(folder.path()).unwrap(), None);
        for number in 1..3 {
            std::fs::write(folder.path().join(FILE), "{\"format\": 1, ").unwrap();
            let error = Lineage::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains("lineage.json"), "{error}");
            let aside = Lineage::move_away(folder.path()).unwrap();
            assert!(aside.ends_with(format!("lineage-damaged-{number}.json")));
            assert!(aside.is_file() && !folder.path().join(FILE).exists());
        }
        Lineage::empty().write(folder.path()).unwrap();
        assert_eq!(Lineage::load(folder.path()).unwrap(), Lineage::empty());
        std::fs::write(folder.path().join(FILE), "{\"format\": 1, \"entries\": []}").unwrap();
        assert!(Lineage::read(folder.path()).unwrap_err().to_string().contains("format 1"));
    }

    #[test]
    fn runs_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let turn = take_turn(folder.path());
        if turn.is_some() {
            let other = File::open(folder.path()).unwrap();
            assert!(other.try_lock().is_err());
            drop(turn);
            assert!(other.try_lock().is_ok());
        }
    }
}
