//! A TOML file before it has types: where each key was written.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::overrides::{Texts, put_over};
use super::{ConfigError, Place};
use crate::settings::{Conflict, did_you_mean};

/// A parsed TOML file, with overrides in it.
pub(super) struct Document<'t> {
    file: PathBuf,
    texts: &'t Texts,
    table: DeTable<'t>,
}

/// A key that somebody wrote.
pub(super) struct WrittenKey {
    /// Dotted, from the outermost table inwards; items of a list go by their number.
    pub(super) path: String,
    /// As people say it: `[section] key`.
    pub(super) label: String,
    /// Where the key stands in the text.
    pub(super) at: usize,
    /// Where its value stands; of a section, its header.
    value: Range<usize>,
}

impl<'t> Document<'t> {
    /// Parses the text of a file and puts the overrides over it; `file` is named in
    /// errors.
    ///
    /// # Errors
    /// When it is not TOML, or an override reaches into a list.
    pub(super) fn parse(texts: &'t Texts, file: &Path) -> Result<Self, ConfigError> {
        let mut document = Self { file: file.to_owned(), texts, table: DeTable::new() };
        let parse = |text| DeTable::parse(text).map(Spanned::into_inner);
        document.table = parse(texts.file()).map_err(|error| document.refused(&error))?;
        for text in texts.padded_overrides() {
            let over = parse(text).map_err(|error| document.refused(&error))?;
            let is_inline = |value: &Spanned<DeValue<'t>>| document.is_inline(&value.span());
            let mut table = document.table.clone();
            put_over(&mut table, over, &is_inline).map_err(|list| {
                let message = format!("{list} is a list of tables: change it in the config");
                document.error_at(text.len() - 1, message)
            })?;
            document.table = table;
        }
        Ok(document)
    }

    /// The content as a type.
    ///
    /// # Errors
    /// When a key is unknown or missing, or a value not allowed.
    pub(super) fn to_typed<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let table = Spanned::new(0..0, self.table.clone());
        T::deserialize(toml::de::Deserializer::from(table)).map_err(|error| self.refused(&error))
    }

    /// Where a key of a section stands; failing that, its section, or the beginning.
    pub(super) fn place_of(&self, section: &str, key: &str) -> usize {
        let path = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
        let keys = self.keys();
        let at = |path: &str| keys.iter().find(|it| it.path == path).map(|it| it.at);
        at(&path).or_else(|| at(section)).unwrap_or(0)
    }

    /// Every key that was written, in the order of their places.
    pub(super) fn keys(&self) -> Vec<WrittenKey> {
        let mut keys = Vec::new();
        self.add_keys(&self.table, "", "", &mut keys);
        keys.sort_by_key(|key| key.at);
        keys
    }

    /// Adds the keys of a table; `before` is what precedes a key's name in its
    /// label.
    fn add_keys(&self, table: &DeTable<'_>, path: &str, before: &str, keys: &mut Vec<WrittenKey>) {
        for (key, value) in table {
            let path = match path {
                "" => key.get_ref().to_string(),
                outer => format!("{outer}.{}", key.get_ref()),
            };
            let label = format!("{before}{}", key.get_ref());
            let (at, span) = (key.span().start, value.span());
            match value.get_ref() {
                DeValue::Table(inner) if self.is_inline(&span) => {
                    self.add_keys(inner, &path, &format!("{label}."), keys);
                }
                DeValue::Table(inner) => self.add_keys(inner, &path, &format!("[{path}] "), keys),
                DeValue::Array(items) => {
                    for (number, item) in items.iter().enumerate() {
                        let Some(inner) = item.get_ref().as_table() else { continue };
                        self.add_keys(
                            inner,
                            &format!("{path}.{number}"),
                            &format!("[[{path}]] "),
                            keys,
                        );
                    }
                }
                _ => {}
            }
            keys.push(WrittenKey { path, label, at, value: span });
        }
    }

    fn is_inline(&self, table: &Range<usize>) -> bool {
        self.texts.whole.get(table.clone()).is_some_and(|text| text.starts_with('{'))
    }

    /// An error about settings that exclude each other.
    pub(super) fn conflict(&self, section: &str, conflict: &Conflict) -> ConfigError {
        let position = self.place_of(section, &conflict.key);
        let section = if section.is_empty() { String::new() } else { format!("[{section}] ") };
        self.error_at(position, format!("{section}{conflict}"))
    }

    /// An error about what stands at a position of the text.
    pub(super) fn error_at(&self, position: usize, message: String) -> ConfigError {
        let place = match self.texts.override_at(position) {
            Some(typed) => Place::Override(typed.to_owned()),
            None => {
                let text = self.texts.file();
                let before = &text.as_bytes()[..position.min(text.len())];
                let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
                Place::Line(self.file.clone(), line)
            }
        };
        ConfigError::Invalid { place, message }
    }

    /// The parser's error in plain words, with the key that it is about.
    fn refused(&self, error: &toml::de::Error) -> ConfigError {
        let position = error.span().map_or(0, |span| span.start);
        let keys = self.keys();
        let innermost = keys
            .iter()
            .filter(|key| key.value.contains(&position) || key.at == position)
            .max_by_key(|key| key.path.len());
        let message = match innermost {
            Some(key) => self.about(key, error.message(), key.at == position),
            None => plain_message(error.message()),
        };
        self.error_at(position, message)
    }

    /// The parser's message about a key, or about its value, in plain words.
    fn about(&self, key: &WrittenKey, message: &str, is_the_key: bool) -> String {
        let message = match message.strip_prefix("unknown variant ") {
            Some(rest) if is_the_key => plain_message(&format!("unknown field {rest}")),
            Some(rest) => {
                let allowed = rest.split_once(", expected ").map_or(rest, |(_, allowed)| allowed);
                format!("must be {allowed}")
            }
            None => plain_message(message),
        };
        let got = match self.texts.whole.get(key.value.clone()) {
            Some(value) if message.starts_with("must ") && !message.contains(", got ") => {
                format!(", got {value}")
            }
            _ => String::new(),
        };
        match message.starts_with("must ") {
            true => format!("{} {message}{got}", key.label),
            false if message.starts_with("invalid ") => format!("{}: {message}", key.label),
            false => message,
        }
    }
}

/// Adds `did you mean …` to the parser's message on an unknown key.
fn plain_message(message: &str) -> String {
    if message.contains("expected a formatted date string") {
        return "write a day in quotes, year first: \"2026-07-01\"".into();
    }
    let message = in_plain_words(message);
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (true, Some(unknown)) = (message.starts_with("unknown field"), quoted.next()) else {
        return message;
    };
    match did_you_mean(unknown, quoted) {
        Some(key) => format!("unknown key `{unknown}`; did you mean `{key}`?"),
        None => message.replacen("unknown field", "unknown key", 1),
    }
}

/// The parser's words for Rust's types in words for people.
fn in_plain_words(message: &str) -> String {
    // What serde says of an enum whose variants hold a value each.
    let not_one_key = ["wanted exactly 1 element", "wanted string or table", "unit variant"];
    if not_one_key.iter().any(|it| message.contains(it)) {
        return "must be a table with one key".into();
    }
    let message = message.replace('\n', " ");
    for (of_rust, plain) in [
        ("expected f64", "expected a number"),
        ("expected i64", "expected a whole number"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected u32", "expected a whole number, 0 or more"),
        ("expected usize", "expected a whole number, 0 or more"),
    ] {
        if let Some(start) = message.strip_suffix(of_rust) {
            return format!("{start}{plain}");
        }
    }
    message
}
