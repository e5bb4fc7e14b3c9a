//! Some rows of a raw table, spread from its first to its last, so that a table
//! of any size can be looked at in a moment.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StringBuilder};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use csv::ByteRecord;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};

use super::csv_types::{Candidate, delimiter_of, read_header};
use super::files::{FileFormat, expand_paths, is_compressed, open_text};
use super::{SourceError, SourceParams, quoted_column};
use crate::settings::Delimiter;

/// Rows of Parquet files that are read at most.
const MAX_ROWS: u64 = 200_000;
/// Bytes of text that are kept at most.
const MAX_BYTES: u64 = 8 << 20;
/// Bytes of a compressed text file that are decoded at most, to come to its end.
const MAX_DECODED_BYTES: u64 = 1 << 30;
/// Files that are read at most, the first and the last among them.
const MAX_FILES: usize = 16;
/// Places in the files from which rows are taken.
const N_PLACES: u64 = 16;

/// Some rows of a raw table, in the order of its files.
pub struct TableSample {
    /// Its columns; parts of a Parquet structure are columns of their own.
    pub columns: Vec<SampledColumn>,
    /// Rows in the sample.
    pub n_rows: usize,
    /// Rows of all files, estimated from their bytes where some are not read.
    pub n_rows_in_files: u64,
    /// True where the sample holds every row.
    pub is_whole: bool,
    /// Sampled rows that do not fit the header, and are not in the sample.
    pub n_misfits: usize,
    /// False where the end of a large compressed file was not reached.
    pub reaches_end: bool,
    /// Encoding of the files.
    pub format: FileFormat,
    /// Separator of CSV fields.
    pub delimiter: u8,
}

/// A column of a sample.
#[derive(Debug, Clone)]
pub struct SampledColumn {
    /// Its name; parts of a structure follow after a dot.
    pub name: String,
    /// How an expression names it.
    pub expression: String,
    /// As expressions see it; of CSV columns by the rows sampled.
    pub data_type: DataType,
    /// Values as text, null where absent; nested values are all null.
    pub cells: StringArray,
}

/// Takes a sample of the files of a source.
///
/// # Errors
/// When files are missing, empty or unreadable.
pub fn sample_table(source: &SourceParams) -> Result<TableSample, SourceError> {
    let (files, format) = expand_paths(source)?;
    let chosen = spread_files(&files);
    let mut sample = match format {
        FileFormat::Csv => sample_csv(&chosen, source.delimiter)?,
        FileFormat::Parquet => sample_parquet(&chosen)?,
    };
    if chosen.len() < files.len() {
        sample.is_whole = false;
        sample.n_rows_in_files = sample.n_rows_in_files * files.len() as u64 / chosen.len() as u64;
    }
    Ok(sample)
}

/// At most [`MAX_FILES`] of the files, evenly spread.
fn spread_files(files: &[PathBuf]) -> Vec<&PathBuf> {
    let n = files.len().min(MAX_FILES);
    (0..n).map(|place| &files[place * (files.len() - 1) / (n - 1).max(1)]).collect()
}

// CSV ---------------------------------------------------------------------------

/// Whole lines from one place of a text file.
struct Excerpt {
    bytes: Vec<u8>,
    has_header: bool,
}

/// What was taken from one file.
struct Excerpts {
    parts: Vec<Excerpt>,
    n_bytes_in_file: u64,
    is_whole: bool,
    reaches_end: bool,
}

