//! Configs that `init` writes for tables as shops export them, under names and in
//! shapes that it was not written for: what is read by them must be right.

mod logs;
mod orders;
mod plans;
mod several;

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, Int64Type};
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use layercake::config::Config;
use layercake::input::engine::{Engine, EngineParams};
use layercake::input::source::{SourceCounts, open_sources};
use layercake::input::starter::starter_config;

use crate::support::{Shop, first_day};

const N_USERS: u64 = 60;

/// A row of a table to be written: a line of an order, or an event of a log.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Number of the row.
    n: u64,
    user: u64,
    at: NaiveDateTime,
    order: u64,
    /// Line of the order, from 0.
    line: u64,
    item: u64,
    quantity: u64,
    price_cents: u64,
    /// Total of the whole order.
    order_cents: u64,
}

impl Row {
    fn price(&self) -> String {
        cents(self.price_cents)
    }

    fn amount(&self) -> String {
        cents(self.amount_cents())
    }

    fn amount_cents(&self) -> u64 {
        self.price_cents * self.quantity
    }

    fn total(&self) -> String {
        cents(self.order_cents)
    }

    fn is_first_line(&self) -> bool {
        self.line == 0
    }

    fn time(&self, format: &str) -> String {
        self.at.format(format).to_string()
    }
}

fn cents(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Order lines of [`N_USERS`] users over 300 days, by time.
fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for user in 0..N_USERS {
        let mut day = user * 7 % 31;
        while day < 300 {
            let clock =
                NaiveTime::from_hms_opt((8 + user % 12) as u32, (day % 60) as u32, 5).unwrap();
            let at = (first_day() + Days::new(day)).and_time(clock);
            for line in 0..1 + (user + day) % 3 {
                let (item, quantity) = ((user * 3 + day + line * 5) % 40, 1 + (day + line) % 3);
                let price_cents = 199 + (item * 137 + line * 50) % 4_000;
                rows.push(Row {
                    n: 0,
                    user,
                    at,
                    order: 0,
                    line,
                    item,
                    quantity,
                    price_cents,
                    order_cents: 0,
                });
            }
            day += 9 + user % 23;
        }
    }
    rows.sort_by_key(|row| (row.at, row.user, row.line));
    let mut order = 1_000;
    let mut totals = BTreeMap::new();
    for (row, n) in rows.iter_mut().zip(0..) {
        order += u64::from(row.is_first_line());
        (row.n, row.order) = (n, order);
        *totals.entry(order).or_insert(0) += row.amount_cents();
    }
    for row in &mut rows {
        row.order_cents = totals[&row.order];
    }
    rows
}

/// A table as text: a header and what is written of each row.
fn table(header: &str, write: impl Fn(&Row) -> String) -> String {
    let mut text = format!("{header}\n");
    for row in rows() {
        text += &write(&row);
        text.push('\n');
    }
    text
}

/// What is read by a config.
struct Read {
    config: String,
    parsed: Config,
    n_users: u64,
    n_rejected: u64,
    first_day: NaiveDate,
    last_day: NaiveDate,
    /// Event types, the most frequent first.
    events: Vec<String>,
    n_order_rows: u64,
    n_orders: u64,
    gmv_cents: u64,
}

impl Read {
    #[track_caller]
    fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.config.contains(part), "`{part}` is not in:\n{}", self.config);
        }
    }

    #[track_caller]
    fn says_nothing_of(&self, parts: &[&str]) {
        for part in parts {
            assert!(!self.config.contains(part), "`{part}` is in:\n{}", self.config);
        }
    }
}

/// Writes files, the config for them, and reads them by it.
#[track_caller]
fn read(files: &[(&str, &str)]) -> Read {
    let shop = Shop::empty();
    let mut paths = Vec::new();
    for (name, text) in files {
        shop.write(name, text);
        paths.push(shop.path(name));
    }
    let config = starter_config(&paths).unwrap();
    read_by(config, &shop.path("quarantine.csv"))
}

#[track_caller]
fn read_by(config: String, quarantine: &Path) -> Read {
    let parsed = match Config::parse(&config, Path::new("guessed.toml")) {
        Ok(parsed) => parsed,
        Err(error) => panic!("{error}\n{config}"),
    };
    let engine = Engine::new(&EngineParams::default()).unwrap();
    let events = open_sources(&engine, &parsed.sources, &parsed.input)
        .and_then(|sources| sources.read(&engine, quarantine));
    let events = events.unwrap_or_else(|error| panic!("{error}\n{config}"));
    let sql = "SELECT count(*), count(DISTINCT coalesce(order_id, concat(user_id, time))), \
               cast(coalesce(sum(amount), 0) as double) FROM events WHERE event = 'order'";
    let found = engine.query(sql).unwrap().remove(0);
    let count = |column: usize| found.column(column).as_primitive::<Int64Type>().value(0) as u64;
    let profile = events.profile;
    Read {
        n_users: profile.n_users,
        n_rejected: profile.sources.iter().map(SourceCounts::n_rejected).sum(),
        first_day: profile.first_time.date(),
        last_day: profile.last_time.date(),
        events: profile.events.into_iter().map(|event| event.event).collect(),
        n_order_rows: count(0),
        n_orders: count(1),
        gmv_cents: (found.column(2).as_primitive::<Float64Type>().value(0) * 100.0).round() as u64,
        config,
        parsed,
    }
}

/// Checks what every table of [`rows`] has in common, where it maps all of them.
#[track_caller]
fn is_whole_shop(read: &Read) {
    let rows = rows();
    assert_eq!(read.n_users, N_USERS, "{}", read.config);
    assert_eq!(read.n_rejected, 0, "{}", read.config);
    assert_eq!(read.first_day, rows[0].at.date(), "{}", read.config);
    assert_eq!(read.last_day, rows[rows.len() - 1].at.date(), "{}", read.config);
}

/// Checks that all rows are lines of orders, with the right money.
#[track_caller]
fn is_all_orders(read: &Read) {
    is_whole_shop(read);
    let rows = rows();
    assert_eq!(read.n_order_rows as usize, rows.len(), "{}", read.config);
    let gmv: u64 = rows.iter().map(Row::amount_cents).sum();
    assert_eq!(read.gmv_cents, gmv, "{}", read.config);
}

/// Also that lines are known to belong together.
#[track_caller]
fn has_order_ids(read: &Read) {
    let rows = rows();
    let n_orders = rows.iter().filter(|row| row.is_first_line()).count();
    assert_eq!(read.n_orders as usize, n_orders, "{}", read.config);
}
