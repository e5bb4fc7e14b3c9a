//! Parquet files, encoded on all threads.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;

use crate::publish::{Staged, stage};

/// Rows of a row group.
const ROW_GROUP_ROWS: usize = 65_536;

/// Columns that one thread takes at a time: as many doubles as a line of the
/// processor's cache holds.
const COLUMNS_AT_A_TIME: usize = 8;

/// Writes a table as a Parquet file, to be put in its place by the caller.
/// `columns` gives some columns of some rows; no column is nested. `metadata`
/// are key-value pairs of the footer.
pub(super) fn stage_parquet(
    path: &Path,
    schema: &SchemaRef,
    n_rows: usize,
    columns: impl Fn(Range<usize>, Range<usize>) -> Vec<ArrayRef> + Sync,
    metadata: &[(&str, String)],
) -> std::io::Result<Staged> {
    let metadata =
        metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(format!("layercake {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata.collect()))
        .build();
    stage(path, |file| {
        let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))
            .map_err(std::io::Error::other)?;
        let (mut file, row_groups) =
            writer.into_serialized_writer().map_err(std::io::Error::other)?;
        for (number, start) in (0..n_rows).step_by(ROW_GROUP_ROWS).enumerate() {
            let rows = start..n_rows.min(start + ROW_GROUP_ROWS);
            let writers =
                row_groups.create_column_writers(number).map_err(std::io::Error::other)?;
            let chunks = encode(schema, writers, |range| columns(rows.clone(), range))
                .map_err(std::io::Error::other)?;
            let mut row_group = file.next_row_group().map_err(std::io::Error::other)?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut row_group).map_err(std::io::Error::other)?;
            }
            row_group.close().map_err(std::io::Error::other)?;
        }
        file.close().map_err(std::io::Error::other)?;
        Ok(())
    })
}

/// Encodes the columns of a row group.
fn encode(
    schema: &SchemaRef,
    writers: Vec<ArrowColumnWriter>,
    columns: impl Fn(Range<usize>) -> Vec<ArrayRef> + Sync,
) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    let mut groups: Vec<(usize, Vec<ArrowColumnWriter>)> = Vec::new();
    for (column, writer) in writers.into_iter().enumerate() {
        match groups.last_mut() {
            Some((_, group)) if group.len() < COLUMNS_AT_A_TIME => group.push(writer),
            _ => groups.push((column, vec![writer])),
        }
    }
    let encode_group = |(first, group): (usize, Vec<ArrowColumnWriter>)| {
        let arrays = columns(first..first + group.len());
        let fields = &schema.fields()[first..];
        group
            .into_iter()
            .zip(arrays)
            .zip(fields)
            .map(|((mut writer, array), field)| {
                for leaf in compute_leaves(field, &array)? {
                    writer.write(&leaf)?;
                }
                writer.close()
            })
            .collect::<Result<Vec<_>, ParquetError>>()
    };
    let encoded: Result<Vec<Vec<ArrowColumnChunk>>, ParquetError> =
        groups.into_par_iter().map(encode_group).collect();
    Ok(encoded?.into_iter().flatten().collect())
}
