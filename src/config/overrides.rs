//! Settings that somebody typed, which win over those of a file.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ConfigError, Place};

/// A setting as it was typed, such as `churn.model=trees`, and as TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    typed: String,
    toml: String,
}

/// Sections that say how data is read; all others are part of what was trained.
const SECTIONS_OF_DATA: [&str; 3] = ["as_of", "engine", "input"];

/// What a bundle keeps though it is in a section of data.
const KEPT_BY_BUNDLES: [&str; 1] = ["input.user_ids"];

impl Override {
    /// Reads `section.key=value`. What is no TOML value by itself is text, so that
    /// words and days need no quotes.
    ///
    /// # Errors
    /// When there is no key, no `=`, or quotes or brackets that are never closed.
    pub fn parse(typed: &str) -> Result<Self, ConfigError> {
        let refused = |message: String| ConfigError::Invalid {
            place: Place::Override(typed.to_owned()),
            message,
        };
        let shape = || "write section.key=value, as in churn.model=trees".to_owned();
        let (key, value) = typed.split_once('=').ok_or_else(|| refused(shape()))?;
        if DeTable::parse(&format!("{key} = 0")).is_err() {
            return Err(refused(shape()));
        }
        let value = value.trim();
        let is_text = match DeValue::parse(value) {
            Ok(parsed) => parsed.get_ref().as_datetime().is_some(),
            Err(error) if value.starts_with(['"', '\'', '[', '{']) => {
                return Err(refused(format!("the value is no TOML: {}", error.message())));
            }
            Err(_) => true,
        };
        let value = match is_text {
            true => toml::Value::String(value.to_owned()).to_string(),
            false => value.to_owned(),
        };
        Ok(Self { typed: typed.to_owned(), toml: format!("{key} = {value}") })
    }

    /// Refuses settings of the trained model, which only training can change.
    ///
    /// # Errors
    /// Names the section and what can be set.
    pub fn check_is_of_data(&self) -> Result<(), ConfigError> {
        let key = self.typed.split('=').next().unwrap_or_default().trim();
        let section = key.split('.').next().unwrap_or_default();
        if SECTIONS_OF_DATA.contains(&section) && !KEPT_BY_BUNDLES.contains(&key) {
            return Ok(());
        }
        Err(ConfigError::Invalid {
            place: Place::Override(self.typed.clone()),
            message: format!(
                "{key} belongs to the trained model: set it when you train; over a bundle only \
                 as_of, [engine] and [input] but user_ids can be set"
            ),
        })
    }
}

/// A file's text and overrides, one after the other, so that a position in the whole
/// says where something was written.
pub(super) struct Texts {
    pub(super) whole: String,
    len_of_file: usize,
    overrides: Vec<PlacedOverride>,
}

struct PlacedOverride {
    typed: String,
    /// Blanks up to where the override stands in the whole, then the override.
    padded: String,
}

impl Texts {
    pub(super) fn new(file: &str, overrides: &[Override]) -> Self {
        let mut texts =
            Self { whole: file.to_owned(), len_of_file: file.len(), overrides: Vec::new() };
        for Override { typed, toml } in overrides {
            texts.whole.push('\n');
            let padded = " ".repeat(texts.whole.len()) + toml;
            texts.whole += toml;
            texts.overrides.push(PlacedOverride { typed: typed.clone(), padded });
        }
        texts
    }

    pub(super) fn file(&self) -> &str {
        &self.whole[..self.len_of_file]
    }

    /// The overrides as TOML, each at its own place.
    pub(super) fn padded_overrides(&self) -> impl Iterator<Item = &str> {
        self.overrides.iter().map(|it| it.padded.as_str())
    }

    /// The override that stands at a position.
    pub(super) fn override_at(&self, position: usize) -> Option<&str> {
        let is_there = |it: &&PlacedOverride| position < it.padded.len();
        let after_file = position > self.len_of_file;
        after_file
            .then(|| self.overrides.iter().find(is_there))
            .flatten()
            .map(|it| it.typed.as_str())
    }
}

/// Puts the keys of an override into the table of a file, whose other keys stay.
/// Returns the path of a list that is in the way, if one is.
pub(super) fn put_over<'t>(
    table: &mut DeTable<'t>,
    over: DeTable<'t>,
    is_inline: &impl Fn(&Spanned<DeValue<'t>>) -> bool,
) -> Result<(), String> {
    for (key, value) in over {
        let name = key.get_ref().to_string();
        let is_section = value.get_ref().is_table() && !is_inline(&value);
        match table.get_mut(name.as_str()).map(Spanned::get_mut) {
            Some(DeValue::Array(_)) if is_section => return Err(name),
            Some(DeValue::Table(inner)) if is_section => {
                let DeValue::Table(over) = value.into_inner() else { continue };
                put_over(inner, over, is_inline)?;
            }
            _ => {
                table.remove(name.as_str());
                table.insert(key, value);
            }
        }
    }
    Ok(())
}
