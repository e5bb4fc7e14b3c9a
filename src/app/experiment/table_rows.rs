//! Rows of a table, batch by batch: whose they are, in which arm, and what is measured.

use std::sync::Arc;

use arrow::array::{
    Array, AsArray, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::columns::{fixed_of, texts_of};
use super::id_order::IdOrder;
use super::intake::{IntakeOf, UserOutcome, merge};
use crate::experiment::{
    ArmOf, ExperimentPlan, Intake, MetricKind, MetricShape, NO_CELL, SCALE, Tally,
};
use crate::stats::effects::N_COLUMNS;

/// What the columns of a metric are for.
pub(super) const PARTS: [&str; N_COLUMNS] = ["value", "divisor", "covariate", "covariate_divisor"];

/// Names of the columns that are read, as they come out.
pub(super) fn name(metric: usize, part: usize) -> String {
    format!("metric_{metric}_{}", PARTS[part])
}

/// Name of the column of a grouping of a targeting.
pub(super) fn group_name(grouping: usize) -> String {
    format!("group_{grouping}")
}

/// Users of some of the rows.
pub(super) struct Part {
    pub tally: Tally,
    pub intake: Intake,
    pub order: IdOrder,
    /// Of a targeting: what came of each user, by the metric that decides.
    pub outcomes: Vec<UserOutcome>,
    /// Cell of the tally of each row of a batch.
    cells: Vec<u32>,
}

impl Part {
    pub fn new(plan: &ExperimentPlan, n_layers: usize, shapes: &[MetricShape]) -> Self {
        let (intake, order) = (Intake::default(), IdOrder::default());
        let (outcomes, cells) = (Vec::new(), Vec::new());
        Self { tally: Tally::new(plan, n_layers, shapes), intake, order, outcomes, cells }
    }
}

/// What all threads read.
pub(super) struct Shared {
    pub plan: Arc<ExperimentPlan>,
    pub layers: Vec<String>,
    /// Number of groupings of a targeting; 0 of a read-out.
    pub n_groupings: usize,
    /// End of what is known, in microseconds since 1970.
    pub known_until: i64,
}

impl Shared {
    /// Adds the users of some rows.
    pub fn add(&self, part: &mut Part, batch: &RecordBatch) -> Result<(), String> {
        let rows = RowColumns::of(batch);
        self.place(part, &rows)?;
        let id = |row: usize| rows.id(row).unwrap_or_default();
        for (number, metric) in self.plan.metrics.iter().enumerate() {
            let mut columns: [Option<Vec<i64>>; N_COLUMNS] = Default::default();
            for (place, column) in columns.iter_mut().enumerate() {
                let name = name(number, place);
                if batch.column_by_name(&name).is_some() {
                    *column = Some(fixed_of(batch, &name).map_err(|problem| {
                        format!("metric.{} of `{}`: {problem}", PARTS[place], metric.name)
                    })?);
                }
            }
            if let (MetricKind::Share, Some(values)) = (metric.kind, &mut columns[0]) {
                values.iter_mut().for_each(|it| *it = if *it > 0 { SCALE as i64 } else { 0 });
            }
            let columns = columns.each_ref().map(Option::as_deref);
            part.tally.metrics[number].n_missing += rows.n_missing(batch, number, &part.cells);
            if metric.primary && self.n_groupings > 0 {
                self.add_outcomes(part, batch, &rows, number, columns[0].unwrap_or_default());
            }
            part.tally.metrics[number].add_rows(&part.cells, columns, id);
        }
        Ok(())
    }

    /// Values of a metric other than 0, of the users of some rows who count.
    pub fn values_not_zero(
        &self,
        part: &mut Part,
        batch: &RecordBatch,
        metric: usize,
    ) -> Result<Vec<f64>, String> {
        self.place(part, &RowColumns::of(batch))?;
        let values = fixed_of(batch, &name(metric, 0))?;
        let counted = values.into_iter().zip(&part.cells);
        let counted = counted.filter(|(value, cell)| *value != 0 && **cell != NO_CELL);
        Ok(counted.map(|(value, _)| value as f64).collect())
    }

    /// Notes what came of the users of some rows, and their groups.
    fn add_outcomes(
        &self,
        part: &mut Part,
        batch: &RecordBatch,
        rows: &RowColumns,
        metric: usize,
        values: &[i64],
    ) {
        let cap = part.tally.metrics[metric].shape.cap.unwrap_or(i64::MAX);
        let groupings: Vec<StringViewArray> =
            (0..self.n_groupings).filter_map(|it| texts_of(batch, &group_name(it))).collect();
        let in_cells = part.cells.iter().enumerate().filter(|(_, cell)| **cell != NO_CELL);
        for (row, cell) in in_cells {
            let group = |it: &StringViewArray| {
                if it.is_null(row) { String::new() } else { it.value(row).to_owned() }
            };
            part.outcomes.push(UserOutcome {
                id: rows.id(row).unwrap_or_default().to_owned(),
                arm: *cell as usize / self.layers.len(),
                value: values[row].min(cap) as f64 / SCALE,
                groups: groupings.iter().map(group).collect(),
            });
        }
    }

    /// Finds the cell of each row, and counts it.
    fn place(&self, part: &mut Part, rows: &RowColumns) -> Result<(), String> {
        let mut intake = IntakeOf::new(&self.plan, self.known_until);
        let (mut arms, mut layers) = (Codes::default(), Codes::default());
        part.cells.clear();
        for row in 0..rows.arms.len() {
            // The lower half of a view is the length of its text.
            let has_none = |ids: &StringViewArray| ids.is_null(row) || ids.views()[row] as u32 == 0;
            if rows.ids.as_ref().is_some_and(has_none) {
                return Err("a row has no user".into());
            }
            let cell = match self.arm(rows, row, &mut intake, &mut arms)? {
                Some(arm) => self.cell(rows, row, arm, part, &mut intake, &mut layers),
                None => NO_CELL,
            };
            part.cells.push(cell);
        }
        if let Some(ids) = &rows.ids {
            part.order.add(ids);
        }
        merge(&mut part.intake, &intake.into_inner());
        Ok(())
    }

    /// The arm of a row; `None` where its user does not count.
    #[inline]
    fn arm(
        &self,
        rows: &RowColumns,
        row: usize,
        intake: &mut IntakeOf<'_>,
        arms: &mut Codes<ArmOf>,
    ) -> Result<Option<usize>, String> {
        let id = rows.id(row).unwrap_or_default();
        if rows.has_two_arms(row) {
            intake.in_two_arms(id);
            return Ok(None);
        }
        if rows.arms.is_null(row) || rows.arms.value(row).is_empty() {
            intake.counts().n_without_arm += 1;
            return Ok(None);
        }
        let recorded = arms.code(&rows.arms, row, |name| intake.recorded(name))?;
        Ok(intake.take(id, recorded))
    }

    /// The cell of a user, who is counted; none where the user entered at another time.
    #[inline]
    fn cell(
        &self,
        rows: &RowColumns,
        row: usize,
        arm: usize,
        part: &mut Part,
        intake: &mut IntakeOf<'_>,
        layers: &mut Codes<usize>,
    ) -> u32 {
        let at = |times: &Option<TimestampMicrosecondArray>| {
            times.as_ref().filter(|it| it.is_valid(row)).map(|it| it.value(row))
        };
        let entered = at(&rows.exposed).unwrap_or_else(|| intake.start());
        if at(&rows.known).is_some_and(|known| known > entered) {
            intake.counts().n_known_too_late += 1;
        }
        if !intake.is_within(entered) {
            return NO_CELL;
        }
        if let Some(counts) = &rows.counts {
            intake.counts().n_added_rows += (counts.value(row) as u64).saturating_sub(1);
        }
        if rows.units.as_ref().is_some_and(|it| it.is_null(row)) {
            intake.counts().n_never_seen += 1;
        }
        let place = |name: &str| Ok(self.layers.iter().position(|it| it == name).unwrap_or(0));
        let layer = match &rows.layers {
            None => 0,
            Some(names) if names.is_null(row) => place("").unwrap_or_default(),
            Some(names) => layers.code(names, row, place).unwrap_or_default(),
        };
        part.tally.count(arm, layer);
        if rows.exposed.is_some() {
            part.tally.count_day(intake.day(entered), arm);
        }
        part.tally.cell(arm, layer)
    }
}

/// Codes of the few different texts of a column. A short text stands in its view as a whole,
/// so that it is known again without being read.
struct Codes<T>(Vec<(u128, T)>);

impl<T> Default for Codes<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Bytes of a text that a view holds itself.
const SHORT: u32 = 12;

impl<T: Copy> Codes<T> {
    #[inline]
    fn code(
        &mut self,
        texts: &StringViewArray,
        row: usize,
        find: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        let view = texts.views()[row];
        let is_short = view as u32 <= SHORT;
        if let Some((_, code)) = self.0.iter().find(|it| is_short && it.0 == view) {
            return Ok(*code);
        }
        let code = find(texts.value(row))?;
        if is_short {
            self.0.push((view, code));
        }
        Ok(code)
    }
}

/// What is known of each row besides the metrics.
struct RowColumns {
    ids: Option<StringViewArray>,
    arms: StringViewArray,
    /// Of users with several rows, the last arm in order of the alphabet.
    largest_arms: Option<StringViewArray>,
    layers: Option<StringViewArray>,
    exposed: Option<TimestampMicrosecondArray>,
    /// When covariates were known.
    known: Option<TimestampMicrosecondArray>,
    /// Rows of the user.
    counts: Option<Int64Array>,
    /// The user in the table, null for who is assigned and has no row there.
    units: Option<StringViewArray>,
}

impl RowColumns {
    fn of(batch: &RecordBatch) -> Self {
        let texts = |name: &str| texts_of(batch, name);
        let times = |name: &str| {
            let column = batch.column_by_name(name)?;
            Some(column.as_primitive::<TimestampMicrosecondType>().clone())
        };
        let counts = batch.column_by_name("n_rows");
        Self {
            // Users as a file of assignments has them, else as the table does.
            ids: texts("user_id").or_else(|| texts("unit")),
            arms: texts("arm").expect("it is asked for"),
            largest_arms: texts("arm_max"),
            layers: texts("layer"),
            exposed: times("exposed_at"),
            // Of several rows, the latest.
            known: times("covariates_as_of_max").or_else(|| times("covariates_as_of")),
            counts: counts.map(|it| it.as_primitive::<Int64Type>().clone()),
            units: texts("user_id").and_then(|_| texts("unit")),
        }
    }

    /// Users who count and have rows, but no value of a metric.
    fn n_missing(&self, batch: &RecordBatch, metric: usize, cells: &[u32]) -> u64 {
        let Some(values) = batch.column_by_name(&name(metric, 0)) else { return 0 };
        if values.null_count() == 0 {
            return 0;
        }
        let has_rows = |row: usize| self.units.as_ref().is_none_or(|units| units.is_valid(row));
        let is_missing =
            |row: &usize| cells[*row] != NO_CELL && values.is_null(*row) && has_rows(*row);
        (0..cells.len()).filter(is_missing).count() as u64
    }

    #[inline]
    fn id(&self, row: usize) -> Option<&str> {
        self.ids.as_ref().map(|ids| ids.value(row))
    }

    /// Whether the rows of a user name two arms.
    #[inline]
    fn has_two_arms(&self, row: usize) -> bool {
        let Some(largest) = &self.largest_arms else { return false };
        !largest.is_null(row)
            && (self.arms.is_null(row) || self.arms.value(row) != largest.value(row))
    }
}
