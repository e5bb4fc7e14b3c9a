use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::FeatureMatrix;
use crate::models::churn::{ChurnError, Classifier, FittedChurn};
use crate::stats::metrics::{log_losses, mean};
use crate::stats::resample::{Interval, bootstrap, every_nth, percentile_interval};

/// Users of the holdout snapshot that importance is measured on at most.
const MAX_USERS: usize = 4_000;

/// Times that each feature is shuffled.
const N_SHUFFLES: usize = 3;

const N_RESAMPLES: usize = 200;

/// How much the model relies on a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importance {
    /// The feature.
    pub feature: String,
    /// What log loss rises by, in nats, when the feature's values are shuffled
    /// among users.
    pub log_loss_increase: f64,
    /// 95 % bootstrap interval over users.
    pub interval: Option<Interval>,
}

impl FittedChurn {
    /// Importance of every feature on users whose outcome is known, the most
    /// important first.
    ///
    /// Source: Breiman (2001), "Random forests", §10; Fisher, Rudin & Dominici
    /// (2019), "All models are wrong, but many are useful".
    ///
    /// # Errors
    /// When the matrix lacks a feature.
    pub fn importance(
        &self,
        matrix: &FeatureMatrix,
        churned: &[bool],
        seed: u64,
    ) -> Result<Vec<Importance>, ChurnError> {
        let rows: Vec<usize> = every_nth(churned.len(), MAX_USERS).collect();
        let names = self.classifier.features();
        let matrix = matrix.select_rows(&rows).select(&names)?;
        let churned: Vec<bool> = rows.iter().map(|&row| churned[row]).collect();
        let losses = |matrix: &FeatureMatrix| -> Result<Vec<f64>, ChurnError> {
            let p = self.probabilities(&self.classifier.log_odds(matrix)?);
            Ok(log_losses(&p, &churned))
        };
        let unshuffled = losses(&matrix)?;
        let of_feature = |column: usize| -> Result<Importance, ChurnError> {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ (column as u64) << 32);
            let mut increase = vec![0.0; churned.len()];
            for _ in 0..N_SHUFFLES {
                let shuffled = losses(&shuffle(&matrix, column, &mut rng)?)?;
                for ((sum, with), without) in increase.iter_mut().zip(&shuffled).zip(&unshuffled) {
                    *sum += (with - without) / N_SHUFFLES as f64;
                }
            }
            let resampled = bootstrap(increase.len(), N_RESAMPLES, seed, |copies| {
                mean(&increase, Some(copies))
            });
            Ok(Importance {
                feature: names[column].clone(),
                log_loss_increase: mean(&increase, None).unwrap_or(0.0),
                interval: percentile_interval(resampled.into_iter()),
            })
        };
        let mut all =
            (0..names.len()).into_par_iter().map(of_feature).collect::<Result<Vec<_>, _>>()?;
        all.sort_by(|a, b| {
            b.log_loss_increase.total_cmp(&a.log_loss_increase).then(a.feature.cmp(&b.feature))
        });
        Ok(all)
    }
}

fn shuffle(
    matrix: &FeatureMatrix,
    column: usize,
    rng: &mut Xoshiro256PlusPlus,
) -> Result<FeatureMatrix, ChurnError> {
    let mut values = matrix.values().to_owned();
    let mut shuffled = values.column(column).to_vec();
    shuffled.shuffle(rng);
    values.column_mut(column).iter_mut().zip(shuffled).for_each(|(cell, value)| *cell = value);
    Ok(matrix.with_values(values)?)
}
