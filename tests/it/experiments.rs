//! Live experiments: planned, assigned and read out, on good input and on bad.

use std::fmt::Write;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use layercake::experiment::{
    ArmOf, Assigner, ExperimentPlan, MetricShape, Population, Tally, fixed_point, outlook,
};
use layercake::stats::effects::{
    AlwaysValid, CovariateOf, Effect, ExactSums, MetricForm, Moments, N_COLUMNS, estimates,
    policy_value, value_difference,
};
use layercake::stats::metrics::{quantile, sorted};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

use crate::support::{Shop, flat, project, shared_data};

/// Two arms over a table by user.
const PLAN: &str = r#"name = "mail"
salt = "mail-2026"
start = "2026-03-01"
end = "2026-03-15"
hashing = "elsewhere"

[columns]
user = "user"
arm = "arm"

[[arm]]
name = "none"
weight = 0.5

[[arm]]
name = "mail"
weight = 0.5

[[metric]]
name = "spend"
primary = true
value = "spend"
"#;

const READOUT: [&str; 6] =
    ["readout", "plan.toml", "--table", "users.csv", "--as-of", "2026-04-01"];

/// A shop with a sealed plan and a table.
fn sealed(plan: &str, table: &str) -> Shop {
    let shop = Shop::empty();
    shop.write("plan.toml", plan);
    shop.write("users.csv", table);
    shop.compare(&["plan", "plan.toml", "--seal"]).done();
    shop
}

fn json(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap()
}

fn readout(shop: &Shop, more: &[&str]) -> Value {
    let arguments = [&READOUT[..], more, &["--format", "json"]].concat();
    json(&shop.compare(&arguments).done())
}

fn gate<'a>(page: &'a Value, name: &str) -> &'a str {
    let gates = page["gates"].as_array().unwrap();
    let gate = gates.iter().find(|gate| gate["gate"] == name).unwrap();
    gate["level"].as_str().unwrap()
}

fn comparison(page: &Value, metric: &str, arm: &str) -> Value {
    let rows = page["comparisons"].as_array().unwrap();
    let is_wanted = |row: &&Value| row["metric"] == metric && row["arm"] == arm;
    rows.iter().find(is_wanted).unwrap_or_else(|| panic!("{metric} {arm}")).clone()
}

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap_or_else(|| panic!("{key} of {row}"))
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} for {expected}");
}

/// Users in turn in both arms, of whom those with mail spend 2 more.
fn table(n_users: usize) -> String {
    let mut rows = String::from("user,arm,spend\n");
    for user in 0..n_users {
        let arm = ["none", "mail"][user % 2];
        writeln!(rows, "u{user},{arm},{}", user % 7 + 2 * (user % 2)).unwrap();
    }
    rows
}

#[test]
fn a_plain_test_is_read_out() {
    let page = readout(&sealed(PLAN, &table(400)), &[]);
    let row = comparison(&page, "spend", "mail");
    near(number(&row, "difference"), 2.0, 0.05);
    assert_eq!((page["state"].as_str(), row["verdict"].as_str()), (Some("read"), Some("higher")));
}

#[test]
fn order_and_threads_do_not_change_a_byte() {
    let plan = PLAN.replace("arm = \"arm\"", "arm = \"arm\"\nlayer = \"layer\"");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut rows: Vec<String> = (0..3_000)
        .map(|user| {
            let (arm, layer) = (["none", "mail"][user % 2], rng.gen_range(1..12));
            format!("u{user},{arm},L{layer},{:.2}\n", rng.gen_range(0.0..90.0))
        })
        .collect();
    // A user with several rows, which are summed.
    rows.push("u7,mail,L3,5000\n".into());
    rows.retain(|row| !row.starts_with("u7,") || row.contains("L3"));
    rows.push("u7,mail,L3,0.01\n".into());
    let printed = |rows: &[String], threads: &str| {
        let shop = sealed(&plan, &format!("user,arm,layer,spend\n{}", rows.concat()));
        let more = ["--threads", threads, "--format", "json"];
        shop.compare(&[&READOUT[..], &more].concat()).done()
    };
    let first = printed(&rows, "1");
    rows.shuffle(&mut rng);
    assert_eq!(printed(&rows, "3"), first);
    let page = json(&first);
    assert_eq!(page["n_added_rows"], 1);
    assert_eq!(page["outliers"][0]["user"], "u7");
    assert!(number(&comparison(&page, "spend", "mail"), "without_outliers") < 5.0);
}

#[test]
fn an_arm_that_the_plan_does_not_have_is_refused() {
    let shop = sealed(PLAN, "user,arm,spend\na,none,1\nb,letter,2\n");
    shop.compare(&READOUT).refused(&["users.csv", "no arm `letter`", "`none`, `mail`"]);
}

#[test]
fn weights_that_do_not_add_up_are_refused() {
    let shop = Shop::empty();
    shop.write("plan.toml", PLAN.replacen("0.5", "0.4", 1));
    let parts = ["plan.toml", "arm.weight must add up to 1", "got 0.9"];
    shop.compare(&["plan", "plan.toml"]).refused(&parts);
}

#[test]
fn a_plan_that_is_not_sealed_is_not_read_out() {
    let shop = Shop::empty();
    shop.write("plan.toml", PLAN);
    shop.write("users.csv", table(40));
    shop.compare(&READOUT).refused(&["plan.toml is not sealed yet", "--seal"]);
}

