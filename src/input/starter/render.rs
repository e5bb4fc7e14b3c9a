use std::fmt::Write;
use std::path::Path;

use chrono::{Days, NaiveDate};

use super::guess::Guess;

/// Horizons in use; the one nearest to a sixth of the data's span is suggested,
/// which leaves room for a hold-out and several training snapshots.
const HORIZONS_DAYS: [i64; 9] = [1, 2, 3, 7, 14, 30, 60, 90, 180];

/// The file's name without endings, as a model name.
pub(super) fn model_name(file: &Path) -> String {
    let name = file.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let stem = name.split('.').next().unwrap_or_default();
    let plain: String = stem.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
    if plain.is_empty() { "model".into() } else { plain }
}

/// The whole config as text.
pub(super) fn render(name: &str, guesses: &[(String, Guess)]) -> String {
    let mut text = String::from(
        "# Layercake config, guessed from your files: read it, mend it, then\n\
         #   layercake-train --config THIS_FILE\n\
         # Values of [[source]] are SQL expressions over the columns of the file.\n\n",
    );
    let _ = writeln!(text, "name = {}  # bundles land in models/{name}/", quote(name));
    text.push_str("# as_of = \"2026-07-01\"  # use events before this day only\n");
    let missing_orders = !guesses.iter().any(|(_, guess)| guess.has_orders);
    for (path, guess) in guesses {
        source(&mut text, path, guess);
    }
    let first = guesses.iter().filter_map(|(_, guess)| guess.days.map(|days| days.0)).min();
    let last = guesses.iter().filter_map(|(_, guess)| guess.days.map(|days| days.1)).max();
    if let (Some(first), Some(last)) = (first, last) {
        let n_strays = guesses.iter().map(|(_, guess)| guess.n_strays).sum();
        bounds(&mut text, first, last, n_strays);
        snapshots(&mut text, (last - first).num_days() + 1);
    }
    text.push_str("\n[segmentation]\n# k = 10  # chosen from 6 to 12 when absent\n");
    text.push_str("\n[events]\n");
    if missing_orders {
        text.push_str("# No event looked like an order: name yours here.\n");
    }
    if guesses.iter().filter(|(_, guess)| guess.has_orders).count() > 1 {
        text.push_str(
            "# Several files have orders: if they tell of the same ones, leave out one.\n",
        );
    }
    text.push_str("order = \"order\"  # what counts as an order\n");
    let of_any = |step: usize| guesses.iter().find_map(|(_, of)| of.funnel[step].as_deref());
    let path: Vec<&str> = (0..4).filter_map(of_any).collect();
    if path.len() > 1 {
        let path: Vec<String> = path.into_iter().map(quote).collect();
        let path = path.join(", ");
        let _ = writeln!(text, "funnel = [{path}]  # the way to an order: rates of each step");
    }
    text
}

fn source(text: &mut String, path: &str, guess: &Guess) {
    let _ = writeln!(text, "\n[[source]]");
    let _ =
        writeln!(text, "# columns: {}", guess.columns.join(", ").replace(char::is_whitespace, " "));
    let _ = writeln!(text, "path = {}", quote(path));
    for key in &guess.missing {
        let _ = writeln!(text, "{key} = \"?\"  # not found: write a column or an expression");
    }
    for (key, expression, remark) in &guess.mappings {
        let remark = if remark.is_empty() { String::new() } else { format!("  # {remark}") };
        let _ = writeln!(text, "{key} = {}{}", quote(expression), remark.replace('\n', " "));
    }
    for (condition, reason) in &guess.filters {
        let _ = writeln!(text, "# {reason}: left out by `{condition}`");
    }
    if !guess.filters.is_empty() {
        let conditions: Vec<&str> =
            guess.filters.iter().map(|(condition, _)| condition.as_str()).collect();
        let _ = writeln!(text, "where = {}", quote(&conditions.join(" AND ")));
    }
}

/// Bounds that set strays aside, where there are any.
fn bounds(text: &mut String, first: NaiveDate, last: NaiveDate, n_strays: u64) {
    if n_strays > 0 {
        let latest = last + Days::new(1);
        let _ = write!(
            text,
            "\n[input]  # {n_strays} rows lie far from all others in time: they are set aside\n\
             earliest = \"{first}\"\nlatest = \"{latest}\"\n"
        );
    }
}

fn snapshots(text: &mut String, span_days: i64) {
    let horizon_days =
        HORIZONS_DAYS.into_iter().min_by_key(|days| (days - span_days / 6).abs()).unwrap_or(90);
    let step_days = horizon_days.min(30);
    let _ = write!(
        text,
        "\n[snapshots]  # the data spans {span_days} days\n\
         horizon_days = {horizon_days}  # churned: no order for this long\n\
         step_days = {step_days}  # a training snapshot this often\n\
         min_history_days = {horizon_days}  # history of the earliest snapshot\n"
    );
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
