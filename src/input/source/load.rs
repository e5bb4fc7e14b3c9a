use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use chrono::{Days, Utc};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::col;
use futures::StreamExt;
use tokio::task::JoinSet;

use super::mapping::{MappedSource, PROBLEM_COLUMN, ReadAs, TimeBounds, event_columns, map_source};
use super::profile::profile;
use super::quarantine::write_quarantine;
use super::rejection::reason_of;
use super::{
    DECIMAL_SCALE, DuplicateRows, EVENTS_TABLE, InputParams, InputProfile, Rejection, SourceCounts,
    SourceError, SourceParams, UserIdType, functions, open_raw_table,
};
use crate::dataset::Bilingual;
use crate::input::engine::{Engine, plain_message};
use crate::input::history::{
    Duplicates, Histories, HistoryBuilder, HistoryError, HistoryWriter, IdKind, N_BUCKETS,
};

/// The checked events.
pub struct Events {
    /// What was read, kept and rejected.
    pub profile: InputProfile,
    /// Type of the user ids.
    pub user_ids: UserIdType,
    /// All events, by user and time.
    pub histories: Histories,
}

/// Sources whose files were found and whose expressions are sound.
pub struct OpenSources {
    mapped: Vec<MappedSource>,
    user_ids: UserIdType,
    input: InputParams,
    /// Buckets whose users are kept.
    kept: Range<usize>,
}

/// Opens all sources and registers their good rows as the table
/// [`EVENTS_TABLE`], for whoever asks in SQL; reads no rows yet but to find the
/// types of CSV columns.
///
/// # Errors
/// When a file or an expression is wrong.
pub fn open_sources(
    engine: &Engine,
    sources: &[SourceParams],
    input: &InputParams,
) -> Result<OpenSources, SourceError> {
    functions::register(engine.context());
    let mapped = map_sources(engine, sources, input)?;
    let user_ids = common_user_type(&mapped)?;
    register(engine, &mapped, input.duplicates)?;
    Ok(OpenSources { mapped, user_ids, input: input.clone(), kept: 0..N_BUCKETS })
}

impl OpenSources {
    /// Keeps the events of users of some buckets only. All rows are read and checked
    /// nonetheless, so that what the profile says of sources and times is the same.
    pub fn of_buckets(self, kept: Range<usize>) -> Self {
        Self { kept, ..self }
    }