fn sample_csv(
    files: &[&PathBuf],
    delimiter: Option<Delimiter>,
) -> Result<TableSample, SourceError> {
    let separator = delimiter_of(files[0], delimiter);
    let names = read_header(files[0], separator)?;
    let mut rows = CsvRows::new(names.len());
    let (mut n_bytes, mut n_bytes_read) = (0, 0);
    let (mut is_whole, mut reaches_end) = (true, true);
    for file in files {
        let unreadable = |error: std::io::Error| SourceError::Unreadable {
            file: file.to_path_buf(),
            cause: error.to_string(),
        };
        let budget = MAX_BYTES / files.len() as u64;
        let taken = if is_compressed(file) {
            excerpts_of_stream(open_text(file)?, budget).map_err(unreadable)?
        } else {
            let n_places = (N_PLACES / files.len() as u64).max(2);
            excerpts_of_file(file, budget, n_places).map_err(unreadable)?
        };
        n_bytes += taken.n_bytes_in_file;
        is_whole &= taken.is_whole;
        reaches_end &= taken.reaches_end;
        let separator = delimiter_of(file, delimiter);
        for part in taken.parts {
            n_bytes_read += part.bytes.len() as u64;
            rows.read(&part, separator);
        }
    }
    let n_rows = rows.n_rows;
    let n_rows_in_files = (n_rows as f64 * n_bytes as f64 / (n_bytes_read as f64).max(1.0)) as u64;
    Ok(TableSample {
        n_rows,
        n_rows_in_files: if is_whole { n_rows as u64 } else { n_rows_in_files },
        is_whole,
        n_misfits: rows.n_misfits,
        reaches_end,
        format: FileFormat::Csv,
        delimiter: separator,
        columns: rows.finish(names),
    })
}

/// Lines from evenly spread places of a plain file: all of it where it is small.
fn excerpts_of_file(file: &Path, budget: u64, n_places: u64) -> std::io::Result<Excerpts> {
    let mut open = File::open(file)?;
    let length = open.metadata()?.len();
    let is_whole = length <= budget;
    let (n_places, size) = if is_whole { (1, length) } else { (n_places, budget / n_places) };
    let mut parts = Vec::new();
    for place in 0..n_places {
        open.seek(SeekFrom::Start((length - size) * place / (n_places - 1).max(1)))?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut open).take(size).read_to_end(&mut bytes)?;
        let (is_first, is_last) = (place == 0, place == n_places - 1);
        parts.push(Excerpt { bytes: whole_lines(bytes, is_first, is_last), has_header: is_first });
    }
    Ok(Excerpts { parts, n_bytes_in_file: length, is_whole, reaches_end: true })
}

/// The start and the end of a compressed file, which can't be entered in the middle.
fn excerpts_of_stream(mut stream: impl Read, budget: u64) -> std::io::Result<Excerpts> {
    let half = budget / 2;
    let mut start = Vec::new();
    stream.by_ref().take(half).read_to_end(&mut start)?;
    let (mut end, mut n_bytes, mut reaches_end) = (Vec::new(), start.len() as u64, true);
    loop {
        let n_read = stream.by_ref().take(half).read_to_end(&mut end)?;
        n_bytes += n_read as u64;
        end.drain(..end.len().saturating_sub(half as usize));
        if n_read == 0 {
            break;
        }
        if n_bytes > MAX_DECODED_BYTES {
            reaches_end = false;
            break;
        }
    }
    let is_whole = n_bytes <= budget;
    let parts = if is_whole {
        start.extend(end);
        vec![Excerpt { bytes: start, has_header: true }]
    } else {
        vec![
            Excerpt { bytes: whole_lines(start, true, false), has_header: true },
            Excerpt { bytes: whole_lines(end, false, true), has_header: false },
        ]
    };
    Ok(Excerpts { parts, n_bytes_in_file: n_bytes, is_whole, reaches_end })
}

/// Cuts off the line that starts before an excerpt, and the one that ends after it.
fn whole_lines(mut bytes: Vec<u8>, is_first: bool, is_last: bool) -> Vec<u8> {
    if !is_last {
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(end);
    }
    if !is_first {
        let start = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.drain(..start);
    }
    bytes
}

/// Cells by column, and what their types may be.
struct CsvRows {
    columns: Vec<(StringBuilder, Candidate)>,
    n_rows: usize,
    n_misfits: usize,
}

impl CsvRows {
    fn new(n_columns: usize) -> Self {
        let columns = (0..n_columns).map(|_| (StringBuilder::new(), Candidate::UNSEEN)).collect();
        Self { columns, n_rows: 0, n_misfits: 0 }
    }

