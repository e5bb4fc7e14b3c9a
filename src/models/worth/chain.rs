//! Groups as states of a Markov chain, with what their members bring.

use ndarray::{Array1, Array2};

use super::history::{GroupHistory, GroupsAt};
use super::tally::{Blocks, Moves, ToCount};
use crate::stats::markov::{best_strength, present_values, smoothed};

const DAYS_PER_YEAR: f64 = 365.0;

/// How far ahead worth looks, and what an amount counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorthAhead {
    /// How far.
    pub horizon_days: u32,
    /// By how much less an amount is worth a year later.
    pub discount_yearly: f64,
    /// Part of what users pay that is earned.
    pub margin: f64,
}

/// A chain that was fitted to steps.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedChain {
    /// Chances to go from each group to each in a step, shape (from, to).
    pub chances: Array2<f64>,
    /// What a member of each group orders in a step, on average, in the currency of the data.
    pub amounts: Array1<f64>,
    /// Users who joined in the last step, by the group they end it in.
    pub newcomers: Array1<f64>,
}

impl FittedChain {
    /// The chain of what was counted, each row drawn to all as if so many moves had been seen
    /// there.
    pub(super) fn of(moves: &Moves, strength: f64) -> Self {
        Self {
            chances: smoothed(moves.counts.view(), strength),
            amounts: means(&moves.amounts, &moves.n_paying),
            newcomers: moves.newcomers.clone(),
        }
    }

    /// What a member of each group orders in so many steps.
    pub(super) fn amounts_in(&self, n_steps: usize) -> Array1<f64> {
        let values =
            present_values(self.chances.view(), self.amounts.view(), 0.0, Some(n_steps as f64));
        values.expect("a number of steps has an end")
    }

    /// What a member of each group is worth. A step's amount counts as paid in its middle.
    pub(super) fn values(&self, ahead: &WorthAhead, step_days: u32) -> Array1<f64> {
        let step_years = f64::from(step_days) / DAYS_PER_YEAR;
        let by_step = (1.0 + ahead.discount_yearly).powf(step_years);
        let rewards = self.amounts.mapv(|it| it * ahead.margin / by_step.sqrt());
        let n_rewards = f64::from(ahead.horizon_days) / f64::from(step_days);
        let values =
            present_values(self.chances.view(), rewards.view(), by_step - 1.0, Some(n_rewards));
        values.expect("a number of steps has an end")
    }
}

/// Amounts by user, 0 where there is none.
fn means(amounts: &Array1<f64>, n_users: &Array1<f64>) -> Array1<f64> {
    let mean = |(amount, n): (&f64, &f64)| if *n > 0.0 { amount / n } else { 0.0 };
    amounts.iter().zip(n_users).map(mean).collect()
}

/// How far rows of chances are drawn to all: as the latest step asks of those before. With
/// one step, half of the users are held against the other.
pub(super) fn strength(history: &GroupHistory, steps: &[(&GroupsAt, &GroupsAt)]) -> f64 {
    let Some((last, earlier)) = steps.split_last() else { return 1.0 };
    let count = |steps: &[(&GroupsAt, &GroupsAt)]| {
        Moves::count(history, &ToCount { steps: steps.to_vec(), ..ToCount::default() })
    };
    match earlier {
        [] => {
            let (first, second) = count(&[*last]).halves();
            best_strength(first.counts.view(), second.counts.view())
        }
        earlier => {
            let (counts, held_out) = (count(earlier).all().counts, count(&[*last]).all().counts);
            best_strength(counts.view(), held_out.view())
        }
    }
}

/// A chain and the blocks that it was counted in.
pub(super) struct CountedChain {
    pub chain: FittedChain,
    blocks: Blocks<Moves>,
    strength: f64,
}

/// What members of groups ordered in several steps: on average, and how many there were.
pub(super) struct Followed {
    pub n_users: Array1<f64>,
    pub amounts: Array1<f64>,
}

impl Followed {
    fn of(moves: &Moves) -> Self {
        let (n_users, amounts) = (&moves.n_followed, &moves.followed);
        Self { n_users: n_users.clone(), amounts: means(amounts, n_users) }
    }
}

impl CountedChain {
    /// Fits a chain to the steps that had ended at a moment, and follows users over spans.
    pub fn fit(
        history: &GroupHistory,
        until: chrono::NaiveDateTime,
        spans: Vec<Vec<&GroupsAt>>,
    ) -> Self {
        let steps = history.steps(until);
        let strength = strength(history, &steps);
        let paying = steps.iter().map(|step| step.0).collect();
        let blocks = Moves::count(history, &ToCount { steps, paying, spans });
        let chain = FittedChain::of(&blocks.all(), strength);
        Self { chain, blocks, strength }
    }

    /// Users by group at all moments that were counted, users once for each.
    pub fn n_seen(&self) -> Array1<f64> {
        self.blocks.all().n_paying
    }

    /// What users ordered who were followed.
    pub fn followed(&self) -> Followed {
        Followed::of(&self.blocks.all())
    }

    /// What `measure` says of chains of resampled users, and of what these ordered.
    pub fn resampled<T: Send>(
        &self,
        seed: u64,
        measure: impl Fn(&FittedChain, Followed) -> T + Sync + Send,
    ) -> Vec<T> {
        let of =
            |moves: &Moves| measure(&FittedChain::of(moves, self.strength), Followed::of(moves));
        self.blocks.resampled(seed, of)
    }
}
