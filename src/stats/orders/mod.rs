//! Probability models of how often customers order, for how long and for how much ("buy till
//! you die"). All that they predict follows from one function, the rate of orders of a
//! customer who is still there, and one quadrature.

mod active;
mod bg_bb;
mod bg_nbd;
mod derivatives;
mod forecaster;
mod gamma_gamma;
mod order_model;
mod order_times;
mod pareto_nbd;
#[cfg(test)]
mod tests;

pub use forecaster::{Forecast, Forecaster, Horizons, OrdersAhead};
pub use gamma_gamma::{FittedSpend, GammaGamma, Spend};
pub use order_model::{
    CovariateEffect, CovariateLevel, FittedOrders, OrderModel, OrderModelKind, fit_orders,
};
pub use order_times::{DAYS_PER_WEEK, GroupedTimes, OrderTimes};
