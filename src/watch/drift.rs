//! Whether tonight's users are still like those that the model was trained on.
//!
//! Columns are cut into bins once, when a model is trained; a night counts its users in them.
//! Nothing else of the training users is kept.

use serde::{Deserialize, Serialize};

use crate::dataset::Bilingual;
use crate::stats::distributions::chi_square_critical;

/// Columns as they were when the model was trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// In the order in which people should look at them.
    pub columns: Vec<ReferenceColumn>,
}

/// A column in bins, and how many training users were in each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceColumn {
    /// Its name.
    pub column: String,
    /// The bins.
    pub bins: Bins,
    /// Users in each.
    pub counts: Vec<u64>,
}

/// How values are put into bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bins {
    /// Missing values, zeros, then numbers up to each edge and beyond the last.
    Numbers(Vec<f64>),
    /// Groups, known by their place.
    Groups(usize),
}

/// Bins of the numbers that are neither missing nor zero.
const N_BINS: usize = 10;

impl Bins {
    /// Bins of as many values each as can be; equal values share one. Half the features of a
    /// shop are zero for most users: these have a bin of their own.
    pub fn of_numbers(values: impl Iterator<Item = Option<f64>>) -> Self {
        let mut others: Vec<f64> = values.flatten().filter(|&value| value != 0.0).collect();
        others.sort_by(f64::total_cmp);
        let edge =
            |bin: usize| others.get((others.len() * bin / N_BINS).saturating_sub(1)).copied();
        let mut edges: Vec<f64> = (1..N_BINS).filter_map(edge).collect();
        edges.dedup();
        Self::Numbers(edges)
    }

    /// Number of bins.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(edges) => edges.len() + 3,
            Self::Groups(n) => *n,
        }
    }

    /// True when there is no bin.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds values to the counts of their bins.
    pub fn count(&self, values: impl Iterator<Item = Option<f64>>, counts: &mut [u64]) {
        let Self::Numbers(edges) = self else { return };
        for value in values {
            let bin = match value {
                None => 0,
                Some(0.0) => 1,
                Some(value) => 2 + edges.partition_point(|edge| *edge < value),
            };
            counts[bin] += 1;
        }
    }
}

impl ReferenceColumn {
    /// A column of numbers, in bins that its values make.
    pub fn of_numbers(column: String, values: &[Option<f64>]) -> Self {
        let bins = Bins::of_numbers(values.iter().copied());
        let mut counts = vec![0; bins.len()];
        bins.count(values.iter().copied(), &mut counts);
        Self { column, bins, counts }
    }

    /// A column of groups.
    pub fn of_groups(column: String, counts: Vec<u64>) -> Self {
        Self { column, bins: Bins::Groups(counts.len()), counts }
    }
}

/// How far a column has moved since training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnDrift {
    /// Its name.
    pub column: String,
    /// Population stability index.
    pub psi: f64,
    /// What chance alone exceeds in one of a thousand nights, whichever column it is.
    pub critical_psi: f64,
    /// Whether it is large and beyond chance tonight.
    pub is_noticed: bool,
    /// Whether it was so the night before as well: then it is no accident.
    pub is_alarm: bool,
}

/// The size from which a shift is worth a look; an index of .25 is commonly called large.
pub const NOTICED_PSI: f64 = 0.1;

/// Nights of which chance may make one noticed, over all columns.
const FALSE_ALARMS: f64 = 0.001;

/// Users that a bin must be expected to hold, for the distribution of the index to hold.
const MIN_EXPECTED: f64 = 5.0;

impl Reference {
    /// Compares tonight's counts, in the order of the columns; `noticed_before` says of a
    /// column whether it was noticed the night before, by the same model.
    pub fn compare(
        &self,
        tonight: &[Vec<u64>],
        noticed_before: impl Fn(&str) -> bool,
    ) -> Vec<ColumnDrift> {
        let alpha = FALSE_ALARMS / self.columns.len().max(1) as f64;
        let drift = |(reference, counts): (&ReferenceColumn, &Vec<u64>)| {
            let (psi, critical_psi) = stability(&reference.counts, counts, alpha);
            let is_noticed = psi >= NOTICED_PSI && psi > critical_psi;
            ColumnDrift {
                is_alarm: is_noticed && noticed_before(&reference.column),
                column: reference.column.clone(),
                psi,
                critical_psi,
                is_noticed,
            }
        };
        self.columns.iter().zip(tonight).map(drift).collect()
    }
}

