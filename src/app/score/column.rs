//! What a column of the scores is.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
};
use arrow::datatypes::{DataType, Date32Type, Field, Float64Type};
use chrono::NaiveDate;

use super::user_scores::UserScores;
use crate::app::PipelineError;
use crate::dataset::{Bilingual, ColumnContract};
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
    /// Least and largest value of a number; `None` where any finite one will do.
    pub range: Option<(f64, f64)>,
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
    /// Rank by lifetime value among those who have one.
    ClvPercentile,
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
        Self { name, kind, unit: "", meaning, missing_for: None, range: None, source }
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

    pub(super) fn within(self, least: f64, most: f64) -> Self {
        Self { range: Some((least, most)), ..self }
    }

    /// What the column promises.
    pub fn contract(&self) -> ColumnContract {
        ColumnContract {
            name: self.name.clone(),
            kind: self.kind.as_str().to_owned(),
            unit: self.unit.to_owned(),
            nullable: self.missing_for.is_some(),
            range: self.range,
            meaning: self.meaning.clone(),
        }
    }

    /// Checks that values keep the promise.
    pub(super) fn check(&self, values: &ArrayRef) -> Result<(), PipelineError> {
        let refuse = |problem: String| {
            let column = self.name.clone();
            Err(PipelineError::Contract { column, problem })
        };
        if self.missing_for.is_none() && values.null_count() > 0 {
            return refuse(format!("{} users have no value", values.null_count()));
        }
        let Some(numbers) = values.as_primitive_opt::<Float64Type>() else { return Ok(()) };
        let (least, most) = self.range.unwrap_or((f64::MIN, f64::MAX));
        match numbers.iter().flatten().find(|value| !(least..=most).contains(value)) {
            Some(value) if self.range.is_some() => {
                refuse(format!("a user has {value}, which is not between {least} and {most}"))
            }
            Some(value) => refuse(format!("a user has {value}, which is no finite number")),
            None => Ok(()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_is_named() {
        let column = |name: &str| {
            ScoreColumn::ready(name, ScoreType::Number, Bilingual::new("", ""), |_| unreachable!())
        };
        let array =
            |values: &[Option<f64>]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
        let share = column("share").within(0.0, 1.0);
        share.check(&array(&[Some(0.0), Some(1.0)])).unwrap();
        let optional = column("share").within(0.0, 1.0).missing_for(("nobody", "无"));
        optional.check(&array(&[Some(0.5), None])).unwrap();
        for (column, values, problem) in [
            (&share, array(&[Some(0.5), None]), "1 users have no value"),
            (&share, array(&[Some(1.5)]), "a user has 1.5, which is not between 0 and 1"),
            (&optional, array(&[None, Some(-0.1)]), "a user has -0.1"),
            (&optional, array(&[Some(f64::NAN)]), "a user has NaN"),
            (&column("any"), array(&[Some(f64::INFINITY)]), "which is no finite number"),
        ] {
            let error = column.check(&values).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
            assert_eq!(error.kind(), crate::app::ErrorKind::Refused);
        }
    }
}
