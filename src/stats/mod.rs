//! Statistics: numbers in, numbers out. No word of the domain, no file, no SQL.

pub mod boosting;
pub mod calibration;
pub mod clustering;
pub mod distributions;
pub mod effects;
pub mod linear;
pub mod markov;
pub mod metrics;
pub mod numerics;
pub mod orders;
pub mod resample;
pub mod scaling;
pub mod season;
pub mod shrinkage;
