use crate::dataset::DatasetError;
use crate::stats::boosting::BoostingError;
use crate::stats::linear::LinearError;

/// Why a churn model could not be fitted or used.
#[derive(Debug, thiserror::Error)]
pub enum ChurnError {
    /// All eligible users churned, or none did.
    #[error(
        "of {n_users} eligible users in the training snapshots {n_churned} churned: a model needs \
         users who stayed and users who left. {hint}"
    )]
    OneClass {
        /// Rows of users.
        n_users: usize,
        /// How many of them churned.
        n_churned: usize,
        /// What to change.
        hint: &'static str,
    },
    /// No feature varies.
    #[error("all {0} features are constant over the eligible users: nothing to learn churn from")]
    ConstantFeatures(usize),
    /// A feature that is to rise with the risk does not exist.
    #[error(
        "[churn] monotone_increasing: the model has no feature `{name}`; did you mean `{nearest}`?"
    )]
    NoSuchFeature {
        /// The feature of the config.
        name: String,
        /// The feature most like it.
        nearest: String,
    },
    /// The logistic regression has no minimum that could be found.
    #[error(
        "the logistic regression found no minimum: features separate the classes without error; \
         raise [churn.logistic] l2_penalty"
    )]
    NoMinimum,
    /// The logistic regression failed.
    #[error("the logistic regression failed: {0}")]
    Logistic(#[source] LinearError),
    /// The trees failed.
    #[error(transparent)]
    Boosting(#[from] BoostingError),
    /// The matrix does not fit the model.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

impl From<LinearError> for ChurnError {
    fn from(error: LinearError) -> Self {
        match error {
            LinearError::OneClass { n_rows, n_positive } => Self::one_class(n_rows, n_positive),
            LinearError::NoMinimum => Self::NoMinimum,
            other => Self::Logistic(other),
        }
    }
}

impl ChurnError {
    /// The error for classes of which one is empty.
    pub(super) fn one_class(n_users: usize, n_churned: usize) -> Self {
        let hint = match n_churned {
            _ if n_users == 0 => {
                "Nobody is eligible: widen [churn] lookback_days, or lower min_age_days"
            }
            0 => "A shorter [snapshots] horizon_days, or [silence] days, would have some leave",
            _ => "A longer [snapshots] horizon_days, or [silence] days, would have some stay",
        };
        Self::OneClass { n_users, n_churned, hint }
    }
}
