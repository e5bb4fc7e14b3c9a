//! What every user will be worth.

use chrono::{Duration, NaiveDate};

use crate::dataset::Snapshot;
use crate::models::value::{KnownForecasts, UserAmounts, UserValue, ValueModel};

/// One entry a user, in order of user id; `None` for who never paid, and for all where the
/// model has no value.
pub(super) struct ValueScores {
    pub values: Vec<Option<UserValue>>,
    as_of: NaiveDate,
}

/// Values the users of a snapshot.
pub(super) fn score_value(
    model: &ValueModel,
    snapshot: &Snapshot,
    known: &mut KnownForecasts,
) -> ValueScores {
    let as_of = snapshot.as_of.date();
    let Some(fitted) = model.fitted() else {
        return ValueScores { values: vec![None; snapshot.users.len()], as_of };
    };
    let of_user = |paid| fitted.value(paid, snapshot.as_of, known);
    let values = snapshot.purchases.iter().map(|it| &it.paid).map(of_user).collect();
    ValueScores { values, as_of }
}

impl ValueScores {
    /// What a user will pay.
    pub fn amounts(&self, user: usize) -> Option<UserAmounts> {
        self.values[user]?.amounts
    }

    /// The day of the next order of a user, by the place of its quantile.
    pub fn next_order(&self, user: usize, quantile: usize) -> Option<NaiveDate> {
        let days = self.values[user]?.next_order_days[quantile].floor() as i64;
        self.as_of.checked_add_signed(Duration::try_days(days)?)
    }
}
