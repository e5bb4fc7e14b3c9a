//! A tally of users from a table that has rows by user, in one pass and in bounded memory.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};

use super::assignments::{check_plan, open};
use super::intake::{Found, IntakeOf, N_EXAMPLES, layer_names, merge};
use crate::app::PipelineError;
use crate::dataset::hash_text;
use crate::experiment::{
    Cap, Columns, ExperimentPlan, Intake, MAX_VALUE, MetricKind, MetricShape, SCALE, Sealed, Tally,
    UnitValues, fixed_point,
};
use crate::input::engine::Engine;
use crate::input::rows::{ReadAs, Rows, RowsError, Wanted};
use crate::stats::effects::N_COLUMNS;
use crate::stats::metrics::{quantile, sorted};

/// What the columns of a metric are for.
const PARTS: [&str; N_COLUMNS] = ["value", "divisor", "covariate", "covariate_divisor"];

/// Tallies the users of a table; with `assignments`, those and no others.
pub(super) fn tally_table(
    engine: &Engine,
    file: &Path,
    sealed: &Sealed,
    table: &Path,
    assignments: Option<&Path>,
) -> Result<Found, PipelineError> {
    let plan = &sealed.plan;
    let refuse =
        |problem: &str| PipelineError::Plan { file: file.to_owned(), problem: problem.to_owned() };
    let Some(columns) = &plan.columns else {
        return Err(refuse("reads events; for a table by user it needs [columns]"));
    };
    let source = Source { engine, sealed, columns };
    let (rows, never_assigned) = match assignments {
        Some(assignments) => {
            source.assigned(table, assignments).map(|(rows, n)| (rows, Some(n)))?
        }
        None if columns.arm.is_none() => {
            return Err(refuse("columns.arm must be set, or a file of assignments be given"));
        }
        None => (source.rows(table)?, None),
    };
    let mut found = source.tally(&rows, assignments.is_some())?;
    if let Some((n_users, examples)) = never_assigned {
        found.intake.n_never_assigned = n_users;
        found.intake.never_assigned = examples;
    }
    if found.intake.n_known_too_late > 0 {
        return Err(refuse(&format!(
            "covariates of {} users were known only after they entered (columns.covariates_as_of), \
             which is a leak: take what was known before",
            found.intake.n_known_too_late
        )));
    }
    Ok(found)
}

/// Tallies all rows of a table in the first arm, as users were before an experiment.
pub(super) fn tally_past(
    engine: &Engine,
    plan: &ExperimentPlan,
    table: &Path,
) -> Result<Found, PipelineError> {
    let columns = plan.columns.clone().unwrap_or(Columns {
        user: None,
        arm: None,
        layer: None,
        exposed_at: None,
        covariates_as_of: None,
    });
    let literal = format!("'{}'", plan.arms[0].name.replace('\'', "''"));
    let columns = Columns {
        arm: Some(literal),
        layer: None,
        exposed_at: None,
        covariates_as_of: None,
        ..columns
    };
    // The first arm of all, whatever the hash says.
    let hashing = crate::experiment::Hashing::Elsewhere;
    let plan = ExperimentPlan { hashing, columns: Some(columns.clone()), ..plan.clone() };
    let sealed = Sealed::new(&plan);
    let source = Source { engine, sealed: &sealed, columns: &columns };
    Ok(source.tally(&source.rows(table)?, false)?)
}

struct Source<'a> {
    engine: &'a Engine,
    sealed: &'a Sealed,
    columns: &'a Columns,
}

/// Names of the columns that are read, as they come out.
fn name(metric: usize, part: usize) -> String {
    format!("metric_{metric}_{}", PARTS[part])
}

