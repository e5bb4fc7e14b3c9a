//! The verbs: train, score, compare, export. The only wiring of data and models.

mod compare;
mod error;
mod export;
mod grouping;
mod progress;
mod review;
mod score;
mod session;
mod train;

pub use compare::{
    Backtest, Flow, GroupAgreement, GroupAtBothDates, GroupOutcome, GroupedOutcomes,
    GroupingScores, LayersAgainst, Migration, MigrationRequest, Stability, agreement_with_groups,
    backtest, group_outcomes, migration, stability,
};
pub use error::PipelineError;
pub use export::{Catalogue, MatrixRequest, WrittenMatrix, full_catalogue, write_matrix};
pub use grouping::Grouping;
pub use progress::{Progress, Silent};
pub use review::{read_review, review_place};
pub use score::{LayerCount, ScoreFormat, ScoreRequest, ScoreSummary, score};
pub use train::{
    Born, Compared, Died, Kept, Lineage, LineageEntry, LineageLayer, Merged, Movement,
    MovementFlow, Previous, Split, Trained, train,
};
