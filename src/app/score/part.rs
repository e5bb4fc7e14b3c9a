//! The scores of some users: all that needs nobody else is computed here.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::column::ScoreColumn;
use super::columns::score_columns;
use super::reason_words::KnownSentences;
use super::receipt::{FORMAT, Receipt, RunKey};
use super::tally::Tally;
use super::user_scores::{UserScorer, UserScores};
use crate::app::open_data::OpenData;
use crate::app::{Model, PipelineError};
use crate::features::{BucketSnapshots, SeenInput};
use crate::files::{FileRecord, RowGroupColumn, WriteError, stage_parquet};
use crate::input::history::{N_BUCKETS, runs_of_buckets};
use crate::input::source::UserIdType;
use crate::models::segmentation::Partition;

/// Users of a row group at least, where there are so many.
pub(super) const ROW_GROUP_USERS: usize = 16_384;

/// The column of a part, beside those of the scores, that says who may be flagged.
pub(super) const MAY_BE_FLAGGED: &str = "_may_be_flagged";

/// One of several equal parts of all users, chosen by a hash of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Part {
    /// From 1.
    number: usize,
    n_parts: usize,
}

impl Part {
    /// All users.
    pub const WHOLE: Self = Self { number: 1, n_parts: 1 };

    /// Number of parts that make all users.
    pub fn n_parts(self) -> usize {
        self.n_parts
    }

    /// The buckets of its users.
    pub(in crate::app) fn buckets(self) -> Range<usize> {
        let start = |number: usize| number * N_BUCKETS / self.n_parts;
        start(self.number - 1)..start(self.number)
    }

    /// All parts of the same size, this one among them.
    pub(super) fn all(self) -> impl Iterator<Item = Self> {
        (1..=self.n_parts).map(move |number| Self { number, ..self })
    }

    /// The first of them.
    pub(super) fn first(self) -> Self {
        Self { number: 1, ..self }
    }

    /// What its files are called, but for the ending.
    pub fn file_name(self, ending: &str) -> String {
        format!("part-{:03}-of-{:03}.{ending}", self.number, self.n_parts)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, n_parts)| {
            Some((number.trim().parse().ok()?, n_parts.trim().parse().ok()?))
        });
        match numbers {
            Some((number, n_parts)) if (1..=n_parts).contains(&number) && n_parts <= N_BUCKETS => {
                Ok(Self { number, n_parts })
            }
            _ => Err(format!(
                "must be NUMBER/OF, such as 3/16, from 1/OF to OF/OF with OF at most {N_BUCKETS}, \
                 got \"{text}\""
            )),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.n_parts)
    }
}

impl TryFrom<String> for Part {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.to_string()
    }
}

/// The columns of a part's file: those of the scores that depend on each user alone, and
/// who may be flagged.
pub(super) fn part_schema(columns: &[ScoreColumn], user_ids: UserIdType) -> SchemaRef {
    let own = columns.iter().filter(|column| column.of_all().is_none());
    let fields = own.map(|column| column.field(user_ids));
    let may_be_flagged = Field::new(MAY_BE_FLAGGED, DataType::Boolean, false);
    Arc::new(Schema::new(fields.chain([may_be_flagged]).collect::<Vec<_>>()))
}

/// Scores the users of a part and writes them to a file of `folder`, the receipt beside it
/// last. A bucket of users goes from its history to rows of the file on one thread, while
/// others do the same.
pub(super) fn write_part(
    data: &OpenData<'_>,
    model: &Model,
    as_of: NaiveDateTime,
    (key, seen): (RunKey, SeenInput),
    part: Part,
    folder: &Path,
) -> Result<Receipt, PipelineError> {
    let (bundle, scorer) = (&model.bundle, UserScorer::new(model)?);
    let label = &bundle.churn.settings.label;
    let snapshots = BucketSnapshots::new(data.engine, data.histories, &bundle.plan, as_of, label)?;
    let n_users = |bucket| data.histories.n_users(bucket);
    let runs = runs_of_buckets(part.buckets(), n_users, ROW_GROUP_USERS);
    let columns = score_columns();
    let n_groups = |partition| model.groups(partition).len();
    let no_tally = Tally::new(n_groups(Partition::Layers), n_groups(Partition::Kinds));
    let total = Mutex::new((no_tally.clone(), vec![0u64; part.buckets().len()]));
    let row_group = |run: usize| {
        let (mut rows, mut tally) = (Vec::new(), no_tally.clone());
        let (mut n_rows, mut known) = (Vec::new(), KnownSentences::default());
        for bucket in runs[run].clone() {
            let snapshot = snapshots.get(bucket)?;
            let scores = scorer.score(&snapshot, &mut known)?;
            tally.add(&scores);
            n_rows.push((bucket - part.buckets().start, snapshot.users.len() as u64));
            rows.push(arrays(&columns, &scores));
        }
        let mut total = total.lock().expect("no thread panics while it adds");
        total.0.merge(tally);
        n_rows.into_iter().for_each(|(bucket, n)| total.1[bucket] = n);
        drop(total);
        Ok::<_, PipelineError>(below_each_other(rows))
    };
    let path = folder.join(part.file_name("parquet"));
    let failed = |cause| PipelineError::Output { path: path.clone(), cause };
    let schema = part_schema(&columns, data.user_ids);
    let staged = stage_parquet(&path, &schema, runs.len(), row_group, &[]);
    let staged = staged.map_err(|error| match error {
        WriteError::RowGroup(error) => error,
        WriteError::File(cause) => failed(cause),
    })?;
    staged.commit().map_err(failed)?;
    let (tally, n_rows) = total.into_inner().expect("no thread panicked");
    Ok(Receipt {
        format: FORMAT,
        part,
        as_of,
        key,
        rows: FileRecord::of(&path).map_err(failed)?,
        user_ids: data.user_ids,
        n_known: part.buckets().map(|bucket| n_users(bucket) as u64).collect(),
        n_rows,
        tally,
        seen,
        input: data.input.clone(),
        n_bytes_spilled: data.histories.summary().n_bytes_spilled,
    })
}

/// The columns of a part for the users of a bucket.
fn arrays(columns: &[ScoreColumn], scores: &UserScores<'_>) -> Vec<ArrayRef> {
    let mut arrays: Vec<ArrayRef> = columns.iter().filter_map(|it| it.values(scores)).collect();
    arrays.push(Arc::new(BooleanArray::from(scores.churn.may_be_flagged.clone())));
    arrays
}

/// The rows of several buckets as one row group.
fn below_each_other(buckets: Vec<Vec<ArrayRef>>) -> Vec<RowGroupColumn> {
    let n_columns = buckets.first().map_or(0, Vec::len);
    let column = |column: usize| {
        let pieces: Vec<&dyn arrow::array::Array> =
            buckets.iter().map(|arrays| &*arrays[column]).collect();
        RowGroupColumn::Values(concat(&pieces).expect("buckets have columns of one type"))
    };
    (0..n_columns).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_all_users_once() {
        for n_parts in [1, 3, 16, 512] {
            let first: Part = format!("1/{n_parts}").parse().unwrap();
            let buckets: Vec<usize> = first.all().flat_map(Part::buckets).collect();
            assert_eq!(buckets, (0..N_BUCKETS).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["0/4", "5/4", "1/0", "1", "a/b", "1/513", "-1/4", ""] {
            let error = text.parse::<Part>().unwrap_err();
            assert!(error.contains("such as 3/16") && error.contains(text), "{error}");
        }
        assert_eq!("3/16".parse::<Part>().unwrap().to_string(), "3/16");
    }
}
