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

/// What is ranked: which rows are positive and what each is worth.
#[derive(Debug, Clone, Copy)]
pub struct Truth<'a> {
    /// Whether each row is positive.
    pub positive: &'a [bool],
    /// What it is worth; nothing where absent.
    pub value: Option<&'a [f64]>,
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
    /// Source: Fawcett (2006), "An introduction to ROC analysis", algorithm 3; Davis &
    /// Goadrich (2006) for average precision, without interpolation, as scikit-learn's
    /// `average_precision_score`.
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
        let value_of = |row: usize| truth.value.map_or(0.0, |value| value[row]);
        let (mut total, mut total_positive, mut total_value) = (0.0, 0.0, 0.0);
        for row in 0..self.order.len() {
            let n = n_copies(row);
            total += n;
            if truth.positive[row] {
                total_positive += n;
                total_value += n * value_of(row);
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
                    value += copies * value_of(row as usize);
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
        let of = |amount: f64, all: f64| (all != 0.0).then(|| amount / all);
        RankingMeasures {
            roc_auc: both.then(|| roc / (total_positive * total_negative)),
            pr_auc: of(pr, total_positive),
            ks: both.then_some(ks),
            capture: caught.iter().map(|caught| of(caught.0, total_positive)).collect(),
            value_capture: caught.iter().map(|caught| of(caught.1, total_value)).collect(),
        }
    }
}

impl Ranked {
    /// Twice the area between the curve of the share of all amounts that the top share of
    /// rows has, and the diagonal; `None` where the amounts, none below 0, sum to nothing.
    /// Ties count as if in random order. Divided by that of the amounts themselves it is the
    /// normalised Gini coefficient.
    ///
    /// Source: Wang, Liu & Miao (2019), "A deep probabilistic model for customer lifetime
    /// value prediction", §4.2.
    pub fn gini(&self, amounts: &[f64], copies: Option<&[u32]>) -> Option<f64> {
        let (mut rows_above, mut amount_above, mut area) = (0.0, 0.0, 0.0);
        for (n, amount) in self.ties(amounts, copies) {
            area += n * (amount_above + amount / 2.0);
            rows_above += n;
            amount_above += amount;
        }
        (amount_above > 0.0).then(|| 2.0 * area / (rows_above * amount_above) - 1.0)
    }

    /// Share of all amounts that the top share of rows has; a tie that straddles the cut
    /// counts in proportion.
    pub fn top_share(&self, amounts: &[f64], copies: Option<&[u32]>, share: f64) -> Option<f64> {
        let ties: Vec<(f64, f64)> = self.ties(amounts, copies).collect();
        let (n_rows, total) =
            ties.iter().fold((0.0, 0.0), |sum, tie| (sum.0 + tie.0, sum.1 + tie.1));
        let (mut left, mut caught) = (share * n_rows, 0.0);
        for (n, amount) in ties.into_iter().filter(|tie| tie.0 > 0.0) {
            let taken = (left / n).clamp(0.0, 1.0);
            caught += taken * amount;
            left -= n;
        }
        (total > 0.0).then(|| caught / total)
    }

    /// Rows and amount of each run of equal scores, the highest first.
    fn ties<'a>(
        &'a self,
        amounts: &'a [f64],
        copies: Option<&'a [u32]>,
    ) -> impl Iterator<Item = (f64, f64)> + 'a {
        let mut start = 0;
        self.tie_ends.iter().map(move |&end| {
            let rows = &self.order[start..end as usize];
            start = end as usize;
            rows.iter().fold((0.0, 0.0), |sum, &row| {
                let n = copies.map_or(1.0, |copies| f64::from(copies[row as usize]));
                (sum.0 + n, sum.1 + n * amounts[row as usize])
            })
        })
    }
}

/// Area under the ROC curve: the chance that a random positive scores above a
/// random negative, ties counting one half. `None` when a class is absent.
///
/// # Panics
/// When the two slices differ in length.
pub fn roc_auc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    assert_eq!(scores.len(), positive.len(), "one score for each row");
    Ranked::new(scores).measure(Truth { positive, value: None }, None, &[]).roc_auc
}

