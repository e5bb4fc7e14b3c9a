//! What moves the users of each group: channels, discounts, hours, categories.

mod figures;
mod suggestion;

use chrono::NaiveDateTime;

use self::figures::figures;
pub use self::figures::{Figure, Lever, MIN_USERS};
use self::suggestion::suggestion;
use crate::app::grouping::user_groups;
use crate::app::{Grouping, Model, PipelineError, Session};
use crate::dataset::Bilingual;
use crate::features::{GroupedUsers, MoveAxes, MoveSums, sum_moves};
use crate::models::rules::GroupName;

/// What moves each group of a grouping.
#[derive(Debug, Clone, PartialEq)]
pub struct Moves {
    /// What groups the users.
    pub grouping: Grouping,
    /// Users are grouped as of this date; figures are of all that came before.
    pub as_of: NaiveDateTime,
    /// All users together. What it has no figure of, the data does not show.
    pub all: GroupMoves,
    /// The groups, also those that nobody is in.
    pub groups: Vec<GroupMoves>,
}

/// What moves the users of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupMoves {
    /// The group.
    pub group: GroupName,
    /// Users in it.
    pub n_users: usize,
    /// By lever; the most frequent next category first.
    pub figures: Vec<Figure>,
    /// One line for a playbook, of what is clear alone.
    pub suggestion: Bilingual,
}

/// Looks at what the users of each group answered, when, what discounts go with, and
/// which category follows.
///
/// # Errors
/// When the data cannot be read or the plan does not fit it.
pub fn moves(session: &Session, model: &Model, grouping: Grouping) -> Result<Moves, PipelineError> {
    session.run("moves", 3, |stages| {
        let bundle = &model.bundle;
        let data = session.read(Some(&bundle.plan), stages)?;
        let as_of = data.as_of()?;
        stages.begin("computing features");
        let snapshots = data.snapshot(&bundle.plan, as_of, &bundle.churn.settings.label)?;
        let groups = user_groups(model, grouping, &snapshots[0])?;
        stages.begin("adding up");
        let (n_groups, group_of) = (groups.names.len(), &groups.group_of[..]);
        let users = GroupedUsers { users: &snapshots[0].users, group_of, n_groups };
        let n_categories = bundle.config.features.max_values.categories;
        let (axes, sums) = sum_moves(data.histories, &bundle.plan, n_categories, as_of, users)?;
        let mut n_users = vec![0; n_groups];
        group_of.iter().for_each(|&group| n_users[group] += 1);
        let named = groups.names.into_iter().zip(n_users);
        let (all, groups) = of_groups(&axes, named.collect(), &sums);
        Ok(Moves { grouping, as_of, all, groups })
    })
}

/// Figures of all users together and of each group, given their names and sizes.
fn of_groups(
    axes: &MoveAxes,
    groups: Vec<(GroupName, usize)>,
    sums: &[MoveSums],
) -> (GroupMoves, Vec<GroupMoves>) {
    let mut of_all = MoveSums::new(axes);
    sums.iter().for_each(|sums| of_all.add(sums));
    let of_group = |(group, n_users): (GroupName, usize), sums: &MoveSums| {
        let figures = figures(axes, sums, &of_all);
        GroupMoves { group, n_users, suggestion: suggestion(&figures), figures }
    };
    let n_users = groups.iter().map(|(_, n_users)| n_users).sum();
    let name = GroupName { name: "all users".into(), name_zh: Some("全部用户".into()) };
    let all = of_group((name, n_users), &of_all);
    (all, groups.into_iter().zip(sums).map(|(group, sums)| of_group(group, sums)).collect())
}
