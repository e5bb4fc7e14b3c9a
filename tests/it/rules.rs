//! Groupings by rule, against published scores and as commands show them.

use std::sync::OnceLock;

use layercake::dataset::{FeatureMatrix, UserIds};
use layercake::features::{
    EventParams, FeatureParams, SnapshotRequest, build_plan, compute_snapshots, describe_input,
};
use layercake::input::engine::{Engine, EngineParams};
use layercake::input::source::{InputParams, SourceParams, open_sources};
use layercake::models::rules::{FittedRfm, Quintiles};
use serde_json::Value;

use crate::support::{CONFIG, Shop, flat, no_order_label, orders, project, shared_data};

/// Orders of the R package `rfm`, features as of 31 December 2006.
fn r_package_orders() -> Option<(Vec<String>, FeatureMatrix)> {
    let path = shared_data("rfm_data_orders.parquet")?.canonicalize().unwrap();
    let source: SourceParams = toml::from_str(&format!(
        "path = {:?}\nuser = \"customer_id\"\ntime = \"order_date\"\nevent = \"'order'\"\n\
         amount = \"revenue\"",
        path.display().to_string()
    ))
    .unwrap();
    let shop = Shop::empty();
    let engine = Engine::new(&EngineParams::default()).unwrap();
    let sources = open_sources(&engine, &[source], &InputParams::default()).unwrap();
    let events = sources.read(&engine, &shop.path("quarantine.csv")).unwrap();
    assert_eq!(events.profile.n_events, 4_906);
    let as_of = "2006-12-31T00:00:00".parse().unwrap();
    let input = describe_input(&events.histories, as_of).unwrap();
    let plan =
        build_plan(&FeatureParams::default(), &EventParams::default(), &input, 1_000).unwrap();
    let label = no_order_label(30);
    let request = SnapshotRequest::new(std::slice::from_ref(&as_of), &label);
    let snapshot =
        compute_snapshots(&engine, &events.histories, &plan, &request).unwrap().remove(0);
    let UserIds::Text(ids) = snapshot.users else { panic!("ids are names") };
    Some((ids, snapshot.features))
}

#[test]
fn rfm_scores_are_those_of_the_r_package() {
    let Some((ids, matrix)) = r_package_orders() else { return };
    assert_eq!(ids.len(), 995);
    let fitted = FittedRfm::fit(&matrix).unwrap();
    // The package prints quantile + 1 and compares by "less than".
    for (quintiles, printed) in [
        (&fitted.recency, [115.0, 181.0, 297.4, 482.0]),
        (&fitted.frequency, [4.0, 5.0, 6.0, 8.0]),
        (&fitted.money, [255.8, 382.0, 506.4, 666.0]),
    ] {
        for (edge, printed) in quintiles.edges.iter().zip(printed) {
            assert!((edge + 1.0 - printed).abs() < 1e-9, "{quintiles:?}");
        }
    }
    let scores = fitted.scores(&matrix).unwrap();
    for (customer, days, orders, amount, code) in [
        ("Abbey O'Reilly", 205.0, 6.0, 472.0, 343),
        ("Add Senger", 140.0, 3.0, 340.0, 412),
        ("Aden Lesch", 194.0, 4.0, 405.0, 323),
        ("Aden Murphy", 98.0, 7.0, 596.0, 544),
        ("Admiral Senger", 132.0, 5.0, 448.0, 433),
    ] {
        let row = ids.iter().position(|id| id == customer).unwrap();
        let value = |feature: &str| matrix.column(feature).unwrap()[row];
        assert_eq!(value("days_since_last_order"), days, "{customer}");
        assert_eq!(value("n_orders"), orders, "{customer}");
        assert_eq!(value("gmv"), amount, "{customer}");
        assert_eq!(scores[row].unwrap().cell(), code, "{customer}");
    }
}

/// Where a quantile is no whole number, the package's `quantile + 1` takes one
/// value more into the lower fifth than ours. It concerns few.
#[test]
fn the_r_packages_own_rule_for_edges_moves_few_customers() {
    let Some((ids, matrix)) = r_package_orders() else { return };
    let fitted = FittedRfm::fit(&matrix).unwrap();
    let fifth = |of: &Quintiles, row: usize, plus: f64| {
        let value = matrix.column(&of.feature).unwrap()[row];
        let is_above =
            |edge: &&f64| if plus > 0.0 { value >= **edge + plus } else { value > **edge };
        of.edges.iter().filter(is_above).count()
    };
    let differs = |row: &usize| {
        let quintiles = [&fitted.recency, &fitted.frequency, &fitted.money];
        quintiles.iter().any(|of| fifth(of, *row, 0.0) != fifth(of, *row, 1.0))
    };
    let differing: Vec<usize> = (0..ids.len()).filter(differs).collect();
    for row in &differing {
        let value = |feature: &str| matrix.column(feature).unwrap()[*row];
        let is_between =
            value("days_since_last_order") == 297.0 || [255.0, 506.0].contains(&value("gmv"));
        assert!(is_between, "{}", ids[*row]);
    }
    assert!(differing.len() < 10, "{}", differing.len());
}

