//! The file of rows that were set aside: where they stand, why, and what of
//! them could be read.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use arrow::datatypes::DataType;
use datafusion::logical_expr::{cast, col, lit};
use futures::StreamExt;

use super::csv_table::LINE_COLUMN;
use super::mapping::{MappedSource, PROBLEM_COLUMN};
use super::{EVENT_COLUMNS, SourceCounts, SourceError, functions};
use crate::engine::{Engine, EngineParams};

/// Lists the rows set aside in `path`, replacing what an earlier run left
/// there; removes it when there are none.
///
/// Files are read a second time, on one thread, so that a row's number in its
/// file is known: the line for CSV, the row from 1 for Parquet.
pub(super) fn write_quarantine(
    mapped: &[MappedSource],
    counts: &[SourceCounts],
    path: &Path,
) -> Result<(), SourceError> {
    let failed = |error: &dyn std::fmt::Display| SourceError::Quarantine {
        file: path.to_owned(),
        cause: error.to_string(),
    };
    if counts.iter().all(|source| source.set_aside.is_empty()) {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(&error)),
            _ => Ok(()),
        };
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let partial = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    let mut writer = BufWriter::new(partial.as_file());
    let one_thread = EngineParams { threads: NonZeroUsize::new(1), memory_limit_mb: None };
    let serial = Engine::new(&one_thread)?;
    functions::register(serial.context());
    let mut is_first = true;
    for (source, counts) in mapped.iter().zip(counts) {
        if counts.set_aside.is_empty() {
            continue;
        }
        for file in &source.raw.files {
            let frame = source.read(&serial, std::slice::from_ref(file), true)?;
            let mut columns = vec![
                lit(source.label.as_str()).alias("source"),
                lit(file.display().to_string()).alias("file"),
                col(LINE_COLUMN).alias("row"),
                col(PROBLEM_COLUMN).alias("reason"),
            ];
            columns.extend(
                EVENT_COLUMNS.iter().map(|name| cast(col(*name), DataType::Utf8).alias(*name)),
            );
            let frame = frame.filter(col(PROBLEM_COLUMN).is_not_null())?.select(columns)?;
            serial.wait(async {
                let mut stream = frame.execute_stream().await?;
                while let Some(batch) = stream.next().await {
                    write_batch(&mut writer, &batch?, is_first).map_err(|error| failed(&error))?;
                    is_first = false;
                }
                Ok::<_, SourceError>(())
            })?;
        }
    }
    writer.flush().map_err(|error| failed(&error))?;
    drop(writer);
    persist(partial, path).map_err(|error| failed(&error))
}

fn write_batch(
    writer: &mut BufWriter<&File>,
    batch: &RecordBatch,
    with_header: bool,
) -> Result<(), arrow::error::ArrowError> {
    WriterBuilder::new().with_header(with_header).build(writer).write(batch)
}

fn persist(partial: tempfile::NamedTempFile, path: &Path) -> std::io::Result<()> {
    partial.as_file().sync_all()?;
    partial.persist(path).map_err(|error| error.error)?;
    Ok(())
}