#[test]
fn a_plan_that_was_changed_after_sealing_gives_no_numbers() {
    let shop = sealed(PLAN, &table(400));
    shop.write(
        "plan.toml",
        PLAN.replace("name = \"spend\"", "name = \"spend\"\ncap = { value = 3 }"),
    );
    let ran = shop.compare(&READOUT);
    assert!(flat(&ran.stdout).contains("metric.spend.cap.value was – and is 3"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("Difference"), "{}", ran.stdout);
    ran.refused_by_gate(&["changed_plan"]);
    shop.compare(&["plan", "plan.toml", "--seal"])
        .refused_by_gate(&["was changed after it was sealed"]);
    let sealed = shop.read("plan.sealed.toml").replace("alpha = 0.05", "alpha = 0.10");
    shop.write("plan.sealed.toml", sealed);
    shop.compare(&READOUT).refused(&["plan.sealed.toml", "this seal was changed"]);
}

#[test]
fn arms_of_the_wrong_size_give_no_numbers_and_the_place_is_told() {
    let plan = PLAN.replace("arm = \"arm\"", "arm = \"arm\"\nlayer = \"layer\"");
    let mut rows = String::from("user,arm,layer,spend\n");
    for user in 0..2_000 {
        // In L2, one user in five of the arm `mail` is lost.
        let (arm, layer) = (["none", "mail"][user % 2], 1 + user / 2 % 2);
        if arm == "none" || layer == 1 || user % 5 != 0 {
            writeln!(rows, "u{user},{arm},L{layer},1").unwrap();
        }
    }
    let shop = sealed(&plan, &rows);
    let ran = shop.compare(&READOUT);
    assert!(ran.stdout.contains("mismatch_by_layer") && ran.stdout.contains("L2: none"));
    ran.refused_by_gate(&["mismatch_by_layer"]);
}

#[test]
fn what_a_gate_holds_is_accepted_with_a_reason_alone() {
    let shop = sealed(PLAN, &(table(400) + "x,,3\ny,,4\n"));
    let ran = shop.compare(&READOUT);
    assert!(!ran.stdout.contains("Difference"));
    ran.refused_by_gate(&["without_arm"]);
    let with = |accept| shop.compare(&[&READOUT[..], &["--accept", accept]].concat());
    let told = with("without_arm=two accounts of our own").done();
    assert!(told.contains("accepted: two accounts of our own"), "{told}");
    assert_eq!(with("without_arm").code, Some(2));
    assert!(with("no_such_gate=why").stderr.contains("the gates are mismatch"));
}

#[test]
fn users_in_two_arms_do_not_count() {
    let shop = sealed(PLAN, &(table(400) + "u7,none,100\n"));
    let arguments =
        [&READOUT[..], &["--accept", "two_arms=one tester", "--format", "json"]].concat();
    let page = json(&shop.compare(&arguments).done());
    assert_eq!((gate(&page, "two_arms"), page["n_users"].as_u64()), ("held", Some(399)));
    assert_eq!(page["gates"][1]["found"], "1 user (u7 …)");
}

#[test]
fn who_entered_before_the_start_or_after_the_end_is_set_aside() {
    let plan = PLAN.replace("arm = \"arm\"", "arm = \"arm\"\nexposed_at = \"day\"");
    let mut rows = String::from("user,arm,spend,day\n");
    for user in 0..400 {
        let day = ["2026-02-28", "2026-03-01", "2026-03-14", "2026-03-15"][user / 2 % 4];
        writeln!(rows, "u{user},{},1.{user},{day}", ["none", "mail"][user % 2]).unwrap();
    }
    let shop = sealed(&plan, &rows);
    let accept = ["--accept", "outside_dates=a trial before", "--format", "json"];
    let page = json(&shop.compare(&[&READOUT[..], &accept].concat()).done());
    assert_eq!((gate(&page, "outside_dates"), page["n_users"].as_u64()), ("held", Some(200)));
    assert_eq!(gate(&page, "mismatch_by_day"), "passed");
    shop.compare(&READOUT).refused_by_gate(&["outside_dates"]);
}

#[test]
fn refunds_count_as_they_are_and_a_constant_metric_is_not_tested() {
    let more = "\n[[metric]]\nname = \"ones\"\nvalue = \"1\"\n";
    let table = table(400).replace("u8,none,1", "u8,none,-30").replace("u9,mail,4", "u9,mail,-8");
    let page = readout(&sealed(&format!("{PLAN}{more}"), &table), &[]);
    assert_eq!(comparison(&page, "spend", "mail")["n_negative"], 2);
    let ones = comparison(&page, "ones", "mail");
    assert_eq!(
        (ones["verdict"].as_str(), ones["p_adjusted"].is_null()),
        (Some("not_testable"), true)
    );
    near(number(&ones, "arm_value"), 1.0, 0.0);
}

#[test]
fn an_empty_arm_is_refused_and_of_a_handful_nothing_is_tested() {
    let rows =
        |n: usize| -> String { (0..n).map(|user| format!("u{user},none,{user}\n")).collect() };
    let shop = sealed(PLAN, &format!("user,arm,spend\n{}", rows(50)));
    shop.compare(&READOUT).refused_by_gate(&["mismatch"]);
    let page = readout(&sealed(PLAN, &format!("user,arm,spend\n{}", rows(4))), &[]);
    assert_eq!(comparison(&page, "spend", "mail")["verdict"], "not_testable");
}

#[test]
fn a_cap_of_0_is_refused_and_one_above_says_what_it_did() {
    let capped =
        |cap: &str| PLAN.replace("value = \"spend\"", &format!("value = \"spend\"\ncap = {cap}"));
    let shop = Shop::empty();
    shop.write("plan.toml", capped("{ value = 0 }"));
    shop.compare(&["plan", "plan.toml"]).refused(&["must be above 0, got 0"]);
    let refunds = |amount: i32| -> String {
        let row = |it: usize| format!("u{it},{},{amount}\n", ["none", "mail"][it % 2]);
        format!("user,arm,spend\n{}", (0..40).map(row).collect::<String>())
    };
    let shop = sealed(&capped("{ quantile = 0.9 }"), &refunds(-5));
    shop.compare(&READOUT).refused(&["metric.cap of `spend` must end above 0", "is -5"]);
    // Where nobody has a value, there is nothing to cap.
    readout(&sealed(&capped("{ quantile = 0.9 }"), &refunds(0)), &[]);
    // Source: Avast ep-stats (test_outlier_winsorization.py).
    for (largest, n_same, share, cap) in
        [([10.0, 100_000.0], 99, 0.99, 10.0), ([10_000.0, 20_000.0], 0, 0.98, 50.0)]
    {
        let mut rows = String::from("user,arm,spend\n");
        for (arm, name) in ["none", "mail"].into_iter().enumerate() {
            let usual = (0..if n_same > 0 { n_same } else { 50 })
                .map(|it| if n_same > 0 { 10 } else { it + 1 });
            for (user, value) in usual.enumerate() {
                writeln!(rows, "{name}{user},{name},{value}").unwrap();
            }
            writeln!(rows, "{name}-last,{name},{}", largest[arm]).unwrap();
        }
        let page = readout(&sealed(&capped(&format!("{{ quantile = {share} }}")), &rows), &[]);
        let row = comparison(&page, "spend", "mail");
        near(number(&row, "cap"), cap, 1e-9);
        near(number(&row, "difference"), 0.0, 1e-9);
        near(
            number(&row, "plain_difference"),
            (largest[1] - largest[0]) / (n_same.max(50) + 1) as f64,
            1e-6,
        );
        assert_eq!(row["verdict"], if n_same > 0 { "not_testable" } else { "open" });
    }
}

#[test]
fn covariates_that_were_known_after_entry_are_a_leak() {
    let plan = PLAN
        .replace(
            "arm = \"arm\"",
            "arm = \"arm\"\nexposed_at = \"day\"\ncovariates_as_of = \"known\"",
        )
        .replace("value = \"spend\"", "value = \"spend\"\ncovariate = \"before\"");
    let rows = |known: &str| -> String {
        let row = |user: usize| {
            let (arm, before) = (["none", "mail"][user % 2], user * 7 % 11);
            format!("u{user},{arm},{user},{before},2026-03-02,{known}\n")
        };
        format!("user,arm,spend,before,day,known\n{}", (0..60).map(row).collect::<String>())
    };
    readout(&sealed(&plan, &rows("2026-03-01")), &[]);
    let shop = sealed(&plan, &rows("2026-03-03"));
    shop.compare(&READOUT).refused(&["covariates of 60 users", "leak"]);
    let shop = Shop::empty();
    shop.write("plan.toml", plan.replace("covariate = \"before\"", "covariate = \"spend\""));
    shop.compare(&["plan", "plan.toml"])
        .refused(&["metric.covariate of `spend`", "which is a leak"]);
}

/// A plan over events, whose arms the hash gives.
const EVENTS_PLAN: &str = r#"name = "spring"
salt = "spring-2024"
start = "2024-05-01"
end = "2024-05-08"

[[arm]]
name = "none"
weight = 0.5

[[arm]]
name = "mail"
weight = 0.5

[[metric]]
name = "GMV"
primary = true
feature = "gmv"
window_days = 14
covariate = "before"

[[metric]]
name = "order value"
kind = "ratio"
feature = "mean_order_value"
window_days = 14
"#;

const CONFIG: &str = r#"name = "shop"

[[source]]
path = "orders.csv"
user = "user"
time = "at"
event = "'order'"
amount = "amount"
"#;

fn arm_of(salt: &str, id: usize) -> &'static str {
    let plan: ExperimentPlan = toml::from_str(&EVENTS_PLAN.replace("spring-2024", salt)).unwrap();
    match Assigner::new(&plan).by_hash(&id.to_string()) {
        ArmOf::Arm(arm) => ["none", "mail"][arm],
        other => panic!("{other:?}"),
    }
}

