use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::arguments::{ModelArguments, ReviewChoice, RunArguments, list_of_no_interest};
use super::experiment::{
    self, AssignArguments, PlanArguments, ReadoutArguments, TargetingArguments,
};
use super::finish::{EXIT_CODES, finish};
use super::printing::Printing;
use super::show::of_bundle;
use crate::app::{
    Grouping, MigrationRequest, Model, OffersFile, OffersRequest, Session, backtest,
    compare_with_reference_groups, group_outcomes, group_values, migration, moves, offers,
    rolled_backtest, stability,
};
use crate::models::rules::RuleGrouping;
use crate::models::segmentation::Partition;
use crate::report::{self, Document};
use crate::settings::{Days, parse_day};

/// Compare layers with RFM; see who moves between groups, and what moves them.
#[derive(Debug, Parser)]
#[command(name = "layercake-compare", version, max_term_width = 80, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    printing: Printing,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Layers beside RFM on the holdout of training
    #[command(after_help = "Examples:
  layercake-compare backtest --bundle models/sample
  layercake-compare backtest --bundle models/sample \\
    --reference-groups data/sample/truth.csv
  layercake-compare backtest --bundle models/shop --dates 6
  layercake-compare backtest --bundle models/shop --format json > backtest.json")]
    Backtest {
        #[command(flatten)]
        layers: Layers,
        /// Holdout dates: of more than one, the config is trained anew as of each, without
        /// a review; nothing is saved
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=50))]
        dates: u16,
        /// Days between holdout dates [default: horizon_days, so that no outcome counts twice]
        #[arg(long, value_name = "DAYS", requires = "dates")]
        every_days: Option<Days>,
        /// CSV of reference groups (columns user_id, group): report the adjusted Rand
        /// index of layers and RFM
        #[arg(long, value_name = "FILE")]
        reference_groups: Option<PathBuf>,
        #[command(flatten)]
        run: RunArguments,
    },
    /// Plan an experiment: check the plan, see what it can find, seal it
    Plan(PlanArguments),
    /// Give every user an arm of a sealed plan
    Assign(AssignArguments),
    /// What came of an experiment: gates first, then effects
    Readout(ReadoutArguments),
    /// What targeting by layers or by RFM would be worth, from one randomised campaign
    Targeting(TargetingArguments),
    /// How stable layers or kinds are when they are fitted anew to resampled users
    #[command(after_help = "Examples:
  layercake-compare stability --bundle models/sample
  layercake-compare stability --bundle models/sample --of kinds --refits 10

Each refit takes about as long as fitting the layers, or kinds, did.")]
    Stability {
        #[command(flatten)]
        model: ModelArguments,
        /// What is fitted anew
        #[arg(long, value_enum, value_name = "GROUPS", default_value = "layers")]
        of: Of,
        /// Refits, each on users drawn with replacement
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=100))]
        refits: u16,
        #[command(flatten)]
        run: RunArguments,
    },
    /// Users, GMV and churn of every group on the holdout of training
    #[command(after_help = "Examples:
  layercake-compare groups --bundle models/sample
  layercake-compare groups --bundle models/shop --by rfm --by value_demand
  layercake-compare groups --bundle models/shop --by rfm_cells \\
    --format csv > cells.csv

Churn: share of a group's users without an order in the period.")]
    Groups {
        #[command(flatten)]
        layers: Layers,
        /// What groups the users; may be repeated [default: all but rfm_cells]
        #[arg(long, value_enum, value_name = "GROUPING")]
        by: Vec<By>,
        #[command(flatten)]
        run: RunArguments,
    },
    /// Who went from which group to which between two dates, with GMV before and after
    #[command(after_help = "Examples:
  layercake-compare migration --bundle models/sample
  layercake-compare migration --bundle models/shop --by lifecycle \\
    --from 2026-01-01 --to 2026-07-01
  layercake-compare migration --bundle models/shop --by rfm \\
    --format csv > migration.csv

GMV before and after is that of the horizon_days before each of the two dates.
JSON and CSV have every pair of groups.")]
    Migration {
        #[command(flatten)]
        layers: Layers,
        /// What groups the users
        #[arg(long, value_enum, value_name = "GROUPING", default_value = "layers")]
        by: By,
        /// First date [default: horizon_days before the second]
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
        from: Option<NaiveDate>,
        /// Second date [default: the day after the last event]
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
        to: Option<NaiveDate>,
        #[command(flatten)]
        run: RunArguments,
    },
    /// What moves each group: channels, discounts, hours and next categories
    #[command(after_help = "Examples:
  layercake-compare moves --bundle models/sample
  layercake-compare moves --bundle models/shop --by rfm --lang zh
  layercake-compare moves --bundle models/shop --format csv > moves.csv

Each figure has an interval of 95 % over users. Figures describe what users did;
they do not prove that a message or a discount was the cause.")]
    Moves {
        #[command(flatten)]
        layers: Layers,
        /// What groups the users
        #[arg(long, value_enum, value_name = "GROUPING", default_value = "kinds")]
        by: By,
        /// Group users as of the start of this day, by what they did before it [default:
        /// the day after the last event]
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
        as_of: Option<NaiveDate>,
        #[command(flatten)]
        run: RunArguments,
    },
    /// What members of each group are worth, by who went where, and how far that holds
    #[command(after_help = "Examples:
  layercake-compare value --bundle models/sample
  layercake-compare value --bundle models/shop --by rfm --lang zh
  layercake-compare value --bundle models/shop --format csv > worth.csv

