//! The review of a model: read, held against it, and applied to users.

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
use crate::input::engine::{Engine, EngineParams, Predicate, PredicateFault};
use crate::models::segmentation::{Review, ReviewFile, Rule};

/// Rows whose rules are computed at a time.
const BLOCK_ROWS: usize = 1 << 16;

/// The layer of each user after review.
pub(super) struct LayersOfUsers {
    /// Index into [`Review::layers`], in matrix order.
    pub(super) layers: Vec<usize>,
    /// How clear the choice of the cluster is, whatever rules made of it.
    pub(super) margins: Vec<f64>,
    /// What put each user there: `pin:…`, `split:…`, `merge:…` or `cluster`.
    pub(super) assigned_by: Vec<Arc<str>>,
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

/// Reads a review and holds it against the model: its layers, and its features
/// where rules read them.
///
/// # Errors
/// When the file cannot be read, has an unknown key, or does not fit the model.
pub fn read_review(bundle: &Bundle, file: &Path) -> Result<Review, PipelineError> {
    let refuse = |problem: String| PipelineError::Review { file: file.to_owned(), problem };
    let text = std::fs::read_to_string(file)
        .map_err(|error| refuse(format!("can't be read ({error})")))?;
    let parsed: ReviewFile = parse_toml(&text, file)?;
    let review = parsed.check(&bundle.layers.layers).map_err(|error| refuse(error.to_string()))?;
    let engine = Engine::new(&EngineParams::default())?;
    let columns = columns(&bundle.plan.names());
    for (kind, rule) in kinds(&review) {
        engine.predicate(&rule.sql, &columns).map_err(|fault| {
            let fault = explain(bundle, fault);
            refuse(format!("[[{kind}]] {}, where = \"{}\": {fault}", rule.id, rule.sql))
        })?;
    }
    Ok(review)
}

fn kinds(review: &Review) -> impl Iterator<Item = (&'static str, &Rule)> {
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
    let mut names = bundle.plan.names();
    let similarity = |other: &String| strsim::jaro_winkler(name, other);
    names.sort_by(|a, b| similarity(b).total_cmp(&similarity(a)).then(a.cmp(b)));
    names.truncate(3);
    format!(
        "the model has no feature `{name}`; nearest are {}; `layercake-train features --list` has \
         all, and [features.custom.NAME] with keep = true adds one",
        names.join(", ")
    )
}

fn columns(names: &[String]) -> SchemaRef {
    let field = |name: &String| Field::new(name, DataType::Float64, false);
    Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()))
}

/// The layer of each user: that of the first pin that holds, else of the first
/// split of their layer that holds, else that of their cluster, after merges.
pub(super) fn layers_of_users(
    bundle: &Bundle,
    matrix: &FeatureMatrix,
) -> Result<LayersOfUsers, PipelineError> {
    let assigned = bundle.layers.assign(matrix)?;
    let review = match &bundle.review {
        Some(review) => review.clone(),
        None => bundle.layers.unreviewed(),
    };
    let model = &bundle.layers.layers;
    let cluster: Arc<str> = "cluster".into();
    let by_layer: Vec<Arc<str>> = model
        .iter()
        .zip(&review.of_model)
        .map(|(layer, &place)| match review.layers[place].id == layer.id {
            true => Arc::clone(&cluster),
            false => format!("merge:{}", layer.id).into(),
        })
        .collect();
    let mut layers: Vec<usize> =
        assigned.layers.iter().map(|&index| review.of_model[index]).collect();
    let mut assigned_by: Vec<Arc<str>> =
        assigned.layers.iter().map(|&index| Arc::clone(&by_layer[index])).collect();
    let n_rules = review.pins.len() + review.splits.len();
    if n_rules > 0 {
        let rules = CompiledRules::new(&review, &columns(matrix.names()))?;
        rules.apply(matrix, &mut layers, &mut assigned_by)?;
    }
    Ok(LayersOfUsers { layers, margins: assigned.margins, assigned_by })
}

/// Pins, then splits: the first that holds of a user counts.
struct CompiledRules<'a> {
    rules: Vec<(&'a Rule, Predicate, Arc<str>)>,
}

impl<'a> CompiledRules<'a> {
    fn new(review: &'a Review, columns: &SchemaRef) -> Result<Self, PipelineError> {
        let engine = Engine::new(&EngineParams::default())?;
        let rules = kinds(review)
            .map(|(kind, rule)| {
                let predicate =
                    engine.predicate(&rule.sql, columns).map_err(|fault| refused(rule, fault))?;
                Ok((rule, predicate, format!("{kind}:{}", rule.id).into()))
            })
            .collect::<Result<Vec<_>, PipelineError>>()?;
        Ok(Self { rules })
    }

    fn apply(
        &self,
        matrix: &FeatureMatrix,
        layers: &mut [usize],
        assigned_by: &mut [Arc<str>],
    ) -> Result<(), PipelineError> {
        let mut start = 0;
        while start < matrix.n_rows() {
            let end = (start + BLOCK_ROWS).min(matrix.n_rows());
            let batch = batch(&matrix.slice_rows(start..end));
            let mut is_done = vec![false; end - start];
            for (rule, predicate, name) in &self.rules {
                let holds = predicate.holds(&batch).map_err(|error| refused(rule, error))?;
                for (row, _) in holds.iter().enumerate().filter(|(_, holds)| **holds) {
                    let is_its = rule.from.is_none_or(|from| layers[start + row] == from);
                    if is_its && !is_done[row] {
                        is_done[row] = true;
                        layers[start + row] = rule.to;
                        assigned_by[start + row] = Arc::clone(name);
                    }
                }
            }
            start = end;
        }
        Ok(())
    }
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
