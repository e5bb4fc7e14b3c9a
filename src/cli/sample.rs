use std::path::PathBuf;

use super::printing::Printing;
use crate::report;
use crate::sample::{SampleParams, write_sample};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  layercake-train sample --users 50000 --seed 7 -o big-sample")]
pub(super) struct SampleArguments {
    /// Folder to write orders.csv.gz, behaviour.parquet and truth.csv to; earlier ones
    /// are replaced
    #[arg(short, long, value_name = "FOLDER")]
    out: PathBuf,
    /// Users to generate
    #[arg(long, value_name = "N", default_value_t = SampleParams::default().n_users)]
    users: usize,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = SampleParams::default().seed)]
    seed: u64,
}

/// Writes behaviour data with planted truth.
pub(super) fn run(wanted: &SampleArguments, printing: &Printing) -> anyhow::Result<()> {
    let params = SampleParams { n_users: wanted.users, seed: wanted.seed };
    let written = write_sample(&params, &wanted.out)?;
    printing.print(&report::sample_written(&written, &wanted.out))
}
