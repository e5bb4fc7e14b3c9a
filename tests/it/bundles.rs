//! A bundle is plain files: the same for the same input, refused when damaged.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Shop, project};

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let content = std::fs::read(entry.path()).unwrap();
            (entry.file_name().to_string_lossy().into_owned(), content)
        })
        .collect()
}

fn trained() -> Shop {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml"]).done();
    shop
}

#[test]
fn the_same_input_gives_the_same_bytes_with_any_number_of_threads() {
    let shop = Shop::ordinary();
    let runs = [("one", "1"), ("two", "2"), ("again", "2")];
    for (models, threads) in runs {
        shop.train(&["--config", "shop.toml", "--models", models, "--threads", threads]).done();
    }
    let expected = files(&shop.bundle("one"));
    assert_eq!(expected.len(), 16);
    for models in ["two", "again"] {
        assert_eq!(shop.bundle(models).file_name(), shop.bundle("one").file_name());
        assert!(files(&shop.bundle(models)) == expected, "{models}");
    }
}

#[test]
fn another_seed_or_end_of_data_is_another_bundle() {
    let shop = trained();
    let first = shop.bundle("models");
    shop.train(&["--config", "shop.toml", "--seed", "7"]).done();
    let second = shop.bundle("models");
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-01"]).done();
    let third = shop.bundle("models");
    assert!(first != second && second != third);
    // Older bundles stay: a nightly job may still point at them.
    assert!(first.is_dir() && second.is_dir());
    assert!(third.file_name().unwrap().to_string_lossy().starts_with("2024-08-01-"));
}

#[test]
fn a_bundle_survives_loading() {
    let shop = trained();
    let (bundle, folder) = layercake::bundle::Bundle::load(&shop.path("models/shop")).unwrap();
    assert_eq!(folder, shop.bundle("models"));
    let saved = bundle.save(&shop.path("copies")).unwrap();
    assert!(files(&saved) == files(&folder));
}

#[test]
fn a_damaged_bundle_is_refused_by_file() {
    let names: Vec<String> = files(&trained().bundle("models")).into_keys().collect();
    assert_eq!(names.len(), 16);
    for name in names.iter().filter(|name| *name != "manifest.json") {
        let shop = trained();
        let path = shop.bundle("models").join(name);
        let mut content = std::fs::read(&path).unwrap();
        let middle = content.len() / 2;
        content[middle] ^= 1;
        std::fs::write(&path, content).unwrap();
        shop.score(&["--bundle", "models/shop"]).refused(&["is damaged", name, "train again"]);
        std::fs::remove_file(&path).unwrap();
        shop.score(&["--bundle", "models/shop"]).refused(&["is damaged", name]);
        // The advice holds: training again mends it.
        if name == "rfm.json" {
            shop.train(&["--config", "shop.toml"]).done();
            shop.score(&["--bundle", "models/shop"]).done();
        }
    }
}

#[test]
fn a_newer_bundle_is_refused() {
    let shop = trained();
    let path = shop.bundle("models").join("manifest.json");
    let newer = std::fs::read_to_string(&path).unwrap().replace("\"format\": 11", "\"format\": 12");
    std::fs::write(&path, newer).unwrap();
    shop.score(&["--bundle", "models/shop"]).refused(&["bundle format 12", "reads 11", "update"]);
}

#[test]
fn an_older_bundle_is_refused_with_the_way_out() {
    let shop = trained();
    let path = shop.bundle("models").join("manifest.json");
    let older = std::fs::read_to_string(&path).unwrap().replace("\"format\": 11", "\"format\": 1");
    std::fs::write(&path, older).unwrap();
    shop.score(&["--bundle", "models/shop"]).refused(&["bundle format 1", "train again"]);
}

#[test]
fn a_truncated_manifest_is_refused() {
    let shop = trained();
    std::fs::write(shop.bundle("models").join("manifest.json"), "{\"format\": 3,").unwrap();
    shop.score(&["--bundle", "models/shop"]).refused(&["is damaged", "manifest.json"]);
}

#[test]
fn no_bundle_says_how_to_make_one() {
    Shop::empty()
        .score(&["--bundle", "models/x"])
        .refused(&["no bundle at models/x", "layercake-train"]);
}

#[test]
fn a_run_killed_half_way_leaves_no_bundle_and_harms_no_other() {
    let shop = trained();
    let first = shop.bundle("models");
    let expected = files(&first);
    // A run takes about 100 ms: some are killed before, some while writing, some are done.
    for (seed, delay_ms) in (10..250).step_by(15).enumerate() {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_layercake-train"))
            .args(["--config", "shop.toml", "--seed", &(100 + seed).to_string()])
            .current_dir(shop.path(""))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay_ms));
        let _ = child.kill();
        child.wait().unwrap();
        assert!(files(&first) == expected);
        shop.score(&["--bundle", "models/shop"]).done();
    }
}

#[test]
fn a_bundle_of_the_former_format_is_refused_with_the_next_step() {
    let shop = trained();
    for (name, content) in files(&project().join("tests/it/data/format-5")) {
        shop.write(&format!("former/{name}"), content);
    }
    for ran in [
        shop.score(&["--bundle", "former"]),
        shop.compare(&["backtest", "--bundle", "former"]),
        shop.train(&["show", "churn", "--bundle", "former"]),
    ] {
        ran.refused(&["bundle format 5 of an earlier version", "train again"]);
    }
    // Training beside it goes on, and says why ids start afresh.
    let model = shop.path("models/shop");
    std::fs::rename(shop.path("former"), model.join("2024-08-28-ae43739824")).unwrap();
    std::fs::write(model.join("latest"), "2024-08-28-ae43739824\n").unwrap();
    let report = shop.train(&["--config", "shop.toml", "--seed", "7"]).done();
    assert!(report.replace("\n  ", " ").contains("bundle format 5"), "{report}");
}
