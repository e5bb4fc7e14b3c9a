//! A plan made ready to run on one collection of histories: names become codes,
//! totals become numbered sums, and every window notes which of them it needs.

use std::collections::HashMap;

use crate::dataset::Dimension;
use crate::features::slots::{Codes, N_SERIES, Series, Slots};
use crate::features::{FeaturePlan, Measure, Statistic, StatisticValue, Total};
use crate::input::history::{Column, EventRow, Histories, Vocabulary};

/// A sum that becomes a value once a window is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note {
    pub slot: usize,
    pub value: usize,
}

/// How a column of the matrix follows from the values.
pub(super) enum Op {
    Value(usize),
    Quotient(usize, usize),
    Statistic(StatisticValue),
    DaysSinceLast(u32),
    /// Computed elsewhere.
    Sql,
}

pub(super) struct Program {
    pub order_event: u32,
    /// Whether the events have amounts.
    pub has_amounts: bool,
    /// By event code: the user's own doing.
    pub is_own: Vec<bool>,
    /// Lengths of the windows, ascending.
    pub windows_days: Vec<i64>,
    pub slots: Slots,
    pub n_slots: usize,
    /// By series, then window; the last is all time.
    pub notes: [Vec<Vec<Note>>; N_SERIES],
    /// What a sum is multiplied by to give its value.
    pub factors: Vec<f64>,
    pub ops: Vec<(Op, f64)>,
    /// Whether time of day or day of week of events is asked for.
    pub needs_clock: bool,
    pub needs_order_clock: bool,
    /// Whether the distribution over the values of a column is asked for.
    pub needs_dimension: [bool; 3],
    pub scale: f64,
}

impl Program {
    /// True when something asks for a total over the series.
    pub fn needs(&self, series: Series) -> bool {
        self.notes[series as usize].iter().any(|notes| !notes.is_empty())
    }

    pub fn new(plan: &FeaturePlan, histories: &Histories) -> Self {
        let mut builder = Builder {
            histories,
            slots: HashMap::new(),
            values: HashMap::new(),
            windows_days: windows_of(plan),
            program: Self::empty(plan, histories),
        };
        builder.program.windows_days = builder.windows_days.iter().map(|&d| i64::from(d)).collect();
        for series in &mut builder.program.notes {
            series.resize(builder.windows_days.len() + 1, Vec::new());
        }
        for feature in &plan.features {
            let op = builder.op(&feature.measure);
            builder.program.ops.push((op, feature.info.when_missing.value()));
        }
        builder.program.needs_clock = builder.program.slots.need_clock();
        builder.program.needs_order_clock = builder.program.slots.need_order_clock();
        builder.program.n_slots = builder.slots.len() + 1;
        builder.program
    }

    fn empty(plan: &FeaturePlan, histories: &Histories) -> Self {
        let n_codes = |vocabulary: &Vocabulary| vocabulary.len() + 1;
        let mut is_own = vec![true; n_codes(histories.events())];
        for event in &plan.events.outbound {
            if let Some(code) = histories.events().code(event) {
                is_own[code as usize] = false;
            }
        }
        Self {
            order_event: histories.events().code(&plan.events.order).unwrap_or(0),
            has_amounts: plan.columns.iter().any(|column| column == Column::Amount.name()),
            is_own,
            windows_days: Vec::new(),
            slots: Slots::new(
                n_codes(histories.events()),
                n_codes(histories.channels()),
                n_codes(histories.categories()),
            ),
            n_slots: 1,
            notes: Default::default(),
            factors: Vec::new(),
            ops: Vec::new(),
            needs_clock: false,
            needs_order_clock: false,
            needs_dimension: [false; 3],
            scale: histories.scale(),
        }
    }
}

/// Lengths of all windows of the plan, ascending.
fn windows_of(plan: &FeaturePlan) -> Vec<u32> {
    let mut windows: Vec<u32> = Vec::new();
    for feature in &plan.features {
        let (window_days, longer_days) = feature.measure.windows_days();
        windows.extend(window_days.into_iter().chain(longer_days));
    }
    windows.sort_unstable();
    windows.dedup();
    windows
}

struct Builder<'a> {
    histories: &'a Histories,
    slots: HashMap<Total, usize>,
    values: HashMap<(Total, Option<u32>), usize>,
    windows_days: Vec<u32>,
    program: Program,
}

impl Builder<'_> {
    fn op(&mut self, measure: &Measure) -> Op {
        match measure {
            Measure::Total { total, window_days } => Op::Value(self.value(total, *window_days)),
            Measure::Quotient { numerator, denominator, window_days } => Op::Quotient(
                self.value(numerator, *window_days),
                self.value(denominator, *window_days),
            ),
            Measure::Trend { total, recent_days, longer_days } => Op::Quotient(
                self.value(total, Some(*recent_days)),
                self.value(total, Some(*longer_days)),
            ),
            Measure::Statistic(Statistic::DaysSinceLast(event)) => {
                // No event has the code 0.
                Op::DaysSinceLast(self.histories.events().code(event).unwrap_or(0))
            }
            Measure::Statistic(statistic) => {
                if let Some(dimension) = statistic.dimension() {
                    self.program.needs_dimension[dimension as usize] = true;
                }
                Op::Statistic(statistic.value())
            }
            Measure::Sql(_) => Op::Sql,
        }
    }

    /// The number of the value that a total has in a window.
    fn value(&mut self, total: &Total, window_days: Option<u32>) -> usize {
        if let Some(value) = self.values.get(&(total.clone(), window_days)) {
            return *value;
        }
        let slot = self.slot(total);
        let value = self.program.factors.len();
        let row = total.quantity.row();
        // Divided by when the value is noted.
        self.program.factors.push(if row.is_fixed_point { self.program.scale } else { 1.0 });
        let window = match window_days {
            Some(days) => self.windows_days.binary_search(&days).expect("a window of the plan"),
            None => self.windows_days.len(),
        };
        self.program.notes[row.series as usize][window].push(Note { slot, value });
        self.values.insert((total.clone(), window_days), value);
        value
    }

    /// The number of a total's sum.
    fn slot(&mut self, total: &Total) -> usize {
        if let Some(slot) = self.slots.get(total) {
            return *slot;
        }
        let slot = self.slots.len() + 1;
        self.slots.insert(total.clone(), slot);
        // What does not occur in the data keeps a sum of zero.
        if let Some(codes) = self.codes_of(total) {
            *(total.quantity.row().slot)(&mut self.program.slots, codes) = slot;
        }
        slot
    }

    /// Codes of the values that a total names; `None` when one does not occur.
    fn codes_of(&self, total: &Total) -> Option<Codes> {
        let code = |vocabulary: &Vocabulary, value: &Option<String>| match value {
            Some(value) => vocabulary.code(value).map(|code| code as usize),
            None => Some(0),
        };
        Some(Codes {
            event: code(self.histories.events(), &total.event)?,
            channel: code(self.histories.channels(), &total.channel)?,
            category: code(self.histories.categories(), &total.category)?,
            part: usize::from(total.part.unwrap_or(0)),
        })
    }
}

/// Column of events that holds the values of a dimension.
pub(super) fn code_of(dimension: Dimension, event: &EventRow) -> u32 {
    match dimension {
        Dimension::Event => event.event,
        Dimension::Channel => event.channel,
        Dimension::Category => event.category,
    }
}
