//! What the users of each group answered, when, what discounts go with and which
//! category follows: sums over users, from which rates and their intervals follow.

mod sums;
mod user;

use chrono::NaiveDateTime;

pub use self::sums::{MoveAxes, MoveSums, WINDOW_HOURS};
use self::user::UserMoves;
use super::{FeatureError, FeaturePlan, describe_input};
use crate::dataset::UserIds;
use crate::input::history::{Histories, N_BUCKETS, UserId};

/// Buckets whose sums are held at a time.
const BUCKETS_AT_A_TIME: usize = 64;

/// Seed of the hash that puts each user into one of two halves.
const SEED_OF_HALVES: u64 = 24;

/// Which users, in which groups.
#[derive(Debug, Clone, Copy)]
pub struct GroupedUsers<'a> {
    /// Sorted.
    pub users: &'a UserIds,
    /// Group of each user, from 0.
    pub group_of: &'a [usize],
    /// Number of groups.
    pub n_groups: usize,
}

impl GroupedUsers<'_> {
    /// Group and half of a user.
    fn place(&self, user: &UserId) -> Option<(usize, usize)> {
        let row = match (self.users, user) {
            (UserIds::Integer(ids), UserId::Integer(id)) => ids.binary_search(id).ok()?,
            (UserIds::Text(ids), UserId::Text(id)) => ids.binary_search(id).ok()?,
            _ => return None,
        };
        Some((self.group_of[row], (self.users.hash(row, SEED_OF_HALVES) & 1) as usize))
    }
}

/// Adds up, for each group, what its users did before a moment, in one pass over all
/// histories. Categories beyond the most frequent `max_categories` count as one.
///
/// # Errors
/// When a sum leaves the range of fixed-point numbers, or the histories cannot be read.
pub fn sum_moves(
    histories: &Histories,
    plan: &FeaturePlan,
    max_categories: usize,
    as_of: NaiveDateTime,
    of: GroupedUsers<'_>,
) -> Result<(MoveAxes, Vec<MoveSums>), FeatureError> {
    let input = describe_input(histories, as_of)?;
    let axes = MoveAxes::new(plan, &input, max_categories);
    let counter = UserMoves::new(histories, plan, &input, &axes);
    let as_of = as_of.and_utc().timestamp_micros();
    let none = vec![MoveSums::new(&axes); of.n_groups];
    let mut sums = none.clone();
    for first in (0..N_BUCKETS).step_by(BUCKETS_AT_A_TIME) {
        let parts = histories.map_buckets(first..first + BUCKETS_AT_A_TIME, |bucket| {
            let mut part = none.clone();
            histories.for_each_user(bucket, |history| {
                let Some((group, half)) = of.place(history.user) else { return Ok(()) };
                let added = counter.add(history.events, as_of, half, &mut part[group]);
                added.map_err(|_| FeatureError::TooLarge { user: history.user.to_string() })
            })?;
            Ok::<_, FeatureError>(part)
        })?;
        for part in parts {
            sums.iter_mut().zip(&part).for_each(|(sum, part)| sum.add(part));
        }
    }
    Ok((axes, sums))
}
