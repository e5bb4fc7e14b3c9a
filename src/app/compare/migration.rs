//! Who went from which group to which between two dates, and the GMV before
//! and after.

use chrono::{Days, NaiveDate, NaiveDateTime};

use crate::app::grouping::user_groups;
use crate::app::open_data::OpenData;
use crate::app::{Grouping, Model, PipelineError, Session};
use crate::dataset::{Snapshot, UserIds};
use crate::features::FeatureError;
use crate::models::rules::GroupName;

/// Where users come from who were not there at the first date.
const NOT_YET_SEEN: &str = "(not yet seen)";

/// Between which dates, by which grouping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrationRequest {
    /// What groups the users.
    pub grouping: Grouping,
    /// The first date; by default one horizon before the second, which is the as-of
    /// date of the session.
    pub from: Option<NaiveDate>,
}

/// Users who went from group to group.
#[derive(Debug, Clone, PartialEq)]
pub struct Migration {
    /// What groups the users.
    pub grouping: Grouping,
    /// The first date.
    pub from: NaiveDateTime,
    /// The second date.
    pub to: NaiveDateTime,
    /// GMV before and after is that of this many days before each date.
    pub window_days: u32,
    /// Users seen before the second date.
    pub n_users: usize,
    /// Those of them who were not seen before the first.
    pub n_new: usize,
    /// Share of the users seen before the first date who are in the same group
    /// at the second; `None` when there were none.
    pub stayed: Option<f64>,
    /// The groups, with users and GMV at each date.
    pub groups: Vec<GroupAtBothDates>,
    /// From every group, and from nowhere, to every group: all pairs, in order.
    pub flows: Vec<Flow>,
}

/// A group at two dates.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupAtBothDates {
    /// The group.
    pub group: GroupName,
    /// Users at the first date.
    pub n_before: usize,
    /// Users at the second.
    pub n_after: usize,
    /// Share of the former who are in it at both.
    pub stayed: Option<f64>,
    /// What its users at the first date ordered in the window before.
    pub gmv_before: f64,
    /// What its users at the second date ordered in the window before that.
    pub gmv_after: f64,
}

/// Users who went from one group to another, or stayed in one.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Group at the first date, or `(not yet seen)`.
    pub from: String,
    /// Group at the second date.
    pub to: String,
    /// How many.
    pub n_users: usize,
    /// Share of all who come from there: the rates of a group add up to 1.
    /// `None` when nobody was there.
    pub rate: Option<f64>,
    /// What they ordered in the window before the first date.
    pub gmv_before: f64,
    /// What they ordered in the window before the second.
    pub gmv_after: f64,
    /// The former for each of them.
    pub gmv_per_user_before: Option<f64>,
    /// The latter for each of them.
    pub gmv_per_user_after: Option<f64>,
}

/// Groups all users at two dates and counts who went where.
///
/// # Errors
/// When a date lies outside the data or they are in the wrong order, the data
/// cannot be read, or the plan does not fit it.
pub fn migration(
    session: &Session,
    model: &Model,
    request: &MigrationRequest,
) -> Result<Migration, PipelineError> {
    session.run("migration", 3, |stages| {
        let data = session.read(Some(&model.bundle.plan), stages)?;
        let window_days = model.bundle.config.snapshots.horizon_days.get();
        let (from, to) = dates(&data, request, window_days)?;
        stages.begin("computing features");
        let before = users_at(model, &data, from, window_days, request.grouping)?;
        let after = users_at(model, &data, to, window_days, request.grouping)?;
        stages.begin("counting");
        let cells = Cells::count(&before, &after);
        Ok(Migration {
            grouping: request.grouping,
            from,
            to,
            window_days,
            n_users: after.groups.len(),
            n_new: cells.row_users(cells.n_groups),
            stayed: share(cells.stayed(), before.groups.len()),
            groups: cells.groups(&after.names),
            flows: cells.flows(&after.names),
        })
    })
}

