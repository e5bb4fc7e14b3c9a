//! What became of the users of each group in the holdout period.

use chrono::NaiveDateTime;

use crate::app::grouping::user_groups;
use crate::app::{Grouping, Model, PipelineError, Session};
use crate::dataset::Outcomes;
use crate::features::SnapshotRequest;
use crate::models::rules::{GroupName, UserGroups};

/// All groups of a grouping at the holdout snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupedOutcomes {
    /// What groups the users.
    pub grouping: Grouping,
    /// As-of date of the holdout snapshot.
    pub holdout: NaiveDateTime,
    /// Days after it, in which GMV and churn are seen.
    pub horizon_days: u32,
    /// All users together.
    pub all: GroupOutcome,
    /// One row a group, also for groups that nobody is in.
    pub groups: Vec<GroupOutcome>,
}

/// The users of a group and what they did in the horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupOutcome {
    /// The group.
    pub group: GroupName,
    /// Users in it.
    pub n_users: usize,
    /// Share of all users.
    pub share: f64,
    /// Amount ordered in the horizon.
    pub gmv: f64,
    /// The same for each user; `None` where there are none.
    pub gmv_per_user: Option<f64>,
    /// Share of all users' GMV; `None` where there is none.
    pub gmv_share: Option<f64>,
    /// Share of its users without an order in the horizon; `None` without users.
    pub no_order_rate: Option<f64>,
    /// Share of its eligible users who churned by the rule of the config; `None`
    /// without such users.
    pub churn_rate: Option<f64>,
}

/// Looks at the model's holdout period by each of the groupings.
///
/// # Errors
/// When the data cannot be read or the plan does not fit it.
pub fn group_outcomes(
    session: &Session,
    model: &Model,
    groupings: &[Grouping],
) -> Result<Vec<GroupedOutcomes>, PipelineError> {
    session.run("groups", 2, |stages| {
        let bundle = &model.bundle;
        let data = session.read(Some(&bundle.plan), stages)?;
        stages.begin("computing features");
        let (holdout, label) = (bundle.record.dates.holdout, &bundle.churn.settings.label);
        let horizon_days = label.horizon_days;
        let request = SnapshotRequest::new(std::slice::from_ref(&holdout), label);
        let snapshots = data.snapshots(&bundle.plan, &request.with_outcomes())?;
        let outcomes = snapshots[0].known_outcomes()?;
        let of_grouping = |&grouping: &Grouping| {
            let groups = user_groups(model, grouping, &snapshots[0])?;
            let (all, groups) = tally(&groups, outcomes);
            Ok(GroupedOutcomes { grouping, holdout, horizon_days, all, groups })
        };
        groupings.iter().map(of_grouping).collect()
    })
}

/// All users together, and each group.
fn tally(groups: &UserGroups, outcomes: &Outcomes) -> (GroupOutcome, Vec<GroupOutcome>) {
    let everybody: Vec<usize> = (0..groups.group_of.len()).collect();
    let mut members = vec![Vec::new(); groups.names.len()];
    everybody.iter().for_each(|&row| members[groups.group_of[row]].push(row));
    let (n_all, gmv_all) = (everybody.len(), outcomes.gmv.iter().sum::<f64>());
    let outcome = |group: GroupName, rows: &[usize]| {
        let n_users = rows.len();
        let gmv: f64 = rows.iter().map(|&row| outcomes.gmv[row]).sum();
        let n_without_order = rows.iter().filter(|&&row| outcomes.has_no_order(row)).count();
        let a_user = |total: f64| (n_users > 0).then(|| total / n_users as f64);
        GroupOutcome {
            group,
            n_users,
            share: n_users as f64 / n_all.max(1) as f64,
            gmv,
            gmv_per_user: a_user(gmv),
            gmv_share: (gmv_all > 0.0).then(|| gmv / gmv_all),
            no_order_rate: a_user(n_without_order as f64),
            churn_rate: outcomes.churn_rate(rows),
        }
    };
    let all = GroupName { name: "all users".into(), name_zh: Some("全部用户".into()) };
    let by_group = groups.names.iter().cloned().zip(&members);
    (outcome(all, &everybody), by_group.map(|(name, rows)| outcome(name, rows)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_add_up_to_all_users() {
        let name = |name: &str| GroupName { name: name.into(), name_zh: None };
        let groups = UserGroups {
            names: vec![name("a"), name("b"), name("c")],
            group_of: vec![0, 2, 0, 0],
            never_ordered: None,
        };
        let mut outcomes =
            Outcomes::of_orders(vec![1.0, 0.0, 0.0, 2.0], vec![10.0, 0.0, 0.0, 30.0]);
        outcomes.churned[1] = None;
        let (all, rows) = tally(&groups, &outcomes);
        assert_eq!((all.n_users, all.gmv, all.no_order_rate), (4, 40.0, Some(0.5)));
        assert_eq!((rows[0].n_users, rows[0].share, rows[0].gmv), (3, 0.75, 40.0));
        assert_eq!((rows[0].gmv_share, rows[0].no_order_rate), (Some(1.0), Some(1.0 / 3.0)));
        assert_eq!((rows[1].n_users, rows[1].gmv_per_user, rows[1].no_order_rate), (0, None, None));
        assert_eq!((rows[2].gmv_per_user, rows[2].no_order_rate), (Some(0.0), Some(1.0)));
        // Of whom the rule says nothing, no churn is known.
        assert_eq!((all.churn_rate, rows[1].churn_rate), (Some(1.0 / 3.0), None));
    }
}
