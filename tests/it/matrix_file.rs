//! Feature matrices as files.

use crate::support::{CONFIG, Shop, orders};

const FEATURES: [&str; 4] = ["features", "--config", "shop.toml", "--out"];

fn to(shop: &Shop, out: &str) -> crate::support::Ran {
    shop.train(&[FEATURES.as_slice(), &[out]].concat())
}

#[test]
fn a_matrix_replaces_nothing_but_a_former_one() {
    let shop = Shop::ordinary();
    to(&shop, "first.parquet").done();
    let data = std::fs::read(shop.path("first.parquet")).unwrap();
    to(&shop, "first.parquet").done();
    assert!(data == std::fs::read(shop.path("first.parquet")).unwrap());
    to(&shop, "matrix.csv").refused(&["matrix.csv", "end in .parquet"]);
    std::fs::create_dir(shop.path("folder.parquet")).unwrap();
    to(&shop, "folder.parquet").refused(&["folder.parquet", "no regular file"]);
    // A source, under another name too.
    let sources =
        CONFIG.replace("orders.csv", "first.parquet").replace("\"at\"", "\"'2024-01-01'\"");
    shop.write("shop.toml", sources);
    to(&shop, "./first.parquet").refused(&["a source is read from there"]);
    assert!(data == std::fs::read(shop.path("first.parquet")).unwrap());
}

#[test]
fn a_matrix_never_comes_among_its_sources() {
    let shop = Shop::empty();
    for name in ["in/orders.csv", "in/m.quarantine.csv"] {
        shop.write(name, orders(20));
    }
    for path in ["in", "in/*.csv", "in/m.quarantine.csv"] {
        shop.write("shop.toml", CONFIG.replace("orders.csv", path));
        to(&shop, "in/m.parquet").refused(&["in/m.parquet", "a source is read from there"]);
    }
    shop.write("shop.toml", CONFIG.replace("orders.csv", "in/*"));
    to(&shop, "in/new.parquet").refused(&["a source is read from there"]);
    assert_eq!(shop.read("in/m.quarantine.csv"), orders(20));
    to(&shop, "out/new.parquet").done();
}

#[test]
fn what_was_read_and_rejected_is_reported() {
    let shop = Shop::with_orders(&format!("{}u1,32.13.2024,5\n", orders(120)));
    let report = to(&shop, "m.parquet").done();
    assert!(report.contains("events of 120 users"), "{report}");
    assert!(report.contains("1 of") && report.contains("unreadable time 1"), "{report}");
    assert!(report.contains("m.quarantine.csv"), "{report}");
    assert!(shop.path("m.quarantine.csv").is_file());
}

#[test]
fn a_model_meets_data_that_lost_a_column() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml"]).done();
    shop.write("poor.toml", CONFIG.replace("amount = \"amount\"\n", ""));
    shop.train(&[
        "features",
        "--bundle",
        "models/shop",
        "--config",
        "poor.toml",
        "--out",
        "m.parquet",
    ])
    .refused_by_gate(&["trained on data with `amount`"]);
}

#[test]
fn events_that_do_not_occur_are_mistakes() {
    for (line, parts) in [
        ("outbound = [\"oder\"]", ["[events] outbound", "did you mean `order`"]),
        ("funnel = [\"wiev\", \"order\"]", ["[events] funnel", "no `wiev` event"]),
        ("funnel = [\"order\", \"order\"]", ["[events] funnel", "twice"]),
        ("response = { order = \"sent\" }", ["[events] response", "no `sent` event"]),
        ("response = { order = \"order\" }", ["[events] response", "itself"]),
        ("outbound = [\"order\"]", ["[events] outbound", "is the order"]),
        ("negative = [\"blokked\"]", ["[events] negative", "no `blokked` event"]),
    ] {
        let shop = Shop::ordinary();
        shop.write("shop.toml", format!("{CONFIG}\n[events]\n{line}\n"));
        to(&shop, "m.parquet").refused(&parts);
    }
}

#[test]
fn values_that_look_alike_in_a_name_keep_features_of_their_own() {
    let shop = Shop::empty();
    let mut rows = String::from("user,at,what,amount\n");
    for user in 0..20 {
        for (day, what) in [(1, "page view"), (2, "page-view"), (3, "active_days"), (4, "order")] {
            rows.push_str(&format!("u{user},2024-01-0{day},{what},1\n"));
        }
        rows.push_str(&format!("u{user},2024-01-09,page-view,\n"));
    }
    shop.write("orders.csv", rows);
    shop.write("shop.toml", CONFIG.replace("\"'order'\"", "\"what\""));
    let csv = shop.train(&["show", "features", "--config", "shop.toml", "--format", "csv"]).done();
    let mut csv = csv::Reader::from_reader(csv.as_bytes());
    let names: Vec<(String, String)> = csv
        .records()
        .map(|record| record.unwrap())
        .map(|record| (record[0].to_owned(), record[3].to_owned()))
        .collect();
    let mut distinct: Vec<&String> = names.iter().map(|(name, _)| name).collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), names.len());
    let formula = |name: &str| &names.iter().find(|(other, _)| other == name).unwrap().1;
    // What the catalogue always has keeps its name, whatever events are called.
    assert_eq!(formula("n_active_days"), "distinct(day of own events)");
    assert!(names.iter().all(|(name, _)| name != "n_page_view"));
    let n_views = names.iter().filter(|(name, _)| name.starts_with("n_page_view_")).count();
    let n_orders = names.iter().filter(|(_, of)| of.starts_with("count(orders) where")).count();
    // Of both values, all time and each window.
    assert!(n_views >= 2 * (n_orders + 1), "{names:?}");
}
