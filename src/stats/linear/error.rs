/// Why a linear model could not be fitted.
#[derive(Debug, thiserror::Error)]
pub enum LinearError {
    /// All targets are of one class.
    #[error("{n_positive} of {n_rows} targets are positive: a fit needs both classes")]
    OneClass {
        /// Rows.
        n_rows: usize,
        /// How many of them are positive.
        n_positive: usize,
    },
    /// A weight that is negative or not a number.
    #[error("weights must be zero or more, but that of row {row} is {weight}")]
    Weight {
        /// Row, from 0.
        row: usize,
        /// Its weight.
        weight: f64,
    },
    /// No row has weight.
    #[error("all weights are zero: nothing to fit to")]
    ZeroWeights,
    /// Newton's method found no minimum.
    #[error(
        "no minimum found: the columns separate the classes without error; raise the L2 penalty"
    )]
    NoMinimum,
    /// A system of equations could not be solved.
    #[error(transparent)]
    Equations(#[from] linfa_linalg::LinalgError),
    /// `linfa` refused its input.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
