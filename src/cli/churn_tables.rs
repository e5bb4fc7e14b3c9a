//! The churn model of a bundle in words and tables.

use std::fmt::Write;

use comfy_table::Table;

use super::layout::{align, indented, optional, percent, table, thousands};
use crate::bundle::Bundle;
use crate::models::churn::{BaseRate, Estimate, ModelChoice, RankingScores, RateOf};

/// Features that the short report names.
const N_IMPORTANT: usize = 3;

/// What everybody should see after training.
pub(super) fn short(bundle: &Bundle) -> String {
    let evaluation = &bundle.record.churn;
    let mut text = format!("{}\n", ranking_table(&evaluation.scores));
    text.push_str(&indented(&rule(bundle)));
    text.push_str(&indented(&chosen(bundle)));
    text.push_str(&indented(&calibrated(bundle)));
    let important: Vec<&str> = evaluation
        .importance
        .iter()
        .filter(|importance| importance.log_loss_increase > 0.0)
        .take(N_IMPORTANT)
        .map(|importance| importance.feature.as_str())
        .collect();
    text.push_str(&indented(&match important.is_empty() {
        true => "it relies on no feature: shuffling none of them does harm".to_owned(),
        false => format!("it relies most on {}", important.join(", ")),
    }));
    text.push_str(&doubts(bundle));
    text
}

/// All that is known of the model.
pub(super) fn full(bundle: &Bundle) -> String {
    let evaluation = &bundle.record.churn;
    let mut text = indented(&rule(bundle));
    text.push_str(&indented(&chosen(bundle)));
    text.push_str(&doubts(bundle));
    for part in [
        rates(bundle).to_string(),
        trial(bundle).to_string(),
        measures(&evaluation.scores).to_string(),
        reliability(bundle),
        flags(bundle).to_string(),
        layers(bundle).to_string(),
        importance(bundle).to_string(),
    ] {
        let _ = write!(text, "\n{part}\n");
    }
    text.push_str(&indented(
        "Held out: no fit has seen that snapshot. Intervals hold 95 % of bootstrap resamples of the \
         users. Lift: churn rate among the likeliest over that of all; captured: share of all who \
         churned; GMV: share of what they had ordered in the year before. Flags count those in reach \
         alone (max_silence_days). ECE: mean distance of \
         probability and rate in ten bins of equal size",
    ));
    text
}

fn rule(bundle: &Bundle) -> String {
    let evaluation = &bundle.record.churn;
    format!(
        "{}: {} of {} on the held-out snapshot",
        bundle.churn.settings.label_in_words,
        thousands(evaluation.n_churned),
        thousands(evaluation.n_users),
    )
}

fn chosen(bundle: &Bundle) -> String {
    let trial = &bundle.churn.settings.trial;
    let dates = match trial.judged_at.len() {
        1 => "a later date".to_owned(),
        n => format!("{n} later dates"),
    };
    let judged_by = if trial.out_of_time { dates } else { "other users of one date".to_owned() };
    let losses: Vec<String> = trial
        .candidates
        .iter()
        .map(|candidate| format!("{} {:.4}", candidate.model.as_str(), candidate.log_loss))
        .collect();
    let trees = match trial.chosen {
        ModelChoice::Logistic => String::new(),
        _ if trial.n_rounds == 1 => ", 1 tree".to_owned(),
        _ => format!(", {} trees", trial.n_rounds),
    };
    let why = match bundle.config.churn.model {
        ModelChoice::Auto => "least log loss on",
        _ => "as the config asks; log loss on",
    };
    format!("{}{trees}: {why} {judged_by} ({})", trial.chosen.as_str(), losses.join(", "))
}

fn calibrated(bundle: &Bundle) -> String {
    let (settings, scores) = (&bundle.churn.settings, &bundle.record.churn.calibration);
    let level = match bundle.config.churn.base_rate {
        BaseRate::Of(RateOf::Training) => "in training",
        BaseRate::Of(RateOf::Latest) => "in the latest training snapshot",
        BaseRate::Known(_) => "base_rate of the config",
    };
    format!(
        "calibrated ({}) on {} forecasts: ECE {} before, {} after; mean probability {}, churn rate \
         {} ({level} {})",
        settings.calibration.as_str(),
        thousands(settings.n_calibration_rows),
        optional(scores.before.ece, 4),
        optional(scores.after.ece, 4),
        percent(scores.after.mean_probability),
        percent(held_out_rate(bundle)),
        percent(settings.base_rate),
    )
}