impl Source<'_> {
    fn plan(&self) -> &ExperimentPlan {
        &self.sealed.plan
    }

    /// The columns of each metric that there are.
    fn numbers(&self) -> Vec<Wanted> {
        let of_metric = |(number, metric): (usize, &crate::experiment::MetricPlan)| {
            let parts =
                [&metric.value, &metric.divisor, &metric.covariate, &metric.covariate_divisor];
            let wanted = |(part, sql): (usize, &Option<String>)| {
                Some(Wanted {
                    name: name(number, part),
                    sql: sql.clone()?,
                    read_as: ReadAs::Number,
                    what: format!("metric.{} of `{}`", PARTS[part], metric.name),
                })
            };
            parts.into_iter().enumerate().filter_map(wanted).collect::<Vec<_>>()
        };
        self.plan().metrics.iter().enumerate().flat_map(of_metric).collect()
    }

    /// Rows of the table with all that the plan asks for.
    fn rows(&self, table: &Path) -> Result<Rows, RowsError> {
        let Columns { user, arm, layer, exposed_at, covariates_as_of } = self.columns;
        let others = [
            ("unit", "user", user, ReadAs::Text),
            ("arm", "arm", arm, ReadAs::Text),
            ("layer", "layer", layer, ReadAs::Text),
            ("exposed_at", "exposed_at", exposed_at, ReadAs::Time),
            ("covariates_as_of", "covariates_as_of", covariates_as_of, ReadAs::Time),
        ];
        let wanted = |(name, key, sql, read_as): (&str, &str, &Option<String>, ReadAs)| {
            Some(Wanted {
                name: name.to_owned(),
                sql: sql.clone()?,
                read_as,
                what: format!("columns.{key}"),
            })
        };
        let mut all: Vec<Wanted> = others.into_iter().filter_map(wanted).collect();
        all.extend(self.numbers());
        Rows::open(self.engine, table)?.select(self.engine, &all)
    }

    /// One row for each user of a file of assignments, with the sums of the table's rows; and
    /// how many users of the table it does not name, with some of them.
    fn assigned(
        &self,
        table: &Path,
        assignments: &Path,
    ) -> Result<(Rows, (u64, Vec<String>)), RowsError> {
        let assigned = open(self.engine, assignments)?;
        let hash = self.sealed.short_hash().to_owned();
        assigned.fold(self.engine, || (), move |(), batch| check_plan(batch, &hash))?;
        let texts = ["arm", "layer", "exposed_at"].map(str::to_owned);
        let assigned = assigned.sums_by("user_id", &texts, &[], SCALE)?;
        if self.columns.user.is_none() {
            let (file, problem) = (
                table.to_owned(),
                "columns.user must be set, to find the users of the file of assignments".to_owned(),
            );
            return Err(RowsError::Unusable { file, problem });
        }
        // What a file of assignments says of arm, layer and entry, the table need not.
        let bare = Columns { arm: None, layer: None, exposed_at: None, ..self.columns.clone() };
        let bare = Source { columns: &bare, ..*self };
        let units = bare.summed(&bare.rows(table)?)?;
        let strangers = units.without(&assigned, "unit", "user_id")?;
        let ids = strangers.fold(self.engine, Vec::new, |part: &mut Vec<String>, batch| {
            part.extend(texts_of(batch, "unit").iter().flatten().flatten().map(str::to_owned));
            Ok(())
        })?;
        let mut ids: Vec<String> = ids.into_iter().flatten().collect();
        ids.sort();
        let n_strangers = ids.len() as u64;
        ids.truncate(N_EXAMPLES);
        Ok((assigned.left_join(&units, "user_id", "unit")?, (n_strangers, ids)))
    }

    fn tally(&self, rows: &Rows, are_summed: bool) -> Result<Found, RowsError> {
        let layers = self.layers(rows)?;
        let shapes = self.shapes(rows)?;
        let plan = Arc::new(self.plan().clone());
        let has_ids = rows.columns().iter().any(|it| it == "unit") && !are_summed;
        let shared = Arc::new(Shared { plan: Arc::clone(&plan), layers: layers.clone() });
        let start = || Part::new(&plan, layers.len(), &shapes);
        let add = move |part: &mut Part, batch: &RecordBatch| shared.add(part, batch);
        let parts = rows.fold(self.engine, start, add)?;
        if has_ids && !are_in_order(&parts) && have_duplicates(self.engine, &rows.only("unit")?)? {
            let summed = self.summed(rows)?;
            return self.tally(&summed, true);
        }
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_else(start);
        parts.for_each(|part| {
            all.tally.merge(&part.tally);
            merge(&mut all.intake, &part.intake);
        });
        Ok(Found { tally: all.tally, layers, intake: all.intake, outcomes: Vec::new() })
    }

    /// The rows of each user as one.
    fn summed(&self, rows: &Rows) -> Result<Rows, RowsError> {
        let there = |name: &&str| rows.columns().iter().any(|column| column == name);
        let ranges = ["arm", "layer", "exposed_at", "covariates_as_of"];
        let ranges: Vec<String> = ranges.into_iter().filter(there).map(str::to_owned).collect();
        let numbers: Vec<String> = self.numbers().into_iter().map(|it| it.name).collect();
        rows.sums_by("unit", &ranges, &numbers, SCALE)
    }

    fn layers(&self, rows: &Rows) -> Result<Vec<String>, RowsError> {
        if !rows.columns().iter().any(|it| it == "layer") {
            return Ok(layer_names(std::iter::empty()));
        }
        let parts =
            rows.fold(self.engine, BTreeSet::new, |part: &mut BTreeSet<String>, batch| {
                let layers = texts_of(batch, "layer").expect("it is there");
                for layer in &layers {
                    let layer = layer.unwrap_or_default();
                    if !part.contains(layer) {
                        part.insert(layer.to_owned());
                    }
                }
                Ok(())
            })?;
        let all: BTreeSet<String> = parts.into_iter().flatten().collect();
        Ok(layer_names(all.iter().map(String::as_str)))
    }

    fn shapes(&self, rows: &Rows) -> Result<Vec<MetricShape>, RowsError> {
        let shape = |(number, metric): (usize, &crate::experiment::MetricPlan)| {
            let cap = match metric.cap {
                None => None,
                Some(Cap::Value(value)) => fixed_point(value.get()),
                Some(Cap::Quantile(share)) => Some(self.cap(rows, number, share.get())?),
            };
            Ok(MetricShape { form: metric.form(true), cap, caps_covariate: false })
        };
        self.plan().metrics.iter().enumerate().map(shape).collect()
    }

    /// A quantile of the values other than 0, of all arms together.
    fn cap(&self, rows: &Rows, number: usize, share: f64) -> Result<i64, RowsError> {
        let column = name(number, 0);
        let parts = rows.fold(self.engine, Vec::new, move |part: &mut Vec<f64>, batch| {
            part.extend(
                fixed_of(batch, &column)?.iter().filter(|it| **it != 0).map(|it| *it as f64),
            );
            Ok(())
        })?;
        let values: Vec<f64> = parts.into_iter().flatten().collect();
        let cap = quantile(&sorted(values), share);
        match cap > 0.0 {
            true => Ok(cap.round() as i64),
            false => Err(rows.unusable(format!(
                "metric.cap of `{}` must end above 0, but this quantile of its values other than 0 \
                 is {}",
                self.plan().metrics[number].name,
                cap / SCALE
            ))),
        }
    }
}

