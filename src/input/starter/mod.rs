//! A starter config for files never seen before: which column is the user, the
//! time, the event, the amount, and which rows to leave out.

mod columns;
mod guess;
mod render;
mod words;

use std::path::PathBuf;

use crate::input::engine::{Engine, EngineParams};
use crate::input::source::{Paths, SourceError, SourceParams, open_raw_table, register_functions};
use columns::Table;

/// Looks at data files, each a file, folder or glob, and writes a commented
/// config with one `[[source]]` for each, ready to train with wherever a user,
/// a time and an order could be told.
///
/// # Errors
/// When a file cannot be read.
pub fn starter_config(params: &EngineParams, files: &[PathBuf]) -> Result<String, SourceError> {
    let engine = Engine::new(params)?;
    register_functions(engine.context());
    let mut guesses = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let path = file.display().to_string();
        let source = SourceParams {
            name: None,
            path: Paths::One(path.clone()),
            format: None,
            delimiter: None,
            types: Default::default(),
            user: String::new(),
            time: String::new(),
            event: String::new(),
            amount: None,
            quantity: None,
            discount: None,
            item: None,
            category: None,
            channel: None,
            order_id: None,
            dwell_s: None,
            session: None,
            available_at: None,
            filter: None,
        };
        let raw = open_raw_table(&engine, &source)?;
        let table = Table::register(&engine, &raw, format!("starter_{index}"))?;
        guesses.push((path, guess::guess(&engine, &table)?));
    }
    let name = files.first().map_or("model".into(), |file| render::model_name(file));
    Ok(render::render(&name, &guesses))
}
