use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use chrono::{Days, NaiveDate};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::{PipelineError, Progress, open_events, resolve_as_of, snapshot_with_outcomes};
use crate::bundle::Bundle;
use crate::config::Config;
use crate::dataset::{Snapshot, UserIds};
use crate::features::compute_snapshot;
use crate::publish::{Staged, stage};

/// Writes the feature matrix as of a day, computed by the bundle's plan from
/// the sources of `config`, to a Parquet file: `user_id`, one column a
/// feature, and where the data reaches beyond the horizon the outcomes
/// `outcome_n_orders`, `outcome_gmv` and `outcome_churned`. Returns the number
/// of users.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, or the file cannot
/// be written.
pub fn write_matrix(
    bundle: &Bundle,
    config: &Config,
    as_of: Option<NaiveDate>,
    path: &Path,
    progress: &mut dyn Progress,
) -> Result<usize, PipelineError> {
    progress.stage(0, 2, "reading the data");
    let (engine, events) = open_events(config, &path.with_extension("quarantine.csv"))?;
    let input = events.profile;
    let as_of = resolve_as_of(as_of, &input, &config.features)?;
    progress.stage(1, 2, "computing features");
    let horizon_days = bundle.config.snapshots.horizon_days;
    let outcome_end = as_of + Days::new(u64::from(horizon_days));
    let snapshot = if outcome_end.date() <= input.last_time.date() + Days::new(1) {
        snapshot_with_outcomes(&engine, &bundle.plan, as_of, horizon_days)?
    } else {
        compute_snapshot(&engine, &bundle.plan, as_of)?
    };
    let metadata = [
        ("layercake.as_of", as_of.format("%Y-%m-%d").to_string()),
        ("layercake.horizon_days", horizon_days.to_string()),
    ];
    stage_parquet(path, &matrix_batch(&snapshot), &metadata)
        .and_then(Staged::commit)
        .map_err(|cause| PipelineError::Output { path: path.to_owned(), cause })?;
    Ok(snapshot.users.len())
}

fn matrix_batch(snapshot: &Snapshot) -> RecordBatch {
    let mut columns = vec![("user_id".to_owned(), user_id_array(&snapshot.users))];
    for (name, column) in snapshot.features.names().iter().zip(snapshot.features.values().columns())
    {
        columns.push((name.clone(), Arc::new(Float64Array::from(column.to_vec())) as ArrayRef));
    }
    if let Some(outcomes) = &snapshot.outcomes {
        let doubles = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
        columns.push(("outcome_n_orders".into(), doubles(&outcomes.n_orders)));
        columns.push(("outcome_gmv".into(), doubles(&outcomes.gmv)));
        columns.push(("outcome_churned".into(), Arc::new(BooleanArray::from(outcomes.churned()))));
    }
    batch_of(columns)
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

/// Writes one batch as a Parquet file, to be put in its place by the caller.
/// `metadata` are key-value pairs of its footer.
pub(super) fn stage_parquet(
    path: &Path,
    batch: &RecordBatch,
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
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))
            .map_err(std::io::Error::other)?;
        writer.write(batch).map_err(std::io::Error::other)?;
        writer.close().map_err(std::io::Error::other)?;
        Ok(())
    })
}
