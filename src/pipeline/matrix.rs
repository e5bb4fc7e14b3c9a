//! Feature matrices as Parquet files, for notebooks.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{Days, NaiveDate, NaiveDateTime};

use super::parquet_file::stage_parquet;
use super::training::catalogue;
use super::{OpenData, PipelineError, Progress, open_data, resolve_as_of};
use crate::config::Config;
use crate::dataset::UserIds;
use crate::engine::MemoryUse;
use crate::features::{FeaturePlan, SnapshotRequest, SnapshotRows, compute_rows};
use crate::publish::Staged;

/// Which matrix to write.
#[derive(Debug, Clone)]
pub struct MatrixRequest<'a> {
    /// Sources, engine, horizon.
    pub config: &'a Config,
    /// The plan of a trained model; without one, all features that the data
    /// allows.
    pub plan: Option<&'a FeaturePlan>,
    /// Day to compute as of; by default the day after the last event.
    pub as_of: Option<NaiveDate>,
    /// Whether to add what users did in the horizon that follows.
    pub labels: bool,
    /// The file.
    pub out: &'a Path,
}

/// A matrix file.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenMatrix {
    /// As of.
    pub as_of: NaiveDateTime,
    /// Rows.
    pub n_users: usize,
    /// Columns, without user and labels.
    pub n_features: usize,
    /// What the run took.
    pub memory: MemoryUse,
}

/// Writes a feature matrix as Parquet: `user_id`, one column a feature, and if
/// asked for the labels `outcome_n_orders`, `outcome_gmv` and
/// `outcome_churned`.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, labels are asked for
/// that the data does not reach, or the file cannot be written.
pub fn write_matrix(
    request: &MatrixRequest<'_>,
    progress: &mut dyn Progress,
) -> Result<WrittenMatrix, PipelineError> {
    progress.stage(0, 3, "reading the data");
    let quarantine = request.out.with_extension("quarantine.csv");
    let data = open_data(request.config, request.plan, &quarantine)?;
    let as_of = resolve_as_of(request.as_of, &data.input, &request.config.features)?;
    progress.stage(1, 3, "computing features");
    let found;
    let plan = match request.plan {
        Some(plan) => plan,
        None => {
            found = catalogue(request.config, &data, as_of)?;
            &found
        }
    };
    let horizon_days = request.config.snapshots.horizon_days;
    let mut rows = SnapshotRequest::new(std::slice::from_ref(&as_of));
    if request.labels {
        check_reach(&data, as_of, horizon_days)?;
        rows = rows.with_outcomes(horizon_days);
    }
    let rows = compute_rows(&data.engine, &data.histories, plan, &rows)?.remove(0);
    let memory = data.memory();
    // The events have done their part: the room is for the file.
    drop(data);
    progress.stage(2, 3, "writing the file");
    let mut metadata = vec![("layercake.as_of", as_of.format("%Y-%m-%d").to_string())];
    if request.labels {
        metadata.push(("layercake.horizon_days", horizon_days.to_string()));
    }
    let columns = MatrixColumns::new(&rows);
    let get = |users, range| columns.get(users, range);
    stage_parquet(request.out, &columns.schema, rows.users().len(), get, &metadata)
        .and_then(Staged::commit)
        .map_err(|cause| PipelineError::Output { path: request.out.to_owned(), cause })?;
    let n_users = rows.users().len();
    Ok(WrittenMatrix { as_of, n_users, n_features: plan.features.len(), memory })
}

/// Labels need a horizon that lies within the data.
fn check_reach(
    data: &OpenData,
    as_of: NaiveDateTime,
    horizon_days: u32,
) -> Result<(), PipelineError> {
    let end = as_of + Days::new(u64::from(horizon_days));
    let last = data.input.last_time.date();
    if end.date() <= last + Days::new(1) {
        return Ok(());
    }
    let latest = (last + Days::new(1)).checked_sub_days(Days::new(u64::from(horizon_days)));
    let latest = latest.unwrap_or(last);
    Err(PipelineError::NoLabelsYet { as_of: as_of.date(), horizon_days, last, latest })
}

/// All features that the data of a config allows, as of a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// The features.
    pub plan: FeaturePlan,
    /// As of.
    pub as_of: NaiveDateTime,
}

/// Looks at the data and lists all features that it allows.
///
/// # Errors
/// When the data cannot be read or holds no order.
pub fn full_catalogue(
    config: &Config,
    as_of: Option<NaiveDate>,
    quarantine: &Path,
    progress: &mut dyn Progress,
) -> Result<Catalogue, PipelineError> {
    progress.stage(0, 1, "reading the data");
    let data = open_data(config, None, quarantine)?;
    let as_of = resolve_as_of(as_of.or(config.as_of), &data.input, &config.features)?;
    Ok(Catalogue { plan: catalogue(config, &data, as_of)?, as_of })
}

/// A snapshot as columns of a file.
struct MatrixColumns<'a> {
    rows: &'a SnapshotRows,
    schema: SchemaRef,
    ids: ArrayRef,
    /// Label columns of all users.
    labels: Vec<ArrayRef>,
}

impl<'a> MatrixColumns<'a> {
    fn new(rows: &'a SnapshotRows) -> Self {
        let mut labels: Vec<(&str, ArrayRef)> = Vec::new();
        if let Some(outcomes) = rows.outcomes() {
            let churned = BooleanArray::from(outcomes.churned());
            labels = vec![
                ("outcome_n_orders", Arc::new(Float64Array::from(outcomes.n_orders))),
                ("outcome_gmv", Arc::new(Float64Array::from(outcomes.gmv))),
                ("outcome_churned", Arc::new(churned)),
            ];
        }
        let ids = user_id_array(rows.users());
        let mut fields = vec![Field::new("user_id", ids.data_type().clone(), false)];
        fields.extend(rows.names().iter().map(|name| Field::new(name, DataType::Float64, false)));
        fields.extend(
            labels.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), false)),
        );
        let labels = labels.into_iter().map(|(_, array)| array).collect();
        Self { rows, schema: Arc::new(Schema::new(fields)), ids, labels }
    }

    /// Some columns of some users.
    fn get(&self, users: Range<usize>, columns: Range<usize>) -> Vec<ArrayRef> {
        let first_label = 1 + self.rows.names().len();
        let features = columns.start.max(1) - 1..columns.end.clamp(1, first_label) - 1;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
        if columns.start == 0 {
            arrays.push(self.ids.slice(users.start, users.len()));
        }
        if features.start < features.end {
            let values = self.rows.columns(users.clone(), features);
            arrays.extend(values.into_iter().map(|v| Arc::new(Float64Array::from(v)) as ArrayRef));
        }
        let labels = columns.start.max(first_label)..columns.end.max(first_label);
        arrays.extend(
            labels.map(|label| self.labels[label - first_label].slice(users.start, users.len())),
        );
        arrays
    }
}

/// A batch of non-null-checked columns of one length.
pub(super) fn batch_of(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(name, array.data_type().clone(), array.null_count() > 0))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

/// Ids as they came in.
pub(super) fn user_id_array(users: &UserIds) -> ArrayRef {
    match users {
        UserIds::Integer(ids) => Arc::new(Int64Array::from(ids.clone())),
        UserIds::Text(ids) => Arc::new(StringArray::from(ids.clone())),
    }
}
