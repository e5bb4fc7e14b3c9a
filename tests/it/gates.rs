//! A night whose input is unlike that of other nights is refused, with all that is odd.

use std::fmt::Write;

use chrono::{Days, NaiveDate};
use serde_json::Value;

use crate::support::{CONFIG, Ran, Shop, flat, orders};

const SOURCES: &str = "
[[source]]
path = \"views.csv\"
name = \"views\"
user = \"user\"
time = \"at\"
event = \"what\"
dwell_s = \"seconds\"
";

fn first_night() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 8, 20).unwrap()
}

fn night(number: u64) -> NaiveDate {
    first_night() + Days::new(number)
}

/// What was viewed up to a night; the last day may be changed.
fn views(until: NaiveDate, last_day: impl Fn(&mut Vec<[String; 4]>)) -> String {
    let mut text = String::from("user,at,what,seconds\n");
    for back in (1..=60).rev() {
        let day = until - Days::new(back);
        let row = |row: u64| {
            let n = back * 7 + row;
            let at = format!("{day} {:02}:{:02}:00", 8 + row % 12, n % 60);
            let what = if row.is_multiple_of(9) { "cart" } else { "view" };
            [(n % 120).to_string(), at, what.into(), (n % 300).to_string()]
        };
        let n_rows = 550 + u64::from(back as u32 * 13 % 40);
        let mut rows: Vec<[String; 4]> = (0..n_rows).map(row).collect();
        if back == 1 {
            last_day(&mut rows);
        }
        rows.iter().for_each(|row| writeln!(text, "{}", row.join(",")).unwrap());
    }
    text
}

/// A shop whose first nights were ordinary.
fn shop(n_nights: u64) -> Shop {
    let shop = Shop::with_orders(&orders(120));
    shop.write("shop.toml", format!("{CONFIG}{SOURCES}"));
    shop.write("views.csv", views(first_night(), |_| ()));
    shop.train(&["--config", "shop.toml", "--as-of", &first_night().to_string()]).done();
    for number in 0..n_nights {
        shop.write("views.csv", views(night(number), |_| ()));
        score(&shop, night(number), &[]).done();
    }
    shop
}

fn score(shop: &Shop, night: NaiveDate, more: &[&str]) -> Ran {
    let as_of = night.to_string();
    shop.score(&[&["--bundle", "models/shop", "--as-of", &as_of], more].concat())
}

#[test]
fn every_odd_night_is_refused_and_the_old_scores_stand() {
    let shop = shop(4);
    let tonight = night(4);
    let folder = shop.path(&format!("scores/as_of={tonight}"));
    let with = |change: &dyn Fn(&mut Vec<[String; 4]>)| {
        shop.write("views.csv", views(tonight, change));
        score(&shop, tonight, &[])
    };
    // A feed that died, and one of which half came.
    with(&Vec::clear).refused_by_gate(&[
        "(1) rows_last_day:views: 0 rows on the last day of source `views`, usually 5",
        "see whether the feed is complete",
        "newest_day:views: the newest row of source `views` is of 2024-08-22, 2 days before as-of",
        "lost_event:view: no event `view` on the last day",
    ]);
    with(&|rows| rows.truncate(200)).refused_by_gate(&["rows_last_day:views: 200 rows"]);
    // Delivered twice.
    with(&|rows| rows.extend([rows.clone(), rows.clone()].concat()))
        .refused_by_gate(&["rows_last_day:views", "delivered twice"]);
    let twice = views(tonight, |_| ());
    let body = twice.split_once('\n').unwrap().1;
    shop.write("views.csv", format!("{twice}{body}{body}"));
    score(&shop, tonight, &[]).refused_by_gate(&["rows:views: "]);
    // A column without values.
    shop.write(
        "views.csv",
        views(tonight, |_| ())
            .lines()
            .enumerate()
            .map(|(n, row)| match n > 0 && n % 5 > 0 {
                true => format!("{},\n", row.rsplit_once(',').unwrap().0),
                false => format!("{row}\n"),
            })
            .collect::<String>(),
    );
    score(&shop, tonight, &[]).refused_by_gate(&[
        "nulls:views.dwell_s: 80.0 % of `views.dwell_s` are empty, usually 0.0 %",
    ]);
    // Another time zone: the day's rows come a day late, or early.
    with(&|rows| {
        rows.iter_mut().for_each(|row| row[1] = row[1].replace("2024-08-23", "2024-08-24"));
    })
    .refused_by_gate(&["rows_after_as_of:views: 5", "time zone"]);
    with(&|rows| {
        rows.iter_mut().for_each(|row| row[1] = row[1].replace("2024-08-23", "2024-08-22"));
    })
    .refused_by_gate(&["rows_last_day:views: 0 rows"]);
    // A clock that is years ahead: such rows are set aside, and missed.
    with(&|rows| {
        rows.iter_mut().for_each(|row| row[1] = row[1].replace("2024-08-23", "2999-08-23"));
    })
    .refused_by_gate(&["time in the future (5", "rows of `views`", "max_rejected_share"]);
    // An event that was renamed.
    let renamed = |rows: &mut Vec<[String; 4]>| {
        rows.iter_mut().for_each(|row| row[2] = row[2].replace("cart", "basket"));
    };
    with(&renamed).refused_by_gate(&["lost_event:cart: no event `cart`", "was renamed"]);
    // Nothing was published, and alarms are kept with the night they are first of.
    assert!(!folder.exists());
    let alarms: Value = serde_json::from_str(&shop.read("scores/_alarms.json")).unwrap();
    assert_eq!(alarms["lost_event:cart"], "2024-08-24");
    // The next night says since when; whoever knows of it lets it through.
    shop.write("views.csv", views(night(5), renamed));
    score(&shop, night(5), &[]).refused_by_gate(&["lost_event:cart", "(since 2024-08-24)"]);
    let known = "input.gates.acknowledge_until={ \"lost_event:cart\" = \"2024-08-25\" }";
    let report = flat(&score(&shop, night(5), &["--set", known]).done());
    assert!(report.contains("acknowledged until 2024-08-25"), "{report}");
    assert!(report.contains("the event `basket` was never there before"), "{report}");
    let summary = shop.read("scores/as_of=2024-08-25/_summary.json");
    assert!(summary.contains("\"gate\": \"new_event\""), "{summary}");
    // An ordinary night has none.
    shop.write("views.csv", views(tonight, |_| ()));
    assert!(!score(&shop, tonight, &[]).done().contains("WARNING"));
    // Alarms are those of the latest night, whatever was mended of an earlier one.
    assert!(shop.read("scores/_alarms.json").contains("lost_event:cart"));
    shop.write("views.csv", views(night(6), |_| ()));
    assert!(!score(&shop, night(6), &[]).done().contains("WARNING"));
    assert_eq!(shop.read("scores/_alarms.json").trim(), "{}");
}

