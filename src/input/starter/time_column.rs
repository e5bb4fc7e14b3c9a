//! Which column is the time of the event.

use chrono::Utc;

use super::columns::{Column, Kind, Table, varies_within};
use super::findings::Guess;
use super::snapshots::span_of;
use super::times::{Times, day_of};
use super::words::{TIME, TIME_NOT};

/// Seconds that are likely times of events, from 2005 to 2035.
const RECENT_SECONDS: std::ops::Range<i64> = 1_104_537_600..2_051_222_400;

/// True for times for certain, and for numbers since 1970 whose column is named for
/// it or that can hardly be anything else.
pub(super) fn is_likely(times: &Times, table: &Table) -> bool {
    let Some(column) = column_of(times, table) else { return false };
    let n_recent =
        times.seconds.iter().flatten().filter(|second| RECENT_SECONDS.contains(second)).count();
    times.is_certain
        || column.name_fit(TIME) > 0.0
        || column.kind == Kind::Integer && n_recent == column.n_filled
}

fn column_of<'a>(times: &Times, table: &'a Table) -> Option<&'a Column> {
    table.columns.iter().find(|column| column.name == times.name)
}

/// Maps the time, and says what is odd about it.
pub(super) fn guess_time(table: &Table, times: &[Times], user: Option<&Column>, guess: &mut Guess) {
    let Some((found, column)) = time_of(table, times, user) else {
        guess.missing.push("time");
        guess.to_check.push("no column holds times, and events need one".into());
        return;
    };
    let is_by_value = !found.is_certain && column.name_fit(TIME) == 0.0;
    let by_value = if is_by_value { ", by its values only: check" } else { "" };
    guess.mappings.push(("time", found.expression.clone(), found.remark.clone() + by_value));
    if column.n_absent() > 0 {
        let reason = format!("{} have no time", table.rows(column.n_absent()));
        guess.filters.push((format!("{} IS NOT NULL", column.expression), reason));
    }
    guess.span = span_of(found);
    guess.to_check.extend(found.to_check.clone());
    say_what_is_odd(table, found, column, user, guess);
}

/// The times that are most likely those of the events, and their column.
fn time_of<'a>(
    table: &'a Table,
    times: &'a [Times],
    user: Option<&Column>,
) -> Option<(&'a Times, &'a Column)> {
    let score = |times: &Times, column: &Column| {
        let fit = column.name_fit(TIME);
        let or_none = |points: f64, holds: bool| if holds { points } else { 0.0 };
        fit + or_none(30.0, times.is_certain)
            - 80.0 * column.absent_share()
            - or_none(60.0, column.is_named(TIME_NOT))
            - or_none(60.0, is_of_user(column, user))
            - or_none(50.0, !times.is_certain && fit == 0.0)
    };
    times
        .iter()
        .filter(|times| user.is_none_or(|user| user.name != times.name) && is_likely(times, table))
        .filter_map(|times| Some((times, column_of(times, table)?)))
        .map(|(times, column)| (score(times, column), times, column))
        // Of equals the first.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, times, column)| (times, column))
}

/// True for what is the same in all rows of a user: a birthday, a first visit.
fn is_of_user(column: &Column, user: Option<&Column>) -> bool {
    let varies = user.and_then(|user| varies_within(&user.cells, &column.cells));
    varies.is_some_and(|share| share < 0.05)
}

fn say_what_is_odd(
    table: &Table,
    found: &Times,
    column: &Column,
    user: Option<&Column>,
    guess: &mut Guess,
) {
    if is_of_user(column, user) {
        guess.to_check.push(format!(
            "{} is the same in all rows of a user: is it the time of the event?",
            column.expression
        ));
    }
    let is_clock = |column: &&Column| {
        let is_short = |value: &str| value.len() <= 12 && value.contains(':');
        column.kind == Kind::Text
            && !column.top.is_empty()
            && column.top.iter().all(|(value, _)| is_short(value))
    };
    let has_days_only = found.seconds.iter().flatten().all(|second| second.rem_euclid(86_400) == 0);
    if let (Some(clock), true) = (table.columns.iter().find(is_clock), has_days_only) {
        guess.to_check.push(format!(
            "{} holds the time of the day, which is not used: days are enough",
            clock.expression
        ));
    }
    let last = found.seconds.iter().flatten().max().and_then(|second| day_of(*second));
    if let Some(day) = last.filter(|day| *day > Utc::now().date_naive()) {
        guess.to_check.push(format!(
            "the last day is {day}, in the future: rows beyond tomorrow are rejected"
        ));
    }
}
