//! The columns of a sample, and what their names and values look like.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, StringArray};
use arrow::datatypes::DataType;

use crate::input::source::{FileFormat, SampledColumn, TableSample};

/// Distinct values that are kept of a column, the most frequent.
const MAX_TOP_VALUES: usize = 200;

/// What a column holds, as expressions see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Time,
    Boolean,
    /// Lists and the like, which no mapping reads.
    Nested,
}

/// A column with its sampled values.
#[derive(Debug)]
pub(super) struct Column {
    pub name: String,
    /// As it has to be written in an expression.
    pub expression: String,
    pub kind: Kind,
    /// Values as text, null where absent.
    pub cells: StringArray,
    /// Rows that have a value.
    pub n_filled: usize,
    /// Distinct values.
    pub n_distinct: usize,
    /// The most frequent values with their number of rows.
    pub top: Vec<(String, usize)>,
    words: Vec<String>,
}

/// Names of the columns that have a meaning already.
pub(super) type Taken = HashSet<String>;

/// The sampled rows of a source, by column.
pub(super) struct Table {
    pub columns: Vec<Column>,
    pub n_rows: usize,
    pub n_rows_in_files: u64,
    pub is_whole: bool,
    pub n_misfits: usize,
    pub reaches_end: bool,
    pub is_csv: bool,
    pub delimiter: u8,
    /// Words of the file's name.
    pub file_words: String,
}

impl Table {
    pub fn new(sample: TableSample, file_words: String) -> Self {
        Self {
            columns: sample.columns.into_iter().map(Column::new).collect(),
            n_rows: sample.n_rows,
            n_rows_in_files: sample.n_rows_in_files,
            is_whole: sample.is_whole,
            n_misfits: sample.n_misfits,
            reaches_end: sample.reaches_end,
            is_csv: sample.format == FileFormat::Csv,
            delimiter: sample.delimiter,
            file_words,
        }
    }

    /// `12 rows`, or what stands for it where only a sample was read.
    pub fn rows(&self, n: usize) -> String {
        if self.is_whole {
            return format!("{n} rows");
        }
        format!("{:.1} % of the sampled rows", 100.0 * n as f64 / self.n_rows.max(1) as f64)
    }
}

impl Column {
    fn new(column: SampledColumn) -> Self {
        let (kind, expression) = kind_of(&column.data_type, column.expression);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for cell in column.cells.iter().flatten() {
            *counts.entry(cell).or_default() += 1;
        }
        let n_distinct = counts.len();
        let mut top: Vec<(&str, usize)> = counts.into_iter().collect();
        let by_count = |a: &(&str, usize), b: &(&str, usize)| b.1.cmp(&a.1).then(a.0.cmp(b.0));
        if top.len() > MAX_TOP_VALUES {
            top.select_nth_unstable_by(MAX_TOP_VALUES, by_count);
            top.truncate(MAX_TOP_VALUES);
        }
        top.sort_by(by_count);
        let top = top.into_iter().map(|(value, n)| (value.to_owned(), n)).collect();
        Self {
            words: words_of(&column.name),
            expression,
            kind,
            n_filled: column.cells.len() - column.cells.null_count(),
            n_distinct,
            top,
            name: column.name,
            cells: column.cells,
        }
    }

    /// Rows that have no value.
    pub fn n_absent(&self) -> usize {
        self.cells.null_count()
    }

    /// Share of the rows that have no value.
    pub fn absent_share(&self) -> f64 {
        1.0 - self.n_filled as f64 / self.cells.len().max(1) as f64
    }

    /// How well the name fits one of `words`, the first being the best: above 90
    /// for the word itself, 0 where none fits.
    pub fn name_fit(&self, words: &[&str]) -> f64 {
        let key = self.words.concat();
        let fits = words.iter().enumerate().map(|(rank, word)| {
            let fit = if key == *word {
                100.0
            } else if self.has_words(word) {
                75.0
            } else if word.is_ascii() {
                match word.len() {
                    6.. if key.contains(word) => 60.0,
                    6.. if is_misspelt(&key, word) => 45.0,
                    _ => return 0.0,
                }
            } else if key.contains(word) {
                70.0
            } else {
                return 0.0;
            };
            fit - 0.2 * rank as f64
        });
        fits.fold(0.0, f64::max)
    }

    /// True where one of the words stands in the name.
    pub fn is_named(&self, words: &[&str]) -> bool {
        words.iter().any(|word| {
            self.has_words(word) || !word.is_ascii() && self.name.to_lowercase().contains(word)
        })
    }

