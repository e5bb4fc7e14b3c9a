use std::path::Path;

use serde::Serialize;

use crate::app::session::held_out_and_training;
use crate::app::{PipelineError, Progress};
use crate::bundle::Bundle;
use crate::config::Config;
use crate::models::segmentation::refit_agreement;

/// How well layers hold when they are fitted anew.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stability {
    /// Layers of each refit: as many as the model has.
    pub k: usize,
    /// Refits, each on users resampled with replacement.
    pub n_refits: usize,
    /// Users of the held-out snapshot, whom every refit assigns.
    pub n_users: usize,
    /// Mean adjusted Rand index between the refits.
    pub adjusted_rand_index: f64,
}

/// Fits the bundle's layers anew, trees and all, to resampled users and tells how
/// well the refits agree on the users of the held-out snapshot.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, or a refit fails.
pub fn stability(
    bundle: &Bundle,
    config: &Config,
    n_refits: usize,
    quarantine: &Path,
    progress: &mut dyn Progress,
) -> Result<Stability, PipelineError> {
    let (held_out, training) = held_out_and_training(bundle, config, quarantine, progress)?;
    progress.stage(2, 3, &format!("fitting {n_refits} times"));
    let k = bundle.layers.layers.len();
    let (params, seed) = (&bundle.config.segmentation, bundle.config.seed);
    let horizon_days = bundle.config.snapshots.horizon_days;
    let (training, judge) = (&training, &held_out.features);
    Ok(Stability {
        k,
        n_refits,
        n_users: held_out.users.len(),
        adjusted_rand_index: refit_agreement(
            params,
            k,
            training,
            horizon_days,
            judge,
            n_refits,
            seed,
        )?,
    })
}
