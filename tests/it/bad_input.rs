//! Each kind of bad input gets one line with cause and next step, exit code 2,
//! and leaves what stood there before.

use crate::support::{CONFIG, Shop, orders};

fn train(shop: &Shop) -> crate::support::Ran {
    shop.train(&["--config", "shop.toml"])
}

#[test]
fn missing_config() {
    Shop::empty().train(&["--config", "no.toml"]).refused(&["no.toml", "layercake-train init"]);
}

#[test]
fn no_config_and_no_sample() {
    Shop::empty().train(&[]).refused(&["data/sample.toml", "layercake-train init FILE"]);
}

#[test]
fn missing_file() {
    let shop = Shop::empty();
    shop.write("shop.toml", CONFIG);
    train(&shop).refused(&["source `orders.csv`", "no file at `orders.csv`"]);
}

#[test]
fn empty_file() {
    train(&Shop::with_orders("")).refused(&["orders.csv is empty"]);
}

#[test]
fn empty_parquet_file() {
    let shop = Shop::empty();
    shop.write("orders.parquet", "");
    shop.write("shop.toml", CONFIG.replace("orders.csv", "orders.parquet"));
    train(&shop).refused(&["orders.parquet is empty"]);
}

#[test]
fn damaged_parquet_file() {
    let shop = Shop::empty();
    shop.write("orders.parquet", "PAR1 this is not one PAR1");
    shop.write("shop.toml", CONFIG.replace("orders.csv", "orders.parquet"));
    train(&shop).refused(&["can't read", "orders.parquet"]);
}

#[test]
fn truncated_gzip_file() {
    let shop = Shop::empty();
    shop.write("orders.csv.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    shop.write("shop.toml", CONFIG.replace("orders.csv", "orders.csv.gz"));
    train(&shop).refused(&["can't read", "orders.csv.gz"]);
}

#[test]
fn header_only() {
    train(&Shop::with_orders("user,at,amount\n"))
        .refused_by_gate(&["no event left", "header only"]);
}

#[test]
fn empty_glob() {
    let shop = Shop::empty();
    shop.write("shop.toml", CONFIG.replace("orders.csv", "orders/*.parquet"));
    train(&shop).refused(&["no file at `orders/*.parquet`"]);
}

#[test]
fn unknown_format() {
    let shop = Shop::empty();
    shop.write("orders.xlsx", "x");
    shop.write("shop.toml", CONFIG.replace("orders.csv", "orders.xlsx"));
    train(&shop).refused(&["the format of orders.xlsx is unknown", ".parquet, .csv"]);
}

#[test]
fn wrong_column_lists_those_there_are() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("user = \"user\"", "user = \"usr\""));
    train(&shop).refused(&["no column `usr`", "did you mean user?", "user, at, amount"]);
}

#[test]
fn expression_that_does_not_parse() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("\"amount\"", "\"amount *\""));
    train(&shop).refused(&["source `orders.csv`, amount = \"amount *\""]);
}

#[test]
fn time_of_a_wrong_type_says_what_to_write() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("time = \"at\"", "time = \"user\""));
    train(&shop).refused(&["to_timestamp_seconds(user)"]);
}

#[test]
fn user_of_a_wrong_type_says_what_to_write() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("user = \"user\"", "user = \"amount\""));
    train(&shop).refused(&["cast(amount as bigint)"]);
}

#[test]
fn filter_that_is_no_condition() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("amount = \"amount\"", "where = \"amount\""));
    train(&shop).refused(&["where = \"amount\"", "a condition is needed"]);
}

#[test]
fn too_many_rows_of_a_broken_length() {
    let broken = orders(30).replace(",10.25", ",10.25,surplus,field");
    let shop = Shop::with_orders(&broken);
    train(&shop).refused_by_gate(&["3 fields expected", "quarantine.csv", "max_rejected_share"]);
    assert!(shop.read("models/shop/quarantine.csv").contains("surplus,field"));
}

#[test]
fn a_quote_that_is_never_closed() {
    let mut csv = orders(60);
    csv.insert_str("user,at,amount\n".len(), "7,\"2024-01-01 10:00:00,5\n");
    train(&Shop::with_orders(&csv))
        .refused(&["row that starts on line 2", "a quote opens there and is not closed"]);
}

#[test]
fn two_columns_of_one_name() {
    train(&Shop::with_orders("user,at,at\n1,2,3\n")).refused(&["column name `at` occurs twice"]);
}

#[test]
fn no_orders_at_all() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("'order'", "'view'"));
    train(&shop).refused_by_gate(&[
        "no `order` event",
        "the events there are: view",
        "[events] order",
    ]);
}

#[test]
fn one_user() {
    let rows: String = orders(9)
        .lines()
        .filter(|l| l.starts_with("user") || l.starts_with("0,"))
        .map(|l| format!("{l}\n"))
        .collect();
    train(&Shop::with_orders(&rows)).refused(&["constant over 1 users"]);
}

#[test]
fn more_layers_than_users() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("k = 3", "k = 150"));
    train(&shop).refused(&["k = 150 needs at least 150 users", "lower k"]);
}

