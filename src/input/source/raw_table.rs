use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::common::{Column, DFSchema};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, col, ident, lit, try_cast};
use datafusion::prelude::{DataFrame, ParquetReadOptions};
use datafusion::scalar::ScalarValue;
use parquet::file::metadata::ParquetMetaDataReader;

use super::csv_table::{BROKEN_COLUMN, LINE_COLUMN, broken_reasons, csv_table};
use super::csv_types::{delimiter_of, infer_csv_types, read_header};
use super::files::{FileFormat, expand_paths};
use super::rejection::{Breach, first_problem, null_text};
use super::{ColumnType, SourceError, SourceParams};
use crate::dataset::Bilingual;
use crate::input::engine::Engine;
use crate::settings::Delimiter;

/// Why a cell cannot be read as its column's type; null when all can.
pub(super) const CELL_PROBLEM_COLUMN: &str = "__layercake_cell_problem";

/// The files of one source, opened: their columns and how to read them.
pub struct RawTable {
    /// All files, sorted.
    pub files: Vec<PathBuf>,
    /// Their common format.
    pub format: FileFormat,
    /// Columns with the types that expressions see.
    pub schema: Schema,
    /// Rows of all files together.
    pub(super) n_rows: u64,
    delimiter: Option<Delimiter>,
    /// Types of CSV columns; empty for Parquet, which knows its own.
    csv_types: BTreeMap<String, ColumnType>,
    /// Columns of each Parquet file, which may have grown over the years; those
    /// of CSV files are all the same.
    file_columns: Vec<Vec<String>>,
}

/// Finds the files of a source and the types of their columns.
///
/// # Errors
/// When files are missing, empty, unreadable or disagree on their columns.
pub fn open_raw_table(engine: &Engine, source: &SourceParams) -> Result<RawTable, SourceError> {
    let (files, format) = expand_paths(source)?;
    match format {
        FileFormat::Parquet => open_parquet(engine, files),
        FileFormat::Csv => open_csv(source, files),
    }
}

fn open_parquet(engine: &Engine, files: Vec<PathBuf>) -> Result<RawTable, SourceError> {
    let (mut file_columns, mut n_rows) = (Vec::new(), 0);
    for file in &files {
        let is_empty = std::fs::metadata(file).is_ok_and(|metadata| metadata.len() == 0);
        if is_empty {
            return Err(SourceError::EmptyFile { file: file.clone() });
        }
        let (columns, n_rows_of_file) = read_footer(file)?;
        file_columns.push(columns);
        n_rows += n_rows_of_file;
    }
    let frame = read_parquet(engine, &files)?;
    let schema = frame.schema().as_arrow().clone();
    let (format, csv_types) = (FileFormat::Parquet, BTreeMap::new());
    Ok(RawTable { files, format, schema, n_rows, delimiter: None, csv_types, file_columns })
}

/// Column names and number of rows in the footer, read with the decoder's own checks; the engine's
/// reader trusts the lengths that stand there.
fn read_footer(file: &Path) -> Result<(Vec<String>, u64), SourceError> {
    let unreadable = |cause: String| SourceError::Unreadable { file: file.to_owned(), cause };
    let open = File::open(file).map_err(|error| unreadable(error.to_string()))?;
    let footer = ParquetMetaDataReader::new()
        .parse_and_finish(&open)
        .map_err(|error| unreadable(error.to_string()))?;
    let fields = footer.file_metadata().schema().get_fields();
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => {
            let (file, column) = (file.to_owned(), name.clone());
            Err(SourceError::DuplicateColumn { file, column })
        }
        None => Ok((names, u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0))),
    }
}

fn read_parquet(engine: &Engine, files: &[PathBuf]) -> Result<DataFrame, SourceError> {
    // Each path names one file: what looks like a glob or a URL is none.
    let literal = |file: &PathBuf| {
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        glob::Pattern::escape(&absolute.display().to_string())
    };
    let paths: Vec<String> = files.iter().map(literal).collect();
    // The files are already chosen: any ending will do.
    let options = ParquetReadOptions { file_extension: "", ..Default::default() };
    engine.wait(engine.context().read_parquet(paths, options)).map_err(|error| {
        let cause = crate::input::engine::plain_message(&error);
        SourceError::Unreadable { file: files[0].clone(), cause }
    })
}

fn open_csv(source: &SourceParams, files: Vec<PathBuf>) -> Result<RawTable, SourceError> {
    let names = common_header(source, &files)?;
    if let Some(column) = source.types.keys().find(|column| !names.contains(column)) {
        return Err(SourceError::TypeOfNoColumn {
            source_name: source.label().to_owned(),
            column: column.clone(),
            available: names.join(", "),
        });
    }
    let (mut csv_types, n_rows) = infer_csv_types(&files, source.delimiter)?;
    csv_types.extend(source.types.clone());
    let fields: Vec<Field> =
        names.iter().map(|name| Field::new(name, csv_types[name].data_type(), true)).collect();
    let schema = Schema::new(fields);
    Ok(RawTable {
        files,
        format: FileFormat::Csv,
        schema,
        n_rows,
        delimiter: source.delimiter,
        csv_types,
        file_columns: Vec::new(),
    })
}

