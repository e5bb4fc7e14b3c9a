//! `layercake-train show`: looks at a model and writes nothing.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Subcommand;

use super::arguments::{RunArguments, list_of_no_interest};
use super::printing::Printing;
use crate::app::full_catalogue;
use crate::bundle::{Bundle, Lineage};
use crate::models::segmentation::Partition;
use crate::report::{self, Document};
use crate::settings::parse_day;

#[derive(Debug, Subcommand)]
pub(super) enum Show {
    /// The layers: who is in them, what separates them, which numbers were tried
    #[command(after_help = "Examples:
  layercake-train show layers --bundle models/shop
  layercake-train show layers --bundle models/shop --format json > layers.json")]
    Layers(BundleFolder),
    /// The kinds: how users shop, what separates them, which numbers were tried
    #[command(after_help = "Examples:
  layercake-train show kinds --bundle models/shop
  layercake-train show kinds --bundle models/shop --format json > kinds.json")]
    Kinds(BundleFolder),
    /// The churn model: how good, how calibrated, whom it flags
    #[command(after_help = "Examples:
  layercake-train show churn --bundle models/shop
  layercake-train show churn --bundle models/shop --lang zh")]
    Churn(BundleFolder),
    /// How the layers came from those of the models before
    #[command(after_help = "Example:
  layercake-train show lineage --bundle models/shop

A layer is still the same group, and keeps its id and name, when most of its
users are in the new layer and most users of the new layer come from it.")]
    Lineage(BundleFolder),
    /// Name, unit, meaning and formula of every feature
    #[command(after_help = "Examples:
  layercake-train show features --config shop.toml    all that the data allows
  layercake-train show features --bundle models/shop  kept or dropped, and why
  layercake-train show features --bundle models/shop --format csv > features.csv")]
    Features(FeatureList),
}

/// Which model to show.
#[derive(Debug, clap::Args)]
pub(super) struct BundleFolder {
    /// Bundle folder, or the folder of a model: its latest bundle is used
    #[arg(long, value_name = "FOLDER")]
    bundle: PathBuf,
}

/// Features of a model, or all that the data of a config allows.
#[derive(Debug, clap::Args)]
pub(super) struct FeatureList {
    /// Trained model: the features that were tried, and what became of them
    #[arg(long, value_name = "FOLDER", required_unless_present = "config")]
    bundle: Option<PathBuf>,
    /// Config: all features that its data allows
    #[arg(long, value_name = "FILE", conflicts_with = "bundle")]
    config: Option<PathBuf>,
    /// Use events before this day only [default: the day after the last event]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day, requires = "config")]
    as_of: Option<NaiveDate>,
    #[command(flatten)]
    run: RunArguments,
}

/// Shows a part of a model.
pub(super) fn run(show: &Show, printing: &Printing) -> anyhow::Result<()> {
    let document = match show {
        Show::Layers(wanted) => of_partition(wanted, Partition::Layers)?,
        Show::Kinds(wanted) => of_partition(wanted, Partition::Kinds)?,
        Show::Churn(wanted) => {
            let (bundle, folder) = Bundle::load(&wanted.bundle)?;
            of_bundle(&folder, report::churn(&bundle))
        }
        Show::Lineage(wanted) => report::lineage(&Lineage::load(&wanted.bundle)?),
        Show::Features(wanted) => features(wanted, printing)?,
    };
    printing.print(&document)
}

/// Shows the model of value.
pub(super) fn value(wanted: &BundleFolder, printing: &Printing) -> anyhow::Result<()> {
    let (bundle, folder) = Bundle::load(&wanted.bundle)?;
    printing.print(&of_bundle(&folder, report::value(&bundle)))
}

fn of_partition(wanted: &BundleFolder, partition: Partition) -> anyhow::Result<Document> {
    let (bundle, folder) = Bundle::load(&wanted.bundle)?;
    Ok(of_bundle(&folder, report::partition(&bundle, partition)))
}

/// A report with the folder of the bundle that it is about.
pub(super) fn of_bundle(folder: &Path, content: Document) -> Document {
    let mut document = Document::default();
    document.fact("bundle", folder);
    document.append(content);
    document
}

fn features(wanted: &FeatureList, printing: &Printing) -> anyhow::Result<Document> {
    if let Some(bundle) = &wanted.bundle {
        let (bundle, folder) = Bundle::load(bundle)?;
        return Ok(of_bundle(
            &folder,
            report::candidates(&bundle.pruning.candidates, &bundle.plan),
        ));
    }
    let Some(file) = &wanted.config else {
        anyhow::bail!("name a model by --bundle or a config by --config")
    };
    let (config, list) = (wanted.run.load(file)?, list_of_no_interest());
    let session = wanted.run.open(config, wanted.as_of, list, printing)?;
    let found = full_catalogue(&session)?;
    wanted.run.finish(&session);
    Ok(report::catalogue(&found.plan))
}
