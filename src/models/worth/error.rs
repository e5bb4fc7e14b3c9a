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
    /// A floor names a group that no offer which can be ranked is made to.
    #[error(
        "[budget.floors] {name}: no [[offer]] that can be ranked is made to it; such are made to {known}"
    )]
    NoSuchFloor {
        /// What it names.
        name: String,
        /// Where offers go to.
        known: String,
    },
}
