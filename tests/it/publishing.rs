//! Parts make what one run makes; scores are published whole, once, and one run at a time.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{CONFIG, Shop, flat, orders};

const DAY: &str = "as_of=2024-08-28";
const NIGHT: [&str; 4] = ["--bundle", "models/shop", "--as-of", "2024-08-28"];

fn trained(orders: &str) -> Shop {
    let shop = Shop::with_orders(orders);
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28"]).done();
    shop
}

fn score(shop: &Shop, more: &[&str]) -> crate::support::Ran {
    shop.score(&[&NIGHT[..], more].concat())
}

fn finish(shop: &Shop, parts: &str, more: &[&str]) -> crate::support::Ran {
    shop.score(&[&["--bundle", "models/shop", "--finish", parts], more].concat())
}

fn summary(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("_summary.json")).unwrap()).unwrap()
}

/// What a reader may believe: a summary, and scores that are as it says.
fn is_published(folder: &Path) -> bool {
    let Ok(text) = std::fs::read(folder.join("_summary.json")) else { return false };
    let summary: Value = serde_json::from_slice(&text).expect("a summary is whole");
    let scores = &summary["scores"];
    let file = std::fs::read(folder.join(scores["name"].as_str().unwrap())).unwrap();
    let hash = blake3::hash(&file).to_hex().to_string();
    assert_eq!(scores["blake3"], hash.as_str(), "scores are not those of the summary");
    assert_eq!(scores["bytes"], file.len());
    true
}

#[test]
fn parts_make_what_one_run_makes() {
    // Text ids of several lengths, and users whose probabilities are equal.
    let texts: String = orders(300)
        .lines()
        .enumerate()
        .map(|(row, line)| if row == 0 { format!("{line}\n") } else { format!("顾客-{line}\n") })
        .collect();
    for (orders, with_bad_row) in [(orders(300), true), (texts, false)] {
        let shop = trained(&orders);
        if with_bad_row {
            shop.write("orders.csv", shop.read("orders.csv") + ",2024-08-01,5\n");
        }
        score(&shop, &[]).done();
        for n_parts in [1, 3, 64] {
            let folder = format!("runs/{n_parts}");
            for number in 1..=n_parts {
                let part = format!("{number}/{n_parts}");
                let report = score(&shop, &["--part", &part, "--out", &folder]).done();
                assert!(report.contains(&format!("of part {part} scored as of 2024-08-28")));
            }
            let out = format!("by-{n_parts}");
            let report = finish(&shop, &folder, &["--out", &out]).done();
            assert!(report.contains("300 users scored as of 2024-08-28"), "{report}");
            for file in ["scores.parquet", "_summary.json", "_quarantine.csv"] {
                let read = |out: &str| std::fs::read(shop.path(&format!("{out}/{DAY}/{file}")));
                assert!(read("scores").ok() == read(&out).ok(), "{n_parts} parts: {file}");
            }
            assert_eq!(shop.path(&format!("scores/{DAY}/_quarantine.csv")).exists(), with_bad_row);
        }
        finish(&shop, "runs/3", &["--out", "csv", "--encoding", "csv"]).done();
        score(&shop, &["--out", "one-csv", "--encoding", "csv"]).done();
        let csv = |out: &str| shop.read(&format!("{out}/{DAY}/scores.csv"));
        assert_eq!(csv("csv"), csv("one-csv"));
    }
}

#[test]
fn parts_that_do_not_belong_together_are_named() {
    let shop = trained(&orders(60));
    let part = |number: &str, out: &str| score(&shop, &["--part", number, "--out", out]).done();
    finish(&shop, "runs", &[]).refused(&["runs", "can't be read"]);
    part("1/3", "runs");
    part("3/3", "runs");
    finish(&shop, "runs", &[]).refused(&["no receipt of 2/3", "run what is missing"]);
    // Another day.
    let other_day = ["--bundle", "models/shop", "--as-of", "2024-08-27"];
    shop.score(&[&other_day[..], &["--part", "2/3", "--out", "runs"]].concat()).done();
    finish(&shop, "runs", &[]).refused(&["parts 1/3 and 2/3 differ in the as-of date"]);
    // Other input.
    let known = shop.read("orders.csv");
    shop.write("orders.csv", format!("{known}7,2024-08-20,3\n"));
    part("2/3", "runs");
    finish(&shop, "runs", &[]).refused(&["parts 1/3 and 2/3 differ in the input files"]);
    shop.write("orders.csv", &known);
    part("2/3", "runs");
    // Another way of cutting users into parts.
    part("1/2", "runs");
    finish(&shop, "runs", &[]).refused(&["a folder of its own"]);
    std::fs::remove_file(shop.path("runs/part-001-of-002.json")).unwrap();
    // A file that was changed, and one that another part wrote.
    let file = shop.path("runs/part-002-of-003.parquet");
    let whole = std::fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    std::fs::write(&file, damaged).unwrap();
    finish(&shop, "runs", &[]).refused(&["part-002-of-003.parquet", "run part 2/3 again"]);
    std::fs::copy(shop.path("runs/part-001-of-003.parquet"), &file).unwrap();
    let receipt = |number: u32| shop.path(&format!("runs/part-00{number}-of-003.json"));
    let read = |number| serde_json::from_slice::<Value>(&std::fs::read(receipt(number)).unwrap());
    let (first, second) = (read(1).unwrap(), read(2).unwrap());
    let mut forged = second.clone();
    for key in ["bytes", "blake3"] {
        forged["rows"][key] = first["rows"][key].clone();
    }
    std::fs::write(receipt(2), serde_json::to_vec(&forged).unwrap()).unwrap();
    finish(&shop, "runs", &[]).refused(&["user ", "does not belong there; run part 2/3 again"]);
    // Another bundle.
    std::fs::write(&file, whole).unwrap();
    std::fs::write(receipt(2), serde_json::to_vec(&second).unwrap()).unwrap();
    shop.write("other.toml", CONFIG.replace("\"shop\"", "\"other\"") + "[silence]\ndays = 200\n");
    shop.train(&["--config", "other.toml", "--as-of", "2024-08-28"]).done();
    shop.score(&["--bundle", "models/other", "--finish", "runs"])
        .refused(&["were scored by bundle", "give the same --bundle"]);
    assert!(!shop.path(&format!("scores/{DAY}")).exists());
    finish(&shop, "runs", &[]).done();
    score(&shop, &["--part", "0/3"]).refused_as_typed(&["NUMBER/OF", "such as 3/16"]);
}

