use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use chrono::{Days, Utc};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::col;
use futures::StreamExt;

use super::mapping::{MappedSource, PROBLEM_COLUMN, TimeBounds, event_columns, map_source};
use super::profile::profile;
use super::quarantine::write_quarantine;
use super::{
    EVENT_COLUMNS, EVENTS_TABLE, InputParams, InputProfile, SourceCounts, SourceError,
    SourceParams, UserIdType, functions, open_raw_table,
};
use crate::engine::{Engine, plain_message};

/// The checked events, registered in the engine as [`EVENTS_TABLE`].
#[derive(Debug, Clone, PartialEq)]
pub struct Events {
    /// What was read, kept and set aside.
    pub profile: InputProfile,
    /// Type of the user ids.
    pub user_ids: UserIdType,
}

/// Reads all sources, sets aside the rows that break the contract (listing them
/// in the CSV file `quarantine`, which is removed when there are none) and
/// registers the rest as the table `events`.
///
/// Small inputs are kept in memory; larger ones are mapped again whenever the
/// table is read.
///
/// # Errors
/// When a file or an expression is wrong, too many rows break the contract, or
/// no event is left.
pub fn load_events(
    engine: &Engine,
    sources: &[SourceParams],
    input: &InputParams,
    quarantine: &Path,
) -> Result<Events, SourceError> {
    functions::register(engine.context());
    let mapped = map_sources(engine, sources, input)?;
    let user_ids = common_user_type(&mapped)?;
    let mut cache = Cache::new(input.cache_mb);
    let mut counts = Vec::new();
    for source in &mapped {
        counts.push(check_source(engine, source, &mut cache)?);
    }
    write_quarantine(&mapped, &counts, quarantine)?;
    check_share(&counts, input, quarantine)?;
    check_not_empty(&counts)?;
    register(engine, &mapped, cache)?;
    Ok(Events { profile: profile(engine, counts)?, user_ids })
}

fn map_sources(
    engine: &Engine,
    sources: &[SourceParams],
    input: &InputParams,
) -> Result<Vec<MappedSource>, SourceError> {
    if sources.is_empty() {
        return Err(SourceError::NoSource);
    }
    let in_two_days = || Utc::now().date_naive() + Days::new(2);
    let latest = input.latest.unwrap_or_else(in_two_days);
    let bounds = TimeBounds { earliest: input.earliest, latest };
    sources
        .iter()
        .map(|source| {
            let raw = open_raw_table(engine, source)?;
            if raw.n_rows == 0 && sources.len() > 1 {
                let source_name = source.label().to_owned();
                return Err(SourceError::EmptySource { source_name, n_left_out: 0 });
            }
            map_source(source, raw, engine, bounds, input.user_ids)
        })
        .collect()
}

fn common_user_type(sources: &[MappedSource]) -> Result<UserIdType, SourceError> {
    let of = |wanted| sources.iter().find(|source| source.user_ids == wanted);
    match (of(UserIdType::Integer), of(UserIdType::Text)) {
        (Some(integers), Some(texts)) => Err(SourceError::MixedUserTypes {
            integers: integers.label.clone(),
            texts: texts.label.clone(),
        }),
        (Some(_), None) => Ok(UserIdType::Integer),
        (None, _) => Ok(UserIdType::Text),
    }
}

/// Good rows kept in memory, until they outgrow the limit.
struct Cache {
    batches: Option<Vec<RecordBatch>>,
    room_bytes: usize,
}

impl Cache {
    fn new(limit_mb: usize) -> Self {
        Self { batches: Some(Vec::new()), room_bytes: limit_mb.saturating_mul(1 << 20) }
    }

    fn add(&mut self, batch: RecordBatch) {
        let size = batch.get_array_memory_size();
        if size > self.room_bytes {
            self.batches = None;
        } else if let Some(batches) = &mut self.batches {
            self.room_bytes -= size;
            batches.push(batch);
        }
    }
}

/// Reads a source once: counts its rows and reasons, keeps its good rows.
fn check_source(
    engine: &Engine,
    source: &MappedSource,
    cache: &mut Cache,
) -> Result<SourceCounts, SourceError> {
    let frame = source.read(engine, &source.raw.files, false)?;
    let mut counts = SourceCounts {
        source: source.label.clone(),
        n_rows: 0,
        n_left_out: 0,
        set_aside: BTreeMap::new(),
    };
    let read = engine.wait(async {
        let mut stream = frame.execute_stream().await?;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            counts.n_rows += batch.num_rows() as u64;
            let good = count_problems(&batch, &mut counts)?;
            if cache.batches.is_some() && good.true_count() > 0 {
                let events = batch.project(&(0..EVENT_COLUMNS.len()).collect::<Vec<_>>())?;
                cache.add(filter_record_batch(&events, &good)?);
            }
        }
        Ok::<_, DataFusionError>(())
    });
    read.map_err(|error| SourceError::Reading {
        source_name: source.label.clone(),
        cause: explain(&plain_message(&error)),
    })?;
    // A file that grew since it was opened leaves out nothing.
    counts.n_left_out = source.raw.n_rows.saturating_sub(counts.n_rows);
    Ok(counts)
}

