//! What several tables have to agree on.

use chrono::NaiveDate;

use super::columns::Table;
use super::findings::Guess;
use super::snapshots::{Span, next_day};

/// Days by which the ends of tables may differ.
const MAX_LAG_DAYS: i64 = 3;

/// A source as its comments describe it.
pub(super) struct Source {
    /// As it was typed.
    pub path: String,
    /// Columns as expressions write them.
    pub columns: String,
    /// How much of it was read.
    pub read: String,
}

impl Source {
    pub fn new(path: String, table: &Table) -> Self {
        let columns: Vec<&str> = table.columns.iter().map(|it| it.expression.as_str()).collect();
        let read = if table.is_whole {
            format!("all {} rows were read", table.n_rows)
        } else {
            format!(
                "{} of about {} rows were read, from start to end",
                table.n_rows, table.n_rows_in_files
            )
        };
        let columns = columns.join(", ").replace(char::is_whitespace, " ");
        Self { path, columns, read }
    }
}

/// What follows from all tables.
#[derive(Debug, Default)]
pub(super) struct Together {
    /// What to check before training, in sentences.
    pub to_check: Vec<String>,
    /// First and last day of all rows.
    pub span: Option<Span>,
    /// Where one table ends before another: the day after its end.
    pub as_of: Option<NaiveDate>,
}

/// Makes the guesses fit each other.
pub(super) fn settle(guesses: &mut [Guess], sources: &[Source]) -> Together {
    let mut together = Together::default();
    settle_orders(guesses, sources, &mut together);
    settle_users(guesses, sources, &mut together);
    let spans = || guesses.iter().filter_map(|guess| guess.span);
    let first = spans().map(|span| span.first).min();
    let last = spans().map(|span| span.last).max();
    together.span = first.zip(last).map(|(first, last)| Span {
        first,
        last,
        n_strays: spans().map(|span| span.n_strays).sum(),
    });
    let ends_first = spans().map(|span| span.last).min();
    if let (Some(end), Some(last)) = (ends_first, last)
        && (last - end).num_days() > MAX_LAG_DAYS
    {
        together.to_check.push(format!(
            "the files do not end on the same day, but from {end} to {last}: as_of is the day \
             after the first end, since silence in a file that has ended is no silence of users"
        ));
        together.as_of = Some(next_day(end));
        together.span = together.span.map(|span| Span { last: end, ..span });
    }
    together
}

/// Orders that stand in a table of their own should not count a second time in a log.
fn settle_orders(guesses: &mut [Guess], sources: &[Source], together: &mut Together) {
    if !guesses.iter().any(|guess| guess.event.has_orders()) {
        together.to_check.push("no event looks like an order: say which is one".into());
    }
    let n_tables = guesses.iter().filter(|guess| guess.event.is_all_orders()).count();
    if n_tables > 1 {
        together.to_check.push(
            "several files hold orders: where they hold the same ones, leave out all but one"
                .into(),
        );
    }
    for (guess, source) in guesses.iter_mut().zip(sources) {
        let Some(order) = guess.event.order.clone() else { continue };
        if n_tables == 0 || guess.event.column.is_none() {
            continue;
        }
        guess.event.keeps_name = true;
        together.to_check.push(format!(
            "orders are taken from the table of orders, and \"{order}\" of {} is an event \
             beside them, so that no order counts twice",
            source.path
        ));
    }
}

/// Users must be written alike in all tables.
fn settle_users(guesses: &mut [Guess], sources: &[Source], together: &mut Together) {
    let has = |wanted: bool| {
        guesses.iter().any(|it| !it.users.is_empty() && it.has_integer_users == wanted)
    };
    if has(true) && has(false) {
        for guess in guesses.iter_mut().filter(|guess| guess.has_integer_users) {
            for (_, user, _) in guess.mappings.iter_mut().filter(|(key, ..)| *key == "user") {
                *user = format!("cast({user} as varchar)");
            }
        }
    }
    for (at, (guess, source)) in guesses.iter().zip(sources).enumerate() {
        for (other, other_source) in guesses.iter().zip(sources).skip(at + 1) {
            let are_many = guess.users.len() >= 20 && other.users.len() >= 20;
            if are_many && guess.users.is_disjoint(&other.users) {
                together.to_check.push(format!(
                    "no user of {} was seen in {}: do both name users alike?",
                    source.path, other_source.path
                ));
            }
        }
    }
}
