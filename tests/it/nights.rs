//! Nights that are past: scored again as they were, and judged by what happened since.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use chrono::{Days, NaiveDate, NaiveDateTime};
use serde_json::Value;

use crate::support::{CONFIG, Ran, Shop, flat, orders, ran, scores};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One row of the orders, and when it was known.
struct Order {
    user: String,
    at: NaiveDateTime,
    known: NaiveDateTime,
    amount: String,
}

/// Orders of a small shop, of which every third arrives three days late.
fn late_orders() -> Vec<Order> {
    let moment = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
    orders(120)
        .lines()
        .skip(1)
        .enumerate()
        .map(|(row, line)| {
            let fields: Vec<&str> = line.split(',').collect();
            let at = moment(fields[1]);
            let known = at + Days::new(if row % 3 == 0 { 3 } else { 0 });
            Order { user: fields[0].into(), at, known, amount: fields[2].into() }
        })
        .collect()
}

fn csv<'a>(orders: impl Iterator<Item = &'a Order>) -> String {
    let mut text = String::from("user,at,amount,known\n");
    for Order { user, at, known, amount } in orders {
        writeln!(text, "{user},{at},{amount},{known}").unwrap();
    }
    text
}

/// A shop that knows when it knew, trained up to a day.
fn trained(trained_to: &str, orders: &[Order]) -> Shop {
    let shop = Shop::with_orders(&csv(orders.iter()));
    let config =
        CONFIG.replace("amount = \"amount\"\n", "amount = \"amount\"\navailable_at = \"known\"\n");
    shop.write("shop.toml", config);
    shop.train(&["--config", "shop.toml", "--as-of", trained_to]).done();
    shop
}

fn score(shop: &Shop, more: &[&str]) -> Ran {
    shop.score(&[&["--bundle", "models/shop"], more].concat())
}

fn summary(shop: &Shop, folder: &str) -> Value {
    serde_json::from_str(&shop.read(&format!("{folder}/_summary.json"))).unwrap()
}

#[test]
fn a_backfill_is_each_day_as_its_own_night_was() {
    let all = late_orders();
    let shop = trained("2024-08-01", &all);
    let days = ["2024-08-10", "2024-08-11", "2024-08-12", "2024-08-13"];
    // As it was: what was not known yet had not come in.
    for night in days {
        let midnight = day(night).and_time(Default::default());
        let known = all.iter().filter(|it| it.at < midnight && it.known < midnight);
        shop.write("orders.csv", csv(known));
        score(&shop, &["--as-of", night, "--encoding", "csv"]).done();
    }
    let of = |night: &str| scores(&shop, &format!("as_of={night}"));
    let own: Vec<_> = days.iter().map(|night| of(night)).collect();
    std::fs::remove_dir_all(shop.path("scores")).unwrap();
    // All of it, long after.
    shop.write("orders.csv", csv(all.iter()));
    let backfill = ["--from", days[0], "--until", days[3], "--encoding", "csv"];
    let report = score(&shop, &backfill).done();
    assert!(report.lines().all(|line| line.chars().count() <= 80), "{report}");
    assert_eq!(report.matches("published").count(), 4, "{report}");
    let mut n_late = 0;
    for (night, own) in days.iter().zip(&own) {
        assert!(of(night) == *own, "{night} differs");
        // What arrived on its last day and tells of an earlier one.
        let midnight = day(night).and_time(Default::default());
        let before = midnight - Days::new(1);
        let late =
            all.iter().filter(|it| it.at < before && it.known >= before && it.known < midnight);
        let users: std::collections::BTreeSet<&str> = late.clone().map(|it| &*it.user).collect();
        let summary = summary(&shop, &format!("scores/as_of={night}"));
        n_late += users.len();
        assert_eq!(summary["late"]["n_rows"], late.count());
        assert_eq!(summary["late"]["n_users"], users.len());
    }
    assert!(n_late > 0);
    // Each night has a record of its own, and monitoring one series of each stage.
    let run: Value = serde_json::from_str(&shop.read("scores/as_of=2024-08-13/_run.json")).unwrap();
    let stages = run["stages"].as_array().unwrap().iter();
    assert!(stages.clone().any(|it| it["stage"] == "score: scoring as of 2024-08-13"));
    assert!(!stages.clone().any(|it| it["stage"] == "score: scoring as of 2024-08-12"));
    let metrics = ["--metrics", "night.prom", "--format", "json"];
    let report = score(&shop, &[&backfill[..], &metrics[..]].concat()).done();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["nights"].as_array().unwrap().len(), 4);
    let series = |line: &&str| line.starts_with("layercake_score_duration_seconds");
    let text = shop.read("night.prom");
    let names: Vec<&str> =
        text.lines().filter(series).map(|it| it.split(' ').next().unwrap()).collect();
    let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
    assert_eq!(names.len(), distinct.len(), "{text}");
    // Once more is no work; a day that differs from the others is named, and they go on.
    let report = score(&shop, &backfill).done();
    assert_eq!(report.matches("was there").count(), 4, "{report}");
    let gates = ["--set", "input.gates.max_stale_days=1"];
    let end = ["--from", "2024-08-27", "--until", "2024-08-31"];
    let ran = score(&shop, &[&end[..], &gates[..]].concat());
    assert_eq!(ran.stdout.matches("published").count(), 2, "{}", ran.stdout);
    ran.refused_by_gate(&["3 of 5 nights are refused", "2024-08-29: ", "2024-08-31: "]);
    score(&shop, &["--from", "2024-08-02", "--until", "2024-08-01"])
        .refused(&["--from 2024-08-02 lies after --until 2024-08-01"]);
    score(&shop, &["--from", "2024-08-02"]).refused_as_typed(&["--until"]);
}

