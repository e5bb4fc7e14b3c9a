//! Resamples and splits of rows: bootstrap, Poisson copies, halves, earlier dates; and
//! intervals over units that hold many events.

mod bootstrap;
mod poisson;
mod ratio;
mod splits;

pub use bootstrap::{Interval, bootstrap, percentile_interval};
pub use poisson::poisson_copies;
pub use ratio::{RatioSums, Z_95, Z_99_5};
pub use splits::{dates_ended_by, every_nth, halves};
