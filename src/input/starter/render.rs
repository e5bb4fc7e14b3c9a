//! The config as text, with what was assumed in comments.

use std::fmt::Write;

use super::findings::Guess;
use super::roles::{Roles, roles_of};
use super::snapshots::{Span, WANTED_VALIDATIONS, next_day, plan};
use super::together::{Source, Together};

/// A model name made of a file's name.
pub(super) fn model_name(stem: &str) -> String {
    let plain: String = stem.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
    if plain.is_empty() { "model".into() } else { plain }
}

/// The whole config as text.
pub(super) fn render(
    name: &str,
    sources: &[Source],
    guesses: &[Guess],
    together: &Together,
) -> String {
    let mut text = String::from(
        "# Layercake config, guessed from your files: read it, mend it, then\n\
         #   layercake-train --config THIS_FILE\n\
         # Values of [[source]] are SQL expressions over the columns of the file.\n\n",
    );
    check(&mut text, &together.to_check);
    let _ = writeln!(text, "name = {}  # bundles land in models/{name}/", quote(name));
    match together.as_of {
        Some(day) => {
            let _ = writeln!(text, "as_of = \"{day}\"  # use events before this day only");
        }
        None => text.push_str("# as_of = \"2026-07-01\"  # use events before this day only\n"),
    }
    for (of, guess) in sources.iter().zip(guesses) {
        source(&mut text, of, guess);
    }
    if let Some(span) = together.span {
        bounds(&mut text, span);
        snapshots(&mut text, (span.last - span.first).num_days() + 1);
    }
    text.push_str("\n[segmentation]\n# k = 10  # chosen from 6 to 12 when absent\n");
    events(&mut text, &roles_of(guesses));
    text
}

/// What a reader should look at before training.
fn check(text: &mut String, to_check: &[String]) {
    for sentence in to_check {
        let _ = writeln!(text, "# CHECK: {}", sentence.replace('\n', " "));
    }
}

fn source(text: &mut String, source: &Source, guess: &Guess) {
    let _ = writeln!(text, "\n[[source]]  # {}", source.read);
    let _ = writeln!(text, "# columns: {}", source.columns);
    if !guess.unused.is_empty() {
        let _ = writeln!(text, "# not used: {}", guess.unused.join(", ").replace('\n', " "));
    }
    check(text, &guess.to_check);
    let _ = writeln!(text, "path = {}", quote(&source.path));
    if !guess.types.is_empty() {
        let types: Vec<String> = guess
            .types
            .iter()
            .map(|(name, known)| format!("{} = \"{known}\"", quote_key(name)))
            .collect();
        let _ = writeln!(
            text,
            "types = {{ {} }}  # a row with anything else is rejected",
            types.join(", ")
        );
    }
    for key in &guess.missing {
        let _ = writeln!(text, "{key} = \"?\"  # not found: write a column or an expression");
    }
    let (event, remark) = guess.event.mapping();
    let event = ("event", event, remark);
    let (of_row, measures): (Vec<_>, Vec<_>) =
        guess.mappings.iter().partition(|(key, ..)| ["user", "time"].contains(key));
    for (key, expression, remark) in of_row.into_iter().chain([&event]).chain(measures) {
        let remark = if remark.is_empty() { String::new() } else { format!("  # {remark}") };
        let _ = writeln!(text, "{key} = {}{}", quote(expression), remark.replace('\n', " "));
    }
    for (condition, reason) in &guess.filters {
        let _ = writeln!(text, "# {reason}: filtered by `{}`", condition.replace('\n', " "));
    }
    if !guess.filters.is_empty() {
        let conditions: Vec<&str> =
            guess.filters.iter().map(|(condition, _)| condition.as_str()).collect();
        let _ = writeln!(text, "where = {}", quote(&conditions.join(" AND ")));
    }
}

/// Bounds by which strays are rejected, where there are any.
fn bounds(text: &mut String, span: Span) {
    if span.n_strays > 0 {
        let (first, latest) = (span.first, next_day(span.last));
        let _ = write!(
            text,
            "\n[input]  # {} rows lie far from all others in time: they are rejected\n\
             earliest = \"{first}\"\nlatest = \"{latest}\"\n",
            span.n_strays
        );
    }
}

fn snapshots(text: &mut String, span_days: i64) {
    let plan = plan(span_days);
    let (n_snapshots, n_validations) = (plan.n_snapshots, plan.n_validations);
    let _ = write!(text, "\n[snapshots]  # the data spans {span_days} days\n");
    let _ = if n_snapshots == 0 {
        writeln!(text, "# CHECK: this is too short: training needs three horizons at least")
    } else if n_validations < WANTED_VALIDATIONS {
        writeln!(
            text,
            "# CHECK: room for {n_snapshots} training snapshots, of which earlier ones can validate \
             {n_validations}: the history is short"
        )
    } else {
        writeln!(
            text,
            "# {n_snapshots} training snapshots, of which {n_validations} can be validated by models \
             of earlier ones"
        )
    };
    let _ = write!(
        text,
        "horizon_days = {0}  # churned: no order for this long\n\
         step_days = {1}  # a training snapshot this often\n\
         min_history_days = {0}  # history of the earliest snapshot\n",
        plan.horizon_days, plan.step_days
    );
}

/// The parts that events play.
fn events(text: &mut String, roles: &Roles) {
    text.push_str("\n[events]\norder = \"order\"  # what counts as an order\n");
    let mut list = |key: &str, events: &[String], remark: &str| {
        if !events.is_empty() {
            let events: Vec<String> = events.iter().map(|it| quote(it)).collect();
            let _ = writeln!(text, "{key} = [{}]  # {remark}", events.join(", "));
        }
    };
    list("outbound", &roles.outbound, "your doing, no sign of activity");
    if roles.funnel.len() > 1 {
        list("funnel", &roles.funnel, "the way to an order: rates of each step");
    }
    list("share", &roles.share, "users recommend the shop");
    list("coupon", &roles.coupon, "users take or redeem a coupon");
    list("negative", &roles.negative, "users turn away");
    if !roles.response.is_empty() {
        let pairs: Vec<String> = roles
            .response
            .iter()
            .map(|(answer, sent)| format!("{} = {}", quote_key(answer), quote(sent)))
            .collect();
        let _ = writeln!(text, "response = {{ {} }}  # answers to what you sent", pairs.join(", "));
    }
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A key of an inline table.
fn quote_key(text: &str) -> String {
    let is_bare =
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if is_bare { text.to_owned() } else { quote(text) }
}
