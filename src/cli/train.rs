use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Parser, Subcommand};

use super::feature_list::{self, ListFormat};
use super::review::{self, ReviewArguments};
use super::{
    EngineArguments, ModelArguments, ReviewChoice, churn_tables, compare_tables, finish, layout,
    lineage_tables, list_of_no_interest, output, tables,
};
use crate::app::{
    CheckedReview, MatrixRequest, Model, Previous, RejectedRows, ScoreFormat, ScoreRequest,
    Session, Trained, agreement_with_groups, backtest, full_catalogue, list_beside, score, train,
    write_matrix,
};
use crate::bundle::{Bundle, Lineage};
use crate::config::Config;
use crate::input::starter::starter_config;
use crate::sample::{SampleParams, write_sample};

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
  layercake-train --config shop.toml --previous models/shop/2026-06-01-0123456789

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
    /// Bundle whose layers keep their ids and names where they are still the same
    /// groups [default: the latest of the model]
    #[arg(long, value_name = "FOLDER", requires = "config")]
    previous: Option<PathBuf>,
    /// Number layers from L1 on, whatever model came before
    #[arg(long, requires = "config", conflicts_with = "previous")]
    fresh: bool,
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
    /// List features, or write the feature matrix for notebooks
    #[command(after_help = "Examples:
  layercake-train features --config shop.toml --list       all that the data allows
  layercake-train features --bundle models/shop --list     kept or dropped, and why
  layercake-train features --bundle models/shop --list --format csv > features.csv
  layercake-train features --bundle models/sample --as-of 2025-05-01 --labels \\
      --out matrix.parquet
  layercake-train features --config shop.toml --out everything.parquet")]
    Features(FeaturesArguments),
    /// Show the layers of a model, and write layers.toml to edit them
    #[command(after_help = "Examples:
  layercake-train review --bundle models/shop            shows, and writes layers.toml
  $EDITOR models/shop/layers.toml                        rename, merge, split, pin
  layercake-train review --bundle models/shop            checks it
  layercake-score --bundle models/shop                   uses it
  layercake-train review --bundle models/shop --json > layers.json

A layers.toml that is there is never overwritten: it is held against the model, and what does not
fit is an error.")]
    Review(ReviewArguments),
    /// Show how the layers of a model came from those of the models before
    #[command(after_help = "Examples:
  layercake-train lineage --bundle models/shop
  layercake-train lineage --bundle models/shop --json > lineage.json

