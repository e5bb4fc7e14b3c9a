use std::path::PathBuf;

use chrono::NaiveDateTime;

use crate::bundle::{Bundle, TrainingRecord};
use crate::churn::{ChurnEvaluation, Evidence, FittedChurn, evaluate, fit_churn};
use crate::config::Config;
use crate::dataset::{FeatureMatrix, Outcomes, Snapshot};
use crate::engine::MemoryUse;
use crate::features::{
    FeatureError, FeaturePlan, Pruning, SnapshotDates, SnapshotRequest, build_plan,
    compute_snapshots, describe_input, prune,
};
use crate::history::N_BUCKETS;
use crate::rules::{FittedRfm, FittedRules};
use crate::segmentation::fit_layers;

use super::ancestry::Previous;
use super::lineage::{Published, publish};
use super::lineage_file::LineageEntry;
use super::{OpenData, PipelineError, Progress, customers, open_data, resolve_as_of};

/// A trained model and where it was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The model.
    pub bundle: Bundle,
    /// Its folder.
    pub folder: PathBuf,
    /// How its layers came from those of the model before.
    pub lineage: LineageEntry,
    /// The rows set aside, if any.
    pub quarantine: Option<PathBuf>,
    /// What the run took.
    pub memory: MemoryUse,
}

/// Reads the data, fits layers and churn on the training snapshots, measures
/// them on the held-out one and saves the bundle.
///
/// Nothing of the held-out snapshot, neither its features nor its outcomes,
/// is seen by any fit. The layers take ids and names from those of `previous`
/// that are the same groups.
///
/// # Errors
/// Whatever the stages refuse; see [`PipelineError`].
pub fn train(
    config: &Config,
    previous: &Previous,
    progress: &mut dyn Progress,
) -> Result<Trained, PipelineError> {
    previous.check()?;
    let quarantine = config.models.join(&config.name).join("quarantine.csv");
    progress.stage(0, 6, "reading the data");
    let data = open_data(config, None, &quarantine)?;
    let as_of = resolve_as_of(config.as_of, &data.input, &config.features)?;
    let dates = config.snapshots.dates(data.input.first_time, as_of)?;
    progress.stage(1, 6, "choosing features");
    let ChosenFeatures { plan, pruning } = choose_features(config, &data, &dates)?;
    progress.stage(2, 6, "computing features");
    let horizon_days = config.snapshots.horizon_days;
    let snapshots = data.snapshots_with_outcomes(&plan, &dates.training, horizon_days)?;
    progress.stage(3, 6, "fitting layers and churn");
    let layers = fit_layers(&config.segmentation, &snapshots, horizon_days, config.seed)?;
    let rules = FittedRules::fit(&snapshots[0].features, &config.rfm, &config.lifecycle)?;
    let (rows, churned) = pooled_customers(&snapshots)?;
    let churn = fit_churn(&config.churn, &rows, &churned)?;
    progress.stage(4, 6, "measuring on the held-out snapshot");
    let hold_out = std::slice::from_ref(&dates.hold_out);
    let held_out = data.snapshots_with_outcomes(&plan, hold_out, horizon_days)?.remove(0);
    let evaluation = evaluate_churn(&churn, &rules.rfm, &held_out)?;
    let record = TrainingRecord {
        dates,
        input: data.input.clone(),
        n_training_rows: rows.n_rows(),
        churn: evaluation,
    };
    let mut resolved = config.of_model();
    resolved.input.user_ids = Some(data.user_ids);
    let bundle =
        Bundle { config: resolved, plan, pruning, layers, review: None, rules, churn, record };
    progress.stage(5, 6, "matching layers with the model before");
    let Published { bundle, folder, entry } =
        publish(config, &data, bundle, &snapshots[0], previous)?;
    let quarantine = quarantine.is_file().then_some(quarantine);
    Ok(Trained { bundle, folder, lineage: entry, quarantine, memory: data.memory() })
}

/// Users whose features decide what is pruned, about.
const N_PRUNING_USERS: u64 = 50_000;

struct ChosenFeatures {
    plan: FeaturePlan,
    pruning: Pruning,
}

/// The whole catalogue, computed for a sample of users at the training
/// snapshots and pruned by it. Users are in buckets by a hash of their id, so
/// that some buckets are a fair sample.
fn choose_features(
    config: &Config,
    data: &OpenData,
    dates: &SnapshotDates,
) -> Result<ChosenFeatures, PipelineError> {
    let catalogue = catalogue(config, data, dates.training[0])?;
    let share = N_PRUNING_USERS as f64 / data.input.n_users.max(1) as f64;
    let n_buckets = (N_BUCKETS as f64 * share.min(1.0)).ceil() as usize;
    let request = SnapshotRequest {
        dates: &dates.training,
        horizon_days: Some(config.snapshots.horizon_days),
        buckets: 0..n_buckets.clamp(1, N_BUCKETS),
        pace_of: None,
    };
    let snapshots = compute_snapshots(&data.engine, &data.histories, &catalogue, &request)?;
    let pruning = prune(&config.features, &catalogue, &snapshots)?;
    Ok(ChosenFeatures { plan: catalogue.select(&pruning.kept()), pruning })
}

/// All features that the data before a date allows.
pub(super) fn catalogue(
    config: &Config,
    data: &OpenData,
    date: NaiveDateTime,
) -> Result<FeaturePlan, FeatureError> {
    let span_days = (date - data.input.first_time).num_days() as u32;
    config.features.check_events(data.histories.events().values())?;
    build_plan(&config.features, &describe_input(&data.histories, date)?, span_days)
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
