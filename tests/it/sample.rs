//! The generator: the same bytes for the same seed, other kinds for another.

use std::path::Path;

use layercake::sample::{KindSource, SampleParams, write_sample};

use crate::support::Shop;

const FILES: [&str; 3] = ["orders.csv.gz", "behaviour.parquet", "truth.csv"];

fn generate(shop: &Shop, folder: &str, seed: u64, kinds: KindSource) {
    write_sample(&SampleParams { n_users: 300, seed, kinds }, &shop.path(folder)).unwrap();
}

fn hash(folder: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for name in FILES {
        hasher.update(&std::fs::read(folder.join(name)).unwrap());
    }
    hasher.finalize().to_hex().to_string()
}

#[test]
fn planted_kinds_are_the_default_and_keep_their_bytes() {
    let shop = Shop::empty();
    shop.train(&["sample", "--users", "300", "--seed", "7", "-o", "s"]).done();
    assert_eq!(
        hash(&shop.path("s")),
        "bbcae992e3f6c767fb32def38ef2e8a0ef02f94985de669748e3849fe2182643"
    );
}

#[test]
fn a_seed_draws_its_kinds() {
    let shop = Shop::empty();
    shop.train(&["sample", "--users", "300", "--seed", "7", "--kinds", "drawn", "-o", "s"]).done();
    generate(&shop, "again", 7, KindSource::Drawn);
    generate(&shop, "other", 8, KindSource::Drawn);
    assert_eq!(hash(&shop.path("s")), hash(&shop.path("again")));
    assert_eq!(shop.read("s/kinds.csv"), shop.read("again/kinds.csv"));
    assert_ne!(shop.read("s/kinds.csv"), shop.read("other/kinds.csv"));
    // Every user is of a kind that kinds.csv describes.
    let described = shop.read("s/kinds.csv");
    let truth = shop.read("s/truth.csv");
    for line in truth.lines().skip(1) {
        let (_, kind) = line.split_once(',').unwrap();
        assert!(described.lines().any(|row| row.starts_with(&format!("{kind},"))), "{line}");
    }
}

#[test]
fn no_description_of_drawn_kinds_stays_beside_planted_ones() {
    let shop = Shop::empty();
    generate(&shop, "s", 7, KindSource::Drawn);
    assert!(shop.path("s/kinds.csv").exists());
    generate(&shop, "s", 7, KindSource::Planted);
    assert!(!shop.path("s/kinds.csv").exists());
}
