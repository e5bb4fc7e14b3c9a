//! What the names of layers claim, recomputed from the raw rows of real data.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, Utc};
use layercake::app::{Model, RejectedRows, ScoreFormat, ScoreRequest, Session, Silent, score};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::{Shop, scores};

const DAY: f64 = 86_400e6;

/// The columns of a file that say who ordered what; `quantity` is a factor of `money`.
pub struct OrderColumns {
    pub user: &'static str,
    pub time: &'static str,
    pub money: &'static str,
    pub quantity: Option<&'static str>,
    /// Rows of one order share it; without it each row is an order.
    pub order: Option<&'static str>,
}

/// What a customer ordered before a day.
#[derive(Debug, Default, Clone)]
struct Customer {
    /// Microseconds of the orders' rows.
    times: Vec<i64>,
    /// By order, its first moment.
    orders: BTreeMap<String, i64>,
    spend: f64,
}

/// All customers as of a moment, in microseconds.
struct Customers {
    of: BTreeMap<i64, Customer>,
    as_of: i64,
    gaps: Vec<f64>,
    spends: Vec<f64>,
    order_values: Vec<f64>,
}

impl Customer {
    fn days(&self) -> Vec<i64> {
        let days: BTreeSet<i64> = self.times.iter().map(|it| it.div_euclid(DAY as i64)).collect();
        days.into_iter().collect()
    }

    /// The median of the days between days with orders.
    fn gap(&self) -> Option<f64> {
        let days = self.days();
        let gaps = sorted(days.windows(2).map(|it| (it[1] - it[0]) as f64).collect());
        let n = gaps.len();
        (n > 0).then(|| (gaps[(n - 1) / 2] + gaps[n / 2]) / 2.0)
    }

    fn n_orders(&self) -> f64 {
        self.orders.len() as f64
    }

    /// Whether so much of at least three orders is of some days that it is a habit.
    fn mostly_orders(&self, on: impl Fn(DateTime<Utc>) -> bool) -> bool {
        let moment = |time: &i64| DateTime::from_timestamp_micros(*time).unwrap();
        let n = self.orders.values().filter(|time| on(moment(time))).count();
        self.n_orders() >= 3.0 && n as f64 / self.n_orders() >= 0.6
    }

    fn order_value(&self) -> f64 {
        self.spend / self.n_orders()
    }
}

impl Customers {
    fn of(file: &std::path::Path, columns: &OrderColumns, as_of: i64) -> Self {
        let mut of: BTreeMap<i64, Customer> = BTreeMap::new();
        let file = std::fs::File::open(file).unwrap();
        let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let mut n_rows = 0;
        for batch in batches {
            for (user, time, money, order) in rows(&batch.unwrap(), columns) {
                n_rows += 1;
                if time >= as_of {
                    continue;
                }
                let customer = of.entry(user).or_default();
                customer.times.push(time);
                customer.spend += money;
                let order = order.unwrap_or_else(|| n_rows.to_string());
                let first = customer.orders.entry(order).or_insert(time);
                *first = time.min(*first);
            }
        }
        let gaps = sorted(of.values().filter_map(Customer::gap).collect());
        let spends = sorted(of.values().map(|it| it.spend).collect());
        let order_values = sorted(of.values().map(Customer::order_value).collect());
        Self { of, as_of, gaps, spends, order_values }
    }

    fn silence(&self, customer: &Customer) -> f64 {
        (self.as_of - customer.times.iter().max().unwrap()) as f64 / DAY
    }

    fn age(&self, customer: &Customer) -> f64 {
        (self.as_of - customer.times.iter().min().unwrap()) as f64 / DAY
    }

    fn usual_gap(&self, customer: &Customer) -> f64 {
        customer.gap().unwrap_or(self.gaps[self.gaps.len() / 2])
    }

