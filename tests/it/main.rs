//! Everything as its users meet it: the three binaries on real and on broken
//! input. One binary, since each more would link the engine again.

mod architecture;
mod assignments;
mod bad_input;
mod bundles;
mod catalogue;
mod churn;
mod config_reference;
mod csv_reading;
mod destinations;
mod experiments;
mod feature_names;
mod feature_reference;
mod features;
mod fuzz_corpora;
mod gates;
mod help;
mod kinds;
mod leaks;
mod lineage;
mod matrix_file;
mod moves;
mod names;
mod newcomer;
mod nightly_examples;
mod nights;
mod own_features;
mod published_kmeans;
mod publishing;
mod real_data;
mod reports;
mod review;
mod rules;
mod sample;
mod score_reference;
mod scoring;
mod settings;
mod source;
mod starter;
mod support;
#[cfg(target_os = "linux")]
mod threads;
mod value;
mod worth;
