//! A layer is the same from one model to the next for as long as it is the same
//! group, and what became of the others can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use layercake::bundle::{Bundle, Lineage, LineageEntry};

use crate::support::{CONFIG, Shop, orders};

const VIEWS: &str = "
[[source]]
path = \"views.csv\"
user = \"user\"
time = \"at\"
event = \"'view'\"
";

fn lineage(shop: &Shop) -> Lineage {
    Lineage::load(&shop.path("models/shop")).unwrap()
}

/// Trains; returns the report and the new model's entry.
fn train(shop: &Shop, arguments: &[&str]) -> (String, LineageEntry) {
    let report = shop.train(&[&["--config", "shop.toml"], arguments].concat()).done();
    let name = shop.bundle("models").file_name().unwrap().to_string_lossy().into_owned();
    (report, lineage(shop).entry(&name).unwrap().clone())
}

fn with_k(shop: &Shop, k: usize) {
    shop.write("shop.toml", CONFIG.replace("k = 3", &format!("k = {k}")));
}

fn ids(entry: &LineageEntry) -> BTreeSet<String> {
    entry.of.layers.groups.iter().map(|layer| layer.identity.id.clone()).collect()
}

/// Id of the layer of each user, as the latest bundle scores them.
fn scored(shop: &Shop, out: &str) -> BTreeMap<String, String> {
    let arguments = ["--bundle", "models/shop", "--as-of", "2024-08-20", "--encoding", "csv"];
    shop.score(&[&arguments[..], &["--out", out]].concat()).done();
    let text = shop.read(&format!("{out}/as_of=2024-08-20/scores.csv"));
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    rows.records().map(|row| row.unwrap()).map(|row| (row[0].into(), row[1].into())).collect()
}

#[test]
fn a_month_later_the_same_groups_have_the_same_ids_and_names() {
    let shop = Shop::ordinary();
    let (report, first) = train(&shop, &["--as-of", "2024-07-20"]);
    assert!(!report.contains("Layers beside those"), "{report}");
    assert_eq!((first.previous.as_deref(), first.of.layers.born.len()), (None, 3));
    let before = scored(&shop, "before");
    let (report, second) = train(&shop, &["--as-of", "2024-08-20"]);
    assert!(report.contains(&format!("Layers beside those of {}", first.bundle)), "{report}");
    assert!(report.contains("reassigned by the model"), "{report}");
    let said = &report[report.find("Layers beside those").unwrap()..];
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    assert_eq!(second.previous, Some(first.bundle.clone()));
    assert!(second.of.layers.kept.len() >= 2, "{second:?}");
    let name = |entry: &LineageEntry, id: &str| {
        let found = entry.of.layers.groups.iter().find(|layer| layer.identity.id == id);
        found.unwrap().identity.name.clone()
    };
    for kept in &second.of.layers.kept {
        assert!(kept.jaccard > 1.0 / 3.0 && kept.jaccard <= 1.0);
        assert_eq!(name(&first, &kept.id), name(&second, &kept.id));
    }
    // Who is scored on one day by both models is mostly in a layer of the same id.
    let after = scored(&shop, "after");
    let same = after.iter().filter(|(user, id)| before.get(*user) == Some(id)).count();
    assert!(2 * same > after.len(), "{same} of {}", after.len());
}

#[test]
fn movement_counts_every_user_once() {
    let shop = Shop::ordinary();
    train(&shop, &["--as-of", "2024-07-20"]);
    let (_, later) = train(&shop, &["--as-of", "2024-08-20"]);
    let movement = later.of.layers.movement.unwrap();
    let counted = movement.stayed + movement.user_moved + movement.boundary_moved + movement.both;
    assert_eq!(counted, movement.n_users);
    assert_eq!(movement.flows.iter().map(|flow| flow.n_users).sum::<usize>(), counted);
    assert_eq!(movement.n_users, 120);
    // On one day only the boundary can have moved.
    with_k(&shop, 5);
    let (_, other) = train(&shop, &["--as-of", "2024-08-20"]);
    let movement = other.of.layers.movement.unwrap();
    assert_eq!((movement.user_moved, movement.both), (0, 0));
    assert!(movement.boundary_moved > 0);
}

