//! The verb `assign`: who gets which arm, with the layer and the RFM name of the day.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::assignments::{Assigned, HOLDOUT, NOTHING, read, write};
use super::plan_file::PlanFile;
use crate::app::Grouping;
use crate::app::grouping::user_groups;
use crate::app::table_place::check_ending;
use crate::app::{Model, PipelineError, Session};
use crate::dataset::UserIds;
use crate::experiment::{ArmOf, Assigner, Candidate, Hashing};
use crate::files::user_id_array;
use crate::models::rules::RuleGrouping;
use crate::models::segmentation::Partition;

/// Where to put the assignments.
#[derive(Debug, Clone)]
pub struct AssignRequest<'a> {
    /// The plan, sealed.
    pub plan: &'a PlanFile,
    /// The file; users whom it has already keep what they have.
    pub out: &'a Path,
}

/// What was assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignedUsers {
    /// The file.
    pub file: PathBuf,
    /// Day of the layers.
    pub as_of: NaiveDate,
    /// Users whom the file had already.
    pub n_earlier: usize,
    /// Users in each arm of the plan, in all and by layer.
    pub arms: Vec<String>,
    /// Name of each layer, and its users by arm.
    pub layers: Vec<(String, Vec<usize>)>,
    /// Users of the holdout.
    pub n_holdout: usize,
    /// Users beyond the coverage.
    pub n_nothing: usize,
}

/// Assigns every user who is known on the day, and writes the file.
///
/// # Errors
/// When the plan is not sealed or was changed, the day lies outside it, the data cannot be
/// read, or the file cannot be used or written.
pub fn assign(
    session: &Session,
    model: &Model,
    request: &AssignRequest<'_>,
) -> Result<AssignedUsers, PipelineError> {
    let sealed = request.plan.unchanged()?;
    let plan = &sealed.plan;
    let refuse = |problem: String| PipelineError::Plan { file: request.plan.file.clone(), problem };
    if plan.hashing == Hashing::Elsewhere {
        return Err(refuse(
            "gives the arms elsewhere (hashing): nothing is to be assigned here".into(),
        ));
    }
    let problem = "assignments are written as Parquet or CSV: let the name end in .parquet or .csv";
    check_ending(request.out, problem)?;
    session.run("assign", 3, |stages| {
        let data = session.read(Some(&model.bundle.plan), stages)?;
        let as_of = data.as_of()?;
        let day = as_of.date();
        if day >= plan.end {
            let end = plan.end;
            return Err(refuse(format!(
                "ends on {end}: nobody enters on {day}, the day of the data"
            )));
        }
        stages.begin(&format!("features as of {day}"));
        let label = &model.bundle.churn.settings.label;
        let snapshots = data.snapshot(&model.bundle.plan, as_of, label)?;
        stages.begin("assigning");
        let snapshot = &snapshots[0];
        let earlier = match request.out.exists() {
            true => read(session.engine(), request.out, &sealed)?,
            false => Vec::new(),
        };
        let layers = user_groups(model, Grouping::Groups(Partition::Layers), snapshot)?.group_of;
        let groups = model.groups(Partition::Layers);
        let rfm = user_groups(model, Grouping::Rule(RuleGrouping::Rfm), snapshot)?;
        // Who is assigned before the start enters on it.
        let entry = day.max(plan.start).and_time(Default::default()).and_utc().timestamp_micros();
        let mut users: Vec<Assigned> = (0..snapshot.users.len())
            .map(|row| Assigned {
                id: snapshot.users.text(row),
                arm: None,
                layer: groups[layers[row]].id.clone(),
                stratum: groups[layers[row]].id.clone(),
                layer_name: groups[layers[row]].name.clone(),
                rfm: rfm.names[rfm.group_of[row]].name.clone(),
                exposed_at: Some(entry),
            })
            .collect();
        // Whom a smaller coverage left out may take part now.
        let earlier: Vec<Assigned> =
            earlier.into_iter().filter(|it| it.arm.as_deref() != Some(NOTHING)).collect();
        let n_earlier = earlier.len();
        let known: std::collections::HashSet<&str> =
            earlier.iter().map(|it| it.id.as_str()).collect();
        users.retain(|it| !known.contains(it.id.as_str()));
        let candidates: Vec<Candidate<'_>> = users
            .iter()
            .map(|it| Candidate { id: &it.id, stratum: &it.stratum, already: None })
            .collect();
        let found = Assigner::new(plan).assign(&candidates);
        for (user, arm) in users.iter_mut().zip(found) {
            user.arm = Some(match arm {
                ArmOf::Arm(arm) => plan.arms[arm].name.clone(),
                ArmOf::Holdout => HOLDOUT.to_owned(),
                ArmOf::Nothing => NOTHING.to_owned(),
            });
        }
        users.extend(earlier);
        let ids = sorted_by_id(&mut users, matches!(snapshot.users, UserIds::Integer(_)))
            .ok_or_else(|| {
                refuse(format!("{} has ids that are no whole numbers", request.out.display()))
            })?;
        write(request.out, &sealed, user_id_array(&ids), &users)?;
        Ok(count(request, day, n_earlier, &users))
    })
}

/// Puts users in order of their ids, which are whole numbers or text.
fn sorted_by_id(users: &mut [Assigned], are_integers: bool) -> Option<UserIds> {
    if !are_integers {
        users.sort_unstable();
        return Some(UserIds::Text(users.iter().map(|it| it.id.clone()).collect()));
    }
    let ids: Option<Vec<i64>> = users.iter().map(|it| it.id.parse().ok()).collect();
    ids?;
    let number = |it: &Assigned| it.id.parse::<i64>().unwrap_or_default();
    users.sort_by_key(number);
    Some(UserIds::Integer(users.iter().map(number).collect()))
}

fn count(
    request: &AssignRequest<'_>,
    as_of: NaiveDate,
    n_earlier: usize,
    users: &[Assigned],
) -> AssignedUsers {
    let plan = &request.plan.plan;
    let arms: Vec<String> = plan.arms.iter().map(|arm| arm.name.clone()).collect();
    let layers = super::intake::layer_names(users.iter().map(|it| it.layer.as_str()));
    let with_arm = |name: &str| users.iter().filter(|it| it.arm.as_deref() == Some(name)).count();
    let of_layer = |layer: String| {
        let of = |arm: &String| {
            users.iter().filter(|it| it.layer == layer && it.arm.as_ref() == Some(arm)).count()
        };
        let counts = arms.iter().map(of).collect();
        let name = users.iter().find(|it| it.layer == layer).map(|it| it.layer_name.clone());
        (format!("{layer} {}", name.unwrap_or_default()).trim().to_owned(), counts)
    };
    AssignedUsers {
        file: request.out.to_owned(),
        as_of,
        n_earlier,
        layers: layers.into_iter().map(of_layer).collect(),
        arms,
        n_holdout: with_arm(HOLDOUT),
        n_nothing: with_arm(NOTHING),
    }
}