    /// Whether an English claim is true of a customer.
    fn is_true(&self, claim: &str, it: &Customer) -> bool {
        let (n, silence, usual) = (it.n_orders(), self.silence(it), self.usual_gap(it));
        let has_lapsed = silence > (3.0 * usual).max(60.0);
        let number = |text: &str| -> f64 {
            text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
        };
        if let Some(kept) = claim.strip_prefix("Lapsed ") {
            return has_lapsed
                && match kept {
                    "buyers" => true,
                    "repeat buyers" => n >= 2.0,
                    "regulars" => n >= 3.0,
                    rhythm => self.keeps(rhythm, it),
                };
        }
        if let Some(rest) = claim.strip_prefix("quiet ") {
            return silence >= in_days(rest) && silence > 2.0 * usual;
        }
        if let Some(quarter) = claim.strip_prefix("mostly in quarter ") {
            return it.mostly_orders(|day| f64::from(day.quarter()) == number(quarter));
        }
        if let Some(rest) = claim.strip_prefix("bought within ") {
            return silence <= 1.02 * in_days(rest);
        }
        if let Some(rest) = claim.strip_prefix("last order ") {
            return silence >= number(rest);
        }
        if let Some(rest) = claim.strip_prefix("first order ") {
            let days = number(rest);
            return if rest.contains('+') { self.age(it) >= days } else { self.age(it) < days };
        }
        if let Some(count) =
            claim.strip_suffix(" orders so far").filter(|it| it.contains(['+', '–']))
        {
            return match count.split_once('–') {
                Some((least, most)) => (number(least)..=number(most)).contains(&n),
                None => n >= number(count),
            };
        }
        for (ending, figure) in [(" orders", n), (" an order", it.order_value())] {
            if let Some(limit) = claim.strip_suffix(ending) {
                let is_below = limit.starts_with("under ");
                return if is_below { figure < number(limit) } else { figure >= number(limit) };
            }
        }
        let place = |all: &[f64], own: f64| {
            all.partition_point(|&it| it < own) as f64 / (all.len() - 1) as f64
        };
        let spend = || place(&self.spends, it.spend);
        let order_value = || place(&self.order_values, it.order_value());
        match claim {
            "One order so far" => n == 1.0,
            "Two orders so far" => n == 2.0,
            "One or two orders so far" => n <= 2.0,
            "Repeat buyers" => n >= 2.0,
            "Customers" => true,
            "New customers" => self.age(it) <= 60.0,
            "overdue" => it.days().len() >= 3 && silence > 2.0 * usual && !has_lapsed,
            "top spenders" => spend() >= 0.945,
            "big spenders" => spend() >= 0.795,
            "middle spenders" => (0.39..0.81).contains(&spend()),
            "small spenders" => spend() <= 0.505,
            "mid-high spenders" => spend() >= 0.495,
            "low-mid spenders" => spend() <= 0.755,
            "weekend buyers" => it.mostly_orders(|day| day.weekday().num_days_from_monday() >= 5),
            "gift season" => it.mostly_orders(|day| day.month() >= 10),
            "big basket" => order_value() >= 0.745,
            "small basket" => order_value() <= 0.505,
            rhythm => !has_lapsed && self.keeps(&rhythm.to_lowercase(), it),
        }
    }

    /// Whether a customer keeps, or kept, a rhythm.
    fn keeps(&self, rhythm: &str, it: &Customer) -> bool {
        let (low, high) = match rhythm {
            "daily shoppers" => (-1.0, 2.0),
            "weekly shoppers" => (-1.0, 10.0),
            "fortnightly shoppers" => (7.0, 21.0),
            "monthly buyers" => (20.0, 45.0),
            "quarterly buyers" => (45.0, 130.0),
            "half-yearly buyers" => (130.0, 250.0),
            "yearly buyers" => (300.0, 430.0),
            "frequent buyers" => (-1.0, 45.0),
            "regular buyers" => (-1.0, 95.0),
            "occasional buyers" => (45.0, f64::INFINITY),
            other => panic!("what does `{other}` claim?"),
        };
        it.days().len() >= 3 && it.gap().is_some_and(|gap| low < gap && gap <= high)
    }
}

