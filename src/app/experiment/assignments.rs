//! Files of who got which arm.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, RecordBatch, StringArray, StringViewArray,
};
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, NaiveDate};

use crate::app::PipelineError;
use crate::experiment::Sealed;
use crate::files::{batch_of, stage_batch};
use crate::input::engine::Engine;
use crate::input::rows::{ReadAs, Rows, RowsError, Wanted};

/// Arm of users whom the holdout keeps.
pub(super) const HOLDOUT: &str = "holdout";

/// Arm of users beyond the coverage.
pub(super) const NOTHING: &str = "nothing";

/// Someone's arm, as a file has it; in order of users and their entries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Assigned {
    pub id: String,
    /// Microseconds since 1970; `None` for the start of the experiment.
    pub exposed_at: Option<i64>,
    pub arm: Option<String>,
    pub layer: String,
    pub stratum: String,
    pub layer_name: String,
    pub rfm: String,
}

/// Columns of a file of assignments, of which `user_id` and `arm` are needed.
const COLUMNS: [(&str, ReadAs); 8] = [
    ("user_id", ReadAs::Text),
    ("arm", ReadAs::Text),
    ("stratum", ReadAs::Text),
    ("layer", ReadAs::Text),
    ("layer_name", ReadAs::Text),
    ("rfm", ReadAs::Text),
    ("exposed_at", ReadAs::Time),
    ("plan", ReadAs::Text),
];

/// Opens a file of assignments: all columns, those that it lacks as nulls.
pub(super) fn open(engine: &Engine, file: &Path) -> Result<Rows, RowsError> {
    let rows = Rows::open(engine, file)?;
    let there = |name: &str| rows.columns().iter().any(|column| column == name);
    if let Some(name) = ["user_id", "arm"].into_iter().find(|name| !there(name)) {
        let problem = format!(
            "there is no column `{name}`; a file of assignments has user_id, arm and, where they \
             are known, layer and exposed_at"
        );
        return Err(RowsError::Unusable { file: file.to_owned(), problem });
    }
    let wanted = |(name, read_as): (&str, ReadAs)| Wanted {
        name: name.to_owned(),
        sql: if there(name) { name.to_owned() } else { "null".to_owned() },
        read_as,
        what: format!("column {name}"),
    };
    rows.select(engine, &COLUMNS.map(wanted))
}

/// All rows of a file of assignments, in ascending order. A file of another plan is refused.
pub(super) fn read(
    engine: &Engine,
    file: &Path,
    sealed: &Sealed,
) -> Result<Vec<Assigned>, PipelineError> {
    let hash = sealed.short_hash().to_owned();
    let parts = open(engine, file)?.fold(engine, Vec::new, move |part, batch| {
        check_plan(batch, &hash)?;
        read_batch(part, batch)
    })?;
    let mut assigned: Vec<Assigned> = parts.into_iter().flatten().collect();
    assigned.sort_unstable();
    Ok(assigned)
}

/// Whether rows were assigned by this plan, where they say by which.
pub(super) fn check_plan(batch: &RecordBatch, hash: &str) -> Result<(), String> {
    let Some(plans) = batch.column_by_name("plan") else { return Ok(()) };
    let plans = plans.as_string_view();
    match plans.iter().flatten().find(|plan| *plan != hash) {
        None => Ok(()),
        Some(other) => Err(format!(
            "it was assigned by another plan, or by another salt: its plan is {other}, the one \
             that is sealed is {hash}"
        )),
    }
}

fn read_batch(part: &mut Vec<Assigned>, batch: &RecordBatch) -> Result<(), String> {
    let texts = |name: &str| -> StringViewArray { batch[name].as_string_view().clone() };
    let [ids, arms, strata, layers, names, rfm] =
        ["user_id", "arm", "stratum", "layer", "layer_name", "rfm"].map(texts);
    let times = batch["exposed_at"].as_primitive::<TimestampMicrosecondType>();
    let text = |array: &StringViewArray, row: usize| {
        if array.is_valid(row) { array.value(row).to_owned() } else { String::new() }
    };
    for row in 0..batch.num_rows() {
        if ids.is_null(row) || ids.value(row).is_empty() {
            return Err("a row has no user_id".into());
        }
        part.push(Assigned {
            id: ids.value(row).to_owned(),
            arm: arms.is_valid(row).then(|| arms.value(row).to_owned()).filter(|it| !it.is_empty()),
            layer: text(&layers, row),
            stratum: text(&strata, row),
            layer_name: text(&names, row),
            rfm: text(&rfm, row),
            exposed_at: times.is_valid(row).then(|| times.value(row)),
        });
    }
    Ok(())
}

/// Writes a file of assignments, Parquet or CSV by its ending; an earlier one stands until
/// the new one is whole.
pub(super) fn write(
    file: &Path,
    sealed: &Sealed,
    user_ids: ArrayRef,
    users: &[Assigned],
) -> Result<(), PipelineError> {
    let column = |of: fn(&Assigned) -> &str| -> ArrayRef {
        Arc::new(
            users
                .iter()
                .map(|it| Some(of(it)).filter(|it| !it.is_empty()))
                .collect::<StringArray>(),
        )
    };
    let epoch = NaiveDate::default();
    let day = |it: &Assigned| {
        let moment = DateTime::from_timestamp_micros(it.exposed_at?)?;
        i32::try_from((moment.date_naive() - epoch).num_days()).ok()
    };
    let plan: ArrayRef = Arc::new(StringArray::from(vec![sealed.short_hash(); users.len()]));
    let days: ArrayRef = Arc::new(users.iter().map(day).collect::<Date32Array>());
    let columns = [
        ("user_id", user_ids),
        ("arm", column(|it| it.arm.as_deref().unwrap_or_default())),
        ("stratum", column(|it| &it.stratum)),
        ("layer", column(|it| &it.layer)),
        ("layer_name", column(|it| &it.layer_name)),
        ("rfm", column(|it| &it.rfm)),
        ("exposed_at", days),
        ("plan", plan),
    ];
    let batch = batch_of(columns.map(|(name, array)| (name.to_owned(), array)).to_vec());
    let metadata = [("layercake.plan", sealed.hash.clone())];
    let failed = |cause| PipelineError::Output { path: file.to_owned(), cause };
    stage_batch(file, &batch, &metadata).map_err(failed)?.commit().map_err(failed)
}
