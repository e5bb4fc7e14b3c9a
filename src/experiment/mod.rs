//! Live experiments: what is planned, who gets which arm, and what came of it.

mod assignment;
mod checks;
mod gates;
mod hashing;
mod plan;
mod planning;
mod readout;
mod seal;
mod tally;
mod targeting;

pub use assignment::{ArmOf, Assigner, Candidate};
pub use gates::{Gate, GateKind, Intake, Level, Located, MAX_EXPLAINED, gates};
pub use hashing::Hashing;
pub use plan::{
    ArmPlan, Cap, Columns, CovariatePlan, ExperimentPlan, HoldoutPlan, MetricKind, MetricPlan,
    plan_template,
};
pub use planning::{MetricOutlook, Outlook, Population, outlook};
pub use readout::{
    Adjustments, ArmResult, Comparison, FEW_NOT_ZERO, LayerEffect, LayerResults, MetricResult,
    Outlier, Readout, Tested, Verdict, WithoutOutliers, read_out,
};
pub use seal::{Deviation, SealError, Sealed, deviations};
pub use tally::{
    LargeValue, MAX_VALUE, MetricShape, MetricTally, NO_CELL, SCALE, Tally, UnitValues, fixed_point,
};
pub use targeting::{Gain, TargetingValue, Treated, Valued, targeting_values};
