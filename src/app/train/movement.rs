//! Users who changed layer, or kind, from one model to the next: who moved themselves,
//! and whom the boundary moved.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};

use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::bundle::{Bundle, Movement, MovementFlow};
use crate::dataset::{FeatureMatrix, UserIds};
use crate::models::segmentation::{FittedGroups, PerPartition, SharedUsers};

/// Users at a date, by the layers and kinds of a model.
pub(super) struct UsersAt {
    pub users: UserIds,
    pub groups: PerPartition<GroupsAt>,
}

/// The group of each user.
pub(super) struct GroupsAt {
    /// Index of the group.
    pub groups: Vec<usize>,
    /// Ids of the model's groups.
    pub ids: Vec<String>,
    /// Who is hardly known, and in no group that can go on.
    pub unknown: Option<usize>,
}

impl UsersAt {
    /// All users at a date, by the plan and groups of a model.
    pub fn of(
        data: &OpenData<'_>,
        bundle: &Bundle,
        date: NaiveDateTime,
    ) -> Result<Self, PipelineError> {
        let snapshots = data.snapshot(&bundle.plan, date, &bundle.churn.settings.label)?;
        let snapshot = &snapshots[0];
        let groups =
            PerPartition::try_of(|it| GroupsAt::of(bundle.groups(it), &snapshot.features))?;
        Ok(Self { users: snapshot.users.clone(), groups })
    }
}

impl GroupsAt {
    /// The groups of users by a fitted partition.
    pub fn of(fitted: &FittedGroups, users: &FeatureMatrix) -> Result<Self, PipelineError> {
        Ok(Self {
            groups: fitted.assign(users)?.groups,
            ids: fitted.groups.iter().map(|group| group.id.clone()).collect(),
            unknown: fitted.groups.iter().position(|group| group.cluster.is_none()),
        })
    }

    fn id(&self, row: usize) -> &str {
        &self.ids[self.groups[row]]
    }

    /// Counts the users whom both know.
    pub fn shared_with(&self, new: &Self) -> SharedUsers {
        let both = self.groups.iter().zip(&new.groups);
        let is_known = |(old, now): &(&usize, &usize)| {
            Some(**old) != self.unknown && Some(**now) != new.unknown
        };
        let (old, now): (Vec<usize>, Vec<usize>) = both.filter(is_known).unzip();
        SharedUsers::count((&old, self.ids.len()), (&now, new.ids.len()))
    }
}

/// Movement between the days of two models; the new model has its final ids.
///
/// # Errors
/// When the features cannot be computed.
pub(super) fn movement(
    data: &OpenData<'_>,
    old: &Bundle,
    new: &Bundle,
) -> Result<PerPartition<Movement>, PipelineError> {
    let (from, to) = (old.record.dates.as_of, new.record.dates.as_of);
    let before = UsersAt::of(data, old, from)?;
    let by_old = UsersAt::of(data, old, to)?;
    let by_new = UsersAt::of(data, new, to)?;
    let earlier = by_old.users.rows_in(&before.users);
    let dates = (from.date(), to.date());
    Ok(PerPartition::of(|it| {
        count(dates, &earlier, before.groups.get(it), by_old.groups.get(it), by_new.groups.get(it))
    }))
}

/// Counts; `by_old` and `by_new` list the same users, who are at rows `earlier` of
/// `before`.
fn count(
    (from, to): (NaiveDate, NaiveDate),
    earlier: &[Option<usize>],
    before: &GroupsAt,
    by_old: &GroupsAt,
    by_new: &GroupsAt,
) -> Movement {
    let mut flows: BTreeMap<(usize, usize), MovementFlow> = BTreeMap::new();
    for (row, &earlier) in earlier.iter().enumerate() {
        let Some(earlier) = earlier else { continue };
        let (a, b, c) = (before.id(earlier), by_old.id(row), by_new.id(row));
        let place = (before.groups[earlier], by_new.groups[row]);
        let flow = flows.entry(place).or_insert_with(|| MovementFlow {
            from: a.to_owned(),
            to: c.to_owned(),
            n_users: 0,
            user_moved: 0,
            boundary_moved: 0,
            both: 0,
        });
        flow.n_users += 1;
        match (a != b, b != c) {
            (true, false) => flow.user_moved += 1,
            (false, true) => flow.boundary_moved += 1,
            (true, true) => flow.both += 1,
            (false, false) => {}
        }
    }
    let flows: Vec<MovementFlow> = flows.into_values().collect();
    let sum = |of: fn(&MovementFlow) -> usize| flows.iter().map(of).sum::<usize>();
    let n_users = sum(|flow| flow.n_users);
    let (user_moved, boundary_moved, both) =
        (sum(|flow| flow.user_moved), sum(|flow| flow.boundary_moved), sum(|flow| flow.both));
    let stayed = n_users - user_moved - boundary_moved - both;
    Movement { from, to, n_users, stayed, user_moved, boundary_moved, both, flows }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(groups: &[usize], ids: &[&str]) -> GroupsAt {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        GroupsAt { groups: groups.to_vec(), ids, unknown: None }
    }

    #[test]
    fn every_user_has_one_cause() {
        let old = ["L1", "L2", "L3"];
        // L2 stands first in the new model, and L4 is new.
        let new = ["L2", "L1", "L4"];
        // Stayed, moved, boundary, both, both and back; 9 is new, 8 has gone.
        let users = |ids: &[i64]| UserIds::Integer(ids.to_vec());
        let earlier = users(&[1, 2, 3, 4, 5, 9]).rows_in(&users(&[1, 2, 3, 4, 5, 8]));
        let before = at(&[0, 0, 0, 0, 0, 1], &old);
        let by_old = at(&[0, 1, 0, 1, 2, 0], &old);
        let by_new = at(&[1, 0, 2, 2, 1, 1], &new);
        let found = count(Default::default(), &earlier, &before, &by_old, &by_new);
        assert_eq!((found.n_users, found.stayed, found.user_moved), (5, 1, 1));
        assert_eq!((found.boundary_moved, found.both), (1, 2));
        let to = |id: &str| found.flows.iter().find(|flow| flow.to == id).unwrap();
        assert_eq!((to("L1").n_users, to("L1").both), (2, 1));
        assert_eq!((to("L4").boundary_moved, to("L4").both), (1, 1));
        assert_eq!((to("L2").from.as_str(), to("L2").user_moved), ("L1", 1));
    }
}
