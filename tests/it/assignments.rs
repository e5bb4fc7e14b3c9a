//! Who gets which arm, and what a model adds to a live experiment.

use std::fmt::Write;

use serde_json::Value;

use crate::support::{CONFIG, Shop, orders};

/// Users enter when the small shop's model is 60 days old; its orders end on day 240.
const PLAN: &str = r#"name = "summer"
salt = "summer"
start = "2024-07-01"
end = "2024-07-08"
stratify = true

[holdout]
share = 0.2
salt = "holdout"

[[arm]]
name = "none"
weight = 0.5

[[arm]]
name = "mail"
weight = 0.5

[[metric]]
name = "GMV"
primary = true
feature = "gmv"
window_days = 28
covariate = "predicted_gmv"

[[metric]]
name = "buyers"
kind = "share"
feature = "n_orders"
window_days = 28
covariate = "churn_probability"
"#;

const DAY: &str = "2024-07-01";

/// A shop with a model as of the first day and one as of the last.
fn shop() -> Shop {
    let shop = Shop::with_orders(&orders(300));
    shop.train(&["--config", "shop.toml", "--as-of", DAY, "--set", "name=then"]).done();
    shop.train(&["--config", "shop.toml", "--set", "name=now"]).done();
    shop.write("plan.toml", PLAN);
    shop.compare(&["plan", "plan.toml", "--seal"]).done();
    shop
}

fn assign(shop: &Shop, out: &str) -> String {
    let arguments =
        ["assign", "plan.toml", "--bundle", "models/then", "--as-of", DAY, "--out", out];
    shop.compare(&arguments).done()
}

fn readout(shop: &Shop, bundle: &str) -> crate::support::Ran {
    let arguments = [
        "readout",
        "plan.toml",
        "--bundle",
        bundle,
        "--assignments",
        "users.csv",
        "--format",
        "json",
    ];
    shop.compare(&arguments)
}

/// Rows by column, of a file without quotes.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn every_layer_is_divided_exactly_and_a_second_run_changes_nobody() {
    let shop = shop();
    assign(&shop, "users.csv");
    let first = shop.read("users.csv");
    let found: Vec<(String, String)> = {
        let mut reader = csv::Reader::from_reader(first.as_bytes());
        let records = reader.records().map(Result::unwrap);
        records.map(|record| (record[1].to_owned(), record[3].to_owned())).collect()
    };
    let mut layers: Vec<&String> = found.iter().map(|(_, layer)| layer).collect();
    layers.sort();
    layers.dedup();
    assert!(layers.len() > 2);
    for layer in layers {
        let n = |arm: &str| found.iter().filter(|it| it.0 == arm && it.1 == *layer).count();
        assert!(n("none").abs_diff(n("mail")) <= 1, "{layer}: {} {}", n("none"), n("mail"));
    }
    let n_held = found.iter().filter(|it| it.0 == "holdout").count();
    assert!((30..=90).contains(&n_held), "{n_held} of 300");
    let again = assign(&shop, "users.csv");
    assert!(again.contains("not changed"), "{again}");
    assert_eq!(shop.read("users.csv"), first);
    assign(&shop, "users.parquet");
    // New users are added, and nobody who is there is touched, whatever the file forgot.
    let kept: String = first.lines().take(100).map(|line| format!("{line}\n")).collect();
    shop.write("users.csv", &kept);
    assign(&shop, "users.csv");
    let later = shop.read("users.csv");
    let of = |text: &str| rows(text).into_iter().map(|row| (row[0].clone(), row[1].clone()));
    let after: std::collections::BTreeMap<String, String> = of(&later).collect();
    assert!(of(&kept).all(|(id, arm)| after[&id] == arm));
    assert_eq!(after.len(), rows(&first).len());
}

#[test]
fn predictions_of_a_model_that_was_there_before_are_covariates_and_of_a_later_one_a_leak() {
    let shop = shop();
    assign(&shop, "users.csv");
    let page: Value = serde_json::from_str(&readout(&shop, "models/then").done()).unwrap();
    for row in page["comparisons"].as_array().unwrap() {
        let explained = row["covariate_explains"].as_f64().unwrap();
        assert!(explained > 0.1, "{row}");
        let (adjusted, plain) = (&row["standard_error"], &row["plain_standard_error"]);
        assert!(adjusted.as_f64().unwrap() < plain.as_f64().unwrap(), "{row}");
    }
    assert_eq!(page["n_never_seen"], 0);
    readout(&shop, "models/now").refused(&["plan.toml", "after the first users entered", "leak"]);
}

#[test]
fn a_campaign_tells_what_targetings_would_be_worth() {
    let shop = shop();
    assign(&shop, "users.csv");
    let arguments = [
        "targeting",
        "plan.toml",
        "--bundle",
        "models/then",
        "--assignments",
        "users.csv",
        "--format",
        "json",
    ];
    let page: Value = serde_json::from_str(&shop.compare(&arguments).done()).unwrap();
    assert_eq!(page["groupings"], serde_json::json!(["layer", "rfm"]));
    let all = page["values"].as_array().unwrap();
    let at_all: Vec<f64> = all
        .iter()
        .filter(|row| row["budget"] == 1.0)
        .map(|row| row["value"].as_f64().unwrap())
        .collect();
    assert!(at_all.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 1e-9), "{at_all:?}");
    let by = [&arguments[..], &["--by", "kind"]].concat();
    shop.compare(&by).refused(&["users.csv", "by layer and by rfm; got `kind`"]);
}

