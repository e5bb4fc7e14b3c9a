//! CSV: the table that a report is about, which is its first one for programs. JSON
//! has all the rest.

use super::{Block, Document, Format, Table, Value, column};
use crate::dataset::Language;

/// The first table of the report. One without tables gives the first table of each
/// of its sections, after a line `# key`; without sections its figures, a row each.
pub(super) fn render(document: &Document, language: Language) -> String {
    if let Some(table) = document.data_tables().next() {
        return rows(table, language);
    }
    let sections = document.blocks().iter().filter_map(|block| match block {
        Block::Section { key, content, .. } => {
            Some(format!("# {key}\n{}", render(content, language)))
        }
        _ => None,
    });
    let sections: Vec<String> = sections.collect();
    if sections.is_empty() { rows(&facts(document), language) } else { sections.join("\n") }
}

fn facts(document: &Document) -> Table {
    let facts = document.blocks().iter().filter_map(|block| match block {
        Block::Fact(key, value) => Some((*key, value)),
        _ => None,
    });
    let columns = [
        column("key", ("", ""), Format::Text, |(key, _): &(&str, &Value)| *key),
        column("value", ("", ""), Format::Text, |(_, value): &(&str, &Value)| (*value).clone()),
    ];
    Table::new("facts", facts, &columns)
}

fn rows(table: &Table, language: Language) -> String {
    let shown: Vec<usize> =
        (0..table.heads.len()).filter(|&at| table.heads[at].audience.has_programs()).collect();
    let kinds: Vec<Kind> = shown.iter().map(|&at| Kind::of_column(table, at)).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = shown.iter().zip(&kinds).flat_map(|(&at, kind)| kind.names(&table.heads[at].key));
    let mut write = |fields: Vec<String>| {
        writer.write_record(fields).expect("memory can be written, rows have one length");
    };
    write(names.collect());
    for row in &table.rows {
        let fields = shown.iter().zip(&kinds);
        write(fields.flat_map(|(&at, kind)| kind.fields(&row[at], language)).collect());
    }
    let bytes = writer.into_inner().expect("memory can be written");
    String::from_utf8(bytes).expect("texts are UTF-8")
}

/// How many fields the values of a column take.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    One,
    /// `key_low`, `key_high`
    Range,
    /// `key`, `key_low`, `key_high`
    Estimate,
}

impl Kind {
    fn of_column(table: &Table, at: usize) -> Self {
        let of_value = |row: &Vec<Value>| match row[at] {
            Value::Range(..) => Some(Self::Range),
            Value::Estimate(..) => Some(Self::Estimate),
            _ => None,
        };
        table.rows.iter().find_map(of_value).unwrap_or(Self::One)
    }

    fn names(self, key: &str) -> Vec<String> {
        let ends = || [format!("{key}_low"), format!("{key}_high")];
        match self {
            Self::One => vec![key.to_owned()],
            Self::Range => ends().to_vec(),
            Self::Estimate => std::iter::once(key.to_owned()).chain(ends()).collect(),
        }
    }

    fn fields(self, value: &Value, language: Language) -> Vec<String> {
        let numbers = |value: &[f64]| value.iter().map(ToString::to_string).collect();
        let empty = |n: usize| vec![String::new(); n];
        match (self, value) {
            (Self::One, value) => vec![field(value, language)],
            (Self::Range, Value::Range(low, high)) => numbers(&[*low, *high]),
            (Self::Range, _) => empty(2),
            (Self::Estimate, Value::Estimate(value, Some((low, high)))) => {
                numbers(&[*value, *low, *high])
            }
            (Self::Estimate, Value::Estimate(value, None)) => {
                [numbers(&[*value]), empty(2)].concat()
            }
            (Self::Estimate, _) => empty(3),
        }
    }
}

fn field(value: &Value, language: Language) -> String {
    match value {
        Value::Missing | Value::Range(..) | Value::Estimate(..) => String::new(),
        Value::Number(value) if !value.is_finite() => String::new(),
        Value::Count(n) => n.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Flag(is_so) => is_so.to_string(),
        Value::Date(day) => day.to_string(),
        Value::Text(text) => text.clone(),
        Value::Words(words) => words.in_language(language).to_owned(),
        Value::Code(code, _) => (*code).to_owned(),
        Value::List(texts) => texts.join(" "),
    }
}
