use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{Parser, Subcommand, ValueEnum};

use super::arguments::{ModelArguments, ReviewChoice, RunArguments};
use super::finish::{EXIT_CODES, finish};
use super::judge::{self, JudgeArguments};
use super::lineage_file::LineageFile;
use super::output::complain;
use super::printing::Printing;
use crate::app::{
    BackfilledNight, ErrorKind, Part, REJECTED, RejectedRows, ScoreFormat, ScoreRequest, Scored,
    backfill, finish_parts, note_run, refused_nights, score, score_part,
};
use crate::deliver::{Delivered, DeliveryError, Destination, deliver, fetch_records};
use crate::files::write_atomically;
use crate::report::{self, RunFigures};
use crate::settings::parse_day;

/// Score every user: layer, kind, RFM segment, lifecycle; churn, why and by when.
///
/// Writes OUT/as_of=YYYY-MM-DD/scores.parquet, with _summary.json beside it. An
/// earlier file of that day stands until the new one is whole.
#[derive(Debug, Parser)]
#[command(
    name = "layercake-score",
    version,
    max_term_width = 80,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = format!("Examples:
  layercake-score --bundle models/sample
  layercake-score --bundle models/shop --config tonight.toml --as-of 2026-07-01
  layercake-score --bundle models/shop --encoding csv -o /srv/scores
  layercake-score --bundle models/shop --set input.gates.max_stale_days=30
  layercake-score --bundle models/shop --quiet || echo \"no scores tonight: $?\"
  layercake-score --bundle models/shop --metrics /var/lib/node_exporter/layercake.prom
  layercake-score --bundle models/shop --part 3/16 -o runs/2026-07-01
  layercake-score --bundle models/shop --finish runs/2026-07-01 -o /srv/scores
  layercake-score --bundle models/shop --from 2026-06-01 --until 2026-06-30
  layercake-score --bundle models/shop --to postgres://me@db/crm#scores
  layercake-score --bundle models/shop --to s3://lake/scores
  layercake-score judge --bundle models/shop

{EXIT_CODES}")
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    model: Option<ModelArguments>,
    /// Score as of the start of this day [default: the day after the last event]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    as_of: Option<NaiveDate>,
    /// Score every day from this one to --until, each as its own night would have been: by
    /// what was known by then, beside the nights before it
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day, requires = "until", conflicts_with_all = ["as_of", "part", "finish"])]
    from: Option<NaiveDate>,
    /// The last day of --from
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day, requires = "from")]
    until: Option<NaiveDate>,
    /// Folder of all scores; those of an earlier run of the day are replaced
    #[arg(short, long, value_name = "FOLDER", default_value = "scores")]
    out: PathBuf,
    /// How the scores are written
    #[arg(long, value_enum, default_value = "parquet")]
    encoding: Encoding,
    /// Take the published scores there as well: a folder of an object store (s3://…, az://…,
    /// gs://…), or a table of Postgres (postgres://user@host/database#table, by default
    /// layercake_scores); may be repeated
    #[arg(long, value_name = "URL", conflicts_with = "part")]
    to: Vec<Destination>,
    /// Score only the users of one of OF equal parts, chosen by a hash of their ids, and
    /// leave their rows with a receipt in OUT, for --finish
    #[arg(long, value_name = "NUMBER/OF", conflicts_with_all = ["finish", "encoding"])]
    part: Option<Part>,
    /// Put the parts of a folder together and publish them: the same scores as by one run
    #[arg(long, value_name = "FOLDER", conflicts_with = "as_of")]
    finish: Option<PathBuf>,
    /// Write a file for Prometheus (node_exporter's textfile collector), also when the run
    /// fails
    #[arg(long, value_name = "FILE", conflicts_with = "part")]
    metrics: Option<PathBuf>,
    /// Add OpenLineage events to a file, one JSON object a line: when the run begins, and
    /// how it ended
    #[arg(long, value_name = "FILE", conflicts_with_all = ["part", "from"])]
    openlineage: Option<PathBuf>,
    #[command(flatten)]
    review: ReviewChoice,
    #[command(flatten)]
    run: RunArguments,
    #[command(flatten)]
    printing: Printing,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How published scores did, now that it is known what happened
    Judge(JudgeArguments),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Encoding {
    Parquet,
    Csv,
}

/// Parses, runs and reports.
pub fn score_main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut done = Done::default();
    let ended = finish("layercake-score", &arguments.printing, || run(&arguments, &mut done));
    if let Some(file) = &arguments.metrics
        && let Err(error) = write_metrics(file, ended.exit_code, &done)
    {
        // The scores are published or not whatever monitoring is told.
        complain(&format!("layercake-score: can't write {}: {error}", file.display()));
    }
    if let Some(lineage) = &mut done.lineage {
        let end = match (&ended.error, &done.scored) {
            (None, Some(scored)) => Ok(scored),
            (error, _) => Err(error.as_deref().unwrap_or("nothing was published")),
        };
        lineage.note(Some(end));
    }
    ended.into()
}

/// What a run has to say to monitoring.
#[derive(Default)]
struct Done {
    scored: Option<Scored>,
    stages: Vec<(String, Duration)>,
    lineage: Option<LineageFile>,
}

