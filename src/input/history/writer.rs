//! Batches of checked events in, rows in buckets out.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringViewArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

use super::buckets::{Chunks, empty_buckets};
use super::histories::{Histories, Parts};
use super::ids::{bucket_of, word_of_digits, word_of_text};
use super::row::{Column, MAX_WORDS, RowBuilder, push_text};
use super::spill::{Run, SpillFile, SpillWriter};
use super::tally::{Duplicates, Tally};
use super::vocabulary::{Coder, MAX_CATEGORIES, MAX_KINDS, Vocabulary};
use super::{HistoryError, IdKind, N_BUCKETS};
use crate::dataset::hash_integer;

/// Takes events in, by any number of writers side by side.
pub struct HistoryBuilder {
    kind: IdKind,
    /// Fixed-point units in 1.
    scale: f64,
    /// Buckets whose users are kept.
    kept: Range<usize>,
    pool: Arc<dyn MemoryPool>,
    events: Arc<Mutex<Vocabulary>>,
    channels: Arc<Mutex<Vocabulary>>,
    categories: Arc<Mutex<Vocabulary>>,
}

impl HistoryBuilder {
    /// An empty collection whose numbers are kept with `decimals` digits after
    /// the point and whose memory counts against `pool`.
    pub fn new(kind: IdKind, decimals: i8, pool: Arc<dyn MemoryPool>) -> Self {
        Self {
            kind,
            scale: 10f64.powi(i32::from(decimals)),
            kept: 0..N_BUCKETS,
            pool,
            events: Arc::default(),
            channels: Arc::default(),
            categories: Arc::default(),
        }
    }

    /// Keeps the users of some buckets only. Times and days are still those of all.
    pub fn of_buckets(self, kept: Range<usize>) -> Self {
        Self { kept, ..self }
    }

    /// A writer of its own for one stream of batches.
    pub fn writer(&self) -> HistoryWriter {
        let consumer = MemoryConsumer::new("events of users").with_can_spill(true);
        HistoryWriter {
            kind: self.kind,
            scale: self.scale,
            kept: self.kept.clone(),
            buckets: empty_buckets(),
            n_bytes: 0,
            reservation: consumer.register(&self.pool),
            spilled: None,
            runs: Vec::new(),
            events: Coder::new("event", MAX_KINDS, &self.events),
            channels: Coder::new("channel", MAX_KINDS, &self.channels),
            categories: Coder::new("category", MAX_CATEGORIES, &self.categories),
            codes: Default::default(),
            tally: Tally::default(),
        }
    }

    /// Brings the events of all writers together, sorted by user and time; that and
    /// later passes run on `workers`.
    ///
    /// # Errors
    /// When the memory limit leaves no room for a single bucket, or the
    /// temporary file fails.
    pub fn build(
        self,
        writers: Vec<HistoryWriter>,
        duplicates: Duplicates,
        workers: Arc<rayon::ThreadPool>,
    ) -> Result<Histories, HistoryError> {
        let own = |shared: Arc<Mutex<Vocabulary>>| {
            shared.lock().expect("no writer panics while it holds the lock").clone()
        };
        let n_bytes: usize = writers.iter().map(|writer| writer.reservation.size()).sum();
        // Sorting needs room too.
        let is_tight = matches!(
            self.pool.memory_limit(),
            MemoryLimit::Finite(limit) if n_bytes > limit / 2
        );
        let to_disk = is_tight || writers.iter().any(|writer| writer.spilled.is_some());
        let mut tally = Tally::default();
        let mut buckets = empty_buckets();
        let mut runs = vec![Vec::new(); N_BUCKETS];
        let (mut files, mut reservations) = (Vec::<SpillFile>::new(), Vec::new());
        for mut writer in writers {
            tally.add(&writer.tally);
            if to_disk {
                writer.spill()?;
            }
            for (bucket, chunks) in buckets.iter_mut().zip(writer.buckets) {
                bucket.append(chunks);
            }
            for (bucket, run) in writer.runs {
                runs[bucket].push(Run { file: files.len(), ..run });
            }
            files.extend(writer.spilled.map(SpillWriter::finish).transpose()?);
            reservations.push(writer.reservation);
        }
        Histories::sort(
            Parts {
                kind: self.kind,
                scale: self.scale,
                workers,
                pool: self.pool,
                events: own(self.events),
                channels: own(self.channels),
                categories: own(self.categories),
                tally,
                _reservations: reservations,
                duplicates,
            },
            buckets,
            runs,
            files,
        )
    }
}

