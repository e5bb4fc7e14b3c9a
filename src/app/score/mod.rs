//! Bundle and new data to scores.

mod churn_scores;
mod reason_words;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::csv::WriterBuilder;
use chrono::NaiveDateTime;
use serde::Serialize;

use self::churn_scores::ChurnScores;
use super::open_data::OpenData;
use super::{Model, PipelineError, Session};
use crate::dataset::Snapshot;
use crate::files::{
    Staged, WriteError, batch_of, stage, stage_parquet, user_id_array, write_atomically,
};
use crate::input::engine::MemoryUse;
use crate::input::source::InputProfile;
use crate::models::rules::{RuleGrouping, UserGroups};
use crate::models::segmentation::ReviewedLayer;

/// Rows of a row group of a Parquet file of scores.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// Where to put scores, and how.
#[derive(Debug, Clone)]
pub struct ScoreRequest<'a> {
    /// Folder of all scores.
    pub out: &'a Path,
    /// Encoding.
    pub format: ScoreFormat,
}

/// Encoding of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreFormat {
    /// `scores.parquet`
    Parquet,
    /// `scores.csv`
    Csv,
}

/// What a scoring run did; also written as `_summary.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreSummary {
    /// Scored as of.
    pub as_of: NaiveDateTime,
    /// The bundle used.
    pub bundle: String,
    /// The review used, if any.
    pub review: Option<PathBuf>,
    /// What whoever is on call should look at; empty on an ordinary night.
    pub warnings: Vec<String>,
    /// File of the scores.
    pub scores: PathBuf,
    /// Rejected rows, if any, are listed here.
    pub quarantine: Option<PathBuf>,
    /// Users scored: all with an event before as-of.
    pub n_users: usize,
    /// Users at risk.
    pub n_at_risk: usize,
    /// Users to whom the churn rule applies, and the others by why not.
    pub churn_status: BTreeMap<&'static str, usize>,
    /// Users who will turn silent soon.
    pub n_silence_warnings: usize,
    /// What counts as churn, in a sentence.
    pub churn_rule: String,
    /// Whether training found enough evidence to trust the churn model.
    pub churn_trusted: bool,
    /// Mean churn probability of the eligible users.
    pub mean_churn_probability: Option<f64>,
    /// Users by layer, in layer order.
    pub layers: Vec<LayerCount>,
    /// Users by what put them into their layer: the cluster, a merge, a split or
    /// a pin.
    pub assigned_by: BTreeMap<String, usize>,
    /// Users by lifecycle stage.
    pub lifecycle: BTreeMap<&'static str, usize>,
    /// What was read.
    pub input: InputProfile,
    /// What the run took; not in the file, which is the same for every run.
    #[serde(skip)]
    pub memory: MemoryUse,
}

/// Users of one layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerCount {
    /// Id of the layer.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its users.
    pub n_users: usize,
    /// Those at risk.
    pub n_at_risk: usize,
    /// Mean churn probability of its customers; `None` if it has none.
    pub mean_churn_probability: Option<f64>,
}

/// One row a user, in order of user id.
struct Scores {
    layers: Vec<usize>,
    margins: Vec<f64>,
    assigned_by: Vec<Arc<str>>,
    rfm_segments: UserGroups,
    rfm_levels: UserGroups,
    value_demand: UserGroups,
    rfm_cells: Vec<Option<String>>,
    stages: Vec<&'static str>,
    churn: ChurnScores,
    days_since_last_order: Vec<Option<f64>>,
}

/// Scores every user seen before the session's as-of date and publishes the result as
/// `out/as_of=YYYY-MM-DD/scores.parquet` (or `.csv`) with `_summary.json`
/// beside it; an earlier run's file stands until the new one is whole.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, or the output
/// cannot be written.
pub fn score(
    session: &Session,
    model: &Model,
    request: &ScoreRequest<'_>,
) -> Result<ScoreSummary, PipelineError> {
    session.run("score", 4, |stages| {
        let plan = &model.bundle.plan;
        let data = session.read(Some(plan), stages)?;
        let as_of = data.as_of()?;
        stages.begin(&format!("features as of {}", as_of.date()));
        let warnings = data.check_plan(plan, as_of)?;
        let snapshots = data.snapshot(plan, as_of, &model.bundle.churn.settings.label)?;
        stages.begin("scoring");
        let scores = score_users(model, &snapshots[0])?;
        let summary = ScoreSummary { warnings, ..summarise(model, &data, &scores, as_of) };
        stages.begin("writing the scores");
        publish(&data, request, &scores_batch(model, &snapshots[0], &scores), summary)
    })
}

