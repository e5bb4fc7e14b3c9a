use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};

use crate::input::engine::Engine;
use crate::input::source::{RawTable, SourceError, quoted_column};

/// A raw table under a name that queries can use.
pub(super) struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

/// A column as expressions see it.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub name: String,
    pub data_type: DataType,
}

impl Column {
    /// As it has to be written in an expression.
    pub fn quoted(&self) -> String {
        quoted_column(&self.name)
    }

    /// The name without case and punctuation: `Customer ID` → `customerid`.
    pub fn key(&self) -> String {
        self.name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
    }

    pub fn is_text(&self) -> bool {
        self.data_type.is_string()
    }

    pub fn is_time(&self) -> bool {
        self.data_type.is_temporal()
    }

    pub fn is_number(&self) -> bool {
        self.data_type.is_numeric()
    }
}

impl Table {
    pub fn register(engine: &Engine, raw: &RawTable, name: String) -> Result<Self, SourceError> {
        engine.context().register_table(name.as_str(), raw.frame(engine)?.into_view())?;
        let columns = raw
            .schema
            .fields()
            .iter()
            .map(|field| Column {
                name: field.name().clone(),
                data_type: field.data_type().clone(),
            })
            .collect();
        Ok(Self { name, columns })
    }

    /// Rows for which a condition holds.
    pub fn count(&self, engine: &Engine, condition: &str) -> Result<u64, SourceError> {
        let sql = format!("SELECT count(*) FROM {} WHERE {condition}", self.name);
        let batches = engine.query(&sql)?;
        Ok(batches[0].column(0).as_primitive::<Int64Type>().value(0) as u64)
    }

    /// Results of one row, as text; null is empty.
    pub fn text_row(&self, engine: &Engine, select: &str) -> Result<Vec<String>, SourceError> {
        Ok(self.text_rows(engine, select, "")?.into_iter().next().unwrap_or_default())
    }

    /// Results as text; null is empty.
    pub fn text_rows(
        &self,
        engine: &Engine,
        select: &str,
        rest: &str,
    ) -> Result<Vec<Vec<String>>, SourceError> {
        let batches = engine.query(&format!("SELECT {select} FROM {} {rest}", self.name))?;
        let mut rows = Vec::new();
        for batch in &batches {
            let columns = batch
                .columns()
                .iter()
                .map(|column| arrow::compute::cast(column, &DataType::Utf8))
                .collect::<Result<Vec<_>, _>>()
                .map_err(datafusion::error::DataFusionError::from)?;
            for row in 0..batch.num_rows() {
                let text = |column: &arrow::array::ArrayRef| {
                    column.as_string::<i32>().iter().nth(row).flatten().unwrap_or("").to_owned()
                };
                rows.push(columns.iter().map(text).collect());
            }
        }
        Ok(rows)
    }
}
