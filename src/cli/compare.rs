use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::progress::TerminalProgress;
use super::{EngineArguments, ModelArguments, finish, tables};
use crate::pipeline::{agreement_with_groups, backtest};

/// Hold layers against RFM.
#[derive(Debug, Parser)]
#[command(name = "layercake-compare", version, after_help = "Exit codes: 0 done, 2 could not run.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    engine: EngineArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Layers against RFM on the period that training held out
    #[command(after_help = "Examples:
  layercake-compare backtest --bundle models/sample
  layercake-compare backtest --bundle models/sample --groups data/sample/truth.csv
  layercake-compare backtest --bundle models/shop --json > backtest.json")]
    Backtest {
        #[command(flatten)]
        model: ModelArguments,
        /// CSV of known groups (columns user_id, group): report how well layers agree
        #[arg(long, value_name = "FILE")]
        groups: Option<PathBuf>,
        /// Print JSON instead of tables
        #[arg(long)]
        json: bool,
    },
}

/// Parses, runs and reports.
pub fn compare_main() -> ExitCode {
    let arguments = Arguments::parse();
    finish("layercake-compare", || run(arguments))
}

fn run(arguments: Arguments) -> anyhow::Result<String> {
    let Command::Backtest { model, groups, json } = arguments.command;
    let (bundle, folder, config) = model.load(&arguments.engine)?;
    let scratch = tempfile::tempdir()?;
    let quarantine = scratch.path().join("quarantine.csv");
    let mut progress = TerminalProgress::new();
    let result = backtest(&bundle, &config, &quarantine, &mut progress)?;
    let agreement = match groups {
        Some(file) => {
            Some(agreement_with_groups(&bundle, &config, &file, &quarantine, &mut progress)?)
        }
        None => None,
    };
    drop(progress);
    if json {
        let value = serde_json::json!({
            "bundle": folder, "backtest": result, "known_groups": agreement,
        });
        return Ok(serde_json::to_string_pretty(&value)? + "\n");
    }
    let known = agreement.map_or(String::new(), |found| format!("\n{}", tables::agreement(&found)));
    Ok(tables::compared(&result) + &known)
}
