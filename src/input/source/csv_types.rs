use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, TimeUnit};
use csv::ByteRecord;
use serde::{Deserialize, Serialize};

use super::SourceError;
use super::files::open_text;
use crate::settings::Delimiter;

/// Type of a CSV column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Kept as it is; the right choice for ids such as `00417`.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers with a decimal point.
    Number,
    /// ISO 8601 days or timestamps.
    Time,
}

impl ColumnType {
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }

    /// What its values are, in English and in Chinese.
    pub(super) fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("text", "文本"),
            Self::Integer => ("a whole number", "整数"),
            Self::Number => ("a number", "数字"),
            Self::Time => ("a time", "时间"),
        }
    }
}

/// What a column's values have all been so far.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    seen: bool,
    integer: bool,
    number: bool,
    time: bool,
}

impl Candidate {
    pub(super) const UNSEEN: Self = Self { seen: false, integer: true, number: true, time: true };

    pub(super) fn observe(&mut self, value: &str) {
        self.seen = true;
        self.integer = self.integer && is_plain_integer(value);
        self.number = self.number && is_plain_number(value);
        self.time = self.time && is_iso_time(value);
    }

    pub(super) fn verdict(self) -> ColumnType {
        match self {
            Self { seen: true, integer: true, .. } => ColumnType::Integer,
            Self { seen: true, number: true, .. } => ColumnType::Number,
            Self { seen: true, time: true, .. } => ColumnType::Time,
            _ => ColumnType::Text,
        }
    }
}

fn has_leading_zero(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.")
}

fn is_plain_integer(value: &str) -> bool {
    !value.starts_with('+') && !has_leading_zero(value) && value.parse::<i64>().is_ok()
}

/// True for what is a number to people. Ids that merely parse as one stay text:
/// `00417` and `+86139…` would lose characters, and 28 digits would lose most of
/// them in a double.
fn is_plain_number(value: &str) -> bool {
    let unsigned = value.strip_prefix('-').unwrap_or(value);
    let is_missing = ["nan", "inf", "infinity"].contains(&unsigned.to_lowercase().as_str());
    let is_decimal = unsigned.contains('.');
    let starts_well = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    is_missing
        || (starts_well
            && !has_leading_zero(value)
            && (is_decimal || (unsigned.len() <= 15 && is_plain_integer(value)))
            && value.parse::<f64>().is_ok())
}

fn is_iso_time(value: &str) -> bool {
    // The engine's own cast decides; a cheap look first, since most text fails it.
    let bytes = value.as_bytes();
    bytes.len() >= 10
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(value).is_ok()
}

/// A reader over a delimited text file that accepts rows of any length, since
/// those of a wrong length are rejected and not fatal.
pub(super) fn csv_reader(file: &Path, delimiter: u8) -> Result<csv::Reader<CsvText>, SourceError> {
    let text = CsvText { text: open_text(file)?, chunk: Vec::new(), start: 0 };
    Ok(csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text))
}

/// The text of a file, with what was read of it last.
pub(super) struct CsvText {
    text: Box<dyn Read + Send>,
    chunk: Vec<u8>,
    /// Bytes before the chunk.
    start: u64,
}

impl Read for CsvText {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.text.read(buffer)?;
        if n > 0 {
            self.start += self.chunk.len() as u64;
            self.chunk.clear();
            self.chunk.extend_from_slice(&buffer[..n]);
        }
        Ok(n)
    }
}

/// The line on which `record` starts, which was read last. Its own position is before
/// the blank lines that the reader skipped, and before the end of a CRLF.
pub(super) fn start_line(reader: &csv::Reader<CsvText>, record: &ByteRecord) -> u64 {
    let (end, text) = (reader.position(), reader.get_ref());
    let last = end.byte().checked_sub(text.start + 1);
    let last = last.and_then(|place| text.chunk.get(place as usize));
    let n_within = record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
    let start = end.line() - n_within - u64::from(last == Some(&b'\n'));
    // A quote that is never closed may take in the last line end of the file.
    start.max(record.position().map_or(0, csv::Position::line))
}