/// "a month", "2+ months".
fn in_days(words: &str) -> f64 {
    let digits: String = words.chars().filter(char::is_ascii_digit).collect();
    let number: f64 = digits.parse().unwrap_or(1.0);
    let units = [("week", 7.0), ("month", 30.0), ("year", 365.0)];
    number * units.iter().find(|(unit, _)| words.contains(unit)).unwrap().1
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// User, time in microseconds, money and order of each row that is a sale.
fn rows(batch: &RecordBatch, of: &OrderColumns) -> Vec<(i64, i64, f64, Option<String>)> {
    let column =
        |name: &str, kind: &DataType| cast(batch.column_by_name(name).unwrap(), kind).unwrap();
    let users = column(of.user, &DataType::Int64);
    let times = column(of.time, &DataType::Timestamp(TimeUnit::Microsecond, None));
    let money = column(of.money, &DataType::Float64);
    let quantity = of.quantity.map(|name| column(name, &DataType::Float64));
    let orders = of.order.map(|name| column(name, &DataType::Utf8));
    let is_sale = |row: usize| {
        let is_return =
            quantity.as_ref().is_some_and(|it| it.as_primitive::<Float64Type>().value(row) <= 0.0);
        let is_free = quantity.is_some() && money.as_primitive::<Float64Type>().value(row) <= 0.0;
        !users.is_null(row) && !is_return && !is_free
    };
    (0..batch.num_rows())
        .filter(|&row| is_sale(row))
        .map(|row| {
            let factor =
                quantity.as_ref().map_or(1.0, |it| it.as_primitive::<Float64Type>().value(row));
            (
                users.as_primitive::<Int64Type>().value(row),
                times.as_primitive::<TimestampMicrosecondType>().value(row),
                factor * money.as_primitive::<Float64Type>().value(row),
                orders.as_ref().map(|it| it.as_string::<i32>().value(row).to_owned()),
            )
        })
        .collect()
}

/// All that the names of a model claim is true of at least three quarters of the users
/// whom they were given to, and no two names are the same.
pub fn names_hold(model: &Model, file: &std::path::Path, columns: &OrderColumns) {
    let layers = &model.bundle.layers.groups;
    let as_of = model.bundle.record.dates.training[0];
    let of_layer = users_of_layers(model);
    let customers = Customers::of(file, columns, as_of.and_utc().timestamp_micros());
    for layer in layers {
        let users = &of_layer[&layer.id];
        let holds = |user: &&i64| {
            let customer = &customers.of[*user];
            layer.name_claims.iter().all(|claim| customers.is_true(&claim.words.en, customer))
        };
        let share = users.iter().filter(holds).count() as f64 / users.len() as f64;
        assert!(share >= 0.745, "{} is true of {share} of {}", layer.name, users.len());
        assert!(layer.name.chars().count() <= 48, "{}", layer.name);
        assert!(!layer.name.ends_with(')'), "{}", layer.name);
    }
    let distinct = |name: fn(&layercake::models::segmentation::Group) -> &str| {
        layers.iter().map(name).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(distinct(|it| &it.name), layers.len());
    assert_eq!(distinct(|it| &it.name_zh), layers.len());
}

/// Who was in which layer on the day that layers were named.
fn users_of_layers(model: &Model) -> BTreeMap<String, Vec<i64>> {
    let shop = Shop::empty();
    let mut config = model.bundle.config.clone();
    let day = model.bundle.record.dates.training[0].date();
    config.as_of = Some(day);
    let list = RejectedRows::temporary_in(&shop.path(""));
    let session = Session::open(config, list, Silent).unwrap();
    let out = shop.path("scores");
    score(
        &session,
        model,
        &ScoreRequest { out: &out, format: ScoreFormat::Csv, is_backfill: false },
    )
    .unwrap();
    let mut of_layer: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (user, columns) in scores(&shop, &format!("as_of={day}")) {
        of_layer.entry(columns["layer_id"].clone()).or_default().push(user.parse().unwrap());
    }
    of_layer
}
