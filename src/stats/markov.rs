//! Groups at successive dates as a Markov chain: how many go where, what that is worth, and
//! whether where they came from matters as well.

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2};

use super::distributions::chi_square_above;

/// Strengths of smoothing that are tried, in transitions.
const STRENGTHS: [f64; 9] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0];

/// Discounted values change by no more than this share of the largest when they are done.
const TOLERANCE: f64 = 1e-12;

const MAX_STEPS: usize = 100_000;

/// Chances to go from each state to each, shape (from, to), from counts: each row is drawn
/// towards the mean of all rows (with its own state counted as staying as often as others
/// stay) as if `strength` transitions had been seen there.
///
/// Source: Good (1965), "The Estimation of Probabilities", ch. 5 (pseudocounts from the
/// margin of a table).
pub fn smoothed(counts: ArrayView2<f64>, strength: f64) -> Array2<f64> {
    let n_states = counts.nrows();
    let total = counts.sum();
    let stays = if total > 0.0 { counts.diag().sum() / total } else { 1.0 };
    // Where those go who do not stay.
    let mut arrivals: Array1<f64> = counts.sum_axis(ndarray::Axis(0)) - counts.diag();
    let n_leaving = arrivals.sum();
    arrivals.mapv_inplace(|n| if n_leaving > 0.0 { n / n_leaving } else { 0.0 });
    let mut chances = Array2::zeros((n_states, n_states));
    for from in 0..n_states {
        let elsewhere = 1.0 - arrivals[from];
        let prior = |to: usize| match (to == from, elsewhere > 0.0 && n_leaving > 0.0) {
            (true, true) => stays,
            (true, false) => 1.0,
            (false, true) => (1.0 - stays) * arrivals[to] / elsewhere,
            (false, false) => 0.0,
        };
        let n = counts.row(from).sum() + strength;
        for to in 0..n_states {
            chances[[from, to]] = (counts[[from, to]] + strength * prior(to)) / n;
        }
    }
    chances
}

/// The strength under which chances from some transitions make others likeliest.
pub fn best_strength(counts: ArrayView2<f64>, held_out: ArrayView2<f64>) -> f64 {
    let log_likelihood = |strength: &f64| -> f64 {
        let chances = smoothed(counts, *strength);
        let cells = held_out.iter().zip(&chances).filter(|(n, _)| **n > 0.0);
        cells.map(|(n, chance)| n * chance.max(1e-300).ln()).sum()
    };
    let found = STRENGTHS.iter().max_by(|a, b| log_likelihood(a).total_cmp(&log_likelihood(b)));
    found.copied().unwrap_or(1.0)
}

/// What a member of each state is worth: the reward of the state that they are in now and of
/// those that they will be in, `n_rewards` of them, each step's less by 1 / (1 + rate); of a
/// last one that is not whole its part; for ever without a number. `None` where that has no
/// end: without a discount, and with states that go on to bring something.
///
/// Source: Pfeifer & Carraway (2000), "Modeling customer relationships as Markov chains",
/// Journal of Interactive Marketing 14, eq. 5 and 7.
pub fn present_values(
    chances: ArrayView2<f64>,
    rewards: ArrayView1<f64>,
    rate: f64,
    n_rewards: Option<f64>,
) -> Option<Array1<f64>> {
    let mut reward = rewards.to_owned();
    let mut values = Array1::zeros(rewards.len());
    let n_steps = n_rewards.map_or(MAX_STEPS, |n| n.ceil() as usize);
    for step in 0..n_steps {
        let part = n_rewards.map_or(1.0, |n| (n - step as f64).min(1.0));
        values.scaled_add(part, &reward);
        reward = chances.dot(&reward) / (1.0 + rate);
        let largest = |of: &Array1<f64>| of.iter().map(|it| it.abs()).fold(0.0, f64::max);
        if largest(&reward) <= TOLERANCE * largest(&values) {
            return Some(values);
        }
    }
    n_rewards.map(|_| values)
}