#[test]
fn the_same_night_again_is_no_work_and_other_input_leaves_a_line() {
    let shop = trained(&orders(60));
    let folder = shop.path(&format!("scores/{DAY}"));
    score(&shop, &[]).done();
    assert!(is_published(&folder));
    let written = |file: &str| folder.join(file).metadata().unwrap().modified().unwrap();
    let before = (written("scores.parquet"), written("_summary.json"));
    let again = flat(&score(&shop, &["--threads", "1"]).done());
    assert!(again.contains("nothing was done"), "{again}");
    assert_eq!((written("scores.parquet"), written("_summary.json")), before);
    assert!(!shop.path("scores/_history.jsonl").exists());
    // Scores that someone changed are no scores of that input.
    let scores = folder.join("scores.parquet");
    let whole = std::fs::read(&scores).unwrap();
    std::fs::write(&scores, &whole[1..]).unwrap();
    assert!(!flat(&score(&shop, &[]).done()).contains("nothing was done"));
    assert!(std::fs::read(&scores).unwrap() == whole);
    // Late rows.
    let old = summary(&folder);
    shop.write("orders.csv", shop.read("orders.csv") + "7,2024-08-20,3\n");
    score(&shop, &[]).done();
    assert!(is_published(&folder));
    let history = shop.read("scores/_history.jsonl");
    assert_eq!(history.lines().count(), 1, "{history}");
    let line: Value = serde_json::from_str(history.trim()).unwrap();
    assert_eq!(line["as_of"], "2024-08-28");
    assert_eq!(line["replaced"]["scores"], old["scores"]);
    assert_eq!(line["replaced"]["key"], old["key"]);
    assert_eq!(line["by"], summary(&folder)["key"]);
    // A review is part of what scores follow from.
    shop.write("models/shop/layers.toml", "[[layer]]\nid = \"L1\"\nname = \"The best\"\n");
    assert!(!flat(&score(&shop, &[]).done()).contains("nothing was done"));
    assert_eq!(shop.read("scores/_history.jsonl").lines().count(), 2);
}

#[test]
fn one_run_at_a_time() {
    let shop = trained(&orders(60));
    std::fs::create_dir_all(shop.path("scores")).unwrap();
    let lock = std::fs::File::create(shop.path("scores/.layercake-lock")).unwrap();
    lock.lock().unwrap();
    score(&shop, &[]).try_again(&["scores", "another run is at work there"]);
    drop(lock);
    score(&shop, &[]).done();
}

#[test]
fn runs_killed_at_any_moment_leave_nothing_torn_and_the_next_is_as_if_they_had_not_been() {
    let shop = trained(&orders(200));
    let folder = shop.path(&format!("scores/{DAY}"));
    let start = std::time::Instant::now();
    score(&shop, &["--out", "elsewhere"]).done();
    let whole_run = start.elapsed();
    let expected = std::fs::read(shop.path(&format!("elsewhere/{DAY}/scores.parquet"))).unwrap();
    let formats = ["parquet", "csv"];
    let n_runs = 50;
    for run in 0..n_runs {
        // The other format each time, so that there is always something to do.
        let mut child = Command::new(env!("CARGO_BIN_EXE_layercake-score"))
            .args(NIGHT)
            .args(["--encoding", formats[run % 2]])
            .current_dir(shop.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Most moments in the second half, where files are put in their places.
        let share = 0.5 + 0.55 * (run * 29 % n_runs) as f64 / n_runs as f64;
        std::thread::sleep(whole_run.mul_f64(if run % 10 == 0 { share - 0.5 } else { share }));
        let _ = child.kill();
        child.wait().unwrap();
        is_published(&folder);
    }
    score(&shop, &["--encoding", "csv"]).done();
    score(&shop, &[]).done();
    assert!(is_published(&folder));
    assert!(std::fs::read(folder.join("scores.parquet")).unwrap() == expected);
    let left: Vec<String> = [shop.path("scores"), folder]
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let mut left: Vec<&str> = left.iter().map(String::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, [".layercake-lock", "_run.json", "_summary.json", DAY, "scores.parquet"]);
    let run: Value = serde_json::from_str(&shop.read(&format!("scores/{DAY}/_run.json"))).unwrap();
    assert!(run["seconds"].as_f64().unwrap() > 0.0 && run["stages"].as_array().unwrap().len() > 3);
}