/// A small shop with people who only look, trained once for all tests that do
/// not change it.
fn trained() -> &'static Shop {
    static SHOP: OnceLock<Shop> = OnceLock::new();
    SHOP.get_or_init(|| {
        let shop = Shop::with_orders(&orders(120));
        let mut views = String::from("user,at\n");
        (900..930).for_each(|user| views += &format!("{user},2024-0{}-02\n", 1 + user % 8));
        shop.write("views.csv", views);
        let views = "[[source]]\npath = \"views.csv\"\nuser = \"user\"\ntime = \"at\"\n\
                     event = \"'view'\"\n";
        shop.write("shop.toml", format!("{CONFIG}{views}"));
        shop.train(&["--config", "shop.toml"]).done();
        shop
    })
}

fn json(arguments: &[&str]) -> Value {
    let base = ["--bundle", "models/shop", "--format", "json"];
    let (command, rest) = arguments.split_first().unwrap();
    let ran = trained().compare(&[&[*command], &base[..], rest].concat());
    serde_json::from_str(&ran.done()).unwrap()
}

fn sum(rows: &Value, key: &str) -> f64 {
    rows.as_array().unwrap().iter().map(|row| row[key].as_f64().unwrap_or(0.0)).sum()
}

#[test]
fn groups_of_every_grouping_add_up_to_all_users() {
    let value = json(&["groups"]);
    let groups = value["groups"].as_array().unwrap();
    let of = |grouping: &str| -> Vec<Value> {
        groups.iter().filter(|it| it["grouping"] == grouping).cloned().collect()
    };
    for grouping in ["layers", "rfm", "rfm_levels", "value_demand", "lifecycle"] {
        let groups = Value::from(of(grouping));
        assert_eq!(sum(&groups, "n_users"), value["n_users"].as_f64().unwrap(), "{grouping}");
        assert!((sum(&groups, "gmv") - value["gmv"].as_f64().unwrap()).abs() < 1e-6);
        assert!((sum(&groups, "share") - 1.0).abs() < 1e-12);
    }
    let rfm = of("rfm");
    assert_eq!(rfm[0]["group"], "champions");
    assert_eq!(rfm[10]["group"], "never ordered");
    assert!(rfm[10]["n_users"].as_u64().unwrap() > 20);
    assert_eq!(of("lifecycle")[0]["n_users"], rfm[10]["n_users"]);
    let chinese = json(&["groups", "--lang", "zh"]);
    assert!(chinese["groups"].as_array().unwrap().iter().any(|it| it["group"] == "冠军客户"));
}

#[test]
fn groups_fit_a_terminal_and_come_as_csv() {
    let base = ["groups", "--bundle", "models/shop"];
    let text = trained().compare(&base).done();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("value_demand") && text.contains("low-value low-demand"), "{text}");
    let csv =
        trained().compare(&[&base[..], &["--by", "rfm_cells", "--format", "csv"]].concat()).done();
    assert_eq!(csv.lines().count(), 1 + 126);
    assert!(csv.lines().nth(1).unwrap().starts_with("rfm_cells,555,"), "{csv}");
}

