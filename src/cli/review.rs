//! `layercake-train review`: the layers as people judge them, and the file in
//! which they say what they make of them.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{EngineArguments, ModelArguments, layout, output};
use crate::app::{CheckedReview, review_place};
use crate::bundle::Bundle;
use crate::features::FeaturePlan;
use crate::files::write_atomically;
use crate::input::engine::Engine;
use crate::models::segmentation::{
    Candidate, Difference, KVerdict, Layer, Review, review_template,
};

/// Differences and drivers that are shown of each layer.
const N_DIFFERENCES: usize = 6;
const N_DRIVERS: usize = 5;

#[derive(Debug, clap::Args)]
pub(super) struct ReviewArguments {
    /// Bundle folder, or the folder of a model: its latest bundle is used
    #[arg(long, value_name = "FOLDER")]
    bundle: PathBuf,
    /// The file to write or check [default: layers.toml in the model's folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// Shows the layers; writes the file to edit, or checks the one that is there.
pub(super) fn run(engine: &EngineArguments, wanted: &ReviewArguments) -> anyhow::Result<String> {
    let model = ModelArguments { bundle: wanted.bundle.clone(), config: None };
    let (bundle, folder, mut config) = model.load()?;
    engine.apply(&mut config.engine);
    let file = wanted.out.clone().unwrap_or_else(|| review_place(&folder));
    let is_there = file.exists();
    if !is_there {
        let text = review_template(&bundle.layers.layers);
        if let Err(cause) = write_atomically(&file, |out| out.write_all(text.as_bytes())) {
            anyhow::bail!("can't write {}: {cause}", file.display());
        }
    }
    let report = if wanted.json { json(&bundle, &folder, &file)? } else { report(&bundle) };
    match CheckedReview::read(&bundle, &file, &Engine::new(&config.engine)?) {
        Ok(_) if wanted.json => Ok(report),
        Ok(checked) => Ok(report + &what_next(&bundle, &checked.review, &file, is_there)),
        Err(error) => {
            // Whoever is to mend the file needs the layers.
            output::print(&report)?;
            Err(error.into())
        }
    }
}

fn json(bundle: &Bundle, folder: &Path, file: &Path) -> anyhow::Result<String> {
    let value = serde_json::json!({
        "bundle": folder,
        "review": file,
        "layers": bundle.layers.layers,
        "candidates": bundle.layers.candidates,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn report(bundle: &Bundle) -> String {
    let days = bundle.config.snapshots.horizon_days;
    let mut text = format!(
        "Layers as of {}, with what they did in the {days} days after\n",
        bundle.record.dates.training[0].date(),
    );
    for layer in &bundle.layers.layers {
        let _ = write!(text, "\n{}", one_layer(layer, &bundle.plan, days));
    }
    let _ = writeln!(text, "\n{}", candidates(&bundle.layers.candidates));
    text
}

fn one_layer(layer: &Layer, plan: &FeaturePlan, days: u32) -> String {
    let profile = &layer.profile;
    let mut text = format!("{}  {} · {}\n", layer.id, layer.name, layer.name_zh);
    text.push_str(&layout::indented(&format!(
        "{} ({}), {} have ordered; {} of GMV, {:.2} a user; {} without an order in {days} \
         days",
        layout::users(profile.n_users),
        layout::percent(profile.share),
        layout::percent(profile.customer_share),
        layout::percent(profile.gmv_share),
        profile.gmv_per_user,
        layout::percent(profile.no_order_rate),
    )));
    text.push_str(&layout::indented(&layer.description));
    text.push_str(&layout::indented_chinese(&layer.description_zh));
    let mut table = layout::table(&["", "Differs most in", "Median", "All", "Effect"]);
    for it in most_telling(&profile.differences) {
        let feature = plan.features.iter().find(|feature| feature.info.name == it.feature);
        let meaning = feature.map_or("", |feature| feature.info.meaning.en.as_str());
        table.add_row(vec![
            String::new(),
            format!("{}: {meaning}", it.feature),
            short(it.median),
            short(it.median_of_all),
            format!("{:+.2}", it.effect),
        ]);
    }
    layout::align(&mut table, 2);
    let drivers: Vec<String> = profile
        .drivers
        .iter()
        .filter(|driver| driver.share > 0.0)
        .take(N_DRIVERS)
        .map(|driver| format!("{} {}", driver.feature, layout::percent(driver.share)))
        .collect();
    let _ = writeln!(text, "{table}");
    text + &layout::indented(&format!("Line drawn by: {}", drivers.join(", ")))
}

fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => layout::signed_thousands(value),
        size if size >= 10.0 || size.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

/// The largest differences, one of the features that differ by their window alone.
fn most_telling(differences: &[Difference]) -> Vec<&Difference> {
    let mut seen = HashSet::new();
    let is_first = |it: &&Difference| seen.insert(without_window(&it.feature).to_owned());
    differences.iter().filter(is_first).take(N_DIFFERENCES).collect()
}

/// `n_orders_90d` → `n_orders`; `gmv_trend_30d_of_60d` → `gmv`.
fn without_window(feature: &str) -> &str {
    let stem = feature.split("_trend_").next().unwrap_or(feature);
    let is_window =
        |part: &str| part.strip_suffix('d').is_some_and(|days| days.parse::<u32>().is_ok());
    match stem.rsplit_once('_') {
        Some((before, last)) if is_window(last) => before,
        _ => stem,
    }
}

/// Every number of layers that training tried.
fn candidates(candidates: &[Candidate]) -> String {
    let mut table =
        layout::table(&["Layers", "Foretold", "Silhouette", "Stability", "Smallest", "Verdict"]);
    for it in candidates {
        table.add_row(vec![
            it.k.to_string(),
            layout::optional(it.outcome_r2, 3),
            format!("{:.3}", it.silhouette),
            format!("{:.3}", it.stability),
            layout::percent(it.smallest_share),
            verdict(it.verdict).to_owned(),
        ]);
    }
    layout::align_numbers(&mut table, 0..5);
    format!(
        "{table}\nForetold: share of the variance of what users did afterwards. Stability:\n\
         adjusted Rand index between clusters of resampled users in the same space.\n\
         Smallest: users in the smallest layer. All on users or times that the candidate\n\
         was not fitted to."
    )
}

fn verdict(verdict: KVerdict) -> &'static str {
    match verdict {
        KVerdict::Taken => "taken",
        KVerdict::SmallLayer => "a layer is too small",
        KVerdict::Unstable => "refits disagree",
        KVerdict::ForetellsLess => "foretells less",
        KVerdict::LessApart => "layers less apart",
    }
}

fn what_next(bundle: &Bundle, review: &Review, file: &Path, was_there: bool) -> String {
    let place = file.display();
    if !was_there {
        return format!(
            "\nWrote {place}. Edit it; scoring uses layers.toml beside `latest`, or --review FILE.\n"
        );
    }
    let model = &bundle.layers.layers;
    let n_merged = model.iter().zip(&review.of_model);
    let n_merged = n_merged.filter(|(it, place)| review.layers[**place].id != it.id).count();
    let is_renamed = |name: &str, id: &str| model.iter().any(|it| it.id == id && it.name != name);
    let n_renamed = review.layers.iter().filter(|it| is_renamed(&it.name, &it.id)).count();
    let text = layout::indented(&format!(
        "{place} stood there already and fits the model: {n_renamed} renamed, {n_merged} merged, \
         {} split off, {} pinned by rule. It was left as it is.",
        review.splits.len(),
        review.pins.len(),
    ));
    format!("\n{text}")
}
