//! An event as a row of words, and a user's events as columns.
//!
//! A row is a few 32-bit words, since most of the time of reading goes into
//! touching fresh memory:
//!
//! | words | content |
//! |---|---|
//! | 1 | event (16 bits), which columns hold something (8), flags |
//! | 1 | category (24), channel (8) |
//! | 0-1 | channel beyond 8 bits |
//! | 1-2 | user: a number, or the hash of a text |
//! | 1-2 | time: whole seconds, or microseconds |
//! | 0-16 | the columns that hold something: numbers in 1 or 2 words, others in 2 |
//! | 0-n | text of the user id: its length in bytes, then its bytes |

use std::fmt;

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

/// Columns before this one are numbers, mostly small; the others fill 64 bits.
const N_NUMBERS: usize = Column::Item as usize;

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

    /// Name of the event column.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Words of a row at most, without the text of a user id.
pub(super) const MAX_WORDS: usize = 7 + 2 * N_COLUMNS;

// The first word: the event, then the presence of each column, then flags.
const PRESENT: u32 = 16;
const WIDE_NUMBER: u32 = 24;
const WIDE_USER: u32 = 1 << 28;
const WIDE_TIME: u32 = 1 << 29;
const WIDE_CHANNEL: u32 = 1 << 30;

// The second: the category, then the channel.
const CATEGORY_BITS: u32 = 24;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Writes a row.
pub(super) struct RowBuilder<'a> {
    words: &'a mut [u32; MAX_WORDS],
    length: usize,
}

impl<'a> RowBuilder<'a> {
    /// Starts a row in `words`; values follow in the order of the columns.
    #[inline]
    pub fn start(
        words: &'a mut [u32; MAX_WORDS],
        user: u64,
        time: i64,
        [event, channel, category]: [u32; 3],
    ) -> Self {
        words[0] = event;
        words[1] = category | channel << CATEGORY_BITS;
        let mut row = Self { words, length: 2 };
        if channel >> 8 != 0 {
            row.words[0] |= WIDE_CHANNEL;
            row.push(channel >> 8);
        }
        if row.push_number(user) {
            row.words[0] |= WIDE_USER;
        }
        let seconds = time / MICROS_PER_SECOND;
        match u32::try_from(seconds) {
            Ok(short) if seconds * MICROS_PER_SECOND == time => row.push(short),
            _ => {
                row.words[0] |= WIDE_TIME;
                row.push_wide(time as u64);
            }
        }
        row
    }

    /// Adds the value of a column; 0 stands for none.
    #[inline]
    pub fn add(&mut self, column: usize, value: u64) {
        if value == 0 {
            return;
        }
        self.words[0] |= 1 << (PRESENT + column as u32);
        if column >= N_NUMBERS {
            self.push_wide(value);
        } else if self.push_number(value) {
            self.words[0] |= 1 << (WIDE_NUMBER + column as u32);
        }
    }

    /// Words written.
    pub fn length(&self) -> usize {
        self.length
    }

    #[inline]
    fn push(&mut self, word: u32) {
        self.words[self.length] = word;
        self.length += 1;
    }

    #[inline]
    fn push_wide(&mut self, value: u64) {
        self.push(value as u32);
        self.push((value >> 32) as u32);
    }

    /// Adds a signed number; true when it took two words.
    #[inline]
    fn push_number(&mut self, value: u64) -> bool {
        let narrow = value as i64 as i32;
        if i64::from(narrow) == value as i64 {
            self.push(narrow as u32);
            return false;
        }
        self.push_wide(value);
        true
    }
}

/// Reads a row word by word.
struct RowReader<'a> {
    words: &'a [u32],
    next: usize,
    flags: u32,
}

impl<'a> RowReader<'a> {
    #[inline]
    fn new(words: &'a [u32], offset: usize) -> Self {
        Self { words, next: offset + 1, flags: words[offset] }
    }

    #[inline]
    fn narrow(&mut self) -> u32 {
        self.next += 1;
        self.words[self.next - 1]
    }

    #[inline]
    fn wide(&mut self) -> u64 {
        let low = self.narrow();
        u64::from(low) | u64::from(self.narrow()) << 32
    }

    #[inline]
    fn number(&mut self, is_wide: bool) -> u64 {
        if is_wide { self.wide() } else { i64::from(self.narrow() as i32) as u64 }
    }

    #[inline]
    fn user(&mut self) -> u64 {
        self.number(self.flags & WIDE_USER != 0)
    }

    #[inline]
    fn time(&mut self) -> i64 {
        match self.flags & WIDE_TIME {
            0 => i64::from(self.narrow()) * MICROS_PER_SECOND,
            _ => self.wide() as i64,
        }
    }
}

