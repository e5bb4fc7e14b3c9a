//! What a night counts, user by user; counts of parts add up to those of all.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use serde::{Deserialize, Serialize};

use super::batch::numbers;
use super::reference;
use super::user_scores::UserScores;
use crate::app::model::GroupsOfUsers;
use crate::app::{Model, PipelineError};
use crate::features::LateRows;
use crate::models::segmentation::Partition;
use crate::stats::metrics::{ExpectedOutcomes, ProbabilityHistogram};

/// Counts over some users.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tally {
    pub n_users: u64,
    pub churn_status: BTreeMap<String, u64>,
    pub n_silence_warnings: u64,
    pub churn: ProbabilitySum,
    pub lifecycle: BTreeMap<String, u64>,
    /// In the order of the model's layers after review, as are kinds.
    pub layers: Vec<GroupTally>,
    pub kinds: Vec<GroupTally>,
    pub assigned_by: BTreeMap<String, u64>,
    pub kind_assigned_by: BTreeMap<String, u64>,
    pub late: LateRows,
    /// Users in the bins of the model's reference.
    pub reference: Vec<Vec<u64>>,
}

/// Counts over the users of one layer or kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupTally {
    pub n_users: u64,
    pub churn: ProbabilitySum,
}

/// Probabilities of those who have one. The sum is a whole number, so that it does not
/// depend on the order in which users are added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbabilitySum {
    n: u64,
    /// In units of 2⁻³⁶, of which 64 bits hold those of 268 million users.
    units: u64,
}

const UNITS_IN_ONE: f64 = (1u64 << 36) as f64;

impl ProbabilitySum {
    fn add(&mut self, probability: Option<f64>) {
        if let Some(probability) = probability {
            self.n += 1;
            self.units += (probability * UNITS_IN_ONE).round() as u64;
        }
    }

    fn merge(&mut self, other: Self) {
        self.n += other.n;
        self.units += other.units;
    }

    fn sum(self) -> f64 {
        self.units as f64 / UNITS_IN_ONE
    }

    /// `None` of nobody.
    pub fn mean(self) -> Option<f64> {
        (self.n > 0).then(|| self.sum() / self.n as f64)
    }
}

impl Tally {
    /// No user yet.
    pub fn new(model: &Model) -> Self {
        let groups = |partition| vec![GroupTally::default(); model.groups(partition).len()];
        let columns = model.bundle.reference.columns.iter();
        Self {
            layers: groups(Partition::Layers),
            kinds: groups(Partition::Kinds),
            reference: columns.map(|column| vec![0; column.bins.len()]).collect(),
            ..Self::default()
        }
    }

    /// Counts some users.
    pub fn add(&mut self, scores: &UserScores<'_>, late: LateRows) -> Result<(), PipelineError> {
        let churn = &scores.churn;
        self.late.merge(late);
        self.n_users += scores.snapshot.users.len() as u64;
        let warnings = churn.silences.iter().flatten().filter(|it| it.warning);
        self.n_silence_warnings += warnings.count() as u64;
        churn.probabilities.iter().for_each(|&it| self.churn.add(it));
        count(&mut self.churn_status, churn.statuses.iter().copied());
        count(&mut self.lifecycle, scores.stages.iter().copied());
        let probabilities = &churn.probabilities;
        add_groups(&mut self.layers, &mut self.assigned_by, &scores.layers, probabilities);
        add_groups(&mut self.kinds, &mut self.kind_assigned_by, &scores.kinds, probabilities);
        reference::count(&scores.model.bundle.reference, scores, &mut self.reference)
    }

