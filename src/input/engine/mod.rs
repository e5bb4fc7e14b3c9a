//! The query engine: one in-process session with bounded threads and memory,
//! driven from ordinary (blocking) code.

mod aggregate;
mod error;
mod local;
mod memory;
mod params;
mod predicate;

pub use aggregate::ExpressionFault;
pub use error::{EngineError, plain_message};
pub use local::Engine;
pub use memory::MemoryUse;
pub use params::EngineParams;
pub use predicate::{Predicate, PredicateFault};

/// Whether a word of an expression begins a subquery.
fn is_select(word: &str) -> bool {
    word.eq_ignore_ascii_case("select")
}
