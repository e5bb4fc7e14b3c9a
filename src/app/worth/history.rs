//! Groups of users at the dates of training and every step after them.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDateTime};

use crate::app::grouping::user_groups;
use crate::app::open_data::OpenData;
use crate::app::progress::VerbStages;
use crate::app::{Grouping, Model, PipelineError, Session};
use crate::dataset::{Snapshot, UserIds};
use crate::features::SnapshotRequest;
use crate::models::rules::GroupName;
use crate::models::value::UserValue;
use crate::models::worth::{GroupHistory, GroupsAt, N_STRATA, NOT_YET_SEEN};
use crate::stats::metrics::{quantile, sorted};

/// Parts of equal size in each direction of the strata.
const N_PARTS: usize = 5;

/// What is known of groups at several dates, and of users at the last.
pub(super) struct Known {
    /// Which groups users were in.
    pub history: GroupHistory,
    /// What the groups are called.
    pub names: Vec<GroupName>,
    /// The users, in order.
    pub users: UserIds,
    /// What each is expected to be worth at the last date, by the model of value.
    pub own_values: Vec<Option<f64>>,
    /// Whether amounts are numbers of orders, since the data has no others.
    pub in_orders: bool,
}

/// Puts all users into groups at every date; two stages of the verb. Features of one date are
/// held at a time; of each date stay a group, a stratum and an amount of every user.
pub(super) fn known(
    session: &Session,
    model: &Model,
    grouping: Grouping,
    with_strata: bool,
    stages: &mut VerbStages<'_>,
) -> Result<Known, PipelineError> {
    let bundle = &model.bundle;
    let data = session.read(Some(&bundle.plan), stages)?;
    let step_days = bundle.config.snapshots.horizon_days.get();
    let now = data.as_of()?;
    let dates = moments(&data, now, step_days)?;
    stages.begin("putting users into groups");
    // The last date has all users; those of others are among them.
    let last = GroupedUsers::at(model, &data, grouping, now, now, with_strata)?;
    let in_orders = !last.has_amounts;
    let mut history = GroupHistory { step_days, n_groups: last.names.len(), moments: Vec::new() };
    for &date in &dates {
        let users = match date == now {
            true => None,
            false => Some(GroupedUsers::at(model, &data, grouping, date, now, with_strata)?),
        };
        history.moments.push(users.as_ref().unwrap_or(&last).of_all(&last.users, in_orders));
    }
    Ok(Known {
        history,
        own_values: last.values.iter().map(|it| Some(it.as_ref()?.amounts?.clv)).collect(),
        names: last.names,
        users: last.users,
        in_orders,
    })
}

/// Dates of training, and every step after each, up to now.
fn moments(
    data: &OpenData<'_>,
    now: NaiveDateTime,
    step_days: u32,
) -> Result<BTreeSet<NaiveDateTime>, PipelineError> {
    let dates = data.config.snapshots.dates(data.input.first_time, now)?;
    let step = Days::new(u64::from(step_days));
    let later = |&date: &NaiveDateTime| {
        let all = std::iter::successors(Some(date), move |it| it.checked_add_days(step));
        all.take_while(move |it| *it <= now)
    };
    Ok(dates.training.iter().flat_map(later).collect())
}

/// The users of one date.
struct GroupedUsers {
    as_of: NaiveDateTime,
    users: UserIds,
    names: Vec<GroupName>,
    group_of: Vec<usize>,
    strata: Vec<u8>,
    values: Vec<Option<UserValue>>,
    orders: Option<Vec<f64>>,
    amounts: Option<Vec<f64>>,
    has_amounts: bool,
}

