use serde::{Deserialize, Serialize};

use super::{Classifier, Explain, FittedBlend, FittedLogistic, FittedTrees};
use crate::dataset::FeatureMatrix;
use crate::models::churn::{ChurnError, ModelChoice};

/// A fitted classifier, whichever it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FittedClassifier {
    /// Logistic regression.
    Logistic(FittedLogistic),
    /// Boosted trees.
    Trees(FittedTrees),
    /// The mean of both, in log odds.
    Blend(FittedBlend),
}

impl FittedClassifier {
    /// Which one it is.
    pub fn kind(&self) -> ModelChoice {
        match self {
            Self::Logistic(_) => ModelChoice::Logistic,
            Self::Trees(_) => ModelChoice::Trees,
            Self::Blend(_) => ModelChoice::Blend,
        }
    }

    fn inner(&self) -> &dyn Classifier {
        match self {
            Self::Logistic(model) => model,
            Self::Trees(model) => model,
            Self::Blend(model) => model,
        }
    }
}

impl Classifier for FittedClassifier {
    fn features(&self) -> Vec<String> {
        self.inner().features()
    }

    fn log_odds(&self, matrix: &FeatureMatrix) -> Result<Vec<f64>, ChurnError> {
        self.inner().log_odds(matrix)
    }

    fn explainer(&self) -> Box<dyn Explain + '_> {
        self.inner().explainer()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::models::churn::{ChurnParams, TrainingRows, TreeParams};
    use crate::settings::Leaves;

    fn rows(n: usize) -> (FeatureMatrix, Vec<bool>) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
        let values = Array2::from_shape_fn((n, 5), |(_, column)| match column {
            0 => rng.gen_range(0.0..300.0f64).round(),
            4 => 7.0,
            _ => rng.gen_range(-5.0..5.0),
        });
        let names = ["silence", "a", "b", "c", "constant"].map(str::to_owned).to_vec();
        let churned = values.rows().into_iter().map(|row| {
            let odds: f64 = row[0] / 60.0 - 2.0 - row[1] * row[2] / 8.0;
            rng.r#gen::<f64>() < 1.0 / (1.0 + (-odds).exp())
        });
        let churned = churned.collect();
        (FeatureMatrix::new(names, values).unwrap(), churned)
    }

    fn classifiers(max_leaves: usize) -> (FeatureMatrix, Vec<FittedClassifier>) {
        let (matrix, churned) = rows(2_000);
        let rows = TrainingRows { matrix: &matrix, churned: &churned, weights: None };
        let max_leaves = Leaves::of(max_leaves);
        let trees = TreeParams { max_leaves, ..TreeParams::default() };
        let params = ChurnParams { trees, ..ChurnParams::default() };
        let logistic = FittedLogistic::fit(&rows, 1.0, &[]).unwrap();
        let trees = FittedTrees::fit(&rows, &params, 60, 3).unwrap();
        let blend = FittedBlend { logistic: logistic.clone(), trees: trees.clone() };
        let all = vec![
            FittedClassifier::Logistic(logistic),
            FittedClassifier::Trees(trees),
            FittedClassifier::Blend(blend),
        ];
        (matrix, all)
    }

    #[test]
    fn contributions_and_a_constant_sum_to_the_log_odds_of_every_row() {
        for max_leaves in [8, 31] {
            let (matrix, all) = classifiers(max_leaves);
            for classifier in all {
                assert!(!classifier.features().contains(&"constant".to_owned()));
                let log_odds = classifier.log_odds(&matrix).unwrap();
                let explained = classifier.explainer().explain(&matrix).unwrap();
                let contributions = explained.contributions;
                assert_eq!(explained.log_odds, log_odds);
                let constant = |row: usize| {
                    let sum: f64 = contributions.row(row).iter().map(|&it| f64::from(it)).sum();
                    log_odds[row] - sum
                };
                for row in 0..matrix.n_rows() {
                    assert!((constant(row) - constant(0)).abs() < 1e-4, "{:?}", classifier.kind());
                }
            }
        }
    }

    #[test]
    fn a_saved_classifier_predicts_the_same() {
        let (matrix, all) = classifiers(8);
        for classifier in all {
            let json = serde_json::to_string(&classifier).unwrap();
            let loaded: FittedClassifier = serde_json::from_str(&json).unwrap();
            assert_eq!(loaded.log_odds(&matrix).unwrap(), classifier.log_odds(&matrix).unwrap());
        }
    }

    #[test]
    fn trees_never_lower_the_risk_where_they_must_increase() {
        let (matrix, churned) = rows(1_500);
        let rows = TrainingRows { matrix: &matrix, churned: &churned, weights: None };
        let params =
            ChurnParams { monotone_increasing: vec!["silence".into()], ..ChurnParams::default() };
        let trees = FittedTrees::fit(&rows, &params, 60, 3).unwrap();
        let mut ladder = matrix.select_rows(&[0; 300]);
        let silence: Vec<f64> = (0..300).map(f64::from).collect();
        ladder.replace_column("silence", &silence).unwrap();
        let log_odds = trees.log_odds(&ladder).unwrap();
        assert!(log_odds.windows(2).all(|pair| pair[0] <= pair[1] + 1e-6));
        assert!(log_odds[299] > log_odds[0] + 1.0);
    }

    #[test]
    fn constant_features_are_nothing_to_learn_from() {
        let values = Array2::ones((10, 2));
        let matrix = FeatureMatrix::new(vec!["a".into(), "b".into()], values).unwrap();
        let churned: Vec<bool> = (0..10).map(|row| row % 2 == 0).collect();
        let rows = TrainingRows { matrix: &matrix, churned: &churned, weights: None };
        let error = FittedLogistic::fit(&rows, 1.0, &[]).unwrap_err();
        assert!(error.to_string().contains("all 2 features are constant"), "{error}");
    }
}