/// Users of some of the rows.
struct Part {
    tally: Tally,
    intake: Intake,
    order: IdOrder,
    arms: Vec<u32>,
    layers: Vec<u32>,
}

impl Part {
    fn new(plan: &ExperimentPlan, n_layers: usize, shapes: &[MetricShape]) -> Self {
        Self {
            tally: Tally::new(plan, n_layers, shapes),
            intake: Intake::default(),
            order: IdOrder::default(),
            arms: Vec::new(),
            layers: Vec::new(),
        }
    }
}

/// Whether the ids of a part ascend, as in most tables, by the alphabet or as whole numbers
/// do: then no user has two rows, and nothing more need be looked at.
#[derive(Default)]
struct IdOrder {
    first: Option<String>,
    last: String,
    /// By the alphabet, and by length first.
    is_broken: [bool; 2],
}

impl IdOrder {
    fn add(&mut self, ids: &StringViewArray) {
        if ids.is_empty() || self.is_broken == [true; 2] {
            return;
        }
        let mut last = match self.first {
            Some(_) => self.last.as_str(),
            None => "",
        };
        let from = usize::from(self.first.is_none());
        if self.first.is_none() {
            self.first = Some(ids.value(0).to_owned());
            last = ids.value(0);
        }
        for row in from..ids.len() {
            let id = ids.value(row);
            self.is_broken[0] |= id <= last;
            self.is_broken[1] |= by_length(id) <= by_length(last);
            last = id;
        }
        self.last = last.to_owned();
    }
}

fn by_length(id: &str) -> (usize, &str) {
    (id.len(), id)
}

