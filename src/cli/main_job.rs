//! Train, score, compare on the sample: what a newcomer sees first.

use std::path::Path;

use super::arguments::{ReviewChoice, RunArguments, list_beside_bundles};
use super::printing::Printing;
use crate::app::{
    Previous, ScoreFormat, ScoreRequest, Session, Trained, backtest, compare_with_reference_groups,
    score, train,
};
use crate::dataset::Bilingual;
use crate::report::{self, Document};

/// The config of the sample that ships, relative to the project folder.
const SAMPLE_CONFIG: &str = "data/sample.toml";
const SAMPLE_TRUTH: &str = "data/sample/truth.csv";

/// Trains, scores every user and compares layers with RFM.
pub(super) fn main_job(run: &RunArguments, printing: &Printing) -> anyhow::Result<()> {
    if !Path::new(SAMPLE_CONFIG).is_file() {
        anyhow::bail!(
            "no --config given, and the sample ({SAMPLE_CONFIG}) is not in this folder; run in the \
             project folder, or write a config for your data: layercake-train init FILE"
        );
    }
    let config = run.load(Path::new(SAMPLE_CONFIG))?;
    let list = list_beside_bundles(&config);
    let session = run.open(config, None, list, printing)?.keeping_snapshots();
    let rest = steps(&session, printing)?;
    run.finish(&session);
    printing.print(&rest)
}

/// The three steps. People read each as soon as it is done; what is left to print is
/// returned.
fn steps(session: &Session, printing: &Printing) -> anyhow::Result<Document> {
    let config = session.config();
    let folder = config.models.join(&config.name).display().to_string();
    let mut job = Document::default();
    let mut done = |key, command: &str, content| -> anyhow::Result<()> {
        job.section(key, Some(Bilingual::same(command)), content);
        if printing.is_text() {
            printing.print(&std::mem::take(&mut job))?;
            printing.print_gap()?;
        }
        Ok(())
    };
    let trained = train(session, &Previous::Latest)?;
    let command = format!("layercake-train --config {SAMPLE_CONFIG}");
    done("train", &command, report::trained(&trained))?;
    let Trained { bundle, folder: bundle_folder, .. } = trained;
    let model = ReviewChoice::default().apply(bundle, bundle_folder, session)?;
    let request =
        ScoreRequest { out: Path::new("scores"), format: ScoreFormat::Parquet, is_backfill: false };
    let command = format!("layercake-score --bundle {folder}");
    done("score", &command, report::scored(&score(session, &model, &request)?))?;
    let mut compared = report::backtest(&backtest(session, &model)?);
    let truth = compare_with_reference_groups(session, &model, Path::new(SAMPLE_TRUTH))?;
    compared.section("reference_groups", None, report::reference_groups(&truth));
    let command =
        format!("layercake-compare backtest --bundle {folder} --reference-groups {SAMPLE_TRUTH}");
    done("compare", &command, compared)?;
    if printing.is_text() {
        job.append(report::next_step("layercake-train init FILE > shop.toml"));
    }
    Ok(job)
}
