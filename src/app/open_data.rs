//! The data of a session once it is read, as verbs use it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{Days, NaiveDateTime};

use super::snapshot_store::SnapshotStore;
use super::{PipelineError, RejectedRows};
use crate::config::Config;
use crate::dataset::{Bilingual, ChurnLabel, Snapshot};
use crate::features::{
    FeatureError, FeatureParams, FeaturePlan, SeenInput, SnapshotRequest, build_plan, check_event,
    compute_snapshots, describe_input,
};
use crate::input::engine::{Engine, MemoryUse};
use crate::input::history::{Histories, N_BUCKETS};
use crate::input::source::{EVENT_COLUMNS, InputProfile, SourceParams, UserIdType};

/// All events, and what they say of the input.
pub(super) struct Data {
    pub histories: Histories,
    pub input: InputProfile,
    pub user_ids: UserIdType,
}

/// The data with what works on it.
#[derive(Clone, Copy)]
pub(super) struct OpenData<'a> {
    pub config: &'a Config,
    pub engine: &'a Engine,
    pub rejected_rows: &'a RejectedRows,
    pub kept: &'a SnapshotStore,
    pub histories: &'a Histories,
    pub input: &'a InputProfile,
    pub user_ids: UserIdType,
}

impl OpenData<'_> {
    /// The list of rejected rows, if there are any.
    pub fn rejected_rows_list(&self) -> Option<&Path> {
        let are_there = self.input.sources.iter().any(|source| source.n_rejected() > 0);
        are_there.then(|| self.rejected_rows.file())
    }

    /// Puts the list of rejected rows at `place`; returns the place if there are any,
    /// else an earlier list there goes.
    pub fn list_rejected_rows(&self, place: &Path) -> Result<Option<PathBuf>, PipelineError> {
        let are_there = self.rejected_rows_list().is_some();
        let done = match are_there {
            true => self.rejected_rows.copy_to(place),
            false => std::fs::remove_file(place).or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
        };
        done.map_err(|cause| PipelineError::Output { path: place.to_owned(), cause })?;
        Ok(are_there.then(|| place.to_owned()))
    }

    /// The as-of moment: the config's day, or the day after the last event.
    ///
    /// # Errors
    /// When it lies before the data or too far beyond it.
    pub fn as_of(&self) -> Result<NaiveDateTime, FeatureError> {
        let input = self.input;
        let day_after_last = input.last_time.date() + Days::new(1);
        let as_of = self.config.as_of.unwrap_or(day_after_last).and_time(Default::default());
        if as_of <= input.first_time {
            return Err(FeatureError::AsOfBeforeData { as_of, first: input.first_time });
        }
        let n_days = (as_of - input.last_time).num_days();
        let allowed = self.config.input.gates.max_stale_days;
        if n_days > i64::from(allowed) {
            let last = input.last_time;
            return Err(FeatureError::AsOfAfterData { as_of, last, n_days, allowed });
        }
        Ok(as_of)
    }

    /// Snapshots in one pass over the events.
    pub fn compute(
        &self,
        plan: &FeaturePlan,
        request: &SnapshotRequest<'_>,
    ) -> Result<Vec<Snapshot>, FeatureError> {
        compute_snapshots(self.engine, self.histories, plan, request)
    }

    /// Snapshots of all users, taken from an earlier verb if they were kept.
    pub fn snapshots(
        &self,
        plan: &FeaturePlan,
        request: &SnapshotRequest<'_>,
    ) -> Result<Arc<Vec<Snapshot>>, FeatureError> {
        self.kept.get_or_compute(plan, request, || self.compute(plan, request))
    }

    /// One snapshot without outcomes, alone in its vector.
    pub fn snapshot(
        &self,
        plan: &FeaturePlan,
        date: NaiveDateTime,
        label: &ChurnLabel,
    ) -> Result<Arc<Vec<Snapshot>>, FeatureError> {
        self.snapshots(plan, &SnapshotRequest::new(std::slice::from_ref(&date), label))
    }

    /// Buckets of a sample of about so many users. Users are in buckets by a hash of their id,
    /// so that some buckets are a fair sample.
    pub fn buckets_of(&self, n_users: u32) -> Range<usize> {
        let share = f64::from(n_users) / self.input.n_users.max(1) as f64;
        let n_buckets = (N_BUCKETS as f64 * share.min(1.0)).ceil() as usize;
        0..n_buckets.clamp(1, N_BUCKETS)
    }

    /// Checks that the input of a plan is still there; returns what looks odd.
    pub fn check_plan(
        &self,
        plan: &FeaturePlan,
        as_of: NaiveDateTime,
    ) -> Result<Vec<Bilingual>, FeatureError> {
        check_plan(plan, self.config, self.input, &self.seen(as_of)?, as_of)
    }

    /// What the events before a date hold.
    pub fn seen(&self, as_of: NaiveDateTime) -> Result<SeenInput, FeatureError> {
        Ok(describe_input(self.histories, as_of)?.seen())
    }

    /// All features of the config that the data before a date allows.
    pub fn catalogue(&self, date: NaiveDateTime) -> Result<FeaturePlan, FeatureError> {
        let span_days = (date - self.input.first_time).num_days() as u32;
        self.catalogue_over(&self.config.features, date, span_days)
    }

    /// All features that these settings and the data before a date allow, where the history
    /// counts as so many days long.
    pub fn catalogue_over(
        &self,
        params: &FeatureParams,
        date: NaiveDateTime,
        span_days: u32,
    ) -> Result<FeaturePlan, FeatureError> {
        let known = self.histories.events().values();
        self.config.events.check_known(known)?;
        if let Some(event) = &self.config.churn.event {
            check_event("[churn] event", event, known)?;
        }
        let input = describe_input(self.histories, date)?;
        build_plan(params, &self.config.events, &input, span_days)
    }

    /// What the session took up to now.
    pub fn memory(&self) -> MemoryUse {
        self.engine.memory_use(self.histories.summary().n_bytes_spilled)
    }
}

