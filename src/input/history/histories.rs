//! The sorted events of all users, and passes over them.

use std::sync::{Arc, Mutex};

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use rayon::prelude::*;

use super::buckets::Chunks;
use super::row::{EventHead, EventRow, History, UserId, row_length};
use super::sort::{BucketTally, examine, positions};
use super::spill::{Run, SpillFile, SpillWriter};
use super::tally::{Duplicates, EventTally, Tally};
use super::{HistoryError, IdKind, N_BUCKETS, Vocabulary};

/// What there is.
#[derive(Debug, Clone, PartialEq)]
pub struct HistorySummary {
    /// Events kept.
    pub n_events: u64,
    /// Distinct users.
    pub n_users: u64,
    /// Rows that repeat another in every mapped column.
    pub n_duplicates: u64,
    /// Time of the first event, in microseconds since 1970; `None` without events.
    pub first_time: Option<i64>,
    /// Time of the last.
    pub last_time: Option<i64>,
    /// Events by type, most frequent first, equals by name.
    pub events: Vec<(String, EventTally)>,
    /// Days since 1970 on which something happened, ascending.
    pub days: Vec<i64>,
    /// Bytes that the memory limit drove to the disk.
    pub n_bytes_spilled: u64,
}

/// What the writers hand over beside the rows.
pub(super) struct Parts {
    pub kind: IdKind,
    pub scale: f64,
    /// The threads that passes run on.
    pub workers: Arc<rayon::ThreadPool>,
    pub pool: Arc<dyn MemoryPool>,
    pub events: Vocabulary,
    pub channels: Vocabulary,
    pub categories: Vocabulary,
    pub tally: Tally,
    /// What the buckets in memory count as, for as long as they are there.
    pub _reservations: Vec<MemoryReservation>,
    pub duplicates: Duplicates,
}

enum Bucket {
    Memory(Chunks),
    Disk(Run),
}

/// The events of all users, sorted by user and time.
pub struct Histories {
    parts: Parts,
    buckets: Vec<Bucket>,
    files: Vec<SpillFile>,
    /// By bucket.
    n_users: Vec<usize>,
    summary: HistorySummary,
}

impl Histories {
    pub(super) fn sort(
        mut parts: Parts,
        buckets: Vec<Chunks>,
        runs: Vec<Vec<Run>>,
        files: Vec<SpillFile>,
    ) -> Result<Self, HistoryError> {
        let sorted = SpillTarget::new(!files.is_empty());
        let waiting: Vec<Mutex<Option<Chunks>>> =
            buckets.into_iter().map(|chunks| Mutex::new(Some(chunks))).collect();
        let done = in_parallel(&parts.workers, 0..N_BUCKETS, |index| {
            let chunks = waiting[index].lock().expect("each bucket has one reader").take();
            let mut chunks = chunks.unwrap_or_default();
            let n_words =
                chunks.n_words() + runs[index].iter().map(|run| run.n_words).sum::<usize>();
            if u32::try_from(n_words).is_err() {
                return Err(HistoryError::TooManyRows);
            }
            // Rows and positions, each twice.
            let _room = reserve(&parts.pool, n_words * 16)?;
            let mut words = Vec::with_capacity(n_words);
            chunks.iter().for_each(|rows| words.extend_from_slice(rows));
            runs[index].iter().try_for_each(|run| files[run.file].read(run, &mut words))?;
            let mut positions = positions(&words, parts.kind);
            let tally = examine(&words, &mut positions, parts.kind, parts.duplicates)?;
            let rows = positions.iter().map(|position| {
                let start = position.offset as usize;
                &words[start..start + row_length(&words, start, parts.kind)]
            });
            let bucket = match &sorted.file {
                Some(_) => Bucket::Disk(sorted.write(rows)?),
                None => {
                    chunks.overwrite(rows);
                    Bucket::Memory(chunks)
                }
            };
            Ok::<_, HistoryError>((bucket, tally))
        })?;
        let (buckets, tallies): (Vec<Bucket>, Vec<BucketTally>) = done.into_iter().unzip();
        let files = sorted.finish()?;
        let n_duplicates = tallies.iter().map(|tally| tally.n_duplicates).sum();
        let n_users_of_all = tallies.iter().map(|tally| tally.n_users).sum();
        for event in tallies.iter().flat_map(|tally| &tally.dropped) {
            parts.tally.events[*event as usize].n_rows -= 1;
        }
        let n_words_spilled: usize = runs.iter().flatten().map(|run| run.n_words).sum();
        let summary = HistorySummary {
            n_bytes_spilled: n_words_spilled as u64 * 4,
            ..summarise(&parts, n_users_of_all, n_duplicates)
        };
        let n_users = tallies.iter().map(|tally| tally.n_users as usize).collect();
        Ok(Self { parts, buckets, files, n_users, summary })
    }

    /// What there is.
    pub fn summary(&self) -> &HistorySummary {
        &self.summary
    }

    /// Type of the user ids.
    pub fn kind(&self) -> IdKind {
        self.parts.kind
    }

    /// Fixed-point units in 1.
    pub fn scale(&self) -> f64 {
        self.parts.scale
    }

    /// Values of `event`.
    pub fn events(&self) -> &Vocabulary {
        &self.parts.events
    }

    /// Values of `channel`.
    pub fn channels(&self) -> &Vocabulary {
        &self.parts.channels
    }

    /// Values of `category`.
    pub fn categories(&self) -> &Vocabulary {
        &self.parts.categories
    }

    /// Calls `work` with the number of each bucket, on as many threads as the
    /// run may use, and returns the results in order of buckets.
    ///
    /// # Errors
    /// The first error by `work`.
    pub fn map_buckets<T: Send, E: Send>(
        &self,
        buckets: std::ops::Range<usize>,
        work: impl Fn(usize) -> Result<T, E> + Sync + Send,
    ) -> Result<Vec<T>, E> {
        in_parallel(&self.parts.workers, buckets, work)
    }

