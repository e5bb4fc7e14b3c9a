//! The table of rooms in ARCHITECTURE.md, held against the code, and no circle
//! of imports between files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::support::project;

/// Crates that every room may name.
const FREE: [&str; 3] = ["chrono", "serde", "thiserror"];

/// A row of the table.
struct Room {
    imports: BTreeSet<String>,
    crates: BTreeSet<String>,
}

/// Rooms by path, such as `stats::metrics`, in the order of the table.
fn table() -> Vec<(String, Room)> {
    let text = std::fs::read_to_string(project().join("ARCHITECTURE.md")).unwrap();
    let names = |cell: &str| -> BTreeSet<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let start = text.find("| room |").expect("the table of rooms");
    text[start..]
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let room = Room { imports: names(cells[3]), crates: names(cells[4]) };
            (cells[1].trim_matches('`').to_owned(), room)
        })
        .collect()
}

/// A source file without its tests, comments and texts.
struct File {
    path: PathBuf,
    code: String,
}

/// All files of the library by module path; the root has the empty path.
fn files() -> BTreeMap<String, File> {
    let source = project().join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let module = path.strip_prefix(&source).unwrap().with_extension("");
            let mut parts: Vec<&str> = module.iter().map(|part| part.to_str().unwrap()).collect();
            if parts[0] == "bin" {
                continue;
            }
            if matches!(parts.last(), Some(&"mod" | &"lib")) {
                parts.pop();
            }
            let code = bare_code(&std::fs::read_to_string(&path).unwrap());
            found.insert(parts.join("::"), File { path, code });
        }
    }
    found
}

/// Code without unit tests, comments and what stands between quotes.
fn bare_code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let mut code = String::new();
    for line in text.lines() {
        let mut is_text = false;
        let mut previous = ' ';
        for (at, letter) in line.char_indices() {
            if !is_text && line[at..].starts_with("//") {
                break;
            }
            if letter == '"' && previous != '\\' && !line[at..].starts_with("\"'") {
                is_text = !is_text;
            }
            if !is_text {
                code.push(letter);
            }
            previous = letter;
        }
        code.push('\n');
    }
    code
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// A path that a file imports, as segments from the root, and whether it only
/// hands it on.
#[derive(Debug)]
struct Import {
    path: Vec<String>,
    alias: String,
    is_handed_on: bool,
}

