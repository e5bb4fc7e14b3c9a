/// Why groups cannot be valued, or offers not be weighed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WorthError {
    /// No step has been seen whole.
    #[error(
        "the data has no two moments a step of {step_days} days apart at which groups are known: \
         it needs a longer history, or a shorter [snapshots] horizon_days"
    )]
    NoStep {
        /// Length of a step.
        step_days: u32,
    },
    /// An offer names a group that does not exist.
    #[error("[[offer]] {number} {key}: there is no `{name}`; there are {known}")]
    NoSuchGroup {
        /// Which offer, from 1.
        number: usize,
        /// `from` or `to`.
        key: &'static str,
        /// What it names.
        name: String,
        /// The groups.
        known: String,
    },
    /// An offer leads to where its users are.
    #[error("[[offer]] {number} to: must be another group than from; both are {name}")]
    SameGroup {
        /// Which offer, from 1.
        number: usize,
        /// The group.
        name: String,
    },
    /// A floor names a group that no offer is made to.
    #[error(
        "[budget.floors] {name}: no [[offer]] is made to its users (`from`), but to those of {known}"
    )]
    NoSuchFloor {
        /// What it names.
        name: String,
        /// Where offers go to.
        known: String,
    },
}
