//! Raw data to bundle.

mod ancestry;
mod churn_evaluation;
mod lineage;
mod movement;
mod season;
mod tracking;
mod value;

pub use ancestry::Previous;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDateTime;

use crate::bundle::{Bundle, LineageEntry, TrainingRecord};
use crate::config::Config;
use crate::dataset::{ChurnLabel, FeatureMatrix, Snapshot};
use crate::features::{FeaturePlan, Pruning, SnapshotDates, SnapshotRequest, prune};
use crate::input::engine::MemoryUse;
use crate::models::churn::{AtStake, Beside, FlagRule, fit_churn, fit_season};
use crate::models::rules::{FittedRules, RuleError, RuleGrouping};
use crate::models::segmentation::{
    FittedTiers, features_of_habits, features_of_names, fit_kinds, fit_layers,
};
use crate::models::value::{Mixed, ValueError};

use self::churn_evaluation::{Measured, evaluate_churn};
use self::lineage::{Published, publish};
use self::season::YearBefore;
use self::tracking::track;
use self::value::{ValueAtDates, covariates, measure_value};
use super::open_data::OpenData;
use super::progress::VerbStages;
use super::score::{reference, score_contract};
use super::{PipelineError, Session};

/// A trained model and where it was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The model.
    pub bundle: Bundle,
    /// Its folder.
    pub folder: PathBuf,
    /// How its layers came from those of the model before.
    pub lineage: LineageEntry,
    /// The list of rejected rows, if there are any.
    pub quarantine: Option<PathBuf>,
    /// What the run took.
    pub memory: MemoryUse,
}

/// Reads the data, fits layers and churn on the training snapshots, measures
/// them on the holdout one and saves the bundle.
///
/// Nothing of the holdout snapshot, neither its features nor its outcomes,
/// is seen by any fit. The layers take ids and names from those of `previous`
/// that are the same groups.
///
/// # Errors
/// Whatever the stages refuse; see [`PipelineError`].
pub fn train(session: &Session, previous: &Previous) -> Result<Trained, PipelineError> {
    previous.check()?;
    session.run("train", 10, |stages| {
        let data = session.read(None, stages)?;
        fit_and_publish(&data, previous, stages)
    })
}

fn fit_and_publish(
    data: &OpenData<'_>,
    previous: &Previous,
    stages: &mut VerbStages<'_>,
) -> Result<Trained, PipelineError> {
    let config = data.config;
    let Fitted { mut bundle, training, .. } = fit(data, data.as_of()?, stages)?;
    stages.begin("noting what users are like");
    bundle.reference = reference(data, &bundle)?;
    stages.begin("matching layers with the model before");
    let Published { bundle, folder, entry } = publish(data, bundle, &training[0], previous)?;
    let list = config.models.join(&config.name).join("quarantine.csv");
    let quarantine = data.list_rejected_rows(&list)?;
    Ok(Trained { bundle, folder, lineage: entry, quarantine, memory: data.memory() })
}

/// A model that is not saved, with the snapshots that it was fitted to and measured on.
pub(super) struct Fitted {
    pub bundle: Bundle,
    /// The latest first.
    pub training: Arc<Vec<Snapshot>>,
    pub holdout: Snapshot,
}

/// Fits the config of the data to what was known on a day; seven stages of the verb.
pub(super) fn fit(
    data: &OpenData<'_>,
    as_of: NaiveDateTime,
    stages: &mut VerbStages<'_>,
) -> Result<Fitted, PipelineError> {
    let config = data.config;
    let dates = config.snapshots.dates(data.input.first_time, as_of)?;
    stages.begin("fitting value and choosing features");
    let horizon_days = config.snapshots.horizon_days.get();
    let label = config.churn.label(horizon_days, &config.events.order, &config.silence);
    let catalogue = data.catalogue(dates.training[0])?;
    let covariates = covariates(data, &catalogue)?;
    let year_before = YearBefore::of(data, &covariates, &dates, &label)?;
    let mut value = ValueAtDates::fit(data, &covariates, &dates, &label, &year_before)?;
    let ChosenFeatures { plan, pruning, of_names } =
        choose_features(data, &catalogue, &dates, &label)?;
    check_room(data, &plan, &dates)?;
    stages.begin("computing features");
    let compute = |dates: &[NaiveDateTime]| {
        data.snapshots(&plan, &SnapshotRequest::new(dates, &label).with_outcomes())
    };
    let training = compute(&dates.training)?;
    stages.begin("fitting layers");
    let named_by = data.compute(&of_names, &SnapshotRequest::new(&dates.training[..1], &label))?;
    let layers = fit_layers(
        &config.segmentation,
        &training,
        &named_by[0],
        horizon_days,
        &|fitted_to, users| rfm_cells(config, fitted_to, users).ok(),
        config.seed,
    )?;
    stages.begin("fitting kinds");
    let kinds = fit_kinds(&config.kinds, &training[0], &named_by[0], config.seed)?;
    let n_kinds = kinds.groups.len();
    let tiers = FittedTiers::fit(&layers, &training[0], n_kinds, config.seed)?;
    let rules = fit_rules(config, &training[0].features)?;
    stages.begin("fitting churn");
    let season = fit_season(&training, &year_before.snapshots, year_before.step_days)?;
    let no_order = value.no_order(&training)?;
    let beside = Beside { no_order: &no_order, season };
    let churn = fit_churn(&config.churn, &label, &config.silence, &training, beside, config.seed)?;
    stages.begin("learning value");
    value.learn(&training, horizon_days, config.seed)?;
    stages.begin("measuring on the holdout snapshot");
    let holdout = compute(std::slice::from_ref(&dates.holdout))?[0].clone();
    let history_days = (dates.holdout - data.input.first_time).num_days();
    let of_holdout = value.mixed_at(dates.holdout);
    let clv = clv_at(&of_holdout, &holdout)?;
    check_flag(&config.churn.flag, &clv)?;
    let measured = Measured {
        clv,
        churn: &churn,
        rules: &rules,
        layers: &layers,
        value: value.at(dates.holdout),
        history_days,
    };
    let evaluation = evaluate_churn(config, &measured, &holdout)?;
    let of_value = match of_holdout {
        Some(model) => {
            let tracking = track(data, (&covariates, &label), &dates, model.fitted)?;
            Some(measure_value(model, &layers, &holdout, tracking, config.seed)?)
        }
        None => None,
    };
    let (value, value_trees) = value.at_the_end(&dates);
    let n_training_rows = churn.settings.snapshot_rates.iter().map(|it| it.n_users).sum();
    let record = TrainingRecord {
        dates,
        input: data.input.clone(),
        n_training_rows,
        churn: evaluation,
        value: of_value,
    };
    let mut resolved = config.of_model();
    resolved.input.user_ids = Some(data.user_ids);
    let contract = score_contract();
    let bundle = Bundle {
        config: resolved,
        plan,
        pruning,
        layers,
        kinds,
        tiers,
        rules,
        churn,
        value,
        value_trees,
        contract,
        reference: Default::default(),
        record,
    };
    Ok(Fitted { bundle, training, holdout })
}