#[test]
fn parts_are_gated_when_they_are_put_together() {
    let shop = shop(3);
    shop.write("views.csv", views(night(3), |rows| rows.truncate(100)));
    for part in ["1/2", "2/2"] {
        score(&shop, night(3), &["--part", part, "--out", "runs"]).done();
    }
    shop.score(&["--bundle", "models/shop", "--finish", "runs"])
        .refused_by_gate(&["rows_last_day:views: 100 rows"]);
}

#[test]
fn gates_that_do_not_exist_cannot_be_acknowledged() {
    let shop = shop(0);
    let set = "input.gates.acknowledge_until={ \"row:orders\" = \"2024-08-25\" }";
    score(&shop, night(1), &["--set", set]).refused(&[
        "acknowledge_until",
        "got \"row:orders\"",
        "rows_last_day",
    ]);
    let set = "input.gates.acknowledge_until={ \"rows:orders\" = \"soon\" }";
    score(&shop, night(1), &["--set", set]).refused(&["must be a day such as"]);
}

#[test]
fn users_who_are_no_longer_like_those_of_training_are_an_alarm_the_second_night() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28"]).done();
    let scored = |day: &str| {
        let as_of = ["--bundle", "models/shop", "--as-of", day];
        let stale = ["--set", "input.gates.max_stale_days=100"];
        let report = flat(&shop.score(&[&as_of[..], &stale[..]].concat()).done());
        let text = shop.read(&format!("scores/as_of={day}/_summary.json"));
        let summary: Value = serde_json::from_str(&text).unwrap();
        let drift = summary["drift"].as_array().unwrap().clone();
        let has = |column: &str, key: &str| {
            let found = drift.iter().find(|it| it["column"] == column);
            found.unwrap_or_else(|| panic!("{column} is not watched"))[key] == true
        };
        (report, has("churn_probability", "is_noticed"), has("churn_probability", "is_alarm"))
    };
    // The night on which training ended is as training was.
    let (report, is_noticed, _) = scored("2024-08-28");
    assert!(!is_noticed && !report.contains("drift"), "{report}");
    // Nobody has ordered for two months.
    let (report, is_noticed, is_alarm) = scored("2024-10-27");
    assert!(is_noticed && !is_alarm && !report.contains("drift: "), "{report}");
    // A run that was killed as it began to publish is no night.
    std::fs::create_dir(shop.path("scores/as_of=2024-10-28")).unwrap();
    let (report, _, is_alarm) = scored("2024-10-29");
    assert!(is_alarm && report.contains("drift: `churn_probability` has moved"), "{report}");
}

#[test]
fn monitoring_is_told_of_every_run() {
    let shop = shop(3);
    let run = |night, last_day: &dyn Fn(&mut Vec<[String; 4]>)| {
        shop.write("views.csv", views(night, last_day));
        let ran = score(&shop, night, &["--metrics", "night.prom"]);
        let text = shop.read("night.prom");
        let value = |name: &str| -> f64 {
            let name = format!("layercake_score_{name} ");
            let lines: Vec<&str> = text.lines().filter(|it| it.starts_with(&name)).collect();
            assert_eq!(lines.len(), 1, "{name}: {text}");
            lines[0].rsplit_once(' ').unwrap().1.parse().unwrap()
        };
        let figures = ["last_exit_code", "as_of_timestamp_seconds", "users"].map(value);
        assert!(value("last_run_timestamp_seconds") >= value("last_success_timestamp_seconds"));
        assert_eq!(value("rejected_rows{source=\"views\"}"), 0.0);
        assert!(value("psi{column=\"churn_probability\"}") >= 0.0);
        // Every name has a type, every line a value, and the file ends with a line feed.
        assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
        (ran, figures)
    };
    let day = |night: NaiveDate| night.and_time(Default::default()).and_utc().timestamp() as f64;
    let (ran, figures) = run(night(3), &|_| ());
    ran.done();
    assert_eq!(figures, [0.0, day(night(3)), 120.0]);
    // What was refused leaves the figures of the last success.
    let (ran, figures) = run(night(4), &|rows| rows.clear());
    ran.refused_by_gate(&["rows_last_day:views"]);
    assert_eq!(figures, [1.0, day(night(3)), 120.0]);
}
