use crate::dataset::DatasetError;

/// Why a churn model could not be fitted or used.
#[derive(Debug, thiserror::Error)]
pub enum ChurnError {
    /// A parameter is out of bounds.
    #[error("{0}")]
    Params(String),
    /// All customers churned, or none did.
    #[error(
        "of {n_customers} customers in the training snapshots {n_churned} churned: a model needs \
         both who stayed and who left. Change [snapshots] horizon_days{hint}"
    )]
    OneClass {
        /// Rows of customers.
        n_customers: usize,
        /// How many of them churned.
        n_churned: usize,
        /// In which direction.
        hint: &'static str,
    },
    /// No feature tells customers apart.
    #[error("all {0} features are constant over the customers: nothing to learn churn from")]
    ConstantFeatures(usize),
    /// The optimiser failed.
    #[error("logistic regression failed: {0}")]
    Logistic(#[from] linfa_logistic::error::Error),
    /// The matrix does not fit the model.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}
