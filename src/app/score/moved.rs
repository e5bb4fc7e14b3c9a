//! Who changed layer or kind since the night before.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Tonight's layers and kinds beside those of the latest published night before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// As-of date of the night before.
    pub since: NaiveDate,
    /// Whether both nights have the same model and review, so that only users moved.
    pub same_model: bool,
    /// Users of both nights.
    pub n_users: u64,
    /// Users of tonight only.
    pub n_new: u64,
    /// Users of the night before only.
    pub n_gone: u64,
    /// Layers.
    pub layers: MovedUsers,
    /// Kinds.
    pub kinds: MovedUsers,
}

/// Users of both nights who are not in the group in which they were.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedUsers {
    /// How many.
    pub n_users: u64,
    /// Their share.
    pub share: f64,
    /// Share moved by what users did. Of another model it is not known: that of the latest
    /// night with the same model as its own night before stands for it, if there is one.
    pub by_users: Option<f64>,
    /// Share moved by another model or review: what is left.
    pub by_model: Option<f64>,
    /// Users by the ids of both groups, of those who moved.
    pub flows: Vec<MovedFlow>,
}

/// Users who went from one group to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedFlow {
    /// Id of the group of the night before.
    pub from: String,
    /// Id of tonight's group.
    pub to: String,
    /// Users.
    pub n_users: u64,
}
