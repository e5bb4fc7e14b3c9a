//! Nights that are past, each as it would have been on its own.

use chrono::NaiveDate;

use super::publish::ScoreRequest;
use super::{Scored, note_run, score};
use crate::app::{ErrorKind, Model, PipelineError, Session};

/// A night of a backfill.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfilledNight {
    /// Its as-of date.
    pub day: NaiveDate,
    /// What came of it.
    pub outcome: NightOutcome,
}

impl BackfilledNight {
    /// Its scores, if they are published.
    pub fn published(&self) -> Option<&Scored> {
        match &self.outcome {
            NightOutcome::Published(scored) => Some(scored),
            NightOutcome::Refused(_) => None,
        }
    }
}

/// What came of a night.
#[derive(Debug, Clone, PartialEq)]
pub enum NightOutcome {
    /// Its scores are published, now or before.
    Published(Box<Scored>),
    /// A gate refused it, for this reason.
    Refused(String),
}

/// Scores each day from `from` to `until`, the earliest first, from data that is read once: by
/// events before that day that were known by then, beside the nights before it. The model
/// is the same for all. A day that is published from the same input is left alone; one that a
/// gate refuses stays as it is, and the days after it go on.
///
/// # Errors
/// When a night could not be done at all; those before it are published.
pub fn backfill(
    session: &mut Session,
    model: &Model,
    request: &ScoreRequest<'_>,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<BackfilledNight>, PipelineError> {
    if from > until {
        return Err(PipelineError::NightsOutOfOrder { from, until });
    }
    let request = &ScoreRequest { is_backfill: true, ..request.clone() };
    let mut nights = Vec::new();
    for day in from.iter_days().take_while(|day| *day <= until) {
        session.set_as_of(day);
        let outcome = match score(session, model, request) {
            Ok(scored) => {
                note_run(session, &scored)?;
                NightOutcome::Published(Box::new(scored))
            }
            Err(error) if error.kind() == ErrorKind::Refused => {
                NightOutcome::Refused(error.to_string())
            }
            Err(error) => return Err(error),
        };
        nights.push(BackfilledNight { day, outcome });
    }
    Ok(nights)
}

/// Says which nights were refused.
///
/// # Errors
/// When any was.
pub fn refused_nights(nights: &[BackfilledNight]) -> Result<(), PipelineError> {
    let told = |night: &BackfilledNight| match &night.outcome {
        NightOutcome::Refused(why) => Some(format!("{}: {why}", night.day)),
        NightOutcome::Published(_) => None,
    };
    let refused: Vec<String> = nights.iter().filter_map(told).collect();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(PipelineError::NightsRefused {
            n_refused: refused.len(),
            n_nights: nights.len(),
            nights: refused.join(". "),
        }),
    }
}
