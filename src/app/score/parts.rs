//! The parts of a run, read back: their users in the order of buckets, whatever part wrote
//! them.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ColumnChunkMetaData;
use rayon::prelude::*;

use super::batch::{numbers, user_ids};
use super::part_rows::{MAY_BE_FLAGGED, ROW_GROUP_USERS};
use super::ranks::ToRank;
use super::receipt::Receipt;
use crate::app::PipelineError;
use crate::files::RowGroupColumn;
use crate::input::history::{N_BUCKETS, runs_of_buckets, user_buckets};
use crate::models::churn::FlagCandidate;

/// All parts of a run.
pub(super) struct Parts {
    parts: Vec<OpenPart>,
    /// Buckets of each row group of the scores.
    pub row_groups: Vec<Range<usize>>,
}

struct OpenPart {
    receipt: Receipt,
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    /// Buckets of each of its row groups.
    row_groups: Vec<Range<usize>>,
}

/// A row group of a part.
#[derive(Clone, Copy)]
pub(super) struct PartRowGroup<'a> {
    part: &'a OpenPart,
    number: usize,
}

impl Parts {
    /// Opens the files of parts that belong together.
    pub fn open(folder: &Path, receipts: Vec<Receipt>) -> Result<Self, PipelineError> {
        let mut parts = receipts
            .into_iter()
            .map(|it| OpenPart::open(folder, it))
            .collect::<Result<Vec<_>, _>>()?;
        parts.sort_by_key(|part| part.receipt.part.buckets().start);
        let n_known: Vec<u64> =
            parts.iter().flat_map(|part| &part.receipt.n_known).copied().collect();
        let n_users = |bucket: usize| n_known[bucket] as usize;
        let row_groups = runs_of_buckets(0..N_BUCKETS, n_users, ROW_GROUP_USERS);
        Ok(Self { parts, row_groups })
    }

    /// Reads what is ranked, and checks that every user is where they belong and there
    /// once.
    pub fn to_rank(&self) -> Result<ToRank, PipelineError> {
        let groups: Vec<PartRowGroup<'_>> = self.parts.iter().flat_map(OpenPart::groups).collect();
        let read = groups.into_par_iter().map(|group| {
            let columns = ["user_id", "churn_probability", "churn_log_odds", "clv", MAY_BE_FLAGGED];
            let batch = group.read(&columns)?;
            group.check_users(&batch)?;
            let candidates = candidates(&batch).into_iter().flatten().collect();
            let log_odds = numbers(&batch, "churn_log_odds").into_iter().flatten().collect();
            let clv = numbers(&batch, "clv").into_iter().flatten().collect();
            Ok::<_, PipelineError>(ToRank { log_odds, candidates, clv })
        });
        let read = read.collect::<Result<Vec<_>, _>>()?;
        let mut all = ToRank::default();
        for mut part in read {
            all.log_odds.append(&mut part.log_odds);
            all.candidates.append(&mut part.candidates);
            all.clv.append(&mut part.clv);
        }
        Ok(all)
    }

    /// Some columns of all users, in the order of buckets and of their ids therein.
    pub fn in_order(
        &self,
        columns: &'static [&'static str],
    ) -> impl Iterator<Item = Result<RecordBatch, PipelineError>> {
        self.parts.iter().flat_map(OpenPart::groups).map(|group| group.read(columns))
    }

    /// The row group of a part that has just the users of a row group of the scores, if there
    /// is one.
    pub fn same_as(&self, row_group: usize) -> Option<PartRowGroup<'_>> {
        let wanted = &self.row_groups[row_group];
        self.parts.iter().flat_map(OpenPart::groups).find(|group| group.buckets() == *wanted)
    }

    /// The users of a row group of the scores, all columns of the parts.
    pub fn rows(&self, row_group: usize) -> Result<RecordBatch, PipelineError> {
        let wanted = &self.row_groups[row_group];
        let groups = self.parts.iter().flat_map(OpenPart::groups);
        let overlapping = groups.filter(|group| {
            let buckets = group.buckets();
            buckets.start < wanted.end && wanted.start < buckets.end
        });
        let pieces =
            overlapping.map(|group| group.rows_of(wanted)).collect::<Result<Vec<_>, _>>()?;
        let schema = pieces.first().expect("every bucket is in a part").schema();
        Ok(concat_batches(&schema, &pieces).expect("parts have one schema"))
    }
}

impl OpenPart {
    fn open(folder: &Path, receipt: Receipt) -> Result<Self, PipelineError> {
        let path = folder.join(&receipt.rows.name);
        let refuse = |problem: String| PipelineError::Parts {
            folder: folder.to_owned(),
            problem: format!("{} {problem}; run part {} again", receipt.rows.name, receipt.part),
        };
        receipt.rows.check(folder).map_err(|problem| refuse(problem.to_string()))?;
        let metadata = File::open(&path)
            .map_err(Into::into)
            .and_then(|file| ArrowReaderMetadata::load(&file, all_statistics()))
            .map_err(|error| refuse(format!("can't be read ({error})")))?;
        let first = receipt.part.buckets().start;
        let n_users = |bucket: usize| receipt.n_known[bucket - first] as usize;
        let row_groups = runs_of_buckets(receipt.part.buckets(), n_users, ROW_GROUP_USERS);
        Ok(Self { path, metadata, row_groups, receipt })
    }

