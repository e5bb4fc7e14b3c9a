//! An event as a row of words, and a user's events as columns.

use super::IdKind;

/// Columns of an event that are kept where they hold something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Column {
    /// Money, fixed point.
    Amount,
    /// Units, fixed point.
    Quantity,
    /// Money taken off, fixed point.
    Discount,
    /// Seconds, fixed point.
    Dwell,
    /// Hash of the item.
    Item,
    /// Hash of the session.
    Session,
    /// Hash of the order id.
    OrderId,
    /// When the event became known, in microseconds, where that is not its time.
    AvailableAt,
}

/// Number of [`Column`]s.
pub const N_COLUMNS: usize = 8;

impl Column {
    /// Names of the event columns, in the order of the values.
    pub const NAMES: [&'static str; N_COLUMNS] = [
        "amount",
        "quantity",
        "discount",
        "dwell_s",
        "item",
        "session",
        "order_id",
        "available_at",
    ];
}

/// Words at the start of every row: user, time, codes and presence.
pub(super) const N_FIXED: usize = 3;
/// Words of a row at most, without the text of a user id.
pub(super) const MAX_WORDS: usize = N_FIXED + N_COLUMNS;

const CATEGORY_BITS: u32 = 24;

/// The third word: event and channel of 16 bits, category of 24, and a bit for
/// each column that holds something.
pub(super) fn pack_codes(event: u32, channel: u32, category: u32, presence: u64) -> u64 {
    u64::from(event) | u64::from(channel) << 16 | u64::from(category) << 32 | presence << 56
}

/// Words of the row that starts at `offset`.
pub(super) fn row_length(words: &[u64], offset: usize, kind: IdKind) -> usize {
    let values = (words[offset + 2] >> 56).count_ones() as usize;
    let fixed = N_FIXED + values;
    match kind {
        IdKind::Integer => fixed,
        IdKind::Text => fixed + 1 + (words[offset + fixed] as usize).div_ceil(8),
    }
}

/// Appends a text: its length in bytes, then its bytes.
pub(super) fn push_text(words: &mut Vec<u64>, text: &[u8]) {
    words.push(text.len() as u64);
    for chunk in text.chunks(8) {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        words.push(u64::from_le_bytes(bytes));
    }
}

/// The text id at the end of the row that starts at `offset`.
pub(super) fn row_text(words: &[u64], offset: usize) -> Vec<u8> {
    let values = (words[offset + 2] >> 56).count_ones() as usize;
    let start = offset + N_FIXED + values;
    let n_bytes = words[start] as usize;
    let mut bytes: Vec<u8> = words[start + 1..start + 1 + n_bytes.div_ceil(8)]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    bytes.truncate(n_bytes);
    bytes
}

/// The id of one user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UserId {
    /// From an integer column.
    Integer(i64),
    /// From a text column.
    Text(String),
}

/// One event without its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventRow {
    /// Microseconds since 1970.
    pub time: i64,
    /// Code in the vocabulary of events.
    pub event: u32,
    /// Code in the vocabulary of channels; 0 for none.
    pub channel: u32,
    /// Code in the vocabulary of categories; 0 for none.
    pub category: u32,
    /// Values by [`Column`]; 0 for none.
    pub values: [u64; N_COLUMNS],
}

impl EventRow {
    /// Reads the row that starts at `offset`.
    #[inline]
    pub(super) fn read(words: &[u64], offset: usize) -> Self {
        let codes = words[offset + 2];
        let mut values = [0; N_COLUMNS];
        let mut present = codes >> 56;
        let mut next = offset + N_FIXED;
        while present != 0 {
            values[present.trailing_zeros() as usize] = words[next];
            present &= present - 1;
            next += 1;
        }
        Self {
            time: words[offset + 1] as i64,
            event: codes as u32 & 0xffff,
            channel: (codes >> 16) as u32 & 0xffff,
            category: (codes >> 32) as u32 & ((1 << CATEGORY_BITS) - 1),
            values,
        }
    }

    /// A fixed-point number.
    #[inline]
    pub fn number(&self, column: Column) -> i64 {
        self.values[column as usize] as i64
    }

    /// The hash of a text; 0 for none.
    #[inline]
    pub fn hash(&self, column: Column) -> u64 {
        self.values[column as usize]
    }

    /// From when on the event could be known.
    #[inline]
    pub fn known_from(&self) -> i64 {
        match self.values[Column::AvailableAt as usize] {
            0 => self.time,
            available => self.time.max(available as i64),
        }
    }
}

/// The events of one user in order of time; events of one time stand in no
/// particular order.
#[derive(Debug)]
pub struct History<'a> {
    /// Whose.
    pub user: &'a UserId,
    /// At least one.
    pub events: &'a [EventRow],
}
