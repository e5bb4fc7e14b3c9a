//! Raw tables in, one checked `events` table out.
//!
//! A [`SourceParams`] maps one raw table (Parquet or CSV files) to the columns
//! of [`EVENT_COLUMNS`] by SQL expressions. Rows that break the contract are
//! rejected and listed in a quarantine file with source, file, row and reason; above a
//! configurable share they stop the run.

mod csv_table;
mod csv_types;
mod error;
mod files;
mod functions;
mod load;
mod mapping;
mod params;
mod profile;
mod quarantine;
mod raw_table;
mod sample;

pub use csv_types::ColumnType;
pub use error::SourceError;
pub use files::{FileFormat, expand_paths, is_parquet, is_read_by};
pub use functions::register as register_functions;
pub use load::{Events, OpenSources, open_sources};
pub use mapping::quoted_column;
pub use params::{DuplicateRows, InputGates, InputParams, Paths, SourceParams, UserIdType};
pub use profile::{DayGap, EventCount, InputProfile, SourceCounts};
pub use raw_table::{RawTable, open_raw_table};
pub use sample::{SampledColumn, TableSample, sample_table};

/// Digits kept after the decimal point of amounts, quantities and durations.
/// They are summed as fixed-point numbers, so that a sum never depends on the
/// order of rows or on the number of threads.
pub const DECIMAL_SCALE: i8 = 4;

/// All digits of a fixed-point number: amounts below 10^14.
pub const DECIMAL_PRECISION: u8 = 18;

/// The columns of the `events` table, all of them always present; optional
/// ones that no source maps are null.
pub const EVENT_COLUMNS: [&str; 13] = [
    "user_id",
    "time",
    "event",
    "amount",
    "quantity",
    "discount",
    "item",
    "category",
    "channel",
    "order_id",
    "dwell_s",
    "session",
    "available_at",
];

/// Name under which the checked events are registered in the engine.
pub const EVENTS_TABLE: &str = "events";
