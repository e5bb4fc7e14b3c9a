//! Feature matrices as Parquet files, for notebooks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{Days, NaiveDate, NaiveDateTime};

use crate::app::session::{OpenData, catalogue, open_data, resolve_as_of};
use crate::app::{PipelineError, Progress};
use crate::config::Config;
use crate::features::{ColumnGroup, ColumnGroups, FeatureError, FeaturePlan, SnapshotRequest};
use crate::files::{WriteError, stage_parquet, user_id_array};
use crate::input::engine::MemoryUse;
use crate::input::source::{InputProfile, UserIdType, is_read_by};
use crate::models::churn::ChurnLabel;

/// Which matrix to write.
#[derive(Debug, Clone)]
pub struct MatrixRequest<'a> {
    /// Sources, engine, horizon, churn rule.
    pub config: &'a Config,
    /// The plan of a trained model; without one, all features that the data
    /// allows.
    pub plan: Option<&'a FeaturePlan>,
    /// Day to compute as of; by default the day after the last event.
    pub as_of: Option<NaiveDate>,
    /// Whether to add what users did in the horizon that follows.
    pub labels: bool,
    /// The file.
    pub out: &'a Path,
}

/// A matrix file.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenMatrix {
    /// As of.
    pub as_of: NaiveDateTime,
    /// Rows.
    pub n_users: usize,
    /// Columns, without user and labels.
    pub n_features: usize,
    /// What was read.
    pub input: InputProfile,
    /// Where rows that were set aside are listed, if there are any.
    pub quarantine: Option<PathBuf>,
    /// What whoever reads the matrix should know.
    pub warnings: Vec<String>,
    /// What the run took.
    pub memory: MemoryUse,
}

/// Writes a feature matrix as Parquet: `user_id`, one column a feature, and if
/// asked for the labels `outcome_n_orders`, `outcome_gmv` and
/// `outcome_churned`, by the churn rule; null for who is not judged.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, labels are asked for
/// that the data does not reach, or the file cannot be written.
pub fn write_matrix(
    request: &MatrixRequest<'_>,
    progress: &mut dyn Progress,
) -> Result<WrittenMatrix, PipelineError> {
    check_place(request)?;
    progress.stage(0, 2, "reading the data");
    let quarantine = quarantine_of(request.out);
    let data = open_data(request.config, request.plan, &quarantine)?;
    let as_of = resolve_as_of(request.as_of, &data.input, &request.config.features)?;
    progress.stage(1, 2, "computing features");
    let found;
    let mut warnings = Vec::new();
    let plan = match request.plan {
        Some(plan) => {
            let max_stale_days = request.config.features.max_stale_days;
            warnings = data.check_plan(plan, &request.config.sources, as_of, max_stale_days)?;
            plan
        }
        None => {
            found = catalogue(request.config, &data, as_of)?;
            &found
        }
    };
    let horizon_days = request.config.snapshots.horizon_days;
    let label = ChurnLabel::new(&request.config.churn, horizon_days, &plan.events.order);
    let mut rows = SnapshotRequest::new(std::slice::from_ref(&as_of));
    if request.labels {
        check_reach(&data, as_of, horizon_days)?;
        rows = rows.with_outcomes(horizon_days).with_pace_of(&label.event);
    }
    let groups = ColumnGroups::new(&data.engine, &data.histories, plan, &rows)?;
    let schema = matrix_schema(plan, data.user_ids, request.labels);
    let mut metadata = vec![("layercake.as_of", as_of.format("%Y-%m-%d").to_string())];
    if request.labels {
        metadata.push(("layercake.horizon_days", horizon_days.to_string()));
    }
    let n_users = AtomicUsize::new(0);
    let row_group = |number| {
        let group = groups.get(number)?;
        n_users.fetch_add(group.users.len(), Ordering::Relaxed);
        Ok::<_, FeatureError>(group_columns(group, request.labels.then_some(&label)))
    };
    let staged = stage_parquet(request.out, &schema, groups.len(), row_group, &metadata);
    let staged = staged.map_err(|error| match error {
        WriteError::RowGroup(error) => error.into(),
        WriteError::File(cause) => PipelineError::Output { path: request.out.to_owned(), cause },
    })?;
    staged
        .commit()
        .map_err(|cause| PipelineError::Output { path: request.out.to_owned(), cause })?;
    let n_features = plan.features.len();
    let has_quarantine = data.input.sources.iter().any(|source| source.n_set_aside() > 0);
    Ok(WrittenMatrix {
        as_of,
        n_users: n_users.into_inner(),
        n_features,
        memory: data.memory(),
        input: data.input,
        quarantine: has_quarantine.then_some(quarantine),
        warnings,
    })
}

