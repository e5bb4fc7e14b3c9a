use std::path::PathBuf;

use clap::ValueEnum;

use super::printing::Printing;
use crate::report;
use crate::sample::{KindSource, SampleParams, write_sample};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  layercake-train sample --users 50000 --seed 7 -o big-sample")]
pub(super) struct SampleArguments {
    /// Folder to write orders.csv.gz, behaviour.parquet and truth.csv to, and kinds.csv
    /// if kinds are drawn; earlier ones are replaced
    #[arg(short, long, value_name = "FOLDER")]
    out: PathBuf,
    /// Users to generate
    #[arg(long, value_name = "N", default_value_t = SampleParams::default().n_users)]
    users: usize,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = SampleParams::default().seed)]
    seed: u64,
    /// Which kinds of users there are
    #[arg(long, value_enum, default_value = "planted")]
    kinds: Kinds,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kinds {
    /// Ten named ones, the same with every seed
    Planted,
    /// Six to twelve that the seed draws, with their shares; kinds.csv says what they are like
    Drawn,
}

/// Writes behaviour data with planted truth.
pub(super) fn run(wanted: &SampleArguments, printing: &Printing) -> anyhow::Result<()> {
    let kinds = match wanted.kinds {
        Kinds::Planted => KindSource::Planted,
        Kinds::Drawn => KindSource::Drawn,
    };
    let params = SampleParams { n_users: wanted.users, seed: wanted.seed, kinds };
    let written = write_sample(&params, &wanted.out)?;
    printing.print(&report::sample_written(&written, &wanted.out))
}
