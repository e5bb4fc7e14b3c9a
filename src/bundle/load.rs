use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::encoding::{Saved, damaged, parse_json};
use super::manifest::{FORMAT, LATEST, MANIFEST, Manifest};
use super::{Bundle, BundleError};

impl Bundle {
    /// Reads a bundle: its own folder, or the folder of a model, of which the
    /// latest bundle is taken. Returns the bundle and its own folder.
    ///
    /// # Errors
    /// When there is none, it has another format, or a file is absent or not what was
    /// written.
    pub fn load(path: &Path) -> Result<(Self, PathBuf), BundleError> {
        let folder = resolve(path)?;
        let manifest = read_manifest(&folder)?;
        let saved = Saved { folder, manifest };
        Ok((Self::read(&saved)?, saved.folder))
    }
}

/// Ids of the groups of all bundles of a model, damaged ones and those of other
/// versions included as far as they can be read.
pub fn ids_in_bundles(model_folder: &Path) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct IdsOnly {
        #[serde(alias = "layers")]
        groups: Vec<IdOnly>,
        #[serde(default)]
        retired_ids: Vec<String>,
    }
    #[derive(Deserialize)]
    struct IdOnly {
        id: String,
    }
    let folders = std::fs::read_dir(model_folder).into_iter().flatten().flatten();
    folders
        .flat_map(|folder| ["layers.json", "kinds.json"].map(|file| folder.path().join(file)))
        .filter_map(|file| std::fs::read(file).ok())
        .filter_map(|content| serde_json::from_slice::<IdsOnly>(&content).ok())
        .flat_map(|it| it.groups.into_iter().map(|layer| layer.id).chain(it.retired_ids))
        .collect()
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
    // The format comes first: another manifest may look different otherwise.
    let FormatOnly { format } = parse_json(folder, MANIFEST, &content)?;
    if format > FORMAT {
        return Err(BundleError::Newer { folder: folder.to_owned(), found: format });
    }
    if format < FORMAT {
        return Err(BundleError::Older { folder: folder.to_owned(), found: format });
    }
    parse_json(folder, MANIFEST, &content)
}