/// The two dates, in order and within the data.
fn dates(
    data: &OpenData<'_>,
    request: &MigrationRequest,
    window_days: u32,
) -> Result<(NaiveDateTime, NaiveDateTime), PipelineError> {
    let to = data.as_of()?;
    let midnight = |day: NaiveDate| day.and_time(Default::default());
    let window = Days::new(u64::from(window_days));
    let from = request.from.map(midnight).or_else(|| to.checked_sub_days(window)).unwrap_or(to);
    if from >= to {
        return Err(PipelineError::DatesOutOfOrder { from: from.date(), to: to.date() });
    }
    let first = data.input.first_time;
    if from <= first {
        return Err(FeatureError::AsOfBeforeData { as_of: from, first }.into());
    }
    Ok((from, to))
}

/// All users at a date, their groups, and what they ordered shortly before.
struct UsersAt {
    users: UserIds,
    names: Vec<GroupName>,
    groups: Vec<usize>,
    gmv: Vec<f64>,
}

fn users_at(
    model: &Model,
    data: &OpenData<'_>,
    date: NaiveDateTime,
    window_days: u32,
    grouping: Grouping,
) -> Result<UsersAt, PipelineError> {
    let (plan, label) = (&model.bundle.plan, &model.bundle.churn.settings.label);
    let snapshots = data.snapshot(plan, date, label)?;
    let snapshot = &snapshots[0];
    let groups = user_groups(model, grouping, snapshot)?;
    let mut gmv = total_gmv(snapshot);
    let start = date.checked_sub_days(Days::new(u64::from(window_days)));
    if let Some(start) = start.filter(|start| *start > data.input.first_time) {
        let earlier = data.snapshot(&plan.select(&[]), start, label)?;
        let gmv_earlier = total_gmv(&earlier[0]);
        for (gmv, row) in gmv.iter_mut().zip(snapshot.users.rows_in(&earlier[0].users)) {
            *gmv -= row.map_or(0.0, |row| gmv_earlier[row]);
        }
    }
    Ok(UsersAt { users: snapshot.users.clone(), names: groups.names, groups: groups.group_of, gmv })
}

/// All that each user ever ordered; zeros where there is no money in the data.
fn total_gmv(snapshot: &Snapshot) -> Vec<f64> {
    snapshot.purchases.iter().map(|it| it.orders.amount).collect()
}

#[derive(Clone, Default)]
struct Cell {
    n_users: usize,
    gmv_before: f64,
    gmv_after: f64,
}

/// A cell for every pair of groups; the last row is of users not seen before.
struct Cells {
    n_groups: usize,
    cells: Vec<Cell>,
}

impl Cells {
    fn count(before: &UsersAt, after: &UsersAt) -> Self {
        let n_groups = after.names.len();
        let mut cells = vec![Cell::default(); (n_groups + 1) * n_groups];
        for (row, earlier) in after.users.rows_in(&before.users).into_iter().enumerate() {
            let from = earlier.map_or(n_groups, |earlier| before.groups[earlier]);
            let cell = &mut cells[from * n_groups + after.groups[row]];
            cell.n_users += 1;
            cell.gmv_before += earlier.map_or(0.0, |earlier| before.gmv[earlier]);
            cell.gmv_after += after.gmv[row];
        }
        // A difference of totals leaves a trace beyond the four decimals of amounts.
        let round = |amount: f64| (amount * 1e4).round() / 1e4;
        for cell in &mut cells {
            (cell.gmv_before, cell.gmv_after) = (round(cell.gmv_before), round(cell.gmv_after));
        }
        Self { n_groups, cells }
    }

    fn at(&self, from: usize, to: usize) -> &Cell {
        &self.cells[from * self.n_groups + to]
    }

    fn row_users(&self, from: usize) -> usize {
        (0..self.n_groups).map(|to| self.at(from, to).n_users).sum()
    }

    fn stayed(&self) -> usize {
        (0..self.n_groups).map(|group| self.at(group, group).n_users).sum()
    }

    fn groups(&self, names: &[GroupName]) -> Vec<GroupAtBothDates> {
        let group = |(index, name): (usize, &GroupName)| {
            let leaving = || (0..self.n_groups).map(move |to| self.at(index, to));
            let coming = || (0..=self.n_groups).map(move |from| self.at(from, index));
            GroupAtBothDates {
                group: name.clone(),
                n_before: self.row_users(index),
                n_after: coming().map(|cell| cell.n_users).sum(),
                stayed: share(self.at(index, index).n_users, self.row_users(index)),
                gmv_before: leaving().map(|cell| cell.gmv_before).sum(),
                gmv_after: coming().map(|cell| cell.gmv_after).sum(),
            }
        };
        names.iter().enumerate().map(group).collect()
    }

