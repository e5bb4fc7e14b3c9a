//! Which groups users were in, from step to step.

use chrono::{Days, NaiveDateTime};

/// Instead of a group, of users who were not yet seen.
pub const NOT_YET_SEEN: u16 = u16::MAX;

/// Strata of users who are alike, within each group.
pub const N_STRATA: usize = 25;

/// Users at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupsAt {
    /// The moment.
    pub as_of: NaiveDateTime,
    /// The group of each user of the history, or [`NOT_YET_SEEN`].
    pub group_of: Vec<u16>,
    /// Which users of a group are alike, below [`N_STRATA`]; empty where nobody asks.
    pub stratum_of: Vec<u8>,
    /// What each user ordered in the step that follows, in the currency of the data; `None`
    /// where it has not ended.
    pub amounts: Option<Vec<f64>>,
}

/// The same users at several moments, some of which are a step apart.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupHistory {
    /// Length of a step.
    pub step_days: u32,
    /// Groups.
    pub n_groups: usize,
    /// Ascending, of as many users each; the last is now.
    pub moments: Vec<GroupsAt>,
}

impl GroupHistory {
    /// Users.
    pub fn n_users(&self) -> usize {
        self.now().group_of.len()
    }

    /// The last moment.
    ///
    /// # Panics
    /// Without moments.
    pub fn now(&self) -> &GroupsAt {
        self.moments.last().expect("there is a moment")
    }

    /// The moment so many steps after another, if there is one.
    pub(super) fn after(&self, moment: &GroupsAt, n_steps: usize) -> Option<&GroupsAt> {
        let days = Days::new(u64::from(self.step_days) * n_steps as u64);
        let wanted = moment.as_of.checked_add_days(days)?;
        let place = self.moments.binary_search_by(|it| it.as_of.cmp(&wanted)).ok()?;
        Some(&self.moments[place])
    }

    /// The moment so many steps before now, if there is one.
    pub(super) fn before_now(&self, n_steps: usize) -> Option<&GroupsAt> {
        self.moments
            .iter()
            .find(|it| self.after(it, n_steps).is_some_and(|later| later.as_of == self.now().as_of))
    }

    /// Moments a step apart, of which the second is not after `until`.
    pub(super) fn steps(&self, until: NaiveDateTime) -> Vec<(&GroupsAt, &GroupsAt)> {
        let step = |moment| Some((moment, self.after(moment, 1)?));
        let steps = self.moments.iter().filter_map(step);
        steps.filter(|(_, later)| later.as_of <= until).collect()
    }

    /// Moments from each of which so many steps follow that have ended, with these steps' own
    /// moments.
    pub(super) fn spans(&self, n_steps: usize) -> Vec<Vec<&GroupsAt>> {
        let is_whole = |it: &&GroupsAt| it.amounts.is_some();
        let span = |moment| -> Option<Vec<&GroupsAt>> {
            (0..n_steps).map(|step| self.after(moment, step).filter(is_whole)).collect()
        };
        self.moments.iter().filter_map(span).collect()
    }

    /// Users of each group at a moment.
    pub(super) fn sizes(&self, moment: &GroupsAt) -> Vec<f64> {
        let mut sizes = vec![0.0; self.n_groups];
        for &group in moment.group_of.iter().filter(|&&it| it != NOT_YET_SEEN) {
            sizes[usize::from(group)] += 1.0;
        }
        sizes
    }
}