#[test]
fn training_again_changes_nothing() {
    let shop = Shop::ordinary();
    let (_, first) = train(&shop, &["--as-of", "2024-07-20"]);
    with_k(&shop, 6);
    let (_, second) = train(&shop, &["--as-of", "2024-08-20"]);
    let text = shop.read("models/shop/lineage.json");
    let (_, again) = train(&shop, &["--as-of", "2024-08-20"]);
    assert_eq!(again, second);
    // The first model again, whatever came in between.
    with_k(&shop, 3);
    let (_, back) = train(&shop, &["--as-of", "2024-07-20"]);
    assert_eq!(back, first);
    assert_eq!(shop.read("models/shop/lineage.json"), text);
    // The lineage came first and the bundle was never written.
    std::fs::remove_dir_all(shop.path("models/shop").join(&second.bundle)).unwrap();
    with_k(&shop, 6);
    let (_, mended) = train(&shop, &["--as-of", "2024-08-20"]);
    assert_eq!(mended, second);
    assert_eq!(shop.read("models/shop/lineage.json"), text);
}

#[test]
fn without_its_lineage_a_model_still_knows_its_layers() {
    let shop = Shop::ordinary();
    train(&shop, &["--as-of", "2024-07-20"]);
    with_k(&shop, 6);
    let (_, second) = train(&shop, &["--as-of", "2024-08-20"]);
    for damage in [None, Some("{\"format\": 1,"), Some("{\"format\": 9, \"entries\": []}")] {
        let file = shop.path("models/shop/lineage.json");
        match damage {
            None => std::fs::remove_file(&file).unwrap(),
            Some(text) => shop.write("models/shop/lineage.json", text),
        }
        if damage.is_some() {
            shop.train(&["show", "lineage", "--bundle", "models/shop"]).refused(&["can't be read"]);
        }
        let (report, again) = train(&shop, &["--as-of", "2024-08-20"]);
        assert_eq!(
            (again.bundle, again.of.layers.groups),
            (second.bundle.clone(), second.of.layers.groups.clone())
        );
        assert_eq!(again.of.layers.retired_ids, second.of.layers.retired_ids);
        let said = if damage.is_some() { "kept as" } else { "starts anew" };
        assert!(again.warnings[0].en.contains(said) && report.contains(said), "{report}");
    }
    assert_eq!(shop.read("models/shop/lineage-damaged-1.json"), "{\"format\": 1,");
    assert!(shop.path("models/shop/lineage-damaged-2.json").is_file());
}

#[test]
fn ids_follow_the_groups_whatever_the_seed() {
    let shop = Shop::ordinary();
    train(&shop, &[]);
    let before = scored(&shop, "before");
    for seed in ["7", "8"] {
        let (_, entry) = train(&shop, &["--seed", seed]);
        let after = scored(&shop, "after");
        for kept in &entry.of.layers.kept {
            let count = |of: &dyn Fn(&str) -> bool| after.keys().filter(|user| of(user)).count();
            let both = count(&|user| before[user] == kept.id && after[user] == kept.id);
            let either = count(&|user| before[user] == kept.id || after[user] == kept.id);
            assert!(3 * both > either, "{}: {both} of {either}", kept.id);
        }
    }
}

#[test]
fn more_layers_are_born_and_no_id_comes_back() {
    let shop = Shop::ordinary();
    let (_, three) = train(&shop, &[]);
    with_k(&shop, 6);
    let (report, six) = train(&shop, &[]);
    assert!(!six.of.layers.born.is_empty(), "{six:?}");
    assert!(six.of.layers.born.iter().all(|born| !ids(&three).contains(&born.id)));
    assert!(!six.of.layers.split.is_empty() && report.contains("split"), "{report}");
    with_k(&shop, 2);
    let (_, two) = train(&shop, &[]);
    assert!(!two.of.layers.died.is_empty() && !two.of.layers.merged.is_empty(), "{two:?}");
    with_k(&shop, 5);
    let (_, five) = train(&shop, &[]);
    let ever: BTreeSet<String> = [&three, &six, &two].into_iter().flat_map(ids).collect();
    assert!(!five.of.layers.born.is_empty());
    assert!(five.of.layers.born.iter().all(|born| !ever.contains(&born.id)), "{five:?}");
    let retired: BTreeSet<String> = five.of.layers.retired_ids.iter().cloned().collect();
    assert_eq!(&retired | &ids(&five), &ever | &ids(&five));

    let table = shop.train(&["show", "lineage", "--bundle", "models/shop"]).done();
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains(&six.bundle) && table.contains("Layers of"), "{table}");
    let folder = shop.bundle("models");
    let json = shop
        .train(&["show", "lineage", "--bundle", folder.to_str().unwrap(), "--format", "json"])
        .done();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    // Four of layers, then as many of kinds.
    let rows = value["bundles"].as_array().unwrap();
    let groups: Vec<&str> = rows.iter().map(|row| row["groups"].as_str().unwrap()).collect();
    assert_eq!(groups, [["layers"; 4], ["kinds"; 4]].concat());
    assert_eq!((&rows[0]["id"], &rows[4]["id"]), (&rows[4]["id"], &three.bundle.as_str().into()));
    let csv = shop.train(&["show", "lineage", "--bundle", "models/shop", "--format", "csv"]).done();
    assert_eq!(csv.lines().filter(|line| line.starts_with("kinds,")).count(), 4, "{csv}");
}

