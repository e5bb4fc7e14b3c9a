//! What to do about churn: whom to flag, why, and by when.

mod flags;
mod reasons;
mod silence;
mod themes;

pub use flags::{AtStake, FlagCandidate, FlagOutcome, FlagRule, FlagUser, KeepingCosts};
pub use reasons::{Reason, ReasonFinder, Reasons};
pub use silence::{Silence, SilenceParams};
pub use themes::{RiskSide, Theme};
