//! JSON: one object with figures and tables by key. Keys and codes are the same in
//! every language, numbers have all their digits; words are in the language asked for.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Block, Document, Table, Value};
use crate::dataset::Language;

/// The document as an object on several lines.
pub(super) fn render(document: &Document, language: Language) -> String {
    let object = In { language, it: document };
    serde_json::to_string_pretty(&object).expect("text keys, no errors of our own") + "\n"
}

/// Something in a language.
struct In<'a, T: ?Sized> {
    language: Language,
    it: &'a T,
}

impl<'a, T: ?Sized> In<'a, T> {
    fn other<U: ?Sized>(&self, it: &'a U) -> In<'a, U> {
        In { language: self.language, it }
    }
}

impl Serialize for In<'_, Document> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for block in self.it.blocks() {
            match block {
                Block::Fact(key, value) => map.serialize_entry(key, &self.other(value))?,
                Block::Section { key, content, .. } => {
                    map.serialize_entry(key, &self.other(content))?;
                }
                Block::Table(_)
                | Block::Figure { .. }
                | Block::Heading(_)
                | Block::Paragraph(_)
                | Block::Warning(_) => {}
            }
        }
        for table in self.it.data_tables() {
            map.serialize_entry(table.key, &self.other(table))?;
        }
        let warnings = self.it.blocks().iter().filter_map(|block| match block {
            Block::Warning(words) => Some(words.in_language(self.language)),
            _ => None,
        });
        map.serialize_entry("warnings", &warnings.collect::<Vec<_>>())?;
        map.end()
    }
}

impl Serialize for In<'_, Table> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.it.rows.len()))?;
        for row in &self.it.rows {
            rows.serialize_element(&Row { table: self.other(self.it), cells: row })?;
        }
        rows.end()
    }
}

struct Row<'a> {
    table: In<'a, Table>,
    cells: &'a [Value],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (head, value) in self.table.it.heads.iter().zip(self.cells) {
            if head.audience.has_programs() {
                map.serialize_entry(&head.key, &self.table.other(value))?;
            }
        }
        map.end()
    }
}

impl Serialize for In<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = |serializer: S, entries: &[(&str, f64)]| {
            let mut map = serializer.serialize_map(Some(entries.len()))?;
            entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
            map.end()
        };
        match self.it {
            Value::Missing => serializer.serialize_none(),
            Value::Count(n) => serializer.serialize_u64(*n),
            Value::Number(value) => serializer.serialize_f64(*value),
            Value::Range(low, high) => numbers(serializer, &[("low", *low), ("high", *high)]),
            Value::Estimate(value, None) => numbers(serializer, &[("value", *value)]),
            Value::Estimate(value, Some((low, high))) => {
                numbers(serializer, &[("value", *value), ("low", *low), ("high", *high)])
            }
            Value::Flag(is_so) => serializer.serialize_bool(*is_so),
            Value::Date(day) => serializer.collect_str(day),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Words(words) => serializer.serialize_str(words.in_language(self.language)),
            Value::Code(code, _) => serializer.serialize_str(code),
            Value::List(texts) => texts.serialize(serializer),
        }
    }
}
