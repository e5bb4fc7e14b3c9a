//! What randomised arms differ by: estimates from moments, tests, intervals, power.

mod effect;
mod estimate;
mod heterogeneity;
mod mismatch;
mod moments;
mod multiplicity;
mod policy_value;
mod power;
mod sequential;
mod strata;
#[cfg(test)]
mod vectors;

pub use effect::{Effect, LiftInterval};
pub use estimate::{CovariateOf, Estimate, MetricForm, covariate_coefficient, estimates};
pub use heterogeneity::{Heterogeneity, Shrunken, heterogeneity};
pub use mismatch::{ArmCount, Mismatch, mismatch};
pub use moments::{ExactSums, Moments, N_COLUMNS};
pub use multiplicity::{Correction, adjusted_p_values};
pub use policy_value::{PolicyValue, policy_value, value_difference};
pub use power::{Contrast, Design, Looks};
pub use sequential::AlwaysValid;
pub use strata::post_stratified;