/// Turns batches of one stream into rows.
pub struct HistoryWriter {
    kind: IdKind,
    scale: f64,
    kept: Range<usize>,
    buckets: Vec<Chunks>,
    /// What the buckets take.
    n_bytes: usize,
    reservation: MemoryReservation,
    spilled: Option<SpillWriter>,
    runs: Vec<(usize, Run)>,
    events: Coder,
    channels: Coder,
    categories: Coder,
    /// Codes of the batch: events, channels, categories.
    codes: [Vec<u32>; 3],
    tally: Tally,
}

/// The ids of a batch.
enum Users<'a> {
    Integer(&'a Int64Array),
    Text(&'a StringViewArray),
}

impl HistoryWriter {
    /// Adds the rows of a batch for which `keep` holds. Columns are found by
    /// name; optional ones may be absent.
    ///
    /// # Errors
    /// When the memory limit is reached and the temporary file fails, or a
    /// column of kinds has too many of them.
    pub fn write(&mut self, batch: &RecordBatch, keep: &BooleanArray) -> Result<(), HistoryError> {
        // What no source maps has no type.
        let column = |name: &str| {
            batch.column_by_name(name).filter(|array| array.data_type() != &DataType::Null)
        };
        let id_type = match self.kind {
            IdKind::Integer => DataType::Int64,
            IdKind::Text => DataType::Utf8View,
        };
        let ids = cast(column("user_id").expect("events have users"), &id_type)?;
        let users = match self.kind {
            IdKind::Integer => Users::Integer(ids.as_primitive::<Int64Type>()),
            IdKind::Text => Users::Text(ids.as_string_view()),
        };
        let times = column("time").expect("events have times");
        let times = times.as_primitive::<TimestampMicrosecondType>().values();
        for (coder, (codes, name)) in [&mut self.events, &mut self.channels, &mut self.categories]
            .into_iter()
            .zip(self.codes.iter_mut().zip(["event", "channel", "category"]))
        {
            match column(name) {
                Some(array) => coder.encode(array, codes)?,
                None => {
                    codes.clear();
                    codes.resize(batch.num_rows(), 0);
                }
            }
        }
        let mut values: Vec<(usize, Vec<u64>)> = Vec::new();
        for (index, name) in Column::NAMES.iter().enumerate() {
            if let Some(array) = column(name).filter(|array| array.null_count() < array.len()) {
                let words = if index < Column::Item as usize {
                    fixed_point(array, self.scale)?
                } else if index == Column::AvailableAt as usize {
                    later_times(array, times)
                } else {
                    hashes(array)?
                };
                values.push((index, words));
            }
        }
        self.push_rows(&users, times, &values, keep);
        self.tally.end_batch();
        self.stay_within_memory()
    }

    /// Rows by day since 1970, of all users.
    pub fn days(&self) -> &BTreeMap<i64, u64> {
        &self.tally.days
    }

    fn push_rows(
        &mut self,
        users: &Users<'_>,
        times: &[i64],
        values: &[(usize, Vec<u64>)],
        keep: &BooleanArray,
    ) {
        let mut long_row = Vec::new();
        for row in (0..times.len()).filter(|&row| keep.value(row)) {
            let (user, hash) = match users {
                Users::Integer(ids) => (ids.value(row) as u64, hash_integer(ids.value(row), 0)),
                Users::Text(ids) => {
                    let word = word_of_text(ids.value(row));
                    (word, word)
                }
            };
            let time = times[row];
            self.tally.see(time);
            let bucket = bucket_of(hash, N_BUCKETS);
            if !self.kept.contains(&bucket) {
                continue;
            }
            let [events, channels, categories] = &self.codes;
            let event = events[row];
            let codes = [event, channels[row], categories[row]];
            let build = |words: &mut [u32; MAX_WORDS]| {
                let mut built = RowBuilder::start(words, user, time, codes);
                values.iter().for_each(|(column, values)| built.add(*column, values[row]));
                built.length()
            };
            let bucket = &mut self.buckets[bucket];
            self.n_bytes += match users {
                Users::Integer(_) => bucket.build(build),
                Users::Text(ids) => {
                    let mut words = [0; MAX_WORDS];
                    let length = build(&mut words);
                    long_row.clear();
                    long_row.extend_from_slice(&words[..length]);
                    push_text(&mut long_row, ids.value(row).as_bytes());
                    bucket.push(&long_row)
                }
            };
            self.tally.count(event, time);
        }
    }

    /// Reserves what the buckets take, or moves them to the disk.
    fn stay_within_memory(&mut self) -> Result<(), HistoryError> {
        match self.reservation.try_resize(self.n_bytes) {
            Ok(()) => Ok(()),
            Err(_) => self.spill(),
        }
    }

    /// Moves the buckets to the disk.
    fn spill(&mut self) -> Result<(), HistoryError> {
        let mut file = match self.spilled.take() {
            Some(file) => file,
            None => SpillWriter::new()?,
        };
        for (bucket, chunks) in self.buckets.iter_mut().enumerate() {
            let chunks = std::mem::take(chunks);
            let n_words = chunks.n_words();
            if n_words > 0 {
                self.runs.push((bucket, Run { file: 0, first_word: file.n_words(), n_words }));
                chunks.iter().try_for_each(|rows| file.write(rows))?;
            }
        }
        self.spilled = Some(file);
        self.n_bytes = 0;
        self.reservation.free();
        Ok(())
    }
}

/// Numbers in units of `1 / scale`; 0 where there is none.
fn fixed_point(array: &ArrayRef, scale: f64) -> Result<Vec<u64>, HistoryError> {
    let words = match array.data_type() {
        DataType::Decimal128(..) => {
            let numbers: &Decimal128Array = array.as_primitive::<Decimal128Type>();
            numbers.iter().map(|number| number.map_or(0, |number| number as u64)).collect()
        }
        _ => {
            let numbers = cast(array, &DataType::Float64)?;
            let numbers: &Float64Array = numbers.as_primitive::<Float64Type>();
            // Half away from zero, as `round` does, which is a call where this is none.
            let to_word = |number: f64| {
                let scaled = number * scale;
                (scaled + 0.5f64.copysign(scaled)) as i64 as u64
            };
            match numbers.null_count() {
                0 => numbers.values().iter().map(|&number| to_word(number)).collect(),
                _ => numbers.iter().map(|number| number.map_or(0, to_word)).collect(),
            }
        }
    };
    Ok(words)
}

/// Moments after `times`; 0 where there is none or it is not later.
fn later_times(array: &ArrayRef, times: &[i64]) -> Vec<u64> {
    let moments = array.as_primitive::<TimestampMicrosecondType>();
    let is_later = |row: usize| !moments.is_null(row) && moments.value(row) > times[row];
    (0..times.len()).map(|row| if is_later(row) { moments.value(row) as u64 } else { 0 }).collect()
}

/// Hashes of texts; 0 where there is none or it is empty. An integer has the hash of its
/// digits, as sources may differ in the type of a column.
fn hashes(array: &ArrayRef) -> Result<Vec<u64>, HistoryError> {
    if array.data_type().is_integer() {
        let ids = cast(array, &DataType::Int64)?;
        let ids: &Int64Array = ids.as_primitive::<Int64Type>();
        return Ok(ids.iter().map(|id| id.map_or(0, word_of_digits)).collect());
    }
    let texts = cast(array, &DataType::Utf8View)?;
    let texts = texts.as_string_view();
    Ok(texts
        .iter()
        .map(|text| text.filter(|text| !text.is_empty()).map_or(0, word_of_text))
        .collect())
}
