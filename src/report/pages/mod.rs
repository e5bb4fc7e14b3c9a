//! One page for the result of each verb.

mod churn;
mod churn_labels;
mod comparison;
mod experiment_gates;
mod experiment_numbers;
mod experiment_plan;
mod experiment_readout;
mod features;
mod files;
mod group_amounts;
mod group_chain_checks;
mod group_label;
mod group_values;
mod groups;
mod habits;
mod input;
mod judgement;
mod lineage;
mod migration;
mod moves;
mod offers;
mod partition;
mod phrases;
mod scores;
mod selection;
mod targeting;
mod training;
mod value;
mod value_tracking;

pub use churn::churn;
pub use comparison::{backtest, reference_groups, rolled_backtest, stability};
pub use experiment_plan::{assigned, experiment_plan, plan_written};
pub use experiment_readout::experiment_readout;
pub use features::{candidates, catalogue, matrix};
pub use files::{
    config_written, next_step, review_checked, review_outdated, review_unfit, review_written,
    sample_written,
};
pub use group_values::group_values;
pub use groups::group_outcomes;
pub use judgement::judgement;
pub use lineage::lineage;
pub use migration::migration;
pub use moves::moves;
pub use offers::offers;
pub use partition::partition;
pub use scores::{backfilled, delivered, scored, scored_part};
pub use targeting::targeting;
pub use training::trained;
pub use value::value;
