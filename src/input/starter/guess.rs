//! What the columns of a table mean, from their names and values.

use super::columns::{Column, Kind, Table, Taken, best, is_absent_word};
use super::event_column::{EventGuess, event_of};
use super::findings::Guess;
use super::ids::{order_id_of, user_of};
use super::money::{guess_money, is_order_table};
use super::numbers::{Numbers, numbers_of};
use super::time_column::{guess_time, is_likely};
use super::times::{Times, times_of};
use super::words::{
    CATEGORY, CHANNEL, DWELL, ITEM, ITEM_NOT, NOBODY, SESSION, STATUS, STATUS_GOOD, STATUS_VOID,
};
use crate::input::source::{EVENT_COLUMNS, EventColumnKind};

/// Values that a channel has at most.
const MAX_CHANNELS: usize = 500;

/// Guesses what the columns of a table mean.
pub(super) fn guess(table: &Table) -> Guess {
    let mut guess = Guess::default();
    say_what_was_read(table, &mut guess);
    let numbers: Vec<Numbers> = table.columns.iter().filter_map(numbers_of).collect();
    let day_first =
        table.delimiter == b';' || numbers.iter().any(|it| it.expression.contains("[^0-9,-]"));
    let times: Vec<Times> =
        table.columns.iter().filter_map(|column| times_of(column, day_first)).collect();
    let mut taken: Taken = times
        .iter()
        .filter(|times| is_likely(times, table))
        .map(|times| times.name.clone())
        .collect();
    let has_times = !taken.is_empty();
    let user = user_of(table, &times, &taken, has_times);
    guess_user(table, user, &mut guess);
    let user = user.map(|(column, _)| column);
    taken.extend(user.map(|column| column.name.clone()));
    guess_time(table, &times, user, &mut guess);
    guess.event = event_of(table, &taken);
    taken.extend(guess.event.column.clone());
    let order_id = order_id_of(table, user, &times, &taken, guess.event.column.is_some());
    taken.extend(order_id.map(|column| column.name.clone()));
    if guess.event.column.is_none() {
        let is_order_table = is_order_table(table, &numbers, order_id);
        guess.event = EventGuess::constant(table, is_order_table, guess.missing.is_empty());
        guess_status(table, &mut taken, &mut guess);
    }
    let item = best(table, ITEM, ITEM_NOT, &taken, is_kind);
    taken.extend(item.map(|column| column.name.clone()));
    guess_money(table, &numbers, order_id, &mut taken, &mut guess);
    map(&mut guess, "item", item);
    for (key, words, most) in
        [("category", CATEGORY, usize::MAX), ("channel", CHANNEL, MAX_CHANNELS)]
    {
        let few = |column: &Column| is_kind(column) && column.n_distinct <= most;
        let column = best(table, words, &[], &taken, few);
        taken.extend(column.map(|column| column.name.clone()));
        map(&mut guess, key, column);
    }
    map(&mut guess, "order_id", order_id);
    let session = best(table, SESSION, &[], &taken, is_kind);
    map(&mut guess, "session", session);
    guess_dwell(table, &numbers, &taken, &mut guess);
    settle_types(table, &numbers, &mut guess);
    guess.unused = unused(table, &guess);
    guess
}

/// Columns that no expression reads.
fn unused(table: &Table, guess: &Guess) -> Vec<String> {
    let is_event = |column: &Column| guess.event.column.as_ref() == Some(&column.name);
    let is_read = |column: &Column| {
        let mappings = guess.mappings.iter().map(|(_, sql, _)| sql);
        let filters = guess.filters.iter().map(|(sql, _)| sql);
        mappings.chain(filters).any(|sql| mentions(sql, &column.expression))
    };
    let unused = table.columns.iter().filter(|column| !is_event(column) && !is_read(column));
    unused.map(|column| column.expression.clone()).collect()
}

