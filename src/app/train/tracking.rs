//! Repeat orders by week up to the end of the data, beside those that a model expects.

use chrono::{Days, NaiveDateTime};

use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::dataset::ChurnLabel;
use crate::features::{FeaturePlan, SnapshotDates, SnapshotRequest};
use crate::models::value::{FittedValue, Tracker, Tracking};

/// Stretches of time at most; weeks are put together where there are more.
const MAX_STRETCHES: i64 = 104;

/// Customers that are followed, about.
const N_USERS: u32 = 20_000;

/// Dates that are computed in one pass, whose users are all held.
const DATES_AT_ONCE: usize = 8;

/// Follows customers of the holdout date from week to week: those before it show how the model
/// fits, those after it how it foretells.
pub(super) fn track(
    data: &OpenData<'_>,
    (covariates, label): (&FeaturePlan, &ChurnLabel),
    dates: &SnapshotDates,
    fitted: &FittedValue,
) -> Result<Tracking, PipelineError> {
    let (first, holdout) = (data.input.first_time, dates.holdout);
    let n_weeks = (dates.as_of - first).num_days() / 7;
    let n_days = 7 * (n_weeks + MAX_STRETCHES - 1).div_euclid(MAX_STRETCHES).max(1);
    let step = Days::new(n_days.unsigned_abs());
    let before = std::iter::successors(Some(holdout), |date| date.checked_sub_days(step));
    let mut ends: Vec<NaiveDateTime> = before.take_while(|date| *date > first).collect();
    ends.reverse();
    let after =
        std::iter::successors(holdout.checked_add_days(step), |date| date.checked_add_days(step));
    ends.extend(after.take_while(|date| *date <= dates.as_of));
    let buckets = data.buckets_of(N_USERS);
    let compute = |dates: &[NaiveDateTime]| {
        let request = SnapshotRequest::new(dates, label).of_buckets(buckets.clone());
        data.compute(covariates, &request)
    };
    let mut tracker = Tracker::new(fitted, &compute(&[holdout])?[0])?;
    for dates in ends.chunks(DATES_AT_ONCE) {
        compute(dates)?.iter().for_each(|snapshot| tracker.count(snapshot));
    }
    Ok(tracker.tracking())
}