/// The leaves of a tree such as `a::{b, c::{self, d as e}}`.
fn leaves(tree: &str, prefix: &[String], into: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    let (head, rest) = match tree.find('{') {
        Some(open) => (&tree[..open], Some(&tree[open + 1..tree.rfind('}').unwrap()])),
        None => (tree, None),
    };
    let (head, alias) = match head.split_once(" as ") {
        Some((head, alias)) => (head, Some(alias.trim())),
        None => (head, None),
    };
    let mut path = prefix.to_vec();
    let segments = head.split("::").map(str::trim).filter(|it| !it.is_empty() && *it != "self");
    path.extend(segments.map(str::to_owned));
    let Some(rest) = rest else {
        let name = alias.map(str::to_owned).or_else(|| path.last().cloned());
        into.extend(name.map(|name| (path, name)));
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in rest.char_indices().chain([(rest.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !rest[start..at].trim().is_empty() {
                    leaves(&rest[start..at], &path, into);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// What a module's code imports or names by a path that begins with `crate`,
/// `super` or `self`, from the root; and the other first segments of paths.
fn imports(module: &str, code: &str) -> (Vec<Import>, BTreeSet<String>) {
    let here: Vec<String> =
        module.split("::").filter(|it| !it.is_empty()).map(str::to_owned).collect();
    let mut own = Vec::new();
    let mut outside = BTreeSet::new();
    let mut add = |path: Vec<String>, alias: String, is_handed_on: bool| {
        let n_up = path.iter().take_while(|it| *it == "super").count();
        let from_root = match path[0].as_str() {
            "crate" => path[1..].to_vec(),
            "super" => [&here[..here.len() - n_up], &path[n_up..]].concat(),
            "self" => [&here[..], &path[1..]].concat(),
            first => {
                outside.insert(first.to_owned());
                return;
            }
        };
        own.push(Import { path: from_root, alias, is_handed_on });
    };
    let mut rest = code.to_owned();
    // Statements.
    for statement in code.split(';') {
        let Some(start) = statement.rfind("use ").filter(|&at| {
            !statement[..at].ends_with(is_word) && !statement[at..].contains(['=', '('])
        }) else {
            continue;
        };
        let before = statement[..start].trim_end();
        let tree = statement[start + 4..].replace("self::", "self·");
        let mut found = Vec::new();
        leaves(&tree.replace("self·", "here::"), &[], &mut found);
        for (mut path, alias) in found {
            if path[0] == "here" {
                path[0] = "self".into();
            }
            add(path, alias, before.ends_with("pub") || before.ends_with(')'));
        }
        rest = rest.replace(&statement[start..], "");
    }
    // Paths in the code itself.
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < rest.len() {
        let is_start = is_word(bytes[at] as char)
            && bytes[at].is_ascii()
            && (at == 0 || !(is_word(bytes[at - 1] as char) || bytes[at - 1] == b':'));
        if !is_start {
            at += 1;
            continue;
        }
        let end =
            rest[at..].find(|c: char| !(is_word(c) || c == ':')).map_or(rest.len(), |n| at + n);
        let path: Vec<String> =
            rest[at..end].split("::").filter(|it| !it.is_empty()).map(str::to_owned).collect();
        if path.len() > 1 && rest[at..end].contains("::") {
            add(path.clone(), path[path.len() - 1].clone(), false);
        }
        at = end.max(at + 1);
    }
    (own, outside)
}

/// The files that each file imports, faces looked through: what a `mod.rs` only
/// hands on counts as an import of the file that has it.
fn file_imports() -> BTreeMap<String, BTreeSet<String>> {
    let files = files();
    let all: BTreeMap<&String, Vec<Import>> =
        files.iter().map(|(module, file)| (module, imports(module, &file.code).0)).collect();
    let resolve = |path: &[String]| -> String {
        let mut path = path.to_vec();
        for _ in 0..8 {
            let n = (0..=path.len()).rev().find(|&n| files.contains_key(&path[..n].join("::")));
            let module = path[..n.unwrap()].join("::");
            let Some(name) = path.get(n.unwrap()) else { return module };
            let handed_on = all[&module].iter().find(|it| it.is_handed_on && it.alias == *name);
            let Some(handed_on) = handed_on else { return module };
            path = [&handed_on.path[..], &path[n.unwrap() + 1..]].concat();
        }
        path.join("::")
    };
    all.iter()
        .map(|(module, imports)| {
            let used = imports.iter().filter(|it| !it.is_handed_on).map(|it| resolve(&it.path));
            ((*module).clone(), used.filter(|used| used != *module).collect())
        })
        .collect()
}

/// The room of a module: the longest path in the table that it begins with.
fn room_of<'a>(table: &'a [(String, Room)], module: &str) -> Option<&'a str> {
    let rooms = table.iter().map(|(room, _)| room.as_str());
    rooms
        .filter(|room| module == *room || module.starts_with(&format!("{room}::")))
        .max_by_key(|room| room.len())
}

#[test]
fn rooms_import_exactly_what_the_table_says() {
    let table = table();
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let imports = file_imports();
    for (module, imports) in &imports {
        let Some(room) = room_of(&table, module) else { continue };
        for import in imports {
            let other = room_of(&table, import);
            used.entry(room).or_default().extend(other.filter(|other| *other != room));
        }
    }
    for (room, row) in &table {
        let used = used.remove(room.as_str()).unwrap_or_default();
        let used: BTreeSet<String> = used.into_iter().map(str::to_owned).collect();
        assert_eq!(used, row.imports, "imports of `{room}` (left: the code, right: the table)");
    }
}

#[test]
fn every_file_is_in_a_room_and_rooms_import_upwards_only() {
    let table = table();
    for (module, file) in files() {
        let is_face = module.is_empty() || ["input", "stats", "models"].contains(&module.as_str());
        assert!(
            is_face || room_of(&table, &module).is_some(),
            "{} has no room",
            file.path.display()
        );
    }
    let position = |room: &str| table.iter().position(|(other, _)| other == room);
    for (room, row) in &table {
        for import in &row.imports {
            let above = position(import).unwrap_or_else(|| panic!("`{import}` is no room"));
            assert!(above < position(room).unwrap(), "`{room}` stands above `{import}`");
        }
    }
}

#[test]
fn outside_crates_are_named_only_where_the_table_says() {
    let table = table();
    let manifest = std::fs::read_to_string(project().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let crates: BTreeSet<String> = manifest["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .map(|name| name.replace('-', "_"))
        .collect();
    let mut used: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (module, file) in files() {
        let Some(room) = room_of(&table, &module) else { continue };
        let (_, outside) = imports(&module, &file.code);
        let children = format!("src/{}", module.replace("::", "/"));
        let is_child = |name: &str| {
            let folder = project().join(&children);
            folder.join(format!("{name}.rs")).is_file() || folder.join(name).is_dir()
        };
        let named = outside.into_iter().filter(|it| crates.contains(it) && !is_child(it));
        used.entry(room).or_default().extend(named.filter(|it| !FREE.contains(&it.as_str())));
    }
    for (room, row) in &table {
        let used = used.remove(room.as_str()).unwrap_or_default();
        assert_eq!(used, row.crates, "crates of `{room}` (left: the code, right: the table)");
    }
}

#[test]
fn places_that_contributors_are_sent_to_exist() {
    let text = std::fs::read_to_string(project().join("CONTRIBUTING.md")).unwrap();
    let quoted = text.split('`').skip(1).step_by(2);
    let is_place = |it: &&str| it.contains('/') && !it.contains(' ') && !it.starts_with('~');
    let places: Vec<&str> = quoted.filter(is_place).collect();
    assert!(places.len() > 10, "{places:?}");
    for place in places {
        let found = ["", "src"].iter().any(|top| project().join(top).join(place).exists());
        assert!(found, "CONTRIBUTING.md names `{place}`, which is not there");
    }
}

#[test]
fn no_dependency_is_unused() {
    let manifest = std::fs::read_to_string(project().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let code_under = |folders: &[&str]| -> String {
        let mut code = String::new();
        let mut left: Vec<PathBuf> = folders.iter().map(|it| project().join(it)).collect();
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|it| it == "rs") {
                code.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
        code
    };
    for (section, folders) in
        [("dependencies", &["src"][..]), ("dev-dependencies", &["src", "tests", "benches"][..])]
    {
        let code = code_under(folders);
        for name in manifest[section].as_table().unwrap().keys() {
            let path = format!("{}::", name.replace('-', "_"));
            assert!(code.contains(&path), "[{section}] {name} is used nowhere");
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut left = file_imports();
    // Whoever imports nothing that is left is in no circle, and so on.
    loop {
        let free: Vec<String> = left
            .iter()
            .filter(|(_, imports)| !imports.iter().any(|it| left.contains_key(it)))
            .map(|(module, _)| module.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|module, _| !free.contains(module));
    }
    // Likewise for who is imported by nothing that is left.
    loop {
        let imported: BTreeSet<String> = left.values().flatten().cloned().collect();
        let n_before = left.len();
        left.retain(|module, _| imported.contains(module));
        if left.len() == n_before {
            break;
        }
    }
    let circle: BTreeMap<&String, Vec<&String>> = left
        .iter()
        .map(|(module, imports)| {
            (module, imports.iter().filter(|it| left.contains_key(*it)).collect())
        })
        .collect();
    assert!(circle.is_empty(), "files in a circle: {circle:#?}");
}

#[test]
fn one_version_each_of_arrow_and_ndarray() {
    let lock = std::fs::read_to_string(project().join("Cargo.lock")).unwrap();
    for name in ["arrow", "ndarray", "parquet", "datafusion", "object_store"] {
        assert_eq!(lock.matches(&format!("name = \"{name}\"\n")).count(), 1, "{name}");
    }
}

/// Keeps the reader of this file honest.
#[test]
fn imports_are_seen_in_every_shape() {
    let code = bare_code(
        "use crate::{a::{B, C as D}, e};\nuse super::f::G; // use crate::no;\nlet text = \"crate::no\";\n\
         fn h() { crate::i::J::k(); self::l::m(); datafusion::n() }\n",
    );
    let (own, outside) = imports("x::y", &code);
    let mut own: Vec<String> = own.iter().map(|it| it.path.join("::")).collect();
    own.sort();
    assert_eq!(own, ["a::B", "a::C", "e", "i::J::k", "x::f::G", "x::y::l::m"]);
    assert_eq!(outside, BTreeSet::from(["datafusion".to_owned()]));
}