fn held_out_rate(bundle: &Bundle) -> f64 {
    let evaluation = &bundle.record.churn;
    evaluation.n_churned as f64 / evaluation.n_users.max(1) as f64
}

fn doubts(bundle: &Bundle) -> String {
    let trial = &bundle.churn.settings.trial;
    let mut text = String::new();
    if !trial.out_of_time {
        text.push_str(&indented(
            "WARNING: no snapshot is early enough to foretell another; classifiers were compared \
             and calibrated on other users of one date. More history, or a shorter [snapshots] \
             horizon_days, would help",
        ));
    }
    text.push_str(&odd_base_rate(bundle));
    let doubts = &bundle.record.churn.doubts;
    if !doubts.is_empty() {
        text.push_str(&indented(&format!(
            "NOT TRUSTED: {}. Probabilities and flags are written nonetheless",
            doubts.join("; ")
        )));
    }
    text
}

/// A base rate of the config that no snapshot comes near.
fn odd_base_rate(bundle: &Bundle) -> String {
    const NEAR: f64 = 0.1;
    let BaseRate::Known(known) = bundle.config.churn.base_rate else { return String::new() };
    let rates = || bundle.churn.settings.snapshot_rates.iter().map(|rate| rate.churn_rate);
    if rates().any(|rate| (rate - known).abs() <= NEAR) {
        return String::new();
    }
    indented(&format!(
        "WARNING: [churn] base_rate = {known}, but {} to {} churned after the training snapshots",
        percent(rates().fold(f64::INFINITY, f64::min)),
        percent(rates().fold(0.0, f64::max)),
    ))
}

fn value(estimate: Option<Estimate>, digits: usize) -> String {
    optional(estimate.map(|it| it.value), digits)
}

fn ranking_table(scores: &[RankingScores]) -> Table {
    let mut table =
        table(&["Churn, held out", "ROC AUC", "PR AUC", "Lift 10 %", "Brier", "Log loss"]);
    for scores in scores {
        table.add_row(vec![
            scores.name.clone(),
            value(scores.roc_auc, 4),
            value(scores.pr_auc, 4),
            value(scores.lift[1], 2),
            value(scores.brier, 4),
            value(scores.log_loss, 4),
        ]);
    }
    align(&mut table, 1);
    table
}

/// One row a measure, with intervals; one column a ranking.
fn measures(scores: &[RankingScores]) -> Table {
    let mut header = vec!["Held out"];
    header.extend(scores.iter().map(|scores| scores.name.as_str()));
    let mut table = table(&header);
    let mut add = |name: &str, of: &dyn Fn(&RankingScores) -> Option<Estimate>| {
        let mut row = vec![name.to_owned()];
        row.extend(scores.iter().map(|scores| with_interval(of(scores))));
        table.add_row(row);
    };
    add("ROC AUC", &|it| it.roc_auc);
    add("PR AUC", &|it| it.pr_auc);
    add("KS", &|it| it.ks);
    for (index, share) in ["5 %", "10 %", "20 %"].into_iter().enumerate() {
        add(&format!("lift {share}"), &|it| it.lift[index]);
    }
    for (index, share) in ["5 %", "10 %", "20 %"].into_iter().enumerate() {
        add(&format!("captured {share}"), &|it| it.capture[index]);
    }
    for (index, share) in ["5 %", "10 %", "20 %"].into_iter().enumerate() {
        add(&format!("GMV {share}"), &|it| it.gmv_caught[index]);
    }
    add("log loss", &|it| it.log_loss);
    add("Brier", &|it| it.brier);
    add("ECE", &|it| it.ece);
    align(&mut table, 1);
    table
}

fn with_interval(estimate: Option<Estimate>) -> String {
    match estimate {
        None => "–".to_owned(),
        Some(Estimate { value, interval: None }) => format!("{value:.3}"),
        Some(Estimate { value, interval: Some(interval) }) => {
            format!("{value:.3} ({:.3}…{:.3})", interval.low, interval.high)
        }
    }
}