/// Where rows that were set aside are listed, beside the matrix.
fn quarantine_of(out: &Path) -> PathBuf {
    out.with_extension("quarantine.csv")
}

/// A matrix is a Parquet file, and never one that is read for it.
fn check_place(request: &MatrixRequest<'_>) -> Result<(), PipelineError> {
    let refuse = |problem| Err(PipelineError::MatrixPlace { path: request.out.into(), problem });
    let extension = request.out.extension().unwrap_or_default();
    if !extension.eq_ignore_ascii_case("parquet") {
        return refuse("the matrix is written as Parquet: let the name end in .parquet");
    }
    for file in [request.out.to_owned(), quarantine_of(request.out)] {
        if request.config.sources.iter().any(|source| is_read_by(source, &file)) {
            return refuse(
                "a source is read from there (or from where the list of rows set aside goes): \
                 write the matrix to another folder",
            );
        }
    }
    Ok(())
}

fn matrix_schema(plan: &FeaturePlan, user_ids: UserIdType, labels: bool) -> SchemaRef {
    let id_type = match user_ids {
        UserIdType::Integer => DataType::Int64,
        UserIdType::Text => DataType::Utf8,
    };
    let double = |name: &str| Field::new(name, DataType::Float64, false);
    let mut fields = vec![Field::new("user_id", id_type, false)];
    fields.extend(plan.features.iter().map(|feature| double(&feature.info.name)));
    if labels {
        fields.push(double("outcome_n_orders"));
        fields.push(double("outcome_gmv"));
        fields.push(Field::new("outcome_churned", DataType::Boolean, true));
    }
    Arc::new(Schema::new(fields))
}

fn group_columns(group: ColumnGroup, label: Option<&ChurnLabel>) -> Vec<ArrayRef> {
    let doubles = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
    let mut columns = vec![user_id_array(&group.users)];
    columns.extend(group.features.into_iter().map(doubles));
    if let Some(label) = label {
        let outcomes = group.paces.iter().zip(&group.outcomes.days_to_event);
        let churned: Vec<Option<bool>> =
            outcomes.map(|(pace, &days)| label.churned(pace, days)).collect();
        columns.push(doubles(group.outcomes.n_orders));
        columns.push(doubles(group.outcomes.gmv));
        columns.push(Arc::new(BooleanArray::from(churned)));
    }
    columns
}

/// Labels need a horizon that lies within the data.
fn check_reach(
    data: &OpenData,
    as_of: NaiveDateTime,
    horizon_days: u32,
) -> Result<(), PipelineError> {
    let end = as_of + Days::new(u64::from(horizon_days));
    let last = data.input.last_time.date();
    if end.date() <= last + Days::new(1) {
        return Ok(());
    }
    let latest = (last + Days::new(1)).checked_sub_days(Days::new(u64::from(horizon_days)));
    let latest = latest.unwrap_or(last);
    Err(PipelineError::NoLabelsYet { as_of: as_of.date(), horizon_days, last, latest })
}

/// All features that the data of a config allows, as of a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// The features.
    pub plan: FeaturePlan,
    /// As of.
    pub as_of: NaiveDateTime,
}

/// Looks at the data and lists all features that it allows.
///
/// # Errors
/// When the data cannot be read or holds no order.
pub fn full_catalogue(
    config: &Config,
    as_of: Option<NaiveDate>,
    quarantine: &Path,
    progress: &mut dyn Progress,
) -> Result<Catalogue, PipelineError> {
    progress.stage(0, 1, "reading the data");
    let data = open_data(config, None, quarantine)?;
    let as_of = resolve_as_of(as_of.or(config.as_of), &data.input, &config.features)?;
    Ok(Catalogue { plan: catalogue(config, &data, as_of)?, as_of })
}
