//! The worth of groups and offers: a published example end to end, and what people meet.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, Days, NaiveDate};
use layercake::stats::markov::{present_values, projected, smoothed};
use ndarray::{Array1, Array2};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::{Shop, first_day, flat, shared_data};

/// A purchase: customer, amount, day.
type Purchase = (i64, f64, NaiveDate);

fn purchases(file: &std::path::Path) -> Vec<Purchase> {
    let file = std::fs::File::open(file).unwrap();
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut all = Vec::new();
    for batch in batches.map(Result::unwrap) {
        let customers = batch["customer_id"].as_primitive::<Int64Type>().clone();
        let amounts = batch["amount"].as_primitive::<Float64Type>().clone();
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        let dates = cast(&batch["date"], &micros).unwrap();
        let dates = dates.as_primitive::<TimestampMicrosecondType>();
        all.extend((0..batch.num_rows()).map(|row| {
            let day = DateTime::from_timestamp_micros(dates.value(row)).unwrap().date_naive();
            (customers.value(row), amounts.value(row), day)
        }));
    }
    all
}

/// The segments of the course, by how long ago and for how much on average: inactive, cold,
/// warm of high value, warm of low value, new and warm, active of high value, active of low
/// value, new and active.
fn segments(purchases: &[Purchase], as_of: NaiveDate) -> BTreeMap<i64, usize> {
    let mut customers: BTreeMap<i64, Vec<(f64, i64)>> = BTreeMap::new();
    for &(customer, amount, day) in purchases.iter().filter(|it| it.2 < as_of) {
        customers.entry(customer).or_default().push((amount, (as_of - day).num_days()));
    }
    let segment = |bought: Vec<(f64, i64)>| {
        let last = bought.iter().map(|it| it.1).min().unwrap();
        let first = bought.iter().map(|it| it.1).max().unwrap();
        let is_high = bought.iter().map(|it| it.0).sum::<f64>() / bought.len() as f64 >= 100.0;
        match last {
            1096.. => 0,
            731..=1095 => 1,
            366..=730 if first <= 730 => 4,
            366..=730 if is_high => 2,
            366..=730 => 3,
            _ if first <= 365 => 7,
            _ if is_high => 5,
            _ => 6,
        }
    };
    customers.into_iter().map(|(customer, bought)| (customer, segment(bought))).collect()
}

/// De Bruyn, "Foundations of Marketing Analytics", module 4: segments of a charity's donors,
/// who goes where in a year, and what the donors of now are worth.
#[test]
fn the_base_of_de_bruyns_charity_is_worth_what_he_says() {
    let Some(file) = shared_data("de_bruyn_purchases.parquet") else { return };
    let purchases = purchases(&file);
    let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let (before, now) = (segments(&purchases, day(2015)), segments(&purchases, day(2016)));
    let mut counts = Array2::zeros((8, 8));
    before.iter().for_each(|(customer, &from)| counts[[from, now[customer]]] += 1.0);
    assert_eq!(counts[[0, 0]], 7_227.0);
    assert_eq!((counts[[0, 5]], counts[[0, 6]], counts[[5, 2]]), (35.0, 250.0, 119.0));
    let (mut sizes, mut amounts) = (Array1::zeros(8), Array1::<f64>::zeros(8));
    now.values().for_each(|&segment| sizes[segment] += 1.0);
    let whole = |of: &Array1<f64>| of.iter().map(|it| it.round() as i64).collect::<Vec<_>>();
    assert_eq!(whole(&sizes), [9158, 1903, 119, 901, 938, 573, 3313, 1512]);
    for (customer, amount, _) in purchases.iter().filter(|it| it.2.year() == 2015) {
        amounts[now[customer]] += amount;
    }
    amounts /= &sizes;
    let chances = smoothed(counts.view(), 0.0);
    let none = Array1::zeros(8);
    let mut to_come = projected(sizes.view(), chances.view(), none.view(), 10);
    // Nobody was new at both dates: chances from there are those of all, and nobody goes there.
    to_come.column_mut(7).slice_mut(ndarray::s![1..]).fill(0.0);
    let at = |year: usize| whole(&to_come.row(year).to_owned());
    assert_eq!(at(1), [10517, 1584, 144, 991, 987, 657, 3537, 0]);
    assert_eq!(at(10), [13834, 650, 139, 756, 0, 547, 2490, 0]);
    assert_eq!(
        whole(&to_come.dot(&amounts)),
        [478394, 397481, 379526, 365921, 351072, 339488, 330139, 322557, 316409, 311418, 307360]
    );
    let values = present_values(chances.view(), amounts.view(), 0.1, Some(11.0)).unwrap();
    let all = sizes.dot(&values);
    assert_eq!((all.round(), (all - sizes.dot(&amounts)).round()), (2_628_958.0, 2_150_564.0));
}

