//! The verb `targeting`: what targeting by layers, by RFM or by other groups would be worth.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;

use super::assignments::read;
use super::from_events::Measurer;
use super::from_table::tally_table;
use super::plan_file::PlanFile;
use super::readout::{Accepted, ExperimentReadout, State, TableRequest, judge};
use crate::app::{Model, PipelineError, Session};
use crate::experiment::{ExperimentPlan, MetricKind, TargetingValue, Treated, targeting_values};
use crate::input::engine::Engine;
use crate::input::rows::{ReadAs, Rows, Wanted};

/// Shares of users who are contacted.
const BUDGETS: [f64; 6] = [0.1, 0.2, 0.3, 0.5, 0.7, 1.0];

/// What targetings are worth.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetingValues {
    /// The gates of the campaign, of which one may refuse.
    pub campaign: ExperimentReadout,
    /// The metric.
    pub metric: String,
    /// What groups the users, in their order.
    pub groupings: Vec<String>,
    /// Number of groups of each.
    pub n_groups: Vec<usize>,
    /// Users who count.
    pub n_users: usize,
    /// By budget; `None` where the gates keep the values back.
    pub values: Option<Vec<TargetingValue>>,
}

/// Values targetings by the groups in a file of assignments, on what events tell.
///
/// # Errors
/// When the plan is not sealed, or a file cannot be read.
pub fn targeting_of_events(
    session: &Session,
    model: Option<&Model>,
    plan_file: &PlanFile,
    assignments: &Path,
    groupings: &[String],
    accepted: Vec<Accepted>,
) -> Result<TargetingValues, PipelineError> {
    session.run("targeting", 3, |stages| {
        let sealed = plan_file.sealed()?;
        let (plan, file) = (&sealed.plan, plan_file.file.as_path());
        check_metric(plan, file)?;
        let data = session.read(model.map(|it| &it.bundle.plan), stages)?;
        stages.begin("reading the assignments");
        let assigned = read(session.engine(), assignments, sealed)?;
        stages.begin("measuring users");
        let as_of = data.as_of()?;
        let measurer = Measurer { data: &data, model, plan, file, as_of };
        let found = measurer.tally(assigned.clone())?;
        let names = |row: usize| {
            let it = &assigned[row];
            let of = |grouping: &String| match grouping.as_str() {
                "layer" => Ok(it.layer.clone()),
                "rfm" => Ok(it.rfm.clone()),
                other => Err(PipelineError::Plan {
                    file: assignments.to_owned(),
                    problem: format!("groups users by layer and by rfm; got `{other}`"),
                }),
            };
            groupings.iter().map(of).collect::<Result<Vec<String>, _>>()
        };
        let users = found.outcomes.iter().map(|it| {
            let (id, arm, outcome) = (assigned[it.row].id.clone(), it.arm, it.value);
            Ok(NamedGroups { id, arm, outcome, groups: names(it.row)? })
        });
        let users: Vec<NamedGroups> = users.collect::<Result<_, PipelineError>>()?;
        let campaign = judge(plan_file, sealed, found, as_of.date(), accepted);
        Ok(value(campaign, users, groupings))
    })
}

/// Values targetings by SQL over a table by user.
///
/// # Errors
/// As [`targeting_of_events`].
pub fn targeting_of_table(
    engine: &Engine,
    plan_file: &PlanFile,
    request: &TableRequest,
    groupings: &[String],
    accepted: Vec<Accepted>,
) -> Result<TargetingValues, PipelineError> {
    let sealed = plan_file.sealed()?;
    let (plan, file) = (&sealed.plan, plan_file.file.as_path());
    check_metric(plan, file)?;
    engine.install(|| {
        let found = tally_table(engine, file, sealed, &request.table, None)?;
        let campaign = judge(plan_file, sealed, found, request.as_of, accepted);
        let users = treated_users(engine, plan, file, &request.table, groupings)?;
        Ok(value(campaign, users, groupings))
    })
}

/// The value of a policy is a mean over users.
fn check_metric(plan: &ExperimentPlan, file: &Path) -> Result<(), PipelineError> {
    let metric = plan.primary();
    match metric.kind {
        MetricKind::Ratio => Err(PipelineError::Plan {
            file: file.to_owned(),
            problem: format!(
                "metric `{}` is a ratio: a targeting is valued by a mean or a share",
                metric.name
            ),
        }),
        _ => Ok(()),
    }
}

/// A user whose groups have names.
struct NamedGroups {
    id: String,
    arm: usize,
    outcome: f64,
    groups: Vec<String>,
}

