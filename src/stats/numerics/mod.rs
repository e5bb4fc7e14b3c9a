//! Numerical tools that several models share: a quadrature, a maximiser, a function.

mod gamma;
mod maximise;
mod quadrature;

pub use gamma::trigamma;
pub use maximise::{Derivatives, Maximum, Unfitted, maximise};
pub use quadrature::Nodes;
