//! Layercake turns raw customer behaviour into named layers, churn risk and
//! scores, and proves them against RFM.
//!
//! `ARCHITECTURE.md` has the picture: which module does what and which may
//! import which.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod boosting;
pub mod bundle;
pub mod churn;
pub mod cli;
pub mod clustering;
pub mod config;
pub mod dataset;
pub mod engine;
pub mod features;
pub mod history;
pub mod metrics;
pub mod pipeline;
pub mod publish;
pub mod rules;
pub mod sample;
pub mod scaling;
pub mod segmentation;
pub mod source;
pub mod starter;
