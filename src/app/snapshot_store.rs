//! Snapshots that later verbs of a session may use again.

use std::sync::{Arc, Mutex, MutexGuard};

use chrono::NaiveDateTime;

use crate::dataset::Snapshot;
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
    horizon_days: Option<u32>,
    pace_of: Option<String>,
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
            horizon_days: request.horizon_days,
            pace_of: request.pace_of.map(str::to_owned),
            snapshots: Arc::clone(snapshots),
        }
    }

    /// Whether they hold all that is asked for, of the same users and dates.
    fn serves(&self, plan: &FeaturePlan, request: &SnapshotRequest<'_>) -> bool {
        let has_outcomes =
            request.horizon_days.is_none() || self.horizon_days == request.horizon_days;
        let has_paces = request.pace_of.is_none() || self.pace_of.as_deref() == request.pace_of;
        self.dates == request.dates && has_outcomes && has_paces && self.plan == *plan
    }
}
