use super::{Table, Value};
use crate::dataset::Bilingual;

/// A part of a report.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// What the following is about.
    Heading(Bilingual),
    /// Some sentences.
    Paragraph(Bilingual),
    /// What should be looked at.
    Warning(Bilingual),
    /// A figure that programs read; people have it from the words around it.
    Fact(&'static str, Value),
    /// Typed rows and columns.
    Table(Table),
    /// A curve: a table of points, which text shows as such and pages draw.
    Figure {
        /// The points.
        table: Table,
        /// Key of the column along the horizontal axis.
        x: &'static str,
        /// Key of the column along the vertical axis.
        y: &'static str,
    },
    /// A document within the document.
    Section {
        /// What programs call it.
        key: &'static str,
        /// What people read above it, if anything.
        title: Option<Bilingual>,
        /// Its content.
        content: Document,
    },
}

/// A report: blocks in the order in which they are read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    blocks: Vec<Block>,
}

impl Document {
    /// Its parts.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// What should be looked at, also of sections.
    pub fn warnings(&self) -> Vec<&Bilingual> {
        let mut found = Vec::new();
        for block in &self.blocks {
            match block {
                Block::Warning(words) => found.push(words),
                Block::Section { content, .. } => found.extend(content.warnings()),
                _ => {}
            }
        }
        found
    }

    /// The tables that programs read, without those of sections.
    pub(super) fn data_tables(&self) -> impl Iterator<Item = &Table> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Table(table) | Block::Figure { table, .. } => {
                Some(table).filter(|table| table.audience.has_programs())
            }
            _ => None,
        })
    }

    /// What the following is about.
    pub fn heading(&mut self, words: Bilingual) {
        self.blocks.push(Block::Heading(words));
    }

    /// Some sentences.
    pub fn paragraph(&mut self, words: Bilingual) {
        self.blocks.push(Block::Paragraph(words));
    }

    /// What should be looked at.
    pub fn warning(&mut self, words: Bilingual) {
        self.blocks.push(Block::Warning(words));
    }

    /// A figure that programs read.
    pub fn fact(&mut self, key: &'static str, value: impl Into<Value>) {
        self.blocks.push(Block::Fact(key, value.into()));
    }

    /// Typed rows and columns.
    pub fn table(&mut self, table: Table) {
        self.blocks.push(Block::Table(table));
    }

    /// A curve through the points of a table, by the keys of two columns.
    pub fn figure(&mut self, table: Table, x: &'static str, y: &'static str) {
        self.blocks.push(Block::Figure { table, x, y });
    }

    /// A document within this one.
    pub fn section(&mut self, key: &'static str, title: Option<Bilingual>, content: Self) {
        self.blocks.push(Block::Section { key, title, content });
    }

    /// All blocks of another document after those of this one.
    pub fn append(&mut self, other: Self) {
        self.blocks.extend(other.blocks);
    }
}
