//! What people decided about layers, in `layers.toml`, checked against a model.

mod checked;
mod error;
mod file;
mod template;

pub use checked::{Review, ReviewedLayer, Rule};
pub use error::ReviewError;
pub use file::{LayerEntry, PinEntry, ReviewFile, SplitEntry};
pub use template::review_template;