#[test]
fn users_who_are_all_alike() {
    let mut csv = String::from("user,at,amount\n");
    for user in 0..50 {
        for month in 1..=8 {
            csv += &format!("{user},2024-0{month}-01,5\n");
        }
    }
    train(&Shop::with_orders(&csv)).refused(&["constant over 50 users"]);
}

#[test]
fn everybody_stays() {
    let mut csv = String::from("user,at,amount\n");
    for user in 0..60u32 {
        for week in 0..30u32 {
            let date =
                crate::support::first_day() + chrono::Days::new(u64::from(week * 8 + user % 3));
            csv += &format!("{user},{date},{}\n", 5 + user);
        }
    }
    train(&Shop::with_orders(&csv)).refused(&["0 churned", "A shorter [snapshots] horizon_days"]);
}

#[test]
fn everybody_leaves() {
    // All order in the first days; one straggler stretches the time span.
    let mut csv = String::from("user,at,amount\n");
    for user in 0..60u32 {
        csv += &format!("{user},2024-01-0{},{}\n", 1 + user % 9, 5 + user);
    }
    csv += "999,2024-08-28,5\n";
    train(&Shop::with_orders(&csv)).refused(&["nobody ordered, or all did", "horizon_days"]);
}

#[test]
fn as_of_before_the_data() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml", "--as-of", "2023-01-01"])
        .refused(&["as-of 2023-01-01", "not after the first event (2024-01-01"]);
}

#[test]
fn as_of_long_after_the_data() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml", "--as-of", "2025-06-01"])
        .refused_by_gate(&["days after the last event", "max_stale_days"]);
}

#[test]
fn as_of_that_is_no_date() {
    let ran = Shop::ordinary().train(&["--config", "shop.toml", "--as-of", "yesterday"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("invalid value 'yesterday'"), "{}", ran.stderr);
}

#[test]
fn too_short_a_history() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("horizon_days = 30", "horizon_days = 200"));
    train(&shop).refused(&["needs 430 days of events", "shorten [snapshots] horizon_days"]);
}

#[test]
fn unknown_key() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("horizon_days", "horizont_days"));
    train(&shop).refused(&[
        "shop.toml, line 11",
        "`horizont_days`",
        "did you mean `horizon_days`?",
    ]);
}

#[test]
fn unknown_key_of_a_source() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("amount =", "ammount ="));
    train(&shop).refused(&["line 8", "unknown key `ammount`; did you mean `amount`?"]);
}

#[test]
fn missing_key() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", CONFIG.replace("time = \"at\"\n", ""));
    train(&shop).refused(&["shop.toml, line 3", "missing field `time`"]);
}

#[test]
fn text_and_integer_users() {
    let shop = Shop::ordinary();
    shop.write("more.csv", "who,at\nA1,2024-01-01\n");
    let more =
        "[[source]]\npath = \"more.csv\"\nuser = \"who\"\ntime = \"at\"\nevent = \"'view'\"\n";
    shop.write("shop.toml", format!("{CONFIG}\n{more}"));
    train(&shop).refused(&["integers in source `orders.csv`", "text in `more.csv`"]);
}

#[cfg(unix)]
#[test]
fn read_only_output_folder() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::ordinary();
    // A file where the folder should be stops even a superuser.
    shop.write("models", "in the way");
    train(&shop).refused(&["models"]);
    std::fs::remove_file(shop.path("models")).unwrap();
    std::fs::create_dir(shop.path("models")).unwrap();
    std::fs::set_permissions(shop.path("models"), std::fs::Permissions::from_mode(0o555)).unwrap();
    let is_superuser = std::fs::write(shop.path("models/probe"), "").is_ok();
    if !is_superuser {
        train(&shop).refused(&["can't write the bundle"]);
    }
}

#[test]
fn a_column_that_became_text_is_named_with_its_expression() {
    let shop = Shop::with_orders("user,at,price,n\n1,2024-01-01,2.5,many\n2,2024-01-02,3.5,few\n");
    let config = CONFIG.replace("\"amount\"", "\"price * n\"");
    shop.write("shop.toml", config);
    shop.train(&["features", "--config", "shop.toml", "--out", "m.parquet"])
        .refused(&["source `orders.csv`, amount = \"price * n\"", "Utf8"]);
}

#[test]
fn training_says_beforehand_that_its_matrices_have_no_room() {
    let shop = Shop::with_orders(&orders(10_000));
    let train = |more: &[&str]| {
        shop.train(&[&["--config", "shop.toml", "--memory-limit", "12"], more].concat())
    };
    train(&[]).refused(&[
        "rows (users × dates) of",
        "features needs about",
        "memory_limit_mb is 12",
        "n_snapshots",
        "--part 1/",
    ]);
    assert!(!shop.path("models").exists());
    // A part of the users has room, and all are scored.
    train(&["--part", "1/4"]).done();
    let report = shop.score(&["--bundle", "models/shop"]).done();
    assert!(report.contains("10,000 users scored"), "{report}");
}
