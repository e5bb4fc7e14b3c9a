//! What all passes over histories share: which rows to compute, and the walk through a bucket.

use std::ops::Range;

use chrono::{Days, NaiveDateTime};

use super::outcomes::{UserFacts, UserFactsFinder};
use super::program::Program;
use super::walk::Walker;
use crate::dataset::{ChurnLabel, UserIds};
use crate::features::custom::CustomValues;
use crate::features::orders::Overflow;
use crate::features::{FeatureError, FeaturePlan};
use crate::input::engine::Engine;
use crate::input::history::{EventRow, Histories, IdKind, N_BUCKETS, UserId};

/// Which rows to compute.
#[derive(Debug, Clone)]
pub struct SnapshotRequest<'a> {
    /// Features use events before these moments only.
    pub dates: &'a [NaiveDateTime],
    /// What counts as churn: the event to summarise, and the length of the outcome
    /// window.
    pub label: &'a ChurnLabel,
    /// Whether to look at what users did in the horizon after each date.
    pub with_outcomes: bool,
    /// Buckets of users: all of them, or some as a sample.
    pub buckets: Range<usize>,
}

impl<'a> SnapshotRequest<'a> {
    /// All users, without outcomes.
    pub fn new(dates: &'a [NaiveDateTime], label: &'a ChurnLabel) -> Self {
        Self { dates, label, with_outcomes: false, buckets: 0..N_BUCKETS }
    }

    /// With what users did in the horizon after each date, and whether they churned.
    pub fn with_outcomes(self) -> Self {
        Self { with_outcomes: true, ..self }
    }

    /// Only users of some buckets.
    pub fn of_buckets(self, buckets: Range<usize>) -> Self {
        Self { buckets, ..self }
    }
}

/// One user at one date.
pub(super) struct Row<'r> {
    /// Number of the date.
    pub date: usize,
    /// Number of the user in the bucket.
    pub number: usize,
    pub user: &'r UserId,
    /// All events of the user, in order of time.
    pub events: &'r [EventRow],
    pub values: &'r [f64],
    pub facts: UserFacts,
}

/// A date, with all that is needed to compute its rows.
pub(super) struct DateWindow {
    pub as_of: i64,
    horizon_end: Option<i64>,
    custom: CustomValues,
}

pub(super) struct Computation<'a> {
    pub histories: &'a Histories,
    program: Program,
    pub dates: Vec<DateWindow>,
    label: &'a ChurnLabel,
    /// Code of the label's event.
    kept_by: u32,
    pub with_outcomes: bool,
}

impl<'a> Computation<'a> {
    /// That of a request.
    pub fn of(
        engine: &Engine,
        histories: &'a Histories,
        plan: &FeaturePlan,
        request: &SnapshotRequest<'a>,
    ) -> Result<Self, FeatureError> {
        let SnapshotRequest { dates, label, with_outcomes, .. } = *request;
        Self::new(engine, histories, plan, dates, label, with_outcomes)
    }

    pub fn new(
        engine: &Engine,
        histories: &'a Histories,
        plan: &FeaturePlan,
        dates: &[NaiveDateTime],
        label: &'a ChurnLabel,
        with_outcomes: bool,
    ) -> Result<Self, FeatureError> {
        let micros = |moment: NaiveDateTime| moment.and_utc().timestamp_micros();
        let horizon = Days::new(u64::from(label.horizon_days));
        let date_window = |&date: &NaiveDateTime| {
            Ok(DateWindow {
                as_of: micros(date),
                horizon_end: with_outcomes.then(|| micros(date + horizon)),
                custom: CustomValues::compute(engine, plan, date)?,
            })
        };
        Ok(Self {
            histories,
            program: Program::new(plan, histories),
            dates: dates.iter().map(date_window).collect::<Result<_, FeatureError>>()?,
            label,
            kept_by: histories.events().code(&label.event).unwrap_or(0),
            with_outcomes,
        })
    }

    /// Calls `take` with every row of a bucket, user by user.
    pub fn visit(&self, bucket: usize, mut take: impl FnMut(&Row<'_>)) -> Result<(), FeatureError> {
        let program = &self.program;
        let mut walker = Walker::new(program);
        let mut values = vec![0.0; program.ops.len()];
        let mut finder = UserFactsFinder::new(program, self.label, self.kept_by);
        let mut next_number = 0;
        self.histories.for_each_user(bucket, |history| {
            let number = next_number;
            next_number += 1;
            let too_large = |_: Overflow| FeatureError::TooLarge { user: history.user.to_string() };
            for (date_number, date) in self.dates.iter().enumerate() {
                let events = history.events;
                if !walker.walk(events, date.as_of, &mut values).map_err(too_large)? {
                    continue;
                }
                date.custom.put(history.user, &mut values);
                let facts = finder.find(events, date.as_of, date.horizon_end).map_err(too_large)?;
                let (date, user) = (date_number, history.user);
                take(&Row { date, number, user, events, values: &values, facts });
            }
            Ok::<_, FeatureError>(())
        })
    }
}

/// The ids of some users, in the type of all.
pub(super) fn user_ids(users: impl IntoIterator<Item = UserId>, kind: IdKind) -> UserIds {
    match kind {
        IdKind::Integer => {
            let id = |user| if let UserId::Integer(id) = user { Some(id) } else { None };
            UserIds::Integer(users.into_iter().filter_map(id).collect())
        }
        IdKind::Text => {
            let id = |user| if let UserId::Text(id) = user { Some(id) } else { None };
            UserIds::Text(users.into_iter().filter_map(id).collect())
        }
    }
}
