//! Tonight's users beside those of training, and what was noticed the night before.

use chrono::NaiveDateTime;
use serde::Deserialize;

use super::publish::{ScoreRequest, nights_before, read_summary};
use super::receipt::RunKey;
use super::reference::AT_RISK;
use crate::watch::{ColumnDrift, Reference};

/// The part of a summary that says what was noticed.
#[derive(Deserialize)]
struct WithDrift {
    key: RunKey,
    drift: Vec<ColumnDrift>,
}

/// Compares tonight's users with those of training. `counts` are those of all parts.
pub(super) fn drift(
    reference: &Reference,
    request: &ScoreRequest<'_>,
    (as_of, key): (NaiveDateTime, &RunKey),
    mut counts: Vec<Vec<u64>>,
    (n_at_risk, n_users): (u64, u64),
) -> Vec<ColumnDrift> {
    for (column, counts) in reference.columns.iter().zip(&mut counts) {
        if column.column == AT_RISK {
            *counts = vec![n_at_risk, n_users - n_at_risk];
        }
    }
    let nights = nights_before(request.out, as_of.date());
    // The latest that was published: one that was killed left a folder without a summary.
    let before = nights.iter().find_map(|folder| read_summary::<WithDrift>(folder));
    let before = before.filter(|night| night.key.bundle == key.bundle);
    let noticed_before = |column: &str| {
        let columns = before.iter().flat_map(|night| &night.drift);
        columns.into_iter().any(|it| it.column == column && it.is_noticed)
    };
    reference.compare(&counts, noticed_before)
}
