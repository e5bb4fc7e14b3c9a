//! One date's snapshot, a bucket of users at a time: no matrix of all users is ever held.

use chrono::NaiveDateTime;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::computation::{Computation, user_ids};
use super::outcomes::UserFacts;
use crate::dataset::{ChurnLabel, FeatureMatrix, Snapshot};
use crate::features::calendar::MICROS_PER_DAY;
use crate::features::{FeatureError, FeaturePlan};
use crate::input::engine::Engine;
use crate::input::history::{EventRow, Histories, UserId};

/// The users of a bucket.
pub struct BucketSnapshot {
    /// Their features, without outcomes.
    pub snapshot: Snapshot,
    /// What was not known of them the day before.
    pub late: LateRows,
}

/// Rows that became known in the day before as-of though they tell of a time before that
/// day, and their users: scores of the day before lacked them. Only sources that say when
/// they knew (`available_at`) have any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateRows {
    /// Rows.
    pub n_rows: u64,
    /// Users with such a row.
    pub n_users: u64,
}

impl LateRows {
    /// Adds those of other users.
    pub fn merge(&mut self, other: Self) {
        self.n_rows += other.n_rows;
        self.n_users += other.n_users;
    }

    /// Counts those of a user; times in microseconds since 1970.
    fn add_user(&mut self, events: &[EventRow], as_of: i64) {
        let day_before = as_of - MICROS_PER_DAY;
        let is_late = |event: &&EventRow| {
            event.time < day_before && (day_before..as_of).contains(&event.known_from())
        };
        let n_rows = events.iter().filter(is_late).count() as u64;
        self.merge(Self { n_rows, n_users: u64::from(n_rows > 0) });
    }
}

/// Snapshots of the users of single buckets.
pub struct BucketSnapshots<'a> {
    computation: Computation<'a>,
    as_of: NaiveDateTime,
    /// Of nobody.
    features: FeatureMatrix,
}

impl<'a> BucketSnapshots<'a> {
    /// Prepares the features of a plan as of a date.
    ///
    /// # Errors
    /// When an SQL feature fails.
    pub fn new(
        engine: &Engine,
        histories: &'a Histories,
        plan: &FeaturePlan,
        as_of: NaiveDateTime,
        label: &'a ChurnLabel,
    ) -> Result<Self, FeatureError> {
        let computation = Computation::new(engine, histories, plan, &[as_of], label, false)?;
        let nobody = Array2::zeros((0, plan.features.len()));
        let features = FeatureMatrix::of_features(plan.infos(), nobody)?;
        Ok(Self { computation, as_of, features })
    }

    /// Computes the snapshot of a bucket: its users with an event before the date, in order
    /// of their ids.
    ///
    /// # Errors
    /// When a sum leaves the range of fixed-point numbers, or the histories cannot be read.
    pub fn get(&self, bucket: usize) -> Result<BucketSnapshot, FeatureError> {
        let (histories, width) = (self.computation.histories, self.features.n_features());
        let n_users = histories.n_users(bucket);
        let mut users: Vec<(UserId, usize)> = Vec::with_capacity(n_users);
        let mut values: Vec<f64> = Vec::with_capacity(n_users * width);
        let mut facts: Vec<UserFacts> = Vec::with_capacity(n_users);
        let (as_of, mut late) = (self.as_of.and_utc().timestamp_micros(), LateRows::default());
        self.computation.visit(bucket, |row| {
            late.add_user(row.events, as_of);
            users.push((row.user.clone(), users.len()));
            values.extend_from_slice(row.values);
            facts.push(row.facts);
        })?;
        // A bucket has its users by number or by the hash of a text.
        if !users.is_sorted() {
            users.sort_unstable();
            values = users
                .iter()
                .flat_map(|&(_, row)| &values[row * width..][..width])
                .copied()
                .collect();
            facts = users.iter().map(|&(_, row)| facts[row]).collect();
        }
        let values = Array2::from_shape_vec((users.len(), width), values)
            .expect("as many values as users and features");
        let features = self.features.of_rows(values)?.keeping_logs();
        let users = user_ids(users.into_iter().map(|(user, _)| user), histories.kind());
        let purchases = facts.iter().map(|of_user| of_user.purchases).collect();
        let snapshot = Snapshot::new(self.as_of, users, features, purchases, None)?;
        Ok(BucketSnapshot { snapshot, late })
    }
}