/// Writes the file for Prometheus, also of a run that failed.
fn write_metrics(file: &Path, exit_code: u8, done: &Done) -> std::io::Result<()> {
    let former = std::fs::read_to_string(file).unwrap_or_default();
    let run = RunFigures {
        ended_at: chrono::Utc::now(),
        exit_code,
        stages: &done.stages,
        scored: done.scored.as_ref().filter(|_| exit_code == 0),
    };
    let text = report::metrics(&run, &former);
    // A folder that is not there is a mistyped one: nobody would read the file in it.
    if let Some(folder) = file.parent().filter(|it| *it != Path::new("") && !it.is_dir()) {
        return Err(std::io::Error::other(format!("there is no folder {}", folder.display())));
    }
    write_atomically(file, |file| file.write_all(text.as_bytes()))
}

fn run(arguments: &Arguments, done: &mut Done) -> anyhow::Result<()> {
    if let Some(Command::Judge(wanted)) = &arguments.command {
        return judge::run(wanted, &arguments.printing);
    }
    let Arguments { as_of, out, encoding, part, finish, review, run, printing, to, .. } = arguments;
    let model = arguments.model.as_ref().expect("it is required without a command");
    let (bundle, folder, config) = model.load(run)?;
    if let Some(file) = &arguments.openlineage {
        let model = bundle.config.name.clone();
        let lineage = LineageFile::new(file.clone(), model, config.sources.clone());
        done.lineage.insert(lineage).note(None);
    }
    let rejected_rows = match part {
        Some(part) => RejectedRows::kept_in(out.join(part.file_name(REJECTED))),
        // The scores' own folder is known only once the data is read.
        None => RejectedRows::temporary(out.join("_quarantine.csv")),
    };
    let session = run.open(config, *as_of, rejected_rows, printing)?;
    let model = review.apply(bundle, folder, &session)?;
    if matches!(encoding, Encoding::Csv)
        && let Some(to) = to.iter().find(|it| matches!(it, Destination::Postgres { .. }))
    {
        anyhow::bail!("{to} takes scores from Parquet; leave out --encoding csv");
    }
    to.iter().try_for_each(|to| fetch_records(to, out))?;
    let format = match encoding {
        Encoding::Parquet => ScoreFormat::Parquet,
        Encoding::Csv => ScoreFormat::Csv,
    };
    let request = ScoreRequest { out, format, is_backfill: false };
    let mut session = session.of_part((*part).unwrap_or(Part::WHOLE));
    if let Some(days) = arguments.from.zip(arguments.until) {
        let nights = backfill(&mut session, &model, &request, days)?;
        run.finish(&session);
        done.stages = session.timings();
        done.scored = nights.iter().rev().find_map(BackfilledNight::published).cloned();
        return end_backfill(&nights, to, printing);
    }
    let scored = match (part, finish) {
        (Some(part), _) => {
            let page = report::scored_part(&score_part(&session, &model, *part, out)?);
            run.finish(&session);
            return printing.print(&page);
        }
        (None, Some(parts)) => finish_parts(&session, &model, parts, &request)?,
        (None, None) => score(&session, &model, &request)?,
    };
    if let Err(error) = note_run(&session, &scored) {
        // The scores are published all the same.
        complain(&format!("layercake-score: {error}"));
    }
    run.finish(&session);
    done.stages = session.timings();
    end_night(done.scored.insert(scored), to, printing)
}

/// Takes a night's scores where they go, and reports. What could not be taken elsewhere is
/// published all the same, and said so first.
fn end_night(scored: &Scored, to: &[Destination], printing: &Printing) -> anyhow::Result<()> {
    let (delivered, failure) = deliver_to(to, std::iter::once(scored));
    let mut page = report::scored(scored);
    page.append(report::delivered(&delivered));
    printing.print(&page)?;
    failure.map_or(Ok(()), |it| Err(it.into()))
}

/// The same of several nights, of which some may be refused.
fn end_backfill(
    nights: &[BackfilledNight],
    to: &[Destination],
    printing: &Printing,
) -> anyhow::Result<()> {
    let published = nights.iter().filter_map(BackfilledNight::published);
    let (delivered, failure) = deliver_to(to, published);
    let mut page = report::backfilled(nights);
    page.append(report::delivered(&delivered));
    printing.print(&page)?;
    let refused = refused_nights(nights);
    if let (Some(failure), Err(_)) = (&failure, &refused) {
        complain(&format!("layercake-score: {failure}"));
    }
    refused?;
    failure.map_or(Ok(()), |it| Err(it.into()))
}

/// Takes the scores of nights to all destinations, whatever fails. Of what failed, one is for
/// the caller to tell: first of all one that running again does not mend.
fn deliver_to<'a>(
    to: &[Destination],
    nights: impl Iterator<Item = &'a Scored>,
) -> (Vec<Delivered>, Option<DeliveryError>) {
    let (mut delivered, mut failures) = (Vec::new(), Vec::new());
    for scored in nights {
        for to in to {
            match deliver(to, &scored.folder, &scored.summary) {
                Ok(done) => delivered.push(done),
                Err(error) => failures.push(error),
            }
        }
    }
    failures.sort_by_key(|it| it.kind() == ErrorKind::CouldNotRun);
    let last = failures.pop();
    failures.iter().for_each(|it| complain(&format!("layercake-score: {it}")));
    (delivered, last)
}
