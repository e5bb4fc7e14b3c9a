//! Results of training and scoring in words and tables.

use std::fmt::Write;
use std::path::Path;

use comfy_table::Table;

use super::layout::{align, indented, optional, percent, table, thousands, users, warnings};
use super::{churn_tables, lineage_tables};
use crate::app::{ScoreSummary, Trained, WrittenMatrix};
use crate::bundle::Bundle;
use crate::features::Pruning;
use crate::input::engine::MemoryUse;
use crate::input::source::{DayGap, DuplicateRows, InputProfile, SourceCounts};
use crate::models::segmentation::{KVerdict, LayerCount};

/// What was read, in a few lines.
pub(super) fn input(profile: &InputProfile, quarantine: Option<&Path>) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} events of {} from {} to {}",
        thousands(profile.n_events),
        users(profile.n_users),
        profile.first_time.date(),
        profile.last_time.date(),
    );
    let events: Vec<String> = profile
        .events
        .iter()
        .take(8)
        .map(|event| format!("{} {}", event.event, thousands(event.n_rows)))
        .collect();
    let more = if profile.events.len() > 8 { ", …" } else { "" };
    text.push_str(&indented(&format!("{}{more}", events.join(", "))));
    for source in profile.sources.iter().filter(|source| source.n_left_out > 0) {
        let (n, label) = (thousands(source.n_left_out), &source.source);
        text.push_str(&indented(&format!("{label}: {n} rows left out by `where`")));
    }
    for source in profile.sources.iter().filter(|source| source.n_set_aside() > 0) {
        text.push_str(&indented(&set_aside(source, quarantine)));
    }
    if profile.n_duplicates > 0 {
        let n = thousands(profile.n_duplicates);
        let dropped =
            if profile.duplicates == DuplicateRows::Drop { " and were dropped" } else { "" };
        text.push_str(&indented(&format!(
            "{n} rows repeat another in every mapped column{dropped}"
        )));
    }
    text.push_str(&day_gaps(&profile.gaps));
    text
}

/// Days without any event, if there are any; the longest runs first.
fn day_gaps(gaps: &[DayGap]) -> String {
    const N_SHOWN: usize = 3;
    let mut longest: Vec<&DayGap> = gaps.iter().collect();
    longest.sort_by_key(|gap| std::cmp::Reverse(gap.n_days));
    if longest.is_empty() {
        return String::new();
    }
    let n_days: i64 = gaps.iter().map(|gap| gap.n_days).sum();
    let shown: Vec<String> = longest
        .iter()
        .take(N_SHOWN)
        .map(|gap| match gap.n_days {
            1 => gap.from.to_string(),
            _ => format!("{} to {}", gap.from, gap.to),
        })
        .collect();
    let more = if longest.len() > N_SHOWN { ", …" } else { "" };
    let days = if n_days == 1 { "day" } else { "days" };
    indented(&format!("{n_days} {days} without any event: {}{more}", shown.join(", ")))
}

fn set_aside(source: &SourceCounts, quarantine: Option<&Path>) -> String {
    let reasons: Vec<String> =
        source.set_aside.iter().map(|(reason, n)| format!("{reason} {}", thousands(*n))).collect();
    let listed = quarantine.map_or(String::new(), |file| format!(", listed in {}", file.display()));
    format!(
        "{}: {} of {} rows set aside ({}){listed}",
        source.source,
        thousands(source.n_set_aside()),
        thousands(source.n_rows),
        reasons.join(", ")
    )
}

/// What the run took, in a line.
pub(super) fn memory(memory: &MemoryUse) -> String {
    let mb = |bytes: u64| thousands(bytes.div_ceil(1 << 20));
    let mut parts = Vec::new();
    if let Some(bytes) = MemoryUse::peak_process_bytes() {
        parts.push(format!("peak memory {} MB", mb(bytes)));
    }
    if let Some(limit) = memory.limit_bytes {
        parts.push(format!(
            "{} of {} MB allowed for events, sorting and grouping",
            mb(memory.peak_counted_bytes),
            mb(limit)
        ));
    }
    if memory.n_bytes_spilled > 0 {
        parts.push(format!("{} MB on disk", mb(memory.n_bytes_spilled)));
    }
    if parts.is_empty() { String::new() } else { indented(&parts.join(", ")) }
}

/// How the features were chosen: what was dropped for which reason.
fn pruned(pruning: &Pruning) -> String {
    let n = pruning.candidates.len();
    let mut groups: Vec<(&str, usize)> = Vec::new();
    for candidate in pruning.candidates.iter().filter(|c| !c.verdict.is_kept()) {
        let group = candidate.verdict.group();
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, count)) => *count += 1,
            None => groups.push((group, 1)),
        }
    }
    groups.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let dropped: Vec<String> =
        groups.into_iter().map(|(group, count)| format!("{group} {count}")).collect();
    let mut text = format!("{} of {n} features kept\n", pruning.kept().len());
    if !dropped.is_empty() {
        text.push_str(&indented(&format!("dropped: {}", dropped.join(", "))));
    }
    let mut alarms = pruning.leak_alarms();
    alarms.sort_by(|a, b| b.1.total_cmp(&a.1));
    if !alarms.is_empty() {
        let strongest: Vec<String> =
            alarms.iter().take(3).map(|(name, auc)| format!("{name} {auc:.3}")).collect();
        let more =
            if alarms.len() > 3 { format!(" and {} more", alarms.len() - 3) } else { "".into() };
        text.push_str(&indented(&format!(
            "WARNING: alone, {}{more} tell churners with an AUC beyond 0.90; does one of them know \
             the outcome? Look at its source column",
            strongest.join(", ")
        )));
    }
    text
}

