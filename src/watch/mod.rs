//! Whether tonight is like other nights.

mod gates;

pub use gates::{Check, Feed, Gate, InputFacts, Level, check_input};
