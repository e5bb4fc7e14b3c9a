//! Behaviour data with planted truth: users of ten known kinds, generated from
//! a seed, to try every command on and to measure layers against.

mod kinds;
mod simulate;
mod write;

pub use kinds::{KINDS, Kind};
pub use write::{SampleError, Written, write_sample};

use chrono::NaiveDate;

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleParams {
    /// Number of users.
    pub n_users: usize,
    /// Seed; the same seed gives the same bytes.
    pub seed: u64,
}

impl Default for SampleParams {
    fn default() -> Self {
        Self { n_users: 6_000, seed: 20_240_101 }
    }
}

/// First day of the generated data.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a calendar day");

/// Length of the generated data in days.
const N_DAYS: u32 = 546;
