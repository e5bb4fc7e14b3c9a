//! Columns of rows that were read back.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};

use crate::dataset::UserIds;

/// A column of numbers.
pub(super) fn numbers(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    let column = batch.column_by_name(name).expect("it was asked for");
    column.as_primitive::<Float64Type>().iter().collect()
}

/// The column of the users.
pub(in crate::app) fn user_ids(batch: &RecordBatch) -> UserIds {
    let column = batch.column_by_name("user_id").expect("it was asked for");
    match column.data_type().is_integer() {
        true => UserIds::Integer(column.as_primitive::<Int64Type>().values().to_vec()),
        false => {
            let texts = column.as_string::<i32>();
            UserIds::Text((0..texts.len()).map(|row| texts.value(row).to_owned()).collect())
        }
    }
}
