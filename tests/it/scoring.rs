//! Every user is scored, the newest and the silent too; output appears whole.

use crate::support::{CONFIG, Shop, flat, orders, scores};

const VIEWS: &str = "
[[source]]
path = \"views.csv\"
user = \"user\"
time = \"at\"
event = \"'view'\"
";

/// A shop with one user who only looks and one who first ordered yesterday.
fn shop_with_newcomers() -> Shop {
    let shop = Shop::with_orders(&(orders(120) + "900,2024-08-27 09:00:00,12\n"));
    let mut views = String::from("user,at\n901,2024-08-20\n");
    (0..60).for_each(|user| views += &format!("{user},2024-02-0{}\n", 1 + user % 9));
    shop.write("views.csv", views);
    shop.write("shop.toml", format!("{CONFIG}{VIEWS}[silence]\nreach_days = 240\n"));
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28"]).done();
    shop
}

#[test]
fn everybody_is_scored() {
    let shop = shop_with_newcomers();
    let report = shop
        .score(&["--bundle", "models/shop", "--as-of", "2024-08-28", "--encoding", "csv"])
        .done();
    assert!(report.contains("122 users scored as of 2024-08-28, "), "{report}");
    let scores = scores(&shop, "as_of=2024-08-28");
    assert_eq!(scores.len(), 122);
    let only_looks = &scores["901"];
    assert_eq!(only_looks["lifecycle_stage"], "prospect");
    assert_eq!((&only_looks["churn_status"][..], &only_looks["at_risk"][..]), ("never", "false"));
    for column in ["rfm_segment", "rfm_level", "churn_probability", "reason_1", "silent_on"] {
        assert_eq!(only_looks[column], "", "{column}");
    }
    let ordered_yesterday = &scores["900"];
    for (column, expected) in [
        ("rfm_segment", "new"),
        ("rfm_cell", "511"),
        ("rfm_level", "recent rare low-spend"),
        ("value_demand", "low-value low-demand"),
        ("lifecycle_stage", "new"),
        ("days_since_last_order", "1.0"),
        // 180 days after 27 August 2024.
        ("silent_on", "2025-02-23"),
        ("own_silent_on", ""),
    ] {
        assert_eq!(ordered_yesterday[column], expected, "{column}");
    }
    for row in scores.values() {
        assert!(row["layer_id"].starts_with('L') && !row["layer"].is_empty(), "{row:?}");
        let margin: f64 = row["layer_margin"].parse().unwrap();
        assert!((0.0..=1.0).contains(&margin), "{row:?}");
        if row["lifecycle_stage"] != "prospect" {
            for column in ["rfm_segment", "rfm_cell", "rfm_level", "value_demand"] {
                assert!(!row[column].is_empty(), "{row:?}");
            }
            let probability: f64 = row["churn_probability"].parse().unwrap();
            assert!(probability > 0.0 && probability < 1.0, "{row:?}");
        }
    }
    assert!(scores.values().any(|row| row["at_risk"] == "true"));
}

#[test]
fn scores_do_not_depend_on_threads_and_another_format_replaces_the_first() {
    let shop = shop_with_newcomers();
    let base = ["--bundle", "models/shop", "--as-of", "2024-08-28"];
    let file = shop.path("scores/as_of=2024-08-28/scores.parquet");
    shop.score(&[&base[..], &["--threads", "1"]].concat()).done();
    let expected = std::fs::read(&file).unwrap();
    shop.score(&[&base[..], &["--threads", "2", "--out", "others"]].concat()).done();
    let other = shop.path("others/as_of=2024-08-28/scores.parquet");
    assert!(std::fs::read(&other).unwrap() == expected);
    // The other format takes the place of the first: one file of scores a day.
    shop.score(&[&base[..], &["--encoding", "csv"]].concat()).done();
    assert!(!file.exists());
    assert!(shop.path("scores/as_of=2024-08-28/_summary.json").is_file());
}

#[test]
fn a_refused_run_leaves_the_old_scores() {
    let shop = shop_with_newcomers();
    shop.score(&["--bundle", "models/shop", "--as-of", "2024-08-28"]).done();
    let file = shop.path("scores/as_of=2024-08-28/scores.parquet");
    let expected = std::fs::read(&file).unwrap();
    shop.write("orders.csv", "user,at,amount\n5,2024-08-01,9\nbroken,row\n");
    shop.score(&["--bundle", "models/shop", "--as-of", "2024-08-28"])
        .refused_by_gate(&["break the contract"]);
    assert!(std::fs::read(&file).unwrap() == expected);
}

#[test]
fn bad_rows_are_listed_beside_the_scores() {
    let shop = shop_with_newcomers();
    shop.write("orders.csv", shop.read("orders.csv") + ",2024-08-01,5\n");
    let report = shop.score(&["--bundle", "models/shop", "--as-of", "2024-08-28"]).done();
    assert!(report.contains("no user 1"), "{report}");
    assert!(shop.read("scores/as_of=2024-08-28/_quarantine.csv").contains("no user"));
}

#[test]
fn a_source_that_lost_a_column_is_named() {
    let shop = shop_with_newcomers();
    shop.write("orders.csv", shop.read("orders.csv").replacen("amount", "total", 1));
    shop.score(&["--bundle", "models/shop"]).refused(&[
        "source `orders.csv`",
        "no column `amount`",
        "user, at, total",
    ]);
}

