//! Groupings by rule, as the field uses them today: RFM in cells, names and
//! levels, value against demand, lifecycle stages. A user's group depends on
//! that user and on what training learned, and never on who else is there.

mod error;
mod groupings;
mod lifecycle;
mod map_error;
mod patterns;
mod rfm;
mod rfm_map;
mod value_demand;

pub use error::RuleError;
pub use groupings::{FittedRules, RuleGrouping, UserGroups};
pub use lifecycle::{LifecycleBounds, LifecycleParams, LifecycleStage};
pub use map_error::RfmMapError;
pub use rfm::{FittedRfm, Quintiles, RfmScores};
pub use rfm_map::{GroupName, RfmMap, RfmParams};
pub use value_demand::FittedValueDemand;