fn damage(bundle: &Path) {
    let path = bundle.join("churn.json");
    let content = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, content.replacen('1', "2", 1)).unwrap();
}

#[test]
fn a_model_before_that_cannot_be_used_is_told_and_its_ids_stay_unused() {
    let shop = Shop::ordinary();
    let (_, first) = train(&shop, &["--as-of", "2024-07-20"]);
    damage(&shop.bundle("models"));
    std::fs::remove_file(shop.path("models/shop/lineage.json")).unwrap();
    let (report, second) = train(&shop, &["--as-of", "2024-08-20"]);
    let message = report.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(message.contains("WARNING: ids start afresh at L4"), "{report}");
    assert!(message.contains("is damaged: churn.json"), "{report}");
    assert!(message.contains("there are bundles but no lineage.json"), "{report}");
    assert!(ids(&second).is_disjoint(&ids(&first)));
    assert_eq!(second.of.layers.retired_ids, ["L1", "L2", "L3"]);
    // The bundle that `latest` names was deleted.
    std::fs::remove_dir_all(shop.bundle("models")).unwrap();
    let (_, third) = train(&shop, &["--as-of", "2024-08-10"]);
    assert!(third.warnings[0].en.contains("which is absent"), "{third:?}");
    assert!(ids(&third).is_disjoint(&ids(&second)) && ids(&third).is_disjoint(&ids(&first)));
}

#[test]
fn a_model_of_events_that_are_gone_is_told() {
    let shop = Shop::ordinary();
    let mut views = String::from("user,at\n");
    for user in (0..120).filter(|user| user % 3 != 1) {
        (1..8).for_each(|month| views += &format!("{user},2024-0{month}-{}\n", 10 + user % 18));
    }
    shop.write("views.csv", &views);
    shop.write("shop.toml", format!("{CONFIG}{VIEWS}"));
    let (_, first) = train(&shop, &["--as-of", "2024-07-20"]);
    let (bundle, _) = Bundle::load(&shop.path("models/shop")).unwrap();
    assert!(bundle.plan.names().iter().any(|name| name.contains("view")));
    shop.write("shop.toml", CONFIG);
    let (_, second) = train(&shop, &["--as-of", "2024-08-20"]);
    assert!(second.warnings[0].en.contains("no longer has: `view`"), "{second:?}");
    assert!(ids(&second).is_disjoint(&ids(&first)));
}

#[test]
fn another_model_before_or_none_can_be_asked_for() {
    let shop = Shop::ordinary();
    let (_, first) = train(&shop, &["--as-of", "2024-07-20"]);
    with_k(&shop, 5);
    train(&shop, &["--as-of", "2024-08-20"]);
    with_k(&shop, 3);
    let previous = format!("models/shop/{}", first.bundle);
    let arguments = ["--as-of", "2024-08-20", "--previous", &previous];
    let (_, third) = train(&shop, &arguments);
    assert_eq!(third.previous, Some(first.bundle));
    assert!(third.of.layers.kept.len() >= 2, "{third:?}");
    assert_eq!(train(&shop, &arguments).1, third);
    let (report, fresh) = train(&shop, &["--as-of", "2024-08-20", "--fresh"]);
    let from_one = (1..=fresh.of.layers.groups.len()).map(|number| format!("L{number}"));
    assert_eq!(ids(&fresh), from_one.collect());
    assert!(fresh.warnings.is_empty() && !report.contains("Layers beside those"), "{report}");
    shop.train(&["--config", "shop.toml", "--previous", "models/none"])
        .refused(&["no bundle at models/none"]);
    shop.train(&["show", "lineage", "--bundle", "scores"]).refused(&["no lineage.json at scores"]);
}

#[test]
fn runs_at_once_both_find_their_place_in_the_lineage() {
    let shop = Shop::with_orders(&orders(90));
    let run = |seed: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_layercake-train"))
            .args(["--config", "shop.toml", "--seed", seed])
            .current_dir(shop.path(""))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children = ["1", "2", "3", "3"].map(run);
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let lineage = lineage(&shop);
    assert_eq!(lineage.entries.len(), 3);
    assert_eq!(lineage.entries.iter().filter(|entry| entry.previous.is_none()).count(), 1);
}