impl ColumnDrift {
    /// What it says to whoever is on call.
    pub fn warning(&self) -> Bilingual {
        let Self { column, psi, critical_psi, .. } = self;
        Bilingual::new(
            format!(
                "drift: `{column}` has moved since training, for two nights (PSI {psi:.2}, by \
                 chance at most {critical_psi:.4}); see what changed, and train again if it stays"
            ),
            format!(
                "漂移：`{column}`自训练以来已偏移，连续两晚（PSI {psi:.2}，随机波动最多\
                 {critical_psi:.4}）；请查明变化，若持续则重新训练"
            ),
        )
    }
}

/// The population stability index Σ (q − p) ln(q / p) of two distributions over the same bins,
/// and what it exceeds by chance with a probability of `alpha` where both are of one
/// population: (1/n + 1/m) times the quantile of χ² with bins − 1 degrees of freedom.
///
/// Source: Yurdakul & Naranjo (2020), "Statistical properties of the population stability
/// index", Journal of Risk Model Validation 14(4), §3.
fn stability(reference: &[u64], tonight: &[u64], alpha: f64) -> (f64, f64) {
    let (n, m) = (reference.iter().sum::<u64>() as f64, tonight.iter().sum::<u64>() as f64);
    if n == 0.0 || m == 0.0 {
        return (0.0, 0.0);
    }
    let bins = merged(reference, tonight);
    // An empty bin counts as half a user: how empty it is decides nothing by itself.
    let share = |count: u64, of: f64| (count as f64).max(0.5) / of;
    let term = |&(a, b): &(u64, u64)| {
        let (p, q) = (share(a, n), share(b, m));
        (q - p) * (q / p).ln()
    };
    let psi = bins.iter().map(term).sum();
    let critical = match bins.len() {
        0 | 1 => 0.0,
        n_bins => (1.0 / n + 1.0 / m) * chi_square_critical(alpha, n_bins - 1),
    };
    (psi, critical)
}

