//! Churn as its users meet it: labels by rule, whom to flag, why, and by when.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::support::{CONFIG, Shop, first_day, flat, orders, scores};

const AS_OF: &str = "2024-08-28";

type Rows = BTreeMap<String, BTreeMap<String, String>>;

/// Trains a small shop with some lines of `[churn]` and scores it as CSV.
fn scored(churn: &str) -> (Shop, String, Rows) {
    let shop = Shop::with_orders(&orders(300));
    shop.write("shop.toml", format!("{CONFIG}\n[churn]\n{churn}\n"));
    let report = shop.train(&["--config", "shop.toml", "--as-of", AS_OF]).done();
    shop.score(&["--bundle", "models/shop", "--as-of", AS_OF, "--encoding", "csv"]).done();
    let rows = scores(&shop, &format!("as_of={AS_OF}"));
    (shop, report, rows)
}

fn refused(churn: &str, parts: &[&str]) {
    let shop = Shop::with_orders(&orders(60));
    shop.write("shop.toml", format!("{CONFIG}\n[churn]\n{churn}\n"));
    shop.train(&["--config", "shop.toml", "--as-of", AS_OF]).refused(parts);
}

/// Orders over 240 days with gaps of all lengths, so that some break any pace.
fn irregular_orders(n_users: u64) -> String {
    let mut csv = String::from("user,at,amount\n");
    for user in 0..n_users {
        let (mut day, mut number) = (user * 7 % 60, user * 7919 % 1009);
        while day < 240 {
            let date = first_day() + Days::new(day);
            csv += &format!("{user},{date} 10:00:00,{}\n", 5 + number % 40);
            number = (number * 613 + 17) % 1009;
            day += 3 + number % (8 + user % 90);
        }
    }
    csv
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

/// Days of each user's orders before as-of.
fn order_days(user: &str) -> Vec<NaiveDate> {
    let as_of: NaiveDate = AS_OF.parse().unwrap();
    let mut days: Vec<NaiveDate> = orders(300)
        .lines()
        .skip(1)
        .filter_map(|line| line.strip_prefix(&format!("{user},"))?.get(..10)?.parse().ok())
        .filter(|day| *day < as_of)
        .collect();
    days.sort_unstable();
    days
}

#[test]
fn every_rule_is_said_in_a_sentence_and_says_who_is_not_eligible() {
    for (churn, sentence, statuses) in [
        (
            "lookback_days = 60\nmin_age_days = 40",
            "churned: no `order` in the 30 days after as-of, among users with one in the 60 days \
             before, the first at least 40 days before",
            &["eligible", "out_of_lookback"][..],
        ),
        (
            "rule = \"silence\"\n[silence]\ndays = 60",
            "churned: turns silent (no `order` for 60 days) in the 30 days after as-of",
            &["eligible", "silent", "not_due"],
        ),
        (
            "rule = \"own_gap\"\n[silence]\ngap_factor = 2.5",
            "churned: turns silent (no `order` for 2.5 times the user's median gap)",
            &["eligible", "silent", "too_new", "not_due"],
        ),
    ] {
        let shop = Shop::with_orders(&irregular_orders(300));
        shop.write("shop.toml", format!("{CONFIG}\n[churn]\n{churn}\n"));
        let report = flat(&shop.train(&["--config", "shop.toml", "--as-of", AS_OF]).done());
        assert!(report.contains(sentence), "{report}");
        shop.score(&["--bundle", "models/shop", "--as-of", AS_OF, "--encoding", "csv"]).done();
        let rows = scores(&shop, &format!("as_of={AS_OF}"));
        for row in rows.values() {
            let is_eligible = row["churn_status"] == "eligible";
            assert!(statuses.contains(&&row["churn_status"][..]), "{row:?}");
            assert_eq!(is_eligible, !row["churn_probability"].is_empty(), "{row:?}");
            assert_eq!(is_eligible, !row["churn_percentile"].is_empty(), "{row:?}");
        }
        let kept = shop.read(&format!(
            "{}/churn.json",
            shop.bundle("models").strip_prefix(shop.path("")).unwrap().display()
        ));
        assert!(kept.contains("label_in_words"), "{kept}");
    }
}

#[test]
fn each_classifier_explains_its_log_odds_in_full() {
    for model in ["logistic", "trees", "blend", "auto"] {
        let trees = if model == "logistic" { "" } else { "trees.max_rounds = 40" };
        let (_, report, rows) = scored(&format!("model = \"{model}\"\n{trees}"));
        let taken = match model {
            "logistic" => "logistic regression: as the config asks",
            "trees" => "boosted trees, ",
            "blend" => "blend of both, ",
            _ => "lowest log loss on",
        };
        assert!(flat(&report).contains(taken), "{report}");
        let mut n_reasons = 0;
        for row in rows.values() {
            let mut sum = number(row, "reasons_rest");
            let mut before = f64::INFINITY;
            let mut themes = std::collections::BTreeSet::new();
            for reason in ["reason_1", "reason_2", "reason_3"] {
                let of = |suffix: &str| &row[&format!("{reason}{suffix}")];
                if of("").is_empty() {
                    continue;
                }
                let contribution: f64 = of("_contribution").parse().unwrap();
                assert!(contribution > 0.0 && contribution <= before, "{row:?}");
                (before, sum) = (contribution, sum + contribution);
                let value: f64 = of("_value").parse().unwrap();
                assert!(!of("_zh").is_ascii() && !of("_theme").is_empty(), "{row:?}");
                assert!(themes.insert(of("_theme").clone()), "{row:?}");
                if of("_feature") == "days_since_last_order" {
                    assert_eq!(of("_theme"), "silence");
                    assert_eq!(value, number(row, "days_since_last_order"));
                }
                n_reasons += 1;
            }
            assert!((sum - number(row, "churn_log_odds")).abs() < 1e-9, "{row:?}");
        }
        assert!(n_reasons > rows.len(), "{n_reasons}");
        // The order of probabilities is that of log odds.
        let mut ranked: Vec<(f64, f64)> = rows
            .values()
            .map(|row| (number(row, "churn_log_odds"), number(row, "churn_probability")))
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(ranked.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    }
}

#[test]
fn silence_is_dated_by_ones_own_gaps_and_by_the_fixed_rule() {
    let (_, _, rows) = scored("[silence]\ndays = 50\nwarning_days = 10\ngap_factor = 2.0");
    let as_of: NaiveDate = AS_OF.parse().unwrap();
    let mut n_warned = 0;
    for (user, row) in &rows {
        let days = order_days(user);
        let last = *days.last().unwrap();
        // Orders are at ten in the morning, so days of 24 hours end on the same day.
        let silent_on = last + Days::new(50);
        assert_eq!(row["silent_on"], silent_on.to_string(), "{row:?}");
        let days_left = (silent_on - as_of).num_days();
        assert_eq!(number(row, "days_left"), days_left as f64);
        let mut gaps: Vec<i64> = days.windows(2).map(|p| (p[1] - p[0]).num_days()).collect();
        gaps.sort_unstable();
        let own_left = (gaps.len() >= 2).then(|| {
            let middle = (gaps[(gaps.len() - 1) / 2] + gaps[gaps.len() / 2]) as f64 / 2.0;
            assert_eq!(number(row, "median_gap_days"), middle);
            (last + Days::new((middle * 2.0) as u64) - as_of).num_days()
        });
        assert_eq!(row["own_days_left"].parse::<i64>().ok(), own_left, "{row:?}");
        let is_near = |left: i64| (0..=10).contains(&left);
        let warned = is_near(days_left) || own_left.is_some_and(is_near);
        assert_eq!(row["silence_warning"], warned.to_string(), "{row:?}");
        n_warned += usize::from(warned);
    }
    assert!(n_warned > 5 && n_warned < rows.len(), "{n_warned}");
}

#[test]
fn flags_follow_the_rule_of_the_config() {
    let flagged = |rule: &str| {
        let (_, _, rows) = scored(&format!("flag = {{ {rule} }}"));
        let of = |row: &BTreeMap<String, String>| number(row, "churn_probability");
        let (flagged, others): (Vec<_>, Vec<_>) =
            rows.into_values().partition(|row| row["at_risk"] == "true");
        let least = flagged.iter().map(of).fold(1.0, f64::min);
        let in_reach =
            |row: &&BTreeMap<String, String>| number(row, "days_since_last_order") <= 90.0;
        let most = others.iter().filter(in_reach).map(of).fold(0.0, f64::max);
        (flagged.len(), least, most)
    };
    let (n, least, most) = flagged("top_n = 7");
    assert!(n == 7 && least >= most, "{n} {least} {most}");
    let (_, least, most) = flagged("cutoff = 0.3");
    assert!(least >= 0.3 && most < 0.3, "{least} {most}");
    assert_eq!(flagged("profit = { cost = 1e9 }").0, 0);
    assert!(flagged("profit = { save_rate = 0.2, cost = 0.5 }").0 > 0);
}

#[test]
fn the_full_report_has_every_table_and_json() {
    let (shop, _, _) = scored("trees.max_rounds = 30");
    let report = shop.train(&["show", "churn", "--bundle", "models/shop"]).done();
    for title in [
        "Snapshot",
        "Out-of-time validation",
        "KS",
        "Captured 5 %",
        "GMV 20 %",
        "Calibration",
        "Cutoff",
        "Mean prob.",
        "Shuffled feature",
        "not trusted",
    ] {
        assert!(report.contains(title), "{title}: {report}");
    }
    assert!(report.lines().all(|line| line.chars().count() <= 80), "{report}");
    let json = shop.train(&["show", "churn", "--bundle", "models/shop", "--format", "json"]).done();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["flags"].as_array().unwrap().len(), 5);
    assert_eq!(json["trusted"], false);
}

#[test]
fn exported_labels_follow_the_rule_and_leave_out_users_who_are_not_eligible() {
    use arrow::array::{Array, AsArray};
    let shop = Shop::with_orders(&irregular_orders(300));
    shop.write(
        "shop.toml",
        format!(
            "{CONFIG}\n[churn]\nrule = \"silence\"\ntrees.max_rounds = 20\n[silence]\ndays = 50\n"
        ),
    );
    shop.train(&["--config", "shop.toml", "--as-of", AS_OF]).done();
    let json = shop.train(&["show", "churn", "--bundle", "models/shop", "--format", "json"]).done();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    // The holdout snapshot lies one horizon before as-of.
    let place =
        ["--bundle", "models/shop", "--as-of", "2024-07-29", "--labels", "--out", "m.parquet"];
    shop.train(&[&["features"][..], &place].concat()).done();
    let file = std::fs::File::open(shop.path("m.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
    let (mut n_eligible, mut n_churned, mut n_not_eligible) = (0, 0, 0);
    for batch in reader.unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let churned = batch.column_by_name("outcome_churned").unwrap().as_boolean();
        n_not_eligible += churned.null_count();
        n_eligible += churned.len() - churned.null_count();
        n_churned += churned.true_count();
    }
    assert_eq!(json["n_users"], n_eligible);
    assert_eq!(json["n_churned"], n_churned);
    assert!(n_not_eligible > 20 && n_churned > 20, "{n_not_eligible} {n_churned}");
}

#[test]
fn little_evidence_is_not_trusted_unless_less_is_asked_for() {
    let (_, report, _) = scored("trees.max_rounds = 30");
    let report = flat(&report);
    assert!(report.contains("not trusted: "), "{report}");
    assert!(report.contains("500 of each are needed ([churn] min_class_size)"), "{report}");
    let (_, report, _) = scored("min_class_size = 20\ntrees.max_rounds = 30");
    assert!(!report.contains("not trusted"), "{report}");
    let (_, report, _) = scored("min_class_size = 20\nlookback_days = 200\ntrees.max_rounds = 30");
    assert!(flat(&report).contains("lookback and horizon need 230"), "{report}");
}

#[test]
fn a_known_base_rate_moves_the_level_and_not_the_order() {
    let (_, _, as_trained) = scored("model = \"logistic\"");
    let (_, _, higher) = scored("model = \"logistic\"\nbase_rate = 0.9");
    let mean = |rows: &Rows| {
        rows.values().map(|row| number(row, "churn_probability")).sum::<f64>() / rows.len() as f64
    };
    assert!(mean(&higher) > mean(&as_trained) + 0.05);
    for (user, row) in &as_trained {
        assert_eq!(row["churn_percentile"], higher[user]["churn_percentile"]);
        assert_eq!(row["churn_log_odds"], higher[user]["churn_log_odds"]);
    }
}

#[test]
fn churn_may_be_the_absence_of_another_event() {
    let shop = Shop::with_orders(&orders(120));
    let mut visits = String::from("user,at\n");
    for line in orders(120).lines().skip(1).filter(|line| !line.contains("2024-07")) {
        let fields: Vec<&str> = line.split(',').collect();
        visits += &format!("{},{}\n", fields[0], fields[1]);
    }
    shop.write("visits.csv", visits);
    let source = "\n[[source]]\npath = \"visits.csv\"\nuser = \"user\"\ntime = \"at\"\nevent = \"'visit'\"\n";
    let config = |event: &str| {
        format!("{CONFIG}{source}[churn]\nevent = \"{event}\"\ntrees.max_rounds = 30\n")
    };
    shop.write("shop.toml", config("visit"));
    let report = shop.train(&["--config", "shop.toml", "--as-of", AS_OF]).done();
    assert!(flat(&report).contains("churned: no `visit` in the 30 days"), "{report}");
    shop.write("shop.toml", config("vist"));
    shop.train(&["--config", "shop.toml", "--as-of", AS_OF]).refused(&[
        "[churn] event",
        "no `vist` event",
        "did you mean `visit`",
    ]);
}

/// What layers, pruning and the back-test of a shop say, as JSON, with a churn rule.
fn measured_by(rule: &str) -> [serde_json::Value; 3] {
    let shop = Shop::with_orders(&irregular_orders(300));
    shop.write("shop.toml", format!("{CONFIG}\n[churn]\nmodel = \"logistic\"\n{rule}\n"));
    shop.train(&["--config", "shop.toml", "--as-of", AS_OF]).done();
    let json = |text: String| -> serde_json::Value { serde_json::from_str(&text).unwrap() };
    let layers = std::fs::read_to_string(shop.bundle("models").join("layers.json")).unwrap();
    let pruning = ["show", "features", "--bundle", "models/shop", "--format", "json"];
    let backtest = ["backtest", "--bundle", "models/shop", "--format", "json"];
    [json(layers), json(shop.train(&pruning).done()), json(shop.compare(&backtest).done())]
}

#[test]
fn layers_pruning_and_the_back_test_follow_the_churn_rule() {
    let [by_orders, by_silence] =
        ["rule = \"no_event\"", "rule = \"silence\"\n[silence]\ndays = 50"].map(measured_by);
    // All users are customers: churn that is no order is no order.
    let profiles = |[layers, _, _]: &[serde_json::Value; 3]| -> Vec<(f64, f64)> {
        let layers = layers["groups"].as_array().unwrap().iter().map(|layer| &layer["profile"]);
        let rate = |profile: &serde_json::Value, key: &str| profile[key].as_f64().unwrap_or(-1.0);
        layers.map(|it| (rate(it, "no_order_rate"), rate(it, "churn_rate"))).collect()
    };
    assert!(profiles(&by_orders).iter().all(|(no_order, churn)| no_order == churn));
    assert!(profiles(&by_silence).iter().any(|(no_order, churn)| no_order != churn));
    // The same features and groups say the same of GMV and other things of churn.
    let silence_feature = |[_, features, _]: &[serde_json::Value; 3]| {
        let features = features["features"].as_array().unwrap();
        features.iter().find(|it| it["name"] == "days_since_last_order").unwrap().clone()
    };
    let (before, after) = (silence_feature(&by_orders), silence_feature(&by_silence));
    assert_eq!(before["gmv_correlation"], after["gmv_correlation"]);
    assert_ne!(before["churn_auc"], after["churn_auc"]);
    let rfm = |[_, _, found]: &[serde_json::Value; 3]| found["groupings"][1].clone();
    let (before, after) = (rfm(&by_orders), rfm(&by_silence));
    assert_eq!(before["r2_gmv"], after["r2_gmv"]);
    assert_ne!(before["churn_log_loss"], after["churn_log_loss"]);
}

#[test]
fn weights_and_monotone_features_are_trained_with() {
    let (_, _, plain) = scored("model = \"trees\"\ntrees.max_rounds = 30");
    let (_, _, weighted) = scored(
        "model = \"trees\"\nmonotone_increasing = [\"days_since_last_order\"]\n\
         trees = { max_rounds = 30 }\nweights = { positive_weight = 4.0, half_life_days = 30 }",
    );
    let differ = |(user, row): (&String, &BTreeMap<String, String>)| {
        row["churn_log_odds"] != weighted[user]["churn_log_odds"]
    };
    assert!(plain.iter().any(differ));
}

#[test]
fn a_config_out_of_bounds_is_refused_by_key() {
    refused(
        "[churn.weights]\npositive_weight = -1.0",
        &["[churn.weights] positive_weight must be above 0, got -1"],
    );
    refused(
        "weights.positive_weight = 0.0",
        &["[churn.weights] positive_weight must be above 0, got 0"],
    );
    refused("weights.half_life_days = 0", &["half_life_days must be at least 1, got 0"]);
    refused("base_rate = 1.5", &["[churn] base_rate must be", "got 1.5"]);
    refused(
        "model = \"forest\"",
        &["[churn] model must be one of", "`logistic`", "got \"forest\""],
    );
    refused(
        "monotone_increasing = [\"days_since_last_ordr\"]",
        &["did you mean `days_since_last_order`"],
    );
    refused("flag = { share = 20 }", &["[churn] flag must lie between 0 and 1, got 20"]);
    refused("flag = { profit = { save_rat = 0.2 } }", &["did you mean `save_rate`"]);
    refused("flag = { shar = 0.2 }", &["unknown key `shar`; did you mean `share`?"]);
    refused("flag = { share = 0.2, top_n = 5 }", &["[churn] flag must be a table with one key"]);
    refused("flag = \"share\"", &["[churn] flag must be a table with one key, got \"share\""]);
}

#[test]
fn a_horizon_past_the_end_of_the_data_is_refused_with_what_is_needed() {
    let shop = Shop::with_orders(&orders(60));
    shop.write("shop.toml", CONFIG.replace("horizon_days = 30", "horizon_days = 200"));
    shop.train(&["--config", "shop.toml", "--as-of", AS_OF])
        .refused(&["needs 430 days", "shorten [snapshots] horizon_days"]);
}

#[test]
fn a_feature_that_is_the_label_raises_an_alarm() {
    // Who will order in the last month carries a mark from the start.
    let mut marked = String::from("user,at,amount,mark\n");
    let text = orders(120);
    for line in text.lines().skip(1) {
        let user: u64 = line.split(',').next().unwrap().parse().unwrap();
        marked += &format!("{line},{}\n", if user.is_multiple_of(3) { 100.0 } else { 0.0 });
    }
    let shop = Shop::with_orders(&marked);
    shop.write(
        "shop.toml",
        format!(
            "{CONFIG}\n[features.custom.mark]\nsql = \"max(discount)\"\nmeaning = \"the mark\"\n"
        )
        .replace("amount = \"amount\"\n", "amount = \"amount\"\ndiscount = \"mark\"\n"),
    );
    let report = shop.train(&["--config", "shop.toml", "--as-of", AS_OF]).done();
    assert!(flat(&report).contains("each alone predicts churn with an AUC above 0.90"), "{report}");
    assert!(flat(&report).contains("does one of them know the outcome"), "{report}");
}

#[test]
fn a_plan_names_the_source_column_that_went() {
    let with_discount = |value: &str| {
        orders(120)
            .lines()
            .enumerate()
            .map(|(number, line)| match number {
                0 => format!("{line},rebate\n"),
                _ => format!("{line},{value}\n"),
            })
            .collect::<String>()
    };
    let shop = Shop::with_orders(&with_discount("1.5"));
    let config =
        CONFIG.replace("amount = \"amount\"\n", "amount = \"amount\"\ndiscount = \"rebate\"\n");
    shop.write("shop.toml", config);
    shop.train(&["--config", "shop.toml", "--as-of", AS_OF]).done();
    // The column is there and empty; then it is gone.
    shop.write("orders.csv", with_discount(""));
    shop.score(&["--bundle", "models/shop", "--as-of", AS_OF]).refused_by_gate(&[
        "data with `discount` (rebate of source `orders.csv`)",
        "no event has now",
    ]);
    shop.write("orders.csv", orders(120));
    shop.score(&["--bundle", "models/shop", "--as-of", AS_OF])
        .refused(&["source `orders.csv`", "no column `rebate`"]);
}

/// A number of 0..1 that depends on a user and a day alone.
fn drawn(user: u64, day: u64) -> f64 {
    let mut x = user.wrapping_mul(2_654_435_761).wrapping_add(day.wrapping_mul(39_571_431));
    x = (x & 0xffff_ffff) ^ ((x & 0xffff_ffff) >> 15);
    x = x.wrapping_mul(2_246_822_519) & 0xffff_ffff;
    x = (x ^ (x >> 13)).wrapping_mul(3_266_489_917) & 0xffff_ffff;
    f64::from(((x ^ (x >> 16)) % 100_000) as u32) / 100_000.0
}

/// Customers of almost three years who order four times as often in eighty days of each.
fn orders_with_a_season() -> String {
    let mut csv = String::from("user,at,amount\n");
    for user in 0..600 {
        let start = user * 37 % 800;
        let leaves = start + 60 + user * user * 7 % 900;
        for day in start..leaves.min(1_000) {
            let rate = if (120..200).contains(&(day % 364)) { 0.06 } else { 0.015 };
            if day == start || drawn(user, day) < rate {
                let (date, amount) = (first_day() + Days::new(day), 10 + (user * 13 + day) % 50);
                csv += &format!("{user},{date} 10:00:00,{amount}.25\n");
            }
        }
    }
    csv
}

#[test]
fn the_year_before_tells_the_season_unless_the_config_leaves_it_out() {
    let shop = Shop::with_orders(&orders_with_a_season());
    let trained = |year_before: &str| {
        let setting = format!("snapshots.year_before={year_before}");
        // Plain models, which are quick.
        let settings =
            ["snapshots.n_snapshots=8", "churn.model=logistic", "value.model=bg_nbd", &setting];
        let settings = settings.into_iter().flat_map(|it| ["--set", it]);
        let arguments: Vec<&str> = ["--config", "shop.toml"].into_iter().chain(settings).collect();
        shop.train(&arguments).done();
        let json =
            shop.train(&["show", "churn", "--bundle", "models/shop", "--format", "json"]).done();
        let page: serde_json::Value = serde_json::from_str(&json).unwrap();
        let loss = page["calibration"][1]["log_loss"].as_f64().unwrap();
        (page["season_weight"].as_f64().unwrap(), loss)
    };
    let ((weight, with), (none, without)) = (trained("true"), trained("false"));
    assert!(weight > 0.5 && with < without - 0.001, "{weight}: {with} and {without}");
    assert_eq!(none, 0.0);
}
