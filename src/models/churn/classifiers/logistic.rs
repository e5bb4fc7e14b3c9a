use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2, ArrayView1};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Classifier, Explain, Explained};
use crate::dataset::FeatureMatrix;
use crate::models::churn::{ChurnError, TrainingRows};
use crate::stats::linear::{LogisticModel, LogisticParams};
use crate::stats::scaling::{Scaling, Transform};

/// A logistic regression on scaled features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedLogistic {
    /// How features are scaled before the coefficients apply.
    pub scaling: Scaling,
    /// Log odds by standard deviation.
    pub model: LogisticModel,
}

impl FittedLogistic {
    pub(in super::super) fn fit(
        rows: &TrainingRows<'_>,
        l2_penalty: f64,
        monotone: &[String],
    ) -> Result<Self, ChurnError> {
        Ok(Self::fit_each(rows, &[l2_penalty], monotone)?.remove(0))
    }

    /// One regression for each penalty, all on the same scaled features.
    pub(in super::super) fn fit_each(
        rows: &TrainingRows<'_>,
        l2_penalties: &[f64],
        monotone: &[String],
    ) -> Result<Vec<Self>, ChurnError> {
        let varying = rows.varying_names()?;
        let scaling = Scaling::fit(rows.matrix, &varying, Transform::Log)?;
        let points = scaling.apply(rows.matrix)?;
        let monotone = varying.iter().enumerate().filter(|(_, name)| monotone.contains(name));
        let non_negative: Vec<usize> = monotone.map(|(column, _)| column).collect();
        let mut dataset = DatasetBase::new(points, Array1::from(rows.churned.to_vec()));
        if let Some(weights) = rows.weights {
            dataset = dataset.with_weights(weights.iter().map(|&weight| weight as f32).collect());
        }
        let fitted = |&l2_penalty: &f64| {
            let non_negative = non_negative.clone();
            let params = LogisticParams { l2_penalty, non_negative, ..LogisticParams::default() };
            Ok(Self { scaling: scaling.clone(), model: params.fit(&dataset)? })
        };
        l2_penalties.par_iter().map(fitted).collect()
    }
}

impl FittedLogistic {
    fn log_odds_of(&self, scaled: &Array2<f64>) -> Vec<f64> {
        let coefficients = ArrayView1::from(&self.model.coefficients);
        (scaled.dot(&coefficients) + self.model.intercept).to_vec()
    }
}

impl Classifier for FittedLogistic {
    fn features(&self) -> Vec<String> {
        self.scaling.names.clone()
    }

    fn log_odds(&self, matrix: &FeatureMatrix) -> Result<Vec<f64>, ChurnError> {
        Ok(self.log_odds_of(&self.scaling.apply(matrix)?))
    }

    fn explainer(&self) -> Box<dyn Explain + '_> {
        Box::new(self)
    }
}

impl Explain for &FittedLogistic {
    /// A coefficient times how far the feature lies from its centre.
    fn explain(&self, matrix: &FeatureMatrix) -> Result<Explained, ChurnError> {
        let scaled = self.scaling.apply(matrix)?;
        let log_odds = self.log_odds_of(&scaled);
        let coefficients = &self.model.coefficients;
        let mut contributions = Array2::zeros(scaled.raw_dim());
        for (mut cells, values) in contributions.rows_mut().into_iter().zip(scaled.rows()) {
            let values = values.into_iter().zip(coefficients);
            cells
                .iter_mut()
                .zip(values)
                .for_each(|(cell, (value, by))| *cell = (value * by) as f32);
        }
        Ok(Explained { log_odds, contributions })
    }
}
