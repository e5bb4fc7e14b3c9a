/// Why trees could not be grown or used.
#[derive(Debug, thiserror::Error)]
pub enum BoostingError {
    /// The library refused its input.
    #[error("boosted trees failed: {0}")]
    Library(#[from] hessboost::prelude::HessboostError),
    /// Saved trees cannot be read.
    #[error("the saved trees can't be read: {0}")]
    Saved(#[from] serde_json::Error),
    /// Another number of features than the trees were grown with.
    #[error("the trees need {expected} features, got {got}")]
    Width {
        /// Features of the fit.
        expected: usize,
        /// Features given.
        got: usize,
    },
}
