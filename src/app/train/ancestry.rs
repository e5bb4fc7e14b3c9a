//! Which model came before.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::bundle::{Bundle, BundleError};
use crate::dataset::Bilingual;

/// The model from which layers take their ids and names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Previous {
    /// The latest bundle of the model, if there is one.
    #[default]
    Latest,
    /// Another bundle.
    Bundle(PathBuf),
    /// None: ids from scratch.
    Fresh,
}

/// A bundle whose layers may go on.
pub(super) struct Parent {
    pub bundle: Bundle,
    /// Its own folder's name.
    pub name: String,
}

impl Parent {
    fn load(path: &Path) -> Result<Self, BundleError> {
        let (bundle, folder) = Bundle::load(path)?;
        let folder = folder.canonicalize().unwrap_or(folder);
        let name = folder.file_name().map_or(String::new(), |it| it.to_string_lossy().into_owned());
        Ok(Self { bundle, name })
    }
}

/// Where ids come from.
pub(super) enum Origin {
    /// From scratch, as was asked for.
    Fresh,
    /// There is no model yet.
    First,
    /// From scratch, since the model before can't be used, for this reason.
    Lost(Bilingual),
    /// From a model.
    Parent(Box<Parent>),
}

impl Previous {
    /// Checks that a bundle that was asked for is there.
    pub(super) fn check(&self) -> Result<(), BundleError> {
        match self {
            Self::Bundle(path) => Bundle::load(path).map(|_| ()),
            Self::Latest | Self::Fresh => Ok(()),
        }
    }

    /// The model before; `used` are the ids that are known to have been used.
    pub(super) fn origin(
        &self,
        model_folder: &Path,
        used: &BTreeSet<String>,
    ) -> Result<Origin, BundleError> {
        match self {
            Self::Fresh => Ok(Origin::Fresh),
            Self::Bundle(path) => Ok(Origin::Parent(Box::new(Parent::load(path)?))),
            Self::Latest => Ok(match Parent::load(model_folder) {
                Ok(parent) => Origin::Parent(Box::new(parent)),
                Err(BundleError::NotABundle { .. }) if used.is_empty() => Origin::First,
                Err(BundleError::NotABundle { .. }) => {
                    let reason = ("there is no `latest` in the folder", "文件夹中没有 `latest`");
                    Origin::Lost(Bilingual::new(reason.0, reason.1))
                }
                Err(error) => Origin::Lost(Bilingual::same(error.to_string())),
            }),
        }
    }
}