    /// True where neighbouring words of the name make up `word`.
    fn has_words(&self, word: &str) -> bool {
        let n = self.words.len();
        (0..n).any(|start| (start..n).any(|end| self.words[start..=end].concat() == word))
    }

    /// True for values that identify things and measure nothing.
    pub fn is_id_like(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Integer)
            || self.kind == Kind::Number && self.top.iter().all(|(value, _)| is_whole(value))
    }
}

/// The free column whose name fits best; earlier words go first.
pub(super) fn best<'a>(
    table: &'a Table,
    words: &[&str],
    not: &[&str],
    taken: &Taken,
    accept: impl Fn(&Column) -> bool,
) -> Option<&'a Column> {
    table
        .columns
        .iter()
        .filter(|column| !taken.contains(&column.name) && column.n_filled > 0 && accept(column))
        .filter(|column| !column.is_named(not))
        .map(|column| (column.name_fit(words) - 30.0 * column.absent_share(), column))
        .filter(|(fit, _)| *fit > 20.0)
        // Of equals the first.
        .rev()
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, column)| column)
}

/// What expressions see; what they have to write for it.
fn kind_of(data_type: &DataType, expression: String) -> (Kind, String) {
    match data_type {
        DataType::Dictionary(_, value) => kind_of(value, expression),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            (Kind::Text, format!("cast({expression} as varchar)"))
        }
        found if found.is_string() => (Kind::Text, expression),
        found if found.is_integer() => (Kind::Integer, expression),
        found if found.is_numeric() => (Kind::Number, expression),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => (Kind::Time, expression),
        DataType::Boolean => (Kind::Boolean, expression),
        _ => (Kind::Nested, expression),
    }
}

/// True for a whole number that is written with decimals: `17850.0`.
pub(super) fn is_whole(value: &str) -> bool {
    let (digits, decimals) = value.split_once('.').unwrap_or((value, ""));
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && decimals.bytes().all(|byte| byte == b'0')) || is_absent_word(value)
}

/// True for words that stand for an absent value.
pub(super) fn is_absent_word(value: &str) -> bool {
    const WORDS: [&str; 13] = [
        "null",
        "\\n",
        "none",
        "nan",
        "n/a",
        "na",
        "-",
        "--",
        "(not set)",
        "undefined",
        "(null)",
        "#n/a",
        "无",
    ];
    WORDS.contains(&value.to_lowercase().as_str())
}

/// True for a name that differs from a word by a slip: `costumer`.
fn is_misspelt(name: &str, word: &str) -> bool {
    name.len().abs_diff(word.len()) <= 1 && strsim::jaro_winkler(name, word) > 0.94
}

/// Words of a name in lower case: `lineItem_Price` → `line`, `item`, `price`.
pub(super) fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut previous, mut is_open) = (' ', false);
    let letters: Vec<char> = name.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            is_open = false;
            previous = letter;
            continue;
        }
        let next_is_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let starts = letter.is_uppercase()
            && (previous.is_lowercase() || previous.is_uppercase() && next_is_lower);
        if starts || !is_open {
            words.push(String::new());
        }
        words.last_mut().expect("one was opened").extend(letter.to_lowercase());
        (previous, is_open) = (letter, true);
    }
    words
}

/// Of the groups that have several rows, the share with more than one value;
/// `None` for fewer than five such groups.
pub(super) fn varies_within(groups: &StringArray, values: &StringArray) -> Option<f64> {
    let mut seen: HashMap<&str, (Option<&str>, usize, bool)> = HashMap::new();
    for (group, value) in groups.iter().zip(values) {
        let Some(group) = group else { continue };
        let (first, n, varies) = seen.entry(group).or_insert((value, 0, false));
        *n += 1;
        *varies |= *first != value;
    }
    let several: Vec<bool> =
        seen.into_values().filter(|(_, n, _)| *n > 1).map(|(_, _, varies)| varies).collect();
    let n_varying = several.iter().filter(|varies| **varies).count();
    (several.len() >= 5).then(|| n_varying as f64 / several.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        for (name, words) in [
            ("Customer ID", vec!["customer", "id"]),
            ("lineItem_Price", vec!["line", "item", "price"]),
            ("USERID", vec!["userid"]),
            ("userPseudoID", vec!["user", "pseudo", "id"]),
            ("$value", vec!["value"]),
            ("买家会员名", vec!["买家会员名"]),
        ] {
            assert_eq!(words_of(name), words, "{name}");
        }
    }

    #[test]
    fn whole_numbers_may_have_decimals() {
        for (value, whole) in
            [("17850.0", true), ("12", true), ("1.5", false), ("x", false), ("NaN", true)]
        {
            assert_eq!(is_whole(value), whole, "{value}");
        }
    }
}