#[test]
fn text_ids_come_out_as_they_went_in() {
    let shop = Shop::with_orders(&orders(90).replace("\n", "\n00"));
    // The last line feed has no row after it.
    shop.write("orders.csv", shop.read("orders.csv").trim_end_matches("00"));
    shop.train(&["--config", "shop.toml"]).done();
    shop.score(&["--bundle", "models/shop", "--as-of", "2024-08-28", "--encoding", "csv"]).done();
    let scores = scores(&shop, "as_of=2024-08-28");
    assert!(scores.contains_key("007") && !scores.contains_key("7"), "{:?}", scores.keys());
}

#[test]
fn scoring_another_file_by_another_config() {
    let shop = shop_with_newcomers();
    shop.write("tonight.csv", "user,at,amount\n5,2024-08-27,9\n");
    let config = CONFIG.replace("orders.csv", "tonight.csv");
    shop.write("tonight.toml", config + VIEWS);
    let report = shop
        .score(&["--bundle", "models/shop", "--config", "tonight.toml", "--out", "elsewhere"])
        .done();
    assert!(report.contains("elsewhere/as_of=2024-08-28/scores.parquet"), "{report}");
}

#[test]
fn the_backtest_reads_as_table_and_as_json() {
    let shop = shop_with_newcomers();
    let table = shop.compare(&["backtest", "--bundle", "models/shop"]).done();
    assert!(table.contains("RFM, 125 cells"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let json = shop.compare(&["backtest", "--bundle", "models/shop", "--format", "json"]).done();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["groupings"][0]["id"], "layers");
    assert_eq!(value["differences"].as_array().unwrap().len(), 5);
}

#[test]
fn known_groups_are_compared_with_the_layers() {
    let shop = shop_with_newcomers();
    let mut groups = String::from("user_id,group\n");
    (0..120).for_each(|user| groups += &format!("{user},{}\n", user % 3));
    shop.write("groups.csv", groups);
    let arguments = [
        "backtest",
        "--bundle",
        "models/shop",
        "--reference-groups",
        "groups.csv",
        "--format",
        "json",
    ];
    let value: serde_json::Value = serde_json::from_str(&shop.compare(&arguments).done()).unwrap();
    assert_eq!(value["reference_groups"]["n_users"], 120);
    // Steady, stopped and one-time buyers: far from what chance would give, which is 0.
    assert!(value["reference_groups"]["layers"].as_f64().unwrap() > 0.3, "{value}");
    // The largest weight of how users shop that was cheap in the trial would leave them at
    // 0; of all rows layers hold with a smaller one, and the report says so.
    let layers = shop.train(&["show", "layers", "--bundle", "models/shop"]).done();
    assert!(flat(&layers).contains("Fitted to all rows, layers with weight 1.75 lost"), "{layers}");
    shop.write("groups.csv", "user,group\n1,a\n");
    shop.compare(&arguments).refused(&["groups.csv", "no column `user_id`"]);
}

#[test]
fn a_feed_that_died_is_refused_or_told() {
    let shop = shop_with_newcomers();
    let score = || shop.score(&["--bundle", "models/shop", "--as-of", "2024-08-28"]);
    let (orders, views) = (shop.read("orders.csv"), shop.read("views.csv"));
    shop.write("views.csv", "user,at\n");
    score().refused_by_gate(&["source `views.csv` has no row left"]);
    shop.write("views.csv", views + "901,2024-08-27\n");
    let old: String =
        orders.lines().filter(|row| !row.contains(",2024-08")).map(|r| format!("{r}\n")).collect();
    shop.write("orders.csv", old);
    let report = score().done();
    assert!(report.contains("WARNING: the last `order` is of 2024-07-31"), "{report}");
    assert!(shop.read("scores/as_of=2024-08-28/_summary.json").contains("the last `order`"));
    let without_amounts: String = orders
        .lines()
        .map(|row| row.rsplit_once(',').unwrap().0)
        .map(|row| if row == "user,at" { "user,at,amount\n".into() } else { format!("{row},\n") })
        .collect();
    shop.write("orders.csv", without_amounts);
    score().refused_by_gate(&["trained on data with `amount`", "train again"]);
}

#[test]
fn a_new_config_may_set_the_day() {
    let shop = shop_with_newcomers();
    shop.write("day.toml", format!("as_of = \"2024-07-01\"\n{}", shop.read("shop.toml")));
    let report = shop.score(&["--bundle", "models/shop", "--config", "day.toml"]).done();
    assert!(report.contains("scored as of 2024-07-01"), "{report}");
}

#[test]
fn ids_keep_the_type_of_training() {
    let shop = Shop::with_orders(&orders(90).replace("\n", "\nA"));
    shop.write("orders.csv", shop.read("orders.csv").trim_end_matches('A'));
    shop.train(&["--config", "shop.toml"]).done();
    // Tonight's ids look like numbers; they are text all the same.
    shop.write("tonight.csv", orders(90));
    shop.write("tonight.toml", CONFIG.replace("orders.csv", "tonight.csv"));
    let arguments = ["--bundle", "models/shop", "--config", "tonight.toml"];
    shop.score(&arguments).done();
    let file = std::fs::read_dir(shop.path("scores")).unwrap().next().unwrap().unwrap().path();
    let file = std::fs::File::open(file.join("scores.parquet")).unwrap();
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert!(reader.schema().field(0).data_type().is_string());

    let integers = Shop::ordinary();
    integers.train(&["--config", "shop.toml"]).done();
    integers.write("tonight.csv", orders(90).replace("\n1,", "\nx1,"));
    integers.write("tonight.toml", CONFIG.replace("orders.csv", "tonight.csv"));
    integers.score(&arguments).refused(&["trained on integer user ids"]);
}
