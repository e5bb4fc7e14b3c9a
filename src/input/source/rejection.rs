//! Why rows are rejected.

use datafusion::error::Result;
use datafusion::functions::expr_fn::concat;
use datafusion::logical_expr::{Expr, lit, when};
use datafusion::scalar::ScalarValue;
use serde::{Deserialize, Serialize};

use crate::dataset::Bilingual;

/// Rows that were rejected for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// What is wrong with them.
    pub reason: Bilingual,
    /// Their number.
    pub n_rows: u64,
}

/// A way in which a row may break the contract.
pub(super) struct Breach {
    /// True for a row that does.
    pub condition: Expr,
    /// What is wrong with such a row.
    pub reason: Bilingual,
    /// The value at fault.
    pub value: Option<Expr>,
}

impl Breach {
    pub fn new(condition: Expr, (en, zh): (&str, &str), value: Option<Expr>) -> Self {
        Self { condition, reason: Bilingual::new(en, zh), value }
    }

    /// "unreadable time: 32.13.2024"
    fn text(&self) -> Expr {
        match &self.value {
            None => lit(&self.reason.en),
            Some(value) => concat(vec![lit(format!("{}: ", self.reason.en)), value.clone()]),
        }
    }
}

/// The text `already` found for a row, otherwise that of the first of `breaches`; null
/// for a good row.
pub(super) fn first_problem(already: Expr, breaches: &[Breach]) -> Result<Expr> {
    let mut cases = when(already.clone().is_not_null(), already);
    for breach in breaches {
        cases = cases.when(breach.condition.clone(), breach.text());
    }
    cases.otherwise(null_text())
}

/// Which of `reasons` the text of a rejected row begins with.
pub(super) fn reason_of(text: &str, reasons: &[Bilingual]) -> Option<usize> {
    reasons.iter().position(|reason| {
        let rest = text.strip_prefix(&reason.en);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
    })
}

pub(super) fn null_text() -> Expr {
    lit(ScalarValue::Utf8(None))
}
