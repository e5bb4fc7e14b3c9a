//! Linear models and directions: logistic and ridge regression, principal components.

mod error;
mod logistic;
mod pca;
mod ridge;

pub use error::LinearError;
pub use logistic::{LogisticModel, LogisticParams, probability};
pub use pca::principal_components;
pub use ridge::ridge_weights;