    fn groups(&self) -> impl Iterator<Item = PartRowGroup<'_>> {
        (0..self.row_groups.len()).map(|number| PartRowGroup { part: self, number })
    }

    /// Rows of each bucket of a range.
    fn n_rows(&self, buckets: &Range<usize>) -> usize {
        let first = self.receipt.part.buckets().start;
        let counts = &self.receipt.n_rows[buckets.start - first..buckets.end - first];
        counts.iter().sum::<u64>() as usize
    }
}

impl PartRowGroup<'_> {
    fn buckets(&self) -> Range<usize> {
        self.part.row_groups[self.number].clone()
    }

    /// The columns as they stand in the file.
    pub fn encoded(&self) -> Result<Vec<RowGroupColumn>, PipelineError> {
        let group = self.part.metadata.metadata().row_group(self.number);
        // One for each row group: threads that read from one would move each other's place.
        let file = File::open(&self.part.path).map_err(|cause| self.unread(cause))?;
        let file = Arc::new(file);
        let column = |column: &ColumnChunkMetaData| {
            RowGroupColumn::Encoded(Arc::clone(&file), Box::new(column.clone()))
        };
        Ok(group.columns().iter().map(column).collect())
    }

    /// Some of the columns; all if none is named.
    pub fn read(&self, columns: &[&str]) -> Result<RecordBatch, PipelineError> {
        self.try_read(columns).map_err(|cause| self.unread(std::io::Error::other(cause)))
    }

    fn unread(&self, cause: std::io::Error) -> PipelineError {
        PipelineError::Parts {
            folder: self.part.path.clone(),
            problem: format!(
                "it can't be read ({cause}); run part {} again",
                self.part.receipt.part
            ),
        }
    }

    fn try_read(&self, columns: &[&str]) -> Result<RecordBatch, parquet::errors::ParquetError> {
        let part = self.part;
        let descriptor = part.metadata.metadata().file_metadata().schema_descr();
        let mask = match columns.is_empty() {
            true => ProjectionMask::all(),
            false => ProjectionMask::columns(descriptor, columns.iter().copied()),
        };
        let n_rows = part.metadata.metadata().row_group(self.number).num_rows() as usize;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
            File::open(&part.path)?,
            part.metadata.clone(),
        );
        let reader = builder
            .with_projection(mask)
            .with_row_groups(vec![self.number])
            .with_batch_size(n_rows.max(1))
            .build()?;
        let schema = arrow::array::RecordBatchReader::schema(&reader);
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        Ok(concat_batches(&schema, &batches)?)
    }

    /// The rows of those of its buckets that are wanted.
    fn rows_of(&self, wanted: &Range<usize>) -> Result<RecordBatch, PipelineError> {
        let own = self.buckets();
        let (start, end) = (own.start.max(wanted.start), own.end.min(wanted.end));
        let before = self.part.n_rows(&(own.start..start));
        Ok(self.read(&[])?.slice(before, self.part.n_rows(&(start..end))))
    }

    /// Checks that the users of each bucket are there, in order of their ids, each once.
    fn check_users(&self, batch: &RecordBatch) -> Result<(), PipelineError> {
        let users = user_ids(batch);
        let buckets = user_buckets(&users);
        let expected: Vec<usize> = self
            .buckets()
            .flat_map(|bucket| vec![bucket; self.part.n_rows(&(bucket..bucket + 1))])
            .collect();
        let refuse = |user: String| PipelineError::Parts {
            folder: self.part.path.parent().unwrap_or(Path::new(".")).to_owned(),
            problem: format!(
                "user {user} is twice in part {part} or does not belong there; run part {part} again",
                part = self.part.receipt.part
            ),
        };
        let is_wrong = |row: usize| {
            expected.get(row) != Some(&buckets[row])
                || row > 0 && buckets[row - 1] == buckets[row] && !users.is_before(row - 1, row)
        };
        match (0..users.len()).find(|&row| is_wrong(row)) {
            Some(row) => Err(refuse(users.text(row))),
            None if users.len() < expected.len() => Err(refuse("(the last)".into())),
            None => Ok(()),
        }
    }
}

/// Reads footers in full, so that what is copied stays as it was written.
fn all_statistics() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_encoding_stats_as_mask(false)
}

/// The users of a batch who may be flagged, by row.
pub(super) fn candidates(batch: &RecordBatch) -> Vec<Option<FlagCandidate>> {
    let may_be_flagged = batch.column_by_name(MAY_BE_FLAGGED).expect("parts have it").as_boolean();
    let probabilities = numbers(batch, "churn_probability");
    let users = user_ids(batch);
    let candidate = |row: usize| {
        let probability = probabilities[row].filter(|_| may_be_flagged.value(row))?;
        Some(FlagCandidate { probability, id: users.rank(row) })
    };
    (0..batch.num_rows()).map(candidate).collect()
}
