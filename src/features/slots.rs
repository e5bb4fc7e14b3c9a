//! Where sums are kept while a history is walked through.

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

/// Codes of the values of the data that a total names; 0 for what it does not.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Codes {
    pub event: usize,
    pub channel: usize,
    pub category: usize,
    /// Part of the day, day of the week or quarter.
    pub part: usize,
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

impl Slots {
    /// For as many codes, 0 among them.
    pub fn new(n_events: usize, n_channels: usize, n_categories: usize) -> Self {
        Self {
            events: vec![EventSlots::default(); n_events],
            channels: vec![UNUSED; n_channels],
            channel_amounts: vec![UNUSED; n_channels],
            categories: vec![UNUSED; n_categories],
            ..Self::default()
        }
    }

    /// The sum of one type of event on one channel.
    pub fn event_channel(&mut self, of: Codes) -> &mut usize {
        if self.event_channels.is_empty() {
            self.event_channels = vec![vec![UNUSED; self.channels.len()]; self.events.len()];
        }
        &mut self.event_channels[of.event][of.channel]
    }

    /// Whether time of day or day of week of events is asked for.
    pub fn need_clock(&self) -> bool {
        let mut slots = self.day_parts.iter().chain(&self.weekdays).chain([&self.weekend]);
        slots.any(|slot| *slot != UNUSED)
    }

    /// The same of orders, or their quarter of the year.
    pub fn need_order_clock(&self) -> bool {
        let slots = self.order_parts.iter().chain(&self.order_quarters);
        slots.chain([&self.orders_weekend]).any(|slot| *slot != UNUSED)
    }
}
