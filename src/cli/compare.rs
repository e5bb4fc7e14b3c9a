use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    EngineArguments, ModelArguments, ReviewChoice, compare_tables, finish, group_tables,
    list_of_no_interest,
};
use crate::app::{
    Grouping, MigrationRequest, Model, Session, agreement_with_groups, backtest, group_outcomes,
    migration, stability,
};
use crate::models::rules::RuleGrouping;

/// Hold layers against RFM, and see who moves between groups.
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
    /// How well the layers hold when they are fitted anew to resampled users
    #[command(after_help = "Example:
  layercake-compare stability --bundle models/sample

Each refit takes about as long as fitting the layers did.")]
    Stability {
        #[command(flatten)]
        model: ModelArguments,
        /// Refits, each on users drawn with replacement
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=100))]
        refits: u16,
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Users, GMV and churn of every group on the period that training held out
    #[command(after_help = "Examples:
  layercake-compare groups --bundle models/sample
  layercake-compare groups --bundle models/shop --by rfm --by value_demand
  layercake-compare groups --bundle models/shop --by rfm_cells --csv > cells.csv

Churn: share of a group's users without an order in the period.")]
    Groups {
        #[command(flatten)]
        model: ModelArguments,
        /// What groups the users; may be repeated [default: all but rfm_cells]
        #[arg(long, value_enum, value_name = "GROUPING")]
        by: Vec<By>,
        #[command(flatten)]
        format: Format,
    },
    /// Who went from which group to which between two dates, with GMV before and after
    #[command(after_help = "Examples:
  layercake-compare migration --bundle models/sample
  layercake-compare migration --bundle models/shop --by lifecycle --from 2026-01-01 --to 2026-07-01
  layercake-compare migration --bundle models/shop --by rfm --csv > migration.csv

GMV before and after is that of the horizon_days before each of the two dates.
--json and --csv have every pair of groups.")]
    Migration {
        #[command(flatten)]
        model: ModelArguments,
        /// What groups the users
        #[arg(long, value_enum, value_name = "GROUPING", default_value = "layers")]
        by: By,
        /// First date [default: horizon_days before the second]
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<NaiveDate>,
        /// Second date [default: the day after the last event]
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<NaiveDate>,
        #[command(flatten)]
        format: Format,
    },
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Args)]
struct Format {
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Print CSV instead of tables
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum By {
    /// The layers of the model
    Layers,
    /// RFM's ten names, or those of [rfm.map]
    Rfm,
    /// RFM's 125 codes
    RfmCells,
    /// 18 levels: 3 of R, 3 of F, 2 of M
    RfmLevels,
    /// Amount of an order against number of orders, each high or low
    ValueDemand,
    /// Prospect, new, active, dormant
    Lifecycle,
}

impl By {
    fn grouping(self) -> Grouping {
        match self {
            Self::Layers => Grouping::Layers,
            Self::Rfm => Grouping::Rule(RuleGrouping::Rfm),
            Self::RfmCells => Grouping::Rule(RuleGrouping::RfmCells),
            Self::RfmLevels => Grouping::Rule(RuleGrouping::RfmLevels),
            Self::ValueDemand => Grouping::Rule(RuleGrouping::ValueDemand),
            Self::Lifecycle => Grouping::Rule(RuleGrouping::Lifecycle),
        }
    }
}

/// Parses, runs and reports.
pub fn compare_main() -> ExitCode {
    let arguments = Arguments::parse();
    finish("layercake-compare", || run(arguments))
}

fn run(arguments: Arguments) -> anyhow::Result<String> {
    let engine = arguments.engine;
    match arguments.command {
        Command::Backtest { model, groups, json } => {
            let (session, model) = open(&engine, &model, None)?;
            run_backtest(&session, &model, groups, json)
        }
        Command::Stability { model, refits, json } => {
            let unreviewed = ReviewChoice { no_review: true, ..ReviewChoice::default() };
            let (session, model) = model.open(&engine, &unreviewed, None, list_of_no_interest())?;
            run_stability(&session, &model, refits, json)
        }
        Command::Groups { model, by, format } => {
            let (session, model) = open(&engine, &model, None)?;
            run_groups(&session, &model, &by, format)
        }
        Command::Migration { model, by, from, to, format } => {
            let (session, model) = open(&engine, &model, to)?;
            let request = MigrationRequest { grouping: by.grouping(), from };
            run_migration(&session, &model, &request, format)
        }
    }
}

/// A session over the data, and the model with its review.
fn open(
    engine: &EngineArguments,
    model: &ModelArguments,
    as_of: Option<NaiveDate>,
) -> anyhow::Result<(Session, Model)> {
    model.open(engine, &ReviewChoice::default(), as_of, list_of_no_interest())
}

fn run_backtest(
    session: &Session,
    model: &Model,
    groups: Option<PathBuf>,
    json: bool,
) -> anyhow::Result<String> {
    let result = backtest(session, model)?;
    let agreement = groups.map(|file| agreement_with_groups(session, model, &file)).transpose()?;
    if json {
        let value = serde_json::json!({
            "bundle": model.folder, "backtest": result, "known_groups": agreement,
        });
        return Ok(serde_json::to_string_pretty(&value)? + "\n");
    }
    let known =
        agreement.map_or(String::new(), |found| format!("\n{}", compare_tables::agreement(&found)));
    Ok(compare_tables::compared(&result) + &known)
}

fn run_stability(
    session: &Session,
    model: &Model,
    refits: u16,
    json: bool,
) -> anyhow::Result<String> {
    let found = stability(session, &model.bundle, usize::from(refits))?;
    if json {
        let value = serde_json::json!({ "bundle": model.folder, "stability": found });
        return Ok(serde_json::to_string_pretty(&value)? + "\n");
    }
    Ok(compare_tables::stability(&found))
}

fn run_groups(
    session: &Session,
    model: &Model,
    by: &[By],
    format: Format,
) -> anyhow::Result<String> {
    let usual = [By::Layers, By::Rfm, By::RfmLevels, By::ValueDemand, By::Lifecycle];
    let by = if by.is_empty() { &usual[..] } else { by };
    let groupings: Vec<Grouping> = by.iter().map(|by| by.grouping()).collect();
    let found = group_outcomes(session, model, &groupings)?;
    if format.json {
        let value = serde_json::json!({ "bundle": model.folder, "groupings": found });
        return Ok(serde_json::to_string_pretty(&value)? + "\n");
    }
    if format.csv { group_tables::outcomes_csv(&found) } else { Ok(group_tables::outcomes(&found)) }
}

fn run_migration(
    session: &Session,
    model: &Model,
    request: &MigrationRequest,
    format: Format,
) -> anyhow::Result<String> {
    let found = migration(session, model, request)?;
    if format.json {
        let value = serde_json::json!({ "bundle": model.folder, "migration": found });
        return Ok(serde_json::to_string_pretty(&value)? + "\n");
    }
    if format.csv { group_tables::flows_csv(&found) } else { Ok(group_tables::migration(&found)) }
}