    /// Reads all sources once, rejects the rows that break the contract
    /// (listing them in the CSV file `quarantine`, which is removed when there
    /// are none) and collects the rest by user.
    ///
    /// # Errors
    /// When a file cannot be decoded, too many rows break the contract, or no
    /// event is left.
    pub fn read(self, engine: &Engine, quarantine: &Path) -> Result<Events, SourceError> {
        let Self { mapped, user_ids, input, kept } = self;
        let kind = match user_ids {
            UserIdType::Integer => IdKind::Integer,
            UserIdType::Text => IdKind::Text,
        };
        let builder =
            HistoryBuilder::new(kind, DECIMAL_SCALE, engine.memory_pool()).of_buckets(kept);
        let (mut counts, mut writers) = (Vec::new(), Vec::new());
        for source in &mapped {
            let (of_source, written) = check_source(engine, source, &builder)?;
            counts.push(of_source);
            writers.extend(written);
        }
        write_quarantine(engine, &mapped, &counts, quarantine)?;
        check_share(&counts, &input, quarantine)?;
        check_not_empty(&counts)?;
        let duplicates = match input.duplicates {
            DuplicateRows::Drop => Duplicates::Drop,
            DuplicateRows::Keep | DuplicateRows::Refuse => Duplicates::Keep,
        };
        let histories = builder.build(writers, duplicates, engine.workers())?;
        check_duplicates(&histories, &input)?;
        Ok(Events {
            profile: profile(histories.summary(), counts, input.duplicates),
            user_ids,
            histories,
        })
    }
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
            if raw.n_rows == 0 {
                let source_name = source.label().to_owned();
                return Err(match sources.len() {
                    1 => SourceError::NoEvents {
                        n_rows: 0,
                        detail: format!(": `{source_name}` holds a header only"),
                    },
                    _ => SourceError::EmptySource { source_name, n_filtered: 0 },
                });
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

/// Reads a source once, on all threads: counts its rows and reasons, collects
/// its good rows.
fn check_source(
    engine: &Engine,
    source: &MappedSource,
    builder: &HistoryBuilder,
) -> Result<(SourceCounts, Vec<HistoryWriter>), SourceError> {
    let frame = source.read(engine, &source.raw.files, false, ReadAs::Histories)?;
    let mut counts = SourceCounts { source: source.label.clone(), ..SourceCounts::default() };
    let mapped: Arc<[&'static str]> = source.mapped_columns().collect();
    let reasons: Arc<[Bilingual]> = source.reasons.as_slice().into();
    let parts = engine.wait(async {
        let streams = frame.execute_stream_partitioned().await.map_err(ReadFailure::Engine)?;
        let mut tasks = JoinSet::new();
        for stream in streams {
            let (reasons, mapped) = (Arc::clone(&reasons), Arc::clone(&mapped));
            tasks.spawn(check_stream(stream, builder.writer(), reasons, mapped));
        }
        let mut parts = Vec::new();
        while let Some(part) = tasks.join_next().await {
            // A panic of a task goes on here.
            parts.push(part.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?);
        }
        Ok(parts)
    });
    let parts = parts.map_err(|failure| match failure {
        ReadFailure::Histories(error) => error.into(),
        // No fault of a row: the engine lacks memory, or room for what it puts aside.
        ReadFailure::Engine(error)
            if matches!(
                error.find_root(),
                DataFusionError::ResourcesExhausted(_) | DataFusionError::IoError(_)
            ) =>
        {
            error.into()
        }
        ReadFailure::Engine(error) => SourceError::Reading {
            source_name: source.label.clone(),
            cause: explain(&plain_message(&error)),
        },
    })?;
    let (mut writers, mut n_rejected) = (Vec::new(), vec![0; reasons.len()]);
    for (part, writer) in parts {
        counts.n_rows += part.n_rows;
        n_rejected.iter_mut().zip(part.n_rejected).for_each(|(all, n)| *all += n);
        for (&column, n) in mapped.iter().zip(part.n_nulls) {
            *counts.nulls.entry(column).or_default() += n;
        }
        for (&day, n) in writer.days() {
            *counts.days.entry(day).or_default() += n;
        }
        writers.push(writer);
    }
    let found = source.reasons.iter().cloned().zip(n_rejected).filter(|(_, n)| *n > 0);
    counts.rejections = found.map(|(reason, n_rows)| Rejection { reason, n_rows }).collect();
    counts.rejections.sort_by(|a, b| a.reason.en.cmp(&b.reason.en));
    // Of a file that grew since it was opened, nothing was filtered.
    counts.n_filtered = source.raw.n_rows.saturating_sub(counts.n_rows);
    Ok((counts, writers))
}

enum ReadFailure {
    Engine(DataFusionError),
    Histories(HistoryError),
}

/// Rows of one stream.
struct StreamCounts {
    n_rows: u64,
    /// By reason.
    n_rejected: Vec<u64>,
    /// By mapped column.
    n_nulls: Vec<u64>,
}

async fn check_stream(
    mut stream: SendableRecordBatchStream,
    mut writer: HistoryWriter,
    reasons: Arc<[Bilingual]>,
    mapped: Arc<[&'static str]>,
) -> Result<(StreamCounts, HistoryWriter), ReadFailure> {
    let mut counts = StreamCounts {
        n_rows: 0,
        n_rejected: vec![0; reasons.len()],
        n_nulls: vec![0; mapped.len()],
    };
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(ReadFailure::Engine)?;
        counts.n_rows += batch.num_rows() as u64;
        for (n_nulls, column) in counts.n_nulls.iter_mut().zip(&*mapped) {
            let column = batch.column_by_name(column);
            *n_nulls += column.map_or(0, |it| it.logical_null_count() as u64);
        }
        let good = count_problems(&batch, &reasons, &mut counts.n_rejected)
            .map_err(|error| ReadFailure::Engine(error.into()))?;
        writer.write(&batch, &good).map_err(ReadFailure::Histories)?;
    }
    Ok((counts, writer))
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

/// Adds the batch's problems to those of each reason; returns which rows have none.
fn count_problems(
    batch: &RecordBatch,
    reasons: &[Bilingual],
    n_rejected: &mut [u64],
) -> Result<BooleanArray, ArrowError> {
    let problems = batch.column_by_name(PROBLEM_COLUMN).expect("mapped frames carry it");
    if problems.logical_null_count() == problems.len() {
        return Ok(BooleanArray::from(vec![true; problems.len()]));
    }
    let problems = arrow::compute::cast(problems, &DataType::Utf8)?;
    let problems = problems.as_string::<i32>();
    for problem in problems.iter().flatten() {
        n_rejected[reason_of(problem, reasons).expect("a source knows its reasons")] += 1;
    }
    Ok((0..problems.len()).map(|row| Some(problems.is_null(row))).collect())
}

fn check_share(
    counts: &[SourceCounts],
    input: &InputParams,
    quarantine: &Path,
) -> Result<(), SourceError> {
    let n_rows: u64 = counts.iter().map(|source| source.n_rows).sum();
    let n_bad: u64 = counts.iter().map(SourceCounts::n_rejected).sum();
    let share = n_bad as f64 / n_rows.max(1) as f64;
    if share <= input.gates.max_rejected_share.get() {
        return Ok(());
    }
    let most_frequent = counts
        .iter()
        .flat_map(|source| source.rejections.iter().map(move |it| (it, source)))
        .max_by_key(|(rejection, _)| rejection.n_rows)
        .map_or(String::new(), |(Rejection { reason, n_rows }, source)| {
            format!("{} ({n_rows} rows of `{}`)", reason.en, source.source)
        });
    Err(SourceError::TooManyBadRows {
        n_bad,
        n_rows,
        percent: share * 100.0,
        allowed_percent: input.gates.max_rejected_share.get() * 100.0,
        most_frequent,
        quarantine: quarantine.display().to_string(),
    })
}

/// A feed that died is reported, and not read as customers who fell silent.
fn check_not_empty(counts: &[SourceCounts]) -> Result<(), SourceError> {
    let n_rows: u64 = counts.iter().map(|source| source.n_rows).sum();
    let n_bad: u64 = counts.iter().map(SourceCounts::n_rejected).sum();
    if n_rows == n_bad {
        let detail = if n_rows == 0 {
            "; the files hold a header only, or `where` filters every row".to_owned()
        } else {
            format!("; all {n_bad} were rejected")
        };
        return Err(SourceError::NoEvents { n_rows, detail });
    }
    match counts.iter().find(|source| source.n_rows == source.n_rejected()) {
        Some(source) => Err(SourceError::EmptySource {
            source_name: source.source.clone(),
            n_filtered: source.n_filtered,
        }),
        None => Ok(()),
    }
}

/// Registers the good rows as a table, for whoever asks in SQL; it is read anew
/// for each query.
fn register(
    engine: &Engine,
    mapped: &[MappedSource],
    duplicates: DuplicateRows,
) -> Result<(), SourceError> {
    let context = engine.context();
    context.deregister_table(EVENTS_TABLE)?;
    let mut frames = Vec::new();
    for source in mapped {
        let frame = source.read(engine, &source.raw.files, false, ReadAs::Table)?;
        frames.push(frame.filter(col(PROBLEM_COLUMN).is_null())?.select(event_columns())?);
    }
    let union = frames.into_iter().map(Ok).reduce(|all, next| all?.union(next?));
    let mut union = union.expect("at least one source was mapped")?;
    if duplicates == DuplicateRows::Drop {
        union = union.distinct()?;
    }
    context.register_table(EVENTS_TABLE, union.into_view())?;
    Ok(())
}

/// Stops a run whose config allows no repeated rows.
fn check_duplicates(histories: &Histories, input: &InputParams) -> Result<(), SourceError> {
    match histories.summary().n_duplicates {
        n_duplicates if n_duplicates > 0 && input.duplicates == DuplicateRows::Refuse => {
            Err(SourceError::Duplicates { n_duplicates })
        }
        _ => Ok(()),
    }
}