    fn flows(&self, names: &[GroupName]) -> Vec<Flow> {
        let flow = |from: usize, to: usize| {
            let cell = self.at(from, to);
            let a_user = |total: f64| (cell.n_users > 0).then(|| total / cell.n_users as f64);
            Flow {
                from: names.get(from).map_or(NOT_YET_SEEN, |it| &it.name).to_owned(),
                to: names[to].name.clone(),
                n_users: cell.n_users,
                rate: share(cell.n_users, self.row_users(from)),
                gmv_before: cell.gmv_before,
                gmv_after: cell.gmv_after,
                gmv_per_user_before: a_user(cell.gmv_before),
                gmv_per_user_after: a_user(cell.gmv_after),
            }
        };
        (0..=self.n_groups)
            .flat_map(|from| (0..self.n_groups).map(move |to| (from, to)))
            .map(|(from, to)| flow(from, to))
            .collect()
    }
}

fn share(part: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(ids: &[i64], groups: &[usize], gmv: &[f64]) -> UsersAt {
        let name = |name: &str| GroupName { name: name.into(), name_zh: None };
        UsersAt {
            users: UserIds::Integer(ids.to_vec()),
            names: ["a", "b", "c"].map(name).to_vec(),
            groups: groups.to_vec(),
            gmv: gmv.to_vec(),
        }
    }

    fn cells() -> (Cells, Vec<GroupName>) {
        let before = users(&[1, 3, 4, 7], &[0, 0, 1, 0], &[10.0, 20.0, 5.0, 1.0]);
        let after =
            users(&[1, 2, 3, 4, 7, 9], &[0, 1, 1, 1, 1, 1], &[30.0, 8.0, 0.1 + 0.2, 5.0, 2.0, 4.0]);
        (Cells::count(&before, &after), after.names)
    }

    #[test]
    fn users_and_money_are_counted_by_flow() {
        let (cells, names) = cells();
        let flows = cells.flows(&names);
        let find = |from: &str, to: &str| flows.iter().find(|f| f.from == from && f.to == to);
        assert_eq!(flows.len(), 4 * 3);
        let moved = find("a", "b").unwrap();
        assert_eq!((moved.n_users, moved.rate), (2, Some(2.0 / 3.0)));
        assert_eq!((moved.gmv_before, moved.gmv_after), (21.0, 2.3));
        assert_eq!(moved.gmv_per_user_before, Some(10.5));
        let new = find(NOT_YET_SEEN, "b").unwrap();
        assert_eq!(
            (new.n_users, new.rate, new.gmv_before, new.gmv_after),
            (2, Some(1.0), 0.0, 12.0)
        );
        assert_eq!(find("c", "a").unwrap().rate, None);
        assert_eq!(find("c", "a").unwrap().gmv_per_user_after, None);
        assert_eq!(cells.stayed(), 2);
    }

    #[test]
    fn rates_of_a_row_add_up_to_one_and_nobody_is_lost() {
        let (cells, names) = cells();
        let flows = cells.flows(&names);
        for from in ["a", "b", NOT_YET_SEEN] {
            let rates = flows.iter().filter(|flow| flow.from == from).filter_map(|flow| flow.rate);
            assert!((rates.sum::<f64>() - 1.0).abs() < 1e-12, "{from}");
        }
        assert_eq!(flows.iter().map(|flow| flow.n_users).sum::<usize>(), 6);
        let groups = cells.groups(&names);
        assert_eq!(groups.iter().map(|group| group.n_before).sum::<usize>(), 4);
        assert_eq!(groups.iter().map(|group| group.n_after).sum::<usize>(), 6);
        assert_eq!((groups[0].stayed, groups[0].gmv_before), (Some(1.0 / 3.0), 31.0));
        assert_eq!((groups[1].gmv_after, groups[2].stayed), (19.3, None));
    }
}
