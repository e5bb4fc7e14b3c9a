//! Custom features: SQL of the config.

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;

use crate::support::{CONFIG, Shop, orders};

fn with_custom(custom: &str) -> Shop {
    let shop = Shop::with_orders(&orders(120));
    shop.write("shop.toml", format!("{CONFIG}\n{custom}"));
    shop
}

#[test]
fn features_of_ones_own_are_computed_and_scored() {
    let shop = with_custom(
        "[features.custom.n_big_orders]\nsql = \"count(*) FILTER (WHERE amount > 40)\"\n\
         meaning = \"orders above 40\"\n\
         [features.custom.spend_of_90_days]\n\
         sql = \"sum(amount) FILTER (WHERE age_days < 90)\"\nwhen_missing = -1\n",
    );
    shop.train(&["features", "--config", "shop.toml", "--out", "m.parquet"]).done();
    let file = std::fs::File::open(shop.path("m.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
    let mut n_checked = 0;
    for batch in reader.unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let column = |name: &str| -> Vec<f64> {
            let array = batch.column_by_name(name).unwrap();
            array.as_primitive::<Float64Type>().values().to_vec()
        };
        let (own, catalogue) = (column("spend_of_90_days"), column("gmv_90d"));
        for (own, catalogue) in own.iter().zip(&catalogue) {
            let expected = if *catalogue == 0.0 { -1.0 } else { *catalogue };
            assert!((own - expected).abs() < 1e-9, "{own} {expected}");
            n_checked += 1;
        }
        assert!(column("n_big_orders").iter().any(|&n| n > 0.0));
    }
    assert_eq!(n_checked, 120);
    shop.train(&["--config", "shop.toml"]).done();
    shop.score(&["--bundle", "models/shop"]).done();
}

#[test]
fn faulty_features_of_ones_own_are_refused_before_the_data_is_read() {
    for (sql, parts) in [
        ("sum(amonut)", vec!["No field named amonut", "the columns are", "age_days"]),
        ("amount * 2", vec!["an aggregate over a user's rows is needed"]),
        ("sum(amount", vec!["[features.custom.mine]"]),
        ("max(time)", vec!["a number is needed", "Timestamp"]),
        ("sum(amount) - (SELECT max(amount) FROM events)", vec!["a subquery", "as-of date"]),
        ("date_part('day', now() - max(time))", vec!["now()", "something else in every run"]),
        ("sum(sum(amount)) OVER ()", vec!["a window function"]),
        ("sum(amount) / first_value(amount ORDER BY amount)", vec!["ORDER BY", "order of time"]),
        ("unnest(array_agg(amount))", vec!["several values for a user"]),
    ] {
        let shop = with_custom(&format!("[features.custom.mine]\nsql = {sql:?}\n"));
        // The rows are never looked at: this one would be refused.
        let parts = [&["mine"], parts.as_slice()].concat();
        shop.train(&["--config", "shop.toml"]).refused(&parts);
    }
    with_custom("[features.custom.\"my feature\"]\nsql = \"count(*)\"\n")
        .train(&["--config", "shop.toml"])
        .refused(&["names of letters, digits and _", "my feature"]);
}

#[test]
fn what_fails_on_the_data_is_told_by_name() {
    for (sql, parts) in [
        ("sum(amount) / count(*) FILTER (WHERE event = 'view')", ["ivide by zero", "nullif"]),
        ("power(count(*), 4000)", ["infinite for user", "nullif"]),
        ("cast('abc' AS int) + count(*)", ["abc", "mine"]),
    ] {
        // Beside one that is sound, of which nothing is said.
        let shop = with_custom(&format!(
            "[features.custom.fine]\nsql = \"count(*)\"\n[features.custom.mine]\nsql = {sql:?}\n"
        ));
        let arguments = ["features", "--config", "shop.toml", "--out", "m.parquet"];
        shop.train(&arguments).refused(&["[features.custom.mine]", parts[0], parts[1]]);
        assert!(!shop.path("m.parquet").exists());
    }
    let nothing_by_nothing = "nullif(sum(amount), sum(amount)) / count(*)";
    let shop = with_custom(&format!(
        "[features.custom.mine]\nsql = {nothing_by_nothing:?}\nwhen_missing = 7\n"
    ));
    shop.train(&["features", "--config", "shop.toml", "--out", "m.parquet"]).done();
}

#[test]
fn names_that_are_taken_are_refused() {
    for (name, part) in [
        ("user_id", "a column of this one already"),
        ("outcome_gmv", "a column of this one already"),
        ("n_orders", "the catalogue has a feature of this name"),
    ] {
        let shop = with_custom(&format!("[features.custom.{name}]\nsql = \"count(*)\"\n"));
        let arguments = ["features", "--config", "shop.toml", "--out", "m.parquet"];
        shop.train(&arguments).refused(&[name, part, "another"]);
    }
}

#[test]
fn the_order_of_rows_and_threads_do_not_matter_even_where_order_does() {
    let custom = "[features.custom.first]\nsql = \"first_value(amount)\"\n\
                  [features.custom.last]\nsql = \"last_value(amount)\"\n\
                  [features.custom.middle]\nsql = \"approx_median(amount)\"\n\
                  [features.custom.spread]\nsql = \"stddev(cast(amount AS double))\"\n\
                  [features.custom.kinds]\nsql = \"count(distinct amount) FILTER (WHERE amount > 20)\"\n";
    let matrix = |rows: &str, more: &[&str]| {
        let shop = Shop::with_orders(rows);
        shop.write("shop.toml", format!("{CONFIG}\n{custom}"));
        let fixed = ["features", "--config", "shop.toml", "--out", "m.parquet"];
        shop.train(&[&fixed, more].concat()).done();
        std::fs::read(shop.path("m.parquet")).unwrap()
    };
    let in_order = orders(120);
    let (header, rows) = in_order.split_once('\n').unwrap();
    let mut reversed: Vec<&str> = rows.lines().collect();
    reversed.reverse();
    let reversed = format!("{header}\n{}\n", reversed.join("\n"));
    let expected = matrix(&in_order, &["--threads", "1"]);
    assert!(expected == matrix(&in_order, &["--threads", "4"]));
    assert!(expected == matrix(&reversed, &["--threads", "3"]));
}

#[test]
fn features_do_not_change_each_other() {
    let rows = "user,at,amount\na,2024-01-01,30\na,2024-01-02,10\na,2024-01-03,20\n";
    let shop = Shop::with_orders(rows);
    let custom = [
        ("came_first", "first_value(amount)"),
        ("least", "first_value(amount ORDER BY amount)"),
        ("newest", "first_value(amount ORDER BY age_days)"),
        ("most", "array_agg(amount ORDER BY amount DESC)[1]"),
        ("second", "nth_value(amount, 2)"),
    ];
    let lines = custom.map(|(name, sql)| format!("[features.custom.{name}]\nsql = {sql:?}\n"));
    shop.write("shop.toml", format!("{CONFIG}\n{}", lines.concat()));
    shop.train(&["features", "--config", "shop.toml", "--out", "m.parquet"]).done();
    let file = std::fs::File::open(shop.path("m.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
    let batch = reader.unwrap().build().unwrap().next().unwrap().unwrap();
    let value = |name| batch.column_by_name(name).unwrap().as_primitive::<Float64Type>().value(0);
    let values = custom.map(|(name, _)| value(name));
    assert_eq!(values, [30.0, 10.0, 20.0, 30.0, 10.0]);
}