    /// Number of users of a bucket.
    pub fn n_users(&self, bucket: usize) -> usize {
        self.n_users[bucket]
    }

    /// Calls `visit` with each user of a bucket, in an order that their ids
    /// determine: by number, or by the hash of a text.
    ///
    /// # Errors
    /// When the memory limit leaves no room for the bucket, the temporary file
    /// fails, or `visit` does.
    pub fn for_each_user<E: From<HistoryError>>(
        &self,
        bucket: usize,
        mut visit: impl FnMut(&History<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let kind = self.parts.kind;
        let mut of: Option<(u64, UserId)> = None;
        let mut events = Vec::new();
        self.for_each_chunk(bucket, |rows| {
            let mut next = 0;
            while next < rows.len() {
                let (key, event) = EventRow::read(rows, next);
                if of.as_ref().is_none_or(|(known, _)| *known != key) {
                    let newcomer = (key, UserId::read(rows, next, kind));
                    if let Some((_, user)) = of.replace(newcomer) {
                        visit(&History { user: &user, events: &events })?;
                    }
                    events.clear();
                }
                events.push(event);
                next += row_length(rows, next, kind);
            }
            Ok::<_, E>(())
        })?;
        match of {
            Some((_, user)) => visit(&History { user: &user, events: &events }),
            None => Ok(()),
        }
    }

    /// Calls `visit` with each event of a bucket: cheaper than
    /// [`Histories::for_each_user`] where users and values do not matter.
    ///
    /// # Errors
    /// When the memory limit leaves no room for the bucket, or the temporary
    /// file fails.
    pub fn for_each_event(
        &self,
        bucket: usize,
        mut visit: impl FnMut(&EventHead),
    ) -> Result<(), HistoryError> {
        self.for_each_chunk(bucket, |rows| {
            let mut next = 0;
            while next < rows.len() {
                visit(&EventHead::read(rows, next));
                next += row_length(rows, next, self.parts.kind);
            }
            Ok(())
        })
    }

    /// Calls `visit` with all rows of a bucket, many at a time.
    fn for_each_chunk<E: From<HistoryError>>(
        &self,
        bucket: usize,
        mut visit: impl FnMut(&[u32]) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.buckets[bucket] {
            Bucket::Memory(chunks) => chunks.iter().try_for_each(visit),
            Bucket::Disk(run) => {
                // As bytes, then as words.
                let _room = reserve(&self.parts.pool, run.n_words * 8)?;
                let mut words = Vec::with_capacity(run.n_words);
                self.files[run.file].read(run, &mut words)?;
                visit(&words)
            }
        }
    }
}

fn summarise(parts: &Parts, n_users: u64, n_duplicates: u64) -> HistorySummary {
    let tally = &parts.tally;
    let mut events: Vec<(String, EventTally)> = parts
        .events
        .values()
        .iter()
        .zip(tally.events.iter().skip(1))
        .filter(|(_, tally)| tally.n_rows > 0)
        .map(|(event, tally)| (event.clone(), *tally))
        .collect();
    events.sort_by(|(a, of_a), (b, of_b)| of_b.n_rows.cmp(&of_a.n_rows).then_with(|| a.cmp(b)));
    HistorySummary {
        n_events: tally.events.iter().map(|tally| tally.n_rows).sum(),
        n_users,
        n_duplicates,
        first_time: tally.first_time,
        last_time: tally.last_time,
        events,
        days: tally.days.keys().copied().collect(),
        n_bytes_spilled: 0,
    }
}

/// Room for a piece of work, given back when it is dropped.
fn reserve(pool: &Arc<dyn MemoryPool>, n_bytes: usize) -> Result<MemoryReservation, HistoryError> {
    let reservation = MemoryConsumer::new("one bucket of users").register(pool);
    match reservation.try_grow(n_bytes) {
        Ok(()) => Ok(reservation),
        Err(_) => Err(HistoryError::Memory { needed_mb: n_bytes.div_ceil(1 << 20) }),
    }
}

/// The file that sorted buckets go to, if they do not stay in memory.
struct SpillTarget {
    file: Option<Mutex<Option<SpillWriter>>>,
}

impl SpillTarget {
    fn new(to_disk: bool) -> Self {
        Self { file: to_disk.then(|| Mutex::new(None)) }
    }

    fn write<'a>(&self, rows: impl Iterator<Item = &'a [u32]>) -> Result<Run, HistoryError> {
        let slot = self.file.as_ref().expect("called only with a file");
        let mut slot = slot.lock().expect("no writer panics while it holds the lock");
        let file = match &mut *slot {
            Some(file) => file,
            none => none.insert(SpillWriter::new()?),
        };
        let first_word = file.n_words();
        for row in rows {
            file.write(row)?;
        }
        Ok(Run { file: 0, first_word, n_words: (file.n_words() - first_word) as usize })
    }

    fn finish(self) -> Result<Vec<SpillFile>, HistoryError> {
        let writer = self.file.and_then(|slot| slot.into_inner().ok().flatten());
        writer.map(SpillWriter::finish).into_iter().collect()
    }
}

/// Does `work` for each index on several threads; results come in order.
fn in_parallel<T: Send, E: Send>(
    workers: &rayon::ThreadPool,
    indices: std::ops::Range<usize>,
    work: impl Fn(usize) -> Result<T, E> + Sync + Send,
) -> Result<Vec<T>, E> {
    // One at a time: buckets differ in size, and each takes its own memory.
    workers.install(|| indices.into_par_iter().with_max_len(1).map(work).collect())
}