/// Orders of users 0 to 299 before and after they enter, user by user on their own day: one of
/// 10 before, and after it one of 20, of those with mail of 30. User 300 was never assigned.
fn spring(salt: &str) -> Shop {
    let shop = Shop::empty();
    let (mut orders, mut users) =
        (String::from("user,at,amount\n"), String::from("user_id,arm,exposed_at\n"));
    for id in 0..300 {
        let (day, arm) = (1 + id % 7, arm_of(salt, id));
        writeln!(users, "{id},{arm},2024-05-{day:02}").unwrap();
        // Who was assigned and never seen.
        if id % 10 == 3 {
            continue;
        }
        let amount = if arm == "mail" { 30 } else { 20 };
        writeln!(orders, "{id},2024-04-{:02} 09:00:00,{}", 10 + day, 10 + id % 3).unwrap();
        // An hour before the entry is before it, an hour after the window is after it.
        writeln!(orders, "{id},2024-05-{:02} 00:00:00,{}", day, amount + id % 3).unwrap();
        writeln!(orders, "{id},2024-05-{:02} 01:00:00,500", day + 14).unwrap();
    }
    orders.push_str("300,2024-05-04 09:00:00,7\n300,2024-06-20 09:00:00,7\n");
    shop.write("orders.csv", orders);
    shop.write("users.csv", users);
    shop.write("shop.toml", CONFIG);
    shop.write("plan.toml", EVENTS_PLAN);
    shop.compare(&["plan", "plan.toml", "--seal"]).done();
    shop
}

const FROM_EVENTS: [&str; 6] =
    ["readout", "plan.toml", "--config", "shop.toml", "--assignments", "users.csv"];

fn from_events(shop: &Shop, more: &[&str]) -> Value {
    json(&shop.compare(&[&FROM_EVENTS[..], more, &["--format", "json"]].concat()).done())
}

