use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::FeatureError;
use crate::settings::{Count, Days};

/// `[snapshots]` of the config: at which dates users are looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotParams {
    /// Length of the outcome window after each as-of date: churned means no
    /// order in `[as_of, as_of + horizon_days)`.
    pub horizon_days: Days,
    /// Training snapshots at most.
    pub n_snapshots: Count,
    /// Days between training snapshots.
    pub step_days: Days,
    /// History that the earliest snapshot must have.
    pub min_history_days: Days,
    /// Whether the same time of the year before moves what is expected of churn and orders,
    /// where the history reaches there and training dates bear it out.
    pub year_before: bool,
}

impl Default for SnapshotParams {
    fn default() -> Self {
        Self {
            horizon_days: Days::of(90),
            n_snapshots: Count::of(6),
            step_days: Days::of(30),
            min_history_days: Days::of(90),
            year_before: true,
        }
    }
}

/// The as-of dates of a training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotDates {
    /// End of the data used (exclusive).
    pub as_of: NaiveDateTime,
    /// The holdout snapshot: `as_of − horizon`; nothing is fitted on it.
    pub holdout: NaiveDateTime,
    /// Training snapshots, latest first. Their outcome windows all end by
    /// `holdout`, so that no outcome is seen twice.
    pub training: Vec<NaiveDateTime>,
}

impl SnapshotParams {
    /// The dates for data that starts at `first` and is used up to `as_of`.
    ///
    /// # Errors
    /// [`FeatureError::TooShort`] when not even one training snapshot fits.
    pub fn dates(
        &self,
        first: NaiveDateTime,
        as_of: NaiveDateTime,
    ) -> Result<SnapshotDates, FeatureError> {
        let horizon = chrono::Days::new(u64::from(self.horizon_days.get()));
        let step = chrono::Days::new(u64::from(self.step_days.get()));
        let min_history = chrono::Days::new(u64::from(self.min_history_days.get()));
        let too_short = || FeatureError::TooShort {
            as_of,
            first,
            needed_days: i64::from(self.min_history_days.get())
                + 2 * i64::from(self.horizon_days.get()),
            available_days: (as_of - first).num_days(),
            min_history_days: self.min_history_days.get(),
            horizon_days: self.horizon_days.get(),
        };
        let earliest = first.checked_add_days(min_history).ok_or_else(too_short)?;
        let holdout = as_of.checked_sub_days(horizon).ok_or_else(too_short)?;
        let latest_training = holdout.checked_sub_days(horizon).ok_or_else(too_short)?;
        let training: Vec<NaiveDateTime> =
            std::iter::successors(Some(latest_training), |date| date.checked_sub_days(step))
                .take(self.n_snapshots.get())
                .take_while(|date| *date >= earliest)
                .collect();
        if training.is_empty() {
            return Err(too_short());
        }
        Ok(SnapshotDates { as_of, holdout, training })
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(year, month, day).unwrap().and_time(Default::default())
    }

    #[test]
    fn training_outcomes_end_before_the_holdout_begins() {
        let dates = SnapshotParams::default().dates(day(1997, 1, 1), day(1998, 7, 1)).unwrap();
        assert_eq!(dates.holdout, day(1998, 4, 2));
        assert_eq!(dates.training.len(), 6);
        assert_eq!(dates.training[0], day(1998, 1, 2));
        assert_eq!(dates.training[5], day(1997, 8, 5));
    }

    #[test]
    fn short_data_is_refused_with_the_days_it_lacks() {
        let error = SnapshotParams::default().dates(day(2024, 1, 1), day(2024, 3, 1)).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("needs 270 days"), "{message}");
        assert!(message.contains("60 days before"), "{message}");
    }
}
