//! Whether tonight is like other nights.

mod drift;
mod gates;

pub use drift::{Bins, ColumnDrift, NOTICED_PSI, Reference, ReferenceColumn};
pub use gates::{Check, Feed, Gate, InputFacts, Level, check_input};