/// Ranks from 1, equal values sharing their mean rank.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; values.len()];
    let mut n_before = 0;
    for tie in order.chunk_by(|a, b| a.0.partial_cmp(&b.0) == Some(Ordering::Equal)) {
        let mean = n_before as f64 + (tie.len() + 1) as f64 / 2.0;
        tie.iter().for_each(|&(_, row)| ranks[row] = mean);
        n_before += tie.len();
    }
    ranks
}

/// Spearman's rank correlation of values whose [`ranks`] are these. `None` when
/// either side is constant.
///
/// Source: Spearman (1904), "The proof and measurement of association between
/// two things".
///
/// # Panics
/// When the two slices differ in length.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "pairs of ranks");
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean, y - mean);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    (aa > 0.0 && bb > 0.0).then(|| ab / (aa * bb).sqrt())
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Scores with ties, classes and values of 2 to 60 rows.
    fn random_rankings() -> impl Iterator<Item = (Vec<f64>, Vec<bool>, Vec<f64>)> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(6);
        (0..200).map(move |_| {
            let n_rows = rng.gen_range(2..60);
            let scores: Vec<f64> = (0..n_rows).map(|_| f64::from(rng.gen_range(-9..9))).collect();
            let positive = scores.iter().map(|&s| rng.gen_range(-9.0..9.0) < s).collect();
            let value = (0..n_rows).map(|_| rng.gen_range(0.0..50.0)).collect();
            (scores, positive, value)
        })
    }

    #[test]
    fn a_gini_is_that_of_the_curve() {
        let amounts = [0.0, 3.0, 1.0, 0.0];
        // Shares of the amount at 1/4, 2/4, 3/4 and 4/4: .75, 1, 1, 1.
        let perfect = Ranked::new(&amounts).gini(&amounts, None).unwrap();
        assert!((perfect - (2.0 * (0.375 + 0.875 + 1.0 + 1.0) / 4.0 - 1.0)).abs() < 1e-12);
        let reversed = Ranked::new(&amounts.map(|it| -it));
        assert!((reversed.gini(&amounts, None).unwrap() + perfect).abs() < 1e-12);
        assert!(Ranked::new(&[1.0; 4]).gini(&amounts, None).unwrap().abs() < 1e-12);
        assert_eq!(Ranked::new(&[1.0; 4]).gini(&[0.0; 4], None), None);
        assert_eq!(Ranked::new(&amounts).top_share(&amounts, None, 0.25), Some(0.75));
        assert_eq!(Ranked::new(&[1.0; 4]).top_share(&amounts, None, 0.25), Some(0.25));
        // Copies count as rows.
        let twice = [0.0, 0.0, 3.0, 1.0, 0.0];
        let copied = Ranked::new(&amounts).gini(&amounts, Some(&[2, 1, 1, 1])).unwrap();
        assert!((copied - Ranked::new(&twice).gini(&twice, None).unwrap()).abs() < 1e-12);
    }

    fn close(a: Option<f64>, b: Option<f64>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-12,
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    #[test]
    fn roc_auc_is_the_share_of_pairs_in_order() {
        for (scores, positive, _) in random_rankings() {
            let rows = |class: bool| -> Vec<usize> {
                (0..scores.len()).filter(|&row| positive[row] == class).collect()
            };
            let (positives, negatives) = (rows(true), rows(false));
            let mut sum = 0.0;
            for &above in &positives {
                for &below in &negatives {
                    let gap = scores[above] - scores[below];
                    sum += if gap == 0.0 { 0.5 } else { f64::from(u8::from(gap > 0.0)) };
                }
            }
            let n_pairs = (positives.len() * negatives.len()) as f64;
            let expected = (n_pairs > 0.0).then(|| sum / n_pairs);
            assert!(close(roc_auc(&scores, &positive), expected));
        }
    }

    #[test]
    fn rankings_do_not_change_with_a_monotone_transform_or_the_order_of_rows() {
        for (scores, positive, value) in random_rankings() {
            let measure = |scores: &[f64], positive: &[bool], value: &[f64]| {
                let truth = Truth { positive, value: Some(value) };
                Ranked::new(scores).measure(truth, None, &[0.1, 0.35])
            };
            let found = measure(&scores, &positive, &value);
            let transformed: Vec<f64> = scores.iter().map(|s| (s / 3.0).exp() - 7.0).collect();
            assert_eq!(measure(&transformed, &positive, &value), found);
            let reversed = |values: &[f64]| values.iter().rev().copied().collect::<Vec<_>>();
            let positive: Vec<bool> = positive.iter().rev().copied().collect();
            let again = measure(&reversed(&scores), &positive, &reversed(&value));
            assert!(close(again.roc_auc, found.roc_auc) && close(again.pr_auc, found.pr_auc));
            assert!(close(again.ks, found.ks) && close(again.capture[1], found.capture[1]));
            assert!(close(again.value_capture[0], found.value_capture[0]));
        }
    }

    #[test]
    fn copies_are_repeated_rows() {
        for (scores, positive, value) in random_rankings() {
            let copies: Vec<u32> = (0..scores.len() as u32).map(|row| row % 3).collect();
            let rows: Vec<usize> = (0..scores.len())
                .flat_map(|row| std::iter::repeat_n(row, copies[row] as usize))
                .collect();
            let again = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<_>>();
            let shares = [0.1, 0.25];
            let truth = Truth { positive: &positive, value: Some(&value) };
            let found = Ranked::new(&scores).measure(truth, Some(&copies), &shares);
            let positive: Vec<bool> = rows.iter().map(|&row| positive[row]).collect();
            let value = again(&value);
            let truth = Truth { positive: &positive, value: Some(&value) };
            let repeated = Ranked::new(&again(&scores)).measure(truth, None, &shares);
            assert!(close(found.roc_auc, repeated.roc_auc));
            assert!(close(found.pr_auc, repeated.pr_auc) && close(found.ks, repeated.ks));
            assert!(close(found.capture[0], repeated.capture[0]));
            assert!(close(found.value_capture[1], repeated.value_capture[1]));
        }
    }

    #[test]
    fn a_perfect_ranking_separates_fully() {
        let positive = [true, true, false, false, false];
        let truth = Truth { positive: &positive, value: Some(&[1.0; 5]) };
        let found = Ranked::new(&[5.0, 4.0, 3.0, 2.0, 1.0]).measure(truth, None, &[0.2]);
        assert_eq!((found.roc_auc, found.ks, found.capture[0]), (Some(1.0), Some(1.0), Some(0.5)));
    }

    #[test]
    fn worked_examples_of_scikit_learn() {
        let truth = Truth { positive: &[false, false, true, true], value: None };
        let found = Ranked::new(&[0.1, 0.4, 0.35, 0.8]).measure(truth, None, &[]);
        assert_eq!(found.roc_auc, Some(0.75));
        assert!((found.pr_auc.unwrap() - 0.833_333_333).abs() < 1e-8);
    }

    #[test]
    fn equal_scores_are_worth_a_coin_flip() {
        let truth = Truth { positive: &[true, false, true, false], value: None };
        let found = Ranked::new(&[1.0; 4]).measure(truth, None, &[0.25]);
        assert_eq!((found.roc_auc, found.capture[0]), (Some(0.5), Some(0.25)));
    }

    #[test]
    fn one_class_has_no_separation() {
        for class in [true, false] {
            let truth = Truth { positive: &[class; 2], value: None };
            let found = Ranked::new(&[1.0, 2.0]).measure(truth, None, &[]);
            assert_eq!((found.roc_auc, found.ks), (None, None));
            assert_eq!(found.pr_auc.is_some(), class);
        }
    }

    #[test]
    fn rank_correlation_of_a_worked_example_with_ties() {
        // Ranks 1, 2.5, 2.5, 4 and 2, 1, 3, 4: 3 over the root of 4.5 times 5.
        let correlation = |a: &[f64], b: &[f64]| rank_correlation(&ranks(a), &ranks(b));
        let rho = correlation(&[1.0, 2.0, 2.0, 9.0], &[5.0, 1.0, 6.0, 7.0]).unwrap();
        assert!((rho - 3.0 / 22.5f64.sqrt()).abs() < 1e-12, "{rho}");
        assert_eq!(correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
    }
}