fn common_header(source: &SourceParams, files: &[PathBuf]) -> Result<Vec<String>, SourceError> {
    let first = read_header(&files[0], delimiter_of(&files[0], source.delimiter))?;
    for file in &files[1..] {
        let names = read_header(file, delimiter_of(file, source.delimiter))?;
        if names != first {
            return Err(SourceError::HeaderDiffers {
                source_name: source.label().to_owned(),
                file: file.clone(),
                got: names.join(", "),
                expected: first.join(", "),
            });
        }
    }
    Ok(first)
}

impl RawTable {
    /// Rows of all files together.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Column names, for messages.
    pub fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The first file that lacks one of the columns, and which.
    pub(super) fn lacking<'a>(&self, needed: &'a BTreeSet<String>) -> Option<(&Path, &'a str)> {
        self.files.iter().zip(&self.file_columns).find_map(|(file, columns)| {
            let missing = needed.iter().find(|name| !columns.contains(name))?;
            Some((file.as_path(), missing.as_str()))
        })
    }

    /// All columns of all files in their types; cells that do not fit are null.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub fn frame(&self, engine: &Engine) -> Result<DataFrame, SourceError> {
        let names = self.column_names();
        let frame = self.read(engine, &self.files, &names.iter().cloned().collect(), false)?;
        Ok(frame.select(names.iter().map(ident))?)
    }

    /// The schema as the expression parser wants it.
    pub(super) fn df_schema(&self) -> Result<DFSchema, SourceError> {
        Ok(DFSchema::try_from(self.schema.clone())?)
    }

    /// The `needed` columns of the given files in their types, with
    /// [`LINE_COLUMN`] and [`CELL_PROBLEM_COLUMN`]. Parquet rows are numbered
    /// only on request, and rightly only by an engine of one thread.
    pub(super) fn read(
        &self,
        engine: &Engine,
        files: &[PathBuf],
        needed: &BTreeSet<String>,
        row_numbers: bool,
    ) -> Result<DataFrame, SourceError> {
        match self.format {
            FileFormat::Parquet => {
                let mut columns: Vec<Expr> = needed.iter().map(ident).collect();
                let mut frame = read_parquet(engine, files)?;
                if row_numbers {
                    frame = frame.window(vec![row_number().alias(LINE_COLUMN)])?;
                    columns.push(col(LINE_COLUMN));
                } else {
                    columns.push(lit(ScalarValue::UInt64(None)).alias(LINE_COLUMN));
                }
                columns.push(null_text().alias(CELL_PROBLEM_COLUMN));
                Ok(frame.select(columns)?)
            }
            FileFormat::Csv => {
                let table = csv_table(files, &self.column_names(), self.delimiter)?;
                let frame = engine.context().read_table(Arc::new(table))?;
                let mut columns: Vec<Expr> =
                    needed.iter().map(|name| self.typed(name).alias(name)).collect();
                columns.push(col(LINE_COLUMN));
                columns.push(self.cell_problem(needed)?.alias(CELL_PROBLEM_COLUMN));
                Ok(frame.select(columns)?)
            }
        }
    }

    fn typed(&self, name: &str) -> Expr {
        match self.csv_types[name] {
            ColumnType::Text => ident(name),
            other => try_cast(ident(name), other.data_type()),
        }
    }

    /// The first thing wrong with the row's cells, as text.
    fn cell_problem(&self, needed: &BTreeSet<String>) -> Result<Expr, SourceError> {
        let broken = Expr::Column(Column::from_name(BROKEN_COLUMN));
        Ok(first_problem(broken, &self.cell_breaches(needed))?)
    }

    /// Cells that are not of their column's type.
    fn cell_breaches(&self, needed: &BTreeSet<String>) -> Vec<Breach> {
        let is_typed = |name: &&String| {
            self.csv_types.get(*name).is_some_and(|column_type| *column_type != ColumnType::Text)
        };
        let breach = |name: &String| {
            let (en, zh) = self.csv_types[name].describe();
            let (en, zh) = (format!("{name} is not {en}"), format!("{name} 不是{zh}"));
            let unreadable = ident(name).is_not_null().and(self.typed(name).is_null());
            Breach::new(unreadable, (&en, &zh), Some(ident(name)))
        };
        needed.iter().filter(is_typed).map(breach).collect()
    }

    /// All that may be wrong with cells of the `needed` columns.
    pub(super) fn cell_reasons(&self, needed: &BTreeSet<String>) -> Vec<Bilingual> {
        let broken = broken_reasons(self.schema.fields().len());
        let cells = self.cell_breaches(needed).into_iter().map(|breach| breach.reason);
        broken.into_iter().chain(cells).collect()
    }
}
