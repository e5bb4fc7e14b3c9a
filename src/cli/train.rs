use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Parser, Subcommand};

use super::progress::TerminalProgress;
use super::{EngineArguments, ModelArguments, finish, output, tables};
use crate::config::Config;
use crate::pipeline::{
    ScoreFormat, ScoreRequest, agreement_with_groups, backtest, score, train, write_matrix,
};
use crate::sample::{SampleParams, write_sample};
use crate::starter::starter_config;

/// The config of the sample that ships, relative to the project folder.
const SAMPLE_CONFIG: &str = "data/sample.toml";
const SAMPLE_TRUTH: &str = "data/sample/truth.csv";

/// Train layers and churn from raw behaviour data.
///
/// With no argument, runs the whole main job on the sample that ships: trains,
/// scores every user and compares layers with RFM.
#[derive(Debug, Parser)]
#[command(
    name = "layercake-train",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  layercake-train                              the whole main job on the sample
  layercake-train init orders.csv > shop.toml  a starter config for your files
  layercake-train --config shop.toml           train on them
  layercake-train --config shop.toml --as-of 2026-07-01

Exit codes: 0 done, 2 could not run."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Config to train with
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use events before this day only [default: the day after the last event]
    #[arg(long, value_name = "YYYY-MM-DD", requires = "config")]
    as_of: Option<NaiveDate>,
    /// Folder of all bundles [default: as in the config]
    #[arg(long, value_name = "FOLDER", requires = "config")]
    models: Option<PathBuf>,
    /// Seed of everything random [default: as in the config]
    #[arg(long, value_name = "N", requires = "config")]
    seed: Option<u64>,
    #[command(flatten)]
    engine: EngineArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at data files and write a commented starter config
    #[command(after_help = "Examples:
  layercake-train init orders.csv > shop.toml
  layercake-train init orders.parquet clicks.csv.gz --out shop.toml")]
    Init {
        /// Data files: Parquet, CSV, TSV, also .gz and .zst; globs and folders
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Where to write the config [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Write the feature matrix of a trained model, for notebooks
    #[command(after_help = "Example:
  layercake-train features --bundle models/sample --as-of 2025-04-02 --out matrix.parquet")]
    Features {
        #[command(flatten)]
        model: ModelArguments,
        /// Use events before this day only [default: the day after the last event]
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<NaiveDate>,
        /// Parquet file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Generate behaviour data with planted truth
    #[command(after_help = "Example:
  layercake-train sample --users 50000 --seed 7 --out big-sample")]
    Sample {
        /// Folder to write orders.csv.gz, behaviour.parquet and truth.csv to
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// Users to generate
        #[arg(long, value_name = "N", default_value_t = SampleParams::default().n_users)]
        users: usize,
        /// Seed of everything random
        #[arg(long, value_name = "N", default_value_t = SampleParams::default().seed)]
        seed: u64,
    },
}

/// Parses, runs and reports.
pub fn train_main() -> ExitCode {
    let arguments = Arguments::parse();
    finish("layercake-train", || run(arguments))
}

fn run(arguments: Arguments) -> anyhow::Result<String> {
    let engine = &arguments.engine;
    match arguments.command {
        Some(Command::Init { files, out }) => init(engine, &files, out.as_deref()),
        Some(Command::Features { model, as_of, out }) => features(engine, &model, as_of, &out),
        Some(Command::Sample { out, users, seed }) => {
            let written = write_sample(&SampleParams { n_users: users, seed }, &out)?;
            Ok(format!(
                "{} users, {} order lines, {} other events in {}\n",
                tables::thousands(written.n_users),
                tables::thousands(written.n_order_lines),
                tables::thousands(written.n_behaviour_rows),
                out.display()
            ))
        }
        None => match &arguments.config {
            Some(file) => {
                let mut config = Config::load(file)?;
                config.as_of = arguments.as_of.or(config.as_of);
                config.seed = arguments.seed.unwrap_or(config.seed);
                config.models = arguments.models.clone().unwrap_or(config.models);
                engine.apply(&mut config.engine);
                train_and_report(&config)
            }
            None => main_job_on_sample(engine),
        },
    }
}

fn train_and_report(config: &Config) -> anyhow::Result<String> {
    let trained = train(config, &mut TerminalProgress::new())?;
    let next =
        format!("Next: layercake-score --bundle {}\n", config.models.join(&config.name).display());
    Ok(tables::trained(&trained) + &next)
}

/// Train, score, compare: what a newcomer sees first.
fn main_job_on_sample(engine: &EngineArguments) -> anyhow::Result<String> {
    if !Path::new(SAMPLE_CONFIG).is_file() {
        anyhow::bail!(
            "no --config given, and the sample ({SAMPLE_CONFIG}) is not in this folder; run in the \
             project folder, or write a config for your data: layercake-train init FILE"
        );
    }
    let mut config = Config::load(Path::new(SAMPLE_CONFIG))?;
    engine.apply(&mut config.engine);
    output::print(&format!("── Train: layercake-train --config {SAMPLE_CONFIG}\n\n"))?;
    let trained = train(&config, &mut TerminalProgress::new())?;
    output::print(&tables::trained(&trained))?;
    let model = config.models.join(&config.name);
    let model = model.display();
    output::print(&format!("\n── Score: layercake-score --bundle {model}\n\n"))?;
    let request = ScoreRequest {
        bundle: &trained.bundle,
        bundle_folder: &trained.folder,
        config: &config,
        as_of: None,
        out: Path::new("scores"),
        format: ScoreFormat::Parquet,
    };
    let summary = score(&request, &mut TerminalProgress::new())?;
    output::print(&tables::scored(&summary))?;
    output::print(&format!(
        "\n── Compare: layercake-compare backtest --bundle {model} --groups {SAMPLE_TRUTH}\n\n"
    ))?;
    let scratch = tempfile::tempdir()?;
    let quarantine = scratch.path().join("quarantine.csv");
    let mut progress = TerminalProgress::new();
    let result = backtest(&trained.bundle, &config, &quarantine, &mut progress)?;
    let truth = Path::new(SAMPLE_TRUTH);
    let agreement =
        agreement_with_groups(&trained.bundle, &config, truth, &quarantine, &mut progress)?;
    drop(progress);
    let next = "\nNext, on your own data: layercake-train init FILE > shop.toml\n";
    Ok(format!("{}\n{}{next}", tables::compared(&result), tables::agreement(&agreement)))
}

fn init(engine: &EngineArguments, files: &[PathBuf], out: Option<&Path>) -> anyhow::Result<String> {
    let mut params = crate::engine::EngineParams::default();
    engine.apply(&mut params);
    let text = starter_config(&params, files)?;
    match out {
        None => Ok(text),
        Some(path) if path.exists() => {
            anyhow::bail!("{} exists already; remove it or choose another --out", path.display())
        }
        Some(path) => {
            if let Err(error) = std::fs::write(path, text) {
                anyhow::bail!("can't write {}: {error}", path.display());
            }
            Ok(format!("Wrote {0}. Read it, then: layercake-train --config {0}\n", path.display()))
        }
    }
}

fn features(
    engine: &EngineArguments,
    model: &ModelArguments,
    as_of: Option<NaiveDate>,
    out: &Path,
) -> anyhow::Result<String> {
    let (bundle, _, config) = model.load(engine)?;
    let n_users =
        write_matrix(&bundle, &config, as_of.or(config.as_of), out, &mut TerminalProgress::new())?;
    Ok(format!(
        "{} users × {} features in {}\n",
        tables::thousands(n_users),
        bundle.plan.features.len(),
        out.display()
    ))
}
