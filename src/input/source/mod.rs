//! Raw tables in, one checked `events` table out.
//!
//! A [`SourceParams`] maps one raw table (Parquet or CSV files) to the columns
//! of [`EVENT_COLUMNS`] by SQL expressions. Rows that break the contract are
//! rejected and listed in a quarantine file with source, file, row and reason; above a
//! configurable share they stop the run.

mod csv_table;
mod csv_types;
mod error;
mod event_columns;
mod files;
mod functions;
mod load;
mod mapping;
mod params;
mod profile;
mod quarantine;
mod raw_table;
mod rejection;
mod sample;

pub use csv_types::ColumnType;
pub use error::SourceError;
pub use event_columns::{
    DECIMAL_PRECISION, DECIMAL_SCALE, EVENT_COLUMNS, EventColumn, EventColumnKind,
    event_column_names,
};
pub use files::{FileFormat, expand_paths, input_hash, is_parquet, is_read_by};
pub use functions::register as register_functions;
pub use load::{Events, OpenSources, open_sources};
pub use mapping::quoted_column;
pub use params::{
    DuplicateRows, INPUT_GATES, InputGates, InputParams, Paths, SourceParams, UserIdType,
};
pub use profile::{DayGap, EventCount, InputProfile, SourceCounts};
pub use raw_table::{RawTable, open_raw_table};
pub use rejection::Rejection;
pub use sample::{SampledColumn, TableSample, sample_table};

/// Name under which the checked events are registered in the engine.
pub const EVENTS_TABLE: &str = "events";