#[test]
fn nobody_is_assigned_by_a_plan_that_is_open_changed_or_over() {
    let shop = shop();
    let arguments = ["assign", "plan.toml", "--bundle", "models/now", "--out", "users.csv"];
    shop.compare(&arguments).refused(&["ends on 2024-07-08", "nobody enters on"]);
    shop.write("plan.toml", PLAN.replace("stratify = true", "stratify = false"));
    shop.compare(&arguments).refused_by_gate(&["stratify was true and is false"]);
    shop.write("other.toml", PLAN);
    let arguments = ["assign", "other.toml", "--bundle", "models/then", "--out", "users.csv"];
    shop.compare(&arguments).refused(&["other.toml is not sealed yet"]);
    shop.write("elsewhere.toml", PLAN.replace("stratify", "hashing = \"elsewhere\"\nstratify"));
    shop.compare(&["plan", "elsewhere.toml", "--seal"]).done();
    let arguments = ["assign", "elsewhere.toml", "--bundle", "models/then", "--out", "users.csv"];
    shop.compare(&arguments).refused(&["gives the arms elsewhere"]);
}

#[test]
fn a_new_plan_holds_together_and_says_what_it_can_find() {
    let shop = Shop::with_orders(&orders(300));
    shop.compare(&["plan", "spring.toml", "--new"]).done();
    shop.compare(&["plan", "spring.toml", "--new"]).refused(&["is there already"]);
    shop.write("shop.toml", CONFIG);
    let arguments = ["plan", "spring.toml", "--config", "shop.toml", "--format", "json"];
    let page: Value = serde_json::from_str(&shop.compare(&arguments).done()).unwrap();
    assert_eq!(page["n_users"], 300);
    let buyers = &page["metrics"][0];
    let [needed, power] = ["users_needed", "power"].map(|key| buyers[key].as_f64().unwrap());
    assert!(needed > 300.0 && power < 0.8, "{buyers}");
    assert!(buyers["detectable_lift"].as_f64().unwrap() > 0.1, "{buyers}");
}

#[test]
fn a_table_is_read_out_by_a_file_of_assignments() {
    let plan = "name = \"t\"\nsalt = \"t\"\nstart = \"2024-01-01\"\nend = \"2024-02-01\"\nhashing = \
                \"elsewhere\"\n[columns]\nuser = \"id\"\n[[arm]]\nname = \"none\"\nweight = 0.5\n\
                [[arm]]\nname = \"mail\"\nweight = 0.5\n[[metric]]\nname = \"spend\"\nprimary = true\n\
                value = \"spend\"\n[[metric]]\nname = \"by head\"\nkind = \"ratio\"\nvalue = \
                \"spend\"\ndivisor = \"1\"\n";
    let (mut table, mut users) = (String::from("id,spend\n"), String::from("user_id,arm,layer\n"));
    for id in 0..200 {
        writeln!(users, "{id},{},L{}", ["none", "mail"][id % 2], 1 + id / 2 % 3).unwrap();
        // Households of one to three heads; those of ten are never seen.
        if id % 10 != 4 {
            (0..=id % 3).for_each(|_| writeln!(table, "{id},{}", 5 + id % 2).unwrap());
        }
    }
    table.push_str("900,7\n901,7\n");
    let shop = Shop::empty();
    shop.write("plan.toml", plan);
    shop.write("table.csv", table);
    shop.write("users.csv", users);
    shop.compare(&["plan", "plan.toml", "--seal"]).done();
    let arguments = [
        "readout",
        "plan.toml",
        "--table",
        "table.csv",
        "--assignments",
        "users.csv",
        "--as-of",
        "2024-03-01",
        "--format",
        "json",
    ];
    let page: Value = serde_json::from_str(&shop.compare(&arguments).done()).unwrap();
    assert_eq!((&page["n_users"], &page["n_never_seen"]), (&200.into(), &20.into()));
    assert_eq!(page["never_assigned"], serde_json::json!(["900", "901"]));
    let row = |metric: &str| {
        let rows = page["comparisons"].as_array().unwrap();
        rows.iter().find(|row| row["metric"] == metric).unwrap().clone()
    };
    // Each head spends 5 without mail and 6 with it.
    let by_head = row("by head");
    let value = |key: &str| by_head[key].as_f64().unwrap();
    assert!((value("control_value") - 5.0).abs() < 1e-9 && (value("arm_value") - 6.0).abs() < 1e-9);
    let mean = |arm: usize| {
        let of = |id: usize| if id % 10 == 4 { 0 } else { (1 + id % 3) * (5 + arm) };
        (0..200).filter(|id| id % 2 == arm).map(of).sum::<usize>() as f64 / 100.0
    };
    let spend = row("spend");
    assert!((spend["control_value"].as_f64().unwrap() - mean(0)).abs() < 1e-9, "{spend}");
    assert!((spend["arm_value"].as_f64().unwrap() - mean(1)).abs() < 1e-9, "{spend}");
    assert_eq!(page["layers"].as_array().unwrap().len(), 3);
}

#[test]
fn a_backtest_on_several_dates_says_how_many_are_won() {
    let shop = shop();
    let arguments = ["backtest", "--bundle", "models/now", "--dates", "2", "--format", "json"];
    let page: Value = serde_json::from_str(&shop.compare(&arguments).done()).unwrap();
    assert_eq!(page["n_dates"], 2);
    let rival = &page["over_dates"][0];
    assert_eq!(rival["id"], "rfm");
    assert!(rival["r2_log_gmv_won"].as_u64().unwrap() <= 2);
    let dates: Vec<&Value> = page["dates"].as_array().unwrap().iter().collect();
    assert_eq!(dates.len(), 16);
    assert_ne!(dates[0]["holdout"], dates[8]["holdout"]);
    let far = ["backtest", "--bundle", "models/now", "--dates", "40"];
    shop.compare(&far).refused(&["days"]);
}
