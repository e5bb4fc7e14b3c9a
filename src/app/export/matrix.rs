//! Feature matrices as Parquet files, for notebooks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, BooleanArray, Float64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{Days, NaiveDateTime};

use crate::app::open_data::OpenData;
use crate::app::{PipelineError, Session};
use crate::config::Config;
use crate::dataset::Bilingual;
use crate::features::{ColumnGroup, ColumnGroups, FeatureError, FeaturePlan, SnapshotRequest};
use crate::files::{RowGroupColumn, WriteError, stage_parquet, user_id_array};
use crate::input::engine::MemoryUse;
use crate::input::source::{InputProfile, UserIdType, is_read_by};

/// Which matrix to write.
#[derive(Debug, Clone)]
pub struct MatrixRequest<'a> {
    /// The plan of a trained model; without one, all features that the data
    /// allows.
    pub plan: Option<&'a FeaturePlan>,
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
    /// Where rejected rows are listed, if there are any.
    pub quarantine: Option<PathBuf>,
    /// What whoever reads the matrix should know.
    pub warnings: Vec<Bilingual>,
    /// What the run took.
    pub memory: MemoryUse,
}

/// Writes a feature matrix as of the session's date as Parquet: `user_id`, one column
/// a feature, and if asked for the labels `outcome_n_orders`, `outcome_gmv` and
/// `outcome_churned`, by the churn rule; null where a user is not eligible.
///
/// # Errors
/// When the data cannot be read, the plan does not fit it, labels are asked for
/// that the data does not reach, or the file cannot be written.
pub fn write_matrix(
    session: &Session,
    request: &MatrixRequest<'_>,
) -> Result<WrittenMatrix, PipelineError> {
    check_place(session.config(), request.out)?;
    session.run("features", 2, |stages| {
        let data = session.read(request.plan, stages)?;
        stages.begin("computing features");
        write(&data, request)
    })
}

fn write(data: &OpenData<'_>, request: &MatrixRequest<'_>) -> Result<WrittenMatrix, PipelineError> {
    let as_of = data.as_of()?;
    let (plan, warnings) = match request.plan {
        Some(plan) => (plan.clone(), data.check_plan(plan, as_of)?),
        None => (data.catalogue(as_of)?, Vec::new()),
    };
    let horizon_days = data.config.snapshots.horizon_days.get();
    let label = data.config.churn.label(horizon_days, &plan.events.order, &data.config.silence);
    let mut rows = SnapshotRequest::new(std::slice::from_ref(&as_of), &label);
    let mut metadata = vec![("layercake.as_of", as_of.format("%Y-%m-%d").to_string())];
    if request.labels {
        check_reach(data, as_of, horizon_days)?;
        rows = rows.with_outcomes();
        metadata.push(("layercake.horizon_days", horizon_days.to_string()));
    }
    let groups = ColumnGroups::new(data.engine, data.histories, &plan, &rows)?;
    let schema = matrix_schema(&plan, data.user_ids, request.labels);
    let n_users = AtomicUsize::new(0);
    let row_group = |number| {
        let group = groups.get(number)?;
        n_users.fetch_add(group.users.len(), Ordering::Relaxed);
        let columns = group_columns(group).into_iter();
        Ok::<_, FeatureError>(columns.map(RowGroupColumn::Values).collect())
    };
    let failed = |cause| PipelineError::Output { path: request.out.to_owned(), cause };
    stage_parquet(request.out, &schema, groups.len(), row_group, &metadata)
        .map_err(|error| match error {
            WriteError::RowGroup(error) => error.into(),
            WriteError::File(cause) => failed(cause),
        })?
        .commit()
        .map_err(failed)?;
    Ok(WrittenMatrix {
        as_of,
        n_users: n_users.into_inner(),
        n_features: plan.features.len(),
        memory: data.memory(),
        input: data.input.clone(),
        quarantine: data.list_rejected_rows(&list_beside(request.out))?,
        warnings,
    })
}

/// Where the rows that were rejected are listed, beside the matrix.
pub fn list_beside(out: &Path) -> PathBuf {
    out.with_extension("quarantine.csv")
}

/// A matrix is a Parquet file, and never one that is read for it.
fn check_place(config: &Config, out: &Path) -> Result<(), PipelineError> {
    let refuse = |problem| Err(PipelineError::MatrixPlace { path: out.into(), problem });
    let extension = out.extension().unwrap_or_default();
    if !extension.eq_ignore_ascii_case("parquet") {
        return refuse("the matrix is written as Parquet: let the name end in .parquet");
    }
    for file in [out.to_owned(), list_beside(out)] {
        if config.sources.iter().any(|source| is_read_by(source, &file)) {
            return refuse(
                "a source is read from there (or from where the list of rejected rows goes): \
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

fn group_columns(group: ColumnGroup) -> Vec<ArrayRef> {
    let doubles = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
    let mut columns = vec![user_id_array(&group.users)];
    columns.extend(group.features.into_iter().map(doubles));
    if let Some(outcomes) = group.outcomes {
        columns.push(doubles(outcomes.n_orders));
        columns.push(doubles(outcomes.gmv));
        columns.push(Arc::new(BooleanArray::from(outcomes.churned)));
    }
    columns
}

/// Labels need a horizon that lies within the data.
fn check_reach(
    data: &OpenData<'_>,
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
pub fn full_catalogue(session: &Session) -> Result<Catalogue, PipelineError> {
    session.run("features", 1, |stages| {
        let data = session.read(None, stages)?;
        let as_of = data.as_of()?;
        Ok(Catalogue { plan: data.catalogue(as_of)?, as_of })
    })
}