#[test]
fn migration_loses_nobody_and_its_rates_add_up() {
    for by in ["layers", "rfm", "rfm_levels", "value_demand", "lifecycle"] {
        let value = json(&["migration", "--by", by]);
        let found = &value;
        let (groups, flows) = (&found["groups"], found["flows"].as_array().unwrap());
        let n_groups = groups.as_array().unwrap().len();
        assert_eq!(flows.len(), n_groups * (n_groups + 1), "{by}");
        for row in flows.chunks(n_groups) {
            let rates: Vec<f64> = row.iter().filter_map(|flow| flow["rate"].as_f64()).collect();
            assert!(rates.is_empty() || (rates.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{by}");
        }
        let n_users = found["n_users"].as_f64().unwrap();
        assert_eq!(sum(groups, "n_after"), n_users);
        assert_eq!(sum(groups, "n_before") + found["n_new"].as_f64().unwrap(), n_users);
        assert_eq!(sum(&found["flows"], "n_users"), n_users);
        assert!((sum(groups, "gmv_after") - sum(&found["flows"], "gmv_after")).abs() < 1e-6);
    }
}

#[test]
fn gmv_before_and_after_is_that_of_the_window_before_each_date() {
    let arguments =
        ["migration", "--by", "lifecycle", "--from", "2024-04-01", "--to", "2024-06-15"];
    let value = json(&arguments);
    let found = &value;
    assert_eq!(found["window_days"], 30);
    let (mut before, mut after) = (0.0, 0.0);
    for order in orders(120).lines().skip(1) {
        let fields: Vec<&str> = order.split(',').collect();
        let amount: f64 = fields[2].parse().unwrap();
        let within = |from: &str, to: &str| fields[1] >= from && fields[1] < to;
        before += if within("2024-03-02", "2024-04-01") { amount } else { 0.0 };
        after += if within("2024-05-16", "2024-06-15") { amount } else { 0.0 };
    }
    assert!(before > 0.0 && after > 0.0);
    assert!((sum(&found["flows"], "gmv_before") - before).abs() < 1e-6);
    assert!((sum(&found["flows"], "gmv_after") - after).abs() < 1e-6);
    // A dormant customer stays dormant, or orders again and is active: never new.
    let flows = found["flows"].as_array().unwrap();
    let impossible = flows.iter().find(|it| it["from"] == "dormant" && it["to"] == "new").unwrap();
    assert_eq!(impossible["n_users"], 0);
}

#[test]
fn migration_fits_a_terminal_and_comes_as_csv() {
    let base = ["migration", "--bundle", "models/shop", "--by"];
    for by in ["layers", "rfm", "rfm_levels", "lifecycle"] {
        let text = trained().compare(&[&base[..], &[by]].concat()).done();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let text = flat(&text);
        assert!(text.contains("stayed in their group") && text.contains("GMV after"), "{text}");
    }
    let csv = trained().compare(&[&base[..], &["lifecycle", "--format", "csv"]].concat()).done();
    let mut lines = csv.lines();
    let header = "from,to,n_users,rate,gmv_before,gmv_after,gmv_per_user_before,gmv_per_user_after";
    assert_eq!(lines.next(), Some(header));
    assert_eq!(lines.count(), 5 * 4);
}

#[test]
fn dates_of_a_migration_that_make_no_sense_are_refused() {
    let migrate = |from: &str, to: &str| {
        trained().compare(&["migration", "--bundle", "models/shop", "--from", from, "--to", to])
    };
    migrate("2024-06-01", "2024-05-01")
        .refused(&["the first date must lie before the second", "--from and --to"]);
    migrate("2020-01-01", "2024-05-01").refused(&["2020-01-01", "not after the first event"]);
    migrate("2024-05-01", "2025-05-01").refused_by_gate(&["days after the last event"]);
}

#[test]
fn a_map_of_ones_own_names_the_segments() {
    let shop = Shop::ordinary();
    let map = "[rfm.map]\n\"重点\" = [\"5[4-5]*\", \"[3-4]5*\"]\n\
               rest = [\"5[1-3]\", \"[3-4][1-4]\", \"[1-2]*\"]\n";
    shop.write("shop.toml", format!("{CONFIG}{map}"));
    shop.train(&["--config", "shop.toml"]).done();
    shop.score(&["--bundle", "models/shop", "--encoding", "csv", "--out", "s"]).done();
    let day = std::fs::read_dir(shop.path("s")).unwrap().next().unwrap().unwrap().path();
    let scores = std::fs::read_to_string(day.join("scores.csv")).unwrap();
    assert!(scores.contains(",重点,555,") && scores.contains(",rest,"), "{scores}");
    let backtest = shop.compare(&["backtest", "--bundle", "models/shop"]).done();
    assert!(backtest.contains("RFM, 2 names"), "{backtest}");
    shop.write("shop.toml", format!("{CONFIG}{}", map.replace("\"5[1-3]\", ", "")));
    shop.train(&["--config", "shop.toml"])
        .refused(&["shop.toml", "[rfm.map] 15 of 125 codes have no name: 51*, 52*, 53*"]);
}

#[test]
fn on_real_orders_who_orders_often_comes_back() {
    let shop = Shop::empty();
    let data = project().join("data/cdnow/cdnow_master.parquet").canonicalize().unwrap();
    shop.train(&["init", data.to_str().unwrap(), "--out", "shop.toml"]).done();
    shop.train(&["--config", "shop.toml"]).done();
    let name = std::fs::read_dir(shop.path("models")).unwrap().next().unwrap().unwrap();
    let bundle = name.path().display().to_string();
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&shop.compare(arguments).done()).unwrap()
    };
    let groups = json(&["groups", "--bundle", &bundle, "--by", "value_demand", "--format", "json"]);
    let groups = &groups["groups"];
    let no_order = |group: usize| groups[group]["no_order_rate"].as_f64().unwrap();
    // High demand comes first and third.
    assert!(no_order(0) < no_order(1) && no_order(2) < no_order(3), "{groups}");
    let found = json(&["migration", "--bundle", &bundle, "--by", "lifecycle", "--format", "json"]);
    assert_eq!(found["from"], "1998-04-02");
    assert_eq!(found["to"], "1998-07-01");
    // All of them first ordered in the first quarter of 1997.
    assert_eq!((&found["n_users"], &found["n_new"]), (&23_570.into(), &0.into()));
}
