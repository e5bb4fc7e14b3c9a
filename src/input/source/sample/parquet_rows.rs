//! Runs of rows from evenly spread places of Parquet files.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};

use super::table::{MAX_BYTES, N_PLACES, SampledColumn, TableSample};
use crate::input::source::files::FileFormat;
use crate::input::source::{SourceError, quoted_column};

/// Rows that are read at most.
const MAX_ROWS: u64 = 200_000;

type FileBuilder = ParquetRecordBatchReaderBuilder<File>;

/// A sample of Parquet files: the columns that all of them have.
pub(super) fn sample_parquet(files: &[&PathBuf]) -> Result<TableSample, SourceError> {
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
    fn runs_of_rows_reach_from_the_first_to_the_last() {
        for (n_rows, wanted) in [(1_000, 160), (17, 16), (40, 39), (5, 9)] {
            let selection: Vec<RowSelector> = spread_rows(n_rows, wanted).into();
            let all: usize = selection.iter().map(|run| run.row_count).sum();
            assert_eq!(all as u64, n_rows);
            assert!(!selection[0].skip && !selection[selection.len() - 1].skip);
        }
    }
}