/// Checks that the input of a plan is still there; returns what looks odd. `seen` is what
/// the events before as-of hold.
pub(super) fn check_plan(
    plan: &FeaturePlan,
    config: &Config,
    input: &InputProfile,
    seen: &SeenInput,
    as_of: NaiveDateTime,
) -> Result<Vec<Bilingual>, FeatureError> {
    let lost = plan.check_input(seen).map_err(|error| name_sources(error, &config.sources))?;
    let is_lost = |event: &String| {
        Bilingual::new(
            format!("no `{event}` event any more, though the model counts them"),
            format!("不再有 `{event}` 事件，而模型要计数它们"),
        )
    };
    let mut warnings: Vec<Bilingual> = lost.iter().map(is_lost).collect();
    let last_order = input.events.iter().find(|count| count.event == plan.events.order);
    let stale = last_order.map(|count| (count.last_time, (as_of - count.last_time).num_days()));
    let max_stale_days = i64::from(config.input.gates.max_stale_days);
    if let Some((last, n_days)) = stale.filter(|(_, n_days)| *n_days > max_stale_days) {
        let (order, day) = (&plan.events.order, last.date());
        warnings.push(Bilingual::new(
            format!("the last `{order}` is of {day}, {n_days} days before as-of"),
            format!("最后一次 `{order}` 在 {day}，早于截止日 {n_days} 天"),
        ));
    }
    Ok(warnings)
}

/// Says of a column that is empty now where it is read from.
fn name_sources(error: FeatureError, sources: &[SourceParams]) -> FeatureError {
    let FeatureError::LostColumn { column, .. } = error else { return error };
    let read_from: Vec<String> = sources
        .iter()
        .filter_map(|source| {
            let mapped = EVENT_COLUMNS.iter().find(|it| it.name == column)?;
            let sql = (mapped.expression)(source)?;
            Some(format!("{sql} of source `{label}`", label = source.label()))
        })
        .collect();
    let mapped = match read_from.is_empty() {
        true => String::new(),
        false => format!(" ({})", read_from.join(", ")),
    };
    FeatureError::LostColumn { column, mapped }
}