/// A trained model: its layers and how its churn model did.
pub(super) fn trained(trained: &Trained) -> String {
    let bundle = &trained.bundle;
    let dates = &bundle.record.dates;
    let mut text = input(&bundle.record.input, trained.quarantine.as_deref());
    let _ = writeln!(
        text,
        "\n{}{} training snapshots {} to {}, {} days held out from {}\n",
        pruned(&bundle.pruning),
        dates.training.len(),
        dates.training.last().map_or(String::new(), |date| date.date().to_string()),
        dates.training[0].date(),
        bundle.config.snapshots.horizon_days,
        dates.hold_out.date(),
    );
    let _ = writeln!(text, "{}", layers(bundle));
    text.push_str(&chosen_k(bundle));
    text.push('\n');
    text.push_str(&lineage_tables::entry(&trained.lineage));
    text.push_str(&churn_tables::short(bundle));
    let _ = writeln!(text, "\nSaved {}", trained.folder.display());
    text.push_str(&memory(&trained.memory));
    text
}

/// How many layers there are, and why; what speaks against it.
fn chosen_k(bundle: &Bundle) -> String {
    let params = &bundle.config.segmentation;
    let taken = bundle.layers.candidates.iter().find(|c| c.verdict == KVerdict::Taken);
    let Some(taken) = taken else { return String::new() };
    let why = match params.k {
        LayerCount::Exactly(_) => "as the config asks".to_owned(),
        chosen => {
            format!("chosen from {} to {}", chosen.bounds().start(), chosen.bounds().end())
        }
    };
    let mut text = indented(&format!(
        "{} layers, {why}; clusters of resampled users in the same space agree by {:.2} (adjusted \
         Rand index)",
        bundle.layers.layers.len(),
        taken.stability
    ));
    if !taken.is_stable() {
        text.push_str(&indented(
            "WARNING: with other users of the kind many would be in another layer; fewer layers or \
             more users hold better, and `layercake-compare stability` tells more",
        ));
    }
    if !taken.foretells() {
        text.push_str(&indented(
            "WARNING: the layers say next to nothing of what users did afterwards; is there enough history, \
             and do [[source]] columns tell of behaviour?",
        ));
    }
    if bundle.layers.layers.len() < taken.k {
        text.push_str(&indented(&format!(
            "WARNING: of {} layers only these have users in the latest training snapshot",
            taken.k
        )));
    }
    let profiles = bundle.layers.layers.iter().map(|layer| &layer.profile);
    let smallest = profiles.min_by_key(|profile| profile.n_users);
    if let Some(profile) = smallest.filter(|profile| profile.share < params.min_share.get()) {
        text.push_str(&indented(&format!(
            "WARNING: the smallest layer has {}, a smaller share than [segmentation] min_share = {}; \
             fewer layers or more users would help",
            users(profile.n_users),
            params.min_share
        )));
    }
    text
}

fn layers(bundle: &Bundle) -> Table {
    let mut table = table(&["", "Layer", "Users", "Share", "GMV", "Churn"]);
    for layer in &bundle.layers.layers {
        table.add_row(vec![
            layer.id.clone(),
            layer.name.clone(),
            thousands(layer.profile.n_users),
            percent(layer.profile.share),
            percent(layer.profile.gmv_share),
            percent(layer.profile.no_order_rate),
        ]);
    }
    align(&mut table, 2);
    table
}

/// A feature matrix as a file.
pub(super) fn matrix(written: &WrittenMatrix, out: &Path) -> String {
    format!(
        "{}{}\n{} × {} features as of {} in {}\n{}",
        input(&written.input, written.quarantine.as_deref()),
        warnings(&written.warnings),
        users(written.n_users),
        written.n_features,
        written.as_of.date(),
        out.display(),
        memory(&written.memory),
    )
}

/// A scoring run.
pub(super) fn scored(summary: &ScoreSummary) -> String {
    let mut text = input(&summary.input, summary.quarantine.as_deref());
    text.push_str(&warnings(&summary.warnings));
    let mut table = table(&["", "Layer", "Users", "At risk", "Mean churn prob."]);
    for layer in &summary.layers {
        table.add_row(vec![
            layer.id.clone(),
            layer.name.clone(),
            thousands(layer.n_users),
            thousands(layer.n_at_risk),
            optional(layer.mean_churn_probability, 3),
        ]);
    }
    align(&mut table, 2);
    let stages: Vec<String> =
        summary.lifecycle.iter().map(|(stage, n)| format!("{stage} {}", thousands(*n))).collect();
    let _ = writeln!(text, "\n{table}");
    if let Some(review) = &summary.review {
        text.push_str(&reviewed(summary, review));
    }
    let _ = writeln!(
        text,
        "{} scored as of {}, {} at risk, {} near silence",
        users(summary.n_users),
        summary.as_of.date(),
        thousands(summary.n_at_risk),
        thousands(summary.n_silence_warnings),
    );
    let trust = if summary.churn_trusted { "" } else { " (a model that training did not trust)" };
    text.push_str(&indented(&format!("{}{trust}", summary.churn_rule)));
    text.push_str(&indented(&stages.join(", ")));
    let _ = writeln!(text, "\nSaved {}", summary.scores.display());
    text.push_str(&memory(&summary.memory));
    text
}

/// Which review was used, and how many users it put elsewhere.
fn reviewed(summary: &ScoreSummary, review: &Path) -> String {
    let moved: Vec<String> = summary
        .assigned_by
        .iter()
        .filter(|(by, _)| *by != "cluster")
        .map(|(by, n)| format!("{by} {}", thousands(*n)))
        .collect();
    let moved = if moved.is_empty() { "nobody moved".to_owned() } else { moved.join(", ") };
    indented(&format!("review {}: {moved}", review.display()))
}
