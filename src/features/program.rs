//! A plan made ready to run on one collection of histories: names become codes,
//! totals become numbered sums, and every window notes which of them it needs.

use std::collections::HashMap;

use super::{FeaturePlan, Measure, Statistic, Total};
use crate::dataset::{DayPart, Dimension};
use crate::input::history::{Histories, Vocabulary};

pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Sums that nobody asked for end here.
pub(super) const UNUSED: usize = 0;

/// What a total adds up over, from the newest to the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Series {
    /// Event rows.
    Rows,
    /// Orders.
    Orders,
    /// The newest row of each item, among orders and each type of event.
    Items,
    /// The newest row of each category, among orders and each type of event.
    Categories,
    /// The newest row of each session.
    Sessions,
}

pub(super) const N_SERIES: usize = 5;

/// A sum that becomes a value once a window is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note {
    pub slot: usize,
    pub value: usize,
}

/// How a column of the matrix follows from the values.
#[derive(Debug)]
pub(super) enum Op {
    Value(usize),
    Quotient(usize, usize),
    Statistic(Statistic),
    DaysSinceLast(u32),
    /// Computed elsewhere.
    Sql,
}

/// Numbers of the sums; [`UNUSED`] for those not asked for.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub own_events: usize,
    pub active_days: usize,
    pub sessions: usize,
    pub dwell: usize,
    pub with_channel: usize,
    pub with_category: usize,
    pub day_parts: [usize; 4],
    pub weekdays: [usize; 7],
    pub weekend: usize,
    pub order_lines: usize,
    pub items: usize,
    pub categories_ordered: usize,
    pub orders: usize,
    pub order_days: usize,
    pub amount: usize,
    pub discount: usize,
    pub full_price: usize,
    pub discounted: usize,
    pub units: usize,
    pub order_parts: [usize; 4],
    pub orders_weekend: usize,
    pub order_quarters: [usize; 4],
    /// By event code.
    pub events: Vec<EventSlots>,
    /// By channel code.
    pub channels: Vec<usize>,
    /// By channel code.
    pub channel_amounts: Vec<usize>,
    /// By category code.
    pub categories: Vec<usize>,
    /// By event code, then channel code; empty when not asked for.
    pub event_channels: Vec<Vec<usize>>,
}

/// Numbers of the sums of one event type.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct EventSlots {
    pub count: usize,
    pub days: usize,
    pub items: usize,
    pub categories: usize,
    pub amount: usize,
    pub dwell: usize,
}

#[derive(Debug)]
pub(super) struct Program {
    pub order_event: u32,
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
    /// Whether the spread over the values of a column is asked for.
    pub needs_kind: [bool; 3],
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
            is_own,
            windows_days: Vec::new(),
            slots: Slots {
                events: vec![EventSlots::default(); n_codes(histories.events())],
                channels: vec![UNUSED; n_codes(histories.channels())],
                channel_amounts: vec![UNUSED; n_codes(histories.channels())],
                categories: vec![UNUSED; n_codes(histories.categories())],
                ..Default::default()
            },
            n_slots: 1,
            notes: Default::default(),
            factors: Vec::new(),
            ops: Vec::new(),
            needs_clock: false,
            needs_order_clock: false,
            needs_kind: [false; 3],
            scale: histories.scale(),
        }
    }
}

