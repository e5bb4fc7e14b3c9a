use chrono::NaiveDateTime;

use crate::dataset::{DatasetError, FeatureMatrix, Outcomes, Snapshot, UserIds, unit_interval};
use crate::stats::resample::{dates_ended_by, halves, poisson_copies};

/// Rows that layers are learned from at most: memory and time stay bounded, and
/// more rows would hardly move a centroid.
const MAX_ROWS: usize = 200_000;

/// Users at training snapshots, on top of each other.
pub(in super::super) struct TrainingRows {
    pub matrix: FeatureMatrix,
    pub outcomes: Outcomes,
    /// Users of the largest snapshot: rows of one user at several dates say little
    /// more than one of them.
    pub n_users: usize,
}

/// Rows to learn from, and rows of a later date, or of other users, to validate on.
pub(in super::super) struct ValidationSplit {
    pub training: TrainingRows,
    pub validation: TrainingRows,
}

/// Which users are learned from.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Resample {
    /// All users, once.
    Off,
    /// Drawn with replacement by this seed; a user has the same number of copies in
    /// every snapshot.
    Bootstrap(u64),
}

impl Resample {
    fn rows(self, users: &UserIds) -> Vec<usize> {
        match self {
            Self::Off => (0..users.len()).collect(),
            Self::Bootstrap(seed) => (0..users.len())
                .flat_map(|row| std::iter::repeat_n(row, n_copies(users, row, seed)))
                .collect(),
        }
    }
}

/// Copies of a user in a resample, which depend on the user and the seed alone.
fn n_copies(users: &UserIds, row: usize, seed: u64) -> usize {
    poisson_copies(unit_interval(users.hash(row, seed)))
}

impl TrainingRows {
    /// The users of all snapshots; where they are more than [`MAX_ROWS`], about so many
    /// of them.
    pub fn of(
        snapshots: &[&Snapshot],
        resample: Resample,
        seed: u64,
    ) -> Result<Self, DatasetError> {
        let drawn: Vec<Vec<usize>> =
            snapshots.iter().map(|snapshot| resample.rows(&snapshot.users)).collect();
        let n_rows: usize = drawn.iter().map(Vec::len).sum();
        let share = (MAX_ROWS as f64 / n_rows.max(1) as f64).min(1.0);
        let mut outcomes = Outcomes::default();
        let mut matrices = Vec::new();
        let mut n_users = 0;
        for (number, (snapshot, mut rows)) in snapshots.iter().zip(drawn).enumerate() {
            // Other users at each date, so that more of them have a part.
            let seed = seed.wrapping_add(1 + number as u64);
            rows.retain(|&row| unit_interval(snapshot.users.hash(row, seed)) < share);
            n_users = n_users.max(rows.len());
            outcomes.append(snapshot.known_outcomes()?.select_rows(&rows));
            matrices.push(snapshot.features.select_rows(&rows));
        }
        let matrix = FeatureMatrix::pool(&matrices.iter().collect::<Vec<_>>())?;
        Ok(Self { matrix, outcomes, n_users })
    }
}

impl ValidationSplit {
    /// The latest snapshot validates; those whose outcomes had ended by then train.
    /// Where there is none, half of the users of the latest snapshot validate. There
    /// must be one snapshot.
    pub fn new(
        training: &[Snapshot],
        horizon_days: u32,
        resample: Resample,
        seed: u64,
    ) -> Result<Self, DatasetError> {
        let latest = &training[0];
        let dates: Vec<NaiveDateTime> = training.iter().map(|snapshot| snapshot.as_of).collect();
        let earlier: Vec<&Snapshot> = dates_ended_by(latest.as_of, &dates, horizon_days)
            .into_iter()
            .map(|place| &training[place])
            .filter(|snapshot| !snapshot.users.is_empty())
            .collect();
        let rows_of = |snapshots: &[&Snapshot]| TrainingRows::of(snapshots, resample, seed);
        if !earlier.is_empty() {
            return Ok(Self { training: rows_of(&earlier)?, validation: rows_of(&[latest])? });
        }
        let (training, validation) = halves(&vec![(); latest.users.len()]);
        let half = |rows: &[usize]| rows_of(&[&latest.select_rows(rows)]);
        Ok(Self { training: half(&training)?, validation: half(&validation)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_those_of_a_poisson_distribution_and_repeat() {
        let users = UserIds::Integer((0..20_000).collect());
        let copies: Vec<usize> = (0..20_000).map(|row| n_copies(&users, row, 3)).collect();
        let share = |n: usize| copies.iter().filter(|&&c| c == n).count() as f64 / 20_000.0;
        assert!((share(0) - 0.3679).abs() < 0.01 && (share(1) - 0.3679).abs() < 0.01);
        assert!((share(2) - 0.1839).abs() < 0.01 && (share(3) - 0.0613).abs() < 0.006);
        assert_eq!(copies[77], n_copies(&UserIds::Integer(vec![77]), 0, 3));
        assert!((0..20_000).any(|row| copies[row] != n_copies(&users, row, 4)));
    }
}
