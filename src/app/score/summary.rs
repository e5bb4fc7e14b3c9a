//! What a scoring run did, in numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use serde::Serialize;

use super::user_scores::UserScores;
use crate::app::model::GroupsOfUsers;
use crate::app::open_data::OpenData;
use crate::dataset::{Bilingual, ChurnLabel};
use crate::input::engine::MemoryUse;
use crate::input::source::InputProfile;
use crate::models::segmentation::{Partition, ReviewedGroup};

/// What a scoring run did; also written as `_summary.json`.
///
/// It does not follow the table of score columns: these say something of each user,
/// and how to add them up (count, mean, by layer) is a choice for each. Here are the
/// few totals that whoever is on call looks at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreSummary {
    /// Scored as of.
    pub as_of: NaiveDateTime,
    /// The bundle used.
    pub bundle: String,
    /// The review used, if any.
    pub review: Option<PathBuf>,
    /// What whoever is on call should look at; empty on an ordinary night.
    pub warnings: Vec<Bilingual>,
    /// File of the scores.
    pub scores: PathBuf,
    /// Rejected rows, if any, are listed here.
    pub quarantine: Option<PathBuf>,
    /// Users scored: all with an event before as-of.
    pub n_users: usize,
    /// Users at risk.
    pub n_at_risk: usize,
    /// Users to whom the churn rule applies, and the others by why not.
    pub churn_status: BTreeMap<&'static str, usize>,
    /// Users who will turn silent soon.
    pub n_silence_warnings: usize,
    /// What counts as churn, in a sentence.
    pub churn_rule: String,
    /// The same rule as settings.
    #[serde(skip)]
    pub churn_label: ChurnLabel,
    /// Whether training found enough evidence to trust the churn model.
    pub churn_trusted: bool,
    /// Mean churn probability of the eligible users.
    pub mean_churn_probability: Option<f64>,
    /// Users by layer, in layer order.
    pub layers: Vec<GroupCount>,
    /// Users by kind, in the order of kinds.
    pub kinds: Vec<GroupCount>,
    /// Users by what put them into their layer: the cluster, a merge, a split or
    /// a pin.
    pub assigned_by: BTreeMap<String, usize>,
    /// The same of kinds.
    pub kind_assigned_by: BTreeMap<String, usize>,
    /// Users by lifecycle stage.
    pub lifecycle: BTreeMap<&'static str, usize>,
    /// What was read.
    pub input: InputProfile,
    /// What the run took; not in the file, which is the same for every run.
    #[serde(skip)]
    pub memory: MemoryUse,
}

/// Users of one layer or kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupCount {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its users.
    pub n_users: usize,
    /// Those at risk.
    pub n_at_risk: usize,
    /// Mean churn probability of its customers; `None` if it has none.
    pub mean_churn_probability: Option<f64>,
}

/// Counts the users by layer, status, stage and risk; files and warnings are for the
/// caller to add.
pub(super) fn summarise(data: &OpenData<'_>, scores: &UserScores<'_>) -> ScoreSummary {
    let (model, churn) = (scores.model, &scores.churn);
    let count = |flags: &mut dyn Iterator<Item = bool>| flags.filter(|&it| it).count();
    ScoreSummary {
        as_of: scores.snapshot.as_of,
        bundle: model.folder.display().to_string(),
        review: model.review_file().map(Path::to_owned),
        warnings: Vec::new(),
        scores: PathBuf::new(),
        quarantine: None,
        n_users: scores.snapshot.users.len(),
        n_at_risk: count(&mut churn.at_risk.iter().copied()),
        churn_status: counts(churn.statuses.iter().copied()),
        n_silence_warnings: count(&mut churn.silences.iter().flatten().map(|it| it.warning)),
        churn_rule: model.bundle.churn.settings.label_in_words.clone(),
        churn_label: model.bundle.churn.settings.label.clone(),
        churn_trusted: model.bundle.record.churn.failed_checks.is_empty(),
        mean_churn_probability: mean(churn.probabilities.iter().flatten()),
        layers: group_counts(scores, Partition::Layers, &scores.layers),
        kinds: group_counts(scores, Partition::Kinds, &scores.kinds),
        assigned_by: counts(scores.layers.assigned_by.iter().map(ToString::to_string)),
        kind_assigned_by: counts(scores.kinds.assigned_by.iter().map(ToString::to_string)),
        lifecycle: counts(scores.stages.iter().copied()),
        input: data.input.clone(),
        memory: data.memory(),
    }
}

fn group_counts(
    scores: &UserScores<'_>,
    partition: Partition,
    of_users: &GroupsOfUsers,
) -> Vec<GroupCount> {
    let (groups, churn) = (scores.model.groups(partition), &scores.churn);
    let mut members = vec![Vec::new(); groups.len()];
    of_users.groups.iter().enumerate().for_each(|(user, &group)| members[group].push(user));
    let count = |(group, members): (&ReviewedGroup, Vec<usize>)| GroupCount {
        id: group.id.clone(),
        name: group.name.clone(),
        name_zh: group.name_zh.clone(),
        n_users: members.len(),
        n_at_risk: members.iter().filter(|&&user| churn.at_risk[user]).count(),
        mean_churn_probability: mean(
            members.iter().filter_map(|&user| churn.probabilities[user].as_ref()),
        ),
    };
    groups.iter().zip(members).map(count).collect()
}

fn counts<K: Ord>(values: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts
}

fn mean<'a>(values: impl Iterator<Item = &'a f64>) -> Option<f64> {
    let (n, total) = values.fold((0usize, 0.0), |(n, total), value| (n + 1, total + value));
    (n > 0).then(|| total / n as f64)
}