A layer is still the same group, and keeps its id and name, when most of its
users are in the new layer and most users of the new layer come from it.")]
    Lineage {
        /// Folder of a model, or of one of its bundles
        #[arg(long, value_name = "FOLDER")]
        bundle: PathBuf,
        /// Print JSON instead of tables
        #[arg(long)]
        json: bool,
    },
    /// Show the churn model of a bundle: how good, how calibrated, whom it flags
    #[command(after_help = "Examples:
  layercake-train churn --bundle models/shop
  layercake-train churn --bundle models/shop --json > churn.json")]
    Churn {
        /// Folder of a model, or of one of its bundles
        #[arg(long, value_name = "FOLDER")]
        bundle: PathBuf,
        /// Print JSON instead of tables
        #[arg(long)]
        json: bool,
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

#[derive(Debug, clap::Args)]
struct FeaturesArguments {
    /// Trained model: its features. Without it: all that the data allows
    #[arg(long, value_name = "FOLDER", required_unless_present = "config")]
    bundle: Option<PathBuf>,
    /// Config whose sources are read [default: those the model was trained on]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use events before this day only [default: the day after the last event]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
    /// Print name, unit, meaning and formula of every feature
    #[arg(long, conflicts_with_all = ["out", "labels"])]
    list: bool,
    /// How to print the list
    #[arg(long, value_enum, default_value = "text", requires = "list")]
    format: ListFormat,
    /// Parquet file to write the matrix to, unless --list is given
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    out: Option<PathBuf>,
    /// Add what users did in the horizon after the day: outcome_n_orders,
    /// outcome_gmv, outcome_churned
    #[arg(long)]
    labels: bool,
}

/// Parses, runs and reports.
pub fn train_main() -> ExitCode {
    let arguments = Arguments::parse();
    finish("layercake-train", || run(arguments))
}

fn run(arguments: Arguments) -> anyhow::Result<String> {
    let engine = &arguments.engine;
    match arguments.command {
        Some(Command::Init { files, out }) => init(&files, out.as_deref()),
        Some(Command::Features(wanted)) => features(engine, &wanted),
        Some(Command::Review(wanted)) => review::run(engine, &wanted),
        Some(Command::Lineage { bundle, json }) => {
            let lineage = Lineage::load(&bundle)?;
            if json {
                return Ok(serde_json::to_string_pretty(&lineage)? + "\n");
            }
            Ok(lineage_tables::history(&lineage))
        }
        Some(Command::Churn { bundle, json }) => {
            let (bundle, _) = Bundle::load(&bundle)?;
            if json {
                let report = serde_json::json!({
                    "model": bundle.churn.settings,
                    "held_out": bundle.record.churn,
                });
                return Ok(serde_json::to_string_pretty(&report)? + "\n");
            }
            Ok(churn_tables::full(&bundle))
        }
        Some(Command::Sample { out, users, seed }) => {
            let written = write_sample(&SampleParams { n_users: users, seed }, &out)?;
            Ok(format!(
                "{}, {} order lines, {} other events in {}\n",
                layout::users(written.n_users),
                layout::thousands(written.n_order_lines),
                layout::thousands(written.n_behaviour_rows),
                out.display()
            ))
        }
        None => match &arguments.config {
            Some(file) => {
                let mut config = Config::load(file)?;
                config.seed = arguments.seed.unwrap_or(config.seed);
                config.models = arguments.models.clone().unwrap_or(config.models);
                let previous = match arguments.previous {
                    Some(bundle) => Previous::Bundle(bundle),
                    None if arguments.fresh => Previous::Fresh,
                    None => Previous::Latest,
                };
                train_and_report(&open(engine, config, arguments.as_of)?, &previous)
            }
            None => main_job_on_sample(engine),
        },
    }
}

/// A session to train in, with the list of rejected rows beside the bundles.
fn open(
    engine: &EngineArguments,
    config: Config,
    as_of: Option<NaiveDate>,
) -> anyhow::Result<Session> {
    let list = config.models.join(&config.name).join("quarantine.csv");
    engine.open(config, as_of, RejectedRows::kept_in(list))
}

fn train_and_report(session: &Session, previous: &Previous) -> anyhow::Result<String> {
    let trained = train(session, previous)?;
    let warning = review_warning(session, &trained, previous);
    let config = session.config();
    let next =
        format!("Next: layercake-score --bundle {}\n", config.models.join(&config.name).display());
    Ok(tables::trained(&trained) + &warning + &next)
}

/// What whoever edits the review should know before the next night: a new model
/// may have lost a layer that the review speaks of.
fn review_warning(session: &Session, trained: &Trained, previous: &Previous) -> String {
    let warn = |text: String| layout::indented(&format!("WARNING: {text}"));
    let Some(file) = ReviewChoice::default().file(&trained.folder) else { return String::new() };
    match CheckedReview::read(&trained.bundle, &file, session.engine()) {
        Err(error) => warn(format!("{error}. Scoring stops until it is mended")),
        Ok(_) if *previous == Previous::Fresh => {
            warn(format!("{} speaks of the layers before --fresh; read it again", file.display()))
        }
        Ok(_) => String::new(),
    }
}

/// Train, score, compare: what a newcomer sees first.
fn main_job_on_sample(engine: &EngineArguments) -> anyhow::Result<String> {
    if !Path::new(SAMPLE_CONFIG).is_file() {
        anyhow::bail!(
            "no --config given, and the sample ({SAMPLE_CONFIG}) is not in this folder; run in the \
             project folder, or write a config for your data: layercake-train init FILE"
        );
    }
    let config = Config::load(Path::new(SAMPLE_CONFIG))?;
    let folder = config.models.join(&config.name);
    let folder = folder.display();
    let session = open(engine, config, None)?.keeping_snapshots();
    output::print(&format!("── Train: layercake-train --config {SAMPLE_CONFIG}\n\n"))?;
    let trained = train(&session, &Previous::Latest)?;
    output::print(&tables::trained(&trained))?;
    let review = ReviewChoice::default().file(&trained.folder);
    let Trained { bundle, folder: bundle_folder, .. } = trained;
    let model = Model::reviewed(bundle, bundle_folder, review.as_deref(), session.engine())?;
    output::print(&format!("\n── Score: layercake-score --bundle {folder}\n\n"))?;
    let request = ScoreRequest { out: Path::new("scores"), format: ScoreFormat::Parquet };
    output::print(&tables::scored(&score(&session, &model, &request)?))?;
    output::print(&format!(
        "\n── Compare: layercake-compare backtest --bundle {folder} --groups {SAMPLE_TRUTH}\n\n"
    ))?;
    let result = backtest(&session, &model)?;
    let agreement = agreement_with_groups(&session, &model, Path::new(SAMPLE_TRUTH))?;
    let next = "\nNext, on your own data: layercake-train init FILE > shop.toml\n";
    Ok(format!(
        "{}\n{}{next}",
        compare_tables::compared(&result),
        compare_tables::agreement(&agreement)
    ))
}

fn init(files: &[PathBuf], out: Option<&Path>) -> anyhow::Result<String> {
    let text = starter_config(files)?;
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

fn features(engine: &EngineArguments, wanted: &FeaturesArguments) -> anyhow::Result<String> {
    let model = match &wanted.bundle {
        Some(bundle) => {
            let model = ModelArguments { bundle: bundle.clone(), config: wanted.config.clone() };
            Some(model.load()?)
        }
        None => None,
    };
    if let (Some((bundle, ..)), true) = (&model, wanted.list) {
        let features = feature_list::of_candidates(&bundle.pruning.candidates);
        return feature_list::render(&features, wanted.format);
    }
    let config = match (&model, &wanted.config) {
        (Some((_, _, config)), _) => config.clone(),
        (None, Some(file)) => Config::load(file)?,
        (None, None) => anyhow::bail!("name a model by --bundle or a config by --config"),
    };
    let Some(out) = wanted.out.as_deref() else {
        let session = engine.open(config, wanted.as_of, list_of_no_interest())?;
        let found = full_catalogue(&session)?;
        return feature_list::render(&feature_list::of_plan(&found.plan), wanted.format);
    };
    let list = RejectedRows::kept_in(list_beside(out));
    let session = engine.open(config, wanted.as_of, list)?;
    let plan = model.as_ref().map(|(bundle, ..)| &bundle.plan);
    let written = write_matrix(&session, &MatrixRequest { plan, labels: wanted.labels, out })?;
    Ok(tables::matrix(&written, out))
}
