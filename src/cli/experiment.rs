//! `layercake-compare plan`, `assign` and `readout`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{Days, NaiveDate, Utc};

use super::arguments::{ModelArguments, ReviewChoice, RunArguments, list_of_no_interest};
use super::printing::Printing;
use crate::app::{
    Accepted, AssignRequest, ExperimentReadout, Model, PipelineError, PlanFile, Session, State,
    TableRequest, assign, plan_from_events, plan_from_table, readout_of_events, readout_of_table,
    seal, targeting_of_events, targeting_of_table,
};
use crate::experiment::{Gate, GateKind, Level, plan_template};
use crate::files::write_atomically;
use crate::input::engine::{Engine, EngineParams};
use crate::report;
use crate::settings::parse_day;

/// Where users, or what is known of them, come from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Data")]
pub(super) struct DataArguments {
    /// Bundle folder, or the folder of a model: its data, its layers and its predictions
    #[arg(long, value_name = "FOLDER")]
    bundle: Option<PathBuf>,
    /// Config whose sources are read [default: the sources the model was trained on]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Table with rows by user, as [columns] of the plan says: a CSV or Parquet file, a
    /// folder or a glob
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bundle", "config"])]
    table: Option<PathBuf>,
    /// End of what is known: the start of this day [default: the day after the last event]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    as_of: Option<NaiveDate>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  layercake-compare plan spring.toml --new                  writes one to begin with
  layercake-compare plan spring.toml                        checks it
  layercake-compare plan spring.toml --bundle models/shop   what it can find
  layercake-compare plan spring.toml --table before.parquet
  layercake-compare plan spring.toml --seal                 from then on it is fixed

The seal is written beside the plan, as spring.sealed.toml.")]
pub(super) struct PlanArguments {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Write a commented plan to begin with; one that is there is never overwritten
    #[arg(long, conflicts_with_all = ["seal", "bundle", "config", "table"])]
    new: bool,
    /// Seal the plan: from then on a change is told by every read-out
    #[arg(long)]
    seal: bool,
    #[command(flatten)]
    data: DataArguments,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  layercake-compare assign spring.toml --bundle models/shop \\
    --out spring-users.parquet
  layercake-compare assign spring.toml --bundle models/shop \\
    --as-of 2026-03-01 --out spring-users.csv

Users whom the file has already keep their arm, layer and day; new ones are added.")]
pub(super) struct AssignArguments {
    /// The plan, sealed
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// The file to write or add to: Parquet, or CSV where the name ends in .csv
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    review: ReviewChoice,
    /// Day of the layers; users enter on it, or on the start of the plan [default: the day
    /// after the last event]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    as_of: Option<NaiveDate>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  layercake-compare readout spring.toml --bundle models/shop \\
    --assignments spring-users.parquet
  layercake-compare readout spring.toml --config shop.toml \\
    --assignments spring-users.parquet --as-of 2026-04-01
  layercake-compare readout mail.toml --table results.parquet --as-of 2026-04-01
  layercake-compare readout mail.toml --table results.parquet --as-of 2026-04-01 \\
    --accept without_arm=\"12 accounts of our own staff\"

A gate that refuses ends the run with exit code 1, and so does one that holds and is
not accepted.")]
pub(super) struct ReadoutArguments {
    /// The plan, sealed
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Who got which arm: columns user_id, arm and, where known, layer and exposed_at
    #[arg(long, value_name = "FILE")]
    assignments: Option<PathBuf>,
    /// Accept what a gate holds, and say why; may be repeated
    #[arg(long, value_name = "GATE=REASON", value_parser = parse_accepted)]
    accept: Vec<Accepted>,
    #[command(flatten)]
    data: DataArguments,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  layercake-compare targeting spring.toml --bundle models/shop \\
    --assignments spring-users.parquet
  layercake-compare targeting mail.toml --table results.parquet \\
    --as-of 2026-04-01 --by layer --by \"concat(r, f, m)\"

The campaign must have given its arms at random. Which arm is best for each group is
learned on one half of the users and valued on the other.")]
pub(super) struct TargetingArguments {
    /// The plan of the campaign, sealed; its first arm is no contact
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Who got which arm, with columns layer and rfm
    #[arg(long, value_name = "FILE", conflicts_with = "table")]
    assignments: Option<PathBuf>,
    /// What groups the users; may be repeated, the first is held against the others: layer
    /// or rfm of the assignments, of a table SQL [default: layer, then rfm]
    #[arg(long, value_name = "GROUPING")]
    by: Vec<String>,
    /// Accept what a gate holds, and say why; may be repeated
    #[arg(long, value_name = "GATE=REASON", value_parser = parse_accepted)]
    accept: Vec<Accepted>,
    #[command(flatten)]
    data: DataArguments,
}

fn parse_accepted(typed: &str) -> Result<Accepted, String> {
    let (gate, reason) = typed.split_once('=').unwrap_or((typed, ""));
    if !GateKind::NAMES.contains(&gate) {
        return Err(format!("the gates are {}; got `{gate}`", GateKind::NAMES.join(", ")));
    }
    match reason.trim() {
        "" => Err(format!("a reason is needed, as in {gate}=\"what happened\"")),
        reason => Ok(Accepted { gate: gate.to_owned(), reason: reason.to_owned() }),
    }
}

impl DataArguments {
    /// The model and the session over its data, or that of a config.
    fn events(&self, printing: &Printing) -> anyhow::Result<Option<(Session, Option<Model>)>> {
        let (session, model) = match (&self.bundle, &self.config) {
            (None, None) => return Ok(None),
            (Some(bundle), config) => {
                let model = ModelArguments { bundle: bundle.clone(), config: config.clone() };
                let (bundle, folder, config) = model.load(&self.run)?;
                let session = self.run.open(config, self.as_of, list_of_no_interest(), printing)?;
                (session, Some(Model::unreviewed(bundle, folder)))
            }
            (None, Some(config)) => {
                let config = self.run.load(config)?;
                (self.run.open(config, self.as_of, list_of_no_interest(), printing)?, None)
            }
        };
        Ok(Some((session, model)))
    }

