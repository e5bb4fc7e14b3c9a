//! CSV files as an engine table: every column text, plus the line on which
//! each row starts and, for rows that do not fit the header, what is wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use csv::ByteRecord;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::PartitionStream;

use super::csv_types::{csv_reader, delimiter_of, start_line};
use crate::dataset::Bilingual;
use crate::settings::Delimiter;

/// Line of the file on which the row starts, from 1.
pub(super) const LINE_COLUMN: &str = "__layercake_line";
/// Why the row does not fit the header; null when it does.
pub(super) const BROKEN_COLUMN: &str = "__layercake_broken";

const NOT_UTF8: (&str, &str) = ("not UTF-8", "不是 UTF-8");

const SWALLOWED: (&str, &str) =
    ("rows swallowed by a quote that is not closed", "未闭合的引号吞掉了后面的行");

fn wrong_length(n_columns: usize) -> Bilingual {
    Bilingual::new(format!("{n_columns} fields expected"), format!("应有 {n_columns} 个字段"))
}

/// Why rows of a file of `n_columns` columns may not fit its header.
pub(super) fn broken_reasons(n_columns: usize) -> [Bilingual; 3] {
    let of = |(en, zh)| Bilingual::new(en, zh);
    [wrong_length(n_columns), of(NOT_UTF8), of(SWALLOWED)]
}

const ROWS_PER_BATCH: usize = 8192;

/// A row that runs over more lines than this has swallowed others.
const MAX_LINES: u64 = 50;

/// A table over CSV `files` that share the header `names`, one partition a file.
///
/// # Errors
/// When the engine refuses the schema.
pub(super) fn csv_table(
    files: &[PathBuf],
    names: &[String],
    delimiter: Option<Delimiter>,
) -> Result<StreamingTable> {
    let mut fields: Vec<Field> =
        names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    fields.push(Field::new(LINE_COLUMN, DataType::Int64, true));
    fields.push(Field::new(BROKEN_COLUMN, DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields));
    let partitions = files
        .iter()
        .map(|file| {
            let delimiter = delimiter_of(file, delimiter);
            Arc::new(CsvFile { file: file.clone(), delimiter, schema: Arc::clone(&schema) })
                as Arc<dyn PartitionStream>
        })
        .collect();
    StreamingTable::try_new(schema, partitions)
}

#[derive(Debug)]
struct CsvFile {
    file: PathBuf,
    delimiter: u8,
    schema: SchemaRef,
}

impl PartitionStream for CsvFile {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), 2);
        let sender = builder.tx();
        let (file, delimiter, schema) =
            (self.file.clone(), self.delimiter, Arc::clone(&self.schema));
        builder.spawn_blocking(move || {
            read_batches(&file, delimiter, &schema, |batch| sender.blocking_send(batch).is_ok())
        });
        builder.build()
    }
}

/// Sends the file's rows in batches until its end or until `send` says that
/// nobody listens any more.
fn read_batches(
    file: &Path,
    delimiter: u8,
    schema: &SchemaRef,
    send: impl Fn(Result<RecordBatch>) -> bool,
) -> Result<()> {
    let external = |error: &dyn std::fmt::Display| {
        DataFusionError::Execution(format!("can't read {}: {error}", file.display()))
    };
    let mut reader = csv_reader(file, delimiter).map_err(|error| external(&error))?;
    let mut record = ByteRecord::new();
    let mut rows = RowBuilder::new(schema.fields().len() - 2);
    loop {
        let more = reader.read_byte_record(&mut record).map_err(|error| external(&error))?;
        if more {
            let start = start_line(&reader, &record);
            rows.append(&record, start, delimiter);
            if reader.position().line() - start > MAX_LINES {
                let cause = format!(
                    "the row that starts on line {start} runs over more than {MAX_LINES} lines: \
                     a quote opens there and is not closed"
                );
                return Err(external(&cause));
            }
        }
        let is_full = rows.n_rows == ROWS_PER_BATCH;
        if (is_full || !more) && rows.n_rows > 0 && !send(rows.finish(schema)) {
            return Ok(());
        }
        if !more {
            return Ok(());
        }
    }
}

struct RowBuilder {
    columns: Vec<StringBuilder>,
    lines: Int64Builder,
    broken: StringBuilder,
    n_rows: usize,
}

impl RowBuilder {
    fn new(n_columns: usize) -> Self {
        Self {
            columns: (0..n_columns).map(|_| StringBuilder::new()).collect(),
            lines: Int64Builder::new(),
            broken: StringBuilder::new(),
            n_rows: 0,
        }
    }

    fn append(&mut self, record: &ByteRecord, line: u64, delimiter: u8) {
        self.lines.append_value(line as i64);
        self.n_rows += 1;
        let problem = self.problem_of(record, delimiter);
        for (index, column) in self.columns.iter_mut().enumerate() {
            let text = record.get(index).and_then(|field| std::str::from_utf8(field).ok());
            // An empty field is an absent value.
            match text.map(str::trim).filter(|text| !text.is_empty() && problem.is_none()) {
                Some(text) => column.append_value(text),
                None => column.append_null(),
            }
        }
        self.broken.append_option(problem);
    }

    fn problem_of(&self, record: &ByteRecord, delimiter: u8) -> Option<String> {
        let content = || {
            let separator = [delimiter];
            String::from_utf8_lossy(&record.iter().collect::<Vec<_>>().join(&separator[..]))
                .into_owned()
        };
        if record.len() != self.columns.len() {
            let (expected, got) = (self.columns.len(), record.len());
            return Some(format!("{}: {got} found in {}", wrong_length(expected).en, content()));
        }
        if record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            return Some(format!("{}: {}", NOT_UTF8.0, content()));
        }
        if record.iter().any(|field| has_swallowed_rows(field, delimiter, record.len())) {
            return Some(format!("{}: {}", SWALLOWED.0, content()));
        }
        None
    }

    fn finish(&mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        self.n_rows = 0;
        let mut arrays: Vec<ArrayRef> =
            self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        arrays.push(Arc::new(self.lines.finish()));
        arrays.push(Arc::new(self.broken.finish()));
        Ok(RecordBatch::try_new(Arc::clone(schema), arrays)?)
    }
}

/// True for a field of several lines of which one has the look of a whole row.
fn has_swallowed_rows(field: &[u8], delimiter: u8, n_columns: usize) -> bool {
    // Prose has a comma a line; with few columns it looks like a row.
    n_columns >= 3
        && field.contains(&b'\n')
        && field
            .split(|byte| *byte == b'\n')
            .skip(1)
            .any(|line| line.iter().filter(|byte| **byte == delimiter).count() + 1 >= n_columns)
}
