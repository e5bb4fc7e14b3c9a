use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};

use crate::dataset::UserIds;

/// A table of named columns of one length; a column may hold nulls if it has any.
///
/// # Panics
/// When the columns differ in length.
pub fn batch_of(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(name, array.data_type().clone(), array.null_count() > 0))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

/// Ids as they came in: integers or text.
pub fn user_id_array(users: &UserIds) -> ArrayRef {
    match users {
        UserIds::Integer(ids) => Arc::new(Int64Array::from(ids.clone())),
        UserIds::Text(ids) => Arc::new(StringArray::from(ids.clone())),
    }
}
