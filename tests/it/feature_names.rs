//! Names of features are made and taken apart in `features` alone: nobody else reads in
//! them what is measured, over how many days, or of which event.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use layercake::features::{EventParams, FeatureParams, build_plan};

use crate::feature_reference::everything;
use crate::support::project;

/// Where names are made, guessed for a config, or simulated.
const MAKERS: [&str; 3] = ["src/features", "src/input/starter", "src/sample"];

/// Columns of events, scores and tables that are called as a feature, or as part of
/// one, and where they stand.
const COLUMNS: [(&str, &str); 6] = [
    ("src/app/score/columns.rs", "_value"),
    ("src/app/score/columns.rs", "days_since_last_order"),
    ("src/input/history/row.rs", "discount"),
    ("src/input/history/row.rs", "dwell_s"),
    ("src/report/pages/comparison.rs", "gmv"),
    ("src/report/pages/groups.rs", "gmv"),
];

fn names() -> BTreeSet<String> {
    let events = EventParams { outbound: vec!["sms_sent".into()], ..Default::default() };
    let plan = build_plan(&FeatureParams::default(), &events, &everything(), 1_000).unwrap();
    plan.features.into_iter().map(|feature| feature.info.name).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_maker = MAKERS.iter().any(|maker| path.starts_with(project().join(maker)));
        match path.is_dir() {
            true if !is_maker => sources(&path, found),
            false if path.extension().is_some_and(|it| it == "rs") => found.push(path),
            _ => {}
        }
    }
}

/// The literals of a source file before its tests, comments left aside; of those with
/// places for values the text between them.
fn literals(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let lines = lines.map(|line| line.split(" // ").next().unwrap_or_default());
    let mut found = Vec::new();
    for line in lines {
        for literal in line.replace("\\\"", "").split('"').skip(1).step_by(2) {
            let mut text = String::new();
            let mut depth = 0;
            for letter in literal.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    letter if depth == 0 => text.push(letter),
                    _ => {}
                }
                if letter == '{' {
                    found.push(std::mem::take(&mut text));
                }
            }
            found.push(text);
        }
    }
    found
}

/// What of a literal is a name, or the beginning or end of one up to an underscore.
fn is_of_a_name(literal: &str, names: &BTreeSet<String>) -> bool {
    let is_part = |name: &String| {
        let is_beginning = literal.len() > 1 && literal.ends_with('_') && name.starts_with(literal);
        let is_end = literal.len() > 2 && literal.starts_with('_') && name.ends_with(literal);
        is_beginning || is_end
    };
    names.contains(literal) || names.iter().any(is_part)
}

#[test]
fn nobody_but_features_reads_names_of_features() {
    let names = names();
    let mut files = Vec::new();
    sources(&project().join("src"), &mut files);
    assert!(files.len() > 100, "{}", files.len());
    let mut found = BTreeSet::new();
    for file in files {
        let code = std::fs::read_to_string(&file).unwrap();
        let file = file.strip_prefix(project()).unwrap().display().to_string();
        let of_names = literals(&code).into_iter().filter(|it| is_of_a_name(it, &names));
        found.extend(of_names.map(|literal| (file.clone(), literal)));
    }
    let columns = COLUMNS.map(|(file, name)| (file.to_owned(), name.to_owned()));
    assert_eq!(found, BTreeSet::from(columns));
}

#[test]
fn what_reads_a_name_is_found() {
    let names = names();
    let code = r#"
        let a = name.starts_with("n_"); // "days_since_"
        let b = format!("{stem}_90d");
        let c = matrix.column("n_active_days");
        let d = matrix.column("n_orders");
        let e = "reason_1";
    "#;
    let of_names: Vec<String> =
        literals(code).into_iter().filter(|it| is_of_a_name(it, &names)).collect();
    assert_eq!(of_names, ["n_", "_90d", "n_active_days", "n_orders"]);
}
