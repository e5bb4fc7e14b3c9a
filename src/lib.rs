//! Layercake turns raw customer behaviour into named layers, churn risk and
//! scores, and proves them against RFM.
//!
//! `examples/sample.rs` uses it from within a program: one [`app::Session`] opens the
//! data, and verbs such as [`app::train`] and [`app::backtest`] work over it.
//!
//! `ARCHITECTURE.md` has the picture: which module does what and which may
//! import which.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod app;
pub mod bundle;
pub mod cli;
pub mod config;
pub mod dataset;
pub mod deliver;
pub mod experiment;
pub mod features;
pub mod files;
pub mod input;
pub mod models;
pub mod objects;
pub mod report;
pub mod sample;
pub mod settings;
pub mod stats;
pub mod watch;
