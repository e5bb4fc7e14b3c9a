use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{Field, Schema};

use super::atomic::{Staged, stage};
use super::cause::io_error;
use super::parquet::{RowGroupColumn, WriteError, stage_parquet};
use crate::dataset::UserIds;

/// Rows of a row group of a Parquet file.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// Writes a table, to be put in its place by the caller: as CSV where the name ends in
/// `.csv`, else as Parquet with `metadata` in its footer.
///
/// # Errors
/// What the encoder or the system said; nothing is left behind.
pub fn stage_batch(
    path: &Path,
    batch: &RecordBatch,
    metadata: &[(&str, String)],
) -> std::io::Result<Staged> {
    if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("csv")) {
        return stage(path, |file| WriterBuilder::new().build(file).write(batch).map_err(io_error));
    }
    let n_groups = batch.num_rows().div_ceil(ROW_GROUP_ROWS);
    let row_group = |number: usize| {
        let start = number * ROW_GROUP_ROWS;
        let n_rows = ROW_GROUP_ROWS.min(batch.num_rows() - start);
        let slice = |array: &ArrayRef| array.slice(start, n_rows);
        let values = |array| RowGroupColumn::Values(slice(array));
        Ok::<_, std::io::Error>(batch.columns().iter().map(values).collect())
    };
    stage_parquet(path, &batch.schema(), n_groups, row_group, metadata)
        .map_err(|error| match error {
            WriteError::RowGroup(error) | WriteError::File(error) => error,
        })
}

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
