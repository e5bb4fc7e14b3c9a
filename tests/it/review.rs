//! What people make of the layers: a file to edit, held against the model and
//! used in scores and comparisons.

use std::collections::BTreeMap;

use crate::support::{CONFIG, Shop, orders};

/// A shop with a model, and a feature of its own that rules may read.
fn reviewed_shop() -> Shop {
    let shop = Shop::with_orders(&orders(120));
    let custom =
        "[features.custom.parity]\nsql = \"cast(max(amount) as bigint) % 2\"\nkeep = true\n";
    shop.write("shop.toml", format!("{CONFIG}\n{custom}"));
    shop.train(&["--config", "shop.toml"]).done();
    shop
}

fn score(shop: &Shop, more: &[&str]) -> (Vec<Vec<String>>, serde_json::Value, String) {
    let arguments = [&["--bundle", "models/shop", "--encoding", "csv"], more].concat();
    let report = shop.score(&arguments).done();
    let folder = std::fs::read_dir(shop.path("scores")).unwrap().next().unwrap().unwrap().path();
    let rows = csv::Reader::from_path(folder.join("scores.csv"))
        .unwrap()
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let summary = std::fs::read(folder.join("_summary.json")).unwrap();
    (rows, serde_json::from_slice(&summary).unwrap(), report)
}

#[test]
fn the_file_that_review_writes_changes_nothing_until_it_is_edited() {
    let shop = reviewed_shop();
    let (before, ..) = score(&shop, &[]);
    let report = shop.train(&["review", "--bundle", "models/shop"]).done();
    assert!(report.contains("Wrote models/shop"), "{report}");
    let (after, summary, _) = score(&shop, &[]);
    assert_eq!(before, after);
    assert!(after.iter().all(|row| row[4] == "cluster"));
    assert!(summary["key"]["review"].is_string(), "{summary}");
    let text = shop.read("models/shop/layers.toml");
    let again = shop.train(&["review", "--bundle", "models/shop"]).done();
    let again = again.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(again.contains("fits the model 0 renamed, 0 merged"), "{again}");
    assert_eq!(shop.read("models/shop/layers.toml"), text);
    let json =
        shop.train(&["show", "layers", "--bundle", "models/shop", "--format", "json"]).done();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["layers"].as_array().unwrap().len(), 3);
    assert_eq!(json["candidates"].as_array().unwrap().len(), 1);
}

const REVIEW: &str = r#"
[[layer]]
id = "L1"
name = "Our best"
name_zh = "最好的"
playbook = "call them"

[[layer]]
id = "L2"
merge_into = "L3"

[[split]]
id = "odd"
name = "Odd ones"
from = "L3"
where = "parity = 1 AND n_orders >= 1"

[[pin]]
id = "one_order"
layer = "L1"
where = "n_orders = 1"
"#;

