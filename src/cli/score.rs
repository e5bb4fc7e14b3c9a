use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Parser, ValueEnum};

use super::{EngineArguments, ModelArguments, ReviewChoice, finish, tables};
use crate::app::{RejectedRows, ScoreFormat, ScoreRequest, score};

/// Score every user: layer, RFM segment, lifecycle stage; churn, why and by when.
///
/// Writes OUT/as_of=YYYY-MM-DD/scores.parquet, with _summary.json beside it. An
/// earlier file of that day stands until the new one is whole.
#[derive(Debug, Parser)]
#[command(
    name = "layercake-score",
    version,
    after_help = "Examples:
  layercake-score --bundle models/sample
  layercake-score --bundle models/shop --config tonight.toml --as-of 2026-07-01
  layercake-score --bundle models/shop --format csv --out /srv/scores

Exit codes: 0 done, 2 could not run."
)]
struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Score as of the start of this day [default: the day after the last event]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
    /// Folder of all scores
    #[arg(long, value_name = "FOLDER", default_value = "scores")]
    out: PathBuf,
    /// Encoding of the scores
    #[arg(long, value_enum, default_value = "parquet")]
    format: Format,
    #[command(flatten)]
    review: ReviewChoice,
    #[command(flatten)]
    engine: EngineArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Parquet,
    Csv,
}

/// Parses, runs and reports.
pub fn score_main() -> ExitCode {
    let arguments = Arguments::parse();
    finish("layercake-score", || run(&arguments))
}

fn run(arguments: &Arguments) -> anyhow::Result<String> {
    let Arguments { model, as_of, out, format, review, engine } = arguments;
    // The scores' own folder is known only once the data is read.
    let rejected_rows = RejectedRows::temporary_in(out);
    let (session, model) = model.open(engine, review, *as_of, rejected_rows)?;
    let format = match format {
        Format::Parquet => ScoreFormat::Parquet,
        Format::Csv => ScoreFormat::Csv,
    };
    let summary = score(&session, &model, &ScoreRequest { out, format })?;
    Ok(tables::scored(&summary))
}