/// The lifetime value of each user, where it is known.
fn clv_at(
    model: &Option<Mixed<'_>>,
    snapshot: &Snapshot,
) -> Result<Vec<Option<f64>>, PipelineError> {
    let Some(model) = model else { return Ok(vec![None; snapshot.users.len()]) };
    let values = model.valuer(snapshot.as_of).values(snapshot)?;
    Ok(values.iter().map(|it| Some(it.as_ref()?.amounts?.clv)).collect())
}

/// Checks that users have a lifetime value where they are to be flagged by it.
fn check_flag(rule: &FlagRule, clv: &[Option<f64>]) -> Result<(), ValueError> {
    let is_by_clv = matches!(rule, FlagRule::Profit(costs) if costs.by == AtStake::Clv);
    match is_by_clv && clv.iter().all(Option::is_none) {
        true => Err(ValueError::NoValueToFlagBy),
        false => Ok(()),
    }
}

/// Bytes of training at its height for each value of its matrices: rows × features of all
/// training snapshots and the holdout. The values themselves take eight; what is made of them
/// (transformed for models, in bins for trees) and, for a while, in order again, takes the rest.
const BYTES_OF_A_VALUE: u64 = 24;

/// Checks that the matrices have room in the memory limit, if there is one: events have as
/// much again.
fn check_room(
    data: &OpenData<'_>,
    plan: &FeaturePlan,
    dates: &SnapshotDates,
) -> Result<(), PipelineError> {
    let Some(limit_mb) = data.config.engine.memory_limit_mb else { return Ok(()) };
    let (limit_mb, n_features) = (limit_mb.get() as u64, plan.features.len() as u64);
    let n_rows = data.input.n_users * (dates.training.len() as u64 + 1);
    let needed_mb = (n_rows * n_features * BYTES_OF_A_VALUE).div_ceil(1 << 20);
    match needed_mb <= limit_mb {
        true => Ok(()),
        false => Err(PipelineError::TrainingMemory {
            n_rows,
            n_features,
            needed_mb,
            limit_mb,
            n_parts: needed_mb.div_ceil(limit_mb),
        }),
    }
}

fn fit_rules(config: &Config, matrix: &FeatureMatrix) -> Result<FittedRules, PipelineError> {
    let bounds = config.lifecycle.bounds(config.silence.reach_days).map_err(RuleError::from)?;
    Ok(FittedRules::fit(matrix, &config.rfm, bounds)?)
}

/// The cells of RFM that layers must stay above.
fn rfm_cells(
    config: &Config,
    fitted_to: &FeatureMatrix,
    users: &FeatureMatrix,
) -> Result<Vec<usize>, PipelineError> {
    let rules = fit_rules(config, fitted_to)?;
    Ok(rules.groups(RuleGrouping::RfmCells, users)?.group_of)
}

/// Users whose features decide what is pruned, about.
const N_PRUNING_USERS: u32 = 50_000;

struct ChosenFeatures {
    plan: FeaturePlan,
    pruning: Pruning,
    /// What names of layers are made of, pruned or not.
    of_names: FeaturePlan,
}

/// The whole catalogue, computed for a sample of users at the training snapshots and pruned
/// by it.
fn choose_features(
    data: &OpenData<'_>,
    catalogue: &FeaturePlan,
    dates: &SnapshotDates,
    label: &ChurnLabel,
) -> Result<ChosenFeatures, PipelineError> {
    let config = data.config;
    let request = SnapshotRequest::new(&dates.training, label)
        .with_outcomes()
        .of_buckets(data.buckets_of(N_PRUNING_USERS));
    let snapshots = data.compute(catalogue, &request)?;
    let pruning = prune(&config.features, catalogue, &snapshots)?;
    let of_names = catalogue.select(&features_of_names(&catalogue.infos()));
    let mut not_for_models = features_of_habits(&catalogue.infos());
    not_for_models.extend(config.value.covariates.iter().cloned());
    let plan = catalogue.for_models_and_habits(&pruning.kept(), &not_for_models);
    Ok(ChosenFeatures { plan, pruning, of_names })
}
