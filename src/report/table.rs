use super::Value;
use crate::dataset::Bilingual;

/// How people read the numbers of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Words: 1,234 where it is a count.
    Text,
    /// A whole number: 1,234.
    Count,
    /// A share of one: 12.3 %.
    Share,
    /// So many digits after the point: 0.123.
    Decimal(usize),
    /// The same with its sign: +0.123.
    Signed(usize),
    /// An amount in whole units of the currency: -1,234.
    Money,
    /// A number of unknown size: 1,234 or 12 or 1.23.
    Short,
}

/// Whom a column or a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audience {
    /// Text, JSON and CSV have it.
    #[default]
    Everybody,
    /// Only text has it.
    People,
    /// Only JSON and CSV have it.
    Programs,
}

impl Audience {
    /// Whether people see it.
    pub fn has_people(self) -> bool {
        self != Self::Programs
    }

    /// Whether programs see it.
    pub fn has_programs(self) -> bool {
        self != Self::People
    }
}

/// What stands above a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// What programs call it.
    pub key: String,
    /// What people read; may be empty.
    pub title: Bilingual,
    /// How its numbers are written for people.
    pub format: Format,
    /// Whom it is for.
    pub audience: Audience,
}

/// A column and where its values come from: one row of the list that makes a table.
pub struct Column<'a, R> {
    head: Head,
    cell: Box<dyn Fn(&R) -> Value + 'a>,
}

/// A column for everybody.
pub fn column<'a, R, V: Into<Value>>(
    key: impl Into<String>,
    (en, zh): (&str, &str),
    format: Format,
    cell: impl Fn(&R) -> V + 'a,
) -> Column<'a, R> {
    let title = Bilingual::new(en, zh);
    let head = Head { key: key.into(), title, format, audience: Audience::Everybody };
    Column { head, cell: Box::new(move |row| cell(row).into()) }
}

impl<R> Column<'_, R> {
    /// The same for text alone.
    pub fn for_people(mut self) -> Self {
        self.head.audience = Audience::People;
        self
    }

    /// The same for JSON and CSV alone.
    pub fn for_programs(mut self) -> Self {
        self.head.audience = Audience::Programs;
        self
    }
}

/// Rows of typed cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What programs call it.
    pub key: &'static str,
    /// One for each column.
    pub heads: Vec<Head>,
    /// One for each row, as long as `heads`.
    pub rows: Vec<Vec<Value>>,
    /// Whom it is for.
    pub audience: Audience,
    /// Whether people read its columns as rows.
    pub is_transposed: bool,
}

impl Table {
    /// A table of `rows` by the list of its columns.
    pub fn new<R>(
        key: &'static str,
        rows: impl IntoIterator<Item = R>,
        columns: &[Column<'_, R>],
    ) -> Self {
        let cells = |row: R| columns.iter().map(|column| (column.cell)(&row)).collect();
        Self {
            key,
            heads: columns.iter().map(|column| column.head.clone()).collect(),
            rows: rows.into_iter().map(cells).collect(),
            audience: Audience::Everybody,
            is_transposed: false,
        }
    }

    /// The same for text alone.
    pub fn for_people(self) -> Self {
        Self { audience: Audience::People, ..self }
    }

    /// The same for JSON and CSV alone.
    pub fn for_programs(self) -> Self {
        Self { audience: Audience::Programs, ..self }
    }

    /// Columns as rows, for people: a measure on each line.
    pub fn transposed(self) -> Self {
        Self { is_transposed: true, ..self }
    }
}