fn score_users(model: &Model, snapshot: &Snapshot) -> Result<Scores, PipelineError> {
    let (bundle, matrix) = (&model.bundle, &snapshot.features);
    let n_orders = matrix.column("n_orders")?;
    let assignments = model.layers_of_users(matrix)?;
    let silence = matrix.column("days_since_last_order")?;
    let of_customer = |row: usize, value: f64| (n_orders[row] > 0.0).then_some(value);
    let rfm_scores = bundle.rules.rfm.scores(matrix)?;
    let rows = 0..matrix.n_rows();
    Ok(Scores {
        layers: assignments.layers,
        margins: assignments.margins,
        assigned_by: assignments.assigned_by,
        rfm_segments: bundle.rules.groups(RuleGrouping::Rfm, matrix)?,
        rfm_levels: bundle.rules.groups(RuleGrouping::RfmLevels, matrix)?,
        value_demand: bundle.rules.groups(RuleGrouping::ValueDemand, matrix)?,
        rfm_cells: rfm_scores.into_iter().map(|it| Some(it?.cell().to_string())).collect(),
        stages: bundle.rules.lifecycle.stages(matrix)?.iter().map(|s| s.as_str()).collect(),
        churn: ChurnScores::of(bundle, snapshot)?,
        days_since_last_order: rows.map(|row| of_customer(row, silence[row])).collect(),
    })
}

fn scores_batch(model: &Model, snapshot: &Snapshot, scores: &Scores) -> RecordBatch {
    let layers = model.layers();
    let layer = |of: fn(&ReviewedLayer) -> &str| -> ArrayRef {
        let texts = scores.layers.iter().map(|&index| of(&layers[index]));
        Arc::new(StringArray::from_iter_values(texts))
    };
    let by_rule = |groups: &UserGroups| -> ArrayRef {
        let names = (0..groups.group_of.len()).map(|row| groups.customer_group(row));
        Arc::new(names.collect::<StringArray>())
    };
    let columns: [(&str, ArrayRef); 12] = [
        ("user_id", user_id_array(&snapshot.users)),
        ("layer_id", layer(|layer| &layer.id)),
        ("layer", layer(|layer| &layer.name)),
        ("layer_zh", layer(|layer| &layer.name_zh)),
        ("assigned_by", Arc::new(StringArray::from_iter_values(scores.assigned_by.iter()))),
        ("layer_margin", Arc::new(Float64Array::from(scores.margins.clone()))),
        ("rfm_segment", by_rule(&scores.rfm_segments)),
        ("rfm_cell", Arc::new(StringArray::from(scores.rfm_cells.clone()))),
        ("rfm_level", by_rule(&scores.rfm_levels)),
        ("value_demand", by_rule(&scores.value_demand)),
        ("lifecycle_stage", Arc::new(StringArray::from(scores.stages.clone()))),
        (
            "days_since_last_order",
            Arc::new(Float64Array::from(scores.days_since_last_order.clone())),
        ),
    ];
    let columns = columns.into_iter().map(|(name, array)| (name.to_owned(), array));
    batch_of(columns.chain(scores.churn.columns()).collect())
}

