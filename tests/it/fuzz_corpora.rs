//! What fuzzing looks for, looked for in every ordinary test: whatever the bytes,
//! reading them ends in a result or an error.

use std::path::PathBuf;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::support::{Shop, project};

#[path = "../../fuzz/src/lib.rs"]
mod entries;

/// Calls `entry` with every file of a corpus, and with damaged copies of it.
fn replay(target: &str, n_copies: usize, entry: fn(&[u8])) {
    let folder = project().join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "an empty corpus shows nothing");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(13);
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        entry(&bytes);
        (0..n_copies).for_each(|_| entry(&damaged(&bytes, &mut rng)));
    }
}

/// A copy with some bytes changed, and its end cut off now and then.
fn damaged(bytes: &[u8], rng: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    if copy.is_empty() {
        return vec![rng.r#gen()];
    }
    for _ in 0..rng.gen_range(1..8) {
        let place = rng.gen_range(0..copy.len());
        copy[place] =
            if rng.r#gen() { rng.r#gen() } else { *b"\",;\n[]{}=-09.".get(place % 13).unwrap() };
    }
    if rng.r#gen() {
        copy.truncate(rng.gen_range(0..copy.len()));
    }
    copy
}

#[test]
fn any_text_is_a_config_or_refused() {
    replay("config_text", 200, entries::config_text);
}

#[test]
fn any_bytes_are_a_csv_file_or_refused() {
    replay("csv_bytes", 10, entries::csv_bytes);
}

#[test]
fn any_files_are_a_bundle_or_refused() {
    replay("bundle_folder", 20, entries::bundle_folder);
}

#[test]
fn damage_to_a_bundle_never_panics() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml"]).done();
    let mut packed = Vec::new();
    for file in std::fs::read_dir(shop.bundle("models")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        packed.extend(format!("== {name}\n").into_bytes());
        packed.extend(std::fs::read(path).unwrap());
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(14);
    entries::bundle_folder(&packed);
    (0..30).for_each(|_| entries::bundle_folder(&damaged(&packed, &mut rng)));
}