/// Whether the ids of all parts are in order, and none reaches into another.
fn are_in_order(parts: &[Part]) -> bool {
    let ranges =
        || parts.iter().filter_map(|it| Some((it.order.first.as_deref()?, it.order.last.as_str())));
    let holds = |order: usize| parts.iter().all(|part| !part.order.is_broken[order]);
    let mut texts: Vec<(&str, &str)> = ranges().collect();
    texts.sort_unstable();
    let mut numbers: Vec<_> = ranges().map(|(a, b)| (by_length(a), by_length(b))).collect();
    numbers.sort_unstable();
    holds(0) && texts.windows(2).all(|pair| pair[0].1 < pair[1].0)
        || holds(1) && numbers.windows(2).all(|pair| pair[0].1 < pair[1].0)
}

/// Whether some user has several rows, by the hashes of all ids. Two ids of one hash, of
/// which there may be one pair in some thousand million users, cost no more than time.
fn have_duplicates(engine: &Engine, rows: &Rows) -> Result<bool, RowsError> {
    use rayon::slice::ParallelSliceMut;
    let parts = rows.fold(engine, Vec::new, |part: &mut Vec<u64>, batch| {
        let ids = texts_of(batch, "unit").expect("it is asked for");
        part.extend(ids.iter().flatten().map(|id| hash_text(id, 0)));
        Ok(())
    })?;
    let mut hashes: Vec<u64> = parts.into_iter().flatten().collect();
    hashes.par_sort_unstable();
    Ok(hashes.windows(2).any(|pair| pair[0] == pair[1]))
}

/// What all threads read.
struct Shared {
    plan: Arc<ExperimentPlan>,
    layers: Vec<String>,
}

/// No user who counts.
const NONE: u32 = u32::MAX;

impl Shared {
    fn add(&self, part: &mut Part, batch: &RecordBatch) -> Result<(), String> {
        self.place(part, batch)?;
        let ids = texts_of(batch, "unit").or_else(|| texts_of(batch, "user_id"));
        for (number, metric) in self.plan.metrics.iter().enumerate() {
            let mut columns: [Option<Vec<i64>>; N_COLUMNS] = Default::default();
            for (part, column) in columns.iter_mut().enumerate() {
                if batch.column_by_name(&name(number, part)).is_some() {
                    *column = Some(fixed_of(batch, &name(number, part)).map_err(|problem| {
                        format!("metric.{} of `{}`: {problem}", PARTS[part], metric.name)
                    })?);
                }
            }
            let sums = &mut part.tally.metrics[number];
            let is_share = metric.kind == MetricKind::Share;
            let columns = columns.each_ref().map(|column| column.as_deref());
            let places = part.arms.iter().zip(&part.layers).enumerate();
            for (row, (&arm, &layer)) in places.filter(|(_, (arm, _))| **arm != NONE) {
                let mut values: UnitValues = [0; N_COLUMNS];
                for (value, column) in values.iter_mut().zip(columns) {
                    if let Some(column) = column {
                        *value = column[row];
                    }
                }
                if is_share {
                    values[0] = if values[0] > 0 { SCALE as i64 } else { 0 };
                }
                let id = ids.as_ref().map_or("", |ids| ids.value(row));
                sums.add(arm as usize, layer as usize, &values, id);
            }
        }
        Ok(())
    }

