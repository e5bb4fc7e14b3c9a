//! What a scoring run did, in numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::moved::Moved;
use super::receipt::{Receipt, RunKey, input_of_all};
use super::tally::{ExpectedChurn, GroupTally, RankedTally, Tally};
use crate::app::Model;
use crate::dataset::Bilingual;
use crate::features::LateRows;
use crate::files::FileRecord;
use crate::input::source::InputProfile;
use crate::models::segmentation::{Partition, ReviewedGroup};
use crate::watch::{Check, ColumnDrift, InputFacts};

/// What a scoring run did; written last as `_summary.json`, which is what makes the scores
/// beside it published.
///
/// It does not follow the table of score columns: these say something of each user,
/// and how to add them up (count, mean, by layer) is a choice for each. Here are the
/// few totals that whoever is on call looks at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreSummary {
    /// Form of this file.
    pub schema_version: u32,
    /// Scored as of.
    pub as_of: NaiveDateTime,
    /// The file of the scores.
    pub scores: FileRecord,
    /// Rejected rows, if any, are listed here.
    pub quarantine: Option<FileRecord>,
    /// What the scores follow from.
    pub key: RunKey,
    /// What whoever is on call should look at; empty on an ordinary night.
    pub warnings: Vec<Bilingual>,
    /// What is odd beside the usual nights.
    pub checks: Vec<Check>,
    /// How far the columns that are watched have moved since training.
    pub drift: Vec<ColumnDrift>,
    /// Who changed layer or kind since the night before; `None` where there is none.
    pub moved: Option<Moved>,
    /// What is to be expected if the calibration still holds; `None` where nobody is eligible.
    pub expected_if_calibrated: Option<ExpectedChurn>,
    /// What became known in the last day of times before it: scores of the night before
    /// lacked it.
    pub late: LateRows,
    /// Users scored: all with an event before as-of.
    pub n_users: u64,
    /// Users at risk.
    pub n_at_risk: u64,
    /// Users to whom the churn rule applies, and the others by why not.
    pub churn_status: BTreeMap<String, u64>,
    /// Users who will turn silent soon.
    pub n_silence_warnings: u64,
    /// What counts as churn, in a sentence.
    pub churn_rule: String,
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
    pub assigned_by: BTreeMap<String, u64>,
    /// The same of kinds.
    pub kind_assigned_by: BTreeMap<String, u64>,
    /// Users by lifecycle stage.
    pub lifecycle: BTreeMap<String, u64>,
    /// What was read.
    pub input: InputProfile,
    /// The same as later nights are compared with it.
    pub facts: InputFacts,
}

/// Form of `_summary.json`.
pub(super) const SCHEMA_VERSION: u32 = 2;

/// Users of one layer or kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupCount {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its users.
    pub n_users: u64,
    /// Those at risk.
    pub n_at_risk: u64,
    /// Mean churn probability of its customers; `None` if it has none.
    pub mean_churn_probability: Option<f64>,
}

/// What the night is like beside others.
pub(super) struct Watched {
    pub facts: InputFacts,
    pub checks: Vec<Check>,
    pub drift: Vec<ColumnDrift>,
    pub moved: Option<Moved>,
}

/// The counts of all parts.
pub(super) fn tally_of_all(model: &Model, receipts: &[Receipt]) -> Tally {
    let mut tally = Tally::new(model);
    receipts.iter().for_each(|receipt| tally.merge(receipt.tally.clone()));
    tally
}

/// What all parts of a run add up to, with the files that hold it.
pub(super) fn summarise(
    model: &Model,
    receipts: &[Receipt],
    ranked: &RankedTally,
    (scores, quarantine): (FileRecord, Option<FileRecord>),
    watched: Watched,
    mut warnings: Vec<Bilingual>,
) -> ScoreSummary {
    let (first, settings) = (&receipts[0], &model.bundle.churn.settings);
    let tally = tally_of_all(model, receipts);
    let Watched { facts, checks, drift, moved } = watched;
    warnings.extend(idle_rules(model, &tally));
    warnings.extend(drift.iter().filter(|it| it.is_alarm).map(ColumnDrift::warning));
    ScoreSummary {
        schema_version: SCHEMA_VERSION,
        as_of: first.as_of,
        scores,
        quarantine,
        key: first.key.clone(),
        warnings,
        checks,
        drift,
        moved,
        expected_if_calibrated: ranked.expected(),
        late: tally.late,
        n_users: tally.n_users,
        n_at_risk: ranked.n_at_risk,
        n_silence_warnings: tally.n_silence_warnings,
        churn_rule: settings.label_in_words.clone(),
        churn_trusted: model.bundle.record.churn.failed_checks.is_empty(),
        mean_churn_probability: tally.churn.mean(),
        layers: group_counts(model.groups(Partition::Layers), &tally.layers, &ranked.layers),
        kinds: group_counts(model.groups(Partition::Kinds), &tally.kinds, &ranked.kinds),
        churn_status: tally.churn_status,
        assigned_by: tally.assigned_by,
        kind_assigned_by: tally.kind_assigned_by,
        lifecycle: tally.lifecycle,
        input: input_of_all(receipts),
        facts,
    }
}

fn group_counts(
    groups: &[ReviewedGroup],
    users: &[GroupTally],
    at_risk: &[u64],
) -> Vec<GroupCount> {
    let count = |((group, users), &n_at_risk): ((&ReviewedGroup, &GroupTally), &u64)| GroupCount {
        id: group.id.clone(),
        name: group.name.clone(),
        name_zh: group.name_zh.clone(),
        n_users: users.n_users,
        n_at_risk,
        mean_churn_probability: users.churn.mean(),
    };
    groups.iter().zip(users).zip(at_risk).map(count).collect()
}

/// Warns of rules of the review that put nobody anywhere.
fn idle_rules(model: &Model, tally: &Tally) -> Vec<Bilingual> {
    let of = |partition, used: &BTreeMap<String, u64>| {
        let is_idle = |rule: &&Arc<str>| !used.contains_key(&***rule);
        model.rules(partition).filter(is_idle).cloned().collect::<Vec<_>>()
    };
    let idle =
        [of(Partition::Layers, &tally.assigned_by), of(Partition::Kinds, &tally.kind_assigned_by)];
    let warning = |rule: Arc<str>| {
        Bilingual::new(
            format!(
                "review: {rule} puts nobody into its group: its rule holds for nobody, or an \
                 earlier one comes first"
            ),
            format!("审阅：{rule} 未分入任何用户：没有用户符合该规则，或已被前面的规则分走"),
        )
    };
    idle.into_iter().flatten().map(warning).collect()
}