/// Members of each state after each of so many steps, shape (1 + steps, states): `inflow` join
/// at every step.
pub fn projected(
    sizes: ArrayView1<f64>,
    chances: ArrayView2<f64>,
    inflow: ArrayView1<f64>,
    n_steps: usize,
) -> Array2<f64> {
    let mut all = Array2::zeros((n_steps + 1, sizes.len()));
    all.row_mut(0).assign(&sizes);
    for step in 0..n_steps {
        let next = chances.t().dot(&all.row(step)) + inflow;
        all.row_mut(step + 1).assign(&next);
    }
    all
}

/// Whether where members came from matters for where they go, beside where they are.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryTest {
    /// χ² of the hypothesis that it does not.
    pub chi_squared: f64,
    /// Its degrees of freedom.
    pub degrees_of_freedom: usize,
    /// Chance of one as large if it does not.
    pub p_value: f64,
    /// Cramér's V: 0 where it does not matter at all, 1 where it decides everything.
    pub strength: f64,
}

/// The test of order 1 against order 2, from counts of shape (first, second, third state).
/// `None` where no state is reached from two others and left for two.
///
/// Source: Anderson & Goodman (1957), "Statistical inference about Markov chains", Annals of
/// Mathematical Statistics 28, eq. 4.6.
pub fn memory_test(counts: &Array3<f64>) -> Option<MemoryTest> {
    let (mut chi_squared, mut degrees_of_freedom, mut n, mut most) = (0.0, 0, 0.0, 0.0f64);
    for middle in 0..counts.dim().1 {
        let table = counts.index_axis(ndarray::Axis(1), middle);
        let (from, to) = (table.sum_axis(ndarray::Axis(1)), table.sum_axis(ndarray::Axis(0)));
        let total = from.sum();
        let used = |margin: &Array1<f64>| margin.iter().filter(|&&n| n > 0.0).count() as f64;
        let (rows, columns) = (used(&from), used(&to));
        if rows < 2.0 || columns < 2.0 {
            continue;
        }
        for ((first, third), &count) in table.indexed_iter() {
            let expected = from[first] * to[third] / total;
            if expected > 0.0 {
                chi_squared += (count - expected).powi(2) / expected;
            }
        }
        degrees_of_freedom += ((rows - 1.0) * (columns - 1.0)) as usize;
        n += total;
        most = most.max(rows.min(columns) - 1.0);
    }
    (degrees_of_freedom > 0).then(|| MemoryTest {
        chi_squared,
        degrees_of_freedom,
        p_value: chi_square_above(chi_squared, degrees_of_freedom),
        strength: (chi_squared / (n * most)).sqrt().min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, array};
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn near(found: &Array1<f64>, expected: &[f64], tolerance: f64) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < tolerance, "{found} instead of {expected}");
        }
    }

    /// The example of Pfeifer & Carraway: customers by how long ago they bought.
    #[test]
    fn values_are_those_of_the_paper() {
        let chances = array![
            [0.3, 0.7, 0.0, 0.0, 0.0],
            [0.2, 0.0, 0.8, 0.0, 0.0],
            [0.15, 0.0, 0.0, 0.85, 0.0],
            [0.05, 0.0, 0.0, 0.0, 0.95],
            [0.0, 0.0, 0.0, 0.0, 1.0]
        ];
        let rewards = array![36.0, -4.0, -4.0, -4.0, 0.0];
        let value = |chances: &Array2<f64>, rewards: &Array1<f64>, steps| {
            present_values(chances.view(), rewards.view(), 0.2, steps).unwrap()
        };
        near(&value(&chances, &rewards, Some(5.0)), &[50.115, 4.220, 0.592, -1.980, 0.0], 5e-4);
        near(&value(&chances, &rewards, None), &[52.320, 5.554, 1.251, -1.820, 0.0], 5e-4);
        // No more letters after the third period without an order.
        let mut stopped = chances.clone();
        stopped.row_mut(3).assign(&array![0.0, 0.0, 0.0, 0.0, 1.0]);
        let rewards = array![36.0, -4.0, -4.0, 0.0, 0.0];
        near(&value(&stopped, &rewards, None), &[53.149, 6.621, 2.644, 0.0, 0.0], 5e-4);
    }

    #[test]
    fn without_a_discount_what_never_ends_has_no_value() {
        let for_ever = present_values(array![[1.0]].view(), array![2.0].view(), 0.0, None);
        assert_eq!(for_ever, None);
        let ahead = |n| present_values(array![[1.0]].view(), array![2.0].view(), 0.0, Some(n));
        assert_eq!(ahead(4.0), Some(array![8.0]));
        assert_eq!(ahead(3.25), Some(array![6.5]));
        assert_eq!(ahead(0.5), Some(array![1.0]));
    }

    #[test]
    fn few_transitions_are_drawn_towards_all() {
        let counts = array![[80.0, 20.0, 0.0], [10.0, 60.0, 30.0], [0.0, 1.0, 1.0]];
        for strength in STRENGTHS {
            let chances = smoothed(counts.view(), strength);
            for row in chances.rows() {
                assert!((row.sum() - 1.0).abs() < 1e-12 && row.iter().all(|&it| it >= 0.0));
            }
            assert!(chances[[0, 2]] > 0.0 && chances[[2, 2]] > 0.5);
        }
        // Without smoothing what was seen is what is expected.
        assert_eq!(smoothed(counts.view(), 0.0)[[1, 1]], 0.6);
        // A state that nobody was in keeps its members as others do.
        let empty = array![[8.0, 2.0, 0.0], [1.0, 8.0, 1.0], [0.0, 0.0, 0.0]];
        assert!((smoothed(empty.view(), 1.0)[[2, 2]] - 0.8).abs() < 1e-12);
        assert_eq!(smoothed(Array2::zeros((2, 2)).view(), 1.0), Array2::<f64>::eye(2));
    }

    #[test]
    fn the_strength_follows_from_how_alike_rows_are() {
        let alike = array![[5.0, 1.0, 1.0], [1.0, 5.0, 1.0], [0.0, 2.0, 5.0]];
        let held_out = array![[70.0, 15.0, 15.0], [15.0, 70.0, 15.0], [15.0, 15.0, 70.0]];
        let different = array![[70.0, 0.0, 30.0], [50.0, 50.0, 0.0], [0.0, 90.0, 10.0]];
        assert!(best_strength(alike.view(), held_out.view()) >= 10.0);
        assert!(best_strength(different.view(), different.view()) <= 0.5);
    }

    #[test]
    fn projections_keep_members_and_add_newcomers() {
        let chances = array![[0.5, 0.5], [0.0, 1.0]];
        let sizes =
            projected(array![100.0, 0.0].view(), chances.view(), array![10.0, 0.0].view(), 2);
        assert_eq!(sizes, array![[100.0, 0.0], [60.0, 50.0], [40.0, 80.0]]);
    }

    /// Chains of order 1 are rejected in about 5 % of cases, and one of order 2 always.
    #[test]
    fn memory_is_found_where_there_is_some() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut counts = |remembers: bool| {
            let mut counts = Array::zeros((3, 3, 3));
            for _ in 0..900 {
                let first = rng.gen_range(0..3);
                let second = if rng.gen_bool(0.6) { first } else { rng.gen_range(0..3) };
                let kept = if remembers { first } else { second };
                let third = if rng.gen_bool(0.6) { kept } else { rng.gen_range(0..3) };
                counts[[first, second, third]] += 1.0;
            }
            memory_test(&counts).unwrap()
        };
        let n_rejected = (0..300).filter(|_| counts(false).p_value < 0.05).count();
        assert!((3..=30).contains(&n_rejected), "{n_rejected} of 300");
        let found = counts(true);
        assert!(found.p_value < 1e-9 && found.strength > 0.3, "{found:?}");
        assert_eq!(memory_test(&Array::zeros((2, 2, 2))), None);
    }
}
