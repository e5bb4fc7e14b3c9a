//! What all tables and paragraphs are made of: at most 80 columns, grouped digits.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, TableComponent, presets,
};

const WIDTH: u16 = 80;

pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '─')
        .set_style(TableComponent::MiddleHeaderIntersections, '─')
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header.iter().map(Cell::new));
    table
}

/// Right-aligns all columns but the first `n_text`.
pub(super) fn align(table: &mut Table, n_text: usize) {
    for column in table.column_iter_mut().skip(n_text) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Right-aligns the columns of a range.
pub(super) fn align_numbers(table: &mut Table, columns: std::ops::Range<usize>) {
    let n = columns.len();
    for column in table.column_iter_mut().skip(columns.start).take(n) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Keeps the first column on one line each.
pub(super) fn keep_first_whole(table: &mut Table) {
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

/// 1234567 → 1,234,567
pub(super) fn thousands(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().unwrap_or(0u64).to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// −1234.5 → -1,235
pub(super) fn signed_thousands(value: f64) -> String {
    let sign = if value <= -0.5 { "-" } else { "" };
    format!("{sign}{}", thousands(value.abs().round() as u64))
}

/// "1 user", "1,234 users".
pub(super) fn users(n: impl TryInto<u64>) -> String {
    match thousands(n).as_str() {
        "1" => "1 user".to_owned(),
        many => format!("{many} users"),
    }
}

pub(super) fn percent(share: f64) -> String {
    // No minus before a zero.
    format!("{:.1} %", (share * 1000.0).round() / 10.0 + 0.0)
}

pub(super) fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".into(), |value| format!("{value:.digits$}"))
}

/// A paragraph, indented and broken at the table's width.
pub(super) fn indented(text: &str) -> String {
    paragraph(text, false)
}

/// The same of a script without spaces, which may break anywhere.
pub(super) fn indented_chinese(text: &str) -> String {
    paragraph(text, true)
}

fn paragraph(text: &str, break_words: bool) -> String {
    let options = textwrap::Options::new(usize::from(WIDTH))
        .initial_indent("  ")
        .subsequent_indent("  ")
        .break_words(break_words)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options) + "\n"
}

/// Each on lines of its own.
pub(super) fn warnings(warnings: &[String]) -> String {
    warnings.iter().map(|warning| indented(&format!("WARNING: {warning}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(0u64), "0");
        assert_eq!(thousands(999u64), "999");
        assert_eq!(thousands(1_234_567u64), "1,234,567");
        assert_eq!((users(1u64), users(0u64)), ("1 user".to_owned(), "0 users".to_owned()));
    }
}
