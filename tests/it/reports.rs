//! What every command prints is part of the product: a change shows in review.
//! `INSTA_UPDATE=always cargo test reports` writes the files anew.

use std::sync::OnceLock;

use crate::support::{CONFIG, Shop};

/// A shop that asks for more kinds than its few users would have.
fn shop() -> Shop {
    let shop = Shop::ordinary();
    shop.write("shop.toml", format!("{CONFIG}\n[kinds]\nk = {{ min = 3, max = 4 }}\n"));
    shop
}

/// A trained model; its lists of figures are the same on every machine.
fn trained() -> &'static Shop {
    static SHOP: OnceLock<Shop> = OnceLock::new();
    SHOP.get_or_init(|| {
        let shop = shop();
        let mut groups = String::from("user_id,group\n");
        (0..120).for_each(|user| groups += &format!("{user},{}\n", user % 3));
        shop.write("groups.csv", groups);
        shop.train(&["--config", "shop.toml", "--as-of", "2024-07-20", "--quiet"]).done();
        shop.train(&["--config", "shop.toml", "--quiet"]).done();
        shop
    })
}

/// The text without what differs from run to run: names of bundles end in a hash of
/// the model, and memory is what the system gave.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for line in text.lines() {
        match line.contains("peak memory") || line.contains("内存峰值") {
            true => masked.push_str("  (memory)\n"),
            false => masked.push_str(&(without_hashes(line) + "\n")),
        }
    }
    masked
}

/// `2024-08-28-0123456789` → `2024-08-28-(hash)`
fn without_hashes(line: &str) -> String {
    let is_hash = |word: &str| word.len() == 10 && word.chars().all(|it| it.is_ascii_hexdigit());
    let mut text = line.to_owned();
    for word in line.split(|it: char| !it.is_ascii_alphanumeric()) {
        if is_hash(word) {
            text = text.replace(word, "(hash)");
        }
    }
    text
}

fn shows(name: &str, text: &str) {
    let width = |line: &str| line.chars().map(|it| if it < '\u{2e80}' { 1 } else { 2 }).sum();
    let widest: usize = text.lines().map(width).max().unwrap_or(0);
    assert!(widest <= 80, "{widest} columns: {text}");
    insta::assert_snapshot!(format!("report_{name}"), masked(text));
}

#[test]
fn what_training_and_scoring_print() {
    for lang in ["en", "zh"] {
        let shop = shop();
        let train = shop.train(&["--config", "shop.toml", "--lang", lang]).done();
        shows(&format!("train_{lang}"), &train);
        shows(&format!("review_{lang}"), &{
            let review = ["review", "--bundle", "models/shop", "--lang", lang];
            shop.train(&review).done() + &shop.train(&review).done()
        });
        let score = shop.score(&["--bundle", "models/shop", "--lang", lang]).done();
        shows(&format!("score_{lang}"), &score);
        let features =
            ["features", "--bundle", "models/shop", "-o", "matrix.parquet", "--lang", lang];
        shows(&format!("features_{lang}"), &shop.train(&features).done());
    }
}

#[test]
fn what_looking_at_a_model_prints() {
    for lang in ["en", "zh"] {
        for part in ["layers", "kinds", "churn", "lineage"] {
            let show = ["show", part, "--bundle", "models/shop", "--lang", lang];
            shows(&format!("show_{part}_{lang}"), &trained().train(&show).done());
        }
    }
    let features = ["show", "features", "--bundle", "models/shop", "--lang", "zh"];
    let text = trained().train(&features).done();
    let start: Vec<&str> = text.lines().take(40).collect();
    shows("show_features_zh", &start.join("\n"));
}

#[test]
fn what_comparing_prints() {
    for lang in ["en", "zh"] {
        for (name, command) in [
            ("backtest", &["backtest", "--reference-groups", "groups.csv"][..]),
            ("stability", &["stability", "--refits", "2"]),
            ("stability_of_kinds", &["stability", "--of", "kinds", "--refits", "2"]),
            ("groups", &["groups"]),
            ("migration", &["migration", "--by", "lifecycle"]),
            ("migration_of_kind_tiers", &["migration", "--by", "kind_tiers"]),
            ("moves", &["moves", "--by", "lifecycle"]),
        ] {
            let base = ["--bundle", "models/shop", "--lang", lang];
            let text = trained().compare(&[command, &base].concat()).done();
            shows(&format!("{name}_{lang}"), &text);
        }
    }
}

#[test]
fn programs_read_the_same_keys_in_every_language() {
    let keys = |lang: &str| {
        let show = ["show", "churn", "--bundle", "models/shop", "--format", "json"];
        let text = trained().train(&[&show[..], &["--lang", lang]].concat()).done();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let keys = value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        (keys, value["flags"][0]["method"].clone())
    };
    assert_eq!(keys("en"), keys("zh"));
    assert_eq!(keys("en").1, "share");
}

#[test]
fn an_unknown_language_or_format_is_refused_with_those_there_are() {
    for (option, value, there_are) in
        [("--lang", "fr", "[possible values: en, zh]"), ("--format", "xml", "text, json, csv")]
    {
        let ran = trained().train(&["show", "layers", "--bundle", "models/shop", option, value]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(there_are), "{}", ran.stderr);
    }
}

#[test]
fn quiet_prints_nothing_and_timings_do_not_disturb_the_report() {
    let quiet = trained().compare(&["groups", "--bundle", "models/shop", "--quiet"]);
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (Some(0), "", ""));
    let timed =
        trained().compare(&["groups", "--bundle", "models/shop", "--format", "csv", "--timings"]);
    assert!(timed.stderr.contains("reading the data") && timed.stderr.contains("in all"));
    assert!(timed.stdout.starts_with("grouping,group,"), "{}", timed.stdout);
}
