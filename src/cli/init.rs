use std::path::PathBuf;

use super::output;
use super::printing::Printing;
use crate::input::starter::starter_config;
use crate::report;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  layercake-train init orders.csv > shop.toml
  layercake-train init orders.parquet clicks.csv.gz -o shop.toml")]
pub(super) struct InitArguments {
    /// Data files: Parquet, CSV, TSV, also .gz and .zst; globs and folders
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to write the config; a file that is there is never overwritten [default:
    /// standard output]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes a starter config for data files.
pub(super) fn run(wanted: &InitArguments, printing: &Printing) -> anyhow::Result<()> {
    let Some(file) = &wanted.out else {
        if !printing.is_text() || printing.quiet {
            anyhow::bail!(
                "without --out the config is printed, as TOML only; name a file by --out"
            );
        }
        return output::print(&starter_config(&wanted.files)?);
    };
    if file.exists() {
        anyhow::bail!("{} exists already; remove it or choose another --out", file.display());
    }
    let text = starter_config(&wanted.files)?;
    if let Err(error) = std::fs::write(file, text) {
        anyhow::bail!("can't write {}: {error}", file.display());
    }
    printing.print(&report::config_written(file))
}
