use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;

use super::arguments::{ModelArguments, RunArguments, list_of_no_interest};
use super::printing::Printing;
use crate::app::judge;
use crate::objects::is_object_url;
use crate::report;
use crate::settings::parse_day;

/// Which nights to judge, and by which data.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  layercake-score judge --bundle models/shop
  layercake-score judge --bundle models/shop --config tonight.toml --scores /srv/scores
  layercake-score judge --bundle models/shop --from 2026-01-01 --format csv > nights.csv

Reads what was published, checks it by its hash, and looks up who churned since,
by the rule of the bundle that scored each night. Nights that cannot be judged
yet are named.")]
pub(super) struct JudgeArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Folder of all scores
    #[arg(long, value_name = "FOLDER", default_value = "scores")]
    scores: PathBuf,
    /// Judge nights from this day on [default: all]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    from: Option<NaiveDate>,
    /// Judge nights up to this day [default: all]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    until: Option<NaiveDate>,
    /// What happened is known up to the start of this day [default: the day after the last
    /// event that keeps users]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    known_to: Option<NaiveDate>,
    #[command(flatten)]
    run: RunArguments,
}

/// Judges and reports.
pub(super) fn run(arguments: &JudgeArguments, printing: &Printing) -> anyhow::Result<()> {
    let JudgeArguments { model, scores, from, until, known_to, run } = arguments;
    if is_object_url(&scores.to_string_lossy()) {
        anyhow::bail!(
            "--scores {} is no folder of this machine; copy it here first",
            scores.display()
        );
    }
    let (bundle, folder, config) = model.load(run)?;
    let session = run.open(config, None, list_of_no_interest(), printing)?;
    let judged = judge(&session, (&bundle, &folder), scores, (*from, *until), *known_to)?;
    run.finish(&session);
    printing.print(&report::judgement(&judged))
}
