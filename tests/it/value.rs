//! Value as its users meet it: what is refused, what is said, and what the scores hold.

use chrono::{Days, NaiveDate};

use crate::support::{Shop, first_day, flat, orders, project};

#[test]
fn settings_out_of_range_are_refused_with_what_is_allowed() {
    let shop = Shop::ordinary();
    for (setting, part) in [
        ("value.margin=0", "must be above 0 and at most 1, got 0"),
        ("value.margin=1.2", "must be above 0 and at most 1, got 1.2"),
        ("value.horizon_days=9999", "horizon_days must be 7300 at most (20 years), got 9999"),
        ("value.discount_yearly=-0.1", "must lie between 0 and 1, got -0.1"),
        ("value.discount_yearly=10", "must lie between 0 and 1, got 10"),
        ("value.horizon_days=0", "must be at least 1, got 0"),
        ("value.model=nbd", "must be one of `auto`, `bg_nbd`, `mbg_nbd`, `pareto_nbd`, `bg_bb`"),
        ("value.occasion=week", "is not used with [value] model other than \"bg_bb\""),
    ] {
        let arguments = ["--config", "shop.toml", "--set", setting];
        shop.train(&arguments).refused(&[&format!("--set {setting}: "), part]);
    }
    let unknown = ["--config", "shop.toml", "--set", "value.covariates=[\"n_order\"]"];
    shop.train(&unknown)
        .refused(&["[value] covariates: there is no feature `n_order`; did you mean `n_orders`?"]);
    let many = ["--config", "shop.toml", "--set", "value.covariates=[\"gmv\"]"];
    shop.train(&many).refused(&["[value] covariates: gmv have more than 50 different values"]);
}

#[test]
fn a_model_says_what_it_is_and_scores_hold_what_it_says() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28"]).done();
    let text = shop.train(&["value", "--bundle", "models/shop"]).done();
    assert!(text.contains("Value of customers") && text.contains("Log loss"), "{text}");
    let json = shop.train(&["value", "--bundle", "models/shop", "--format", "json"]).done();
    let page: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(page["parameters"].as_array().unwrap().len(), 4, "{json}");
    let zh = shop.train(&["value", "--bundle", "models/shop", "--lang", "zh"]).done();
    assert!(zh.contains("顾客价值"), "{zh}");
    let told = shop.score(&["--bundle", "models/shop", "--encoding", "csv", "--out", "out"]).done();
    let mut reader =
        csv::Reader::from_path(shop.path("out/as_of=2024-08-28/scores.csv")).expect(&told);
    let columns = reader.headers().unwrap().clone();
    let at = |name: &str| columns.iter().position(|it| it == name).unwrap();
    let mut n_customers = 0;
    for row in reader.records().map(Result::unwrap) {
        let number = |name: &str| row[at(name)].parse::<f64>().ok();
        let Some(p_alive) = number("p_alive") else {
            assert_eq!(&row[at("next_order_on")], "", "{row:?}");
            continue;
        };
        n_customers += 1;
        let [p_order, orders, of_order, value, clv, low, high] = [
            "p_order_horizon",
            "expected_orders_horizon",
            "expected_order_value",
            "value_horizon",
            "clv",
            "clv_low",
            "clv_high",
        ]
        .map(|name| number(name).unwrap());
        assert!((0.0..=1.0).contains(&p_alive) && (0.0..=1.0).contains(&p_order));
        assert!(orders >= p_order - 1e-9, "{row:?}");
        assert!((orders * of_order / value - 1.0).abs() < 1e-6, "{row:?}");
        assert!(clv > 0.0 && low <= high, "{row:?}");
        assert!((0.0..=100.0).contains(&number("clv_percentile").unwrap()));
        let day = |name: &str| row[at(name)].to_owned();
        assert!(day("next_order_from") <= day("next_order_on"), "{row:?}");
        assert!(day("next_order_on") <= day("next_order_until"), "{row:?}");
        assert!(day("next_order_from").as_str() >= "2024-08-28", "{row:?}");
    }
    assert!(n_customers > 100, "{n_customers}");
}

/// The ordinary shop's orders with every amount turned into another, and a line more where
/// `more` wants one.
fn with_amounts(of: impl Fn(f64) -> f64, more: impl Fn(&str, f64) -> Option<String>) -> String {
    let mut csv = String::from("user,at,amount\n");
    for line in orders(120).lines().skip(1) {
        let (who, amount) = line.rsplit_once(',').unwrap();
        let amount: f64 = amount.parse().unwrap();
        csv += &format!("{who},{}\n", of(amount));
        csv.extend(more(who, amount));
    }
    csv
}

/// Scores of a shop whose training succeeds; what training and `value` said, and every `clv`.
fn valued(orders: &str) -> (String, Vec<f64>) {
    let shop = Shop::with_orders(orders);
    shop.train(&["--config", "shop.toml", "--as-of", "2024-08-28"]).done();
    let said = flat(&shop.train(&["value", "--bundle", "models/shop"]).done());
    shop.score(&["--bundle", "models/shop", "--encoding", "csv", "--out", "out"]).done();
    let mut reader = csv::Reader::from_path(shop.path("out/as_of=2024-08-28/scores.csv")).unwrap();
    let columns = reader.headers().unwrap().clone();
    let at = columns.iter().position(|it| it == "clv").unwrap();
    let values = reader.records().filter_map(|row| row.unwrap()[at].parse().ok()).collect();
    (said, values)
}

