//! Groups as states of a Markov chain, with what their members bring.

use ndarray::{Array1, Array2};

use super::history::{GroupHistory, GroupsAt};
use super::tally::{Blocks, Moves};
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
        let mean = |(amount, n): (&f64, &f64)| if *n > 0.0 { amount / n } else { 0.0 };
        Self {
            chances: smoothed(moves.counts.view(), strength),
            amounts: moves.amounts.iter().zip(&moves.n_paying).map(mean).collect(),
            newcomers: moves.newcomers.clone(),
        }
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

/// How far rows of chances are drawn to all: as the latest step asks of those before. With
/// one step, half of the users are held against the other.
pub(super) fn strength(history: &GroupHistory, steps: &[(&GroupsAt, &GroupsAt)]) -> f64 {
    let Some((last, earlier)) = steps.split_last() else { return 1.0 };
    let count = |steps: &[(&GroupsAt, &GroupsAt)]| Moves::count(history, steps, &[]);
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

impl CountedChain {
    /// Fits a chain to the steps that had ended at a moment.
    pub fn fit(history: &GroupHistory, until: chrono::NaiveDateTime) -> Self {
        let steps = history.steps(until);
        let paying: Vec<&GroupsAt> = steps.iter().map(|step| step.0).collect();
        let blocks = Moves::count(history, &steps, &paying);
        let strength = strength(history, &steps);
        let chain = FittedChain::of(&blocks.all(), strength);
        Self { chain, blocks, strength }
    }

    /// What `measure` says of chains of resampled users.
    pub fn resampled<T: Send>(
        &self,
        seed: u64,
        measure: impl Fn(&FittedChain) -> T + Sync + Send,
    ) -> Vec<T> {
        let of = |moves: &Moves| measure(&FittedChain::of(moves, self.strength));
        self.blocks.resampled(seed, of)
    }
}