impl GroupedUsers {
    fn at(
        model: &Model,
        data: &OpenData<'_>,
        grouping: Grouping,
        date: NaiveDateTime,
        now: NaiveDateTime,
        with_strata: bool,
    ) -> Result<Self, PipelineError> {
        let bundle = &model.bundle;
        let label = &bundle.churn.settings.label;
        let request = SnapshotRequest::new(std::slice::from_ref(&date), label);
        let end = date.checked_add_days(Days::new(u64::from(label.horizon_days)));
        let is_over = end.is_some_and(|end| end <= now);
        let request = if is_over { request.with_outcomes() } else { request };
        let mut snapshots = data.compute(&bundle.plan, &request)?;
        let snapshot = snapshots.remove(0);
        let groups = user_groups(model, grouping, &snapshot)?;
        let wants_values = with_strata || date == now;
        let valuer = bundle.mixed_value().filter(|_| wants_values).map(|it| it.valuer(date));
        let values = match valuer {
            Some(valuer) => valuer.values(&snapshot)?,
            None => vec![None; snapshot.users.len()],
        };
        let strata = match with_strata {
            true => strata(&groups.group_of, groups.names.len(), &snapshot, &values),
            false => Vec::new(),
        };
        let has_amounts = snapshot.purchases.iter().any(|it| it.orders.amount != 0.0);
        let outcomes = snapshot.outcomes;
        Ok(Self {
            as_of: date,
            users: snapshot.users,
            names: groups.names,
            group_of: groups.group_of,
            strata,
            values,
            orders: outcomes.as_ref().map(|it| it.n_orders.clone()),
            amounts: outcomes.map(|it| it.gmv),
            has_amounts,
        })
    }

    /// The same for all users of the last date.
    fn of_all(&self, all: &UserIds, in_orders: bool) -> GroupsAt {
        let rows = all.rows_in(&self.users);
        let amounts = if in_orders { &self.orders } else { &self.amounts };
        GroupsAt {
            as_of: self.as_of,
            group_of: rows
                .iter()
                .map(|row| row.map_or(NOT_YET_SEEN, |row| self.group_of[row] as u16))
                .collect(),
            stratum_of: match self.strata.is_empty() {
                true => Vec::new(),
                false => rows.iter().map(|row| row.map_or(0, |row| self.strata[row])).collect(),
            },
            amounts: amounts
                .as_ref()
                .map(|it| rows.iter().map(|row| row.map_or(0.0, |row| it[row])).collect()),
        }
    }
}

/// Users of a group who are alike: a fifth of it by the chance of an order, and a fifth of
/// it by what they paid before.
fn strata(
    group_of: &[usize],
    n_groups: usize,
    snapshot: &Snapshot,
    values: &[Option<UserValue>],
) -> Vec<u8> {
    const { assert!(N_PARTS * N_PARTS == N_STRATA) };
    // Without a model of value, who ordered last is likeliest to order.
    let chance = |row: usize| match &values[row] {
        Some(value) => value.p_order_horizon,
        None => -snapshot.purchases[row].orders.last_days_ago,
    };
    let chances: Vec<f64> = (0..group_of.len()).map(chance).collect();
    let paid: Vec<f64> = snapshot.purchases.iter().map(|it| it.orders.amount).collect();
    let by_chance = parts(group_of, n_groups, &chances);
    let by_paid = parts(group_of, n_groups, &paid);
    by_chance.iter().zip(by_paid).map(|(a, b)| a * N_PARTS as u8 + b).collect()
}

/// Which fifth of their group users are in by a number.
fn parts(group_of: &[usize], n_groups: usize, numbers: &[f64]) -> Vec<u8> {
    let mut by_group = vec![Vec::new(); n_groups];
    group_of.iter().zip(numbers).for_each(|(&group, &number)| by_group[group].push(number));
    let bounds = |numbers: Vec<f64>| -> Vec<f64> {
        let numbers = sorted(numbers);
        let at = |part: usize| quantile(&numbers, part as f64 / N_PARTS as f64);
        if numbers.is_empty() { Vec::new() } else { (1..N_PARTS).map(at).collect() }
    };
    let bounds: Vec<Vec<f64>> = by_group.into_iter().map(bounds).collect();
    let part = |(&group, number): (&usize, &f64)| {
        bounds[group].partition_point(|bound| bound < number) as u8
    };
    group_of.iter().zip(numbers).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifths_are_of_each_group_and_equal_numbers_stay_together() {
        let group_of = [0, 0, 0, 0, 0, 1, 1, 1, 1];
        let numbers = [5.0, 1.0, 2.0, 3.0, 4.0, 7.0, 7.0, 7.0, 9.0];
        assert_eq!(parts(&group_of, 3, &numbers), [4, 0, 1, 2, 3, 0, 0, 0, 4]);
    }
}
