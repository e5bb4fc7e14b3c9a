use std::path::PathBuf;

use chrono::NaiveDate;

use super::arguments::{ModelArguments, RunArguments};
use super::printing::Printing;
use crate::app::{MatrixRequest, RejectedRows, list_beside, write_matrix};
use crate::report;
use crate::settings::parse_day;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  layercake-train features --bundle models/sample --as-of 2025-05-01 --labels \\
      -o matrix.parquet
  layercake-train features --config shop.toml -o everything.parquet

`layercake-train show features` lists them with their formulas.")]
pub(super) struct FeaturesArguments {
    /// Trained model: its features. Without it: all that the data allows
    #[arg(long, value_name = "FOLDER", required_unless_present = "config")]
    bundle: Option<PathBuf>,
    /// Config whose sources are read [default: those the model was trained on]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use events before this day only [default: the day after the last event]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    as_of: Option<NaiveDate>,
    /// Parquet file to write; an earlier one stands until the new one is whole
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Add what users did in the horizon after the day: outcome_n_orders,
    /// outcome_gmv, outcome_churned
    #[arg(long)]
    labels: bool,
    #[command(flatten)]
    run: RunArguments,
}

/// Writes the feature matrix for notebooks.
pub(super) fn run(wanted: &FeaturesArguments, printing: &Printing) -> anyhow::Result<()> {
    let (plan, config) = match (&wanted.bundle, &wanted.config) {
        (Some(bundle), config) => {
            let model = ModelArguments { bundle: bundle.clone(), config: config.clone() };
            let (bundle, _, config) = model.load(&wanted.run)?;
            (Some(bundle.plan), config)
        }
        (None, Some(file)) => (None, wanted.run.load(file)?),
        (None, None) => anyhow::bail!("name a model by --bundle or a config by --config"),
    };
    let (out, labels) = (wanted.out.as_path(), wanted.labels);
    let list = RejectedRows::kept_in(list_beside(out));
    let session = wanted.run.open(config, wanted.as_of, list, printing)?;
    let written = write_matrix(&session, &MatrixRequest { plan: plan.as_ref(), labels, out })?;
    wanted.run.finish(&session);
    printing.print(&report::matrix(&written, out))
}
