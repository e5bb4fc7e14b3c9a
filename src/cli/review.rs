//! `layercake-train review`: the file in which people say what they make of the
//! layers.

use std::io::Write as _;
use std::path::PathBuf;

use super::arguments::EngineArguments;
use super::printing::Printing;
use crate::app::{CheckedReview, review_place};
use crate::bundle::Bundle;
use crate::files::write_atomically;
use crate::input::engine::Engine;
use crate::models::segmentation::{Partition, review_template};
use crate::report;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  layercake-train show layers --bundle models/shop    looks at the layers
  layercake-train review --bundle models/shop         writes layers.toml
  $EDITOR models/shop/layers.toml                     rename, merge, split, pin
  layercake-train review --bundle models/shop         checks it
  layercake-score --bundle models/shop                uses it

A layers.toml that is there is never overwritten: it is checked against the
model, and what does not fit is an error.")]
pub(super) struct ReviewArguments {
    /// Bundle folder, or the folder of a model: its latest bundle is used
    #[arg(long, value_name = "FOLDER")]
    bundle: PathBuf,
    /// The file to write or check [default: layers.toml in the model's folder]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArguments,
}

/// Writes the file to edit, or checks the one that is there.
pub(super) fn run(wanted: &ReviewArguments, printing: &Printing) -> anyhow::Result<()> {
    let (bundle, folder) = Bundle::load(&wanted.bundle)?;
    let file = wanted.out.clone().unwrap_or_else(|| review_place(&folder));
    if !file.exists() {
        let text = review_template(&[&bundle.layers, &bundle.kinds]);
        if let Err(cause) = write_atomically(&file, |out| out.write_all(text.as_bytes())) {
            anyhow::bail!("can't write {}: {cause}", file.display());
        }
        return printing.print(&report::review_written(&file));
    }
    let mut params = bundle.config.engine.clone();
    wanted.engine.apply(&mut params);
    let checked = CheckedReview::read(&bundle, &file, &Engine::new(&params)?)?;
    let part = |partition| (&bundle.groups(partition).groups[..], &checked.part(partition).review);
    printing.print(&report::review_checked(&Partition::ALL.map(part), &file))
}