    fn read(&mut self, excerpt: &Excerpt, delimiter: u8) {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(excerpt.has_header)
            .from_reader(excerpt.bytes.as_slice());
        let mut record = ByteRecord::new();
        // Bytes in memory can always be read.
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            let cells: Option<Vec<&str>> =
                record.iter().map(|field| std::str::from_utf8(field).ok()).collect();
            match cells.filter(|cells| cells.len() == self.columns.len()) {
                Some(cells) => self.append(&cells),
                None => self.n_misfits += 1,
            }
        }
    }

    fn append(&mut self, cells: &[&str]) {
        self.n_rows += 1;
        for ((column, candidate), cell) in self.columns.iter_mut().zip(cells) {
            let cell = cell.trim();
            if cell.is_empty() {
                column.append_null();
            } else {
                candidate.observe(cell);
                column.append_value(cell);
            }
        }
    }

    fn finish(self, names: Vec<String>) -> Vec<SampledColumn> {
        let columns = names.into_iter().zip(self.columns);
        columns
            .map(|(name, (mut cells, candidate))| SampledColumn {
                expression: quoted_column(&name),
                name,
                data_type: candidate.verdict().data_type(),
                cells: cells.finish(),
            })
            .collect()
    }
}

// Parquet -----------------------------------------------------------------------

type FileBuilder = ParquetRecordBatchReaderBuilder<File>;

fn sample_parquet(files: &[&PathBuf]) -> Result<TableSample, SourceError> {
    let builders = files
        .iter()
        .map(|file| {
            open_parquet(file)
                .map_err(|cause| SourceError::Unreadable { file: file.to_path_buf(), cause })
        })
        .collect::<Result<Vec<FileBuilder>, _>>()?;
    let n_rows_of = |builder: &FileBuilder| {
        u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0)
    };
    let n_rows_in_files: u64 = builders.iter().map(n_rows_of).sum();
    let n_bytes: u64 = builders
        .iter()
        .flat_map(|builder| builder.metadata().row_groups())
        .map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0))
        .sum();
    let bytes_per_row = (n_bytes / n_rows_in_files.max(1)).max(1);
    // Rows of few bytes are cheap, whatever their number; those of long text are not.
    let budget = MAX_ROWS.min((8 * MAX_BYTES / bytes_per_row).max(1_000));
    let mut parts: Vec<Vec<SampledColumn>> = Vec::new();
    let mut n_rows = 0;
    for (builder, file) in builders.into_iter().zip(files) {
        let unreadable =
            |cause: String| SourceError::Unreadable { file: file.to_path_buf(), cause };
        let n_rows_in_file = n_rows_of(&builder);
        let wanted = (budget * n_rows_in_file).div_ceil(n_rows_in_files.max(1));
        let selection = spread_rows(n_rows_in_file, wanted);
        let rows = builder
            .with_row_selection(selection)
            .build()
            .map_err(|error| unreadable(error.to_string()))?;
        for batch in rows {
            let batch = batch.map_err(|error| unreadable(error.to_string()))?;
            n_rows += batch.num_rows();
            parts.push(text_columns(&batch).map_err(|error| unreadable(error.to_string()))?);
        }
    }
    Ok(TableSample {
        columns: joined(&parts)?,
        n_rows,
        n_rows_in_files,
        is_whole: n_rows as u64 == n_rows_in_files,
        n_misfits: 0,
        reaches_end: true,
        format: FileFormat::Parquet,
        delimiter: b',',
    })
}

fn open_parquet(file: &Path) -> Result<FileBuilder, String> {
    let open = File::open(file).map_err(|error| error.to_string())?;
    ParquetRecordBatchReaderBuilder::try_new(open).map_err(|error| error.to_string())
}

/// Runs of rows, evenly spread, that make up `wanted` rows together.
fn spread_rows(n_rows: u64, wanted: u64) -> RowSelection {
    if wanted >= n_rows {
        return vec![RowSelector::select(n_rows as usize)].into();
    }
    let length = (wanted / N_PLACES).max(1);
    let (mut selectors, mut end) = (Vec::new(), 0);
    for place in 0..N_PLACES {
        let start = (n_rows - length) * place / (N_PLACES - 1);
        let start = start.max(end);
        let stop = (start + length).min(n_rows);
        selectors.push(RowSelector::skip((start - end) as usize));
        selectors.push(RowSelector::select((stop - start) as usize));
        end = stop;
    }
    selectors.into()
}

