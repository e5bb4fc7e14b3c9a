//! Files that appear whole or not at all, and tables as Parquet.

mod atomic;
mod cause;
mod lock;
mod parquet;
mod record;
mod table;

pub use atomic::{PARTIAL, Staged, stage, sweep, write_atomically};
pub use cause::io_error;
pub use lock::{FolderLock, lock_folder};
pub use parquet::{RowGroupColumn, WriteError, stage_parquet};
pub use record::{FileRecord, bytes_hash, content_hash};
pub use table::{batch_of, stage_batch, user_id_array};