fn treated_users(
    engine: &Engine,
    plan: &ExperimentPlan,
    file: &Path,
    table: &Path,
    groupings: &[String],
) -> Result<Vec<NamedGroups>, PipelineError> {
    let columns = plan.columns.as_ref();
    let missing = |key: &str| PipelineError::Plan {
        file: file.to_owned(),
        problem: format!("columns.{key} must be set to value a targeting"),
    };
    let user = columns.and_then(|it| it.user.clone()).ok_or_else(|| missing("user"))?;
    let arm = columns.and_then(|it| it.arm.clone()).ok_or_else(|| missing("arm"))?;
    let metric = plan.primary();
    let wanted = |name: String, sql: String, read_as, what: &str| Wanted {
        name,
        sql,
        read_as,
        what: what.to_owned(),
    };
    let mut all = vec![
        wanted("unit".into(), user, ReadAs::Text, "columns.user"),
        wanted("arm".into(), arm, ReadAs::Text, "columns.arm"),
        wanted(
            "outcome".into(),
            metric.value.clone().unwrap_or_default(),
            ReadAs::Number,
            "metric.value",
        ),
    ];
    for (number, sql) in groupings.iter().enumerate() {
        all.push(wanted(format!("group_{number}"), sql.clone(), ReadAs::Text, "--by"));
    }
    let rows = Rows::open(engine, table)?.select(engine, &all)?;
    let (arms, n_groupings) = (plan.arms.clone(), groupings.len());
    let parts = rows.fold(engine, Vec::new, move |part: &mut Vec<NamedGroups>, batch| {
        let texts = |name: &str| batch[name].as_string_view().clone();
        let (ids, names) = (texts("unit"), texts("arm"));
        let outcomes = batch["outcome"].as_primitive::<Float64Type>();
        let groups: Vec<_> = (0..n_groupings).map(|it| texts(&format!("group_{it}"))).collect();
        for row in 0..batch.num_rows() {
            let Some(arm) =
                arms.iter().position(|it| names.is_valid(row) && it.name == names.value(row))
            else {
                continue;
            };
            let group = |it: &arrow::array::StringViewArray| {
                if it.is_valid(row) { it.value(row).to_owned() } else { String::new() }
            };
            part.push(NamedGroups {
                id: ids.value(row).to_owned(),
                arm,
                outcome: if outcomes.is_valid(row) { outcomes.value(row) } else { 0.0 },
                groups: groups.iter().map(group).collect(),
            });
        }
        Ok(())
    })?;
    let mut users: Vec<NamedGroups> = parts.into_iter().flatten().collect();
    users.sort_by(|a, b| a.id.cmp(&b.id).then(a.outcome.total_cmp(&b.outcome)));
    // Rows of one user are summed.
    users.dedup_by(|next, first| {
        let is_same = next.id == first.id;
        if is_same {
            first.outcome += next.outcome;
        }
        is_same
    });
    if metric.kind == MetricKind::Share {
        users.iter_mut().for_each(|it| it.outcome = f64::from(u8::from(it.outcome > 0.0)));
    }
    Ok(users)
}

fn value(
    campaign: ExperimentReadout,
    users: Vec<NamedGroups>,
    groupings: &[String],
) -> TargetingValues {
    let plan = &campaign.plan;
    let mut codes: Vec<BTreeMap<String, usize>> = vec![BTreeMap::new(); groupings.len()];
    for user in &users {
        for (code, group) in codes.iter_mut().zip(&user.groups) {
            if !code.contains_key(group) {
                code.insert(group.clone(), 0);
            }
        }
    }
    for code in &mut codes {
        code.values_mut().enumerate().for_each(|(number, it)| *it = number);
    }
    let n_groups = codes.iter().map(BTreeMap::len).collect();
    let treated: Vec<Treated> = users
        .into_iter()
        .map(|it| Treated {
            groups: it.groups.iter().zip(&codes).map(|(group, code)| code[group]).collect(),
            id: it.id,
            arm: it.arm,
            outcome: it.outcome,
        })
        .collect();
    let weights: Vec<f64> = plan.arms.iter().map(|arm| arm.weight.get()).collect();
    let values = match campaign.state {
        State::Read => targeting_values(
            &treated,
            &weights,
            groupings.len(),
            &BUDGETS,
            &plan.salt,
            plan.alpha.get(),
        ),
        _ => None,
    };
    TargetingValues {
        metric: plan.primary().name.clone(),
        groupings: groupings.to_vec(),
        n_groups,
        n_users: treated.len(),
        values,
        campaign,
    }
}
