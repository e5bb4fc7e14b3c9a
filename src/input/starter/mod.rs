//! A starter config for files never seen before: which column is the user, the
//! time, the event, the amount, and which rows to leave out. Only a sample of the
//! rows is read.

mod columns;
mod event_column;
mod events;
mod findings;
mod guess;
mod ids;
mod money;
mod numbers;
mod render;
mod roles;
mod snapshots;
mod time_column;
mod times;
mod together;
mod words;

use std::path::{Path, PathBuf};

use crate::input::source::{Paths, SourceError, SourceParams, sample_table};
use columns::Table;
use together::Source;

/// Looks at data files, each a file, folder or glob, and writes a commented
/// config with one `[[source]]` for each, ready to train with wherever a user,
/// a time and an order could be found.
///
/// # Errors
/// When a file cannot be read.
pub fn starter_config(files: &[PathBuf]) -> Result<String, SourceError> {
    let (mut sources, mut guesses) = (Vec::new(), Vec::new());
    for file in files {
        let path = file.display().to_string();
        let table = Table::new(sample_table(&unmapped(&path))?, stem(file));
        guesses.push(guess::guess(&table));
        sources.push(Source::new(path, &table));
    }
    let together = together::settle(&mut guesses, &sources);
    let name = files.first().map_or("model".into(), |file| render::model_name(&stem(file)));
    Ok(render::render(&name, &sources, &guesses, &together))
}

/// A source of which only the files are known.
fn unmapped(path: &str) -> SourceParams {
    SourceParams { path: Paths::One(path.to_owned()), ..Default::default() }
}

/// The file's name without endings.
fn stem(file: &Path) -> String {
    let name = file.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    name.split('.').next().unwrap_or_default().to_owned()
}
