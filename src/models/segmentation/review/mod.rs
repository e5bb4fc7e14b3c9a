//! What people decided about layers, in `layers.toml`, checked against a model.

mod checked;
mod error;
mod file;
mod template;

pub use checked::{Review, ReviewedGroup, Rule};
pub use error::ReviewError;
pub use file::{GroupEntry, PinEntry, ReviewFile, SplitEntry};
pub use template::review_template;
