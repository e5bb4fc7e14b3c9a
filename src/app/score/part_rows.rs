//! The scores of some users: all that needs nobody else is computed here.

use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDateTime;

use super::column::ScoreColumn;
use super::columns::{score_columns, score_contract};
use super::night::feeds;
use super::part::Part;
use super::reason_words::KnownSentences;
use super::receipt::{FORMAT, Receipt, RunKey};
use super::tally::Tally;
use super::user_scores::{UserScorer, UserScores};
use crate::app::open_data::OpenData;
use crate::app::{Model, PipelineError};
use crate::dataset::ColumnContract;
use crate::features::{BucketSnapshot, BucketSnapshots, SeenInput};
use crate::files::{FileRecord, RowGroupColumn, WriteError, stage_parquet};
use crate::input::history::runs_of_buckets;
use crate::input::source::UserIdType;

/// Users of a row group at least, where there are so many.
pub(super) const ROW_GROUP_USERS: usize = 16_384;

/// The column of a part, beside those of the scores, that says who may be flagged.
pub(super) const MAY_BE_FLAGGED: &str = "_may_be_flagged";

/// The columns of a part's file: those of the scores that depend on each user alone, and
/// who may be flagged.
pub(super) fn part_schema(columns: &[ScoreColumn], user_ids: UserIdType) -> SchemaRef {
    let own = columns.iter().filter(|column| column.of_all().is_none());
    let fields = own.map(|column| column.field(user_ids));
    let may_be_flagged = Field::new(MAY_BE_FLAGGED, DataType::Boolean, false);
    Arc::new(Schema::new(fields.chain([may_be_flagged]).collect::<Vec<_>>()))
}

/// Checks that the model was trained by a program whose scores promise the same.
fn check_contract(model: &Model) -> Result<(), PipelineError> {
    let (trained, own) = (&model.bundle.contract, score_contract());
    // What a column says may be put in other words.
    let promise = |it: &ColumnContract| {
        (it.name.clone(), it.kind.clone(), it.unit.clone(), it.nullable, it.range)
    };
    let differs = |it: &&ColumnContract, others: &[ColumnContract]| {
        !others.iter().any(|other| promise(other) == promise(it))
    };
    let removed = trained.iter().filter(|it| differs(it, &own));
    let added = own.iter().filter(|it| differs(it, trained));
    let mut names: Vec<&str> = removed.chain(added).map(|it| it.name.as_str()).collect();
    names.dedup();
    match names.is_empty() {
        true => Ok(()),
        false => Err(PipelineError::OtherColumns {
            bundle: model.folder.clone(),
            columns: names.join(", "),
        }),
    }
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
    check_contract(model)?;
    let (bundle, scorer) = (&model.bundle, UserScorer::new(model, as_of)?);
    let label = &bundle.churn.settings.label;
    let snapshots = BucketSnapshots::new(data.engine, data.histories, &bundle.plan, as_of, label)?;
    let n_users = |bucket| data.histories.n_users(bucket);
    let runs = runs_of_buckets(part.buckets(), n_users, ROW_GROUP_USERS);
    let columns = score_columns();
    let no_tally = Tally::new(model);
    let total = Mutex::new((no_tally.clone(), vec![0u64; part.buckets().len()]));
    let row_group = |run: usize| {
        let (mut rows, mut tally) = (Vec::new(), no_tally.clone());
        let (mut n_rows, mut known) = (Vec::new(), KnownSentences::default());
        for bucket in runs[run].clone() {
            let BucketSnapshot { snapshot, late } = snapshots.get(bucket)?;
            let scores = scorer.score(&snapshot, &mut known)?;
            tally.add(&scores, late)?;
            n_rows.push((bucket - part.buckets().start, snapshot.users.len() as u64));
            rows.push(arrays(&columns, &scores)?);
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
        feeds: feeds(data.input, as_of),
        n_bytes_spilled: data.histories.summary().n_bytes_spilled,
    })
}

/// The columns of a part for the users of a bucket, checked against what they promise.
fn arrays(
    columns: &[ScoreColumn],
    scores: &UserScores<'_>,
) -> Result<Vec<ArrayRef>, PipelineError> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for column in columns {
        if let Some(values) = column.values(scores) {
            column.check(&values)?;
            arrays.push(values);
        }
    }
    arrays.push(Arc::new(BooleanArray::from(scores.churn.may_be_flagged.clone())));
    Ok(arrays)
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
    fn promises_survive_a_file() {
        let json = serde_json::to_string(&score_contract()).unwrap();
        let loaded: Vec<ColumnContract> = serde_json::from_str(&json).unwrap();
        assert_eq!(loaded, score_contract());
    }
}