fn trial(bundle: &Bundle) -> Table {
    let mut table = table(&["Foretelling later snapshots", "Log loss", "ROC AUC", ""]);
    let trial = &bundle.churn.settings.trial;
    for candidate in &trial.candidates {
        table.add_row(vec![
            candidate.model.as_str().to_owned(),
            format!("{:.4}", candidate.log_loss),
            optional(candidate.roc_auc, 4),
            if candidate.model == trial.chosen { "taken".to_owned() } else { String::new() },
        ]);
    }
    align(&mut table, 1);
    table
}

fn rates(bundle: &Bundle) -> Table {
    let mut table = table(&["Snapshot", "Users judged", "Churn rate", "Mean probability"]);
    let evaluation = &bundle.record.churn;
    table.add_row(vec![
        format!("{} held out", bundle.record.dates.hold_out.date()),
        thousands(evaluation.n_users),
        percent(held_out_rate(bundle)),
        percent(evaluation.calibration.after.mean_probability),
    ]);
    for rate in &bundle.churn.settings.snapshot_rates {
        table.add_row(vec![
            rate.as_of.date().to_string(),
            thousands(rate.n_users),
            percent(rate.churn_rate),
            String::new(),
        ]);
    }
    align(&mut table, 1);
    table
}

fn reliability(bundle: &Bundle) -> String {
    let scores = &bundle.record.churn.calibration;
    let mut bins = table(&["Probability, mean of bin", "Churn rate", "Users"]);
    for bin in &scores.reliability {
        bins.add_row(vec![percent(bin.mean_probability), percent(bin.rate), thousands(bin.n)]);
    }
    align(&mut bins, 0);
    let mut both = table(&["Calibration", "Mean prob.", "Log loss", "Brier", "ECE"]);
    for (name, scores) in [("before", &scores.before), ("after", &scores.after)] {
        both.add_row(vec![
            name.to_owned(),
            percent(scores.mean_probability),
            optional(scores.log_loss, 4),
            optional(scores.brier, 4),
            optional(scores.ece, 4),
        ]);
    }
    align(&mut both, 1);
    format!("{both}\n\n{bins}")
}

fn flags(bundle: &Bundle) -> Table {
    let mut table = table(&["Flagging by", "Users", "From p", "Right", "Caught", "GMV", "Profit"]);
    let params = &bundle.churn.settings.at_risk;
    for outcome in &bundle.record.churn.flags {
        let mark = if outcome.by == params.by { " *" } else { "" };
        table.add_row(vec![
            format!("{}{mark}", params.sentence(outcome.by)),
            thousands(outcome.n_flagged),
            optional(outcome.least_probability, 3),
            outcome.precision.map_or("–".into(), percent),
            outcome.recall.map_or("–".into(), percent),
            outcome.gmv_caught.map_or("–".into(), percent),
            super::layout::signed_thousands(outcome.profit),
        ]);
    }
    align(&mut table, 1);
    table
}

fn layers(bundle: &Bundle) -> Table {
    let mut table = table(&["", "Layer", "Users", "Churn rate", "Mean prob.", "ROC AUC"]);
    for scores in &bundle.record.churn.layers {
        let layer = bundle.layers.layers.iter().find(|layer| layer.id == scores.id);
        let of_judged = |share| match scores.n_users {
            0 => "–".to_owned(),
            _ => percent(share),
        };
        table.add_row(vec![
            scores.id.clone(),
            layer.map_or(String::new(), |layer| layer.name.clone()),
            thousands(scores.n_users),
            of_judged(scores.churn_rate),
            of_judged(scores.mean_probability),
            optional(scores.roc_auc, 3),
        ]);
    }
    align(&mut table, 2);
    table
}

fn importance(bundle: &Bundle) -> Table {
    const N_SHOWN: usize = 15;
    let mut table = table(&["Shuffled feature", "Log loss rises by", "95 %"]);
    for importance in bundle.record.churn.importance.iter().take(N_SHOWN) {
        table.add_row(vec![
            importance.feature.clone(),
            format!("{:+.4}", importance.log_loss_increase),
            importance
                .interval
                .map_or(String::new(), |it| format!("{:+.4}…{:+.4}", it.low, it.high)),
        ]);
    }
    align(&mut table, 1);
    table
}
