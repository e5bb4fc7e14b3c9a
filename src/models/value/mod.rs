//! What a customer will be worth: how often they will order, for how long, and for how
//! much.

mod active;
mod bg_bb;
mod bg_nbd;
mod derivatives;
mod gamma_gamma;
mod order_model;
mod order_times;
mod pareto_nbd;
#[cfg(test)]
mod tests;

pub use gamma_gamma::{FittedSpend, GammaGamma, Spend};
pub use order_model::{
    CovariateEffect, CovariateLevel, FittedOrders, Forecast, Forecaster, Horizons, KnownForecasts,
    NEXT_ORDER_SHARES, OrderModel, OrderModelKind, OrdersAhead, fit_orders,
};
pub use order_times::{DAYS_PER_WEEK, GroupedTimes, OrderTimes};