#[test]
fn events_are_measured_from_each_users_own_entry() {
    let shop = spring("spring-2024");
    let page = from_events(&shop, &[]);
    let row = comparison(&page, "GMV", "mail");
    let users = |arm: &str| -> Vec<usize> {
        (0..300).filter(|&id| arm_of("spring-2024", id) == arm).collect()
    };
    let mean = |arm: &str, amount: usize| {
        let of = |id: &usize| if id % 10 == 3 { 0 } else { amount + id % 3 };
        users(arm).iter().map(of).sum::<usize>() as f64 / users(arm).len() as f64
    };
    near(number(&row, "control_value"), mean("none", 20), 1e-6);
    near(number(&row, "arm_value"), mean("mail", 30), 1e-6);
    let ratio = comparison(&page, "order value", "mail");
    near(number(&ratio, "difference"), 10.0, 0.3);
    let n_unseen = (0..300).filter(|id| id % 10 == 3).count() as u64;
    assert_eq!(page["n_never_seen"], n_unseen);
    assert_eq!(
        (page["n_never_assigned"].as_u64(), &page["never_assigned"][0]),
        (Some(1), &"300".into())
    );
    assert_eq!(gate(&page, "other_arm_than_hash"), "passed");
    assert!(number(&row, "covariate_explains") > 0.5);
    assert!(page["is_planned_end"].as_bool().unwrap());
}

#[test]
fn a_look_before_the_end_leaves_open_windows_out_and_gives_no_verdict() {
    let shop = spring("spring-2024");
    let page = from_events(&shop, &["--as-of", "2024-05-17"]);
    let row = comparison(&page, "GMV", "mail");
    // Who entered on the first three days has had 14 of them.
    let n_open = (0..300).filter(|id| 1 + id % 7 > 3).count() as u64;
    assert_eq!(
        (row["n_open"].as_u64(), row["verdict"].as_str()),
        (Some(n_open), Some("too_early"))
    );
    assert!(row["one_look"].is_null() && row["every_look"]["low"].is_number(), "{row}");
}

#[test]
fn ids_as_text_in_one_file_and_as_numbers_in_the_other_meet() {
    let numbers = spring("spring-2024");
    let texts = spring("spring-2024");
    let quoted = numbers.read("users.csv").replace("299,", "299x,");
    texts.write("users.csv", quoted);
    let (a, b) = (from_events(&numbers, &[]), {
        let accept = ["--accept", "other_arm_than_hash=a typing error"];
        from_events(&texts, &accept)
    });
    assert_eq!(a["n_users"], b["n_users"]);
    assert_eq!(a["n_never_seen"].as_u64().unwrap() + 1, b["n_never_seen"].as_u64().unwrap());
    near(
        number(&comparison(&a, "GMV", "mail"), "difference"),
        number(&comparison(&b, "GMV", "mail"), "difference"),
        0.5,
    );
}

#[test]
fn arms_by_another_salt_are_refused() {
    let shop = spring("another salt");
    let ran = shop.compare(&FROM_EVENTS);
    assert!(ran.stdout.contains("another salt?"), "{}", ran.stdout);
    ran.refused_by_gate(&["other_arm_than_hash"]);
}

#[test]
fn a_file_of_another_plan_is_refused() {
    let shop = spring("spring-2024");
    let users: String = shop
        .read("users.csv")
        .lines()
        .enumerate()
        .map(|(row, line)| {
            format!("{line},{}\n", if row == 0 { "plan" } else { "0123456789abcdef" })
        })
        .collect();
    shop.write("users.csv", users);
    shop.compare(&FROM_EVENTS).refused(&["users.csv", "another plan, or by another salt"]);
}

#[test]
fn metrics_that_the_data_does_not_have_are_refused_with_those_that_it_has() {
    let shop = spring("spring-2024");
    for (from, to, part) in [
        ("feature = \"gmv\"", "feature = \"gmw\"", "such as gmv"),
        ("feature = \"gmv\"", "feature = \"mean_order_value\"", "needs kind = \"ratio\""),
        ("feature = \"gmv\"", "value = \"gmv\"", "add [columns], or use feature"),
        (
            "covariate = \"before\"",
            "covariate = \"churn_probability\"",
            "name the model by --bundle",
        ),
    ] {
        shop.write("plan.toml", EVENTS_PLAN.replace(from, to));
        let arguments = ["plan", "plan.toml", "--config", "shop.toml"];
        shop.compare(&arguments).refused(&["plan.toml", part]);
    }
}