Groups are states of a Markov chain with steps of horizon_days, by one model at
all dates; [value] says how far ahead, and what an amount of later counts.")]
    Value {
        #[command(flatten)]
        layers: Layers,
        /// What groups the users
        #[arg(long, value_enum, value_name = "GROUPING", default_value = "layers")]
        by: By,
        #[command(flatten)]
        run: RunArguments,
    },
    /// What it pays to move users from group to group, and whom to contact
    Offers(OffersArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  layercake-compare offers offers.toml --bundle models/shop
  layercake-compare offers offers.toml --bundle models/shop --out contacts.csv

The file:
  [[offer]]
  from = \"L4\"              id or name of a layer, or of a kind with --of kinds
  to = \"L6\"
  cost_per_contact = 0.3
  cost_per_move = 5         [default: 0]
  uplift = 0.03             what an experiment gave, with its interval; without
  uplift_interval = [0.01, 0.05]   it, no user can be ranked
  [budget]
  total = 2000              [default: as much as pays]
  floors = { L4 = 500 }     kept for users of a group

Amounts are in the currency of the data.")]
struct OffersArguments {
    /// The offers
    #[arg(value_name = "OFFERS")]
    file: PathBuf,
    #[command(flatten)]
    layers: Layers,
    /// Groups that the offers name
    #[arg(long, value_enum, value_name = "GROUPS", default_value = "layers")]
    of: Of,
    /// Write whom to contact, best first: Parquet, or CSV where the name ends in .csv
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    run: RunArguments,
}

/// A model and its review.
#[derive(Debug, Args)]
struct Layers {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    review: ReviewChoice,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// How much users are worth
    Layers,
    /// How users shop
    Kinds,
}

impl Of {
    fn partition(self) -> Partition {
        match self {
            Self::Layers => Partition::Layers,
            Self::Kinds => Partition::Kinds,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum By {
    /// The layers of the model: how much users are worth
    Layers,
    /// The kinds of the model: how users shop
    Kinds,
    /// Kinds, each in tiers of predicted GMV
    KindTiers,
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
            Self::Layers => Grouping::Groups(Partition::Layers),
            Self::Kinds => Grouping::Groups(Partition::Kinds),
            Self::KindTiers => Grouping::KindTiers,
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
    let printing = arguments.printing;
    finish("layercake-compare", &printing, || run(arguments)).into()
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let printing = &arguments.printing;
    let document = match arguments.command {
        Command::Plan(wanted) => return experiment::plan(&wanted, printing),
        Command::Assign(wanted) => return experiment::assign_users(&wanted, printing),
        Command::Targeting(wanted) => return experiment::targeting(&wanted, printing),
        Command::Readout(wanted) => return experiment::readout(&wanted, printing),
        Command::Backtest { layers, dates, every_days, reference_groups, run } => {
            layers.compare(&run, None, printing, |session, model| {
                if dates > 1 {
                    let horizon_days = model.bundle.config.snapshots.horizon_days;
                    let step_days = every_days.unwrap_or(horizon_days).get();
                    let rolled = rolled_backtest(session, usize::from(dates), step_days)?;
                    return Ok(report::rolled_backtest(&rolled));
                }
                let mut document = report::backtest(&backtest(session, model)?);
                if let Some(file) = reference_groups {
                    let found = compare_with_reference_groups(session, model, &file)?;
                    document.section("reference_groups", None, report::reference_groups(&found));
                }
                Ok(document)
            })
        }
        Command::Stability { model, of, refits, run } => {
            let layers = Layers { model, review: ReviewChoice::none() };
            layers.compare(&run, None, printing, |session, model| {
                let found = stability(session, &model.bundle, of.partition(), usize::from(refits))?;
                Ok(report::stability(&found))
            })
        }
        Command::Groups { layers, by, run } => {
            layers.compare(&run, None, printing, |session, model| {
                let usual =
                    [By::Layers, By::Kinds, By::Rfm, By::RfmLevels, By::ValueDemand, By::Lifecycle];
                let by = if by.is_empty() { &usual[..] } else { &by };
                let groupings: Vec<Grouping> = by.iter().map(|by| by.grouping()).collect();
                Ok(report::group_outcomes(&group_outcomes(session, model, &groupings)?))
            })
        }
        Command::Migration { layers, by, from, to, run } => {
            layers.compare(&run, to, printing, |session, model| {
                let request = MigrationRequest { grouping: by.grouping(), from };
                Ok(report::migration(&migration(session, model, &request)?))
            })
        }
        Command::Moves { layers, by, as_of, run } => {
            layers.compare(&run, as_of, printing, |session, model| {
                Ok(report::moves(&moves(session, model, by.grouping())?))
            })
        }
        Command::Value { layers, by, run } => {
            layers.compare(&run, None, printing, |session, model| {
                Ok(report::group_values(&group_values(session, model, by.grouping())?))
            })
        }
        Command::Offers(OffersArguments { file, layers, of, out, run }) => {
            let file = OffersFile::read(&file)?;
            layers.compare(&run, None, printing, |session, model| {
                let partition = of.partition();
                let request = OffersRequest { file: &file, partition, out: out.as_deref() };
                Ok(report::offers(&offers(session, model, &request)?, partition))
            })
        }
    }?;
    printing.print(&document)
}

impl Layers {
    /// Compares with the model and its review over the data.
    fn compare(
        &self,
        run: &RunArguments,
        as_of: Option<NaiveDate>,
        printing: &Printing,
        compare: impl FnOnce(&Session, &Model) -> anyhow::Result<Document>,
    ) -> anyhow::Result<Document> {
        let (bundle, folder, config) = self.model.load(run)?;
        let session = run.open(config, as_of, list_of_no_interest(), printing)?;
        let model = self.review.apply(bundle, folder.clone(), &session)?;
        let content = compare(&session, &model)?;
        run.finish(&session);
        Ok(of_bundle(&folder, content))
    }
}
