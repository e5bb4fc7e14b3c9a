use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use chrono::NaiveDateTime;
use ndarray::Array2;

use super::sql::feature_query;
use super::{FeatureError, FeaturePlan};
use crate::dataset::{FeatureMatrix, Snapshot, UserIds};
use crate::engine::{Engine, EngineError};

/// The features of every user with an event before `as_of`, without outcomes.
///
/// # Errors
/// When the plan does not fit the data, or the engine fails.
pub fn compute_snapshot(
    engine: &Engine,
    plan: &FeaturePlan,
    as_of: NaiveDateTime,
) -> Result<Snapshot, FeatureError> {
    let batches = engine.query(&feature_query(plan, as_of)).map_err(FeatureError::Plan)?;
    let users = user_ids(&batches)?;
    let mut values = Array2::zeros((users.len(), plan.features.len()));
    let mut start = 0;
    for batch in &batches {
        for (column, array) in batch.columns()[1..].iter().enumerate() {
            let array = array.as_primitive::<Float64Type>();
            for (row, value) in array.values().iter().enumerate() {
                values[[start + row, column]] = *value;
            }
        }
        start += batch.num_rows();
    }
    let features = FeatureMatrix::new(plan.names(), values)?;
    Ok(Snapshot::new(as_of, users, features, None)?)
}

/// The `user_id` column, the first of every batch.
pub(super) fn user_ids(batches: &[RecordBatch]) -> Result<UserIds, FeatureError> {
    let is_integer = batches.iter().any(|batch| batch.column(0).data_type() == &DataType::Int64);
    if is_integer {
        let ids = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect();
        return Ok(UserIds::Integer(ids));
    }
    let mut ids = Vec::new();
    for batch in batches {
        let texts: ArrayRef = arrow::compute::cast(batch.column(0), &DataType::Utf8)
            .map_err(|error| EngineError::Query(error.into()))?;
        ids.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(UserIds::Text(ids))
}

/// A column of doubles without nulls.
pub(super) fn doubles(batches: &[RecordBatch], column: usize) -> Vec<f64> {
    batches
        .iter()
        .flat_map(|batch| batch.column(column).as_primitive::<Float64Type>().values().to_vec())
        .collect()
}
