use serde::{Deserialize, Serialize};

use crate::dataset::DatasetError;
use crate::stats::boosting::BoostingError;
use crate::stats::orders::OrderModelKind;

/// Why there is no model of value: users have none then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NoValue {
    /// Too few customers ordered again.
    FewRepeaters {
        /// Who did.
        n_repeaters: usize,
        /// Who ordered.
        n_customers: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The likelihood has no maximum.
    NoMaximum {
        /// The model.
        model: OrderModelKind,
        /// How the search ended.
        how: String,
    },
}

/// Why value could not be learned or predicted.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// A covariate is no feature.
    #[error("[value] covariates: there is no feature `{name}`; did you mean `{nearest}`?")]
    NoSuchCovariate {
        /// The covariate of the config.
        name: String,
        /// The feature most like it.
        nearest: String,
    },
    /// Covariates have too many values.
    #[error(
        "[value] covariates: {names} have more than {most} different values together; a covariate \
         has few, such as 0 and 1"
    )]
    ManyLevels {
        /// The covariates.
        names: String,
        /// How many are allowed.
        most: usize,
    },
    /// Users are to be flagged by a value that they do not have.
    #[error(
        "[churn] flag profit by = \"clv\" needs a model of value with amounts, and this data \
         gives none; use by = \"past_year\""
    )]
    NoValueToFlagBy,
    /// The trees failed.
    #[error(transparent)]
    Boosting(#[from] BoostingError),
    /// The matrix does not fit the model.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}
