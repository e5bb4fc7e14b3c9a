//! Results of the verbs as documents, and documents as text, JSON and CSV, in
//! English or Chinese. Pure: no file is read or written here.
//!
//! A page says once what there is to say of a result: headings, paragraphs,
//! warnings and typed tables. A renderer is one file and knows no page.

mod as_csv;
mod as_json;
mod as_text;
mod block;
mod digits;
mod metrics;
mod openlineage;
mod pages;
mod rendering;
mod table;
mod value;

pub use block::{Block, Document};
pub use metrics::{RunFigures, metrics};
pub use openlineage::{LineageRun, openlineage};
pub use pages::{
    assigned, backfilled, backtest, candidates, catalogue, churn, config_written, delivered,
    experiment_plan, experiment_readout, group_outcomes, group_values, judgement, lineage, matrix,
    migration, moves, next_step, offers, partition, plan_written, reference_groups, review_checked,
    review_outdated, review_unfit, review_written, rolled_backtest, sample_written, scored,
    scored_part, stability, targeting, trained, value,
};
pub use rendering::Rendering;
pub use table::{Audience, Column, Format, Head, Table, column};
pub use value::Value;
pub(crate) use value::words;

#[cfg(test)]
mod tests;
