use chrono::Days;
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::dataset::{DatasetError, FeatureMatrix, Outcomes, Snapshot};

/// Rows that layers are learned from at most: memory and time stay bounded, and
/// more rows would hardly move a centroid.
const MAX_ROWS: usize = 200_000;

/// Users at training snapshots, on top of each other.
pub(super) struct TrainingRows {
    pub matrix: FeatureMatrix,
    pub outcomes: Outcomes,
}

/// Rows to learn from, and later ones, or other users, to judge by.
pub(super) struct Trial {
    pub learn: TrainingRows,
    pub judge: TrainingRows,
}

impl TrainingRows {
    /// All users of all snapshots, or a random sample of them.
    pub fn of(snapshots: &[&Snapshot], seed: u64) -> Result<Self, DatasetError> {
        let n_rows: usize = snapshots.iter().map(|snapshot| snapshot.users.len()).sum();
        let share = (MAX_ROWS as f64 / n_rows.max(1) as f64).min(1.0);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let parts: Vec<Snapshot> = snapshots
            .iter()
            .map(|snapshot| {
                let n_users = snapshot.users.len();
                let n_wanted = (n_users as f64 * share).ceil() as usize;
                let mut rows = sample(&mut rng, n_users, n_wanted.min(n_users)).into_vec();
                rows.sort_unstable();
                snapshot.select_rows(&rows)
            })
            .collect();
        let mut outcomes = Outcomes::default();
        for part in &parts {
            let of_part = part.outcomes.as_ref().ok_or(DatasetError::Shape {
                what: "number of outcomes",
                expected: part.users.len(),
                got: 0,
            })?;
            outcomes.n_orders.extend(&of_part.n_orders);
            outcomes.gmv.extend(&of_part.gmv);
        }
        let matrices: Vec<&FeatureMatrix> = parts.iter().map(|part| &part.features).collect();
        Ok(Self { matrix: FeatureMatrix::pool(&matrices)?, outcomes })
    }
}

impl Trial {
    /// The latest snapshot judges what those learned whose outcomes had ended by
    /// then. Where there is none, every other user of the latest judges. There must
    /// be one snapshot.
    pub fn new(
        training: &[Snapshot],
        horizon_days: u32,
        seed: u64,
    ) -> Result<Self, DatasetError> {
        let (latest, others) = (&training[0], &training[1..]);
        let horizon = Days::new(u64::from(horizon_days));
        let earlier: Vec<&Snapshot> = others
            .iter()
            .filter(|snapshot| snapshot.as_of + horizon <= latest.as_of)
            .filter(|snapshot| snapshot.users.len() > 0)
            .collect();
        if !earlier.is_empty() {
            let (learn, judge) =
                (TrainingRows::of(&earlier, seed)?, TrainingRows::of(&[latest], seed)?);
            return Ok(Self { learn, judge });
        }
        let half = |parity: usize| {
            let rows: Vec<usize> =
                (0..latest.users.len()).filter(|row| row % 2 == parity).collect();
            TrainingRows::of(&[&latest.select_rows(&rows)], seed)
        };
        Ok(Self { learn: half(0)?, judge: half(1)? })
    }
}
