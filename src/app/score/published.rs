//! Published scores, read back.

use std::fs::File;
use std::io::Error;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use arrow::datatypes::Schema;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::score_columns;
use crate::app::PipelineError;
use crate::files::FileRecord;
use crate::input::source::UserIdType;

/// Users at a time.
const BATCH_USERS: usize = 65_536;

/// Rows of published scores, some columns of them.
pub(in crate::app) type PublishedRows =
    Box<dyn Iterator<Item = Result<RecordBatch, PipelineError>>>;

/// Opens the scores that a summary describes, Parquet or CSV; rows come in the order of the
/// file, `columns` in an order of their own.
///
/// # Errors
/// When the file is not as it was written, or lacks a column.
pub(in crate::app) fn open_published(
    folder: &Path,
    scores: &FileRecord,
    columns: &[&str],
    user_ids: UserIdType,
) -> Result<PublishedRows, PipelineError> {
    let path = folder.join(&scores.name);
    let unread = {
        let path = path.clone();
        move |cause: Error| PipelineError::Published { path: path.clone(), cause }
    };
    scores.check(folder).map_err(&unread)?;
    let file = File::open(&path).map_err(&unread)?;
    let has_all = |schema: &Schema| match columns.iter().find(|it| schema.index_of(it).is_err()) {
        None => Ok(()),
        Some(column) => Err(unread(Error::other(format!("it has no column `{column}`")))),
    };
    if path.extension().is_some_and(|it| it == "csv") {
        let schema =
            Schema::new(score_columns().iter().map(|it| it.field(user_ids)).collect::<Vec<_>>());
        has_all(&schema)?;
        let places = columns.iter().map(|column| schema.index_of(column).expect("it is there"));
        let reader = ReaderBuilder::new(Arc::new(schema.clone()))
            .with_header(true)
            .with_batch_size(BATCH_USERS)
            .with_projection(places.collect())
            .build(file)
            .map_err(|cause| unread(Error::other(cause)))?;
        return Ok(Box::new(reader.map(move |it| it.map_err(|cause| unread(Error::other(cause))))));
    }
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|cause| unread(Error::other(cause)))?;
    has_all(builder.schema())?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_USERS)
        .build()
        .map_err(|cause| unread(Error::other(cause)))?;
    Ok(Box::new(reader.map(move |it| it.map_err(|cause| unread(Error::other(cause))))))
}