    /// How far a table reaches.
    fn reach(&self) -> anyhow::Result<NaiveDate> {
        let missing = || {
            anyhow::anyhow!(
                "a table does not say how far it reaches: add --as-of with the day before which \
                 all of it happened"
            )
        };
        self.as_of.ok_or_else(missing)
    }

    /// The engine that reads a table.
    fn engine(&self) -> anyhow::Result<Engine> {
        let mut params = EngineParams::default();
        self.run.engine.apply(&mut params);
        Ok(Engine::new(&params)?)
    }
}

/// Checks a plan, looks ahead, and seals it.
pub(super) fn plan(wanted: &PlanArguments, printing: &Printing) -> anyhow::Result<()> {
    if wanted.new {
        return write_new(wanted, printing);
    }
    let file = PlanFile::read(&wanted.plan)?;
    let data = &wanted.data;
    let planned = match (&data.table, data.events(printing)?) {
        (Some(table), _) => Some(plan_from_table(&data.engine()?, &file, table)?),
        (None, Some((session, model))) => {
            let planned = plan_from_events(&session, model.as_ref(), &file)?;
            data.run.finish(&session);
            Some(planned)
        }
        (None, None) => None,
    };
    let sealed = if wanted.seal { Some(seal(&file)?) } else { None };
    printing.print(&report::experiment_plan(&file, planned.as_ref(), sealed.as_deref()))
}

fn write_new(wanted: &PlanArguments, printing: &Printing) -> anyhow::Result<()> {
    let file = &wanted.plan;
    if file.exists() {
        anyhow::bail!("{} is there already, and is never overwritten", file.display());
    }
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let start = wanted.data.as_of.unwrap_or_else(|| Utc::now().date_naive() + Days::new(1));
    let text = plan_template(&name, start);
    if let Err(cause) = write_atomically(file, |out| out.write_all(text.as_bytes())) {
        anyhow::bail!("can't write {}: {cause}", file.display());
    }
    printing.print(&report::plan_written(file))
}

/// Assigns users.
pub(super) fn assign_users(wanted: &AssignArguments, printing: &Printing) -> anyhow::Result<()> {
    let file = PlanFile::read(&wanted.plan)?;
    let (bundle, folder, config) = wanted.model.load(&wanted.run)?;
    let session = wanted.run.open(config, wanted.as_of, list_of_no_interest(), printing)?;
    let model = wanted.review.apply(bundle, folder, &session)?;
    let found = assign(&session, &model, &AssignRequest { plan: &file, out: &wanted.out })?;
    wanted.run.finish(&session);
    printing.print(&report::assigned(&found))
}

/// Reads an experiment out.
pub(super) fn readout(wanted: &ReadoutArguments, printing: &Printing) -> anyhow::Result<()> {
    let file = PlanFile::read(&wanted.plan)?;
    let (data, accepted) = (&wanted.data, wanted.accept.clone());
    let found = match (&data.table, data.events(printing)?) {
        (Some(table), _) => {
            let as_of = data.reach()?;
            let (table, assignments) = (table.clone(), wanted.assignments.clone());
            let request = TableRequest { table, assignments, as_of };
            readout_of_table(&data.engine()?, &file, &request, accepted)?
        }
        (None, Some((session, model))) => {
            let assignments = needed(wanted.assignments.as_deref())?;
            let found = readout_of_events(&session, model.as_ref(), &file, assignments, accepted)?;
            data.run.finish(&session);
            found
        }
        (None, None) => return Err(no_results()),
    };
    printing.print(&report::experiment_readout(&found))?;
    refuse(&found)
}

/// Values targetings.
pub(super) fn targeting(wanted: &TargetingArguments, printing: &Printing) -> anyhow::Result<()> {
    let file = PlanFile::read(&wanted.plan)?;
    let (data, accepted) = (&wanted.data, wanted.accept.clone());
    let by = match wanted.by.is_empty() {
        true => vec!["layer".to_owned(), "rfm".to_owned()],
        false => wanted.by.clone(),
    };
    let found = match (&data.table, data.events(printing)?) {
        (Some(table), _) => {
            let request =
                TableRequest { table: table.clone(), assignments: None, as_of: data.reach()? };
            targeting_of_table(&data.engine()?, &file, &request, &by, accepted)?
        }
        (None, Some((session, model))) => {
            let assignments = needed(wanted.assignments.as_deref())?;
            let model = model.as_ref();
            let found = targeting_of_events(&session, model, &file, assignments, &by, accepted)?;
            data.run.finish(&session);
            found
        }
        (None, None) => return Err(no_results()),
    };
    printing.print(&report::targeting(&found))?;
    refuse(&found.campaign)
}

fn no_results() -> anyhow::Error {
    anyhow::anyhow!(
        "where are the results? --bundle or --config reads events, --table a table by user"
    )
}

fn needed(assignments: Option<&Path>) -> anyhow::Result<&Path> {
    let missing = || anyhow::anyhow!("events do not say who got which arm: add --assignments");
    assignments.ok_or_else(missing)
}

/// The exit code tells what the page says.
fn refuse(found: &ExperimentReadout) -> anyhow::Result<()> {
    if found.state == State::Read {
        return Ok(());
    }
    let is_accepted =
        |it: &Gate| found.accepted.iter().any(|accepted| accepted.gate == it.kind.name());
    let is_open =
        |it: &&Gate| it.level == Level::Refused || it.level == Level::Held && !is_accepted(it);
    let gates: Vec<&str> = found.gates.iter().filter(is_open).map(|it| it.kind.name()).collect();
    Err(PipelineError::ReadoutRefused { gates: gates.join(", ") }.into())
}
