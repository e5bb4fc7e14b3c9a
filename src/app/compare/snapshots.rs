//! The snapshots that a model was trained and measured on.

use std::sync::Arc;

use crate::app::progress::VerbStages;
use crate::app::{PipelineError, Session};
use crate::bundle::Bundle;
use crate::dataset::Snapshot;
use crate::features::SnapshotRequest;

/// Snapshots with what followed each.
pub(super) struct TrainingSnapshots {
    training: Arc<Vec<Snapshot>>,
    holdout: Arc<Vec<Snapshot>>,
}

impl TrainingSnapshots {
    /// The latest first.
    pub fn training(&self) -> &[Snapshot] {
        &self.training
    }

    /// That of the holdout period.
    pub fn holdout(&self) -> &Snapshot {
        &self.holdout[0]
    }
}

/// Computes them; two stages of the verb.
pub(super) fn training_snapshots(
    session: &Session,
    bundle: &Bundle,
    stages: &mut VerbStages<'_>,
) -> Result<TrainingSnapshots, PipelineError> {
    let data = session.read(Some(&bundle.plan), stages)?;
    stages.begin("computing features");
    let dates = &bundle.record.dates;
    let label = &bundle.churn.settings.label;
    let of_dates =
        |dates| data.snapshots(&bundle.plan, &SnapshotRequest::new(dates, label).with_outcomes());
    let training = of_dates(&dates.training)?;
    Ok(TrainingSnapshots { training, holdout: of_dates(std::slice::from_ref(&dates.holdout))? })
}
