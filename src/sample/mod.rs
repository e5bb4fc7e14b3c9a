//! Behaviour data with planted truth: users of ten known kinds, or of kinds that the seed
//! draws, to try every command on and to measure layers against.

mod drawn;
mod kinds;
mod simulate;
mod write;

pub use kinds::{KINDS, Kind};
pub use write::{SampleError, Written, write_sample};

use chrono::NaiveDate;

/// Which kinds of users there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KindSource {
    /// The ten of [`KINDS`].
    Planted,
    /// Six to twelve that the seed draws.
    Drawn,
}

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleParams {
    /// Number of users.
    pub n_users: usize,
    /// Seed; the same seed gives the same bytes.
    pub seed: u64,
    /// Which kinds they are of.
    pub kinds: KindSource,
}

impl Default for SampleParams {
    fn default() -> Self {
        Self { n_users: 6_000, seed: 20_240_101, kinds: KindSource::Planted }
    }
}

/// First day of the generated data.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a calendar day");

/// Length of the generated data in days.
const N_DAYS: u32 = 546;
