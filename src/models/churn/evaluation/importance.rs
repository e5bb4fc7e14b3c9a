use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::FeatureMatrix;
use crate::models::churn::{ChurnError, Classifier, FittedChurn, LabelledUsers};
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
        LabelledUsers { matrix, no_order, churned, .. }: &LabelledUsers,
        seed: u64,
    ) -> Result<Vec<Importance>, ChurnError> {
        let rows: Vec<usize> = every_nth(churned.len(), MAX_USERS).collect();
        let names = self.classifier.features();
        let matrix = matrix.select_rows(&rows);
        let churned: Vec<bool> = rows.iter().map(|&row| churned[row]).collect();
        let no_order: Vec<Option<f64>> = rows.iter().map(|&row| no_order[row]).collect();
        let losses = |matrix: &FeatureMatrix| -> Result<Vec<f64>, ChurnError> {
            let p = self.predict(matrix, &no_order)?;
            Ok(log_losses(&p, &churned))
        };
        let unshuffled = losses(&matrix)?;
        let increase_of = |(column, name): (usize, &String)| -> Result<Vec<f64>, ChurnError> {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ (column as u64) << 32);
            let mut shuffled = matrix.clone();
            let mut increase = vec![0.0; churned.len()];
            for _ in 0..N_SHUFFLES {
                let mut values = matrix.column(name)?.to_vec();
                values.shuffle(&mut rng);
                shuffled.replace_column(name, &values)?;
                let with = losses(&shuffled)?;
                for ((sum, with), without) in increase.iter_mut().zip(with).zip(&unshuffled) {
                    *sum += (with - without) / N_SHUFFLES as f64;
                }
            }
            Ok(increase)
        };
        let increases: Vec<Vec<f64>> =
            names.par_iter().enumerate().map(increase_of).collect::<Result<_, _>>()?;
        let resampled: Vec<Vec<Option<f64>>> =
            bootstrap(churned.len(), N_RESAMPLES, seed, |copies| {
                increases.iter().map(|increase| mean(increase, Some(copies))).collect()
            });
        let importance_of = |(column, feature): (usize, String)| Importance {
            feature,
            log_loss_increase: mean(&increases[column], None).unwrap_or(0.0),
            interval: percentile_interval(resampled.iter().map(|means| means[column])),
        };
        let mut all: Vec<Importance> = names.into_iter().enumerate().map(importance_of).collect();
        all.sort_by(|a, b| {
            b.log_loss_increase.total_cmp(&a.log_loss_increase).then(a.feature.cmp(&b.feature))
        });
        Ok(all)
    }
}