/// What the experiment that ships prints: messages move two layers and no other.
fn shipped(verb: &str, more: &[&str]) -> String {
    let folder = "data/experiment";
    let (plan, config) = (format!("{folder}/plan.toml"), format!("{folder}/config.toml"));
    let users = format!("{folder}/users.parquet");
    let mut arguments = vec![verb, &plan, "--config", &config, "--assignments", &users];
    arguments.extend(more);
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_layercake-compare"))
        .args(arguments)
        .current_dir(project())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn pages_of_the_shipped_experiment() {
    for (name, verb, more) in [
        ("readout_en", "readout", &[][..]),
        ("readout_zh", "readout", &["--lang", "zh"]),
        ("readout_early", "readout", &["--as-of", "2025-06-01"]),
        ("targeting_en", "targeting", &[]),
    ] {
        let page = shipped(verb, more);
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
        insta::assert_snapshot!(format!("experiment_{name}"), page);
    }
}

#[test]
fn the_shipped_experiment_shows_the_two_layers_that_were_moved() {
    let page = json(&shipped("readout", &["--format", "json"]));
    let found: Vec<&str> = page["layers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["metric"] == "orders" && number(row, "p_adjusted") < 0.05)
        .map(|row| row["layer"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["L4", "L8"]);
    let row = comparison(&page, "orders", "messages");
    assert_eq!(row["verdict"], "higher");
    assert!(number(&row, "standard_error") < 0.92 * number(&row, "plain_standard_error"), "{row}");
    assert!(number(&page["layers"][0], "q_p") < 1e-6);
}

#[test]
fn a_layer_that_one_arm_lacks_is_put_with_others_and_drops_nobody() {
    let plan = PLAN.replace("arm = \"arm\"", "arm = \"arm\"\nlayer = \"layer\"");
    let mut rows = String::from("user,arm,layer,spend\n");
    for user in 0..400 {
        writeln!(rows, "u{user},{},L{},{}", ["none", "mail"][user % 2], 1 + user / 2 % 2, user % 5)
            .unwrap();
    }
    rows.push_str("x,none,q,10000\ny,none,q,10000\n");
    let page = readout(&sealed(&plan, &rows), &[]);
    let row = comparison(&page, "spend", "mail");
    assert!(number(&row, "difference") < -40.0, "{row}");
    near(number(&row, "difference"), number(&row, "plain_difference"), 1.0);
}

#[test]
fn of_an_arm_with_nobody_and_of_nothing_to_divide_by_nothing_is_said() {
    let plan =
        PLAN.replace("value = \"spend\"", "value = \"spend\"\nkind = \"ratio\"\ndivisor = \"n\"");
    let rows: String = (0..100)
        .map(|it| format!("u{it},{},{it},{}\n", ["none", "mail"][it % 2], 1 - it % 2))
        .collect();
    let page = readout(&sealed(&plan, &format!("user,arm,spend,n\n{rows}")), &[]);
    let row = comparison(&page, "spend", "mail");
    assert!(row["arm_value"].is_null() && row["difference"].is_null(), "{row}");
    assert_eq!(row["verdict"], "not_testable");
    let plan =
        PLAN.replacen("weight = 0.5", "weight = 1.0", 1).replace("weight = 0.5", "weight = 0");
    let page = readout(&sealed(&plan, "user,arm,spend\na,none,1\nb,none,2\n"), &[]);
    let row = comparison(&page, "spend", "mail");
    assert!(row["arm_value"].is_null() && row["lift"].is_null(), "{row}");
}

#[test]
fn values_that_are_missing_are_told_and_users_of_tomorrow_do_not_count() {
    let table = table(400).replace("u8,none,1", "u8,none,").replace("u9,mail,4", "u9,mail,");
    let page = readout(&sealed(PLAN, &table), &[]);
    assert_eq!(comparison(&page, "spend", "mail")["n_missing"], 2);
    let plan = PLAN.replace("arm = \"arm\"", "arm = \"arm\"\nexposed_at = \"day\"");
    let rows: String = (0..40)
        .map(|it| format!("u{it},{},1.{it},2026-03-{:02}\n", ["none", "mail"][it % 2], 2 + it / 20))
        .collect();
    let shop = sealed(&plan, &format!("user,arm,spend,day\n{rows}"));
    let arguments = [
        "readout",
        "plan.toml",
        "--table",
        "users.csv",
        "--as-of",
        "2026-03-03",
        "--format",
        "json",
        "--accept",
        "outside_dates=the rest is of tomorrow",
    ];
    assert_eq!(json(&shop.compare(&arguments).done())["n_users"], 20);
}

#[test]
fn a_covariate_that_says_the_outcome_holds_the_readout() {
    let plan =
        PLAN.replace("value = \"spend\"", "value = \"spend\"\ncovariate = \"spend * 2 + 1\"");
    let shop = sealed(&plan, &table(30));
    let ran = shop.compare(&[&READOUT[..], &["--accept", "imbalance=planted"]].concat());
    assert!(flat(&ran.stdout).contains("was it known before exposure?"), "{}", ran.stdout);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn ids_that_do_not_meet_hold_the_readout() {
    let shop = spring("spring-2024");
    let users = shop.read("users.csv");
    // Half of the ids have lost their first digit.
    let broken: String = users
        .lines()
        .enumerate()
        .map(|(row, line)| if row % 2 == 1 { format!("x{line}\n") } else { format!("{line}\n") })
        .collect();
    shop.write("users.csv", broken);
    let accept = ["--accept", "other_arm_than_hash=broken"];
    let ran = shop.compare(&[&FROM_EVENTS[..], &accept].concat());
    assert!(ran.stdout.contains("strange_ids"), "{}", ran.stdout);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn of_several_entries_of_a_user_the_first_counts() {
    let shop = spring("spring-2024");
    let mut users = shop.read("users.csv");
    for id in 0..300 {
        writeln!(users, "{id},{},2024-05-07", arm_of("spring-2024", id)).unwrap();
    }
    let once = from_events(&shop, &[]);
    shop.write("users.csv", users);
    let twice = from_events(&shop, &[]);
    assert_eq!(once["comparisons"], twice["comparisons"]);
    assert_eq!(twice["n_added_rows"], 300);
}

#[test]
fn a_coverage_that_rises_is_no_change_of_the_plan_and_one_that_falls_is() {
    let covered =
        |coverage: f64| PLAN.replace("hashing =", &format!("coverage = {coverage}\nhashing ="));
    let shop = sealed(&covered(0.4), &table(400));
    readout(&shop, &[]);
    shop.write("plan.toml", covered(0.8));
    readout(&shop, &[]);
    shop.write("plan.toml", covered(0.2));
    shop.compare(&READOUT).refused_by_gate(&["changed_plan"]);
}

#[test]
fn a_targeting_counts_whom_the_readout_counts_and_as_it_does() {
    let plan = PLAN
        .replace("arm = \"arm\"", "arm = \"arm\"\nexposed_at = \"day\"")
        .replace("value = \"spend\"", "value = \"spend\"\ncap = { value = 100 }");
    let mut rows = String::from("user,arm,spend,day,kind\n");
    for user in 0..800 {
        let (arm, day) =
            (["none", "mail"][user % 2], if user % 8 < 6 { "2026-03-02" } else { "2026-04-02" });
        let spend = if day > "2026-04" { 100_000 } else { user % 7 };
        writeln!(rows, "u{user},{arm},{spend},{day},k{}", user % 3).unwrap();
    }
    // Beyond the cap, in two rows.
    rows.push_str("z,mail,40000,2026-03-02,k1\nz,mail,50000,2026-03-02,k1\n");
    let shop = sealed(&plan, &rows);
    let arguments = [
        "targeting",
        "plan.toml",
        "--table",
        "users.csv",
        "--as-of",
        "2026-05-01",
        "--by",
        "kind",
        "--by",
        "'all'",
        "--accept",
        "outside_dates=late",
        "--format",
        "json",
    ];
    let page = json(&shop.compare(&arguments).done());
    assert_eq!(page["n_users"], 601);
    let values: Vec<f64> =
        page["values"].as_array().unwrap().iter().map(|row| number(row, "value")).collect();
    assert!(values.iter().all(|value| *value < 5.0), "{values:?}");
}

#[test]
fn caps_are_of_users_who_count_and_a_layer_is_no_id() {
    let plan = PLAN
        .replace("arm = \"arm\"", "arm = \"arm\"\nexposed_at = \"day\"")
        .replace("value = \"spend\"", "value = \"spend\"\ncap = { quantile = 0.5 }");
    let row = |user: usize| {
        let (day, spend) = if user < 300 { ("02", 10) } else { ("20", 9_000) };
        format!("u{user},{},{spend},2026-03-{day}\n", ["none", "mail"][user % 2])
    };
    let rows: String = (0..1_000).map(row).collect();
    let shop = sealed(&plan, &format!("user,arm,spend,day\n{rows}"));
    let page = readout(&shop, &["--accept", "outside_dates=late"]);
    near(number(&comparison(&page, "spend", "mail"), "cap"), 10.0, 1e-9);
    let plan = PLAN.replace("arm = \"arm\"", "arm = \"arm\"\nlayer = \"user\"");
    let shop = sealed(&plan, &table(1_100));
    shop.compare(&READOUT).refused(&["users.csv", "columns.layer has 1100 different values"]);
}

#[test]
fn a_covariate_of_a_later_row_of_a_user_is_a_leak_as_well() {
    let plan = PLAN
        .replace(
            "arm = \"arm\"",
            "arm = \"arm\"\nexposed_at = \"day\"\ncovariates_as_of = \"known\"",
        )
        .replace("value = \"spend\"", "value = \"spend\"\ncovariate = \"before\"");
    let mut rows = String::from("user,arm,spend,before,day,known\n");
    for user in 0..60 {
        let arm = ["none", "mail"][user % 2];
        writeln!(rows, "u{user},{arm},{user},{},2026-03-02,2026-03-01", user * 7 % 11).unwrap();
    }
    rows.push_str("u3,mail,1,1,2026-03-02,2026-03-09\n");
    sealed(&plan, &rows).compare(&READOUT).refused(&["covariates of 1 users", "leak"]);
}

#[test]
fn a_campaign_in_which_an_arm_has_nobody_says_why_it_has_no_values() {
    let shop = sealed(PLAN, "user,arm,spend\na,none,1\nb,none,2\n");
    let arguments =
        ["targeting", "plan.toml", "--table", "users.csv", "--as-of", "2026-04-01", "--by", "'x'"];
    let told = flat(&shop.compare(&arguments).done());
    assert!(told.contains("no values: in one half of the users"), "{told}");
}

#[test]
fn settings_beyond_all_bounds_are_refused_with_what_is_allowed() {
    let shop = Shop::empty();
    let plan = EVENTS_PLAN;
    for (from, to, part) in [
        ("window_days = 14", "window_days = 100000000", "at most 3660"),
        ("salt =", "looks = 1000000\nsalt =", "looks must be at most 365"),
        ("salt =", "coverage = 0\nsalt =", "coverage must be above 0"),
        ("start = \"2024-05-01\"", "start = 2024-05-01", "a day in quotes"),
    ] {
        shop.write("plan.toml", plan.replacen(from, to, 1));
        shop.compare(&["plan", "plan.toml"]).refused(&["plan.toml", part]);
    }
    shop.write("plan.toml", plan.split("[[metric]]").next().unwrap());
    shop.compare(&["plan", "plan.toml"]).refused(&["metric.primary must be set for one metric"]);
}

fn spend_by_arm() -> Option<Vec<Vec<f64>>> {
    let file = shared_data("hillstrom.parquet")?;
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file).unwrap()).unwrap();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let mut arms = vec![Vec::new(); 3];
    for batch in &batches {
        let segments =
            arrow::compute::cast(&batch["segment"], &arrow::datatypes::DataType::Utf8).unwrap();
        for (segment, spend) in
            segments.as_string::<i32>().iter().zip(batch["spend"].as_primitive::<Float64Type>())
        {
            let arm = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"]
                .iter()
                .position(|it| Some(*it) == segment);
            arms[arm.unwrap()].push(spend.unwrap());
        }
    }
    Some(arms)
}

const MEAN: MetricForm = MetricForm { is_ratio: false, covariate: CovariateOf::None };

fn moments(values: &[i64]) -> Moments {
    let mut sums = ExactSums::default();
    values.iter().for_each(|value| sums.add(&[*value]));
    sums.moments([1e6; N_COLUMNS])
}

fn effect(control: &Moments, treated: &Moments) -> Effect {
    let found = estimates(&[control.clone(), treated.clone()], MEAN, 0.0);
    Effect::between(found[0], found[1])
}

/// Hillstrom's control, split 2,000 times into halves of 10,653: what no message did is found
/// as often as it may be.
#[test]
fn splits_of_a_control_raise_the_alarms_that_are_planned() {
    let Some(arms) = spend_by_arm() else { return };
    let mut values: Vec<i64> = arms[0].iter().map(|it| fixed_point(*it).unwrap()).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2_008);
    let (n_runs, n_looks, n) = (2_000, 30, 10_653);
    let sequence = AlwaysValid::narrowest_at(2.0 * n as f64, 0.05);
    let (mut n_false, mut n_false_of_looks) = (0, 0);
    for _ in 0..n_runs {
        values.shuffle(&mut rng);
        let (a, b) = values.split_at(n);
        n_false += usize::from(effect(&moments(a), &moments(&b[..n])).p_value() < 0.05);
        let (mut of_a, mut of_b) = (ExactSums::default(), ExactSums::default());
        let mut is_found = false;
        for look in 0..n_looks {
            let users = look * n / n_looks..(look + 1) * n / n_looks;
            a[users.clone()].iter().for_each(|it| of_a.add(&[*it]));
            b[users].iter().for_each(|it| of_b.add(&[*it]));
            let scales = [1e6; N_COLUMNS];
            let found = effect(&of_a.moments(scales), &of_b.moments(scales));
            is_found |= found.is_testable() && found.always_valid_p_value(sequence) < 0.05;
        }
        n_false_of_looks += usize::from(is_found);
    }
    let share = n_false as f64 / n_runs as f64;
    assert!((0.035..=0.065).contains(&share), "{share} at one look");
    assert!(n_false_of_looks as f64 / n_runs as f64 <= 0.05, "{n_false_of_looks} of {n_runs}");
}

/// What is planned comes true: shares and means, two shares of users, one look and ten.
#[test]
fn the_power_of_a_plan_is_that_of_simulated_experiments() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    for (kind, looks, weight) in [("mean", 1, 0.5), ("share", 1, 0.3), ("mean", 10, 0.5)] {
        let text = PLAN
            .replace(
                "value = \"spend\"",
                &format!("value = \"spend\"\nkind = \"{kind}\"\nlift = 0.08"),
            )
            .replace("hashing =", &format!("looks = {looks}\nn_star = 20000\nhashing ="))
            .replacen("weight = 0.5", &format!("weight = {}", 1.0 - weight), 1)
            .replacen("weight = 0.5", &format!("weight = {weight}"), 1);
        let plan: ExperimentPlan = toml::from_str(&text).unwrap();
        plan.check().unwrap();
        // Users of whom one in four buys, for an exponential amount.
        let mut value = |lift: f64| {
            // A lift brings more buyers, who spend as others do.
            if !rng.gen_bool(0.25 * lift) {
                return 0;
            }
            let amount =
                if kind == "share" { 1.0 } else { -10.0 * rng.gen_range(1e-9..1.0f64).ln() };
            fixed_point(amount).unwrap()
        };
        let shape = MetricShape { form: MEAN, cap: None, caps_covariate: false };
        let mut before = Tally::new(&plan, 1, &[shape]);
        for _ in 0..200_000 {
            before.count(0, 0);
            before.metrics[0].add(0, 0, &[value(1.0), 0, 0, 0], "");
        }
        let n_users = if kind == "share" { 12_000 } else { 26_000 };
        let population = Population { n_users, users_per_week: None };
        let planned = outlook(&plan, population, &before).metrics[0].clone();
        let sequence = AlwaysValid::narrowest_at(20_000.0, 0.05);
        let n_runs = 2_000;
        let n_treated = (weight * n_users as f64) as usize;
        let n_control = n_users as usize - n_treated;
        let mut n_found = 0;
        for _ in 0..n_runs {
            let (mut of_a, mut of_b) = (ExactSums::default(), ExactSums::default());
            let mut is_found = false;
            for look in 0..looks {
                let part = |n: usize| (look + 1) * n / looks - look * n / looks;
                (0..part(n_control)).for_each(|_| of_a.add(&[value(1.0)]));
                (0..part(n_treated)).for_each(|_| of_b.add(&[value(1.08)]));
                let scales = [1e6; N_COLUMNS];
                let found = effect(&of_a.moments(scales), &of_b.moments(scales));
                let p =
                    if looks == 1 { found.p_value() } else { found.always_valid_p_value(sequence) };
                is_found |= p < 0.05;
            }
            n_found += usize::from(is_found);
        }
        let (power, found) = (planned.power.unwrap(), n_found as f64 / n_runs as f64);
        near(found, power, 0.03);
        assert!(power > 0.2 && power < 0.95, "{kind} {looks}: {power}");
    }
}

fn hillstrom_plan(layer: &str) -> String {
    let arms: String =
        [("No E-Mail", 0.33333333), ("Mens E-Mail", 0.33333333), ("Womens E-Mail", 0.33333334)]
            .iter()
            .map(|(name, weight)| format!("[[arm]]\nname = \"{name}\"\nweight = {weight}\n\n"))
            .collect();
    format!(
        "name = \"e-mail\"\nsalt = \"2008\"\nstart = \"2008-03-01\"\nend = \"2008-03-15\"\n\
         hashing = \"elsewhere\"\npost_stratify = false\n\n[columns]\narm = \"segment\"\nlayer = \
         \"{layer}\"\n\n{arms}[[metric]]\nname = \"spend\"\nprimary = true\nvalue = \"spend\"\nlift = \
         0.1\n\n[[metric]]\nname = \"visits\"\nkind = \"share\"\nvalue = \"visit\"\nlift = 0.1\n\n\
         [[metric]]\nname = \"spend by visit\"\nkind = \"ratio\"\nvalue = \"spend\"\ndivisor = \
         \"visit\"\n\n[[metric]]\nname = \"capped\"\nvalue = \"spend\"\ncap = {{ value = 233.30008 }}\n\n\
         [[metric]]\nname = \"capped lower\"\nvalue = \"spend\"\ncap = {{ value = 209.91408 }}\n"
    )
}

/// Source: Hillstrom (2008), by GrowthBook's gbstats, numpy and SciPy.
#[test]
fn hillstroms_test_is_read_out_as_others_read_it() {
    let Some(file) = shared_data("hillstrom.parquet") else { return };
    let file = file.canonicalize().unwrap();
    let table = ["--table", file.to_str().unwrap()];
    let read = |layer: &str| {
        let shop = Shop::empty();
        shop.write("plan.toml", hillstrom_plan(layer));
        shop.compare(&["plan", "plan.toml", "--seal"]).done();
        let arguments =
            [&["readout", "plan.toml", "--as-of", "2008-04-01", "--format", "json"], &table[..]];
        json(&shop.compare(&arguments.concat()).done())
    };
    let page = read("newbie");
    let mens = comparison(&page, "spend", "Mens E-Mail");
    near(number(&mens, "difference"), 0.7698271558945367, 1e-9);
    near(number(&mens["one_look"], "low"), 0.48513973256840753, 1e-8);
    near(number(&mens["one_look"], "high"), 1.0545145792206658, 1e-8);
    near(number(&mens, "one_look_p"), 1.1638149688e-07, 1e-15);
    near(number(&mens["every_look"], "low"), 0.30206563672861214, 1e-8);
    let visits = comparison(&page, "visits", "Mens E-Mail");
    near(number(&visits, "difference"), 0.07658956365153125, 1e-9);
    let ratio = comparison(&page, "spend by visit", "Mens E-Mail");
    near(number(&ratio, "difference"), 1.635516900788672, 1e-9);
    near(number(&ratio["one_look"], "low"), -0.2992986776392399, 1e-7);
    near(number(&ratio, "one_look_p"), 0.09756277312331263, 1e-8);
    let capped = comparison(&page, "capped", "Mens E-Mail");
    near(number(&capped, "difference"), 0.6492564056199434, 1e-9);
    near(number(&capped["one_look"], "low"), 0.42885079140828075, 1e-8);
    near(number(&capped, "uncapped_difference"), 0.7698271558945367, 1e-9);
    let capped = comparison(&page, "capped lower", "Womens E-Mail");
    near(number(&capped, "difference"), 0.3619961295937477, 1e-9);
    near(number(&capped["one_look"], "high"), 0.557181292427601, 1e-8);
    let q = |page: &Value, arm: &str| {
        let rows = page["layers"].as_array().unwrap().clone();
        let of_arm: Vec<Value> = rows.into_iter().filter(|row| row["arm"] == arm).collect();
        (
            of_arm.iter().map(|row| number(row, "difference")).collect::<Vec<_>>(),
            number(&of_arm[0], "q"),
            number(&of_arm[0], "q_p"),
        )
    };
    let (effects, of_newcomers, p) = q(&page, "Womens E-Mail");
    near(effects[0], 0.1139571, 1e-6);
    near(effects[1], 0.7322878, 1e-6);
    near(of_newcomers, 5.621409226500557, 1e-9);
    near(p, 0.017742377, 1e-9);
    near(q(&read("history_segment"), "Womens E-Mail").1, 13.092157707838204, 1e-9);
    near(q(&read("channel"), "Mens E-Mail").1, 2.21641315797306, 1e-9);
    // The caps are quantiles of all users of two arms.
    let arms = spend_by_arm().unwrap();
    for (arm, cap) in [(1, 233.30008), (2, 209.91408)] {
        let both = sorted([arms[0].clone(), arms[arm].clone()].concat());
        near(quantile(&both, 0.999), cap, 1e-5);
    }
}

/// Source: Hillstrom (2008), numpy: the women's mail to who bought women's goods alone, the men's
/// to all others.
#[test]
fn the_value_of_a_policy_on_hillstroms_test() {
    let Some(file) = shared_data("hillstrom.parquet") else { return };
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file).unwrap()).unwrap();
    let (mut outcomes, mut policy, mut mens, mut none) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for batch in reader.build().unwrap().map(Result::unwrap) {
        let segments =
            arrow::compute::cast(&batch["segment"], &arrow::datatypes::DataType::Utf8).unwrap();
        let bought = |name: &str| batch[name].as_primitive::<Int64Type>().clone();
        let (of_mens, of_womens) = (bought("mens"), bought("womens"));
        for row in 0..batch.num_rows() {
            let got = segments.as_string::<i32>().value(row);
            let womens_only = of_womens.value(row) == 1 && of_mens.value(row) == 0;
            let weight = |arm: &str| if got == arm { 3.0 } else { 0.0 };
            outcomes.push(batch["spend"].as_primitive::<Float64Type>().value(row));
            policy.push(weight(if womens_only { "Womens E-Mail" } else { "Mens E-Mail" }));
            mens.push(weight("Mens E-Mail"));
            none.push(weight("No E-Mail"));
        }
    }
    let [policy, mens, none] =
        [&policy, &mens, &none].map(|it| policy_value(&outcomes, it).unwrap());
    near(none.value, 0.6527893551112364, 1e-9);
    near(mens.value, 1.422616511005773, 1e-9);
    near(policy.value, 1.4286280744212434, 1e-9);
    let one_part = vec![0; outcomes.len()];
    near(policy.standard_error(&one_part), 0.12006, 1e-5);
    let (difference, se, _) = value_difference(&policy, &mens, &one_part, 0.05);
    near(difference, 0.0060116, 1e-7);
    near(se, 0.0938367, 1e-6);
}
