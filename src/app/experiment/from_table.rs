//! A tally of users from a table that has rows by user, in one pass and in bounded memory.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use chrono::NaiveDate;

use super::assignments::{check_plan, open};
use super::columns::{cap_at, texts_of};
use super::id_order::{IdOrder, have_duplicates};
use super::intake::{Found, N_EXAMPLES, layer_names, merge};
use super::table_rows::{PARTS, Part, Shared, group_name, name};
use crate::app::PipelineError;
use crate::experiment::{
    Cap, Columns, ExperimentPlan, Hashing, MetricPlan, MetricShape, SCALE, Sealed, fixed_point,
};
use crate::input::engine::Engine;
use crate::input::rows::{ReadAs, Rows, RowsError, Wanted};

/// Layers at most: sums are kept for each, in each arm.
const MAX_LAYERS: usize = 1_000;

/// A table to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableOf<'a> {
    pub table: &'a Path,
    /// Who got which arm, and no others.
    pub assignments: Option<&'a Path>,
    /// End of what is known.
    pub as_of: NaiveDate,
    /// SQL of what groups users, for a targeting.
    pub groupings: &'a [String],
}

/// Tallies the users of a table.
pub(super) fn tally_table(
    engine: &Engine,
    file: &Path,
    sealed: &Sealed,
    of: TableOf<'_>,
) -> Result<Found, PipelineError> {
    let (plan, table, assignments) = (&sealed.plan, of.table, of.assignments);
    let refuse =
        |problem: &str| PipelineError::Plan { file: file.to_owned(), problem: problem.to_owned() };
    let Some(columns) = &plan.columns else {
        return Err(refuse("reads events; for a table by user it needs [columns]"));
    };
    let known_until = of.as_of.and_time(Default::default()).and_utc().timestamp_micros();
    let source = Source { engine, sealed, columns, groupings: of.groupings, known_until };
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
    let user = plan.columns.as_ref().and_then(|it| it.user.clone());
    let literal = format!("'{}'", plan.arms[0].name.replace('\'', "''"));
    let columns = Columns { user, arm: Some(literal), ..Columns::default() };
    // The first arm of all, whatever the hash says.
    let hashing = Hashing::Elsewhere;
    let plan = ExperimentPlan { hashing, columns: Some(columns.clone()), ..plan.clone() };
    let sealed = Sealed::new(&plan);
    let (groupings, known_until) = (&[][..], i64::MAX);
    let source = Source { engine, sealed: &sealed, columns: &columns, groupings, known_until };
    Ok(source.tally(&source.rows(table)?, false)?)
}

struct Source<'a> {
    engine: &'a Engine,
    sealed: &'a Sealed,
    columns: &'a Columns,
    groupings: &'a [String],
    known_until: i64,
}

impl Source<'_> {
    fn plan(&self) -> &ExperimentPlan {
        &self.sealed.plan
    }

    /// The columns of each metric that there are.
    fn numbers(&self) -> Vec<Wanted> {
        let of_metric = |(number, metric): (usize, &MetricPlan)| {
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
        let grouping = |(number, sql): (usize, &String)| Wanted {
            name: group_name(number),
            sql: sql.clone(),
            read_as: ReadAs::Text,
            what: "grouping".to_owned(),
        };
        all.extend(self.groupings.iter().enumerate().map(grouping));
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
        let assigned = assigned.sums_by("user_id", "n_assigned", &texts, &[], SCALE)?;
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
        let plan = Arc::new(self.plan().clone());
        let has_ids = rows.columns().iter().any(|it| it == "unit") && !are_summed;
        let (n_groupings, known_until) = (self.groupings.len(), self.known_until);
        let shared =
            Shared { plan: Arc::clone(&plan), layers: layers.clone(), n_groupings, known_until };
        let shared = Arc::new(shared);
        let shapes = self.shapes(rows, &shared)?;
        let start = || Part::new(&plan, layers.len(), &shapes);
        let add = move |part: &mut Part, batch: &RecordBatch| shared.add(part, batch);
        let parts = rows.fold(self.engine, start, add)?;
        let orders: Vec<&IdOrder> = parts.iter().map(|part| &part.order).collect();
        if has_ids && have_duplicates(self.engine, rows, &orders)? {
            let summed = self.summed(rows)?;
            return self.tally(&summed, true);
        }
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_else(start);
        parts.for_each(|part| {
            all.tally.merge(&part.tally);
            merge(&mut all.intake, &part.intake);
            all.outcomes.extend(part.outcomes);
        });
        let Part { tally, intake, outcomes, .. } = all;
        Ok(Found { tally, layers, intake, outcomes })
    }

    /// The rows of each user as one.
    fn summed(&self, rows: &Rows) -> Result<Rows, RowsError> {
        let there = |name: &&str| rows.columns().iter().any(|column| column == name);
        let ranges = ["arm", "layer", "exposed_at", "covariates_as_of"];
        let groupings = (0..self.groupings.len()).map(group_name);
        let ranges = ranges.into_iter().filter(there).map(str::to_owned).chain(groupings);
        let ranges: Vec<String> = ranges.collect();
        let numbers: Vec<String> = self.numbers().into_iter().map(|it| it.name).collect();
        rows.sums_by("unit", "n_rows", &ranges, &numbers, SCALE)
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
        if all.len() > MAX_LAYERS {
            return Err(rows.unusable(format!(
                "columns.layer has {} different values, as ids do; up to {MAX_LAYERS} are allowed",
                all.len()
            )));
        }
        Ok(layer_names(all.iter().map(String::as_str)))
    }

    fn shapes(&self, rows: &Rows, shared: &Arc<Shared>) -> Result<Vec<MetricShape>, RowsError> {
        let shape = |(number, metric): (usize, &MetricPlan)| {
            let cap = match metric.cap {
                None => None,
                Some(Cap::Value(value)) => fixed_point(value.get()),
                Some(Cap::Quantile(share)) => self.cap(rows, shared, number, share.get())?,
            };
            Ok(MetricShape { form: metric.form(true), cap, caps_covariate: false })
        };
        self.plan().metrics.iter().enumerate().map(shape).collect()
    }

    /// A quantile of the values other than 0 of the users who count, of all arms together.
    fn cap(
        &self,
        rows: &Rows,
        shared: &Arc<Shared>,
        number: usize,
        share: f64,
    ) -> Result<Option<i64>, RowsError> {
        let start = || (Part::new(&shared.plan, shared.layers.len(), &[]), Vec::new());
        let shared = Arc::clone(shared);
        let parts = rows.fold(self.engine, start, move |(part, values), batch| {
            values.extend(shared.values_not_zero(part, batch, number)?);
            Ok(())
        })?;
        let values: Vec<f64> = parts.into_iter().flat_map(|(_, values)| values).collect();
        cap_at(&self.plan().metrics[number].name, values, share).map_err(|it| rows.unusable(it))
    }
}
