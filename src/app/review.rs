//! The review of a model: read, checked against it, and applied to users.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::PipelineError;
use crate::bundle::Bundle;
use crate::config::parse_toml;
use crate::dataset::FeatureMatrix;
use crate::features::Verdict;
use crate::files::batch_of;
use crate::input::engine::{Engine, Predicate, PredicateFault};
use crate::models::segmentation::{Partition, PerPartition, Review, ReviewFile, Rule};
use crate::settings::nearest_names;

/// Rows whose rules are computed at a time.
const BLOCK_ROWS: usize = 1 << 16;

/// A review that fits its model, ready to be applied.
#[derive(Debug, Clone)]
pub struct CheckedReview(PerPartition<CheckedPart>);

/// What it says of layers, or of kinds.
#[derive(Debug, Clone)]
pub struct CheckedPart {
    /// What it says.
    pub review: Review,
    /// Pins, then splits: the first that holds of a user counts.
    rules: Vec<CheckedRule>,
}

#[derive(Debug, Clone)]
struct CheckedRule {
    rule: Rule,
    predicate: Predicate,
    /// What scores call it: `pin:…` or `split:…`.
    name: Arc<str>,
}

/// Where the review of a bundle stands: beside `latest`, in the model's folder.
pub fn review_place(bundle_folder: &Path) -> PathBuf {
    let has_parent = bundle_folder.file_name().is_some();
    let named = bundle_folder.parent().filter(|it| has_parent && !it.as_os_str().is_empty());
    let model = match named {
        Some(folder) => folder.to_owned(),
        None => bundle_folder.join(".."),
    };
    model.join("layers.toml")
}

impl CheckedReview {
    /// Reads a review and checks it against the model: its layers, and its features
    /// where rules read them.
    ///
    /// # Errors
    /// When the file cannot be read, has an unknown key, or does not fit the model.
    pub fn read(bundle: &Bundle, file: &Path, engine: &Engine) -> Result<Self, PipelineError> {
        let refuse = |problem: String| PipelineError::Review { file: file.to_owned(), problem };
        let text = std::fs::read_to_string(file)
            .map_err(|error| refuse(format!("can't be read ({error})")))?;
        let parsed: ReviewFile = parse_toml(&text, file)?;
        let columns = columns(&bundle.plan.names());
        let part = |partition| {
            let review = parsed
                .check(bundle.groups(partition))
                .map_err(|error| refuse(error.to_string()))?;
            let check = |(kind, rule): (&str, &Rule)| {
                let predicate = engine.predicate(&rule.sql, &columns).map_err(|fault| {
                    let fault = explain(bundle, fault);
                    refuse(format!("[[{kind}]] {}, where = \"{}\": {fault}", rule.id, rule.sql))
                })?;
                let name = format!("{kind}:{}", rule.id).into();
                Ok(CheckedRule { rule: rule.clone(), predicate, name })
            };
            let rules = rules(&review).map(check).collect::<Result<_, PipelineError>>()?;
            Ok::<_, PipelineError>(CheckedPart { review, rules })
        };
        Ok(Self(PerPartition::try_of(part)?))
    }

    /// The review of a model whose groups stand as training found them.
    pub fn none(bundle: &Bundle) -> Self {
        let part = |partition| {
            let review = bundle.groups(partition).unreviewed();
            CheckedPart { review, rules: Vec::new() }
        };
        Self(PerPartition::of(part))
    }

    /// What it says of a partition.
    pub fn part(&self, partition: Partition) -> &CheckedPart {
        self.0.get(partition)
    }
}

impl CheckedPart {
    /// What scores call its rules.
    pub fn rule_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rules.iter().map(|rule| &rule.name)
    }

    /// Puts each user into the group of the first rule that holds, if one does, and
    /// notes that in `assigned_by`.
    pub(super) fn apply_rules(
        &self,
        matrix: &FeatureMatrix,
        groups: &mut [usize],
        assigned_by: &mut [Arc<str>],
    ) -> Result<(), PipelineError> {
        if self.rules.is_empty() {
            return Ok(());
        }
        for start in (0..matrix.n_rows()).step_by(BLOCK_ROWS) {
            let end = (start + BLOCK_ROWS).min(matrix.n_rows());
            let batch = batch(&matrix.slice_rows(start..end));
            let mut is_done = vec![false; end - start];
            for CheckedRule { rule, predicate, name } in &self.rules {
                let holds = predicate.holds(&batch).map_err(|error| refused(rule, error))?;
                for (row, _) in holds.iter().enumerate().filter(|(_, holds)| **holds) {
                    let is_its = rule.from.is_none_or(|from| groups[start + row] == from);
                    if is_its && !is_done[row] {
                        is_done[row] = true;
                        groups[start + row] = rule.to;
                        assigned_by[start + row] = Arc::clone(name);
                    }
                }
            }
        }
        Ok(())
    }
}

fn rules(review: &Review) -> impl Iterator<Item = (&'static str, &Rule)> {
    let pins = review.pins.iter().map(|rule| ("pin", rule));
    pins.chain(review.splits.iter().map(|rule| ("split", rule)))
}

/// What is wrong with a rule, and for an unknown feature what to do.
fn explain(bundle: &Bundle, fault: PredicateFault) -> String {
    let PredicateFault::UnknownColumn(name) = &fault else { return fault.to_string() };
    let dropped = bundle.pruning.candidates.iter().find(|it| it.feature.info.name == *name);
    if let Some(dropped) = dropped.filter(|it| !it.verdict.is_kept()) {
        let reason = match &dropped.verdict {
            Verdict::BeyondLimit => "it was beyond max_features".into(),
            verdict => verdict.reason(),
        };
        return format!(
            "training dropped the feature `{name}` ({reason}); write it as [features.custom.NAME] \
             with keep = true into the config and train again"
        );
    }
    let names = bundle.plan.names();
    let mut nearest = nearest_names(name, &names);
    nearest.truncate(3);
    format!(
        "the model has no feature `{name}`; nearest are {}; `layercake-train show features` has \
         all, and [features.custom.NAME] with keep = true adds one",
        nearest.join(", ")
    )
}

fn columns(names: &[String]) -> SchemaRef {
    let field = |name: &String| Field::new(name, DataType::Float64, false);
    Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()))
}

fn refused(rule: &Rule, cause: impl std::fmt::Display) -> PipelineError {
    PipelineError::Rule { id: rule.id.clone(), sql: rule.sql.clone(), cause: cause.to_string() }
}

fn batch(matrix: &FeatureMatrix) -> RecordBatch {
    let values = matrix.values();
    let columns = matrix.names().iter().zip(values.columns()).map(|(name, column)| {
        let array: ArrayRef = Arc::new(Float64Array::from(column.to_vec()));
        (name.clone(), array)
    });
    batch_of(columns.collect())
}
