//! Parts to scores: what needs all users is added, and the files are put together.

use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{Schema, SchemaRef};

use super::batch::numbers;
use super::column::{Ranked, ScoreColumn};
use super::columns::score_columns;
use super::part_rows::MAY_BE_FLAGGED;
use super::parts::{Parts, candidates};
use super::publish::ScoreFormat;
use super::ranks::Ranks;
use super::tally::RankedTally;
use crate::app::{Model, PipelineError};
use crate::files::{RowGroupColumn, Staged, WriteError, io_error, stage, stage_parquet};
use crate::input::source::UserIdType;

/// Ranks all users and writes the scores, to be put in their place by the caller.
pub(super) fn stage_scores(
    parts: &Parts,
    model: &Model,
    user_ids: UserIdType,
    (path, format): (&Path, ScoreFormat),
    metadata: &[(&str, String)],
) -> Result<(Staged, RankedTally), PipelineError> {
    let ranks = Ranks::of(parts.to_rank()?, model.bundle.churn.settings.flag);
    let columns = score_columns();
    let fields = columns.iter().map(|column| column.field(user_ids));
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let tally = Mutex::new(RankedTally::new(model));
    let rank = |batch: &RecordBatch| {
        let ranked = RankedColumns::of(&ranks, batch);
        let ranked_columns = columns.iter().filter_map(|it| Some((it, it.of_all()?)));
        for (column, what) in ranked_columns {
            column.check(&ranked.get(what))?;
        }
        tally.lock().expect("no thread panics while it counts").add(model, batch, &ranked.flags);
        Ok::<_, PipelineError>(ranked)
    };
    let failed = |cause| PipelineError::Output { path: path.to_owned(), cause };
    let staged = match format {
        ScoreFormat::Parquet => {
            let row_group = |number: usize| match parts.same_as(number) {
                Some(group) => {
                    let ranked = rank(&group.read(&READ_TO_RANK)?)?;
                    let mut encoded = group.encoded()?.into_iter();
                    let column = |column: &ScoreColumn| match column.of_all() {
                        Some(what) => RowGroupColumn::Values(ranked.get(what)),
                        None => encoded.next().expect("a part has all other columns"),
                    };
                    Ok::<_, PipelineError>(columns.iter().map(column).collect())
                }
                None => {
                    let batch = parts.rows(number)?;
                    let all = with_ranked(&columns, &batch, &rank(&batch)?);
                    Ok(all.into_iter().map(RowGroupColumn::Values).collect())
                }
            };
            stage_parquet(path, &schema, parts.row_groups.len(), row_group, metadata).map_err(
                |error| match error {
                    WriteError::RowGroup(error) => error,
                    WriteError::File(cause) => failed(cause),
                },
            )?
        }
        ScoreFormat::Csv => {
            let mut failure = None;
            let staged = stage(path, |file| {
                let mut writer = WriterBuilder::new().build(file);
                for number in 0..parts.row_groups.len() {
                    let ranked = parts.rows(number).and_then(|batch| {
                        let ranked = rank(&batch)?;
                        Ok((batch, ranked))
                    });
                    let (batch, ranked) = ranked.map_err(|error| {
                        failure = Some(error);
                        std::io::Error::other("see `failure`")
                    })?;
                    let all = with_ranked(&columns, &batch, &ranked);
                    let all = RecordBatch::try_new(Arc::clone(&schema), all)
                        .map_err(std::io::Error::other)?;
                    writer.write(&all).map_err(io_error)?;
                }
                Ok(())
            });
            staged.map_err(|cause| failure.unwrap_or_else(|| failed(cause)))?
        }
    };
    Ok((staged, tally.into_inner().expect("no thread panicked")))
}

/// Columns of a part that ranking needs.
const READ_TO_RANK: [&str; 7] = [
    "user_id",
    "layer_id",
    "kind_id",
    "churn_probability",
    "churn_log_odds",
    "clv",
    MAY_BE_FLAGGED,
];

/// The columns that depend on all users, for some of them.
struct RankedColumns {
    churn: ArrayRef,
    clv: ArrayRef,
    flags: Vec<bool>,
}

impl RankedColumns {
    fn of(ranks: &Ranks, batch: &RecordBatch) -> Self {
        let churn = ranks.churn.of_users(&numbers(batch, "churn_log_odds"));
        let clv = ranks.clv.of_users(&numbers(batch, "clv"));
        let is_flagged = |candidate: Option<_>| candidate.is_some_and(|it| ranks.is_flagged(it));
        Self {
            churn: Arc::new(Float64Array::from(churn)),
            clv: Arc::new(Float64Array::from(clv)),
            flags: candidates(batch).into_iter().map(is_flagged).collect(),
        }
    }

    fn get(&self, what: Ranked) -> ArrayRef {
        match what {
            Ranked::ChurnPercentile => Arc::clone(&self.churn),
            Ranked::ClvPercentile => Arc::clone(&self.clv),
            Ranked::AtRisk => Arc::new(BooleanArray::from(self.flags.clone())),
        }
    }
}

/// All columns of the scores.
fn with_ranked(
    columns: &[ScoreColumn],
    batch: &RecordBatch,
    ranked: &RankedColumns,
) -> Vec<ArrayRef> {
    let column = |column: &ScoreColumn| match column.of_all() {
        Some(what) => ranked.get(what),
        None => Arc::clone(batch.column_by_name(&column.name).expect("parts have it")),
    };
    columns.iter().map(column).collect()
}
