use std::path::PathBuf;

use crate::bundle::{Bundle, TrainingRecord};
use crate::churn::{ChurnEvaluation, Evidence, FittedChurn, evaluate, fit_churn};
use crate::config::Config;
use crate::dataset::{FeatureMatrix, Outcomes, Snapshot};
use crate::features::{build_plan, describe_input};
use crate::segmentation::{FittedRfm, fit_layers};

use super::{
    PipelineError, Progress, customers, open_events, resolve_as_of, snapshot_with_outcomes,
};

/// A trained model and where it was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The model.
    pub bundle: Bundle,
    /// Its folder.
    pub folder: PathBuf,
    /// The rows set aside, if any.
    pub quarantine: Option<PathBuf>,
}

/// Reads the data, fits layers and churn on the training snapshots, measures
/// them on the held-out one and saves the bundle.
///
/// Nothing of the held-out snapshot, neither its features nor its outcomes,
/// is seen by any fit.
///
/// # Errors
/// Whatever the stages refuse; see [`PipelineError`].
pub fn train(config: &Config, progress: &mut dyn Progress) -> Result<Trained, PipelineError> {
    let quarantine = config.models.join(&config.name).join("quarantine.csv");
    progress.stage(0, 0, "reading the data");
    let (engine, events) = open_events(config, &quarantine)?;
    let (input, user_ids) = (events.profile, events.user_ids);
    let as_of = resolve_as_of(config.as_of, &input, &config.features)?;
    let dates = config.snapshots.dates(input.first_time, as_of)?;
    let n_stages = dates.training.len() + 3;
    let latest = dates.training[0];
    let span_days = (latest - input.first_time).num_days() as u32;
    let plan = build_plan(&config.features, &describe_input(&engine, latest)?, span_days)?;
    let mut snapshots = Vec::new();
    for date in &dates.training {
        let what = format!("features as of {}", date.date());
        progress.stage(snapshots.len() + 1, n_stages, &what);
        let horizon_days = config.snapshots.horizon_days;
        snapshots.push(snapshot_with_outcomes(&engine, &plan, *date, horizon_days)?);
    }
    progress.stage(snapshots.len() + 1, n_stages, "fitting layers and churn");
    let latest = &snapshots[0];
    let outcomes = latest.outcomes.clone().unwrap_or_default();
    let layers = fit_layers(&config.segmentation, &latest.features, &outcomes, config.seed)?;
    let rfm = FittedRfm::fit(&latest.features)?;
    let (rows, churned) = pooled_customers(&snapshots)?;
    let churn = fit_churn(&config.churn, &rows, &churned)?;
    progress.stage(n_stages - 1, n_stages, "measuring on the held-out snapshot");
    let horizon_days = config.snapshots.horizon_days;
    let held_out = snapshot_with_outcomes(&engine, &plan, dates.hold_out, horizon_days)?;
    let evaluation = evaluate_churn(&churn, &rfm, &held_out)?;
    let record = TrainingRecord { dates, input, n_training_rows: rows.n_rows(), churn: evaluation };
    let mut resolved = config.of_model();
    resolved.input.user_ids = Some(user_ids);
    let bundle = Bundle { config: resolved, plan, layers, rfm, churn, record };
    let folder = bundle.save(&config.models)?;
    let quarantine = quarantine.is_file().then_some(quarantine);
    Ok(Trained { bundle, folder, quarantine })
}

/// Customers of all training snapshots on top of each other, and who churned.
fn pooled_customers(snapshots: &[Snapshot]) -> Result<(FeatureMatrix, Vec<bool>), PipelineError> {
    let parts = snapshots.iter().map(customers).collect::<Result<Vec<_>, _>>()?;
    let rows = FeatureMatrix::pool(&parts.iter().map(|part| &part.features).collect::<Vec<_>>())?;
    let churned = parts
        .iter()
        .flat_map(|part| part.outcomes.as_ref().map_or(Vec::new(), Outcomes::churned))
        .collect();
    Ok((rows, churned))
}

fn evaluate_churn(
    churn: &FittedChurn,
    rfm: &FittedRfm,
    held_out: &Snapshot,
) -> Result<ChurnEvaluation, PipelineError> {
    let held_out = customers(held_out)?;
    let matrix = &held_out.features;
    let churned = held_out.outcomes.as_ref().map_or(Vec::new(), Outcomes::churned);
    let probabilities = churn.predict(matrix)?;
    let silence = matrix.column("days_since_last_order")?.to_vec();
    let few_orders = matrix.column("n_orders")?.mapv(|n| -n).to_vec();
    let low_rfm: Vec<f64> = rfm
        .scores(matrix)?
        .into_iter()
        .map(|scores| scores.map_or(0.0, |scores| -f64::from(scores.sum())))
        .collect();
    Ok(evaluate(
        &churned,
        &[
            ("churn model", Evidence::Probability(&probabilities)),
            ("days since last order", Evidence::Score(&silence)),
            ("order count", Evidence::Score(&few_orders)),
            ("RFM score", Evidence::Score(&low_rfm)),
        ],
    ))
}
