//! Groups and the ways between them, as tables and CSV.

use std::fmt::Write;

use comfy_table::{ColumnConstraint, Table};
use serde::Serialize;

use super::layout::{align, keep_first_whole, optional, percent, table, thousands, users};
use crate::app::{Flow, GroupOutcome, GroupedOutcomes, Grouping, Migration};

/// Groups beyond which a matrix is wider than a terminal.
const MAX_MATRIX_GROUPS: usize = 12;

/// Ways from group to group that are shown.
const N_MOVES: usize = 12;

/// Every grouping of the held-out period, one table each.
pub(super) fn outcomes(found: &[GroupedOutcomes]) -> String {
    let mut text = String::new();
    if let Some(first) = found.first() {
        let _ = writeln!(
            text,
            "{} as of {}, and what they did in the {} days after",
            users(first.all.n_users),
            first.hold_out.date(),
            first.horizon_days,
        );
    }
    for grouping in found {
        let mut rows = table(&[grouping.grouping, "Users", "Share", "GMV", "of all", "Churn"]);
        let seen = grouping.groups.iter().filter(|group| group.n_users > 0);
        for group in seen.chain(std::iter::once(&grouping.all)) {
            rows.add_row(outcome_row(group));
        }
        numbers(&mut rows, 1);
        let _ = writeln!(text, "\n{rows}");
    }
    text + "\nChurn: share of the users without an order in these days.\n"
}

/// All columns but the first `n_text` hold numbers, which are never broken.
fn numbers(rows: &mut Table, n_text: usize) {
    align(rows, n_text);
    for column in rows.column_iter_mut().skip(n_text) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

fn outcome_row(group: &GroupOutcome) -> Vec<String> {
    vec![
        group.group.name.clone(),
        thousands(group.n_users),
        percent(group.share),
        money(group.gmv),
        group.gmv_share.map_or("–".into(), percent),
        group.churn_rate.map_or("–".into(), percent),
    ]
}

/// A row for each group of each grouping.
pub(super) fn outcomes_csv(found: &[GroupedOutcomes]) -> anyhow::Result<String> {
    #[derive(Serialize)]
    struct Row<'a> {
        grouping: &'a str,
        group: &'a str,
        name_zh: Option<&'a str>,
        n_users: usize,
        share: f64,
        gmv: f64,
        gmv_per_user: Option<f64>,
        gmv_share: Option<f64>,
        churn_rate: Option<f64>,
    }
    let rows = found.iter().flat_map(|grouping| {
        grouping.groups.iter().map(|it| Row {
            grouping: grouping.grouping,
            group: &it.group.name,
            name_zh: it.group.name_zh.as_deref(),
            n_users: it.n_users,
            share: it.share,
            gmv: it.gmv,
            gmv_per_user: it.gmv_per_user,
            gmv_share: it.gmv_share,
            churn_rate: it.churn_rate,
        })
    });
    csv_of(rows)
}

/// A row for each pair of groups.
pub(super) fn flows_csv(found: &Migration) -> anyhow::Result<String> {
    csv_of(found.flows.iter())
}

fn csv_of<T: Serialize>(rows: impl Iterator<Item = T>) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// Groups at both dates, the rates between them where they fit, and the moves
/// of most users.
pub(super) fn migration(found: &Migration) -> String {
    let mut text = format!(
        "{}: {} as of {}\n\
         {} of them were not yet seen on {}\n\
         {} of the others stayed in their group\n",
        found.grouping,
        users(found.n_users),
        found.to.date(),
        thousands(found.n_new),
        found.from.date(),
        found.stayed.map_or("–".into(), percent),
    );
    text.push_str(&groups(found));
    if found.groups.len() <= MAX_MATRIX_GROUPS {
        text.push_str(&matrix(found));
    }
    text.push_str(&moves(found));
    let _ = writeln!(
        text,
        "GMV before and after: of the {} days before each of the two dates. All pairs of\n\
         groups: --json or --csv.",
        found.window_days
    );
    text
}

/// A short label and the rest of a group's name: layers have an id, others are
/// numbered.
fn labelled(found: &Migration, index: usize) -> (String, &str) {
    let name = &found.groups[index].group.name;
    match name.split_once(' ') {
        Some((id, rest)) if found.grouping == Grouping::Layers.as_str() => (id.to_owned(), rest),
        _ => ((index + 1).to_string(), name),
    }
}

fn groups(found: &Migration) -> String {
    let mut rows = table(&["", "Group", "Before", "After", "Stayed", "GMV before", "GMV after"]);
    for (index, group) in found.groups.iter().enumerate() {
        if group.n_before + group.n_after > 0 {
            let (label, name) = labelled(found, index);
            rows.add_row(vec![
                label,
                name.to_owned(),
                thousands(group.n_before),
                thousands(group.n_after),
                group.stayed.map_or("–".into(), percent),
                money(group.gmv_before),
                money(group.gmv_after),
            ]);
        }
    }
    numbers(&mut rows, 2);
    keep_first_whole(&mut rows);
    format!("\n{rows}\n")
}

/// Percent of each group's users that went to each group, by label.
fn matrix(found: &Migration) -> String {
    let n_groups = found.groups.len();
    let labels = (0..n_groups).map(|index| labelled(found, index).0);
    let header: Vec<String> = std::iter::once("% to".to_owned()).chain(labels).collect();
    let mut rows = table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for (index, flows) in found.flows.chunks(n_groups.max(1)).enumerate() {
        let rate = |flow: &Flow| optional(flow.rate.map(|rate| rate * 100.0), 0);
        let from = match index < n_groups {
            true => format!("from {}", labelled(found, index).0),
            false => "not yet seen".to_owned(),
        };
        rows.add_row(std::iter::once(from).chain(flows.iter().map(rate)));
    }
    align(&mut rows, 1);
    keep_first_whole(&mut rows);
    format!("\n{rows}\n")
}

/// The id alone of a layer, whose name stands in the table above.
fn short_name(found: &Migration, name: &str) -> String {
    match found.groups.iter().position(|group| group.group.name == name) {
        Some(index) if found.grouping == Grouping::Layers.as_str() => labelled(found, index).0,
        _ => name.to_owned(),
    }
}

/// Ways from one group to another, those of most users first.
fn moves(found: &Migration) -> String {
    let mut moves: Vec<&Flow> =
        found.flows.iter().filter(|flow| flow.n_users > 0 && flow.from != flow.to).collect();
    moves.sort_by_key(|flow| std::cmp::Reverse(flow.n_users));
    let mut rows = table(&["From", "To", "Users", "Rate", "GMV before", "GMV after"]);
    for flow in moves.iter().take(N_MOVES) {
        rows.add_row(vec![
            short_name(found, &flow.from),
            short_name(found, &flow.to),
            thousands(flow.n_users),
            flow.rate.map_or("–".into(), percent),
            money(flow.gmv_before),
            money(flow.gmv_after),
        ]);
    }
    numbers(&mut rows, 2);
    let more = moves.len().saturating_sub(N_MOVES);
    let more = if more > 0 { format!("  … and {more} more\n") } else { String::new() };
    format!("\n{rows}\n{more}\n")
}

/// Whole units of the currency, with a sign where returns outweigh orders.
fn money(amount: f64) -> String {
    let sign = if amount <= -0.5 { "-" } else { "" };
    format!("{sign}{}", thousands(amount.abs().round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_in_whole_units() {
        assert_eq!(money(-1234.5), "-1,235");
        assert_eq!(money(-0.2), "0");
    }
}
