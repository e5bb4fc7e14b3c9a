//! Users who changed layer from one model to the next: who moved themselves,
//! and whom the boundary moved.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};

use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::bundle::{Bundle, Movement, MovementFlow};
use crate::dataset::UserIds;

/// The id of each user's layer.
pub(super) struct GroupsAt {
    pub users: UserIds,
    /// Index of the layer.
    pub layers: Vec<usize>,
    /// Ids of the model's layers.
    pub ids: Vec<String>,
}

impl GroupsAt {
    /// The layers of all users at a date, by the plan and layers of a model.
    pub fn of(
        data: &OpenData<'_>,
        bundle: &Bundle,
        date: NaiveDateTime,
    ) -> Result<Self, PipelineError> {
        let snapshots = data.snapshot(&bundle.plan, date, &bundle.churn.settings.label)?;
        let snapshot = &snapshots[0];
        let layers = bundle.layers.assign(&snapshot.features)?.groups;
        let ids = bundle.layers.groups.iter().map(|layer| layer.id.clone()).collect();
        Ok(Self { users: snapshot.users.clone(), layers, ids })
    }

    fn id(&self, row: usize) -> &str {
        &self.ids[self.layers[row]]
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
) -> Result<Movement, PipelineError> {
    let (from, to) = (old.record.dates.as_of, new.record.dates.as_of);
    let before = GroupsAt::of(data, old, from)?;
    let by_old = GroupsAt::of(data, old, to)?;
    let by_new = GroupsAt::of(data, new, to)?;
    Ok(count((from.date(), to.date()), &before, &by_old, &by_new))
}

/// Counts; `by_old` and `by_new` list the same users.
fn count(
    (from, to): (NaiveDate, NaiveDate),
    before: &GroupsAt,
    by_old: &GroupsAt,
    by_new: &GroupsAt,
) -> Movement {
    let mut flows: BTreeMap<(usize, usize), MovementFlow> = BTreeMap::new();
    for (row, earlier) in by_old.users.rows_in(&before.users).into_iter().enumerate() {
        let Some(earlier) = earlier else { continue };
        let (a, b, c) = (before.id(earlier), by_old.id(row), by_new.id(row));
        let place = (before.layers[earlier], by_new.layers[row]);
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

    fn at(users: &[i64], layers: &[usize], ids: &[&str]) -> GroupsAt {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        GroupsAt { users: UserIds::Integer(users.to_vec()), layers: layers.to_vec(), ids }
    }

    #[test]
    fn every_user_has_one_cause() {
        let old = ["L1", "L2", "L3"];
        // L2 stands first in the new model, and L4 is new.
        let new = ["L2", "L1", "L4"];
        // Stayed, moved, boundary, both, both and back; 9 is new, 8 has gone.
        let before = at(&[1, 2, 3, 4, 5, 8], &[0, 0, 0, 0, 0, 1], &old);
        let by_old = at(&[1, 2, 3, 4, 5, 9], &[0, 1, 0, 1, 2, 0], &old);
        let by_new = at(&[1, 2, 3, 4, 5, 9], &[1, 0, 2, 2, 1, 1], &new);
        let found = count(Default::default(), &before, &by_old, &by_new);
        assert_eq!((found.n_users, found.stayed, found.user_moved), (5, 1, 1));
        assert_eq!((found.boundary_moved, found.both), (1, 2));
        let to = |id: &str| found.flows.iter().find(|flow| flow.to == id).unwrap();
        assert_eq!((to("L1").n_users, to("L1").both), (2, 1));
        assert_eq!((to("L4").boundary_moved, to("L4").both), (1, 1));
        assert_eq!((to("L2").from.as_str(), to("L2").user_moved), ("L1", 1));
    }
}
