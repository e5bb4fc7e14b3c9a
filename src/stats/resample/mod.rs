//! Resamples and splits of rows: bootstrap, Poisson copies, halves, earlier dates.

mod bootstrap;
mod poisson;
mod splits;

pub use bootstrap::{Interval, bootstrap, percentile_interval};
pub use poisson::poisson_copies;
pub use splits::{dates_ended_by, every_nth, halves};