/// The columns of a batch as text, parts of structures on their own.
fn text_columns(batch: &RecordBatch) -> Result<Vec<SampledColumn>, ArrowError> {
    let mut columns = Vec::new();
    for (field, values) in batch.schema().fields().iter().zip(batch.columns()) {
        let expression = quoted_column(field.name());
        if let DataType::Struct(parts) = field.data_type() {
            let structure = values.as_struct();
            for (part, values) in parts.iter().zip(structure.columns()) {
                let name = format!("{}.{}", field.name(), part.name());
                let expression = format!("{expression}['{}']", part.name().replace('\'', "''"));
                columns.push(text_column(name, expression, values)?);
            }
        } else {
            columns.push(text_column(field.name().clone(), expression, values)?);
        }
    }
    Ok(columns)
}

fn text_column(
    name: String,
    expression: String,
    values: &ArrayRef,
) -> Result<SampledColumn, ArrowError> {
    let data_type = values.data_type().clone();
    let text = match &data_type {
        found if found.is_nested() => arrow::array::new_null_array(&DataType::Utf8, values.len()),
        // The instant, whatever the zone: names of zones are not known here.
        DataType::Timestamp(unit, Some(_)) => {
            let instants = cast(values, &DataType::Timestamp(*unit, Some("+00:00".into())))?;
            let instants = cast(&instants, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            cast(&instants, &DataType::Utf8)?
        }
        _ => cast(values, &DataType::Utf8)?,
    };
    Ok(SampledColumn { name, expression, data_type, cells: text.as_string::<i32>().clone() })
}

/// The columns that all parts have, with the rows of all.
fn joined(parts: &[Vec<SampledColumn>]) -> Result<Vec<SampledColumn>, SourceError> {
    let Some(first) = parts.first() else {
        return Ok(Vec::new());
    };
    let mut columns = Vec::new();
    for column in first {
        let of_parts: Option<Vec<&SampledColumn>> =
            parts.iter().map(|part| part.iter().find(|other| other.name == column.name)).collect();
        let Some(of_parts) = of_parts else { continue };
        let arrays: Vec<&dyn Array> =
            of_parts.iter().map(|part| &part.cells as &dyn Array).collect();
        let cells = concat(&arrays).map_err(datafusion::error::DataFusionError::from)?;
        let cells = Arc::clone(&cells).as_string::<i32>().clone();
        columns.push(SampledColumn { cells, ..column.clone() });
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_hold_whole_lines_from_start_to_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("long.csv");
        let text: String = (0..20_000).map(|row| format!("{row},{}\n", row * 7)).collect();
        std::fs::write(&file, format!("a,b\n{text}")).unwrap();
        let taken = excerpts_of_file(&file, 10_000, 4).unwrap();
        assert!(!taken.is_whole);
        let mut rows = CsvRows::new(2);
        taken.parts.iter().for_each(|part| rows.read(part, b','));
        assert_eq!(rows.n_misfits, 0);
        let columns = rows.finish(vec!["a".into(), "b".into()]);
        let (a, b) = (&columns[0].cells, &columns[1].cells);
        assert_eq!(a.value(0), "0");
        assert_eq!(a.value(a.len() - 1), "19999");
        for row in 0..a.len() {
            let [a, b] = [a, b].map(|cells| cells.value(row).parse::<u64>().unwrap());
            assert_eq!(b, a * 7);
        }
    }

    #[test]
    fn a_stream_gives_its_start_and_its_end_or_all_of_it() {
        let text: String = (0..9_000).map(|row| format!("{row}\n")).collect();
        let text = format!("a\n{text}");
        let taken = excerpts_of_stream(text.as_bytes(), 4_000).unwrap();
        assert_eq!(taken.n_bytes_in_file, text.len() as u64);
        assert_eq!(taken.parts.len(), 2);
        assert!(taken.parts[0].bytes.starts_with(b"a\n0\n"));
        assert!(taken.parts[1].bytes.ends_with(b"\n8999\n"));
        let whole = excerpts_of_stream(text.as_bytes(), 1 << 20).unwrap();
        assert!(whole.is_whole && whole.parts[0].bytes == text.as_bytes());
    }

    #[test]
    fn runs_of_rows_reach_from_the_first_to_the_last() {
        for (n_rows, wanted) in [(1_000, 160), (17, 16), (40, 39), (5, 9)] {
            let selection: Vec<RowSelector> = spread_rows(n_rows, wanted).into();
            let all: usize = selection.iter().map(|run| run.row_count).sum();
            assert_eq!(all as u64, n_rows);
            assert!(!selection[0].skip && !selection[selection.len() - 1].skip);
        }
    }
}