fn summarise(
    model: &Model,
    data: &OpenData<'_>,
    scores: &Scores,
    as_of: NaiveDateTime,
) -> ScoreSummary {
    let layers = model.layers();
    let mut assigned_by = BTreeMap::new();
    for by in &scores.assigned_by {
        *assigned_by.entry(by.to_string()).or_default() += 1;
    }
    let mut lifecycle = BTreeMap::new();
    scores.stages.iter().for_each(|stage| *lifecycle.entry(*stage).or_default() += 1);
    ScoreSummary {
        as_of,
        bundle: model.folder.display().to_string(),
        review: model.review_file().map(Path::to_owned),
        warnings: Vec::new(),
        scores: PathBuf::new(),
        quarantine: None,
        n_users: scores.layers.len(),
        n_at_risk: scores.churn.at_risk.iter().filter(|&&at_risk| at_risk).count(),
        churn_status: scores.churn.n_by_status(),
        n_silence_warnings: scores.churn.n_silence_warnings(),
        churn_rule: model.bundle.churn.settings.label_in_words.clone(),
        churn_trusted: model.bundle.record.churn.doubts.is_empty(),
        mean_churn_probability: mean(scores.churn.probabilities.iter().flatten()),
        layers: (0..layers.len())
            .map(|index| {
                let members: Vec<usize> =
                    (0..scores.layers.len()).filter(|&row| scores.layers[row] == index).collect();
                LayerCount {
                    id: layers[index].id.clone(),
                    name: layers[index].name.clone(),
                    name_zh: layers[index].name_zh.clone(),
                    n_users: members.len(),
                    n_at_risk: members.iter().filter(|&&row| scores.churn.at_risk[row]).count(),
                    mean_churn_probability: mean(
                        members.iter().filter_map(|&row| scores.churn.probabilities[row].as_ref()),
                    ),
                }
            })
            .collect(),
        assigned_by,
        lifecycle,
        input: data.input.clone(),
        memory: data.memory(),
    }
}

fn mean<'a>(values: impl Iterator<Item = &'a f64>) -> Option<f64> {
    let (n, total) = values.fold((0usize, 0.0), |(n, total), value| (n + 1, total + value));
    (n > 0).then(|| total / n as f64)
}

/// Puts scores, summary and the list of rejected rows in their places; returns the
/// summary with these places.
fn publish(
    data: &OpenData<'_>,
    request: &ScoreRequest<'_>,
    batch: &RecordBatch,
    mut summary: ScoreSummary,
) -> Result<ScoreSummary, PipelineError> {
    let folder = request.out.join(format!("as_of={}", summary.as_of.format("%Y-%m-%d")));
    let failed = |cause| PipelineError::Output { path: folder.clone(), cause };
    let (name, other) = match request.format {
        ScoreFormat::Parquet => ("scores.parquet", "scores.csv"),
        ScoreFormat::Csv => ("scores.csv", "scores.parquet"),
    };
    summary.scores = folder.join(name);
    let scores = match request.format {
        ScoreFormat::Parquet => stage_as_parquet(batch, &summary),
        ScoreFormat::Csv => stage(&summary.scores, |file| {
            WriterBuilder::new().build(file).write(batch).map_err(std::io::Error::other)
        }),
    };
    let scores = scores.map_err(failed)?;
    summary.quarantine = data.list_rejected_rows(&folder.join("_quarantine.csv"))?;
    let json = serde_json::to_vec_pretty(&summary).map_err(std::io::Error::other);
    let put_in_place = |json: Vec<u8>| {
        write_atomically(&folder.join("_summary.json"), |file| file.write_all(&json))?;
        scores.commit()?;
        // One file of scores a day: what an earlier run wrote in the other format is out
        // of date.
        remove_if_there(&folder.join(other))
    };
    json.and_then(put_in_place).map_err(failed)?;
    Ok(summary)
}

fn stage_as_parquet(batch: &RecordBatch, summary: &ScoreSummary) -> std::io::Result<Staged> {
    let metadata = [
        ("layercake.as_of", summary.as_of.format("%Y-%m-%d").to_string()),
        ("layercake.bundle", summary.bundle.clone()),
    ];
    let n_groups = batch.num_rows().div_ceil(ROW_GROUP_ROWS);
    let row_group = |number: usize| {
        let start = number * ROW_GROUP_ROWS;
        let n_rows = ROW_GROUP_ROWS.min(batch.num_rows() - start);
        let slice = |array: &ArrayRef| array.slice(start, n_rows);
        Ok::<Vec<ArrayRef>, std::io::Error>(batch.columns().iter().map(slice).collect())
    };
    stage_parquet(&summary.scores, &batch.schema(), n_groups, row_group, &metadata).map_err(
        |error| match error {
            WriteError::RowGroup(error) | WriteError::File(error) => error,
        },
    )
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
