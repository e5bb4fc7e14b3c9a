use std::cmp::Ordering;

/// A run of equal scores: how many rows, and how much of the target they hold.
struct Tie {
    n_rows: f64,
    target: f64,
}

/// Groups rows of equal score, highest score first.
fn ties_descending(scores: &[f64], target: &[f64]) -> Vec<Tie> {
    assert_eq!(scores.len(), target.len(), "one score for each target");
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut ties: Vec<Tie> = Vec::new();
    let mut previous = f64::NAN;
    for row in order {
        if scores[row].partial_cmp(&previous) == Some(Ordering::Equal) {
            let tie = ties.last_mut().expect("an equal score follows its tie");
            tie.n_rows += 1.0;
            tie.target += target[row];
        } else {
            ties.push(Tie { n_rows: 1.0, target: target[row] });
            previous = scores[row];
        }
    }
    ties
}

fn as_target(positive: &[bool]) -> Vec<f64> {
    positive.iter().map(|&is_positive| f64::from(u8::from(is_positive))).collect()
}

/// Area under the ROC curve: the chance that a random positive scores above a
/// random negative, ties counting one half. `None` when a class is absent.
///
/// Source: Fawcett (2006), "An introduction to ROC analysis", algorithm 3.
///
/// # Panics
/// When the two slices differ in length.
pub fn roc_auc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let n_positive = positive.iter().filter(|&&is_positive| is_positive).count() as f64;
    let n_negative = positive.len() as f64 - n_positive;
    if n_positive == 0.0 || n_negative == 0.0 {
        return None;
    }
    let mut positives_above = 0.0;
    let mut area = 0.0;
    for tie in ties_descending(scores, &as_target(positive)) {
        let negatives = tie.n_rows - tie.target;
        area += negatives * (positives_above + tie.target / 2.0);
        positives_above += tie.target;
    }
    Some(area / (n_positive * n_negative))
}

/// Ranks from 1, equal values sharing their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut n_before = 0;
    for tie in order.chunk_by(|&a, &b| values[a].partial_cmp(&values[b]) == Some(Ordering::Equal)) {
        let mean = n_before as f64 + (tie.len() + 1) as f64 / 2.0;
        tie.iter().for_each(|&row| ranks[row] = mean);
        n_before += tie.len();
    }
    ranks
}

/// Spearman's rank correlation, ties with their mean rank. `None` when either
/// side is constant.
///
/// Source: Spearman (1904), "The proof and measurement of association between
/// two things".
///
/// # Panics
/// When the two slices differ in length.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "pairs of values");
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(&b) {
        let (x, y) = (x - mean, y - mean);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    (aa > 0.0 && bb > 0.0).then(|| ab / (aa * bb).sqrt())
}

/// Average precision: precision at each distinct score, weighted by the recall
/// gained there (no interpolation). `None` when there is no positive.
///
/// Source: Davis & Goadrich (2006); as scikit-learn's `average_precision_score`.
///
/// # Panics
/// When the two slices differ in length.
pub fn pr_auc(scores: &[f64], positive: &[bool]) -> Option<f64> {
    let n_positive = positive.iter().filter(|&&is_positive| is_positive).count() as f64;
    if n_positive == 0.0 {
        return None;
    }
    let (mut rows_above, mut positives_above, mut area) = (0.0, 0.0, 0.0);
    for tie in ties_descending(scores, &as_target(positive)) {
        rows_above += tie.n_rows;
        positives_above += tie.target;
        area += tie.target / n_positive * (positives_above / rows_above);
    }
    Some(area)
}

/// Share of the whole `target` held by the top `share` of rows by score. A tie
/// that straddles the cut counts in proportion. `None` when the target sums to
/// zero or there are no rows.
///
/// # Panics
/// When the two slices differ in length.
pub fn capture_at(scores: &[f64], target: &[f64], share: f64) -> Option<f64> {
    let total: f64 = target.iter().sum();
    if total == 0.0 || scores.is_empty() {
        return None;
    }
    let mut room = scores.len() as f64 * share;
    let mut caught = 0.0;
    for tie in ties_descending(scores, target) {
        let taken = tie.n_rows.min(room);
        caught += tie.target * taken / tie.n_rows;
        room -= taken;
        if room <= 0.0 {
            break;
        }
    }
    Some(caught / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_correlation_of_a_worked_example_with_ties() {
        // Ranks 1, 2.5, 2.5, 4 and 2, 1, 3, 4: 3 over the root of 4.5 times 5.
        let rho = rank_correlation(&[1.0, 2.0, 2.0, 9.0], &[5.0, 1.0, 6.0, 7.0]).unwrap();
        assert!((rho - 3.0 / 22.5f64.sqrt()).abs() < 1e-12, "{rho}");
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn roc_auc_of_a_worked_example() {
        // scikit-learn's documented example: 0.75.
        let auc = roc_auc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]);
        assert_eq!(auc, Some(0.75));
    }

    #[test]
    fn equal_scores_are_worth_a_coin_flip() {
        assert_eq!(roc_auc(&[1.0; 4], &[true, false, true, false]), Some(0.5));
        assert_eq!(capture_at(&[1.0; 4], &[8.0, 0.0, 0.0, 0.0], 0.25), Some(0.25));
    }

    #[test]
    fn one_class_has_no_auc() {
        assert_eq!(roc_auc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(pr_auc(&[0.1, 0.2], &[false, false]), None);
    }

    #[test]
    fn average_precision_of_a_worked_example() {
        // scikit-learn's documented example: 0.83.
        let area = pr_auc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]).unwrap();
        assert!((area - 0.833_333_333).abs() < 1e-8);
    }
}
