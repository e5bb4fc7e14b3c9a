//! What a customer will be worth: how often they will order, for how long, and for how
//! much.

mod active;
mod bg_bb;
mod bg_nbd;
mod customers;
mod derivatives;
mod error;
mod evaluation;
mod fit;
mod gamma_gamma;
mod interval;
mod order_model;
mod order_times;
mod params;
mod pareto_nbd;
mod spend;
#[cfg(test)]
mod tests;

pub use error::NoValue;
pub use evaluation::{
    AmountRanking, AmountScores, Estimated, RankedBy, RatioEstimate, RepeatRow, ValueEvaluation,
    evaluate_value,
};
pub use fit::{
    FittedValue, MIN_REPEATERS, UserAmounts, UserValue, ValueCandidate, ValueChecks, ValueModel,
    ValueSelection, fit_value, select_value,
};
pub use gamma_gamma::{FittedSpend, GammaGamma, Spend};
pub use interval::{AmountInterval, COVERAGE};
pub use order_model::{
    CovariateEffect, CovariateLevel, FittedOrders, Forecast, Forecaster, Horizons, KnownForecasts,
    NEXT_ORDER_SHARES, OrderModel, OrderModelKind, OrdersAhead, fit_orders,
};
pub use order_times::{DAYS_PER_WEEK, GroupedTimes, OrderTimes};
pub use params::{Occasion, ValueModelChoice, ValueParams};
pub use spend::{SpendGroup, SpendModel, WhyMean};
