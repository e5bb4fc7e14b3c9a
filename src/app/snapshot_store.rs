//! Snapshots that later verbs of a session may use again.

use std::sync::{Arc, Mutex, MutexGuard};

use chrono::NaiveDateTime;

use crate::dataset::{ChurnLabel, Snapshot};
use crate::features::{FeatureError, FeaturePlan, SnapshotRequest};

/// Snapshots of all users, if they are kept at all.
#[derive(Default)]
pub(super) struct SnapshotStore {
    kept: Option<Mutex<Vec<Kept>>>,
}

/// Snapshots and what they were computed by.
struct Kept {
    plan: FeaturePlan,
    dates: Vec<NaiveDateTime>,
    label: ChurnLabel,
    with_outcomes: bool,
    snapshots: Arc<Vec<Snapshot>>,
}

impl SnapshotStore {
    /// A store that keeps what it gives out.
    pub fn that_keeps() -> Self {
        Self { kept: Some(Mutex::default()) }
    }

    /// The snapshots of a request for all users: those that were kept, which may hold
    /// more than was asked for, or newly computed ones.
    pub fn get_or_compute(
        &self,
        plan: &FeaturePlan,
        request: &SnapshotRequest<'_>,
        compute: impl FnOnce() -> Result<Vec<Snapshot>, FeatureError>,
    ) -> Result<Arc<Vec<Snapshot>>, FeatureError> {
        let Some(kept) = &self.kept else { return Ok(Arc::new(compute()?)) };
        let found = |kept: &Kept| kept.serves(plan, request).then(|| kept.snapshots.clone());
        if let Some(found) = lock(kept).iter().find_map(found) {
            return Ok(found);
        }
        let snapshots = Arc::new(compute()?);
        lock(kept).push(Kept::new(plan, request, &snapshots));
        Ok(snapshots)
    }
}

fn lock(kept: &Mutex<Vec<Kept>>) -> MutexGuard<'_, Vec<Kept>> {
    kept.lock().expect("nothing panics while it holds the lock")
}

impl Kept {
    fn new(
        plan: &FeaturePlan,
        request: &SnapshotRequest<'_>,
        snapshots: &Arc<Vec<Snapshot>>,
    ) -> Self {
        Self {
            plan: plan.clone(),
            dates: request.dates.to_vec(),
            label: request.label.clone(),
            with_outcomes: request.with_outcomes,
            snapshots: Arc::clone(snapshots),
        }
    }

    /// Whether they hold all that is asked for, of the same users and dates.
    fn serves(&self, plan: &FeaturePlan, request: &SnapshotRequest<'_>) -> bool {
        let has_outcomes = self.with_outcomes || !request.with_outcomes;
        let is_labelled = self.label == *request.label;
        self.dates == request.dates && has_outcomes && is_labelled && self.plan == *plan
    }
}
