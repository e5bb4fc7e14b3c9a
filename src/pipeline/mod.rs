//! The only wiring: raw data to bundle, bundle to scores, layers against RFM.

mod backtest;
mod error;
mod groups;
mod matrix;
mod progress;
mod scoring;
mod training;

pub use backtest::{Backtest, GroupingScores, LayersAgainst, backtest};
pub use error::PipelineError;
pub use groups::{GroupAgreement, agreement_with_groups};
pub use matrix::write_matrix;
pub use progress::{Progress, Silent};
pub use scoring::{LayerCount, ScoreFormat, ScoreRequest, ScoreSummary, score};
pub use training::{Trained, train};

use std::path::Path;

use chrono::{Days, NaiveDate, NaiveDateTime};

use crate::config::Config;
use crate::dataset::Snapshot;
use crate::engine::Engine;
use crate::features::{
    FeatureError, FeatureParams, FeaturePlan, compute_outcomes, compute_snapshot,
};
use crate::source::{Events, InputProfile, load_events};

/// Starts the engine and loads the events of the config's sources.
fn open_events(config: &Config, quarantine: &Path) -> Result<(Engine, Events), PipelineError> {
    let engine = Engine::new(&config.engine)?;
    let events = load_events(&engine, &config.sources, &config.input, quarantine)?;
    Ok((engine, events))
}

/// The as-of moment: the day asked for, or the day after the last event.
///
/// # Errors
/// When it lies before the data or too far beyond it.
fn resolve_as_of(
    wanted: Option<NaiveDate>,
    input: &InputProfile,
    params: &FeatureParams,
) -> Result<NaiveDateTime, FeatureError> {
    let day_after_last = input.last_time.date() + Days::new(1);
    let as_of = wanted.unwrap_or(day_after_last).and_time(Default::default());
    if as_of <= input.first_time {
        return Err(FeatureError::AsOfBeforeData { as_of, first: input.first_time });
    }
    let n_days = (as_of - input.last_time).num_days();
    if n_days > i64::from(params.max_stale_days) {
        let (last, allowed) = (input.last_time, params.max_stale_days);
        return Err(FeatureError::AsOfAfterData { as_of, last, n_days, allowed });
    }
    Ok(as_of)
}

/// A snapshot with what followed it.
fn snapshot_with_outcomes(
    engine: &Engine,
    plan: &FeaturePlan,
    as_of: NaiveDateTime,
    horizon_days: u32,
) -> Result<Snapshot, FeatureError> {
    let mut snapshot = compute_snapshot(engine, plan, as_of)?;
    let outcomes = compute_outcomes(engine, plan, &snapshot.users, as_of, horizon_days)?;
    snapshot.outcomes = Some(outcomes);
    Ok(snapshot)
}

/// The rows of the users who ordered before the snapshot.
fn customers(snapshot: &Snapshot) -> Result<Snapshot, PipelineError> {
    let n_orders = snapshot.features.column("n_orders")?;
    let rows: Vec<usize> = (0..n_orders.len()).filter(|&row| n_orders[row] > 0.0).collect();
    Ok(snapshot.select_rows(&rows))
}