const OFFERS: &str = r#"
[[offer]]
from = "L3"
to = "L1"
cost_per_contact = 0.5
cost_per_move = 2
uplift = 0.1
uplift_interval = [0.05, 0.15]

[budget]
total = 4
"#;

#[test]
fn groups_are_valued_in_both_languages_and_for_programs() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28"]).done();
    let of = |more: &[&str]| {
        shop.compare(&[&["value", "--bundle", "models/shop"], more].concat()).done()
    };
    let text = of(&[]);
    assert!(flat(&text).contains("are worth in the 365 days to come"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(of(&["--lang", "zh"]).contains("未来 365 天的价值"));
    let page: serde_json::Value = serde_json::from_str(&of(&["--format", "json"])).unwrap();
    let groups = page["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 3, "{page}");
    assert_eq!(page["moves"].as_array().unwrap().len(), 9);
    for group in groups {
        let interval = &group["value"];
        let [low, value, high] =
            ["low", "value", "high"].map(|key| interval[key].as_f64().unwrap());
        assert!(low <= value && value <= high, "{group}");
    }
    // Chances from a group add up to one.
    let first = &page["moves"].as_array().unwrap()[..3];
    let sum: f64 = first.iter().map(|it| it["chance"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{page}");
    for by in ["kinds", "rfm", "lifecycle"] {
        assert!(of(&["--by", by]).contains("worth"));
    }
}

/// Orders of users who order for forty days and do not for forty, by turns: many move up.
fn orders_by_turns() -> String {
    let mut csv = String::from("user,at,amount\n");
    for user in 0..300 {
        let orders = |day: &u64| ((day + user * 7) / 40).is_multiple_of(2) && day % 5 == user % 5;
        for day in (0..240).filter(orders) {
            let (date, amount) = (first_day() + Days::new(day), 10 + (user * 13 + day) % 50);
            csv += &format!("{user},{date} 10:00:00,{amount}.25\n");
        }
    }
    csv
}

#[test]
fn offers_are_weighed_and_users_ranked_within_the_budget() {
    let shop = Shop::with_orders(&orders_by_turns());
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28"]).done();
    shop.write("offers.toml", OFFERS);
    let offers = |more: &[&str]| {
        shop.compare(&[&["offers", "offers.toml", "--bundle", "models/shop"], more].concat())
    };
    let text = offers(&["--out", "contacts.csv"]).done();
    assert!(text.contains("Whom to contact") && text.contains("contacts.csv"), "{text}");
    assert!(flat(&text).contains("are no effects"), "{text}");
    let mut reader = csv::Reader::from_path(shop.path("contacts.csv")).unwrap();
    let columns = reader.headers().unwrap().clone();
    let at = |name: &str| columns.iter().position(|it| it == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert!(!rows.is_empty(), "{text}");
    for row in &rows {
        let number = |name: &str| row[at(name)].parse::<f64>().unwrap();
        assert_eq!((&row[at("from")], &row[at("to")]), ("L3", "L1"));
        assert!(number("net") > 0.0 && number("spent") <= 4.0 + 1e-9, "{row:?}");
        assert!((number("expected_gain") - number("cost") - number("net")).abs() < 1e-9);
    }
    // The same list again, whatever stood there.
    let before = shop.read("contacts.csv");
    offers(&["--out", "contacts.csv", "--threads", "1"]).done();
    assert_eq!(shop.read("contacts.csv"), before);
    let zh = offers(&["--lang", "zh"]).done();
    assert!(zh.contains("触达"), "{zh}");
    // Without an uplift there is a break-even, and nobody is ranked.
    shop.write("offers.toml", OFFERS.replace("uplift", "# uplift"));
    let text = flat(&offers(&["--out", "contacts.csv"]).done());
    assert_eq!(shop.read("contacts.csv").lines().count(), 1, "no earlier list is left");
    assert!(text.contains("not measured") && text.contains("no offer can be ranked"), "{text}");
}

#[test]
fn offers_that_cannot_be_are_refused() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28"]).done();
    for (from, to, parts) in [
        (
            "\"L1\"",
            "\"L9\"",
            &["offers.toml: [[offer]] 1 to: there is no `L9`; there are L1 ("][..],
        ),
        ("uplift_interval = [0.05, 0.15]", "", &["1 uplift needs uplift_interval = [low, high]"]),
        ("[0.05, 0.15]", "[0.2, 0.3]", &["must hold uplift, between -1 and 1: got [0.2, 0.3]"]),
        ("cost_per_contact = 0.5", "", &["offers.toml, line 2", "cost_per_contact"]),
        ("cost_per_move = 2", "cost_per_move = -2", &["line 6", "must be 0 or more, got -2"]),
        ("total = 4", "totl = 4", &["line 11", "totl"]),
        (
            "total = 4",
            "floors = { L7 = 1 }",
            &["[budget.floors] L7: no [[offer]] is made to its users (`from`), but to those of L3"],
        ),
    ] {
        assert!(OFFERS.contains(from), "{from}");
        shop.write("offers.toml", OFFERS.replacen(from, to, 1));
        shop.compare(&["offers", "offers.toml", "--bundle", "models/shop"]).refused(parts);
    }
    shop.write("offers.toml", "");
    shop.compare(&["offers", "offers.toml", "--bundle", "models/shop"])
        .refused(&["[[offer]] is missing"]);
    shop.compare(&["offers", "nowhere.toml", "--bundle", "models/shop"])
        .refused(&["nowhere.toml: can't be read"]);
    shop.write("offers.toml", OFFERS);
    let list = ["offers", "offers.toml", "--bundle", "models/shop", "--out", "contacts.xlsx"];
    shop.compare(&list).refused(&["contacts.xlsx", "let the name end in .parquet or .csv"]);
}

#[test]
fn data_without_amounts_counts_orders() {
    let orders: String = crate::support::orders(120)
        .lines()
        .map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0))
        .collect();
    let shop = Shop::with_orders(&orders);
    let config = shop.read("shop.toml");
    let without: String = config
        .lines()
        .filter(|line| !line.starts_with("amount"))
        .map(|it| format!("{it}\n"))
        .collect();
    shop.write("shop.toml", without);
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28"]).done();
    let text = flat(&shop.compare(&["value", "--bundle", "models/shop"]).done());
    assert!(text.contains("orders"), "{text}");
    let json = shop.compare(&["value", "--bundle", "models/shop", "--format", "json"]).done();
    let page: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(page["in_orders"], true);
    assert!(page["base"]["value"].as_f64().unwrap() > 0.0);
    // Users cannot be flagged by a value that they do not have.
    let flag = "churn.flag={ profit = { by = \"clv\" } }";
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28", "--set", flag])
        .refused(&["by = \"clv\" needs a model of value with amounts"]);
}

#[test]
fn users_are_flagged_by_their_lifetime_value_where_that_is_wished() {
    let shop = Shop::ordinary();
    let flag = "churn.flag={ profit = { by = \"clv\", cost = 0.5 } }";
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28", "--set", flag]).done();
    shop.score(&["--bundle", "models/shop", "--encoding", "csv", "--out", "out"]).done();
    let mut reader = csv::Reader::from_path(shop.path("out/as_of=2024-08-28/scores.csv")).unwrap();
    let columns = reader.headers().unwrap().clone();
    let at = |name: &str| columns.iter().position(|it| it == name).unwrap();
    let mut n_flagged = 0;
    for row in reader.records().map(Result::unwrap) {
        let number = |name: &str| row[at(name)].parse::<f64>().unwrap_or(0.0);
        let expected = number("churn_probability") * number("clv") * 0.1;
        match &row[at("at_risk")] {
            "true" => {
                n_flagged += 1;
                assert!(expected > 0.5, "{row:?}");
            }
            _ => assert!(expected <= 0.5 || number("days_since_last_order") > 90.0, "{row:?}"),
        }
    }
    assert!(n_flagged > 0);
}
