//! What every user will be worth.

use chrono::{Duration, NaiveDate};

use crate::app::PipelineError;
use crate::dataset::Snapshot;
use crate::models::value::{UserAmounts, UserValue, Valuer};

/// One entry a user, in order of user id; `None` for all where the model has no value, and
/// for who never paid where nothing was learned.
pub(super) struct ValueScores {
    pub values: Vec<Option<UserValue>>,
    as_of: NaiveDate,
}

impl ValueScores {
    /// Values the users of a snapshot.
    pub fn of(valuer: Option<&Valuer<'_>>, snapshot: &Snapshot) -> Result<Self, PipelineError> {
        let values = match valuer {
            Some(valuer) => valuer.values(snapshot)?,
            None => vec![None; snapshot.users.len()],
        };
        Ok(Self { values, as_of: snapshot.as_of.date() })
    }

    /// Log odds of no order of every user, by the model of orders, as far as it knows them.
    pub fn no_order(&self) -> impl Iterator<Item = Option<f64>> {
        self.values.iter().map(|it| it.as_ref()?.no_order_log_odds)
    }

    /// What a user will pay.
    pub fn amounts(&self, user: usize) -> Option<UserAmounts> {
        self.values[user]?.amounts
    }

    /// The day of the next order of a user, by the place of its quantile.
    pub fn next_order(&self, user: usize, quantile: usize) -> Option<NaiveDate> {
        let days = self.values[user]?.next_order_days?[quantile].floor() as i64;
        self.as_of.checked_add_signed(Duration::try_days(days)?)
    }
}
