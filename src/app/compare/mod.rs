//! Layers against RFM, and groups at two dates.

mod backtest;
mod group_outcomes;
mod migration;
mod reference_groups;
mod snapshots;
mod stability;

pub use backtest::{Backtest, GroupingScores, LayersAgainst, backtest};
pub use group_outcomes::{GroupOutcome, GroupedOutcomes, group_outcomes};
pub use migration::{Flow, GroupAtBothDates, Migration, MigrationRequest, migration};
pub use reference_groups::{ReferenceGroupScores, compare_with_reference_groups};
pub use stability::{Stability, stability};