#[test]
fn scores_are_renamed_merged_split_and_pinned() {
    let shop = reviewed_shop();
    let (before, ..) = score(&shop, &[]);
    shop.write("models/shop/layers.toml", REVIEW);
    let (after, summary, report) = score(&shop, &[]);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((&old[0], &old[5]), (&new[0], &new[5]), "user and margin stay");
        *counts.entry(new[4].clone()).or_default() += 1;
        let (id, by) = (new[1].as_str(), new[4].as_str());
        match by {
            "pin:one_order" => assert_eq!(id, "L1"),
            "split:odd" => {
                assert_eq!(id, "odd");
                assert!(old[1] == "L2" || old[1] == "L3", "{old:?}");
                assert_eq!((new[2].as_str(), new[3].as_str()), ("Odd ones", "Odd ones"));
            }
            "merge:L2" => assert_eq!((old[1].as_str(), id), ("L2", "L3")),
            "cluster" => assert_eq!(old[1], id),
            other => panic!("{other}"),
        }
        if id == "L1" {
            assert_eq!((new[2].as_str(), new[3].as_str()), ("Our best", "最好的"));
        }
    }
    for by in ["pin:one_order", "split:odd", "cluster"] {
        assert!(counts.contains_key(by), "{counts:?}");
    }
    assert_eq!(summary["assigned_by"], serde_json::json!(counts));
    let ids: Vec<&str> =
        summary["layers"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["L1", "L3", "odd"]);
    assert!(report.contains("review models/shop/layers.toml: "), "{report}");
    let groups = shop.compare(&["groups", "--bundle", "models/shop", "--by", "layers"]).done();
    assert!(groups.contains("odd Odd ones") && groups.contains("L1 Our best"), "{groups}");
    shop.compare(&["backtest", "--bundle", "models/shop"]).done();

    let nobody = "[[pin]]\nid = \"nobody\"\nkind = \"K1\"\nwhere = \"n_orders < 0\"\n";
    shop.write("models/shop/layers.toml", format!("{REVIEW}{nobody}"));
    let (_, summary, report) = score(&shop, &[]);
    assert!(report.contains("WARNING: review: pin:nobody puts nobody into its group"), "{report}");
    assert_eq!(summary["warnings"].as_array().unwrap().len(), 1);

    let (plain, summary, _) = score(&shop, &["--no-review"]);
    assert_eq!(plain, before);
    assert_eq!(summary["key"]["review"], serde_json::Value::Null);
    shop.write("mine.toml", "[[layer]]\nid = \"L1\"\nname = \"Mine\"\n");
    let (mine, ..) = score(&shop, &["--review", "mine.toml"]);
    assert!(mine.iter().all(|row| (row[1] == "L1") == (row[2] == "Mine")));
}

#[test]
fn scores_after_review_do_not_depend_on_threads() {
    let shop = reviewed_shop();
    shop.write("models/shop/layers.toml", REVIEW);
    let (one, ..) = score(&shop, &["--threads", "1"]);
    let (two, ..) = score(&shop, &["--threads", "2"]);
    assert_eq!(one, two);
}

#[test]
fn a_review_that_does_not_fit_is_refused_wherever_it_is_used() {
    let shop = reviewed_shop();
    let dropped = shop.train(&["show", "features", "--bundle", "models/shop", "--format", "csv"]);
    let dropped = dropped.done();
    let mut rows = csv::Reader::from_reader(dropped.as_bytes());
    let is_dropped = |row: &csv::StringRecord| row.iter().any(|it| it.starts_with("correlated"));
    let dropped = rows.records().map(|row| row.unwrap()).find(is_dropped).unwrap()[0].to_owned();
    let split = |rule: &str| {
        format!("[[split]]\nid = \"a\"\nname = \"A\"\nfrom = \"L1\"\nwhere = \"{rule}\"\n")
    };
    for (review, parts) in [
        ("[[layer]]\nid = \"L9\"\n".to_owned(), vec!["no layer `L9`", "L1, L2, L3"]),
        ("[[layer]]\nid = \"L1\"\nmerge_in = \"L2\"\n".into(), vec!["line 3", "`merge_into`?"]),
        ("[[layers]]\nid = \"L1\"\n".into(), vec!["line 1", "did you mean `layer`?"]),
        ("[[split]]\nid = \"a\"\n".into(), vec!["missing field"]),
        (split("n_order > 2"), vec!["[[split]] a", "no feature `n_order`", "n_orders"]),
        (split("n_orders + 1"), vec!["[[split]] a", "a condition is needed", "Float64"]),
        (split("n_orders > 'x'"), vec!["[[split]] a", "n_orders > 'x'"]),
        (split("sum(n_orders) > 1"), vec!["an aggregate", "one user at a time"]),
        (split(&format!("{dropped} > 0")), vec!["training dropped", &dropped, "keep = true"]),
    ] {
        shop.write("models/shop/layers.toml", &review);
        let parts = [&["models/shop/layers.toml"], parts.as_slice()].concat();
        shop.score(&["--bundle", "models/shop"]).refused(&parts);
        shop.compare(&["groups", "--bundle", "models/shop"]).refused(&parts);
        shop.train(&["review", "--bundle", "models/shop"]).refused(&parts);
    }
    shop.score(&["--bundle", "models/shop", "--no-review"]).done();
    shop.score(&["--bundle", "models/shop", "--review", "no.toml"]).refused(&["no.toml"]);
}
