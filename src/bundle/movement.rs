use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What became of the users known at both days.
///
/// A user's layer is looked at three times: by the old model on its own day (A),
/// by the old model on the new day (B) and by the new model on the new day (C),
/// by ids. From A to B only the user can have changed, from B to C only the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    /// The day on which the old model's training ended.
    pub from: NaiveDate,
    /// That of the new model's.
    pub to: NaiveDate,
    /// Users known at both days.
    pub n_users: usize,
    /// A = B = C.
    pub stayed: usize,
    /// A ≠ B = C: the user does other things than before.
    pub user_moved: usize,
    /// A = B ≠ C: the models draw the line elsewhere.
    pub boundary_moved: usize,
    /// A ≠ B ≠ C, whether or not the user ends where they were.
    pub both: usize,
    /// Users by layer before and after, all pairs that somebody went.
    pub flows: Vec<MovementFlow>,
}

/// Users who were in one layer by the old model and are in another, or the same,
/// by the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovementFlow {
    /// Id of the layer before.
    pub from: String,
    /// Id of the layer after.
    pub to: String,
    /// How many.
    pub n_users: usize,
    /// Those who moved themselves.
    pub user_moved: usize,
    /// Those whom the boundary moved.
    pub boundary_moved: usize,
    /// Both.
    pub both: usize,
}