    /// Adds the counts of other users.
    pub fn merge(&mut self, other: Self) {
        self.n_users += other.n_users;
        self.n_silence_warnings += other.n_silence_warnings;
        self.churn.merge(other.churn);
        self.late.merge(other.late);
        for (all, part) in [
            (&mut self.churn_status, other.churn_status),
            (&mut self.lifecycle, other.lifecycle),
            (&mut self.assigned_by, other.assigned_by),
            (&mut self.kind_assigned_by, other.kind_assigned_by),
        ] {
            part.into_iter().for_each(|(key, n)| *all.entry(key).or_default() += n);
        }
        for (all, part) in self.reference.iter_mut().zip(other.reference) {
            all.iter_mut().zip(part).for_each(|(all, n)| *all += n);
        }
        for (all, part) in [(&mut self.layers, other.layers), (&mut self.kinds, other.kinds)] {
            for (all, part) in all.iter_mut().zip(part) {
                all.n_users += part.n_users;
                all.churn.merge(part.churn);
            }
        }
    }
}

fn add_groups(
    groups: &mut [GroupTally],
    assigned_by: &mut BTreeMap<String, u64>,
    of_users: &GroupsOfUsers,
    probabilities: &[Option<f64>],
) {
    for (&group, &probability) in of_users.groups.iter().zip(probabilities) {
        groups[group].n_users += 1;
        groups[group].churn.add(probability);
    }
    count(assigned_by, of_users.assigned_by.iter().map(|it| &**it));
}

fn count<'a>(counts: &mut BTreeMap<String, u64>, values: impl Iterator<Item = &'a str>) {
    for value in values {
        match counts.get_mut(value) {
            Some(n) => *n += 1,
            None => drop(counts.insert(value.to_owned(), 1)),
        }
    }
}

/// What is counted of users once all are ranked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RankedTally {
    /// Flagged users; by group in the order of the model's groups.
    pub n_at_risk: u64,
    pub layers: Vec<u64>,
    pub kinds: Vec<u64>,
    /// Their probabilities, and those of all.
    flagged: ProbabilitySum,
    probabilities: ProbabilityHistogram,
}

/// What the probabilities of a night say of how well they do: true if the calibration
/// still holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedChurn {
    /// Of the eligible users, in which `positive` means churned.
    pub eligible: ExpectedOutcomes,
    /// Share of the flagged users who will churn; `None` where nobody is flagged.
    pub flag_precision: Option<f64>,
    /// Share of those who will churn who are flagged; `None` where nobody will.
    pub flag_recall: Option<f64>,
}

impl RankedTally {
    /// Nobody yet.
    pub fn new(model: &Model) -> Self {
        let none = |partition| vec![0; model.groups(partition).len()];
        let (layers, kinds) = (none(Partition::Layers), none(Partition::Kinds));
        let (flagged, probabilities) = (ProbabilitySum::default(), ProbabilityHistogram::default());
        Self { n_at_risk: 0, layers, kinds, flagged, probabilities }
    }

    /// Counts some users.
    pub fn add(&mut self, model: &Model, batch: &RecordBatch, flags: &[bool]) {
        self.n_at_risk += flags.iter().filter(|&&it| it).count() as u64;
        for (probability, &is_flagged) in numbers(batch, "churn_probability").iter().zip(flags) {
            probability.iter().for_each(|&it| self.probabilities.add(it));
            self.flagged.add(probability.filter(|_| is_flagged));
        }
        let of_partitions = [
            (Partition::Layers, "layer_id", &mut self.layers),
            (Partition::Kinds, "kind_id", &mut self.kinds),
        ];
        for (partition, column, counts) in of_partitions {
            let groups = model.groups(partition);
            let ids = batch.column_by_name(column).expect("parts have it").as_string::<i32>();
            for (row, _) in flags.iter().enumerate().filter(|(_, flag)| **flag) {
                let place = groups.iter().position(|group| group.id == ids.value(row));
                counts[place.expect("layers and kinds are those of the model")] += 1;
            }
        }
    }

    /// What is to be expected of the users; `None` where nobody is eligible.
    pub fn expected(&self) -> Option<ExpectedChurn> {
        let eligible = self.probabilities.expected()?;
        let n_positive = eligible.n_positive;
        Some(ExpectedChurn {
            eligible,
            flag_precision: self.flagged.mean(),
            flag_recall: (n_positive > 0.0).then(|| self.flagged.sum() / n_positive),
        })
    }
}
