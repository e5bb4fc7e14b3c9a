//! What is summed or counted: one row of a table a quantity.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::formula::{filled_in, quoted};
use crate::features::slots::{Codes, Series, Slots};

/// A quantity, and the part of the data that it is taken of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Total {
    /// What is summed or counted.
    pub quantity: Quantity,
    /// Event type of which alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Channel on which alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Category in which alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Part of the day, day of the week or quarter in which alone, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u8>,
}

/// What is summed or counted. *Own* events are those that the user, and not the
/// business, brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Events of a type.
    Events,
    /// Days with an event of a type.
    DaysOfEvent,
    /// Different items in events of a type.
    ItemsOfEvent,
    /// Different categories in events of a type.
    CategoriesOfEvent,
    /// Amount of the events of a type.
    AmountOfEvent,
    /// Seconds spent in events of a type.
    DwellOfEvent,
    /// Events of a type on a channel.
    EventsOnChannel,
    /// Own events.
    OwnEvents,
    /// Days with an own event.
    ActiveDays,
    /// Different sessions.
    Sessions,
    /// Seconds spent.
    DwellSeconds,
    /// Orders: order rows with one id are one order, others one each.
    Orders,
    /// Days with an order.
    OrderDays,
    /// Amount ordered.
    Amount,
    /// Discount taken.
    Discount,
    /// Amount and discount together.
    FullPrice,
    /// Orders with a discount.
    DiscountedOrders,
    /// Units ordered.
    Units,
    /// Order rows.
    OrderLines,
    /// Different items ordered.
    ItemsOrdered,
    /// Different categories ordered from.
    CategoriesOrdered,
    /// Orders placed in a part of the day.
    OrdersInDayPart,
    /// Orders placed on a Saturday or Sunday.
    OrdersAtWeekend,
    /// Orders placed in a quarter of the year.
    OrdersInQuarter,
    /// Own events with a channel.
    EventsWithChannel,
    /// Own events on a channel.
    OwnEventsOnChannel,
    /// Amount ordered on a channel.
    AmountOnChannel,
    /// Own events with a category.
    EventsWithCategory,
    /// Own events in a category.
    EventsInCategory,
    /// Own events in a part of the day.
    EventsInDayPart,
    /// Own events on a day of the week.
    EventsOnWeekday,
    /// Own events on a Saturday or Sunday.
    EventsAtWeekend,
}

/// What is needed to compute a quantity and to speak of it.
pub(in crate::features) struct Row {
    /// What is walked through to add it up.
    pub series: Series,
    /// Whether sums are in fixed-point units and not in ones.
    pub is_fixed_point: bool,
    /// Where the number of its sum is kept.
    pub slot: fn(&mut Slots, Codes) -> &mut usize,
    /// For people, with `{event}`, `{channel}`, `{category}` and
    /// `{hours}`, `{weekday}` or `{quarter}`.
    formula: &'static str,
}

type Slot = fn(&mut Slots, Codes) -> &mut usize;

const fn count(series: Series, formula: &'static str, slot: Slot) -> Row {
    Row { series, is_fixed_point: false, slot, formula }
}

const fn sum(series: Series, formula: &'static str, slot: Slot) -> Row {
    Row { series, is_fixed_point: true, slot, formula }
}

