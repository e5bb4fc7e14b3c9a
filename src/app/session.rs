//! One set of data, read once, and all that works on it.

use std::ops::Range;
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use super::open_data::{Data, OpenData};
use super::progress::{Stages, VerbStages};
use super::snapshot_store::SnapshotStore;
use super::{Part, PipelineError, Progress, RejectedRows};
use crate::config::Config;
use crate::features::{FeatureError, FeaturePlan, check_custom};
use crate::input::engine::Engine;
use crate::input::history::N_BUCKETS;
use crate::input::source::{Events, open_sources};

/// The data of a config and the engine that reads it. Every verb takes a session; the
/// events are read when the first of them needs them, and only once.
///
/// All work of a session runs on its own threads, as many as `[engine]` says.
pub struct Session {
    config: Config,
    engine: Engine,
    stages: Stages,
    rejected_rows: RejectedRows,
    opened_at: DateTime<Utc>,
    /// Stages that were over when it began to look at the day it looks at.
    n_timings_before: usize,
    /// Buckets whose users are looked at.
    buckets: Range<usize>,
    data: OnceLock<Data>,
    kept: SnapshotStore,
}

impl Session {
    /// Starts the engine. Rows that break the contract of the input will be listed in
    /// `rejected_rows`.
    ///
    /// # Errors
    /// When the threads cannot be had.
    pub fn open(
        config: Config,
        rejected_rows: RejectedRows,
        progress: impl Progress + 'static,
    ) -> Result<Self, PipelineError> {
        let engine = Engine::new(&config.engine)?;
        let stages = Stages::new(Box::new(progress));
        let (data, kept) = (OnceLock::new(), SnapshotStore::default());
        let (opened_at, buckets) = (Utc::now(), 0..N_BUCKETS);
        let n_timings_before = 0;
        Ok(Self {
            config,
            engine,
            stages,
            rejected_rows,
            opened_at,
            n_timings_before,
            buckets,
            data,
            kept,
        })
    }

    /// The same session, which keeps snapshots for later verbs: they take less time
    /// and more memory.
    pub fn keeping_snapshots(mut self) -> Self {
        self.kept = SnapshotStore::that_keeps();
        self
    }

    /// The same session, which looks at the users of a part only.
    pub fn of_part(mut self, part: Part) -> Self {
        self.buckets = part.buckets();
        self
    }

    /// Looks at the same data as of another day.
    pub fn set_as_of(&mut self, day: NaiveDate) {
        self.config.as_of = Some(day);
        self.opened_at = Utc::now();
        self.n_timings_before = self.timings().len();
    }

    /// The config whose data is read.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The engine, to check expressions by.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// When it was opened, or began to look at the day it looks at.
    pub(super) fn opened_at(&self) -> DateTime<Utc> {
        self.opened_at
    }

    /// What each stage of the verbs took up to now, such as `train: fitting layers`.
    pub fn timings(&self) -> Vec<(String, Duration)> {
        self.stages.timings()
    }

    /// The same of the day it looks at.
    pub(super) fn timings_of_day(&self) -> Vec<(String, Duration)> {
        self.timings().split_off(self.n_timings_before)
    }

    /// Does the work of a verb on the session's threads.
    pub(super) fn run<T: Send>(
        &self,
        verb: &'static str,
        n_stages: usize,
        work: impl FnOnce(&mut VerbStages<'_>) -> Result<T, PipelineError> + Send,
    ) -> Result<T, PipelineError> {
        self.engine.install(|| work(&mut self.stages.of(verb, n_stages)))
    }

    /// The data, read if no verb did so yet. The SQL of the plan's features is checked
    /// before that; without a plan, that of the config's.
    pub(super) fn read<'s>(
        &'s self,
        plan: Option<&FeaturePlan>,
        stages: &mut VerbStages<'_>,
    ) -> Result<OpenData<'s>, PipelineError> {
        let Self { config, engine, rejected_rows, kept, .. } = self;
        let opened = |data: &'s Data| OpenData {
            config,
            engine,
            rejected_rows,
            kept,
            histories: &data.histories,
            input: &data.input,
            user_ids: data.user_ids,
        };
        if let Some(data) = self.data.get() {
            self.check_custom(plan)?;
            return Ok(opened(data));
        }
        stages.begin("reading the data");
        let sources = open_sources(engine, &config.sources, &config.input)?;
        self.check_custom(plan)?;
        let sources = sources.of_buckets(self.buckets.clone());
        let events = sources.read(engine, rejected_rows.file())?;
        let Events { profile, user_ids, histories } = events;
        let data = Data { histories, input: profile, user_ids };
        Ok(opened(self.data.get_or_init(|| data)))
    }

    fn check_custom(&self, plan: Option<&FeaturePlan>) -> Result<(), FeatureError> {
        match plan {
            Some(plan) => check_custom(&self.engine, plan.custom()),
            None => check_custom(&self.engine, self.config.features.custom_expressions()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Of data that was refused, the list says why.
        if self.data.get().is_some() {
            self.rejected_rows.clear();
        }
    }
}
