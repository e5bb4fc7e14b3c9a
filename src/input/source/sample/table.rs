use arrow::array::StringArray;
use arrow::datatypes::DataType;

use crate::input::source::files::FileFormat;

/// Bytes of text that are kept at most.
pub(super) const MAX_BYTES: u64 = 8 << 20;
/// Places in the files from which rows are taken.
pub(super) const N_PLACES: u64 = 16;

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