/// Lengths of all windows of the plan, ascending.
fn windows_of(plan: &FeaturePlan) -> Vec<u32> {
    let mut windows: Vec<u32> = Vec::new();
    for feature in &plan.features {
        match &feature.measure {
            Measure::Total { window_days, .. } | Measure::Quotient { window_days, .. } => {
                windows.extend(window_days);
            }
            Measure::Trend { recent_days, longer_days, .. } => {
                windows.extend([recent_days, longer_days]);
            }
            Measure::Statistic(_) | Measure::Sql(_) => {}
        }
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
                self.note_needs(statistic);
                Op::Statistic(statistic.clone())
            }
            Measure::Sql(_) => Op::Sql,
        }
    }

    fn note_needs(&mut self, statistic: &Statistic) {
        match statistic {
            Statistic::Distinct(kind)
            | Statistic::Entropy(kind)
            | Statistic::FavouriteShare(kind)
            | Statistic::DaysSinceNew(kind) => self.program.needs_kind[*kind as usize] = true,
            _ => {}
        }
    }

    /// The number of the value that a total has in a window.
    fn value(&mut self, total: &Total, window_days: Option<u32>) -> usize {
        if let Some(value) = self.values.get(&(total.clone(), window_days)) {
            return *value;
        }
        let slot = self.slot(total);
        let value = self.program.factors.len();
        let is_fixed_point = matches!(
            total,
            Total::DwellSeconds
                | Total::Amount
                | Total::Discount
                | Total::FullPrice
                | Total::Units
                | Total::AmountOnChannel(_)
                | Total::AmountOf(_)
                | Total::DwellOf(_)
        );
        // Divided by when the value is noted.
        self.program.factors.push(if is_fixed_point { self.program.scale } else { 1.0 });
        let window = match window_days {
            Some(days) => self.windows_days.binary_search(&days).expect("a window of the plan"),
            None => self.windows_days.len(),
        };
        self.program.notes[series_of(total) as usize][window].push(Note { slot, value });
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
        let (histories, program) = (self.histories, &mut self.program);
        let slots = &mut program.slots;
        let event_code = |event: &str| histories.events().code(event).map(|code| code as usize);
        let channel_code = |name: &str| histories.channels().code(name).map(|code| code as usize);
        let place = match total {
            Total::Events(event) => event_code(event).map(|code| &mut slots.events[code].count),
            Total::DaysOf(event) => event_code(event).map(|code| &mut slots.events[code].days),
            Total::ItemsOf(event) => event_code(event).map(|code| &mut slots.events[code].items),
            Total::CategoriesOf(event) => {
                event_code(event).map(|code| &mut slots.events[code].categories)
            }
            Total::AmountOf(event) => event_code(event).map(|code| &mut slots.events[code].amount),
            Total::DwellOf(event) => event_code(event).map(|code| &mut slots.events[code].dwell),
            Total::OwnEvents => Some(&mut slots.own_events),
            Total::ActiveDays => Some(&mut slots.active_days),
            Total::Sessions => Some(&mut slots.sessions),
            Total::DwellSeconds => Some(&mut slots.dwell),
            Total::Orders => Some(&mut slots.orders),
            Total::OrderDays => Some(&mut slots.order_days),
            Total::Amount => Some(&mut slots.amount),
            Total::Discount => Some(&mut slots.discount),
            Total::FullPrice => Some(&mut slots.full_price),
            Total::DiscountedOrders => Some(&mut slots.discounted),
            Total::Units => Some(&mut slots.units),
            Total::OrderLines => Some(&mut slots.order_lines),
            Total::ItemsOrdered => Some(&mut slots.items),
            Total::CategoriesOrdered => Some(&mut slots.categories_ordered),
            Total::OrdersAt(part) => {
                program.needs_order_clock = true;
                Some(&mut slots.order_parts[*part as usize])
            }
            Total::OrdersAtWeekend => {
                program.needs_order_clock = true;
                Some(&mut slots.orders_weekend)
            }
            Total::OrdersInQuarter(quarter) => {
                program.needs_order_clock = true;
                Some(&mut slots.order_quarters[usize::from(*quarter - 1) % 4])
            }
            Total::EventsWithChannel => Some(&mut slots.with_channel),
            Total::EventsOnChannel(channel) => {
                channel_code(channel).map(|code| &mut slots.channels[code])
            }
            Total::AmountOnChannel(channel) => {
                channel_code(channel).map(|code| &mut slots.channel_amounts[code])
            }
            Total::EventOnChannel { event, channel } => {
                if slots.event_channels.is_empty() {
                    let n_channels = histories.channels().len() + 1;
                    slots.event_channels = vec![vec![UNUSED; n_channels]; slots.events.len()];
                }
                let codes = event_code(event).zip(channel_code(channel));
                codes.map(|(event, channel)| &mut slots.event_channels[event][channel])
            }
            Total::EventsWithCategory => Some(&mut slots.with_category),
            Total::EventsInCategory(category) => {
                let code = histories.categories().code(category);
                code.map(|code| &mut slots.categories[code as usize])
            }
            Total::EventsAt(part) => {
                program.needs_clock = true;
                Some(&mut slots.day_parts[*part as usize])
            }
            Total::EventsOnWeekday(day) => {
                program.needs_clock = true;
                Some(&mut slots.weekdays[usize::from(*day) % 7])
            }
            Total::EventsAtWeekend => {
                program.needs_clock = true;
                Some(&mut slots.weekend)
            }
        };
        // What does not occur in the data keeps a sum of zero.
        if let Some(place) = place {
            *place = slot;
        }
        slot
    }
}

fn series_of(total: &Total) -> Series {
    match total {
        Total::Orders
        | Total::OrderDays
        | Total::Amount
        | Total::Discount
        | Total::FullPrice
        | Total::DiscountedOrders
        | Total::Units
        | Total::OrdersAt(_)
        | Total::OrdersAtWeekend
        | Total::OrdersInQuarter(_) => Series::Orders,
        Total::ItemsOrdered | Total::ItemsOf(_) => Series::Items,
        Total::CategoriesOrdered | Total::CategoriesOf(_) => Series::Categories,
        Total::Sessions => Series::Sessions,
        _ => Series::Rows,
    }
}

/// Six hours from midnight on.
pub(super) fn day_part(time: i64, day: i64) -> usize {
    let quarter_of_day = MICROS_PER_DAY / DayPart::ALL.len() as i64;
    ((time - day * MICROS_PER_DAY) / quarter_of_day) as usize
}

/// 0 for Monday.
pub(super) fn weekday(day: i64) -> usize {
    // 1 January 1970 was a Thursday.
    (day + 3).rem_euclid(7) as usize
}

/// Column of events that holds the values of a kind.
pub(super) fn code_of(kind: Dimension, event: &crate::input::history::EventRow) -> u32 {
    match kind {
        Dimension::Event => event.event,
        Dimension::Channel => event.channel,
        Dimension::Category => event.category,
    }
}