/// The separator of a file: as configured, or the one most frequent in its
/// header.
pub(super) fn delimiter_of(file: &Path, configured: Option<Delimiter>) -> u8 {
    if let Some(delimiter) = configured.and_then(|it| u8::try_from(it.get()).ok()) {
        return delimiter;
    }
    let mut start = Vec::new();
    if let Ok(text) = open_text(file) {
        // A file that can't be read is reported by the code that reads it.
        let _ = text.take(1 << 16).read_to_end(&mut start);
    }
    let mut is_quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in start.into_iter().take_while(|byte| *byte != b'\n') {
        is_quoted ^= byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(byte == *delimiter && !is_quoted);
        }
    }
    // Of equals the first: a header of one column is one of commas.
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(delimiter, _)| delimiter)
}

/// Reads the header of a CSV file.
///
/// # Errors
/// When it is missing, not UTF-8, or names a column twice.
pub(super) fn read_header(file: &Path, delimiter: u8) -> Result<Vec<String>, SourceError> {
    let mut reader = csv_reader(file, delimiter)?;
    let header = reader.byte_headers().map_err(|error| unreadable(file, &error))?;
    if header.is_empty() || (header.len() == 1 && header[0].is_empty()) {
        return Err(SourceError::EmptyFile { file: file.to_owned() });
    }
    let mut seen = HashSet::new();
    let mut names = Vec::new();
    for field in header {
        let name = std::str::from_utf8(field).map_err(|_| SourceError::Unreadable {
            file: file.to_owned(),
            cause: "the header is not UTF-8; save the file as UTF-8".into(),
        })?;
        let name = name.trim();
        if !seen.insert(name) {
            let column = name.to_owned();
            return Err(SourceError::DuplicateColumn { file: file.to_owned(), column });
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The type of each column, found by reading every row of every file: a value
/// late in the file that is no number makes its column text. Also the number of
/// rows.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn infer_csv_types(
    files: &[PathBuf],
    delimiter: Option<Delimiter>,
) -> Result<(BTreeMap<String, ColumnType>, u64), SourceError> {
    let Some(first) = files.first() else {
        return Ok((BTreeMap::new(), 0));
    };
    let names = read_header(first, delimiter_of(first, delimiter))?;
    let mut candidates = vec![Candidate::UNSEEN; names.len()];
    let mut n_rows = 0;
    for file in files {
        let mut reader = csv_reader(file, delimiter_of(file, delimiter))?;
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|error| unreadable(file, &error))? {
            n_rows += 1;
            if record.len() == names.len() {
                observe_record(&mut candidates, &record);
            }
        }
    }
    let types = names.into_iter().zip(candidates.into_iter().map(Candidate::verdict)).collect();
    Ok((types, n_rows))
}

fn observe_record(candidates: &mut [Candidate], record: &ByteRecord) {
    for (candidate, field) in candidates.iter_mut().zip(record) {
        if let Ok(value) = std::str::from_utf8(field) {
            let value = value.trim();
            if !value.is_empty() {
                candidate.observe(value);
            }
        }
    }
}

pub(super) fn unreadable(file: &Path, error: &csv::Error) -> SourceError {
    SourceError::Unreadable { file: file.to_owned(), cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(values: &[&str]) -> ColumnType {
        let mut candidate = Candidate::UNSEEN;
        values.iter().for_each(|value| candidate.observe(value));
        candidate.verdict()
    }

    #[test]
    fn types_follow_all_values() {
        assert_eq!(verdict(&["1", "-20"]), ColumnType::Integer);
        assert_eq!(verdict(&["1", "2.5"]), ColumnType::Number);
        assert_eq!(verdict(&["536365", "C536379"]), ColumnType::Text);
        assert_eq!(verdict(&["2010-12-01", "2010-12-01 08:26:00"]), ColumnType::Time);
        assert_eq!(verdict(&[]), ColumnType::Text);
    }

    #[test]
    fn ids_with_leading_zeros_stay_text() {
        assert_eq!(verdict(&["00417", "12"]), ColumnType::Text);
        assert_eq!(verdict(&["0", "0.5"]), ColumnType::Number);
        assert_eq!(verdict(&["3.3333333333333335", "NaN"]), ColumnType::Number);
        assert_eq!(verdict(&["2024010122001000000000000042"]), ColumnType::Text);
        assert_eq!(verdict(&["+8613900000001"]), ColumnType::Text);
        assert_eq!(verdict(&["1e5"]), ColumnType::Text);
    }
}
