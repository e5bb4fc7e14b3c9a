//! Rows of a table, batch by batch: whose they are, in which arm, and what is measured.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::columns::{fixed_of, texts_of};
use super::id_order::IdOrder;
use super::intake::{IntakeOf, merge};
use crate::experiment::{
    ExperimentPlan, Intake, MetricKind, MetricShape, SCALE, Tally, UnitValues,
};
use crate::stats::effects::N_COLUMNS;

/// What the columns of a metric are for.
pub(super) const PARTS: [&str; N_COLUMNS] = ["value", "divisor", "covariate", "covariate_divisor"];

/// Names of the columns that are read, as they come out.
pub(super) fn name(metric: usize, part: usize) -> String {
    format!("metric_{metric}_{}", PARTS[part])
}

/// Users of some of the rows.
pub(super) struct Part {
    pub tally: Tally,
    pub intake: Intake,
    pub order: IdOrder,
    arms: Vec<u32>,
    layers: Vec<u32>,
}

impl Part {
    pub fn new(plan: &ExperimentPlan, n_layers: usize, shapes: &[MetricShape]) -> Self {
        Self {
            tally: Tally::new(plan, n_layers, shapes),
            intake: Intake::default(),
            order: IdOrder::default(),
            arms: Vec::new(),
            layers: Vec::new(),
        }
    }
}

/// What all threads read.
pub(super) struct Shared {
    pub plan: Arc<ExperimentPlan>,
    pub layers: Vec<String>,
}

/// No user who counts.
const NONE: u32 = u32::MAX;

impl Shared {
    /// Adds the users of some rows.
    pub fn add(&self, part: &mut Part, batch: &RecordBatch) -> Result<(), String> {
        self.place(part, batch)?;
        let ids = ids_of(batch);
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
        let ids = ids_of(batch);
        let (arms, largest_arms) = (texts("arm").expect("it is asked for"), texts("arm_max"));
        let layers = texts("layer");
        let times = |name: &str| {
            let column = batch.column_by_name(name)?;
            Some(column.as_primitive::<TimestampMicrosecondType>().clone())
        };
        let (exposed, known) = (times("exposed_at"), times("covariates_as_of"));
        let counts =
            batch.column_by_name("n_rows").map(|it| it.as_primitive::<Int64Type>().clone());
        // Of who is assigned and has no row in the table, that is null.
        let units = texts("user_id").and_then(|_| texts("unit"));
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
            if units.as_ref().is_some_and(|it| it.is_null(row)) {
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

/// Users as a file of assignments has them, else as the table does.
fn ids_of(batch: &RecordBatch) -> Option<StringViewArray> {
    texts_of(batch, "user_id").or_else(|| texts_of(batch, "unit"))
}
