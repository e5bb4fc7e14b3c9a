//! Columns of rows of a table, as text and as whole numbers.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use crate::experiment::{MAX_VALUE, SCALE, fixed_point};
use crate::stats::metrics::{quantile, sorted};

/// A column of text; `None` where there is none of this name.
pub(super) fn texts_of(batch: &RecordBatch, name: &str) -> Option<StringViewArray> {
    batch.column_by_name(name).map(|column| column.as_string_view().clone())
}

/// A column in units of 1 / [`SCALE`]; what is missing is 0.
pub(super) fn fixed_of(batch: &RecordBatch, name: &str) -> Result<Vec<i64>, String> {
    let column: &ArrayRef =
        batch.column_by_name(name).ok_or_else(|| format!("no column {name}"))?;
    if column.data_type() == &DataType::Int64 {
        let limit = (MAX_VALUE * SCALE) as i64;
        let values = column.as_primitive::<Int64Type>();
        let values: Vec<i64> = values.iter().map(Option::unwrap_or_default).collect();
        return match values.iter().find(|value| value.abs() > limit) {
            None => Ok(values),
            Some(value) => Err(too_large(*value as f64 / SCALE)),
        };
    }
    let values = column.as_primitive::<Float64Type>();
    let in_bounds = |value: &f64| value.abs() <= MAX_VALUE;
    if values.null_count() > 0 {
        let values = values.iter().map(Option::unwrap_or_default);
        return values.map(|it| fixed_point(it).ok_or_else(|| too_large(it))).collect();
    }
    match values.values().iter().find(|value| !in_bounds(value)) {
        Some(value) => Err(too_large(*value)),
        None => Ok(values.values().iter().map(|it| fixed_point(*it).unwrap_or_default()).collect()),
    }
}

fn too_large(value: f64) -> String {
    match value.is_nan() {
        true => "a value is not a number".into(),
        false => {
            format!("{value} is too large: up to {MAX_VALUE} is allowed; measure in thousands")
        }
    }
}

/// Where values end, in units of 1 / [`SCALE`]: a quantile of those other than 0; `None` where
/// there are none.
pub(super) fn cap_at(metric: &str, values: Vec<f64>, share: f64) -> Result<Option<i64>, String> {
    if values.is_empty() {
        return Ok(None);
    }
    let cap = quantile(&sorted(values), share);
    match cap > 0.0 {
        true => Ok(Some(cap.round() as i64)),
        false => Err(format!(
            "metric.cap of `{metric}` must end above 0, but this quantile of its values other \
             than 0 is {}",
            cap / SCALE
        )),
    }
}
