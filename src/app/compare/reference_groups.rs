use std::collections::HashMap;
use std::path::Path;

use crate::app::{Model, PipelineError, Session};
use crate::dataset::{Snapshot, UserIds};
use crate::models::rules::RuleGrouping;
use crate::models::segmentation::Partition;
use crate::stats::metrics::adjusted_rand_index;

/// The layers, the kinds and RFM beside groups that are known from elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceGroupScores {
    /// Users that are in both.
    pub n_users: usize,
    /// Reference groups among them.
    pub n_groups: usize,
    /// Adjusted Rand index of the layers.
    pub layers: f64,
    /// Adjusted Rand index of the kinds.
    pub kinds: f64,
    /// Adjusted Rand index of RFM's names.
    pub rfm: f64,
}

/// Compares the layers of the users as of the end of training with a CSV of
/// reference groups (columns `user_id` and `group`).
///
/// # Errors
/// When the file cannot be used or the data cannot be read.
pub fn compare_with_reference_groups(
    session: &Session,
    model: &Model,
    groups: &Path,
) -> Result<ReferenceGroupScores, PipelineError> {
    let known = read_groups(groups)?;
    session.run("reference groups", 2, |stages| {
        let bundle = &model.bundle;
        let data = session.read(Some(&bundle.plan), stages)?;
        stages.begin("comparing groups");
        let label = &bundle.churn.settings.label;
        let snapshots = data.snapshot(&bundle.plan, bundle.record.dates.as_of, label)?;
        let (rows, truth) = shared_users(&snapshots[0], &known);
        if rows.is_empty() {
            let problem = "no user_id of it is in the data".to_owned();
            return Err(PipelineError::Groups { file: groups.to_owned(), problem });
        }
        let features = snapshots[0].features.select_rows(&rows);
        let of =
            |partition| Ok::<_, PipelineError>(model.groups_of_users(partition, &features)?.groups);
        let rfm = bundle.rules.groups(RuleGrouping::Rfm, &features)?.group_of;
        let mut distinct = truth.clone();
        distinct.sort_unstable();
        distinct.dedup();
        Ok(ReferenceGroupScores {
            n_users: rows.len(),
            n_groups: distinct.len(),
            layers: adjusted_rand_index(&of(Partition::Layers)?, &truth),
            kinds: adjusted_rand_index(&of(Partition::Kinds)?, &truth),
            rfm: adjusted_rand_index(&rfm, &truth),
        })
    })
}

fn shared_users<'a>(
    snapshot: &Snapshot,
    known: &'a HashMap<String, String>,
) -> (Vec<usize>, Vec<&'a str>) {
    let group = |row: usize| match &snapshot.users {
        UserIds::Text(ids) => known.get(&ids[row]),
        UserIds::Integer(ids) => known.get(&ids[row].to_string()),
    };
    (0..snapshot.users.len()).filter_map(|row| Some((row, group(row)?.as_str()))).unzip()
}

fn read_groups(file: &Path) -> Result<HashMap<String, String>, PipelineError> {
    let refuse = |problem: String| PipelineError::Groups { file: file.to_owned(), problem };
    let mut reader = csv::Reader::from_path(file).map_err(|error| refuse(error.to_string()))?;
    let header = reader.headers().map_err(|error| refuse(error.to_string()))?.clone();
    let position = |name: &str| {
        header
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| refuse(format!("there is no column `{name}`")))
    };
    let (user, group) = (position("user_id")?, position("group")?);
    let mut groups = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| refuse(error.to_string()))?;
        if groups.insert(record[user].to_owned(), record[group].to_owned()).is_some() {
            return Err(refuse(format!("user_id {} occurs twice", &record[user])));
        }
    }
    Ok(groups)
}
