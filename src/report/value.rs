use chrono::NaiveDate;

use crate::dataset::Bilingual;

/// A cell of a table or a figure of a report, before it is rounded or put in words.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Unknown or undefined.
    #[default]
    Missing,
    /// A whole number.
    Count(u64),
    /// Any other number.
    Number(f64),
    /// From a low to a high number.
    Range(f64, f64),
    /// A number and, where it is known, its interval.
    Estimate(f64, Option<(f64, f64)>),
    /// Yes or no.
    Flag(bool),
    /// A day.
    Date(NaiveDate),
    /// A text of the data, such as an id or a path.
    Text(String),
    /// Words for people.
    Words(Bilingual),
    /// One of a fixed list: what programs call it, and what people do.
    Code(&'static str, Bilingual),
    /// Several texts.
    List(Vec<String>),
}

/// The same words in English and in Chinese.
pub(crate) fn words(en: impl Into<String>, zh: impl Into<String>) -> Bilingual {
    Bilingual::new(en, zh)
}

impl Value {
    /// One of a fixed list.
    pub fn code(code: &'static str, en: &str, zh: &str) -> Self {
        Self::Code(code, Bilingual::new(en, zh))
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Self::Count(n)
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Self::Count(n as u64)
    }
}

impl From<u32> for Value {
    fn from(n: u32) -> Self {
        Self::Count(u64::from(n))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(is_so: bool) -> Self {
        Self::Flag(is_so)
    }
}

impl From<NaiveDate> for Value {
    fn from(day: NaiveDate) -> Self {
        Self::Date(day)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&std::path::Path> for Value {
    fn from(path: &std::path::Path) -> Self {
        Self::Text(path.display().to_string())
    }
}

impl From<Bilingual> for Value {
    fn from(words: Bilingual) -> Self {
        Self::Words(words)
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}
