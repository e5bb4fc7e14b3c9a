//! Whole lines from evenly spread places of CSV files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow::array::StringBuilder;
use csv::ByteRecord;

use super::table::{MAX_BYTES, N_PLACES, SampledColumn, TableSample};
use crate::input::source::csv_types::{Candidate, delimiter_of, read_header};
use crate::input::source::files::{FileFormat, is_compressed, open_text};
use crate::input::source::{SourceError, quoted_column};
use crate::settings::Delimiter;

/// Bytes of a compressed text file that are decoded at most, to come to its end.
const MAX_DECODED_BYTES: u64 = 1 << 30;

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

/// A sample of CSV files, of which the first says what the columns are.
pub(super) fn sample_csv(
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

#[cfg(test)]
mod tests {
    use arrow::array::Array;

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
}
