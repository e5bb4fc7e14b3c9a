//! Repeat orders from week to week, beside those that a model expects.

use crate::models::value::{TrackedWeeks, ValueEvaluation};
use crate::report::{Document, Format, Table, Value, column, digits, words};

/// Weeks before the fit that people see.
const N_BEFORE: usize = 4;

/// All weeks for programs; for people those after the fit and some before.
pub(super) fn tracking(page: &mut Document, evaluation: &ValueEvaluation) {
    let ValueEvaluation { tracking: weeks, n_tracked, n_customers, .. } = evaluation;
    if weeks.is_empty() {
        return;
    }
    page.fact("n_tracked", *n_tracked);
    page.table(table(weeks.iter()).for_programs());
    let n_before = weeks.iter().filter(|it| !it.is_foretold).count();
    page.table(table(weeks.iter().skip(n_before.saturating_sub(N_BEFORE))).for_people());
    let [followed, all] = [n_tracked, n_customers].map(|it| digits::count(*it as u64));
    let (whose, whose_zh) = match n_tracked < n_customers {
        true => (
            format!("of {followed} of the {all} customers"),
            format!("{all} 位顾客中 {followed} 位"),
        ),
        false => (format!("of the {all} customers"), format!("{all} 位顾客")),
    };
    page.paragraph(words(
        format!(
            "Days with a repeat order {whose} of the holdout date, in order of time: what the \
             model expects of them without knowing who ordered when, and what there was, with an \
             interval of 95 % over customers."
        ),
        format!("留出日的{whose_zh}的复购天数（按时间顺序）：模型在不知各人何时下单的情况下的预期，与实际值及以顾客为单位的 95% 区间。"),
    ));
}

fn table<'a>(weeks: impl Iterator<Item = &'a TrackedWeeks>) -> Table {
    let columns = [
        column("from", ("From", "自"), Format::Text, |it: &&TrackedWeeks| it.from),
        column("until", ("Until", "至"), Format::Text, |it: &&TrackedWeeks| it.until)
            .for_programs(),
        column("expected", ("Expected", "预期"), Format::Money, |it: &&TrackedWeeks| it.expected),
        column("actual", ("Actual", "实际"), Format::Money, |it: &&TrackedWeeks| {
            Value::Estimate(it.actual, Some((it.interval.low, it.interval.high)))
        }),
        column(
            "is_foretold",
            ("After\nthe fit", "拟合\n之后"),
            Format::Text,
            |it: &&TrackedWeeks| it.is_foretold,
        ),
    ];
    Table::new("tracking", weeks, &columns)
}
