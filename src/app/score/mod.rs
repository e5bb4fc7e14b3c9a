//! Bundle and new data to scores.

mod churn_scores;
mod column;
mod columns;
mod publish;
mod reason_facts;
mod reason_figures;
mod reason_words;
mod summary;
mod user_scores;

use self::columns::score_table;
use self::publish::publish;
use self::summary::summarise;
use self::user_scores::UserScores;
use super::{Model, PipelineError, Session};

pub use self::column::{ScoreColumn, ScoreType};
pub use self::columns::score_columns;
pub use self::publish::{ScoreFormat, ScoreRequest};
pub use self::summary::{GroupCount, ScoreSummary};

/// Scores every user seen before the session's as-of date and publishes the result as
/// `out/as_of=YYYY-MM-DD/scores.parquet` (or `.csv`) with `_summary.json`
/// beside it; an earlier run's file stands until the new one is whole.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, or the output
/// cannot be written.
pub fn score(
    session: &Session,
    model: &Model,
    request: &ScoreRequest<'_>,
) -> Result<ScoreSummary, PipelineError> {
    session.run("score", 4, |stages| {
        let plan = &model.bundle.plan;
        let data = session.read(Some(plan), stages)?;
        let as_of = data.as_of()?;
        stages.begin(&format!("features as of {}", as_of.date()));
        let mut warnings = data.check_plan(plan, as_of)?;
        let snapshots = data.snapshot(plan, as_of, &model.bundle.churn.settings.label)?;
        stages.begin("scoring");
        let scores = UserScores::of(model, &snapshots[0])?;
        warnings.extend(scores.idle_rules());
        let summary = ScoreSummary { warnings, ..summarise(&data, &scores) };
        stages.begin("writing the scores");
        publish(&data, request, &score_table(&scores), summary)
    })
}
