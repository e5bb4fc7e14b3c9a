//! Layers against RFM, groups at two dates, and what moves each group.

mod backtest;
mod forecast;
mod group_outcomes;
mod migration;
mod moves;
mod reference_groups;
mod snapshots;
mod stability;

pub use backtest::{
    Backtest, GainOverDates, GroupingScores, LayersAgainst, OverDates, RolledBacktest, backtest,
    rolled_backtest,
};
pub use group_outcomes::{GroupOutcome, GroupedOutcomes, group_outcomes};
pub use migration::{Flow, GroupAtBothDates, Migration, MigrationRequest, migration};
pub use moves::{Figure, GroupMoves, Lever, MIN_USERS, Moves, moves};
pub use reference_groups::{ReferenceGroupScores, compare_with_reference_groups};
pub use stability::{Stability, stability};
