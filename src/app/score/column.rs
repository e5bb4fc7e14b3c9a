//! What a column of the scores is.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::Date32Type;
use chrono::NaiveDate;

use super::user_scores::UserScores;
use crate::dataset::Bilingual;

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
    values: Box<Values>,
}

/// One value for each user.
type Values = dyn Fn(&UserScores<'_>) -> ArrayRef;

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
}

/// English and Chinese.
pub(super) type Words = (&'static str, &'static str);

impl ScoreColumn {
    /// A column whose values are there already.
    pub(super) fn ready(
        name: impl Into<String>,
        kind: ScoreType,
        meaning: Bilingual,
        values: impl Fn(&UserScores<'_>) -> ArrayRef + 'static,
    ) -> Self {
        let (name, values) = (name.into(), Box::new(values));
        Self { name, kind, unit: "", meaning, missing_for: None, values }
    }

    pub(super) fn text(
        name: &str,
        (en, zh): Words,
        of: impl for<'a> Fn(&'a UserScores<'_>, usize) -> Option<&'a str> + 'static,
    ) -> Self {
        Self::ready(name, ScoreType::Text, Bilingual::new(en, zh), move |scores| {
            Arc::new(users(scores).map(|user| of(scores, user)).collect::<StringArray>())
        })
    }

    pub(super) fn number(
        name: &str,
        (en, zh): Words,
        of: impl Fn(&UserScores<'_>, usize) -> Option<f64> + 'static,
    ) -> Self {
        Self::ready(name, ScoreType::Number, Bilingual::new(en, zh), move |scores| {
            Arc::new(users(scores).map(|user| of(scores, user)).collect::<Float64Array>())
        })
    }

    pub(super) fn integer(
        name: &str,
        (en, zh): Words,
        of: impl Fn(&UserScores<'_>, usize) -> Option<i64> + 'static,
    ) -> Self {
        Self::ready(name, ScoreType::Integer, Bilingual::new(en, zh), move |scores| {
            Arc::new(users(scores).map(|user| of(scores, user)).collect::<Int64Array>())
        })
    }

    pub(super) fn flag(
        name: &str,
        (en, zh): Words,
        of: impl Fn(&UserScores<'_>, usize) -> bool + 'static,
    ) -> Self {
        Self::ready(name, ScoreType::Flag, Bilingual::new(en, zh), move |scores| {
            Arc::new(users(scores).map(|user| Some(of(scores, user))).collect::<BooleanArray>())
        })
    }

    pub(super) fn date(
        name: &str,
        (en, zh): Words,
        of: impl Fn(&UserScores<'_>, usize) -> Option<NaiveDate> + 'static,
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

    /// One value for each user, in order of user id.
    pub(super) fn values(&self, scores: &UserScores<'_>) -> ArrayRef {
        (self.values)(scores)
    }
}

fn users(scores: &UserScores<'_>) -> std::ops::Range<usize> {
    0..scores.snapshot.users.len()
}
