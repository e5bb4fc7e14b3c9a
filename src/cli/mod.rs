//! What people type and see: arguments, progress, tables, exit codes.

mod churn_tables;
mod compare;
mod compare_tables;
mod feature_list;
mod group_tables;
mod layout;
mod lineage_tables;
mod output;
mod progress;
mod review;
mod score;
mod tables;
mod train;

pub use compare::compare_main;
pub use score::score_main;
pub use train::train_main;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;

use self::progress::TerminalProgress;
use crate::app::{Model, RejectedRows, Session, review_place};
use crate::bundle::Bundle;
use crate::config::Config;
use crate::input::engine::EngineParams;

/// Exit code of a run that could not be done.
const COULD_NOT_RUN: u8 = 2;

/// Threads and memory, as every command takes them.
#[derive(Debug, Clone, clap::Args)]
struct EngineArguments {
    /// Worker threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", global = true)]
    threads: Option<std::num::NonZeroUsize>,
    /// Memory for events, sorting and grouping in MB; beyond it they use the disk
    #[arg(long, value_name = "MB", global = true)]
    memory_limit: Option<std::num::NonZeroUsize>,
}

impl EngineArguments {
    /// What was typed wins over what the config says.
    fn apply(&self, params: &mut EngineParams) {
        params.threads = self.threads.or(params.threads);
        params.memory_limit_mb = self.memory_limit.or(params.memory_limit_mb);
    }

    /// A session over the data of a config; `as_of` wins over the config's.
    fn open(
        &self,
        mut config: Config,
        as_of: Option<NaiveDate>,
        rejected_rows: RejectedRows,
    ) -> anyhow::Result<Session> {
        self.apply(&mut config.engine);
        config.as_of = as_of.or(config.as_of);
        Ok(Session::open(config, rejected_rows, TerminalProgress::default())?)
    }
}

/// For commands whose results do not name the rows that were rejected.
fn list_of_no_interest() -> RejectedRows {
    RejectedRows::temporary_in(&std::env::temp_dir())
}

/// A trained model and the data to use it on.
#[derive(Debug, Clone, clap::Args)]
struct ModelArguments {
    /// Bundle folder, or the folder of a model: its latest bundle is used
    #[arg(long, value_name = "FOLDER")]
    bundle: PathBuf,
    /// Config whose sources are read [default: the sources the model was trained on]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ModelArguments {
    /// The bundle, its own folder, and the config to read data by.
    fn load(&self) -> anyhow::Result<(Bundle, PathBuf, Config)> {
        let (bundle, folder) = Bundle::load(&self.bundle)?;
        let config = match &self.config {
            Some(file) => {
                let mut config = Config::load(file)?;
                config.input.user_ids = config.input.user_ids.or(bundle.config.input.user_ids);
                config
            }
            // The day on which training ended is none to score on.
            None => Config { as_of: None, ..bundle.config.clone() },
        };
        Ok((bundle, folder, config))
    }

    /// A session over the data, and the model with its review.
    fn open(
        &self,
        engine: &EngineArguments,
        review: &ReviewChoice,
        as_of: Option<NaiveDate>,
        rejected_rows: RejectedRows,
    ) -> anyhow::Result<(Session, Model)> {
        let (bundle, folder, config) = self.load()?;
        let session = engine.open(config, as_of, rejected_rows)?;
        let file = review.file(&folder);
        let model = Model::reviewed(bundle, folder, file.as_deref(), session.engine())?;
        Ok((session, model))
    }
}

/// Which review of the model to use.
#[derive(Debug, Clone, Default, clap::Args)]
struct ReviewChoice {
    /// Review to use [default: layers.toml in the model's folder, if it is there]
    #[arg(long, value_name = "FILE", conflicts_with = "no_review")]
    review: Option<PathBuf>,
    /// Use the layers as training found them, whatever the review says
    #[arg(long)]
    no_review: bool,
}

impl ReviewChoice {
    /// The file of the review, if there is one to use.
    fn file(&self, bundle_folder: &Path) -> Option<PathBuf> {
        let usual = || Some(review_place(bundle_folder)).filter(|file| file.exists());
        match self.no_review {
            true => None,
            false => self.review.clone().or_else(usual),
        }
    }
}

/// Runs a command and turns what comes of it into what the shell sees: its
/// report on standard output, or one line on standard error and exit code 2.
fn finish(program: &str, run: impl FnOnce() -> anyhow::Result<String>) -> ExitCode {
    // A fault of ours or of a library is told like any other, not as a trace.
    std::panic::set_hook(Box::new(|_| ()));
    let outcome =
        catch_unwind(AssertUnwindSafe(|| run().and_then(|report| output::print(&report))));
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            output::complain(&format!("{program}: {error}"));
            ExitCode::from(COULD_NOT_RUN)
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let what = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
            output::complain(&format!(
                "{program}: internal error: {what}. Please report it with the command and, if you \
                 can, the data"
            ));
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}