/// Where a row fails inside an expression, what to write instead.
fn explain(message: &str) -> String {
    if message.starts_with("can't read") {
        return message.to_owned();
    }
    format!(
        "an expression fails on some row: {message}; try_cast gives null instead, nullif avoids zero"
    )
}

fn engine_error(error: ArrowError) -> SourceError {
    DataFusionError::from(error).into()
}

/// Adds the batch's problems to the counts; returns which rows have none.
fn count_problems(
    batch: &RecordBatch,
    counts: &mut SourceCounts,
) -> Result<BooleanArray, ArrowError> {
    let problems = batch.column_by_name(PROBLEM_COLUMN).expect("mapped frames carry it");
    let problems = arrow::compute::cast(problems, &DataType::Utf8)?;
    let problems = problems.as_string::<i32>();
    for problem in problems.iter().flatten() {
        // "unreadable time: 32.13.2024" is counted under "unreadable time".
        let reason = problem.split(": ").next().unwrap_or(problem);
        *counts.set_aside.entry(reason.to_owned()).or_default() += 1;
    }
    Ok((0..problems.len()).map(|row| Some(problems.is_null(row))).collect())
}

fn check_share(
    counts: &[SourceCounts],
    input: &InputParams,
    quarantine: &Path,
) -> Result<(), SourceError> {
    let n_rows: u64 = counts.iter().map(|source| source.n_rows).sum();
    let n_bad: u64 = counts.iter().map(SourceCounts::n_set_aside).sum();
    let share = n_bad as f64 / n_rows.max(1) as f64;
    if share <= input.max_bad_share {
        return Ok(());
    }
    let most_frequent = counts
        .iter()
        .flat_map(|source| source.set_aside.iter().map(move |(reason, n)| (n, reason, source)))
        .max_by_key(|(n, ..)| **n)
        .map_or(String::new(), |(n, reason, source)| {
            format!("{reason} ({n} rows of `{}`)", source.source)
        });
    Err(SourceError::TooManyBadRows {
        n_bad,
        n_rows,
        percent: share * 100.0,
        allowed_percent: input.max_bad_share * 100.0,
        most_frequent,
        quarantine: quarantine.display().to_string(),
    })
}

/// A feed that died is told, and not read as customers who fell silent.
fn check_not_empty(counts: &[SourceCounts]) -> Result<(), SourceError> {
    let n_rows: u64 = counts.iter().map(|source| source.n_rows).sum();
    let n_bad: u64 = counts.iter().map(SourceCounts::n_set_aside).sum();
    if n_rows == n_bad {
        let detail = if n_rows == 0 {
            "; the files hold a header only, or `where` leaves out every row".to_owned()
        } else {
            format!("; all {n_bad} were set aside")
        };
        return Err(SourceError::NoEvents { n_rows, detail });
    }
    match counts.iter().find(|source| source.n_rows == source.n_set_aside()) {
        Some(source) => Err(SourceError::EmptySource {
            source_name: source.source.clone(),
            n_left_out: source.n_left_out,
        }),
        None => Ok(()),
    }
}

/// The schema that batches of all sources fit.
fn nullable(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn register(engine: &Engine, mapped: &[MappedSource], cache: Cache) -> Result<(), SourceError> {
    let context = engine.context();
    context.deregister_table(EVENTS_TABLE)?;
    if let Some(batches) = cache.batches {
        // Spread over as many partitions as there are threads.
        let n_partitions = context.copied_config().target_partitions().max(1);
        let mut partitions = vec![Vec::new(); n_partitions];
        let schema = nullable(&batches[0].schema());
        for (index, batch) in batches.into_iter().enumerate() {
            let batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec());
            partitions[index % n_partitions].push(batch.map_err(engine_error)?);
        }
        context.register_table(EVENTS_TABLE, Arc::new(MemTable::try_new(schema, partitions)?))?;
        return Ok(());
    }
    let mut frames = Vec::new();
    for source in mapped {
        let frame = source.read(engine, &source.raw.files, false)?;
        frames.push(frame.filter(col(PROBLEM_COLUMN).is_null())?.select(event_columns())?);
    }
    let union = frames.into_iter().map(Ok).reduce(|all, next| all?.union(next?));
    let union = union.expect("at least one source was mapped")?;
    context.register_table(EVENTS_TABLE, union.into_view())?;
    Ok(())
}
