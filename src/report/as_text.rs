//! Text for a terminal: at most 80 columns, in which a Chinese character takes two.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, TableComponent, presets,
};
use textwrap::WordSeparator;
use textwrap::core::Word;

use super::{Block, Document, Format, Head, Table, Value, digits};
use crate::dataset::Language;

const WIDTH: u16 = 80;

/// The document in words and tables.
pub(super) fn render(document: &Document, language: Language) -> String {
    let mut lines = Lines::default();
    lines.document(document, language);
    lines.text
}

/// What has been written, and whether a blank line is due before the next block.
#[derive(Default)]
struct Lines {
    text: String,
    ends_table: bool,
}

impl Lines {
    fn document(&mut self, document: &Document, language: Language) {
        for block in document.blocks() {
            match block {
                Block::Heading(words) => {
                    self.gap();
                    self.push(&wrapped(words.in_language(language), ""));
                }
                Block::Paragraph(words) => {
                    self.gap_after_table();
                    self.push(&wrapped(words.in_language(language), "  "));
                }
                Block::Warning(words) => {
                    self.gap_after_table();
                    let text = match language {
                        Language::English => format!("WARNING: {}", words.en),
                        Language::Chinese => format!("警告：{}", words.zh),
                    };
                    self.push(&wrapped(&text, "  "));
                }
                Block::Table(table) | Block::Figure { table, .. } => {
                    if table.audience.has_people() && !table.rows.is_empty() {
                        self.gap();
                        self.push(&drawn(table, language));
                        self.ends_table = true;
                    }
                }
                Block::Section { title, content, .. } => {
                    if let Some(title) = title {
                        self.gap();
                        self.push(&wrapped(&format!("── {}", title.in_language(language)), ""));
                    }
                    self.document(content, language);
                }
                Block::Fact(..) => {}
            }
        }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
        self.ends_table = false;
    }

    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.ends_table = false;
    }

    fn gap_after_table(&mut self) {
        if self.ends_table {
            self.gap();
        }
    }
}

/// A paragraph in lines of the terminal's width.
fn wrapped(text: &str, indent: &str) -> String {
    let text: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    let options = textwrap::Options::new(usize::from(WIDTH))
        .initial_indent(indent)
        .subsequent_indent(indent)
        .word_separator(WordSeparator::Custom(words_of_any_script))
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(&text, options)
}

/// Words end at spaces, and Chinese may break after any character but before none
/// of the marks that end a phrase.
fn words_of_any_script(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut start = 0;
    let mut previous = '\0';
    let mut words = Vec::new();
    for (at, letter) in line.char_indices() {
        let after_space = previous == ' ' && letter != ' ';
        let beside_chinese = (is_chinese(previous) || is_chinese(letter)) && letter != ' ';
        let may_break = beside_chinese && !ends_phrase(letter) && !opens_phrase(previous);
        if at > 0 && (after_space || may_break) {
            words.push(Word::from(&line[start..at]));
            start = at;
        }
        previous = letter;
    }
    words.push(Word::from(&line[start..]));
    Box::new(words.into_iter())
}

fn is_chinese(letter: char) -> bool {
    matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}

fn ends_phrase(letter: char) -> bool {
    "，。、；：！？）》」”%,.;:!?)".contains(letter)
}

fn opens_phrase(letter: char) -> bool {
    "（《「“(".contains(letter)
}

/// The table with its columns, or with its rows, side by side.
fn drawn(table: &Table, language: Language) -> String {
    let shown: Vec<usize> =
        (0..table.heads.len()).filter(|&at| table.heads[at].audience.has_people()).collect();
    let cell = |row: &[Value], at: usize| digits::cell(&row[at], table.heads[at].format, language);
    let title = |head: &Head| head.title.in_language(language).to_owned();
    let mut grid: Vec<Vec<String>> =
        vec![shown.iter().map(|&at| title(&table.heads[at])).collect()];
    grid.extend(table.rows.iter().map(|row| shown.iter().map(|&at| cell(row, at)).collect()));
    let mut sides: Vec<Side> =
        shown.iter().map(|&at| Side::of_column(&table.heads[at], table, at)).collect();
    if table.is_transposed {
        grid =
            (0..shown.len()).map(|at| grid.iter().map(|row| row[at].clone()).collect()).collect();
        sides = vec![Side::Number; table.rows.len() + 1];
        sides[0] = Side::Label;
    }
    laid_out(&grid, &sides)
}

/// How a column is aligned, and whether its cells may break.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// Left, never broken.
    Label,
    /// Left, in several lines where there is no room.
    Words,
    /// Right, in several lines where there is no room.
    Number,
    /// Right, never broken.
    WholeNumber,
}

impl Side {
    fn of_column(head: &Head, table: &Table, at: usize) -> Self {
        let has_intervals = table.rows.iter().any(|row| matches!(row[at], Value::Estimate(..)));
        match head.format {
            Format::Text if head.key == "id" => Self::Label,
            Format::Text => Self::Words,
            _ if has_intervals => Self::Number,
            _ => Self::WholeNumber,
        }
    }
}

fn laid_out(grid: &[Vec<String>], sides: &[Side]) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '─')
        .set_style(TableComponent::MiddleHeaderIntersections, '─')
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    for (index, row) in grid.iter().enumerate() {
        let cells = row.iter().map(|text| Cell::new(bound_to_chinese(text)));
        match index {
            0 => table.set_header(cells),
            _ => table.add_row(cells),
        };
    }
    for (column, side) in table.column_iter_mut().zip(sides) {
        if matches!(side, Side::Number | Side::WholeNumber) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if matches!(side, Side::Label | Side::WholeNumber) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let drawn = table.to_string().replace(NO_BREAK, " ");
    drawn.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A space that no line ends at.
const NO_BREAK: char = '\u{a0}';

/// Keeps what stands before Chinese in its line: Chinese may break anywhere, so that after
/// `K8` alone a line has room left.
fn bound_to_chinese(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let bound = |(at, &letter): (usize, &char)| match letters.get(at + 1) {
        Some(&next) if letter == ' ' && is_chinese(next) => NO_BREAK,
        _ => letter,
    };
    letters.iter().enumerate().map(bound).collect()
}
