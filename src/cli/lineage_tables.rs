//! How layers came from those before them, in tables of at most 80 columns.

use std::fmt::Write;

use super::layout::{
    align, indented, keep_first_whole, percent, table, thousands, users, warnings,
};
use crate::bundle::{Lineage, LineageEntry, Movement};

/// What training tells of the layers' past: nothing for a first model.
pub(super) fn entry(entry: &LineageEntry) -> String {
    let mut text = warnings(&entry.warnings);
    if let (Some(previous), Some(compared)) = (&entry.previous, &entry.compared) {
        let mut rows = table(&["Layers", "", ""]);
        for (what, ids) in changes(entry) {
            rows.add_row(vec![what.to_owned(), ids.len().to_string(), ids.join(", ")]);
        }
        keep_first_whole(&mut rows);
        let _ = writeln!(
            text,
            "Against {previous}, by {} as of {}\n\n{rows}",
            users(compared.n_users),
            compared.on,
        );
    } else if let Some(previous) = &entry.previous {
        let _ = writeln!(text, "The same model as {previous}: the same ids and names");
    }
    if let Some(movement) = &entry.movement {
        let _ = write!(text, "\n{}", moved(movement));
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// Kept, born, died, merged, split, each with the layers concerned.
fn changes(entry: &LineageEntry) -> [(&'static str, Vec<String>); 5] {
    let with = |id: &str, what: &str, other: &Option<String>| match other {
        Some(other) => format!("{id} ({what} {other})"),
        None => id.to_owned(),
    };
    let kept = entry.kept.iter().map(|it| it.id.clone());
    let born = entry.born.iter().map(|it| with(&it.id, "from", &it.mostly_from));
    let died = entry.died.iter().map(|it| with(&it.id, "now in", &it.mostly_in));
    let merged = entry.merged.iter().map(|it| format!("{} → {}", it.from.join(" + "), it.into));
    let split = entry.split.iter().map(|it| format!("{} → {}", it.from, it.into.join(" + ")));
    [
        ("kept", kept.collect()),
        ("born", born.collect()),
        ("died", died.collect()),
        ("merged", merged.collect()),
        ("split", split.collect()),
    ]
}

fn moved(movement: &Movement) -> String {
    let days = format!("{} → {}", movement.from, movement.to);
    let mut rows = table(&[&days, "Users", "Share"]);
    for (what, n_users) in [
        ("stayed in their layer", movement.stayed),
        ("moved themselves", movement.user_moved),
        ("moved by the boundary", movement.boundary_moved),
        ("both", movement.both),
    ] {
        let share = n_users as f64 / movement.n_users.max(1) as f64;
        rows.add_row(vec![what.to_owned(), thousands(n_users), percent(share)]);
    }
    align(&mut rows, 1);
    format!("{rows}\n")
}

/// The whole history: a row for each bundle, and the layers of the last.
pub(super) fn history(lineage: &Lineage) -> String {
    let mut text = String::new();
    let mut rows =
        table(&["Bundle", "Kept", "Born", "Died", "Merged", "Split", "Moved", "Redrawn"]);
    for entry in &lineage.entries {
        let share = |part: fn(&Movement) -> usize| match &entry.movement {
            Some(it) => percent(part(it) as f64 / it.n_users.max(1) as f64),
            None => "–".to_owned(),
        };
        let numbers = changes(entry).map(|(_, ids)| ids.len().to_string());
        rows.add_row(
            std::iter::once(entry.bundle.clone())
                .chain(numbers)
                .chain([share(|it| it.user_moved), share(|it| it.boundary_moved)]),
        );
    }
    align(&mut rows, 1);
    keep_first_whole(&mut rows);
    let _ = writeln!(text, "{rows}\n");
    for entry in &lineage.entries {
        text.push_str(&told(entry));
    }
    if let Some(last) = lineage.entries.last() {
        let _ = writeln!(text, "\nLayers of {}\n\n{}", last.bundle, layers(lineage, last));
    }
    text.push_str(
        "\nMoved: share of the users known before and after who went to another layer\n\
         themselves. Redrawn: of those whom the new model alone puts into another.\n",
    );
    text
}

/// What happened to the layers in a bundle, unless it is the first.
fn told(entry: &LineageEntry) -> String {
    let mut text = String::new();
    if entry.previous.is_some() {
        let told = changes(entry).into_iter().skip(1).filter(|(_, ids)| !ids.is_empty());
        for (what, ids) in told {
            let line = format!("{}: {what} {}", entry.bundle, ids.join(", "));
            text.push_str(&indented(&line));
        }
    }
    text + &warnings(&entry.warnings)
}

fn layers(lineage: &Lineage, entry: &LineageEntry) -> comfy_table::Table {
    let mut rows = table(&["", "Layer", "Users", "Since"]);
    for layer in &entry.layers {
        let id = &layer.identity.id;
        rows.add_row(vec![
            id.clone(),
            layer.identity.name.clone(),
            thousands(layer.n_users),
            lineage.first_with(id).map_or(String::new(), |first| first.as_of.to_string()),
        ]);
    }
    align(&mut rows, 2);
    keep_first_whole(&mut rows);
    rows
}
