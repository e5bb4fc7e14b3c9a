//! The data of a run, read once: engine, histories and what they say of the input.

use std::path::Path;

use chrono::{Days, NaiveDate, NaiveDateTime};

use super::{PipelineError, Progress};
use crate::bundle::Bundle;
use crate::config::Config;
use crate::dataset::Snapshot;
use crate::features::{
    FeatureError, FeatureParams, FeaturePlan, SnapshotRequest, build_plan, check_custom,
    check_event, compute_snapshots, describe_input,
};
use crate::input::engine::{Engine, MemoryUse};
use crate::input::history::Histories;
use crate::input::source::{Events, InputProfile, SourceParams, UserIdType, open_sources};

/// All events, and the engine that read them.
pub(super) struct OpenData {
    pub engine: Engine,
    pub histories: Histories,
    pub input: InputProfile,
    pub user_ids: UserIdType,
}

/// Starts the engine and reads the events of the config's sources, once the
/// config's own features (and those of `plan`) are known to be sound.
pub(super) fn open_data(
    config: &Config,
    plan: Option<&FeaturePlan>,
    quarantine: &Path,
) -> Result<OpenData, PipelineError> {
    let engine = Engine::new(&config.engine)?;
    let sources = open_sources(&engine, &config.sources, &config.input)?;
    match plan {
        Some(plan) => check_custom(&engine, plan.custom())?,
        None => check_custom(&engine, config.features.custom_expressions())?,
    }
    let Events { profile, user_ids, histories } = sources.read(&engine, quarantine)?;
    Ok(OpenData { engine, histories, input: profile, user_ids })
}

impl OpenData {
    /// Snapshots with what followed them, in one pass.
    pub fn snapshots_with_outcomes(
        &self,
        plan: &FeaturePlan,
        dates: &[NaiveDateTime],
        horizon_days: u32,
    ) -> Result<Vec<Snapshot>, FeatureError> {
        let request = SnapshotRequest::new(dates).with_outcomes(horizon_days);
        compute_snapshots(&self.engine, &self.histories, plan, &request)
    }

    /// One snapshot without outcomes, with the pace of an event.
    pub fn snapshot_with_pace(
        &self,
        plan: &FeaturePlan,
        date: NaiveDateTime,
        event: &str,
    ) -> Result<Snapshot, FeatureError> {
        let request = SnapshotRequest::new(std::slice::from_ref(&date)).with_pace_of(event);
        let mut snapshots = compute_snapshots(&self.engine, &self.histories, plan, &request)?;
        Ok(snapshots.remove(0))
    }

    /// One snapshot without outcomes.
    pub fn snapshot(
        &self,
        plan: &FeaturePlan,
        date: NaiveDateTime,
    ) -> Result<Snapshot, FeatureError> {
        let request = SnapshotRequest::new(std::slice::from_ref(&date));
        let mut snapshots = compute_snapshots(&self.engine, &self.histories, plan, &request)?;
        Ok(snapshots.remove(0))
    }

    /// Checks that a plan's input is still there; returns what looks odd. `sources`
    /// are those that are read.
    pub fn check_plan(
        &self,
        plan: &FeaturePlan,
        sources: &[SourceParams],
        as_of: NaiveDateTime,
        max_stale_days: u32,
    ) -> Result<Vec<String>, FeatureError> {
        let input = describe_input(&self.histories, as_of)?;
        let lost = plan.check_input(&input).map_err(|error| name_sources(error, sources))?;
        let mut warnings: Vec<String> = lost
            .iter()
            .map(|event| format!("no `{event}` event any more, though the model counts them"))
            .collect();
        let last_order = self.input.events.iter().find(|count| count.event == plan.events.order);
        if let Some(last) = last_order.map(|count| count.last_time)
            && (as_of - last).num_days() > i64::from(max_stale_days)
        {
            warnings.push(format!(
                "the last `{}` is of {}, {} days before as-of",
                plan.events.order,
                last.date(),
                (as_of - last).num_days()
            ));
        }
        Ok(warnings)
    }

    /// What the run took up to now.
    pub fn memory(&self) -> MemoryUse {
        self.engine.memory_use(self.histories.summary().n_bytes_spilled)
    }
}

/// Says of a column that is empty now where it is read from.
fn name_sources(error: FeatureError, sources: &[SourceParams]) -> FeatureError {
    let FeatureError::LostColumn { column, .. } = error else { return error };
    let read_from: Vec<String> = sources
        .iter()
        .filter_map(|source| {
            let (_, sql) = source.expressions().into_iter().find(|(name, _)| *name == column)?;
            Some(format!("{sql} of source `{label}`", sql = sql?, label = source.label()))
        })
        .collect();
    let mapped = match read_from.is_empty() {
        true => String::new(),
        false => format!(" ({})", read_from.join(", ")),
    };
    FeatureError::LostColumn { column, mapped }
}

/// The held-out snapshot of a bundle and its training snapshots, the latest
/// first, with what followed each: stages 0 and 1 of 3.
pub(super) fn held_out_and_training(
    bundle: &Bundle,
    config: &Config,
    quarantine: &Path,
    progress: &mut dyn Progress,
) -> Result<(Snapshot, Vec<Snapshot>), PipelineError> {
    progress.stage(0, 3, "reading the data");
    let data = open_data(config, Some(&bundle.plan), quarantine)?;
    progress.stage(1, 3, "computing features");
    let dates = &bundle.record.dates;
    let all: Vec<_> = std::iter::once(dates.hold_out).chain(dates.training.clone()).collect();
    let horizon_days = bundle.config.snapshots.horizon_days;
    let mut snapshots = data.snapshots_with_outcomes(&bundle.plan, &all, horizon_days)?;
    Ok((snapshots.remove(0), snapshots))
}

/// The as-of moment: the day asked for, or the day after the last event.
///
/// # Errors
/// When it lies before the data or too far beyond it.
pub(super) fn resolve_as_of(
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

/// All features that the data before a date allows.
pub(super) fn catalogue(
    config: &Config,
    data: &OpenData,
    date: NaiveDateTime,
) -> Result<FeaturePlan, FeatureError> {
    let span_days = (date - data.input.first_time).num_days() as u32;
    let known = data.histories.events().values();
    config.events.check_known(known)?;
    if let Some(event) = &config.churn.event {
        check_event("[churn] event", event, known)?;
    }
    let input = describe_input(&data.histories, date)?;
    build_plan(&config.features, &config.events, &input, span_days)
}
