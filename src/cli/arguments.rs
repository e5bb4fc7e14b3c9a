//! Arguments that several commands share.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::log::LoggedProgress;
use super::printing::{Printing, print_timings};
use super::progress::TerminalProgress;
use crate::app::{Model, RejectedRows, Session, Silent, review_place};
use crate::bundle::Bundle;
use crate::config::{Config, Override};
use crate::input::engine::EngineParams;
use crate::settings::{Count, Threads};

/// Threads and memory.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Engine")]
pub(super) struct EngineArguments {
    /// Worker threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<Threads>,
    /// Memory for events, sorting and grouping in MB; beyond it they use the disk
    #[arg(long, value_name = "MB")]
    memory_limit: Option<Count>,
}

impl EngineArguments {
    /// What was typed wins over what the config says.
    pub(super) fn apply(&self, params: &mut EngineParams) {
        params.threads = self.threads.or(params.threads);
        params.memory_limit_mb = self.memory_limit.or(params.memory_limit_mb);
    }
}

/// How the data of a config is read and worked on.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) engine: EngineArguments,
    /// Set a key of the config, such as --set input.gates.max_stale_days=30; may be
    /// repeated, and wins over the file
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", help_heading = "Config")]
    set: Vec<String>,
    /// Print on standard error how long each stage took
    #[arg(long, help_heading = "Engine")]
    timings: bool,
}

impl RunArguments {
    /// For commands that take nothing but threads and memory.
    pub(super) fn of_engine(engine: EngineArguments) -> Self {
        Self { engine, ..Self::default() }
    }

    /// A config file, with what was set over it.
    pub(super) fn load(&self, file: &Path) -> anyhow::Result<Config> {
        Ok(Config::load_with(file, &self.overrides()?)?)
    }

    fn overrides(&self) -> anyhow::Result<Vec<Override>> {
        Ok(self.set.iter().map(|typed| Override::parse(typed)).collect::<Result<_, _>>()?)
    }

    /// A session over the data of a config; `as_of` wins over the config's.
    pub(super) fn open(
        &self,
        mut config: Config,
        as_of: Option<NaiveDate>,
        rejected_rows: RejectedRows,
        printing: &Printing,
    ) -> anyhow::Result<Session> {
        self.engine.apply(&mut config.engine);
        config.as_of = as_of.or(config.as_of);
        Ok(match (printing.log, printing.quiet) {
            (Some(_), _) => Session::open(config, rejected_rows, LoggedProgress::default())?,
            (None, true) => Session::open(config, rejected_rows, Silent)?,
            (None, false) => Session::open(config, rejected_rows, TerminalProgress::default())?,
        })
    }

    /// Prints what each stage took, if that was asked for.
    pub(super) fn finish(&self, session: &Session) {
        if self.timings {
            print_timings(&session.timings());
        }
    }
}

/// For commands whose results do not name the rows that were rejected.
pub(super) fn list_of_no_interest() -> RejectedRows {
    RejectedRows::temporary_in(&std::env::temp_dir())
}

/// Rows that training rejects are listed beside the bundles.
pub(super) fn list_beside_bundles(config: &Config) -> RejectedRows {
    RejectedRows::kept_in(config.models.join(&config.name).join("quarantine.csv"))
}

/// A trained model and the data to use it on.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ModelArguments {
    /// Bundle folder, or the folder of a model: its latest bundle is used
    #[arg(long, value_name = "FOLDER")]
    pub(super) bundle: PathBuf,
    /// Config whose sources are read [default: the sources the model was trained on]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl ModelArguments {
    /// The bundle, its own folder, and the config to read data by.
    pub(super) fn load(&self, run: &RunArguments) -> anyhow::Result<(Bundle, PathBuf, Config)> {
        let overrides = run.overrides()?;
        overrides.iter().try_for_each(Override::check_is_of_data)?;
        let (bundle, folder) = Bundle::load(&self.bundle)?;
        let config = match &self.config {
            Some(file) => {
                let mut config = Config::load_with(file, &overrides)?;
                config.input.user_ids = config.input.user_ids.or(bundle.config.input.user_ids);
                config
            }
            // The day on which training ended is none to score on.
            None => {
                let config = Config { as_of: None, ..bundle.config.clone() };
                Config::parse_with(&config.to_toml()?, &folder.join("config.toml"), &overrides)?
            }
        };
        Ok((bundle, folder, config))
    }
}

/// Which review of the model to use.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ReviewChoice {
    /// Review to use [default: layers.toml in the model's folder, if it is there]
    #[arg(long, value_name = "FILE", conflicts_with = "no_review")]
    review: Option<PathBuf>,
    /// Use the layers as training found them, whatever the review says
    #[arg(long)]
    no_review: bool,
}

impl ReviewChoice {
    /// No review, for commands that look at the layers of training.
    pub(super) fn none() -> Self {
        Self { review: None, no_review: true }
    }

    /// The file of the review, if there is one to use.
    pub(super) fn file(&self, bundle_folder: &Path) -> Option<PathBuf> {
        let usual = || Some(review_place(bundle_folder)).filter(|file| file.exists());
        match self.no_review {
            true => None,
            false => self.review.clone().or_else(usual),
        }
    }

    /// The model with its review.
    pub(super) fn apply(
        &self,
        bundle: Bundle,
        folder: PathBuf,
        session: &Session,
    ) -> anyhow::Result<Model> {
        let file = self.file(&folder);
        Ok(Model::reviewed(bundle, folder, file.as_deref(), session.engine())?)
    }
}
