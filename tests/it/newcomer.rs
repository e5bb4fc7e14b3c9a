//! What a newcomer meets: a starter config for their file, the sample, help.

use chrono::Days;
use layercake::config::Config;
use layercake::sample::{KINDS, SampleParams, write_sample};

use crate::support::{Shop, first_day, project, shared_data};

fn starter(shop: &Shop, files: &[&str]) -> String {
    let text = shop.train(&[&["init"], files].concat()).done();
    shop.write("guessed.toml", &text);
    Config::load(&shop.path("guessed.toml")).unwrap();
    text
}

#[test]
fn a_csv_of_order_lines() {
    let shop = Shop::empty();
    let mut csv = String::from("Invoice No;Customer ID;Invoice Date;Unit Price;Qty\n");
    for row in 0..300 {
        csv += &format!(
            "C{};{};{}/{}/2023 8:26;2.{row:03};{}\n",
            row / 2,
            row % 40,
            1 + row % 12,
            1 + row % 28,
            1 + row % 3
        );
    }
    shop.write("订单.csv", csv.replace(';', ","));
    let text = starter(&shop, &["订单.csv"]);
    for line in [
        "name = \"订单\"",
        "user = '\"Customer ID\"'",
        "parse_time(",
        "'%m/%d/%Y %H:%M'",
        "amount = 'Qty * \"Unit Price\"'",
        "order_id = '\"Invoice No\"'",
    ] {
        assert!(text.contains(line), "`{line}` is not in:\n{text}");
    }
    shop.train(&["--config", "guessed.toml"]).done();
}

#[test]
fn events_whose_orders_have_another_name() {
    let shop = Shop::empty();
    shop.write(
        "log.csv",
        "uid,ts,behavior_type\n1,1511544070,pv\n1,1511544090,buy\n2,1511844070,cart\n",
    );
    let text = starter(&shop, &["log.csv"]);
    assert!(text.contains("CASE WHEN behavior_type = 'buy' THEN 'order'"), "{text}");
    assert!(text.contains("to_timestamp_seconds(ts)"), "{text}");
    assert!(text.contains(r#"funnel = ["pv", "cart", "order"]"#), "{text}");
}

#[test]
fn a_log_and_a_table_of_orders_beside_each_other() {
    let shop = Shop::empty();
    shop.write(
        "log.csv",
        "uid,date,event\n1,20240104,page_view\n1,20240105,order_viewed\n2,20240106,add_to_cart\n\
         2,20240107,payment\n",
    );
    shop.write("orders.csv", "uid,date,amount\n1,20240104,5\n2,20240107,7\n");
    let text = starter(&shop, &["log.csv", "orders.csv"]);
    assert!(text.contains("parse_time(cast(date as varchar), '%Y%m%d')"), "{text}");
    assert!(text.contains(r#"funnel = ["page_view", "add_to_cart", "order"]"#), "{text}");
    assert!(text.contains("# CHECK: orders are taken from the table of orders"), "{text}");
    shop.train(&["features", "--config", "guessed.toml", "--out", "m.parquet"]).done();
}

#[test]
fn views_without_amounts_stay_beside_orders_with_them() {
    let shop = Shop::empty();
    shop.write(
        "log.csv",
        "user_id,time,event,amount\n1,2024-01-01,order,5\n1,2024-01-02,refund,-5\n1,2024-01-03,view,\n\
         1,2024-01-04,order,-1\n",
    );
    let text = starter(&shop, &["log.csv"]);
    assert!(text.contains("1 rows have a negative amount"), "{text}");
    let condition = "(amount >= 0 OR amount IS NULL OR event <> 'order')";
    assert!(text.contains(&format!("where = \"{condition}\"")), "{text}");
}

#[test]
fn a_file_of_unknown_columns_says_what_is_missing() {
    let shop = Shop::empty();
    shop.write("x.csv", "alpha,beta\n1.5,2\n");
    let text = starter(&shop, &["x.csv"]);
    assert!(text.contains("user = \"?\"  # not found"), "{text}");
    assert!(text.contains("# columns: alpha, beta"), "{text}");
}

#[test]
fn an_existing_config_is_not_overwritten() {
    let shop = Shop::ordinary();
    shop.train(&["init", "orders.csv", "--out", "shop.toml"])
        .refused(&["shop.toml exists already"]);
}

#[test]
fn real_logs_of_events_train_unedited() {
    for name in ["taobao_userbehavior_100k.parquet", "retentioneering_ecom_synthetic.parquet"] {
        let Some(data) = shared_data(name) else { continue };
        let shop = Shop::empty();
        let data = data.canonicalize().unwrap();
        starter(&shop, &[data.to_str().unwrap()]);
        shop.train(&["--config", "guessed.toml"]).done();
    }
}

#[test]
fn the_sample_that_ships_is_what_the_generator_makes() {
    let shop = Shop::empty();
    let written = write_sample(&SampleParams::default(), &shop.path("sample")).unwrap();
    assert_eq!(written.n_users, 6_000);
    let mut n_bytes = 0;
    for name in ["orders.csv.gz", "behaviour.parquet", "truth.csv"] {
        let shipped = std::fs::read(project().join("data/sample").join(name)).unwrap();
        assert!(std::fs::read(shop.path("sample").join(name)).unwrap() == shipped, "{name}");
        n_bytes += shipped.len();
    }
    assert!(n_bytes < 5_000_000);
}

#[test]
fn the_kinds_make_up_all_users_and_no_model_reads_the_truth() {
    assert!((KINDS.iter().map(|kind| kind.share).sum::<f64>() - 1.0).abs() < 1e-12);
    let config = std::fs::read_to_string(project().join("data/sample.toml")).unwrap();
    assert!(!config.contains("truth"));
}

#[test]
fn layers_of_chance_are_told_as_such() {
    let mut csv = String::from("user,at,amount\n");
    // Numbers without any pattern, by a multiplicative hash.
    let chance = |row: u64| (row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) ^ (row << 7);
    for row in 0..1_500 {
        let (user, day, cents) =
            (chance(row) % 300, chance(row + 9_000) % 240, chance(row + 70_000));
        let at = first_day() + Days::new(day);
        csv += &format!("{user},{at} 10:00:00,{}\n", 5 + cents % 60);
    }
    let shop = Shop::with_orders(&csv);
    let report = shop.train(&["--config", "shop.toml"]).done().replace("\n  ", " ");
    assert!(report.contains("WARNING: with other users of the same kind"), "{report}");
    assert!(report.contains("WARNING: the layers say next to nothing"), "{report}");
    let regular = Shop::ordinary().train(&["--config", "shop.toml"]).done();
    assert!(!regular.contains("WARNING: the layers say next to nothing"), "{regular}");
}
