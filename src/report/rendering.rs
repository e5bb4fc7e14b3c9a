use super::{Document, as_csv, as_json, as_text};
use crate::dataset::Language;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rendering {
    /// Words and tables of at most 80 columns.
    #[default]
    Text,
    /// One object: figures by key, tables as arrays of objects, all digits.
    Json,
    /// The table that the report is about, all digits.
    Csv,
}

impl Document {
    /// The document in one language.
    pub fn render(&self, rendering: Rendering, language: Language) -> String {
        match rendering {
            Rendering::Text => as_text::render(self, language),
            Rendering::Json => as_json::render(self, language),
            Rendering::Csv => as_csv::render(self, language),
        }
    }
}
