use std::cmp::Ordering;

/// Rows in order of a score, sorted once so that many resamples of them can be
/// measured in one pass each.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// Rows, highest score first.
    order: Vec<u32>,
    /// Where each run of equal scores ends, in `order`.
    tie_ends: Vec<u32>,
}

/// How well a ranking puts positives first; `None` where a measure is undefined.
#[derive(Debug, Clone, PartialEq)]
pub struct RankingMeasures {
    /// Area under the ROC curve.
    pub roc_auc: Option<f64>,
    /// Average precision.
    pub pr_auc: Option<f64>,
    /// Greatest distance between the shares of positives and of negatives above a
    /// score (Kolmogorov-Smirnov).
    pub ks: Option<f64>,
    /// Share of all positives in the top share of rows, for each share asked for.
    pub capture: Vec<Option<f64>>,
    /// Share of the positives' value in the top share of rows.
    pub value_capture: Vec<Option<f64>>,
}

/// What is ranked: who is positive and what each row is worth.
#[derive(Debug, Clone, Copy)]
pub struct Truth<'a> {
    /// Whether each row is positive.
    pub positive: &'a [bool],
    /// What it is worth.
    pub value: &'a [f64],
}

impl Ranked {
    /// Sorts rows by score.
    pub fn new(scores: &[f64]) -> Self {
        let mut order: Vec<u32> = (0..scores.len() as u32).collect();
        let score = |row: u32| scores[row as usize];
        order.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
        let mut tie_ends = Vec::new();
        let is_tie = |a: &u32, b: &u32| score(*a).partial_cmp(&score(*b)) == Some(Ordering::Equal);
        for tie in order.chunk_by(is_tie) {
            tie_ends.push(tie_ends.last().copied().unwrap_or(0) + tie.len() as u32);
        }
        Self { order, tie_ends }
    }

    /// Measures the rows, each counting as often as `copies` says (once where
    /// absent). A tie that straddles a cut counts in proportion.
    ///
    /// # Panics
    /// When slices are shorter than the rows.
    pub fn measure(
        &self,
        truth: Truth<'_>,
        copies: Option<&[u32]>,
        shares: &[f64],
    ) -> RankingMeasures {
        let n_copies = |row: usize| copies.map_or(1.0, |copies| f64::from(copies[row]));
        let (mut total, mut total_positive, mut total_value) = (0.0, 0.0, 0.0);
        for row in 0..self.order.len() {
            let n = n_copies(row);
            total += n;
            if truth.positive[row] {
                total_positive += n;
                total_value += n * truth.value[row];
            }
        }
        let total_negative = total - total_positive;
        let (mut above, mut positive_above, mut value_above) = (0.0, 0.0, 0.0);
        let (mut roc, mut pr, mut ks) = (0.0, 0.0, 0f64);
        let mut caught = vec![(0.0, 0.0); shares.len()];
        let mut start = 0;
        for &end in &self.tie_ends {
            let (mut n, mut positive, mut value) = (0.0, 0.0, 0.0);
            for &row in &self.order[start..end as usize] {
                let copies = n_copies(row as usize);
                n += copies;
                if truth.positive[row as usize] {
                    positive += copies;
                    value += copies * truth.value[row as usize];
                }
            }
            start = end as usize;
            if n == 0.0 {
                continue;
            }
            for ((caught, caught_value), share) in caught.iter_mut().zip(shares) {
                let taken = (total * share - above).clamp(0.0, n) / n;
                *caught += taken * positive;
                *caught_value += taken * value;
            }
            roc += (n - positive) * (positive_above + positive / 2.0);
            (above, positive_above, value_above) =
                (above + n, positive_above + positive, value_above + value);
            pr += positive * positive_above / above;
            let negative_above = above - positive_above;
            ks = ks.max((positive_above / total_positive - negative_above / total_negative).abs());
        }
        let both = total_positive > 0.0 && total_negative > 0.0;
        let of = |amount: f64, all: f64| (all > 0.0).then(|| amount / all);
        RankingMeasures {
            roc_auc: both.then(|| roc / (total_positive * total_negative)),
            pr_auc: of(pr, total_positive),
            ks: both.then_some(ks),
            capture: caught.iter().map(|caught| of(caught.0, total_positive)).collect(),
            value_capture: caught.iter().map(|caught| of(caught.1, total_value)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{capture_at, pr_auc, roc_auc};
    use super::*;

    #[test]
    fn one_pass_agrees_with_the_single_measures_and_copies_with_repeated_rows() {
        let scores: Vec<f64> = (0..300).map(|row| f64::from(row * 7919 % 83 / 3)).collect();
        let positive: Vec<bool> = (0..300).map(|row| row * 31 % 97 < 20 + row % 83 / 3).collect();
        let value: Vec<f64> = (0..300).map(|row| f64::from(row % 13)).collect();
        let copies: Vec<u32> = (0..300).map(|row| row % 3).collect();
        let repeated: Vec<usize> =
            (0..300usize).flat_map(|row| std::iter::repeat_n(row, row % 3)).collect();
        let again = |values: &[f64]| repeated.iter().map(|&row| values[row]).collect::<Vec<_>>();
        let positive_again: Vec<bool> = repeated.iter().map(|&row| positive[row]).collect();
        let truth = Truth { positive: &positive, value: &value };
        let found = Ranked::new(&scores).measure(truth, Some(&copies), &[0.1, 0.25]);
        let close = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-12;
        assert!(close(found.roc_auc, roc_auc(&again(&scores), &positive_again)));
        assert!(close(found.pr_auc, pr_auc(&again(&scores), &positive_again)));
        let of_churners: Vec<f64> =
            (0..300).map(|row| if positive[row] { value[row] } else { 0.0 }).collect();
        let captured = capture_at(&again(&scores), &again(&of_churners), 0.25);
        assert!(close(found.value_capture[1], captured));
    }

    #[test]
    fn a_perfect_ranking_separates_fully() {
        let positive = [true, true, false, false, false];
        let truth = Truth { positive: &positive, value: &[1.0; 5] };
        let found = Ranked::new(&[5.0, 4.0, 3.0, 2.0, 1.0]).measure(truth, None, &[0.2]);
        assert_eq!((found.roc_auc, found.ks, found.capture[0]), (Some(1.0), Some(1.0), Some(0.5)));
    }

    #[test]
    fn one_class_has_no_separation() {
        let truth = Truth { positive: &[true, true], value: &[1.0, 1.0] };
        let found = Ranked::new(&[1.0, 2.0]).measure(truth, None, &[]);
        assert_eq!((found.roc_auc, found.ks), (None, None));
    }
}
