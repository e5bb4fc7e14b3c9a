//! What is made of each user before anything is measured: arm, dates, audit of the hash.

use super::assignments::{HOLDOUT, NOTHING};
use crate::experiment::{ArmOf, Assigner, ExperimentPlan, Hashing, Intake, Tally};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Users to name where many are alike.
pub(super) const N_EXAMPLES: usize = 5;

/// A tally, and what was met on the way to it.
pub(super) struct Found {
    pub tally: Tally,
    pub layers: Vec<String>,
    pub intake: Intake,
    /// What came of each user whose window is over, by the metric that decides; empty where
    /// no grouping is asked for.
    pub outcomes: Vec<UserOutcome>,
}

/// What came of a user.
pub(super) struct UserOutcome {
    pub id: String,
    pub arm: usize,
    /// With the cap.
    pub value: f64,
    /// The user's group in each grouping.
    pub groups: Vec<String>,
}

/// Counts what is met, and says what is made of it.
pub(super) struct IntakeOf<'a> {
    plan: &'a ExperimentPlan,
    assigner: Assigner<'a>,
    counts: Intake,
    start: i64,
    /// Users enter before this, and before the end of what is known.
    end: i64,
}

impl<'a> IntakeOf<'a> {
    /// Users up to a moment, in microseconds since 1970.
    pub fn new(plan: &'a ExperimentPlan, known_until: i64) -> Self {
        let micros =
            |day: chrono::NaiveDate| day.and_time(Default::default()).and_utc().timestamp_micros();
        Self {
            plan,
            assigner: Assigner::new(plan),
            counts: Intake::default(),
            start: micros(plan.start),
            end: micros(plan.end).min(known_until),
        }
    }

    /// The first moment of the experiment, in microseconds since 1970.
    pub fn start(&self) -> i64 {
        self.start
    }

    pub fn into_inner(self) -> Intake {
        self.counts
    }

    pub fn counts(&mut self) -> &mut Intake {
        &mut self.counts
    }

    /// The arm of a user, from all rows that name one; `None` where the user does not count.
    ///
    /// # Errors
    /// When the plan has no such arm.
    pub fn arm<'r>(
        &mut self,
        id: &str,
        mut arms: impl Iterator<Item = Option<&'r str>>,
    ) -> Result<Option<usize>, String> {
        let first = arms.next().flatten();
        for other in arms {
            if other != first {
                self.in_two_arms(id);
                return Ok(None);
            }
            self.counts.n_added_rows += 1;
        }
        match first.filter(|it| !it.is_empty()) {
            None => {
                self.counts.n_without_arm += 1;
                Ok(None)
            }
            Some(arm) => Ok(self.take(id, self.recorded(arm)?)),
        }
    }

    /// Counts a user whom the file gives two arms.
    pub fn in_two_arms(&mut self, id: &str) {
        self.counts.n_in_two_arms += 1;
        remember(&mut self.counts.in_two_arms, id);
    }

    /// The arm of a user whom the file gives this; `None` where the user does not count.
    pub fn take(&mut self, id: &str, recorded: ArmOf) -> Option<usize> {
        self.audit(id, recorded);
        match recorded {
            ArmOf::Arm(arm) => return Some(arm),
            ArmOf::Holdout => self.counts.n_holdout += 1,
            ArmOf::Nothing => self.counts.n_nothing += 1,
        }
        None
    }

    /// What a name in a file stands for.
    ///
    /// # Errors
    /// When the plan has no such arm.
    pub fn recorded(&self, name: &str) -> Result<ArmOf, String> {
        if let Some(arm) = self.plan.arms.iter().position(|it| it.name == name) {
            return Ok(ArmOf::Arm(arm));
        }
        match name {
            HOLDOUT if self.plan.holdout.is_some() => Ok(ArmOf::Holdout),
            NOTHING => Ok(ArmOf::Nothing),
            _ => {
                let names: Vec<String> =
                    self.plan.arms.iter().map(|it| format!("`{}`", it.name)).collect();
                let others =
                    if self.plan.holdout.is_some() { "`holdout`, `nothing`" } else { "`nothing`" };
                let names = names.join(", ");
                Err(format!("the plan has no arm `{name}`, only {names}; and {others}"))
            }
        }
    }

    /// Compares what a file says with what the hash says.
    fn audit(&mut self, id: &str, recorded: ArmOf) {
        if self.plan.hashing == Hashing::Elsewhere || id.is_empty() {
            return;
        }
        let is_same = match self.plan.stratify {
            // Within strata the arm hangs on who else is there; the holdout does not.
            true => self.assigner.is_held_out(id) == (recorded == ArmOf::Holdout),
            false => self.assigner.by_hash(id) == recorded,
        };
        self.counts.n_hashed += 1;
        if !is_same {
            self.counts.n_other_arm += 1;
            remember(&mut self.counts.other_arm, id);
        }
    }

    /// Whether a user entered while the experiment ran.
    pub fn is_within(&mut self, exposed_at: i64) -> bool {
        if exposed_at < self.start {
            self.counts.n_before_start += 1;
        } else if exposed_at >= self.end {
            self.counts.n_after_end += 1;
        } else {
            return true;
        }
        false
    }

    /// Days from the start to a moment within the experiment.
    pub fn day(&self, exposed_at: i64) -> usize {
        ((exposed_at - self.start) / MICROS_PER_DAY) as usize
    }
}

