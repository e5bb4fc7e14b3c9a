//! What people type and see: arguments, progress, exit codes. What is printed is
//! made in `report`.

mod arguments;
mod compare;
mod experiment;
mod features;
mod finish;
mod hints;
mod init;
mod judge;
mod lineage_file;
mod log;
mod main_job;
mod output;
mod printing;
mod progress;
mod review;
mod sample;
mod score;
mod show;
mod train;

pub use compare::compare_main;
pub use score::score_main;
pub use train::train_main;
