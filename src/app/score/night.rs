//! Tonight's input beside that of the nights before.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::Deserialize;

use super::publish::{ScoreRequest, day_folders, nights_before, read_summary};
use crate::app::PipelineError;
use crate::features::SeenInput;
use crate::files::write_atomically;
use crate::input::source::{InputGates, InputProfile, SourceCounts};
use crate::watch::{Check, Feed, InputFacts, Level, check_input};

/// What came in from each source, as far as it matters for gates.
pub(super) fn feeds(input: &InputProfile, as_of: NaiveDateTime) -> Vec<Feed> {
    let as_of_day = day_number(as_of.date());
    let feed = |source: &SourceCounts| {
        let share = |n: u64| n as f64 / source.n_rows.max(1) as f64;
        let newest = source.days.range(..as_of_day).next_back();
        Feed {
            source: source.source.clone(),
            n_rows: source.n_rows,
            n_rejected: source.n_rejected(),
            n_rows_last_day: source.days.get(&(as_of_day - 1)).copied().unwrap_or_default(),
            n_rows_after: source.days.range(as_of_day..).map(|(_, n)| n).sum(),
            newest_day: newest.and_then(|(&day, _)| day_of_number(day)),
            null_shares: source
                .nulls
                .iter()
                .map(|(column, &n)| ((*column).to_owned(), share(n)))
                .collect(),
        }
    };
    input.sources.iter().map(feed).collect()
}

fn day_number(day: NaiveDate) -> i64 {
    day.and_time(Default::default()).and_utc().timestamp().div_euclid(86_400)
}

fn day_of_number(day: i64) -> Option<NaiveDate> {
    Some(DateTime::from_timestamp(day * 86_400, 0)?.date_naive())
}

/// What came in tonight.
pub(super) fn facts(
    as_of: NaiveDateTime,
    feeds: Vec<Feed>,
    n_users: u64,
    seen: &SeenInput,
) -> InputFacts {
    InputFacts { as_of, n_users, feeds, events_last_day: seen.events.clone() }
}

/// Compares tonight's input with that of the nights before, whose summaries stand where
/// scores go; returns what is odd but refuses nothing.
///
/// # Errors
/// When a gate refuses the input; all of them are told.
pub(super) fn check_night(
    gates: &InputGates,
    request: &ScoreRequest<'_>,
    tonight: &InputFacts,
    trained_on: &InputProfile,
) -> Result<Vec<Check>, PipelineError> {
    let usual = usual_nights(request.out, tonight.as_of, gates.n_nights.get());
    let known: BTreeSet<String> = trained_on.events.iter().map(|it| it.event.clone()).collect();
    let checks = check_input(gates, tonight, &usual, &known);
    // Alarms are those of the latest night, whatever was mended of earlier ones since.
    let day = tonight.as_of.date();
    let is_latest = day_folders(request.out).iter().all(|(night, _)| *night <= day);
    let since = match is_latest {
        true => note_alarms(request.out, day, &checks)?,
        false => BTreeMap::new(),
    };
    let refused: Vec<&Check> = checks.iter().filter(|it| it.level == Level::Refuse).collect();
    if refused.is_empty() {
        return Ok(checks);
    }
    let told = |(number, check): (usize, &&Check)| {
        let since = since.get(&check.key()).filter(|since| **since < tonight.as_of.date());
        let since = since.map(|day| format!(" (since {day})")).unwrap_or_default();
        let number = if refused.len() > 1 { format!("({}) ", number + 1) } else { String::new() };
        format!("{number}{}: {}{since}; {}", check.key(), check.found.en, check.next_step.en)
    };
    let gates: Vec<String> = refused.iter().enumerate().map(told).collect();
    Err(PipelineError::InputRefused { gates: gates.join(". ") })
}

/// The part of a summary that says what came in.
#[derive(Deserialize)]
struct WithFacts {
    facts: InputFacts,
}

/// What came in on the latest published nights before a day, the latest first.
fn usual_nights(out: &Path, as_of: NaiveDateTime, n_nights: usize) -> Vec<InputFacts> {
    let nights = nights_before(out, as_of.date());
    let facts = nights.iter().filter_map(|folder| read_summary::<WithFacts>(folder));
    facts.map(|night| night.facts).take(n_nights).collect()
}

/// Which day each alarm was first of.
const ALARMS: &str = "_alarms.json";

/// Keeps since when each thing is odd; what is no longer odd is forgotten.
fn note_alarms(
    out: &Path,
    as_of: NaiveDate,
    checks: &[Check],
) -> Result<BTreeMap<String, NaiveDate>, PipelineError> {
    let path = out.join(ALARMS);
    let old: BTreeMap<String, NaiveDate> = std::fs::read(&path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let since = |key: String| {
        let first = old.get(&key).copied().filter(|since| *since < as_of).unwrap_or(as_of);
        (key, first)
    };
    let new: BTreeMap<String, NaiveDate> = checks.iter().map(|it| since(it.key())).collect();
    if new != old {
        let json = serde_json::to_vec_pretty(&new).map_err(std::io::Error::other);
        json.and_then(|json| write_atomically(&path, |file| file.write_all(&json)))
            .map_err(|cause| PipelineError::Output { path, cause })?;
    }
    Ok(new)
}
