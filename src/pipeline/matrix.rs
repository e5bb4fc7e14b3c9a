//! Feature matrices as Parquet files, for notebooks.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{Days, NaiveDate, NaiveDateTime};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::training::catalogue;
use super::{OpenData, PipelineError, Progress, open_data, resolve_as_of};
use crate::config::Config;
use crate::dataset::UserIds;
use crate::engine::MemoryUse;
use crate::features::{FeaturePlan, SnapshotRequest, SnapshotRows, compute_rows};
use crate::publish::{Staged, stage};

/// Users of one row group of a matrix file.
const ROW_GROUP_USERS: usize = 65_536;

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
    let batches = MatrixBatches::new(&rows);
    stage_parquet(request.out, &batches.schema, batches.iter(), &metadata)
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

/// The rows of a snapshot as batches of one schema.
struct MatrixBatches<'a> {
    rows: &'a SnapshotRows,
    schema: SchemaRef,
    /// Label columns of all users.
    labels: Vec<(&'static str, ArrayRef)>,
}

impl<'a> MatrixBatches<'a> {
    fn new(rows: &'a SnapshotRows) -> Self {
        let mut labels: Vec<(&'static str, ArrayRef)> = Vec::new();
        if let Some(outcomes) = rows.outcomes() {
            let churned = BooleanArray::from(outcomes.churned());
            labels = vec![
                ("outcome_n_orders", Arc::new(Float64Array::from(outcomes.n_orders))),
                ("outcome_gmv", Arc::new(Float64Array::from(outcomes.gmv))),
                ("outcome_churned", Arc::new(churned)),
            ];
        }
        let id_type = match rows.users() {
            UserIds::Integer(_) => DataType::Int64,
            UserIds::Text(_) => DataType::Utf8,
        };
        let mut fields = vec![Field::new("user_id", id_type, false)];
        fields.extend(rows.names().iter().map(|name| Field::new(name, DataType::Float64, false)));
        fields.extend(
            labels.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), false)),
        );
        Self { rows, schema: Arc::new(Schema::new(fields)), labels }
    }

    fn iter(&self) -> impl Iterator<Item = RecordBatch> {
        let n_users = self.rows.users().len();
        // A file without rows has its columns all the same.
        (0..n_users.max(1)).step_by(ROW_GROUP_USERS).map(move |start| {
            let range = start..n_users.min(start + ROW_GROUP_USERS);
            let ids: Vec<usize> = range.clone().collect();
            let mut columns = vec![user_id_array(&self.rows.users().select(&ids))];
            let features = self.rows.columns(range.clone());
            columns.extend(
                features.into_iter().map(|values| Arc::new(Float64Array::from(values)) as ArrayRef),
            );
            let slice = |array: &ArrayRef| array.slice(range.start, range.len());
            columns.extend(self.labels.iter().map(|(_, array)| slice(array)));
            RecordBatch::try_new(Arc::clone(&self.schema), columns).expect("columns of one length")
        })
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

/// Writes batches as a Parquet file, a row group each, to be put in its place
/// by the caller. `metadata` are key-value pairs of its footer.
pub(super) fn stage_parquet(
    path: &Path,
    schema: &SchemaRef,
    batches: impl Iterator<Item = RecordBatch>,
    metadata: &[(&str, String)],
) -> std::io::Result<Staged> {
    let metadata =
        metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
    let level = ZstdLevel::try_new(3).map_err(std::io::Error::other)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by(format!("layercake {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata.collect()))
        .build();
    stage(path, |file| {
        let mut writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))
            .map_err(std::io::Error::other)?;
        for batch in batches {
            writer.write(&batch).map_err(std::io::Error::other)?;
            writer.flush().map_err(std::io::Error::other)?;
        }
        writer.close().map_err(std::io::Error::other)?;
        Ok(())
    })
}
