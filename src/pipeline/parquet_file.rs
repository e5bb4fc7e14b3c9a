//! Parquet files, made on all threads.

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

/// Why a file could not be written.
#[derive(Debug)]
pub(super) enum WriteError<E> {
    /// A row group could not be had.
    RowGroup(E),
    /// What the system or the encoder said.
    File(std::io::Error),
}

impl<E> From<ParquetError> for WriteError<E> {
    fn from(error: ParquetError) -> Self {
        Self::File(std::io::Error::other(error))
    }
}

/// Writes a table of `n_row_groups` row groups as a Parquet file, to be put in
/// its place by the caller. `row_group` gives the columns of one of them, of
/// which none is nested; it is called on several threads, for no more row
/// groups at a time than there are threads. `metadata` are key-value pairs of
/// the footer.
pub(super) fn stage_parquet<E: Send>(
    path: &Path,
    schema: &SchemaRef,
    n_row_groups: usize,
    row_group: impl Fn(usize) -> Result<Vec<ArrayRef>, E> + Sync,
    metadata: &[(&str, String)],
) -> Result<Staged, WriteError<E>> {
    let metadata =
        metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(format!("layercake {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata.collect()))
        .build();
    let mut failure = None;
    let staged = stage(path, |file| {
        let write = || {
            let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))?;
            let (mut file, encoders) = writer.into_serialized_writer()?;
            let at_a_time = rayon::current_num_threads();
            for first in (0..n_row_groups).step_by(at_a_time) {
                let numbers = first..n_row_groups.min(first + at_a_time);
                let columns: Vec<Vec<ArrowColumnWriter>> = numbers
                    .clone()
                    .map(|number| encoders.create_column_writers(number))
                    .collect::<Result<_, _>>()?;
                let encoded: Result<Vec<_>, WriteError<E>> = numbers
                    .into_par_iter()
                    .zip(columns)
                    .map(|(number, columns)| {
                        let arrays = row_group(number).map_err(WriteError::RowGroup)?;
                        Ok(encode(schema, columns, arrays)?)
                    })
                    .collect();
                for chunks in encoded? {
                    let mut group = file.next_row_group()?;
                    chunks
                        .into_iter()
                        .try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
                    group.close()?;
                }
            }
            file.close()?;
            Ok(())
        };
        write().map_err(|error| {
            failure = Some(error);
            std::io::Error::other("see `failure`")
        })
    });
    staged.map_err(|error| failure.unwrap_or(WriteError::File(error)))
}

/// Encodes and compresses the columns of a row group.
fn encode(
    schema: &SchemaRef,
    writers: Vec<ArrowColumnWriter>,
    arrays: Vec<ArrayRef>,
) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    let columns = writers.into_iter().zip(arrays).zip(schema.fields());
    columns
        .map(|((mut writer, array), field)| {
            for leaf in compute_leaves(field, &array)? {
                writer.write(&leaf)?;
            }
            writer.close()
        })
        .collect()
}
