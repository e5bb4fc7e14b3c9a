//! Files that appear whole or not at all, and tables as Parquet.

mod atomic;
mod parquet;
mod table;

pub use atomic::{PARTIAL, Staged, stage, sweep, write_atomically};
pub use parquet::{WriteError, stage_parquet};
pub use table::{batch_of, stage_batch, user_id_array};
