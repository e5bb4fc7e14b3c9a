//! The level of churn a year before, of users as they were then.

use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};

use super::ChurnError;
use crate::dataset::{PurchaseSummary, Snapshot};
use crate::stats::calibration::intercept_shift;
use crate::stats::linear::LogisticParams;
use crate::stats::season::SeasonCurve;

/// Fits how the churn rate of a year before tells that of a date. Rates differ by who the
/// users are as well: what is compared is by how much they are above what is usual of users
/// with as many days, as long ago, in the `training` snapshots. `earlier` come in order, so
/// many days apart. `None` where the year before tells nothing.
///
/// # Errors
/// When a snapshot has no outcomes, or the fit finds no minimum.
pub fn fit_season(
    training: &[Snapshot],
    earlier: &[Snapshot],
    step_days: u32,
) -> Result<Option<SeasonCurve>, ChurnError> {
    let Some(first) = earlier.first() else { return Ok(None) };
    let eligible = |snapshot: &Snapshot| -> Result<_, ChurnError> {
        let (rows, churned) = snapshot.known_outcomes()?.eligible();
        let of = |&row: &usize| traits(&snapshot.purchases[row].kept_by);
        Ok((rows.iter().map(of).collect::<Vec<_>>(), churned))
    };
    let (mut points, mut churned) = (Vec::new(), Vec::new());
    for snapshot in training {
        let (traits, labels) = eligible(snapshot)?;
        points.extend(traits);
        churned.extend(labels);
    }
    if churned.iter().all(|&it| it) || !churned.contains(&true) {
        return Ok(None);
    }
    let points = Array2::from(points);
    let dataset = DatasetBase::new(points, Array1::from(churned));
    let usual = LogisticParams { l2_penalty: 1.0, ..LogisticParams::default() }.fit(&dataset)?;
    let level = |snapshot: &Snapshot| -> Result<f64, ChurnError> {
        let (traits, churned) = eligible(snapshot)?;
        let log_odds = |of: &[f64; N_TRAITS]| {
            usual.intercept + of.iter().zip(&usual.coefficients).map(|(x, w)| x * w).sum::<f64>()
        };
        let log_odds: Vec<f64> = traits.iter().map(log_odds).collect();
        let n_churned = churned.iter().filter(|&&it| it).count();
        // No log odds have a mean probability of 0 or 1.
        let rate = (n_churned as f64 + 0.5) / (churned.len() as f64 + 1.0);
        Ok(if log_odds.is_empty() { 0.0 } else { intercept_shift(&log_odds, rate) })
    };
    let levels = earlier.iter().map(level).collect::<Result<_, _>>()?;
    let of_date = |snapshot: &Snapshot| Ok::<_, ChurnError>((snapshot.as_of, level(snapshot)?));
    let dates = training.iter().map(of_date).collect::<Result<Vec<_>, _>>()?;
    Ok(SeasonCurve::fit(first.as_of, step_days, levels, &dates))
}

const N_TRAITS: usize = 4;

/// How long ago the last and the first time were and on how many days it happened, in logs.
fn traits(kept_by: &PurchaseSummary) -> [f64; N_TRAITS] {
    let (last, first) = (kept_by.last_days_ago.ln_1p(), kept_by.first_days_ago.ln_1p());
    let n_days = f64::from(kept_by.n_days.max(1)).ln();
    [last, n_days, first, last * n_days]
}
