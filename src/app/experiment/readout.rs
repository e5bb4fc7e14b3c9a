//! The verb `readout`: gates first, then effects.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::assignments::read;
use super::from_events::Measurer;
use super::from_table::{TableOf, tally_table};
use super::intake::Found;
use super::plan_file::PlanFile;
use crate::app::{Model, PipelineError, Session};
use crate::experiment::{ExperimentPlan, Gate, Intake, Level, Readout, gates, read_out};
use crate::input::engine::Engine;

/// What came of an experiment up to a day.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentReadout {
    /// The plan as it was sealed.
    pub plan: ExperimentPlan,
    /// Hash of the seal.
    pub hash: String,
    /// End of what is known, a day that does not count any more.
    pub as_of: NaiveDate,
    /// Users in each arm.
    pub n_users: Vec<u64>,
    /// Layers that users were in.
    pub layers: Vec<String>,
    /// What was met on the way.
    pub intake: Intake,
    /// What has to hold.
    pub gates: Vec<Gate>,
    /// What somebody accepted.
    pub accepted: Vec<Accepted>,
    /// What follows from the gates.
    pub state: State,
    /// The effects, unless the gates keep them back.
    pub readout: Option<Readout>,
}

/// What follows from the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Numbers and verdicts.
    Read,
    /// Neither, until somebody accepts what a gate holds.
    Held,
    /// Neither.
    Refused,
}

/// A gate that somebody accepted, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Name of the gate.
    pub gate: String,
    /// Why.
    pub reason: String,
}

/// Reads an experiment out of events.
///
/// # Errors
/// When the plan is not sealed, a file cannot be read, or names what the plan does not have.
pub fn readout_of_events(
    session: &Session,
    model: Option<&Model>,
    plan_file: &PlanFile,
    assignments: &Path,
    accepted: Vec<Accepted>,
) -> Result<ExperimentReadout, PipelineError> {
    session.run("readout", 3, |stages| {
        let sealed = plan_file.sealed()?;
        let data = session.read(model.map(|it| &it.bundle.plan), stages)?;
        stages.begin("reading the assignments");
        let assigned = read(session.engine(), assignments, &sealed)?;
        stages.begin("measuring users");
        let as_of = data.as_of()?;
        let (plan, file) = (&sealed.plan, plan_file.file.as_path());
        let groupings = &[];
        let measurer = Measurer { data: &data, model, plan, file, assignments, as_of, groupings };
        let found = measurer.tally(assigned)?;
        Ok(judge(plan_file, &sealed, found, as_of.date(), accepted))
    })
}

/// A table to read an experiment out of.
#[derive(Debug, Clone)]
pub struct TableRequest {
    /// The table.
    pub table: PathBuf,
    /// Who got which arm, where the table does not say so.
    pub assignments: Option<PathBuf>,
    /// End of what the table knows.
    pub as_of: NaiveDate,
}

impl TableRequest {
    /// The table with what groups users for a targeting.
    pub(super) fn of<'a>(&'a self, groupings: &'a [String]) -> TableOf<'a> {
        let assignments = self.assignments.as_deref();
        TableOf { table: &self.table, assignments, as_of: self.as_of, groupings }
    }
}

/// Reads an experiment out of a table by user.
///
/// # Errors
/// As [`readout_of_events`].
pub fn readout_of_table(
    engine: &Engine,
    plan_file: &PlanFile,
    request: &TableRequest,
    accepted: Vec<Accepted>,
) -> Result<ExperimentReadout, PipelineError> {
    let sealed = plan_file.sealed()?;
    let found =
        engine.install(|| tally_table(engine, &plan_file.file, &sealed, request.of(&[])))?;
    Ok(judge(plan_file, &sealed, found, request.as_of, accepted))
}

/// What the gates make of a tally.
pub(super) fn judge(
    plan_file: &PlanFile,
    sealed: &crate::experiment::Sealed,
    found: Found,
    as_of: NaiveDate,
    accepted: Vec<Accepted>,
) -> ExperimentReadout {
    let plan = &sealed.plan;
    let Found { tally, layers, intake, .. } = found;
    let gates = gates(plan, &layers, &tally, &intake, plan_file.deviations());
    let is_accepted = |gate: &Gate| accepted.iter().any(|it| it.gate == gate.kind.name());
    let is_held = |gate: &Gate| gate.level == Level::Held && !is_accepted(gate);
    let state = match &gates {
        gates if gates.iter().any(|gate| gate.level == Level::Refused) => State::Refused,
        gates if gates.iter().any(is_held) => State::Held,
        _ => State::Read,
    };
    let is_planned_end = as_of >= plan.planned_end();
    let readout = (state == State::Read).then(|| read_out(plan, &layers, &tally, is_planned_end));
    ExperimentReadout {
        plan: plan.clone(),
        hash: sealed.hash.clone(),
        as_of,
        n_users: (0..plan.arms.len()).map(|arm| tally.n_of_arm(arm)).collect(),
        layers,
        intake,
        gates,
        accepted,
        state,
        readout,
    }
}
