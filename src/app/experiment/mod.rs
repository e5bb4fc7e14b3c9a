//! Live experiments: plan, assign, read out, and what a targeting is worth.

mod assign;
mod assignments;
mod columns;
mod from_events;
mod from_table;
mod id_order;
mod intake;
mod metric_features;
mod plan_file;
mod planning;
mod readout;
mod table_rows;
mod targeting;

pub use assign::{AssignRequest, AssignedUsers, assign};
pub use plan_file::{PlanFile, seal};
pub use planning::{Planned, plan_from_events, plan_from_table};
pub use readout::{
    Accepted, ExperimentReadout, State, TableRequest, readout_of_events, readout_of_table,
};
pub use targeting::{TargetingValues, targeting_of_events, targeting_of_table};
