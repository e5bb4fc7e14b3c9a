//! What the fuzz targets call. `tests/it/fuzz_corpora.rs` calls the same with every
//! file of `fuzz/corpus`, in an ordinary test.

use std::path::Path;

use layercake::bundle::Bundle;
use layercake::config::Config;
use layercake::input::engine::{Engine, EngineParams};
use layercake::input::source::{
    InputParams, Paths, SourceParams, open_raw_table, open_sources, quoted_column,
};

/// Reads the text of a config.
pub fn config_text(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Config::parse(text, Path::new("fuzzed.toml"));
    }
}

/// Reads a CSV file: its columns and types, then its rows as events, of which the first
/// column says whose they are and the last when.
pub fn csv_bytes(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("rows.csv");
    std::fs::write(&file, data).expect("a temporary file");
    let engine = Engine::new(&EngineParams::default()).expect("an engine");
    let path = Paths::One(file.display().to_string());
    let mut source = SourceParams { path, event: "'order'".into(), ..Default::default() };
    let Ok(table) = open_raw_table(&engine, &source) else { return };
    let names = table.column_names();
    source.user = names.first().map_or(String::new(), |name| quoted_column(name));
    source.time = names.last().map_or(String::new(), |name| quoted_column(name));
    if let Ok(sources) = open_sources(&engine, &[source], &InputParams::default()) {
        let _ = sources.read(&engine, &folder.path().join("rejected_rows.csv"));
    }
}

/// Loads a bundle of the files in `data`: each a line `== NAME`, then its content.
pub fn bundle_folder(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for part in String::from_utf8_lossy(data).split("== ").skip(1) {
        let (name, content) = part.split_once('\n').unwrap_or((part, ""));
        let is_plain = !name.is_empty()
            && name.len() < 64
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if is_plain && !name.starts_with('.') {
            std::fs::write(folder.path().join(name), content).expect("a temporary file");
        }
    }
    let _ = Bundle::load(folder.path());
}
