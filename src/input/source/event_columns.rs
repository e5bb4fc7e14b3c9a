//! The columns of an event, one row each: what the config calls them, their types, and
//! which of them the contract asks for.

use arrow::datatypes::{DataType, TimeUnit};

use super::SourceParams;
use crate::input::history::Column;

/// Digits kept after the decimal point of amounts, quantities and durations.
/// They are summed as fixed-point numbers, so that a sum never depends on the
/// order of rows or on the number of threads.
pub const DECIMAL_SCALE: i8 = 4;

/// All digits of a fixed-point number: amounts below 10^14.
pub const DECIMAL_PRECISION: u8 = 18;

/// A column of the `events` table.
#[derive(Debug)]
pub struct EventColumn {
    /// In the table.
    pub name: &'static str,
    /// In a `[[source]]` of the config.
    pub key: &'static str,
    /// What it holds.
    pub kind: EventColumnKind,
    /// The expression that a source maps to it.
    pub expression: fn(&SourceParams) -> Option<&str>,
}

/// What a column of the events holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventColumnKind {
    /// Who: required.
    User,
    /// When: required, within bounds.
    Time,
    /// When it became known.
    KnownFrom,
    /// What: required, one of few values.
    Event,
    /// One of few values.
    Code,
    /// A fixed-point number.
    Number,
    /// Text that identifies things.
    Text,
}

impl EventColumnKind {
    /// Its type in the table; ids of users may be integers as well.
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Time | Self::KnownFrom => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Number => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
            Self::User | Self::Event | Self::Code | Self::Text => DataType::Utf8View,
        }
    }
}

/// The columns of the `events` table, all of them always present; optional
/// ones that no source maps are null.
pub static EVENT_COLUMNS: [EventColumn; 13] = {
    use EventColumnKind::{Code, Event, KnownFrom, Number, Text, Time, User};
    [
        required("user_id", "user", User, |it| Some(&it.user)),
        required("time", "time", Time, |it| Some(&it.time)),
        required("event", "event", Event, |it| Some(&it.event)),
        optional(Column::Amount.name(), Number, |it| it.amount.as_deref()),
        optional(Column::Quantity.name(), Number, |it| it.quantity.as_deref()),
        optional(Column::Discount.name(), Number, |it| it.discount.as_deref()),
        optional(Column::Item.name(), Text, |it| it.item.as_deref()),
        optional("category", Code, |it| it.category.as_deref()),
        optional("channel", Code, |it| it.channel.as_deref()),
        optional(Column::OrderId.name(), Text, |it| it.order_id.as_deref()),
        optional(Column::Dwell.name(), Number, |it| it.dwell_s.as_deref()),
        optional(Column::Session.name(), Text, |it| it.session.as_deref()),
        optional(Column::AvailableAt.name(), KnownFrom, |it| it.available_at.as_deref()),
    ]
};

const fn required(
    name: &'static str,
    key: &'static str,
    kind: EventColumnKind,
    expression: fn(&SourceParams) -> Option<&str>,
) -> EventColumn {
    EventColumn { name, key, kind, expression }
}

const fn optional(
    name: &'static str,
    kind: EventColumnKind,
    expression: fn(&SourceParams) -> Option<&str>,
) -> EventColumn {
    EventColumn { name, key: name, kind, expression }
}

/// Names of [`EVENT_COLUMNS`].
pub fn event_column_names() -> impl Iterator<Item = &'static str> {
    EVENT_COLUMNS.iter().map(|column| column.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of the config that no row of the table reads would be an option that does
    /// nothing.
    #[test]
    fn every_mapped_key_is_read() {
        let mut source = String::from("path = \"a.csv\"\n");
        for column in &EVENT_COLUMNS {
            source.push_str(&format!("{} = \"of {}\"\n", column.key, column.name));
        }
        let source: SourceParams = toml::from_str(&source).unwrap();
        for column in &EVENT_COLUMNS {
            let expected = format!("of {}", column.name);
            assert_eq!((column.expression)(&source), Some(expected.as_str()));
        }
    }
}
