//! The file of rows that were rejected: where they stand, why, and what of
//! them could be read.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, cast, col, lit};
use futures::StreamExt;

use super::csv_table::LINE_COLUMN;
use super::mapping::{MappedSource, PROBLEM_COLUMN, ReadAs};
use super::{SourceCounts, SourceError, event_column_names, functions};
use crate::files::write_atomically;
use crate::input::engine::Engine;

/// Lists the rejected rows in `path`, replacing what an earlier run left
/// there; removes it when there are none.
///
/// Files are read a second time, row after row, so that a row's number in its
/// file is known: the line for CSV, the row from 1 for Parquet.
pub(super) fn write_quarantine(
    engine: &Engine,
    mapped: &[MappedSource],
    counts: &[SourceCounts],
    path: &Path,
) -> Result<(), SourceError> {
    let failed = |error: &dyn std::fmt::Display| SourceError::Quarantine {
        file: path.to_owned(),
        cause: error.to_string(),
    };
    if counts.iter().all(|source| source.rejections.is_empty()) {
        return match std::fs::remove_file(path) {
            Err(error) if path.is_file() => Err(failed(&error)),
            _ => Ok(()),
        };
    }
    let rows = |file: &mut BufWriter<&File>| write_rows(file, engine, mapped, counts);
    write_atomically(path, |file| rows(file).map_err(std::io::Error::other))
        .map_err(|error| failed(&error))
}

fn write_rows(
    writer: &mut BufWriter<&File>,
    engine: &Engine,
    mapped: &[MappedSource],
    counts: &[SourceCounts],
) -> Result<(), SourceError> {
    let serial = engine.in_order();
    functions::register(serial.context());
    let mut is_first = true;
    for (source, counts) in mapped.iter().zip(counts) {
        let files: &[_] = if counts.rejections.is_empty() { &[] } else { &source.raw.files };
        for file in files {
            let frame = source.read(&serial, std::slice::from_ref(file), true, ReadAs::Table)?;
            let frame = frame.filter(col(PROBLEM_COLUMN).is_not_null())?;
            let frame = frame.select(columns(&source.label, file))?;
            serial.wait(async {
                let mut stream = frame.execute_stream().await?;
                while let Some(batch) = stream.next().await {
                    write_batch(writer, &batch?, is_first)?;
                    is_first = false;
                }
                Ok::<_, DataFusionError>(())
            })?;
        }
    }
    Ok(())
}

fn columns(label: &str, file: &Path) -> Vec<Expr> {
    let mut columns = vec![
        lit(label).alias("source"),
        lit(file.display().to_string()).alias("file"),
        col(LINE_COLUMN).alias("row"),
        col(PROBLEM_COLUMN).alias("reason"),
    ];
    columns.extend(event_column_names().map(|name| cast(col(name), DataType::Utf8).alias(name)));
    columns
}

fn write_batch(
    writer: &mut BufWriter<&File>,
    batch: &RecordBatch,
    with_header: bool,
) -> Result<(), arrow::error::ArrowError> {
    WriterBuilder::new().with_header(with_header).build(writer).write(batch)
}
