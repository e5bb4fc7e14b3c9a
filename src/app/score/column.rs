//! What a column of the scores is.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Date32Type, Field};
use chrono::NaiveDate;

use super::user_scores::UserScores;
use crate::dataset::Bilingual;
use crate::input::source::UserIdType;

/// A column of the scores: what it is called, what it says, and where it comes from.
pub struct ScoreColumn {
    /// In the file.
    pub name: String,
    /// Type of the values.
    pub kind: ScoreType,
    /// Unit of a number; empty where there is none.
    pub unit: &'static str,
    /// What it says.
    pub meaning: Bilingual,
    /// Whose values are missing; `None` if nobody's are.
    pub missing_for: Option<Bilingual>,
    source: Source,
}

/// Where the values of a column come from.
enum Source {
    /// Of each user alone.
    User(Box<Values>),
    /// Known only once all users are.
    All(Ranked),
}

/// One value for each user.
type Values = dyn Fn(&UserScores<'_>) -> ArrayRef + Send + Sync;

/// What depends on all users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ranked {
    /// Rank by log odds among the eligible.
    ChurnPercentile,
    /// Whether the user is flagged.
    AtRisk,
}

/// Type of a column of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreType {
    /// Whole numbers or text, as the ids came in.
    UserId,
    /// UTF-8.
    Text,
    /// Double precision.
    Number,
    /// 64 bits, signed.
    Integer,
    /// True or false.
    Flag,
    /// A calendar day.
    Date,
}

impl ScoreType {
    /// In lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserId => "integer or text",
            Self::Text => "text",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Flag => "true or false",
            Self::Date => "date",
        }
    }

    /// As Arrow has it, where ids are of this type.
    fn data_type(self, user_ids: UserIdType) -> DataType {
        match self {
            Self::UserId if user_ids == UserIdType::Integer => DataType::Int64,
            Self::UserId | Self::Text => DataType::Utf8,
            Self::Number => DataType::Float64,
            Self::Integer => DataType::Int64,
            Self::Flag => DataType::Boolean,
            Self::Date => DataType::Date32,
        }
    }
}

/// English and Chinese.
pub(super) type Words = (&'static str, &'static str);

impl ScoreColumn {
    /// A column whose values are there already.
    pub(super) fn ready(
        name: impl Into<String>,
        kind: ScoreType,
        meaning: Bilingual,
        values: impl Fn(&UserScores<'_>) -> ArrayRef + Send + Sync + 'static,
    ) -> Self {
        Self::new(name.into(), kind, meaning, Source::User(Box::new(values)))
    }

    /// A column that depends on all users.
    pub(super) fn ranked(name: &str, kind: ScoreType, (en, zh): Words, what: Ranked) -> Self {
        Self::new(name.to_owned(), kind, Bilingual::new(en, zh), Source::All(what))
    }

    fn new(name: String, kind: ScoreType, meaning: Bilingual, source: Source) -> Self {
        Self { name, kind, unit: "", meaning, missing_for: None, source }
    }

    pub(super) fn text(
        name: &str,
        (en, zh): Words,
        of: impl for<'a> Fn(&'a UserScores<'_>, usize) -> Option<&'a str> + Send + Sync + 'static,
    ) -> Self {
        Self::ready(name, ScoreType::Text, Bilingual::new(en, zh), move |scores| {
            Arc::new(users(scores).map(|user| of(scores, user)).collect::<StringArray>())
        })
    }

    pub(super) fn number(
        name: &str,
        (en, zh): Words,
        of: impl Fn(&UserScores<'_>, usize) -> Option<f64> + Send + Sync + 'static,
    ) -> Self {
        Self::ready(name, ScoreType::Number, Bilingual::new(en, zh), move |scores| {
            Arc::new(users(scores).map(|user| of(scores, user)).collect::<Float64Array>())
        })
    }

    pub(super) fn integer(
        name: &str,
        (en, zh): Words,
        of: impl Fn(&UserScores<'_>, usize) -> Option<i64> + Send + Sync + 'static,
    ) -> Self {
        Self::ready(name, ScoreType::Integer, Bilingual::new(en, zh), move |scores| {
            Arc::new(users(scores).map(|user| of(scores, user)).collect::<Int64Array>())
        })
    }

    pub(super) fn flag(
        name: &str,
        (en, zh): Words,
        of: impl Fn(&UserScores<'_>, usize) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::ready(name, ScoreType::Flag, Bilingual::new(en, zh), move |scores| {
            Arc::new(users(scores).map(|user| Some(of(scores, user))).collect::<BooleanArray>())
        })
    }

    pub(super) fn date(
        name: &str,
        (en, zh): Words,
        of: impl Fn(&UserScores<'_>, usize) -> Option<NaiveDate> + Send + Sync + 'static,
    ) -> Self {
        Self::ready(name, ScoreType::Date, Bilingual::new(en, zh), move |scores| {
            let days = users(scores).map(|user| of(scores, user));
            let days = days.map(|it| it.map(Date32Type::from_naive_date));
            Arc::new(days.collect::<Date32Array>())
        })
    }

    pub(super) fn in_unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    pub(super) fn missing_for(self, (en, zh): Words) -> Self {
        Self { missing_for: Some(Bilingual::new(en, zh)), ..self }
    }

    /// What depends on all users, if it is that.
    pub(super) fn of_all(&self) -> Option<Ranked> {
        match self.source {
            Source::User(_) => None,
            Source::All(what) => Some(what),
        }
    }

    /// One value for each user of a snapshot, in order of user id; `None` for what depends
    /// on all users.
    pub(super) fn values(&self, scores: &UserScores<'_>) -> Option<ArrayRef> {
        match &self.source {
            Source::User(values) => Some(values(scores)),
            Source::All(_) => None,
        }
    }

    /// The column in a file, where ids are of this type.
    pub(super) fn field(&self, user_ids: UserIdType) -> Field {
        Field::new(&self.name, self.kind.data_type(user_ids), self.missing_for.is_some())
    }
}

fn users(scores: &UserScores<'_>) -> std::ops::Range<usize> {
    0..scores.snapshot.users.len()
}
