//! The catalogue of features, for people and for programs.

use std::fmt::Write;

use clap::ValueEnum;
use serde::Serialize;

use crate::features::{Candidate, Feature, FeaturePlan};

/// How the list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// A paragraph a feature, then the terms of the formulas
    Text,
    /// An array of objects
    Json,
    /// A header and a row a feature
    Csv,
}

/// One feature as it is listed.
#[derive(Debug, Serialize)]
pub(super) struct Listed<'a> {
    name: &'a str,
    unit: &'static str,
    meaning: &'a str,
    meaning_zh: &'a str,
    formula: String,
    when_missing: f64,
    missing_means: String,
    /// Whether models see it; unknown before training.
    kept: Option<bool>,
    reason: Option<String>,
    churn_auc: Option<f64>,
    gmv_correlation: Option<f64>,
}

/// The features of a catalogue, before training.
pub(super) fn of_plan(plan: &FeaturePlan) -> Vec<Listed<'_>> {
    plan.features.iter().map(listed).collect()
}

/// All features that a training run considered.
pub(super) fn of_candidates(candidates: &[Candidate]) -> Vec<Listed<'_>> {
    candidates
        .iter()
        .map(|candidate| Listed {
            kept: Some(candidate.verdict.is_kept()),
            reason: Some(candidate.verdict.reason()),
            churn_auc: candidate.churn_auc,
            gmv_correlation: candidate.gmv_correlation,
            ..listed(&candidate.feature)
        })
        .collect()
}

fn listed(feature: &Feature) -> Listed<'_> {
    Listed {
        name: &feature.info.name,
        unit: feature.info.unit.as_str(),
        meaning: &feature.info.meaning.en,
        meaning_zh: &feature.info.meaning.zh,
        formula: feature.measure.to_string(),
        when_missing: feature.info.when_missing.value(),
        missing_means: feature.info.when_missing.meaning().en,
        kept: None,
        reason: None,
        churn_auc: None,
        gmv_correlation: None,
    }
}

/// Writes the list.
pub(super) fn render(features: &[Listed<'_>], format: ListFormat) -> anyhow::Result<String> {
    match format {
        ListFormat::Text => Ok(text(features)),
        ListFormat::Json => Ok(serde_json::to_string_pretty(features)? + "\n"),
        ListFormat::Csv => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            features.iter().try_for_each(|feature| writer.serialize(feature))?;
            Ok(String::from_utf8(writer.into_inner()?)?)
        }
    }
}

/// What the formulas take for known.
const TERMS: &str = "
Terms
    order       rows of the order event that share an order_id; a row without
                one is an order of its own. Its time is that of its first row;
                orders of one time come smallest amount first.
    own events  all but outbound ones, orders among them row by row
    age         time before as-of; `age <= 7 d` takes in what happened to the
                moment seven days before. What happens at as-of is never seen.
    days since  begun days: an hour ago is one day
    gap         days between days with an order; an active gap, between days
                with an own event
    sd          sample standard deviation
    never       twice the length of the history, in whole days
    returns     negative amounts may take shares of money beyond 0 and 1
";

/// A paragraph about a feature. Names of the data may be long and hold anything.
fn line(text: &str) -> String {
    const LONGEST: usize = 1000;
    let text: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let options = textwrap::Options::new(80).initial_indent("    ").subsequent_indent("      ");
    textwrap::fill(&text, options) + "\n"
}

fn text(features: &[Listed<'_>]) -> String {
    let mut text = String::new();
    for feature in features {
        let _ = writeln!(text, "{} ({})", feature.name, feature.unit);
        text.push_str(&line(feature.meaning));
        text.push_str(&line(&format!("= {}", feature.formula)));
        text.push_str(&line(&format!("where there is none: {}", feature.missing_means)));
        if let Some(reason) = &feature.reason {
            let auc = feature.churn_auc.map_or(String::new(), |auc| format!(", AUC {auc:.3}"));
            text.push_str(&line(&format!("{reason}{auc}")));
        }
    }
    let n_kept = features.iter().filter(|feature| feature.kept == Some(true)).count();
    text.push_str(TERMS);
    let _ = match features.iter().any(|feature| feature.kept.is_some()) {
        true => writeln!(text, "\n{} features, of which models see {n_kept}", features.len()),
        false => writeln!(text, "\n{} features", features.len()),
    };
    text
}