impl Quantity {
    /// The row of the quantity.
    #[rustfmt::skip]
    pub(in crate::features) fn row(self) -> Row {
        use Quantity as Q;
        use Series as S;
        match self {
            Q::Events => count(S::Rows, "count(rows with event = {event})", |s, of| &mut s.events[of.event].count),
            Q::DaysOfEvent => count(S::Rows, "distinct(day of event = {event})", |s, of| &mut s.events[of.event].days),
            Q::ItemsOfEvent => count(S::Items, "distinct(item of event = {event})", |s, of| &mut s.events[of.event].items),
            Q::CategoriesOfEvent => count(S::Categories, "distinct(category of event = {event})", |s, of| &mut s.events[of.event].categories),
            Q::AmountOfEvent => sum(S::Rows, "sum(amount of event = {event})", |s, of| &mut s.events[of.event].amount),
            Q::DwellOfEvent => sum(S::Rows, "sum(dwell_s of event = {event})", |s, of| &mut s.events[of.event].dwell),
            Q::EventsOnChannel => count(S::Rows, "count(rows with event = {event} and channel = {channel})", |s, of| s.event_channel(of)),
            Q::OwnEvents => count(S::Rows, "count(own events)", |s, _| &mut s.own_events),
            Q::ActiveDays => count(S::Rows, "distinct(day of own events)", |s, _| &mut s.active_days),
            Q::Sessions => count(S::Sessions, "distinct(session)", |s, _| &mut s.sessions),
            Q::DwellSeconds => sum(S::Rows, "sum(dwell_s)", |s, _| &mut s.dwell),
            Q::Orders => count(S::Orders, "count(orders)", |s, _| &mut s.orders),
            Q::OrderDays => count(S::Orders, "distinct(day of orders)", |s, _| &mut s.order_days),
            Q::Amount => sum(S::Orders, "sum(order amount)", |s, _| &mut s.amount),
            Q::Discount => sum(S::Orders, "sum(order discount)", |s, _| &mut s.discount),
            Q::FullPrice => sum(S::Orders, "sum(order amount + discount)", |s, _| &mut s.full_price),
            Q::DiscountedOrders => count(S::Orders, "count(orders with discount > 0)", |s, _| &mut s.discounted),
            Q::Units => sum(S::Orders, "sum(order quantity)", |s, _| &mut s.units),
            Q::OrderLines => count(S::Rows, "count(order rows)", |s, _| &mut s.order_lines),
            Q::ItemsOrdered => count(S::Items, "distinct(item of order rows)", |s, _| &mut s.items),
            Q::CategoriesOrdered => count(S::Categories, "distinct(category of order rows)", |s, _| &mut s.categories_ordered),
            Q::OrdersInDayPart => count(S::Orders, "count(orders at {hours})", |s, of| &mut s.order_parts[of.part % 4]),
            Q::OrdersAtWeekend => count(S::Orders, "count(orders on Sat, Sun)", |s, _| &mut s.orders_weekend),
            Q::OrdersInQuarter => count(S::Orders, "count(orders in {quarter})", |s, of| &mut s.order_quarters[of.part % 4]),
            Q::EventsWithChannel => count(S::Rows, "count(own events with channel)", |s, _| &mut s.with_channel),
            Q::OwnEventsOnChannel => count(S::Rows, "count(own events with channel = {channel})", |s, of| &mut s.channels[of.channel]),
            Q::AmountOnChannel => sum(S::Rows, "sum(amount of order rows with channel = {channel})", |s, of| &mut s.channel_amounts[of.channel]),
            Q::EventsWithCategory => count(S::Rows, "count(own events with category)", |s, _| &mut s.with_category),
            Q::EventsInCategory => count(S::Rows, "count(own events with category = {category})", |s, of| &mut s.categories[of.category]),
            Q::EventsInDayPart => count(S::Rows, "count(own events at {hours})", |s, of| &mut s.day_parts[of.part % 4]),
            Q::EventsOnWeekday => count(S::Rows, "count(own events on {weekday})", |s, of| &mut s.weekdays[of.part % 7]),
            Q::EventsAtWeekend => count(S::Rows, "count(own events on Sat, Sun)", |s, _| &mut s.weekend),
        }
    }
}

impl From<Quantity> for Total {
    fn from(quantity: Quantity) -> Self {
        Self { quantity, event: None, channel: None, category: None, part: None }
    }
}

impl Total {
    /// Of an event type.
    pub fn of_event(quantity: Quantity, event: &str) -> Self {
        Self { event: Some(event.to_owned()), ..quantity.into() }
    }

    /// On a channel.
    pub fn on_channel(quantity: Quantity, channel: &str) -> Self {
        Self { channel: Some(channel.to_owned()), ..quantity.into() }
    }

    /// In a category.
    pub fn in_category(quantity: Quantity, category: &str) -> Self {
        Self { category: Some(category.to_owned()), ..quantity.into() }
    }

    /// In a part of the day, the week or the year, from 0.
    pub fn in_part(quantity: Quantity, part: u8) -> Self {
        Self { part: Some(part), ..quantity.into() }
    }

    /// Values of the data that it names.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        [&self.event, &self.channel, &self.category].into_iter().flatten().map(String::as_str)
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<String>| quoted(value.as_deref().unwrap_or_default());
        let part = |names: &[&str]| names[usize::from(self.part.unwrap_or(0)) % names.len()].into();
        let value_of = |name: &str| match name {
            "event" => value(&self.event),
            "channel" => value(&self.channel),
            "category" => value(&self.category),
            "hours" => part(&["0 to 6 h", "6 to 12 h", "12 to 18 h", "18 to 24 h"]),
            "weekday" => part(&["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]),
            _ => part(&["Q1", "Q2", "Q3", "Q4"]),
        };
        f.write_str(&filled_in(self.quantity.row().formula, value_of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_name_what_is_counted() {
        let events = Total::of_event(Quantity::EventsOnChannel, "it's");
        let events = Total { channel: Some("app".into()), ..events };
        let expected = "count(rows with event = 'it''s' and channel = 'app')";
        assert_eq!(events.to_string(), expected);
        let sundays = Total::in_part(Quantity::EventsOnWeekday, 6);
        assert_eq!(sundays.to_string(), "count(own events on Sun)");
        let last_quarter = Total::in_part(Quantity::OrdersInQuarter, 3);
        assert_eq!(last_quarter.to_string(), "count(orders in Q4)");
    }
}