/// Whether an expression holds a column, and not only a longer name that contains it.
fn mentions(sql: &str, column: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    sql.match_indices(column).any(|(at, _)| {
        !is_word(sql[..at].chars().next_back()) && !is_word(sql[at + column.len()..].chars().next())
    })
}

fn say_what_was_read(table: &Table, guess: &mut Guess) {
    if !table.reaches_end {
        guess.to_check.push(
            "the file is compressed and so large that its end was not reached: the days below \
             are those of its start"
                .into(),
        );
    }
    if 10 * table.n_misfits > table.n_rows {
        guess.to_check.push(format!(
            "{} of {} rows have another number of fields than the header: delete lines before \
             the header, or set delimiter",
            table.n_misfits,
            table.n_misfits + table.n_rows
        ));
    }
    for column in table.columns.iter().filter(|column| column.kind == Kind::Text) {
        if column.top.first().is_some_and(|(value, _)| value.starts_with("{\"")) {
            guess.to_check.push(format!(
                "{} holds JSON, which is not read: export its fields as columns",
                column.expression
            ));
        }
    }
}

fn is_kind(column: &Column) -> bool {
    matches!(column.kind, Kind::Text | Kind::Integer | Kind::Number)
}

fn map(guess: &mut Guess, key: &'static str, column: Option<&Column>) {
    if let Some(column) = column {
        guess.mappings.push((key, column.expression.clone(), String::new()));
    }
}

fn guess_user(table: &Table, found: Option<(&Column, bool)>, guess: &mut Guess) {
    let Some((column, by_value)) = found else {
        guess.missing.push("user");
        return;
    };
    let name = &column.expression;
    let mut remark = if by_value { "by its values only: check" } else { "" };
    let mut expression = name.clone();
    if column.kind == Kind::Number && column.is_id_like() {
        expression = format!("cast({name} as bigint)");
        remark = "ids came as decimals, since some are absent";
    } else if column.kind == Kind::Number {
        remark = "text, since a number would lose digits";
        if table.is_csv {
            guess.types.push((column.name.clone(), "text"));
        } else {
            expression = format!("cast({name} as varchar)");
        }
    }
    guess.mappings.push(("user", expression, remark.to_owned()));
    keep_users(table, column, guess);
    guess.has_integer_users =
        column.kind == Kind::Integer || column.kind == Kind::Number && column.is_id_like();
    let plain = |cell: &str| cell.strip_suffix(".0").unwrap_or(cell).to_owned();
    guess.users = column.cells.iter().flatten().map(plain).collect();
    if column.n_filled >= 50 && column.n_distinct == column.n_filled {
        guess.to_check.push(format!(
            "every row has a {name} of its own: this looks like a table of users, one row each; \
             Layercake reads events, many rows a user"
        ));
    }
}

/// Leaves out rows of nobody.
fn keep_users(table: &Table, column: &Column, guess: &mut Guess) {
    let name = &column.expression;
    let n_absent = column.n_absent();
    if n_absent > 0 {
        let reason = format!("{} have no user", table.rows(n_absent));
        guess.filters.push((format!("{name} IS NOT NULL"), reason));
    }
    for (value, n) in column.top.iter().take(20) {
        let is_nobody = NOBODY.contains(&value.to_lowercase().as_str());
        let is_frequent = 50 * n > column.n_filled && *n > 20;
        if !(is_absent_word(value) || is_nobody && is_frequent) {
            continue;
        }
        let text = value.replace('\'', "''");
        let condition = match column.kind {
            Kind::Integer => format!("{name} <> {value}"),
            Kind::Number => format!("cast({name} as varchar) <> '{text}'"),
            _ => format!("{name} <> '{text}'"),
        };
        let reason = format!("{} are of {value:?}, which is no user", table.rows(*n));
        guess.filters.push((condition, reason));
    }
}

