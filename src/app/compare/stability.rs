use super::snapshots::training_snapshots;
use crate::app::{PipelineError, Session};
use crate::bundle::Bundle;
use crate::models::segmentation::{Partition, Refits, refit_rand_index, refit_rand_index_of_kinds};

/// How well layers or kinds hold when they are fitted anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    /// Which of them.
    pub partition: Partition,
    /// Groups of each refit: as many as the model has.
    pub k: usize,
    /// Refits, each on users resampled with replacement.
    pub n_refits: usize,
    /// Users of the holdout snapshot, whom every refit assigns.
    pub n_users: usize,
    /// Mean adjusted Rand index between the refits.
    pub adjusted_rand_index: f64,
}

/// Fits the bundle's layers, trees and all, or its kinds anew to resampled users and reports how
/// well the refits agree on the users of the holdout snapshot.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, or a refit fails.
pub fn stability(
    session: &Session,
    bundle: &Bundle,
    partition: Partition,
    n_refits: usize,
) -> Result<Stability, PipelineError> {
    session.run("stability", 3, |stages| {
        let snapshots = training_snapshots(session, bundle, stages)?;
        stages.begin(&format!("fitting {n_refits} times"));
        let k = bundle.groups(partition).groups.iter().filter(|it| it.cluster.is_some()).count();
        let (config, seed) = (&bundle.config, bundle.config.seed);
        let (training, holdout) = (snapshots.training(), &snapshots.holdout().features);
        let refits = Refits { k, habits_weight: bundle.layers.trade_off.taken, n: n_refits, seed };
        let adjusted_rand_index = match partition {
            Partition::Layers => {
                let days = config.snapshots.horizon_days.get();
                refit_rand_index(&config.segmentation, training, days, holdout, refits)?
            }
            Partition::Kinds => refit_rand_index_of_kinds(
                &config.kinds,
                &bundle.kinds,
                &training[0],
                holdout,
                refits,
            )?,
        };
        Ok(Stability { partition, k, n_refits, n_users: holdout.n_rows(), adjusted_rand_index })
    })
}
