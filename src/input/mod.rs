//! From raw tables to the sorted events of every user.

pub mod engine;
pub mod history;
pub mod rows;
pub mod source;
pub mod starter;
