//! The model of value: measured on the holdout snapshot, then fitted to all that is known.

use chrono::NaiveDateTime;

use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::config::Config;
use crate::dataset::{ChurnLabel, PaidDays, Snapshot};
use crate::features::{FeaturePlan, SnapshotRequest};
use crate::models::segmentation::FittedGroups;
use crate::models::value::{
    NoValue, ValueEvaluation, ValueModel, ValueSelection, evaluate_value, fit_value,
};

/// Fits the chosen model to what was known at the holdout date, and measures it by what came.
/// `None` where there was too little.
pub(super) fn measure_value(
    config: &Config,
    selection: &ValueSelection,
    layers: &FittedGroups,
    holdout: &Snapshot,
) -> Result<Option<ValueEvaluation>, PipelineError> {
    let paid: Vec<PaidDays> = holdout.purchases.iter().map(|it| it.paid).collect();
    let horizon_days = config.snapshots.horizon_days.get();
    let fitted = fit_value(&config.value, horizon_days, selection, &paid, holdout.as_of);
    let Ok(fitted) = fitted else { return Ok(None) };
    let layer_of = layers.assign(&holdout.features)?.groups;
    let layer_means: Vec<f64> =
        layer_of.iter().map(|&layer| layers.groups[layer].profile.gmv_per_user).collect();
    let outcomes = holdout.known_outcomes()?;
    Ok(Some(evaluate_value(&fitted, holdout, outcomes, &layer_means, config.seed)))
}

/// The chosen model fitted to all that is known at the end of training: no outcome is needed
/// for it.
pub(super) fn value_at_the_end(
    data: &OpenData<'_>,
    plan: &FeaturePlan,
    (as_of, label): (NaiveDateTime, &ChurnLabel),
    selection: Result<ValueSelection, NoValue>,
) -> Result<ValueModel, PipelineError> {
    let selection = match selection {
        Ok(selection) => selection,
        Err(reason) => return Ok(ValueModel::Absent(reason)),
    };
    let no_features = FeaturePlan { features: Vec::new(), ..plan.clone() };
    let snapshots = data.compute(&no_features, &SnapshotRequest::new(&[as_of], label))?;
    let paid: Vec<PaidDays> = snapshots[0].purchases.iter().map(|it| it.paid).collect();
    let (params, horizon_days) = (&data.config.value, label.horizon_days);
    Ok(match fit_value(params, horizon_days, &selection, &paid, as_of) {
        Ok(fitted) => ValueModel::Fitted { selection, fitted: Box::new(fitted) },
        Err(reason) => ValueModel::Absent(reason),
    })
}
