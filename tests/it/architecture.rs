//! The import table of ARCHITECTURE.md, held against the code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::project;

/// Rows of the table: module, its imports, the outside crates it alone may name.
fn table() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let text = std::fs::read_to_string(project().join("ARCHITECTURE.md")).unwrap();
    let names = |cell: &str| -> BTreeSet<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let start = text.find("| module |").expect("the import table");
    text[start..]
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`').to_owned(), (names(cells[3]), names(cells[4])))
        })
        .collect()
}

fn files_of(module: &str) -> Vec<PathBuf> {
    let source = project().join("src");
    let single = source.join(format!("{module}.rs"));
    if single.is_file() {
        return vec![single];
    }
    let entries = std::fs::read_dir(source.join(module)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// First path segments after `crate::` and names of outside crates, comments aside.
fn mentions(file: &Path, outside: &BTreeSet<&str>) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = std::fs::read_to_string(file).unwrap();
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|l| format!("{l}\n"))
        .collect();
    let word = |rest: &str| -> String {
        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let own = code.match_indices("crate::").map(|(at, found)| word(&code[at + found.len()..]));
    let crates = outside
        .iter()
        .filter(|name| {
            code.match_indices(&format!("{name}::")).any(|(at, _)| {
                !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
            })
        })
        .map(|name| (*name).to_owned());
    (own.collect(), crates.collect())
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let table = table();
    let modules: BTreeSet<&String> = table.keys().collect();
    let reserved: BTreeSet<&str> =
        table.values().flat_map(|(_, outside)| outside).map(String::as_str).collect();
    for (module, (allowed, allowed_outside)) in &table {
        for file in files_of(module) {
            let (own, outside) = mentions(&file, &reserved);
            for used in own.iter().filter(|used| modules.contains(used) && *used != module) {
                assert!(allowed.contains(used), "{} imports `{used}`", file.display());
            }
            for used in &outside {
                assert!(allowed_outside.contains(used), "{} names `{used}`", file.display());
            }
        }
    }
}

#[test]
fn every_module_is_in_the_table_and_imports_point_upwards() {
    let table = table();
    let library = std::fs::read_to_string(project().join("src/lib.rs")).unwrap();
    let declared: BTreeSet<String> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    assert_eq!(declared, table.keys().cloned().collect());
    let text = std::fs::read_to_string(project().join("ARCHITECTURE.md")).unwrap();
    let position = |module: &str| text.find(&format!("| `{module}` |")).unwrap();
    for (module, (imports, _)) in &table {
        for import in imports {
            assert!(position(import) < position(module), "{module} stands above {import}");
        }
    }
}

#[test]
fn one_version_each_of_arrow_and_ndarray() {
    let lock = std::fs::read_to_string(project().join("Cargo.lock")).unwrap();
    for name in ["arrow", "ndarray", "parquet", "datafusion", "object_store"] {
        assert_eq!(lock.matches(&format!("name = \"{name}\"\n")).count(), 1, "{name}");
    }
}