#[test]
fn what_was_taken_back_is_set_aside_and_no_value_is_below_nothing() {
    // After every fifth order three times as much is taken back on the next day.
    let taken_back = |who: &str, amount: f64| {
        let (user, at) = who.split_once(',').unwrap();
        let day = NaiveDate::parse_from_str(&at[..10], "%Y-%m-%d").unwrap() + Days::new(1);
        (amount as u64)
            .is_multiple_of(5)
            .then(|| format!("{user},{day} 10:00:00,{}\n", -3.0 * amount))
    };
    let (said, values) = valued(&with_amounts(|amount| amount, taken_back));
    assert!(said.contains("days with orders came to nothing or less and were set aside"), "{said}");
    assert!(values.len() > 100 && values.iter().all(|&clv| clv >= 0.0));
    // Where all is taken back nobody is a customer.
    let (said, values) = valued(&with_amounts(|amount| -amount, |_, _| None));
    assert!(said.contains("no model of value: of 0 customers 0 ordered on a second day"), "{said}");
    assert!(values.is_empty());
}

#[test]
fn equal_amounts_and_none_are_told() {
    let (said, values) = valued(&with_amounts(|_| 10.0, |_, _| None));
    assert!(said.contains("all are worth the same"), "{said}");
    assert!(values.len() > 100);
    let (said, values) = valued(&with_amounts(|_| 0.0, |_, _| None));
    assert!(said.contains("the data has no amounts"), "{said}");
    assert!(values.is_empty());
}

#[test]
fn shops_that_nothing_can_be_learned_from_are_refused_with_what_to_do() {
    let day = |n: u64| first_day() + Days::new(n);
    let csv = |rows: &mut dyn Iterator<Item = (u64, NaiveDate)>| {
        let rows = rows.map(|(user, day)| format!("{user},{day} 10:00:00,{}\n", 20 + user));
        format!("user,at,amount\n{}", rows.collect::<String>())
    };
    let once = csv(&mut (0..300).map(|user| (user, day(user * 2 % 230))));
    let daily = csv(&mut (0..40).flat_map(|user| (0..240).map(move |n| (user, day(n)))));
    let one = csv(&mut (0..30).map(|n| (1, day(n * 8))));
    let short = csv(&mut (0..120).map(|user| (user % 60, day(user * 7 % 55))));
    for (orders, part) in [
        (
            once,
            "all users did the same: nobody ordered, or all did. Change [snapshots] horizon_days",
        ),
        (
            daily,
            "0 churned: a model needs users who stayed and users who left. A shorter [snapshots]",
        ),
        (one, "constant over 1 users: nothing to segment by"),
        (
            short,
            "needs 90 days of events ([snapshots]: 30 of history + 30 of outcome + 30 of holdout)",
        ),
    ] {
        Shop::with_orders(&orders).train(&["--config", "shop.toml"]).refused(&[part]);
    }
}

/// Fader, Hardie & Lee (2005), table 2: the whole program on the data of the paper. A holdout
/// of 90 days before this as-of begins when the paper's 39 weeks end; amounts are not mapped,
/// since the paper counts orders for nothing.
#[test]
fn cdnow_has_the_parameters_of_the_paper() {
    let text = std::fs::read_to_string(project().join("data/cdnow_sample.toml")).unwrap();
    let file = project().join("data/cdnow/cdnow_sample.parquet");
    let config: String = text
        .replace("data/cdnow/cdnow_sample.parquet", file.to_str().unwrap())
        .lines()
        .filter(|line| !line.starts_with("amount"))
        .map(|line| format!("{line}\n"))
        .collect();
    for (model, paper) in [
        ("bg_nbd", [0.2425967, 4.413659, 0.7929869, 2.426164]),
        ("pareto_nbd", [0.55315, 10.57633, 0.60625, 11.67150]),
    ] {
        let shop = Shop::empty();
        shop.write("cdnow.toml", &config);
        let model = format!("value.model={model}");
        let as_of = ["--config", "cdnow.toml", "--as-of", "1997-12-30", "--set", &model];
        shop.train(&[&as_of[..], &["--set", "name=shop"]].concat()).done();
        let record = std::fs::read_to_string(shop.bundle("models").join("record.json")).unwrap();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        let found = &record["value"]["fitted"]["orders"]["model"]["parameters"];
        for (place, paper) in paper.into_iter().enumerate() {
            let fitted = found[place].as_f64().unwrap();
            // β of Pareto/NBD is flat: its likelihood is the same from 11.65 to 11.69.
            assert!((fitted / paper - 1.0).abs() < 2e-3, "{model}: {fitted} instead of {paper}");
        }
        let weeks = record["value"]["tracking"].as_array().unwrap();
        assert_eq!(weeks.iter().filter(|it| it["is_foretold"] == true).count(), 12, "{weeks:?}");
    }
}
