//! Snapshots of the year before, which tell the season.

use chrono::{Days, NaiveDateTime};

use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::dataset::{ChurnLabel, Snapshot};
use crate::features::{FeaturePlan, SnapshotDates, SnapshotRequest};
use crate::stats::season::YEAR_DAYS;

/// Days from one snapshot to the next at least.
const MIN_STEP_DAYS: i64 = 7;

/// Snapshots at most.
const MAX_SNAPSHOTS: i64 = 40;

/// Users in them, about: a level needs no more.
const N_USERS: u32 = 20_000;

/// Users at different dates, in order, and what they did afterwards.
#[derive(Debug, Default)]
pub(super) struct YearBefore {
    /// So many days apart.
    pub step_days: u32,
    /// Of a sample of the users; none where the history is too short or the config wants none.
    pub snapshots: Vec<Snapshot>,
}

impl YearBefore {
    /// Computes features of a plan from a year before the first training date on, up to where
    /// outcomes are known. A year before the holdout date is one of the dates, so that what is
    /// said of it uses no later outcome.
    pub fn of(
        data: &OpenData<'_>,
        plan: &FeaturePlan,
        dates: &SnapshotDates,
        label: &ChurnLabel,
    ) -> Result<Self, PipelineError> {
        let (first, step_days) = match first_and_step(data, dates) {
            Some(found) if data.config.snapshots.year_before => found,
            _ => return Ok(Self::default()),
        };
        let end = dates.holdout;
        let step = Days::new(u64::from(step_days));
        let dates = std::iter::successors(Some(first), |date| date.checked_add_days(step));
        let dates: Vec<NaiveDateTime> = dates.take_while(|date| *date <= end).collect();
        let request = SnapshotRequest::new(&dates, label)
            .with_outcomes()
            .of_buckets(data.buckets_of(N_USERS));
        Ok(Self { step_days, snapshots: data.compute(plan, &request)? })
    }
}

/// The first date, so many steps before that of a year before the holdout date; `None` where
/// the history is too short for two, or the horizon longer than the year.
fn first_and_step(data: &OpenData<'_>, dates: &SnapshotDates) -> Option<(NaiveDateTime, u32)> {
    let params = &data.config.snapshots;
    if u64::from(params.horizon_days.get()) > YEAR_DAYS {
        // What followed a year before would not have ended by the date that it is to tell of.
        return None;
    }
    let history = Days::new(u64::from(params.min_history_days.get()));
    let earliest = data.input.first_time.checked_add_days(history)?;
    let year = Days::new(YEAR_DAYS);
    let anchor = dates.holdout.checked_sub_days(year)?;
    let wanted = dates.training.last()?.checked_sub_days(year)?;
    let from = wanted.max(earliest);
    let n_days = (dates.holdout - from).num_days();
    let step = (i64::from(params.step_days.get()) / 2).max(MIN_STEP_DAYS);
    let step = step.max((n_days + MAX_SNAPSHOTS - 1) / MAX_SNAPSHOTS);
    let n_before = (anchor - from).num_days().div_euclid(step);
    let first = anchor.checked_sub_days(Days::new((n_before * step).try_into().ok()?))?;
    (anchor > from).then_some((first, u32::try_from(step).ok()?))
}