/// User and time of the row that starts at `offset`.
#[inline]
pub(super) fn row_key(words: &[u32], offset: usize) -> (u64, i64) {
    let (user, head) = read_head(&mut RowReader::new(words, offset));
    (user, head.time)
}

/// Words of the row that starts at `offset`, without the text of a user id.
#[inline]
fn fixed_length(flags: u32) -> usize {
    const NUMBERS: u32 = ((1 << N_NUMBERS) - 1) << PRESENT;
    const OTHERS: u32 = (0xff << PRESENT) & !NUMBERS;
    const FLAGS: u32 = WIDE_USER | WIDE_TIME | WIDE_CHANNEL | (0xf << WIDE_NUMBER);
    let n_more = (flags & (NUMBERS | FLAGS)).count_ones() + 2 * (flags & OTHERS).count_ones();
    4 + n_more as usize
}

/// Words of the row that starts at `offset`.
#[inline]
pub(super) fn row_length(words: &[u32], offset: usize, kind: IdKind) -> usize {
    let length = fixed_length(words[offset]);
    match kind {
        IdKind::Integer => length,
        IdKind::Text => length + 1 + (words[offset + length] as usize).div_ceil(4),
    }
}

/// Appends a text: its length in bytes, then its bytes.
pub(super) fn push_text(words: &mut Vec<u32>, text: &[u8]) {
    words.push(text.len() as u32);
    for chunk in text.chunks(4) {
        let mut bytes = [0; 4];
        bytes[..chunk.len()].copy_from_slice(chunk);
        words.push(u32::from_le_bytes(bytes));
    }
}

/// The text id at the end of the row that starts at `offset`, as
/// [`push_text`] wrote it.
pub(super) fn row_text(words: &[u32], offset: usize) -> &[u32] {
    &words[offset + fixed_length(words[offset])..offset + row_length(words, offset, IdKind::Text)]
}

/// The id of one user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UserId {
    /// From an integer column.
    Integer(i64),
    /// From a text column.
    Text(String),
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(id) => id.fmt(f),
            Self::Text(id) => id.fmt(f),
        }
    }
}

impl UserId {
    /// The user of the row that starts at `offset`.
    pub(super) fn read(words: &[u32], offset: usize, kind: IdKind) -> Self {
        match kind {
            IdKind::Integer => Self::Integer(row_key(words, offset).0 as i64),
            IdKind::Text => {
                let text = row_text(words, offset);
                let mut bytes: Vec<u8> = text[1..].iter().flat_map(|w| w.to_le_bytes()).collect();
                bytes.truncate(text[0] as usize);
                Self::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
        }
    }
}

/// What an event is, without its user and its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventHead {
    /// Microseconds since 1970.
    pub time: i64,
    /// Code in the vocabulary of events.
    pub event: u32,
    /// Code in the vocabulary of channels; 0 for none.
    pub channel: u32,
    /// Code in the vocabulary of categories; 0 for none.
    pub category: u32,
    /// A bit for each [`Column`] that holds something.
    pub present: u32,
}

impl EventHead {
    /// Reads the row that starts at `offset`.
    #[inline]
    pub(super) fn read(words: &[u32], offset: usize) -> Self {
        read_head(&mut RowReader::new(words, offset)).1
    }
}

/// User and head of a row that has not been read from.
#[inline(always)]
fn read_head(row: &mut RowReader<'_>) -> (u64, EventHead) {
    let codes = row.words[row.next];
    row.next += 1;
    let mut channel = codes >> CATEGORY_BITS;
    if row.flags & WIDE_CHANNEL != 0 {
        channel |= row.narrow() << 8;
    }
    let user = row.user();
    let head = EventHead {
        time: row.time(),
        event: row.flags & 0xffff,
        channel,
        category: codes & ((1 << CATEGORY_BITS) - 1),
        present: row.flags >> PRESENT & 0xff,
    };
    (user, head)
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
    /// The user, as number or hash, and the event of the row that starts at
    /// `offset`.
    #[inline(always)]
    pub(super) fn read(words: &[u32], offset: usize) -> (u64, Self) {
        let mut row = RowReader::new(words, offset);
        let (user, EventHead { time, event, channel, category, mut present }) = read_head(&mut row);
        let mut values = [0; N_COLUMNS];
        while present != 0 {
            let column = present.trailing_zeros();
            let is_wide =
                column as usize >= N_NUMBERS || row.flags >> (WIDE_NUMBER + column) & 1 != 0;
            values[column as usize] = row.number(is_wide);
            present &= present - 1;
        }
        (user, Self { time, event, channel, category, values })
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