/// The counts of bins, neighbours put together until each is expected to hold enough users on
/// both sides.
fn merged(reference: &[u64], tonight: &[u64]) -> Vec<(u64, u64)> {
    let (n, m) = (reference.iter().sum::<u64>() as f64, tonight.iter().sum::<u64>() as f64);
    let mut bins: Vec<(u64, u64)> = Vec::new();
    let mut open = (0, 0);
    for (&a, &b) in reference.iter().zip(tonight) {
        open = (open.0 + a, open.1 + b);
        // Of both together, so that a bin which only one side fills stays to be seen.
        let expected = (open.0 + open.1) as f64 / (n + m);
        if expected * n.min(m) >= MIN_EXPECTED {
            bins.push(open);
            open = (0, 0);
        }
    }
    match bins.last_mut() {
        Some(last) => *last = (last.0 + open.0, last.1 + open.1),
        None => bins.push(open),
    }
    bins
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    #[test]
    fn the_index_is_the_published_one() {
        let (psi, _) = stability(&[16, 18, 16, 14, 12, 12], &[16, 16, 16, 16, 16, 8], 0.05);
        assert!((psi - 0.037_218_381_577_290_835).abs() < 1e-12, "{psi}");
        for (n, m, alpha, expected) in [
            (1_000, 1_000, 0.05, 0.033_837_96),
            (1_000, 1_000, 0.01, 0.043_331_99),
            (6_000, 6_000, 0.01, 0.007_222),
            (10_000, 1_000, 0.01, 0.023_832_59),
        ] {
            let even = |n: u64| vec![n / 10; 10];
            let (psi, critical) = stability(&even(n), &even(m), alpha);
            assert_eq!(psi, 0.0);
            assert!((critical - expected).abs() < 1e-6, "{n} {m} {alpha}: {critical}");
        }
    }

    #[test]
    fn missing_and_zero_have_bins_of_their_own() {
        let values: Vec<Option<f64>> =
            (0..1_000).map(|it| (it % 4 > 0).then_some(f64::from(it / 4 * 4 % 400 / 2))).collect();
        let column = ReferenceColumn::of_numbers("a".into(), &values);
        assert_eq!(column.counts.iter().sum::<u64>(), 1_000);
        assert_eq!(column.counts[0], 250);
        assert_eq!(column.counts[1], values.iter().filter(|it| **it == Some(0.0)).count() as u64);
        let rest = &column.counts[2..];
        assert!(rest.iter().all(|&n| (50..110).contains(&n)), "{rest:?}");
        // A column that is always the same has one bin with users.
        let same = ReferenceColumn::of_numbers("b".into(), &[Some(3.0); 50]);
        assert_eq!(same.counts.iter().filter(|&&n| n > 0).count(), 1);
        assert_eq!(stability(&same.counts, &same.counts, 0.01), (0.0, 0.0));
    }

    /// Columns as shops have them: long tails, many zeros, some missing.
    fn users(rng: &mut Xoshiro256PlusPlus, n: usize, shift: f64) -> Vec<Vec<Option<f64>>> {
        let tail = |rng: &mut Xoshiro256PlusPlus| -(1.0 - rng.r#gen::<f64>()).ln();
        (0..23)
            .map(|column| {
                let value = |rng: &mut Xoshiro256PlusPlus| match column % 3 {
                    0 => Some(tail(rng) * tail(rng) * 50.0 + shift),
                    1 => {
                        Some(if rng.r#gen::<f64>() < 0.7 { 0.0 } else { (tail(rng) * 4.0).floor() })
                    }
                    _ => (rng.r#gen::<f64>() < 0.9).then(|| rng.r#gen::<f64>()),
                };
                (0..n).map(|_| value(rng)).collect()
            })
            .collect()
    }

    fn counted(reference: &Reference, users: &[Vec<Option<f64>>]) -> Vec<Vec<u64>> {
        let count = |(column, values): (&ReferenceColumn, &Vec<Option<f64>>)| {
            let mut counts = vec![0; column.bins.len()];
            column.bins.count(values.iter().copied(), &mut counts);
            counts
        };
        reference.columns.iter().zip(users).map(count).collect()
    }

    #[test]
    fn quiet_nights_are_quiet_and_a_shift_is_found_the_second_night() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
        for n in [150, 600] {
            let trained = users(&mut rng, n, 0.0);
            let columns = trained.iter().enumerate();
            let columns = columns
                .map(|(number, values)| ReferenceColumn::of_numbers(number.to_string(), values));
            let reference = Reference { columns: columns.collect() };
            let (mut n_noticed, mut n_alarms) = (0, 0);
            let mut before: Vec<ColumnDrift> = Vec::new();
            let noticed_in = |night: &[ColumnDrift], column: &str| {
                night.iter().any(|it| it.column == column && it.is_noticed)
            };
            for _ in 0..500 {
                let counts = counted(&reference, &users(&mut rng, n, 0.0));
                let night = reference.compare(&counts, |column| noticed_in(&before, column));
                n_noticed += usize::from(night.iter().any(|it| it.is_noticed));
                n_alarms += usize::from(night.iter().any(|it| it.is_alarm));
                before = night;
            }
            assert!(n_noticed <= 5 && n_alarms <= 5, "{n} users: {n_noticed}, {n_alarms} of 500");
            let counts = counted(&reference, &users(&mut rng, n, 60.0));
            let first = reference.compare(&counts, |column| noticed_in(&before, column));
            assert!(first.iter().all(|it| !it.is_alarm));
            let counts = counted(&reference, &users(&mut rng, n, 60.0));
            let second = reference.compare(&counts, |column| noticed_in(&first, column));
            for column in second {
                let is_shifted = column.column.parse::<usize>().unwrap().is_multiple_of(3);
                assert_eq!(column.is_alarm, is_shifted, "{n} users: {column:?}");
            }
        }
    }
}
