//! What a customer will be worth: how often they will order, for how long, and for how much.

mod checks;
mod customers;
mod error;
mod evaluation;
mod fit;
mod interval;
mod learned;
mod mix;
mod params;
mod season;
mod selection;
mod spend;
#[cfg(test)]
mod tests;
mod tracking;

pub use checks::ValueChecks;
pub use error::{NoValue, ValueError};
pub use evaluation::{
    AmountRanking, AmountScores, Estimated, RankedBy, RatioEstimate, RepeatRow, ValueEvaluation,
    evaluate_value,
};
pub use fit::{FittedValue, MAX_LEVELS, MIN_REPEATERS, ValueModel, check_covariates, fit_value};
pub use interval::{AmountInterval, COVERAGE};
pub use learned::{LearnedRounds, LearnedValue};
pub use mix::{
    LearnedMix, MixCandidate, MixSelection, Mixed, UserAmounts, UserValue, Valuer, learn_value,
};
pub use params::{Occasion, ValueModelChoice, ValueParams};
pub use season::fit_value_season;
pub use selection::{ValueCandidate, ValueSelection, select_value};
pub use spend::{SpendGroup, SpendModel, WhyMean};
pub use tracking::{TrackedWeeks, Tracker, Tracking};
