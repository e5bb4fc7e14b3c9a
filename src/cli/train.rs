use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Parser, Subcommand};

use super::arguments::{ReviewChoice, RunArguments, list_beside_bundles};
use super::features::{self, FeaturesArguments};
use super::finish::{EXIT_CODES, finish};
use super::init::{self, InitArguments};
use super::main_job::main_job;
use super::printing::Printing;
use super::review::{self, ReviewArguments};
use super::sample::{self, SampleArguments};
use super::show::{self, BundleFolder, Show};
use crate::app::{CheckedReview, Part, Previous, Session, Trained, train};
use crate::report::{self, Document};
use crate::settings::parse_day;

/// Train layers and churn from raw behaviour data.
///
/// With no argument, runs the whole main job on the sample that ships: trains,
/// scores every user and compares layers with RFM.
#[derive(Debug, Parser)]
#[command(
    name = "layercake-train",
    version,
    max_term_width = 80,
    args_conflicts_with_subcommands = true,
    after_help = format!("Examples:
  layercake-train                              the whole main job on the sample
  layercake-train init orders.csv > shop.toml  a starter config for your files
  layercake-train --config shop.toml           train on them
  layercake-train --config shop.toml --as-of 2026-07-01
  layercake-train --config shop.toml --set churn.model=trees \\
    --set segmentation.k=8
  layercake-train --config shop.toml --previous models/shop/2026-06-01-01234567

{EXIT_CODES}")
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Config to train with
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use events before this day only [default: the day after the last event]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day, requires = "config")]
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
    /// Learn from the users of one of OF equal parts, chosen by a hash of their ids, where all
    /// are more than memory holds; every user can be scored all the same
    #[arg(long, value_name = "NUMBER/OF", requires = "config")]
    part: Option<Part>,
    #[command(flatten)]
    run: RunArguments,
    #[command(flatten)]
    printing: Printing,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at data files and write a commented starter config
    Init(InitArguments),
    /// Look at a model: its layers, churn model, lineage or features
    #[command(subcommand)]
    Show(Show),
    /// Look at the model of value: parameters, fit, and how it did on the holdout
    #[command(after_help = "Examples:
  layercake-train value --bundle models/shop
  layercake-train value --bundle models/shop --format json > value.json")]
    Value(BundleFolder),
    /// Write layers.toml to name, merge, split and pin layers; check it
    Review(ReviewArguments),
    /// Write the feature matrix for notebooks
    Features(FeaturesArguments),
    /// Generate behaviour data with planted truth
    Sample(SampleArguments),
}

/// Parses, runs and reports.
pub fn train_main() -> ExitCode {
    let arguments = Arguments::parse();
    finish("layercake-train", &arguments.printing, || run(&arguments)).into()
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let printing = &arguments.printing;
    match (&arguments.command, &arguments.config) {
        (Some(Command::Init(wanted)), _) => init::run(wanted, printing),
        (Some(Command::Show(wanted)), _) => show::run(wanted, printing),
        (Some(Command::Value(wanted)), _) => show::value(wanted, printing),
        (Some(Command::Review(wanted)), _) => review::run(wanted, printing),
        (Some(Command::Features(wanted)), _) => features::run(wanted, printing),
        (Some(Command::Sample(wanted)), _) => sample::run(wanted, printing),
        (None, Some(file)) => train_on(file, arguments),
        (None, None) => main_job(&arguments.run, printing),
    }
}

fn train_on(file: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let mut config = arguments.run.load(file)?;
    config.seed = arguments.seed.unwrap_or(config.seed);
    config.models = arguments.models.clone().unwrap_or(config.models);
    let previous = match &arguments.previous {
        Some(bundle) => Previous::Bundle(bundle.clone()),
        None if arguments.fresh => Previous::Fresh,
        None => Previous::Latest,
    };
    let (printing, list) = (&arguments.printing, list_beside_bundles(&config));
    let model = config.models.join(&config.name);
    let run = &arguments.run;
    let session = run.open(config, arguments.as_of, list, printing)?;
    let session = session.of_part(arguments.part.unwrap_or(Part::WHOLE));
    let trained = train(&session, &previous)?;
    run.finish(&session);
    let mut document = report::trained(&trained);
    document.append(review_warning(&session, &trained, &previous));
    document.append(report::next_step(&format!("layercake-score --bundle {}", model.display())));
    printing.print(&document)
}

/// What people who edit the review should know before the next night: a new model
/// may have lost a layer that the review names.
fn review_warning(session: &Session, trained: &Trained, previous: &Previous) -> Document {
    let Some(file) = ReviewChoice::default().file(&trained.folder) else {
        return Document::default();
    };
    match CheckedReview::read(&trained.bundle, &file, session.engine()) {
        Err(error) => report::review_unfit(&error),
        Ok(_) if *previous == Previous::Fresh => report::review_outdated(&file),
        Ok(_) => Document::default(),
    }
}