/// Leaves out orders that were not paid, or given back as a whole.
fn guess_status(table: &Table, taken: &mut Taken, guess: &mut Guess) {
    let few = |column: &Column| column.kind == Kind::Text && column.n_distinct <= 40;
    let Some(column) = best(table, STATUS, &[], taken, few) else { return };
    let is_one_of = |value: &str, words: &[&str]| {
        let value = value.to_lowercase();
        words.iter().any(|word| value.contains(word))
    };
    let has_good = column
        .top
        .iter()
        .any(|(value, _)| is_one_of(value, STATUS_GOOD) && !is_one_of(value, STATUS_VOID));
    let void: Vec<&(String, usize)> =
        column.top.iter().filter(|(value, _)| is_one_of(value, STATUS_VOID)).collect();
    if !has_good || void.is_empty() || !guess.event.has_orders() {
        return;
    }
    taken.insert(column.name.clone());
    let listed = void
        .iter()
        .map(|(value, _)| format!("'{}'", value.replace('\'', "''")))
        .collect::<Vec<_>>()
        .join(", ");
    let name = &column.expression;
    let mut condition = format!("{name} NOT IN ({listed})");
    if column.n_absent() > 0 {
        // Shops write the status on the first line of an order only.
        condition = format!("({condition} OR {name} IS NULL)");
    }
    let n_void = void.iter().map(|(_, n)| n).sum();
    let reason = format!("{} are orders that do not count by their status", table.rows(n_void));
    guess.filters.push((condition, reason));
}

fn guess_dwell(table: &Table, numbers: &[Numbers], taken: &Taken, guess: &mut Guess) {
    let is_number = |column: &Column| numbers.iter().any(|it| it.name == column.name);
    let Some(column) = best(table, DWELL, &[], taken, is_number) else { return };
    let Some(numbers) = numbers.iter().find(|it| it.name == column.name) else { return };
    let mut known: Vec<f64> = numbers.values.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    let is_millis = column.is_named(&["ms", "msec", "millis", "milliseconds"])
        || known.get(known.len() / 2).is_some_and(|median| *median > 3_000.0);
    let (expression, remark) = if is_millis {
        (format!("{} / 1000.0", numbers.as_number()), "milliseconds?")
    } else {
        (numbers.as_number(), "seconds?")
    };
    guess.mappings.push(("dwell_s", expression, remark.into()));
}

/// Fixes the types of numbers by which only a sample was looked at: one stray word
/// further on would make the column text, and the expressions wrong.
fn settle_types(table: &Table, numbers: &[Numbers], guess: &mut Guess) {
    if table.is_whole || !table.is_csv {
        return;
    }
    let is_used = |expression: &str| {
        let parts = guess.mappings.iter().filter(|(key, ..)| may_be_number(key));
        let filters = guess.filters.iter().map(|(sql, _)| sql);
        parts.map(|(_, sql, _)| sql).chain(filters).any(|sql| mentions(sql, expression))
    };
    let settled: Vec<(String, &'static str)> = table
        .columns
        .iter()
        .filter(|column| numbers.iter().any(|it| it.name == column.name))
        .filter(|column| !guess.types.iter().any(|(name, _)| *name == column.name))
        .filter_map(|column| {
            let known = match column.kind {
                Kind::Integer => "integer",
                Kind::Number => "number",
                _ => return None,
            };
            // A plain user id may as well be text.
            let is_plain_user = guess
                .mappings
                .iter()
                .any(|(key, sql, _)| *key == "user" && *sql == column.expression);
            (!is_plain_user && is_used(&column.expression)).then(|| (column.name.clone(), known))
        })
        .collect();
    guess.types.extend(settled);
}

/// Whether numbers may be mapped to a key of a source as numbers.
fn may_be_number(key: &str) -> bool {
    use EventColumnKind::{Number, Time, User};
    EVENT_COLUMNS.iter().any(|it| it.key == key && matches!(it.kind, User | Time | Number))
}