#[test]
fn scores_of_a_day_before_the_end_of_training_say_what_they_know() {
    let shop = trained("2024-08-20", &late_orders());
    let report = flat(&score(&shop, &["--as-of", "2024-08-15"]).done());
    assert!(report.contains("know what came later"), "{report}");
    assert!(!score(&shop, &["--as-of", "2024-08-20"]).done().contains("WARNING"));
}

#[test]
fn published_nights_are_judged_by_what_happened() {
    let all = late_orders();
    let shop = trained("2024-06-25", &all);
    let nights = ["--from", "2024-06-25", "--until", "2024-06-27", "--encoding", "csv"];
    score(&shop, &nights).done();
    score(&shop, &["--from", "2024-06-28", "--until", "2024-06-28"]).done();
    // Beside nights whose later rows were left out, these are odd.
    score(&shop, &["--as-of", "2024-08-20"]).refused_by_gate(&["lie after as-of", "--until"]);
    score(&shop, &["--from", "2024-08-20", "--until", "2024-08-20"]).done();
    std::fs::create_dir(shop.path("scores/as_of=2024-08-21")).unwrap();
    let judge = |more: &[&str]| shop.score(&[&["judge", "--bundle", "models/shop"], more].concat());
    let text = judge(&["--format", "json"]).done();
    let judged: Value = serde_json::from_str(&text).unwrap();
    let found = judged["nights"].as_array().unwrap();
    assert_eq!(found.len(), 4, "{text}");
    for (night, judged) in ["2024-06-25", "2024-06-26", "2024-06-27"].iter().zip(found) {
        // Counted anew from the scores and the orders.
        let (from, to) = (day(night), day(night) + Days::new(30));
        let ordered = |user: &str| {
            all.iter().any(|it| it.user == user && it.at.date() >= from && it.at.date() < to)
        };
        let rows = scores(&shop, &format!("as_of={night}"));
        let of_user = |(user, row): (&String, &BTreeMap<String, String>)| {
            let probability: f64 = row["churn_probability"].parse().ok()?;
            Some((probability, row["at_risk"] == "true", !ordered(user)))
        };
        let users: Vec<(f64, bool, bool)> = rows.iter().filter_map(of_user).collect();
        let number = |key: &str| {
            let found = &judged[key];
            found.as_f64().or_else(|| found["value"].as_f64()).unwrap_or_else(|| panic!("{key}"))
        };
        let n = users.len() as f64;
        assert_eq!(judged["n_users"], users.len());
        let truth = |it: &(f64, bool, bool)| f64::from(u8::from(it.2));
        let close = |key: &str, expected: f64| {
            assert!((number(key) - expected).abs() < 1e-9, "{key}: {} {expected}", number(key));
        };
        close("churn_rate", users.iter().map(truth).sum::<f64>() / n);
        close("mean_probability", users.iter().map(|it| it.0).sum::<f64>() / n);
        close("brier", users.iter().map(|it| (it.0 - truth(it)).powi(2)).sum::<f64>() / n);
        let brier_expected = users.iter().map(|it| it.0 * (1.0 - it.0)).sum::<f64>() / n;
        assert!((number("brier_expected") - brier_expected).abs() < 1e-6);
        let (mut ordered_pairs, mut pairs) = (0.0, 0.0);
        for a in users.iter().filter(|it| it.2) {
            for b in users.iter().filter(|it| !it.2) {
                pairs += 1.0;
                ordered_pairs += if a.0 > b.0 {
                    1.0
                } else if a.0 == b.0 {
                    0.5
                } else {
                    0.0
                };
            }
        }
        close("roc_auc", ordered_pairs / pairs);
        let end = |end: &str| judged["roc_auc"][end].as_f64().unwrap();
        assert!(end("low") <= number("roc_auc") && number("roc_auc") <= end("high"));
        let flagged: Vec<_> = users.iter().filter(|it| it.1).collect();
        assert_eq!(judged["n_flagged"], flagged.len());
        if !flagged.is_empty() {
            let right = flagged.iter().filter(|it| it.2).count() as f64;
            close("flag_precision", right / flagged.len() as f64);
        }
    }
    let unjudged = judged["unjudged"].as_array().unwrap();
    assert_eq!(unjudged.len(), 2);
    assert!(unjudged[0]["reason"].as_str().unwrap().contains("horizon ends on 2024-09-19"));
    assert!(unjudged[1]["reason"].as_str().unwrap().contains("not published"));
    let layers = judged["layers"].as_array().unwrap();
    let n_users: u64 = layers.iter().map(|it| it["n_users"].as_u64().unwrap()).sum();
    assert_eq!(n_users, found.iter().map(|it| it["n_users"].as_u64().unwrap()).sum::<u64>());
    // For people, within 80 columns, in both languages.
    for lang in ["en", "zh"] {
        let report = judge(&["--lang", lang]).done();
        assert!(report.contains("2024-06-27") && report.contains("2024-09-19"), "{report}");
    }
    assert!(judge(&[]).done().lines().all(|line| line.chars().count() <= 80));
    // A feed of orders that ends earlier than others is no churn.
    let known = ["--known-to", "2024-07-26"];
    let report = flat(&judge(&known).done());
    assert!(report.contains("what happened is known to 2024-07-26"), "{report}");
    let views = "
[[source]]
path = \"views.csv\"
name = \"views\"
user = \"user\"
time = \"at\"
event = \"'view'\"
";
    shop.write("views.csv", "user,at\n1,2024-08-27 10:00:00\n");
    let until = day("2024-07-20").and_time(Default::default());
    shop.write("some.csv", csv(all.iter().filter(|it| it.at < until)));
    let config = shop.read("shop.toml").replace("orders.csv", "some.csv");
    shop.write("some.toml", config.replace("\n[snapshots]", &format!("{views}\n[snapshots]")));
    let report = flat(&judge(&["--config", "some.toml"]).done());
    assert!(report.contains("no night can be judged yet"), "{report}");
    // Nor are nights whose model knew what came.
    let later = Shop::empty();
    for file in ["orders.csv", "shop.toml"] {
        later.write(file, shop.read(file));
    }
    later.train(&["--config", "shop.toml", "--as-of", "2024-08-01"]).done();
    score(&later, &["--from", "2024-06-25", "--until", "2024-06-25"]).done();
    let report = flat(&later.score(&["judge", "--bundle", "models/shop"]).done());
    assert!(report.contains("was trained on data up to 2024-08-01"), "{report}");
    // Scores that someone changed are not judged in silence.
    let file = shop.path("scores/as_of=2024-06-25/scores.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("true", "false", 1)).unwrap();
    let report = flat(&judge(&[]).done());
    assert!(report.contains("scores.csv can't be read"), "{report}");
    assert!(report.contains("bytes instead of"), "{report}");
    assert!(judge(&["--from", "2024-06-26"]).code == Some(0));
    judge(&["--scores", "nowhere"]).refused(&["no scores are published in nowhere"]);
    // Nights of a bundle that is gone are named.
    let bundle = shop.bundle("models");
    let moved = shop.path("elsewhere").join(bundle.file_name().unwrap());
    std::fs::create_dir_all(moved.parent().unwrap()).unwrap();
    shop.write("other.toml", shop.read("shop.toml") + "[silence]\ndays = 200\n");
    shop.train(&["--config", "other.toml", "--as-of", "2024-06-25"]).done();
    std::fs::rename(&bundle, &moved).unwrap();
    judge(&["--from", "2024-06-26"]).refused(&["none of the nights in scores", "models/shop"]);
    score(&shop, &["--from", "2024-06-25", "--until", "2024-06-25"]).done();
    let report = flat(&judge(&[]).done());
    assert!(report.contains("its bundle is needed at"), "{report}");
}

#[test]
fn who_changed_layer_since_the_night_before_is_told_with_why() {
    let shop = trained("2024-08-01", &late_orders());
    score(&shop, &["--as-of", "2024-08-09", "--encoding", "csv"]).done();
    let report = flat(&score(&shop, &["--as-of", "2024-08-10", "--encoding", "csv"]).done());
    let of = |night: &str| scores(&shop, &format!("as_of={night}"));
    let (then, now) = (of("2024-08-09"), of("2024-08-10"));
    let both = now.keys().filter(|user| then.contains_key(*user)).count();
    let moved = now.iter().filter(|(user, row)| {
        then.get(*user).is_some_and(|before| before["layer_id"] != row["layer_id"])
    });
    let told = &summary(&shop, "scores/as_of=2024-08-10")["moved"];
    assert_eq!(
        (told["since"].as_str(), told["same_model"].as_bool()),
        (Some("2024-08-09"), Some(true))
    );
    assert_eq!(told["n_users"], both);
    assert_eq!(told["layers"]["n_users"], moved.count());
    assert_eq!(told["layers"]["by_users"], told["layers"]["share"]);
    assert!(report.contains("since 2024-08-09: "), "{report}");
    // Another model: what users move on other nights is theirs, and the rest is the model's.
    shop.write("other.toml", shop.read("shop.toml").replace("k = 3", "k = 4"));
    shop.train(&["--config", "other.toml", "--as-of", "2024-08-01", "--fresh"]).done();
    let report = flat(&score(&shop, &["--as-of", "2024-08-11"]).done());
    let told = &summary(&shop, "scores/as_of=2024-08-11")["moved"];
    assert_eq!(told["same_model"], false);
    let number = |key: &str| told["layers"][key].as_f64().unwrap();
    assert!((number("by_users") + number("by_model") - number("share")).abs() < 1e-12);
    assert!(report.contains("the model or its review is another one"), "{report}");
}

#[test]
fn a_log_has_one_object_a_line_and_lineage_two_events_a_run() {
    let shop = trained("2024-08-01", &late_orders());
    let night = ["--as-of", "2024-08-10", "--quiet", "--openlineage", "runs.jsonl"];
    let ran = score(&shop, &[&night[..], &["--log", "json"]].concat());
    assert_eq!((ran.code, &*ran.stdout), (Some(0), ""));
    let events: Vec<Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let begins = |it: &&Value| it["message"] == "stage begins";
    let ended = |it: &&Value| it["message"] == "stage ended" && it["seconds"].as_f64() >= Some(0.0);
    assert_eq!(events.iter().filter(begins).count(), events.iter().filter(ended).count());
    assert!(events.iter().any(|it| it["stage"] == "reading the data"));
    // A run that fails ends with its error, in the log and in lineage.
    std::fs::write(shop.path("orders.csv"), "user,at,amount,known\n").unwrap();
    let ran = score(&shop, &[&night[..], &["--log", "text"]].concat());
    assert!(ran.code != Some(0));
    let last = ran.stderr.lines().last().unwrap();
    assert!(last.contains("ERROR") && last.contains("orders.csv"), "{}", ran.stderr);
    let text = shop.read("runs.jsonl");
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = events.iter().map(|it| it["eventType"].as_str().unwrap()).collect();
    assert_eq!(types, ["START", "COMPLETE", "START", "FAIL"]);
    assert_eq!(events[0]["run"]["runId"], events[1]["run"]["runId"]);
    assert_ne!(events[1]["run"]["runId"], events[2]["run"]["runId"]);
    let (input, output) = (&events[1]["inputs"][0], &events[1]["outputs"][0]);
    assert_eq!(input["name"], "orders.csv");
    assert!(input["inputFacets"]["inputStatistics"]["rowCount"].as_u64() > Some(100));
    assert_eq!(output["outputFacets"]["outputStatistics"]["rowCount"], 120);
    assert!(events[3]["run"]["facets"]["errorMessage"]["message"].is_string());
}

/// In a mount namespace of its own, which some systems do not grant.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_a_folder_that_cannot_be_written_leave_what_was_published() {
    let shop = trained("2024-08-01", &late_orders());
    score(&shop, &["--as-of", "2024-08-10", "--out", "before"]).done();
    let program = env!("CARGO_BIN_EXE_layercake-score");
    let run = |mount: &str| {
        let script = format!(
            "mkdir -p out && {mount} && exec {program} --bundle models/shop --as-of 2024-08-10 --out out"
        );
        ran(Command::new("unshare").args(["-rm", "sh", "-c", &script]).current_dir(shop.path("")))
    };
    if Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|it| it.success()) {
        let full = run("mount -t tmpfs -o size=40k tmpfs out");
        full.try_again(&["can't write", "out"]);
        let mount = "mount -t tmpfs tmpfs out && cp -r before/* out && mount -o remount,ro out";
        run(mount).refused(&["can't write", "out", "Read-only file system"]);
        return;
    }
    eprintln!("skipped: this system grants no mount namespace");
}
