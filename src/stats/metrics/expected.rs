//! What calibrated probabilities say by themselves of how well they do, before any outcome
//! is known.

use serde::{Deserialize, Serialize};

/// Probabilities in narrow bins. Counts and sums are whole numbers, so that nothing depends
/// on the order in which probabilities are added, and those of parts add up.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbabilityHistogram {
    bins: Vec<Bin>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Bin {
    n: u64,
    /// Sum of the probabilities in units of 2⁻³⁶.
    units: u64,
}

impl Bin {
    fn sum(self) -> f64 {
        self.units as f64 / UNITS_IN_ONE
    }
}

const N_BINS: usize = 1 << 16;
const UNITS_IN_ONE: f64 = (1u64 << 36) as f64;

/// What is to be expected if every probability is right.
///
/// It sees that other users came, or that users do other things than they did; it does not
/// see that the same behaviour means something else than it did.
///
/// Source: NannyML, "confidence-based performance estimation" (CBPE): each measure is that
/// of outcomes drawn independently with these probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedOutcomes {
    /// Users.
    pub n_users: u64,
    /// Of whom it will come true: Σp.
    pub n_positive: f64,
    /// Standard deviation of that number: √Σp(1−p).
    pub sd_positive: f64,
    /// Area under the ROC curve, over pairs of two users; `None` where nobody can differ.
    pub roc_auc: Option<f64>,
    /// Brier score.
    pub brier: f64,
    /// Log loss in nats.
    pub log_loss: f64,
}

impl Default for ProbabilityHistogram {
    fn default() -> Self {
        Self { bins: vec![Bin::default(); N_BINS] }
    }
}

impl ProbabilityHistogram {
    /// Adds a probability, 0 to 1.
    pub fn add(&mut self, probability: f64) {
        let bin = &mut self.bins[((probability * N_BINS as f64) as usize).min(N_BINS - 1)];
        bin.n += 1;
        bin.units += (probability * UNITS_IN_ONE).round() as u64;
    }

    /// What is to be expected; `None` of nobody.
    ///
    /// Users of one bin (1/65,536 wide) count as equally likely.
    pub fn expected(&self) -> Option<ExpectedOutcomes> {
        let (mut n, mut positive, mut variance, mut entropy) = (0, 0.0, 0.0, 0.0);
        let (mut negative_below, mut ordered_pairs) = (0.0, 0.0);
        for bin in self.bins.iter().filter(|bin| bin.n > 0) {
            let (of_bin, sum) = (bin.n as f64, bin.sum());
            let p = sum / of_bin;
            let (spread, others) = (of_bin * p * (1.0 - p), of_bin - sum);
            n += bin.n;
            positive += sum;
            variance += spread;
            entropy += of_bin * entropy_of(p);
            // Nobody is a pair with themselves.
            ordered_pairs += sum * negative_below + (sum * others - spread) / 2.0;
            negative_below += others;
        }
        let pairs = positive * negative_below - variance;
        (n > 0).then(|| ExpectedOutcomes {
            n_users: n,
            n_positive: positive,
            sd_positive: variance.sqrt(),
            roc_auc: (n > 1 && pairs > 0.0).then(|| ordered_pairs / pairs),
            brier: variance / n as f64,
            log_loss: entropy / n as f64,
        })
    }
}

/// Entropy of a yes or no in nats.
fn entropy_of(p: f64) -> f64 {
    let part = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    part(p) + part(1.0 - p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::metrics::{brier_score, log_loss, roc_auc};

    fn histogram(probabilities: &[f64]) -> ProbabilityHistogram {
        let mut histogram = ProbabilityHistogram::default();
        probabilities.iter().for_each(|&p| histogram.add(p));
        histogram
    }

    /// Counted with NannyML's formulas; the AUC without pairs of a user with themselves.
    #[test]
    fn published_formulas_give_the_same() {
        let p = [0.05, 0.1, 0.2, 0.35, 0.4, 0.6, 0.8, 0.9];
        let expected = histogram(&p).expected().unwrap();
        let close = |a: f64, b: f64, by: f64| assert!((a - b).abs() < by, "{a} {b}");
        close(expected.n_positive, 3.4, 1e-9);
        close(expected.sd_positive, 1.120_267_8, 1e-6);
        close(expected.brier, 0.156_875, 1e-9);
        close(expected.log_loss, 0.480_369_50, 1e-8);
        close(expected.roc_auc.unwrap(), 0.871_915_19, 1e-7);
    }

    /// Outcomes drawn with the probabilities have, on average, what was expected.
    #[test]
    fn draws_do_as_expected() {
        use rand::{Rng, SeedableRng};
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(5);
        let p: Vec<f64> = (0..20_000).map(|_| rng.r#gen::<f64>().powi(2)).collect();
        let churned: Vec<bool> = p.iter().map(|&p| rng.gen_bool(p)).collect();
        let expected = histogram(&p).expected().unwrap();
        let n_churned = churned.iter().filter(|&&it| it).count() as f64;
        assert!((n_churned - expected.n_positive).abs() < 4.0 * expected.sd_positive);
        assert!((roc_auc(&p, &churned).unwrap() - expected.roc_auc.unwrap()).abs() < 0.01);
        assert!((brier_score(&p, &churned).unwrap() - expected.brier).abs() < 0.005);
        assert!((log_loss(&p, &churned).unwrap() - expected.log_loss).abs() < 0.02);
    }

    #[test]
    fn certainty_and_nobody_are_no_special_case() {
        assert_eq!(ProbabilityHistogram::default().expected(), None);
        let certain = histogram(&[0.0, 1.0]).expected().unwrap();
        assert_eq!((certain.roc_auc, certain.brier, certain.log_loss), (Some(1.0), 0.0, 0.0));
        assert_eq!(histogram(&[0.3]).expected().unwrap().roc_auc, None);
    }
}
