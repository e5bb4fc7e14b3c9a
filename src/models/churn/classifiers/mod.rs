//! Classifiers of churn behind one trait.

mod blend;
mod classifier;
mod fitted;
mod logistic;
mod trees;

pub use blend::FittedBlend;
pub(super) use blend::blended;
pub use classifier::{Classifier, Explain, Explained};
pub use fitted::FittedClassifier;
pub use logistic::FittedLogistic;
pub use trees::FittedTrees;
