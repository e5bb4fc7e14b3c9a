//! The verbs: train, score, compare, export. The only wiring of data and models.

mod compare;
mod error;
mod experiment;
mod export;
mod grouping;
mod judge;
mod model;
mod open_data;
mod progress;
mod rejected_rows;
mod review;
mod score;
mod session;
mod snapshot_store;
mod table_place;
mod train;
mod worth;

pub use compare::{
    Backtest, Figure, Flow, GainOverDates, GroupAtBothDates, GroupMoves, GroupOutcome,
    GroupedOutcomes, GroupingScores, LayersAgainst, Lever, MIN_USERS, Migration, MigrationRequest,
    Moves, OverDates, ReferenceGroupScores, RolledBacktest, Stability, backtest,
    compare_with_reference_groups, group_outcomes, migration, moves, rolled_backtest, stability,
};
pub use error::{ErrorKind, PipelineError};
pub use experiment::{
    Accepted, AssignRequest, AssignedUsers, ExperimentReadout, PlanFile, Planned, State,
    TableRequest, TargetingValues, assign, plan_from_events, plan_from_table, readout_of_events,
    readout_of_table, seal, targeting_of_events, targeting_of_table,
};
pub use export::{
    Catalogue, MatrixRequest, WrittenMatrix, full_catalogue, list_beside, write_matrix,
};
pub use grouping::Grouping;
pub use judge::{JudgedLayer, JudgedNight, Judgement, UnjudgedNight, judge};
pub use model::Model;
pub use progress::{Progress, Silent};
pub use rejected_rows::RejectedRows;
pub use review::{CheckedReview, review_place};
pub use score::{
    BackfilledNight, ExpectedChurn, GroupCount, Moved, MovedFlow, MovedUsers, NightOutcome, Part,
    REJECTED, RunKey, ScoreColumn, ScoreFormat, ScoreRequest, ScoreSummary, ScoreType, Scored,
    ScoredPart, backfill, finish_parts, note_run, refused_nights, score, score_columns,
    score_contract, score_part,
};
pub use session::Session;
pub use train::{Previous, Trained, train};
pub use worth::{
    GroupValues, OffersFile, OffersRequest, PlannedContacts, WeighedOffers, group_values, offers,
};
