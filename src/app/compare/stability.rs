use super::snapshots::training_snapshots;
use crate::app::{PipelineError, Session};
use crate::bundle::Bundle;
use crate::models::segmentation::{Refits, refit_rand_index};

/// How well layers hold when they are fitted anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    /// Layers of each refit: as many as the model has.
    pub k: usize,
    /// Refits, each on users resampled with replacement.
    pub n_refits: usize,
    /// Users of the holdout snapshot, whom every refit assigns.
    pub n_users: usize,
    /// Mean adjusted Rand index between the refits.
    pub adjusted_rand_index: f64,
}

/// Fits the bundle's layers anew, trees and all, to resampled users and reports how
/// well the refits agree on the users of the holdout snapshot.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, or a refit fails.
pub fn stability(
    session: &Session,
    bundle: &Bundle,
    n_refits: usize,
) -> Result<Stability, PipelineError> {
    session.run("stability", 3, |stages| {
        let snapshots = training_snapshots(session, bundle, stages)?;
        stages.begin(&format!("fitting {n_refits} times"));
        let k = bundle.layers.groups.len();
        let (params, seed) = (&bundle.config.segmentation, bundle.config.seed);
        let horizon_days = bundle.config.snapshots.horizon_days.get();
        let (training, holdout) = (snapshots.training(), &snapshots.holdout().features);
        let adjusted_rand_index = refit_rand_index(
            params,
            training,
            horizon_days,
            holdout,
            Refits { k, habits_weight: bundle.layers.trade_off.taken, n: n_refits, seed },
        )?;
        Ok(Stability { k, n_refits, n_users: holdout.n_rows(), adjusted_rand_index })
    })
}
