//! Settings that the others leave without effect: an error where somebody wrote
//! them, and omitted where a config is written.

use super::document::Document;
use super::{Config, ConfigError};
use crate::input::source::is_parquet;
use crate::models::churn::ModelChoice;
use crate::models::segmentation::{EmbeddingKind, GroupCount, HabitsWeight, KindAlgorithm};
use crate::models::value::ValueModelChoice;
use crate::stats::clustering::Algorithm;

/// A key or section, when it has no effect, and what to change for it to have one.
struct Rule {
    path: &'static str,
    is_unused: fn(&Config) -> bool,
    why: &'static str,
}

/// All of them: the one place to add to when a setting depends on another.
const RULES: &[Rule] = &[
    Rule {
        path: "churn.logistic",
        is_unused: |config| config.churn.model == ModelChoice::Trees,
        why: "[churn] model = \"trees\"",
    },
    Rule {
        path: "churn.trees",
        is_unused: |config| config.churn.model == ModelChoice::Logistic,
        why: "[churn] model = \"logistic\"",
    },
    Rule {
        path: "segmentation.behaviour_weight",
        is_unused: |config| config.segmentation.embedding == EmbeddingKind::Behaviour,
        why: "embedding = \"behaviour\"",
    },
    Rule {
        path: "segmentation.habits_weight",
        is_unused: |config| config.segmentation.embedding == EmbeddingKind::Behaviour,
        why: "embedding = \"behaviour\"",
    },
    Rule {
        path: "segmentation.habits_cost",
        is_unused: |config| {
            config.segmentation.embedding == EmbeddingKind::Behaviour
                || config.segmentation.habits_weight != HabitsWeight::Auto
        },
        why: "a fixed habits_weight, or embedding = \"behaviour\"",
    },
    Rule {
        path: "kinds.min_share",
        is_unused: |config| matches!(config.kinds.k, GroupCount::Exactly(_)),
        why: "a fixed number of kinds, k",
    },
    Rule {
        path: "kinds.n_starts",
        is_unused: |config| config.kinds.algorithm == KindAlgorithm::GaussianMixture,
        why: "algorithm = \"gaussian_mixture\", which has one start",
    },
    Rule {
        path: "segmentation.min_share",
        is_unused: |config| matches!(config.segmentation.k, GroupCount::Exactly(_)),
        why: "a fixed number of layers, k",
    },
    Rule {
        path: "segmentation.n_starts",
        is_unused: |config| config.segmentation.algorithm == Algorithm::GaussianMixture,
        why: "algorithm = \"gaussian_mixture\", which has one start",
    },
    Rule {
        path: "value.covariates",
        is_unused: |config| config.value.model == ValueModelChoice::BgBb,
        why: "[value] model = \"bg_bb\"",
    },
    Rule {
        path: "value.occasion",
        is_unused: |config| config.value.model != ValueModelChoice::BgBb,
        why: "[value] model other than \"bg_bb\"",
    },
    Rule {
        path: "snapshots.step_days",
        is_unused: |config| config.snapshots.n_snapshots.get() == 1,
        why: "n_snapshots = 1",
    },
];

/// Keys of a source of Parquet files, which know their types themselves.
const OF_CSV: [&str; 2] = ["delimiter", "types"];

/// Paths without effect, and why.
fn unused(config: &Config) -> Vec<(String, &'static str)> {
    let rules = RULES.iter().filter(|rule| (rule.is_unused)(config));
    let mut unused: Vec<(String, &str)> =
        rules.map(|rule| (rule.path.to_owned(), rule.why)).collect();
    for (number, source) in config.sources.iter().enumerate() {
        if is_parquet(source) {
            let path = |key| (format!("source.{number}.{key}"), "Parquet files, which have types");
            unused.extend(OF_CSV.map(path));
        }
    }
    unused
}

/// Refuses the first key that somebody wrote though it has no effect.
///
/// # Errors
/// Where it stands, and why it has none.
pub(super) fn refuse_unused(config: &Config, document: &Document<'_>) -> Result<(), ConfigError> {
    let unused = unused(config);
    for key in document.keys() {
        if let Some((_, why)) = unused.iter().find(|(path, _)| *path == key.path) {
            let label = &key.label;
            let message =
                format!("{label} is not used with {why}: remove it, or change the latter");
            return Err(document.error_at(key.at, message));
        }
    }
    Ok(())
}

/// Takes keys without effect out of a config as TOML.
pub(super) fn leave_out_unused(config: &Config, table: &mut toml::Table) {
    for (path, _) in unused(config) {
        if let Some((section, key)) = path.rsplit_once('.')
            && let Some(section) = section_of(table, section)
        {
            section.remove(key);
        }
    }
}

fn section_of<'t>(table: &'t mut toml::Table, path: &str) -> Option<&'t mut toml::Table> {
    path.split('.').try_fold(table, |table, key| table.get_mut(key)?.as_table_mut())
}
