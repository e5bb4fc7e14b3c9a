//! `layercake-train review`: the file in which people say what they make of the
//! layers.

use std::io::Write as _;
use std::path::PathBuf;

use super::arguments::{EngineArguments, ModelArguments, RunArguments, list_of_no_interest};
use super::printing::Printing;
use crate::app::{CheckedReview, Grouping, Model, Moves, moves, review_place};
use crate::bundle::Bundle;
use crate::config::Config;
use crate::files::write_atomically;
use crate::input::engine::Engine;
use crate::models::segmentation::{Group, Partition, PerPartition, review_template};
use crate::report;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  layercake-train show layers --bundle models/shop    looks at the layers
  layercake-train review --bundle models/shop         writes layers.toml
  $EDITOR models/shop/layers.toml                     rename, merge, split, pin
  layercake-train review --bundle models/shop         checks it
  layercake-score --bundle models/shop                uses it
  layercake-train review --bundle models/shop --suggest-playbook --out draft.toml

A layers.toml that is there is never overwritten: it is checked against the
model, and what does not fit is an error.")]
pub(super) struct ReviewArguments {
    /// Bundle folder, or the folder of a model: its latest bundle is used
    #[arg(long, value_name = "FOLDER")]
    bundle: PathBuf,
    /// The file to write or check [default: layers.toml in the model's folder]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Read the data, and begin each playbook with what moves the users of the group, as
    /// `layercake-compare moves` finds it
    #[arg(long)]
    suggest_playbook: bool,
    /// Config whose sources are read for that [default: the sources the model was
    /// trained on]
    #[arg(long, value_name = "FILE", requires = "suggest_playbook")]
    config: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArguments,
}

/// Writes the file to edit, or checks the one that is there.
pub(super) fn run(wanted: &ReviewArguments, printing: &Printing) -> anyhow::Result<()> {
    let model = ModelArguments { bundle: wanted.bundle.clone(), config: wanted.config.clone() };
    let run = RunArguments::of_engine(wanted.engine.clone());
    let (bundle, folder, mut config) = model.load(&run)?;
    let file = wanted.out.clone().unwrap_or_else(|| review_place(&folder));
    if !file.exists() {
        let found = match wanted.suggest_playbook {
            true => Some(moves_of_groups(&run, config, &bundle, folder, printing)?),
            false => None,
        };
        let language = printing.language();
        let playbook = |partition, group: &Group| {
            // Moves are of the groups as training found them, in their order.
            let groups = &bundle.groups(partition).groups;
            let place = groups.iter().position(|it| it.id == group.id)?;
            let suggestion = &found.as_ref()?.get(partition).groups.get(place)?.suggestion;
            Some(suggestion.in_language(language).to_owned())
        };
        let text = review_template(&[&bundle.layers, &bundle.kinds], playbook);
        if let Err(cause) = write_atomically(&file, |out| out.write_all(text.as_bytes())) {
            anyhow::bail!("can't write {}: {cause}", file.display());
        }
        return printing.print(&report::review_written(&file));
    }
    if wanted.suggest_playbook {
        anyhow::bail!(
            "{} is there already, and is never overwritten: write the suggestions to another file \
             by --out, or leave --suggest-playbook out to check it",
            file.display()
        );
    }
    wanted.engine.apply(&mut config.engine);
    let checked = CheckedReview::read(&bundle, &file, &Engine::new(&config.engine)?)?;
    let part = |partition| (&bundle.groups(partition).groups[..], &checked.part(partition).review);
    printing.print(&report::review_checked(&Partition::ALL.map(part), &file))
}

/// What moves layers and kinds as training found them.
fn moves_of_groups(
    run: &RunArguments,
    config: Config,
    bundle: &Bundle,
    folder: PathBuf,
    printing: &Printing,
) -> anyhow::Result<PerPartition<Moves>> {
    let session = run.open(config, None, list_of_no_interest(), printing)?;
    let model = Model::unreviewed(bundle.clone(), folder);
    Ok(PerPartition::try_of(|it| moves(&session, &model, Grouping::Groups(it)))?)
}
