//! Parquet files, made on all threads.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, KeyValue};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};

use super::atomic::{Staged, stage};
use super::cause::io_error;

/// Why a file could not be written.
#[derive(Debug)]
pub enum WriteError<E> {
    /// A row group could not be had.
    RowGroup(E),
    /// What the system or the encoder said.
    File(std::io::Error),
}

impl<E> From<ParquetError> for WriteError<E> {
    fn from(error: ParquetError) -> Self {
        Self::File(io_error(error))
    }
}

/// A column of a row group.
pub enum RowGroupColumn {
    /// Values to encode.
    Values(ArrayRef),
    /// A column of a row group of another file that [`stage_parquet`] wrote, copied as it
    /// is.
    Encoded(Arc<File>, Box<ColumnChunkMetaData>),
}

/// Writes a table of `n_row_groups` row groups as a Parquet file, to be put in
/// its place by the caller. `row_group` gives the columns of one of them, of
/// which none is nested; it is called on several threads, for no more row
/// groups at a time than there are threads. `metadata` are key-value pairs of
/// the footer.
///
/// # Errors
/// What `row_group`, the encoder or the system said; nothing is left behind.
pub fn stage_parquet<E: Send>(
    path: &Path,
    schema: &SchemaRef,
    n_row_groups: usize,
    row_group: impl Fn(usize) -> Result<Vec<RowGroupColumn>, E> + Sync,
    metadata: &[(&str, String)],
) -> Result<Staged, WriteError<E>> {
    let metadata =
        metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
    let mut properties = WriterProperties::builder().set_dictionary_enabled(false);
    for field in schema.fields().iter().filter(|it| it.data_type() == &DataType::Utf8) {
        // Most texts are names of few things. (Of numbers, finding the distinct ones takes
        // longer than compressing them all.)
        properties = properties.set_column_dictionary_enabled(field.name().as_str().into(), true);
    }
    let properties = properties
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        // A copied column loses its index of pages and part of its statistics, and the same
        // rows shall make the same bytes. Users come by a hash of their ids, so that bounds
        // of a row group help nobody.
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_created_by(format!("layercake {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata.collect()))
        .build();
    let mut failure = None;
    let staged = stage(path, |file| {
        let write = || {
            let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))?;
            let (file, encoders) = writer.into_serialized_writer()?;
            let file = InTurn::new(file);
            let next = AtomicUsize::new(0);
            let work = |_: rayon::BroadcastContext<'_>| {
                let _release = ReleaseOnPanic(&file);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= n_row_groups {
                        return Ok::<_, WriteError<E>>(());
                    }
                    let encoded = encoders.create_column_writers(number).map_err(WriteError::from);
                    let encoded = encoded.and_then(|columns| {
                        let given = row_group(number).map_err(WriteError::RowGroup)?;
                        Ok(encode(schema, columns, given)?)
                    });
                    file.append(number, encoded)?;
                }
            };
            rayon::broadcast(work).into_iter().collect::<Result<(), _>>()?;
            file.close()
        };
        write().map_err(|error| {
            failure = Some(error);
            std::io::Error::other("see `failure`")
        })
    });
    staged.map_err(|error| failure.unwrap_or(WriteError::File(error)))
}

/// A file that takes row groups from several threads, in order of their numbers.
struct InTurn<W: Write + Send> {
    state: Mutex<TurnState<W>>,
    changed: Condvar,
}

struct TurnState<W: Write + Send> {
    file: SerializedFileWriter<W>,
    /// Number of the row group that comes next.
    next: usize,
    /// Whether a row group failed, after which none is waited for.
    has_failed: bool,
}

impl<W: Write + Send> InTurn<W> {
    fn new(file: SerializedFileWriter<W>) -> Self {
        let state = TurnState { file, next: 0, has_failed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Waits for the row groups before this one, then appends it. After a
    /// failure nothing is appended any more.
    fn append<E>(
        &self,
        number: usize,
        encoded: Result<Vec<EncodedColumn>, WriteError<E>>,
    ) -> Result<(), WriteError<E>> {
        let state = self.state.lock().expect(NO_PANIC);
        let is_waiting = |state: &mut TurnState<W>| state.next != number && !state.has_failed;
        let mut state = match &encoded {
            Ok(_) => self.changed.wait_while(state, is_waiting).expect(NO_PANIC),
            Err(_) => state,
        };
        let appended = encoded.and_then(|chunks| match state.has_failed {
            true => Ok(()),
            false => {
                let mut group = state.file.next_row_group()?;
                chunks.into_iter().try_for_each(|chunk| chunk.append_to(&mut group))?;
                group.close()?;
                Ok(())
            }
        });
        state.next += 1;
        state.has_failed |= appended.is_err();
        self.changed.notify_all();
        appended
    }

    fn close<E>(self) -> Result<(), WriteError<E>> {
        self.state.into_inner().expect(NO_PANIC).file.close()?;
        Ok(())
    }
}

/// Lets the other threads go when one of them panics, whose turn never comes.
struct ReleaseOnPanic<'a, W: Write + Send>(&'a InTurn<W>);

impl<W: Write + Send> Drop for ReleaseOnPanic<'_, W> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(mut state) = self.0.state.lock()
        {
            state.has_failed = true;
            self.0.changed.notify_all();
        }
    }
}

const NO_PANIC: &str = "no thread panics while it holds the file";

/// A column as it stands in a file.
enum EncodedColumn {
    New(Box<ArrowColumnChunk>),
    Copied(Arc<File>, Box<ColumnChunkMetaData>),
}

impl EncodedColumn {
    fn append_to<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::New(chunk) => chunk.append_to_row_group(group),
            Self::Copied(file, metadata) => {
                let close = ColumnCloseResult {
                    bytes_written: metadata.compressed_size() as u64,
                    rows_written: metadata.num_values() as u64,
                    bloom_filter: None,
                    column_index: None,
                    offset_index: None,
                    metadata: *metadata,
                };
                group.append_column(&*file, close)
            }
        }
    }
}

/// Encodes and compresses the columns of a row group that are not so yet.
fn encode(
    schema: &SchemaRef,
    writers: Vec<ArrowColumnWriter>,
    columns: Vec<RowGroupColumn>,
) -> Result<Vec<EncodedColumn>, ParquetError> {
    let columns = writers.into_iter().zip(columns).zip(schema.fields());
    columns
        .map(|((mut writer, column), field)| match column {
            RowGroupColumn::Values(array) => {
                for leaf in compute_leaves(field, &array)? {
                    writer.write(&leaf)?;
                }
                Ok(EncodedColumn::New(Box::new(writer.close()?)))
            }
            RowGroupColumn::Encoded(file, metadata) => Ok(EncodedColumn::Copied(file, metadata)),
        })
        .collect()
}