    /// Finds the arm and the layer of each row, and counts it.
    fn place(&self, part: &mut Part, batch: &RecordBatch) -> Result<(), String> {
        let n_rows = batch.num_rows();
        let texts = |name: &str| texts_of(batch, name);
        let ids = texts("unit").or_else(|| texts("user_id"));
        let (arms, largest_arms) = (texts("arm").expect("it is asked for"), texts("arm_max"));
        let layers = texts("layer");
        let times = |name: &str| {
            let column = batch.column_by_name(name)?;
            Some(column.as_primitive::<TimestampMicrosecondType>().clone())
        };
        let (exposed, known) = (times("exposed_at"), times("covariates_as_of"));
        let counts =
            batch.column_by_name("n_rows").map(|it| it.as_primitive::<Int64Type>().clone());
        let seen = batch.column_by_name(&name(0, 0));
        let mut intake = IntakeOf::new(&self.plan);
        part.arms.clear();
        part.arms.resize(n_rows, NONE);
        part.layers.clear();
        part.layers.resize(n_rows, 0);
        let mut last_layer: Option<(String, u32)> = None;
        for row in 0..n_rows {
            let id = match &ids {
                Some(ids) if ids.is_null(row) => return Err("a row has no user".into()),
                Some(ids) => ids.value(row),
                None => "",
            };
            let text =
                |array: &StringViewArray| array.is_valid(row).then(|| array.value(row).to_owned());
            let arm = if arms.is_valid(row) { Some(arms.value(row)) } else { None };
            let largest = largest_arms.as_ref().and_then(|it| text(it));
            let found = match &largest {
                Some(largest) if Some(largest.as_str()) != arm => {
                    intake.arm(id, [arm, Some(largest.as_str())].into_iter())?
                }
                _ => intake.arm(id, std::iter::once(arm))?,
            };
            let Some(arm) = found else { continue };
            let exposed_at = exposed.as_ref().filter(|it| it.is_valid(row)).map(|it| it.value(row));
            let entered = exposed_at.unwrap_or_else(|| intake.start());
            if known.as_ref().is_some_and(|it| it.is_valid(row) && it.value(row) > entered) {
                intake.counts().n_known_too_late += 1;
            }
            if !intake.is_within(entered) {
                continue;
            }
            if let Some(counts) = &counts {
                intake.counts().n_added_rows += (counts.value(row) as u64).saturating_sub(1);
            }
            // Of who has no row, all sums are null.
            if largest_arms.is_some()
                && seen.is_some_and(|it| it.is_null(row))
                && layers.is_some()
                && ids.is_some()
            {
                intake.counts().n_never_seen += 1;
            }
            let layer = match &layers {
                None => 0,
                Some(layers) => {
                    let layer = if layers.is_valid(row) { layers.value(row) } else { "" };
                    // Rows of one layer often follow each other.
                    match &last_layer {
                        Some((name, place)) if name == layer => *place,
                        _ => {
                            let place = self.layers.iter().position(|it| it == layer).unwrap_or(0);
                            last_layer = Some((layer.to_owned(), place as u32));
                            place as u32
                        }
                    }
                }
            };
            part.arms[row] = arm as u32;
            part.layers[row] = layer;
            part.tally.count(arm, layer as usize);
            if exposed.is_some() {
                part.tally.count_day(intake.day(entered), arm);
            }
        }
        if let Some(ids) = &ids {
            part.order.add(ids);
        }
        merge(&mut part.intake, &intake.into_inner());
        Ok(())
    }
}

fn texts_of(batch: &RecordBatch, name: &str) -> Option<StringViewArray> {
    batch.column_by_name(name).map(|column| column.as_string_view().clone())
}

/// A column in units of 1 / [`SCALE`]; what is missing is 0.
fn fixed_of(batch: &RecordBatch, name: &str) -> Result<Vec<i64>, String> {
    let column: &ArrayRef =
        batch.column_by_name(name).ok_or_else(|| format!("no column {name}"))?;
    if column.data_type() == &DataType::Int64 {
        let limit = (MAX_VALUE * SCALE) as i64;
        let values = column.as_primitive::<Int64Type>();
        let values: Vec<i64> = values.iter().map(Option::unwrap_or_default).collect();
        return match values.iter().find(|value| value.abs() > limit) {
            None => Ok(values),
            Some(value) => Err(too_large(*value as f64 / SCALE)),
        };
    }
    let values = column.as_primitive::<Float64Type>();
    let in_bounds = |value: &f64| value.abs() <= MAX_VALUE;
    if values.null_count() > 0 {
        let values = values.iter().map(Option::unwrap_or_default);
        return values.map(|it| fixed_point(it).ok_or_else(|| too_large(it))).collect();
    }
    match values.values().iter().find(|value| !in_bounds(value)) {
        Some(value) => Err(too_large(*value)),
        None => Ok(values.values().iter().map(|it| fixed_point(*it).unwrap_or_default()).collect()),
    }
}

fn too_large(value: f64) -> String {
    match value.is_nan() {
        true => "a value is not a number".into(),
        false => {
            format!("{value} is too large: up to {MAX_VALUE} is allowed; measure in thousands")
        }
    }
}
