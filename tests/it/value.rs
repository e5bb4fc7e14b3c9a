//! Value as its users meet it: what is refused, what is said, and what the scores hold.

use crate::support::Shop;

#[test]
fn settings_out_of_range_are_refused_with_what_is_allowed() {
    let shop = Shop::ordinary();
    for (setting, part) in [
        ("value.margin=0", "must be above 0 and at most 1, got 0"),
        ("value.margin=1.2", "must be above 0 and at most 1, got 1.2"),
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