/// Keeps the first few ids in order, whatever order they come in.
fn remember(examples: &mut Vec<String>, id: &str) {
    examples.push(id.to_owned());
    examples.sort();
    examples.dedup();
    examples.truncate(N_EXAMPLES);
}

/// Adds the counts of another part of the rows.
pub(super) fn merge(all: &mut Intake, part: &Intake) {
    all.n_holdout += part.n_holdout;
    all.n_nothing += part.n_nothing;
    all.n_without_arm += part.n_without_arm;
    all.n_in_two_arms += part.n_in_two_arms;
    all.n_hashed += part.n_hashed;
    all.n_other_arm += part.n_other_arm;
    all.n_before_start += part.n_before_start;
    all.n_after_end += part.n_after_end;
    all.n_never_seen += part.n_never_seen;
    all.n_added_rows += part.n_added_rows;
    all.n_known_too_late += part.n_known_too_late;
    part.in_two_arms.iter().for_each(|id| remember(&mut all.in_two_arms, id));
    part.other_arm.iter().for_each(|id| remember(&mut all.other_arm, id));
}

/// The different layers in order; one without a name where none is known.
pub(super) fn layer_names<'a>(layers: impl Iterator<Item = &'a str>) -> Vec<String> {
    let distinct: std::collections::BTreeSet<&str> = layers.collect();
    let mut names: Vec<String> = distinct.into_iter().map(str::to_owned).collect();
    names.sort_by(|a, b| in_order(a, b));
    if names.is_empty() { vec![String::new()] } else { names }
}

/// Order of names: L2 before L10, others by the alphabet.
fn in_order(a: &str, b: &str) -> std::cmp::Ordering {
    fn key(name: &str) -> (&str, Option<u64>, &str) {
        let digits = name.trim_start_matches(char::is_alphabetic);
        (&name[..name.len() - digits.len()], digits.parse().ok(), name)
    }
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_stay_apart_whatever_they_are_called() {
        let names = ["L10a", "L1", "L10", "L01", "L2", "x", "1", "01", "", "L3 vip", "乙", "L001"];
        let found = layer_names(names.into_iter());
        assert_eq!(found.len(), names.len());
        let place = |name: &str| found.iter().position(|it| it == name).unwrap();
        assert!(place("L1") < place("L2") && place("L2") < place("L10"));
    }
}
