//! Parquet files, made on all threads.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::atomic::{Staged, stage};

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
        Self::File(std::io::Error::other(error))
    }
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
    row_group: impl Fn(usize) -> Result<Vec<ArrayRef>, E> + Sync,
    metadata: &[(&str, String)],
) -> Result<Staged, WriteError<E>> {
    let metadata =
        metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
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
                        let arrays = row_group(number).map_err(WriteError::RowGroup)?;
                        Ok(encode(schema, columns, arrays)?)
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
        encoded: Result<Vec<ArrowColumnChunk>, WriteError<E>>,
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
                chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
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
