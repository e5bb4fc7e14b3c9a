//! The list of features, custom features, and what pruning leaves.

use layercake::dataset::{FeatureInfo, FeatureMatrix, Outcomes, Purchases, Snapshot, UserIds};
use layercake::features::{
    EventParams, Feature, FeatureParams, FeaturePlan, Measure, Quantity, Verdict, prune,
};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::support::{CONFIG, Shop};

#[test]
fn every_feature_has_a_name_a_unit_a_meaning_and_a_formula() {
    let shop = Shop::ordinary();
    let json = shop.train(&["show", "features", "--config", "shop.toml", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&json.done()).unwrap();
    let features = list["features"].as_array().unwrap();
    assert!(features.len() > 50, "{}", features.len());
    for feature in features {
        for key in ["name", "unit", "meaning", "formula", "missing_means"] {
            assert!(feature[key].as_str().is_some_and(|text| !text.is_empty()), "{feature}");
        }
        assert!(feature["when_missing"].is_number(), "{feature}");
    }
    let csv = shop.train(&["show", "features", "--config", "shop.toml", "--format", "csv"]).done();
    let mut csv = csv::Reader::from_reader(csv.as_bytes());
    let names: Vec<String> = csv.records().map(|record| record.unwrap()[0].to_owned()).collect();
    let expected: Vec<&str> = features.iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(names, expected);
    let text = shop.train(&["show", "features", "--config", "shop.toml"]).done();
    assert!(text.contains("n_orders_30d (count)\n  orders placed, last 30 days\n"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(
        text.contains("= count(orders) where age <= 30 d\n  where there is none: 0\n"),
        "{text}"
    );
}

#[test]
fn a_model_says_of_every_feature_whether_it_is_kept_and_why() {
    let shop = Shop::ordinary();
    shop.train(&["--config", "shop.toml"]).done();
    let arguments = ["show", "features", "--bundle", "models/shop", "--format", "json"];
    let list: serde_json::Value = serde_json::from_str(&shop.train(&arguments).done()).unwrap();
    let features = list["features"].as_array().unwrap();
    let names: Vec<&str> = features.iter().map(|f| f["name"].as_str().unwrap()).collect();
    for feature in features {
        let reason = feature["reason"].as_str().unwrap();
        assert_eq!(feature["kept"].as_bool().unwrap(), reason.starts_with("kept"), "{feature}");
        if let Some((_, other)) = reason.split_once(" with ") {
            assert!(names.contains(&other), "{reason}");
        }
    }
    let kept = features.iter().filter(|f| f["kept"].as_bool().unwrap()).count();
    assert!(kept < features.len() && kept >= 4, "{kept} of {}", features.len());
    // Scoring and notebooks compute what models and habits need, and nothing else.
    let is_computed = |f: &&serde_json::Value| {
        f["kept"].as_bool().unwrap() || f["of_habits_only"].as_bool().unwrap()
    };
    let computed = features.iter().filter(is_computed).count();
    let report = shop.train(&["features", "--bundle", "models/shop", "--out", "m.parquet"]).done();
    assert!(report.contains(&format!("120 users × {computed} features")), "{report}");
}

#[test]
fn labels_are_written_where_the_data_reaches_and_refused_beyond() {
    let shop = Shop::ordinary();
    let matrix = |more: &[&str]| {
        let fixed = ["features", "--config", "shop.toml", "--out", "m.parquet"];
        shop.train(&[&fixed, more].concat())
    };
    matrix(&["--labels", "--as-of", "2024-07-01"]).done();
    let file = std::fs::File::open(shop.path("m.parquet")).unwrap();
    let schema = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .schema()
        .clone();
    assert_eq!(schema.field(0).name(), "user_id");
    for label in ["outcome_n_orders", "outcome_gmv", "outcome_churned"] {
        assert!(schema.field_with_name(label).is_ok(), "{label}");
    }
    matrix(&["--labels"]).refused(&["the latest day with labels is 2024-07-29"]);
    matrix(&["--labels", "--as-of", "2024-07-29"]).done();
    matrix(&["--labels", "--as-of", "2024-07-30"]).refused(&["--as-of 2024-07-29"]);
}

#[test]
fn a_fixed_list_of_features_names_what_it_does_not_know() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", format!("{CONFIG}\n[features]\nonly = [\"n_orders\", \"gvm_30d\"]\n"));
    shop.train(&["--config", "shop.toml"]).refused(&["gvm_30d", "did you mean `gmv_30d`"]);
}

/// A value from the number of the row and two draws between 0 and 1.
type Column<'a> = &'a dyn Fn(usize, f64, f64) -> f64;

/// A plan and a snapshot of made-up columns; users order when `signal` is high.
fn made_up(n_users: usize, columns: &[(&str, Column<'_>)]) -> (FeaturePlan, Snapshot) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let draws: Vec<(f64, f64)> = (0..n_users).map(|_| (rng.r#gen(), rng.r#gen())).collect();
    let values = Array2::from_shape_fn((n_users, columns.len()), |(row, column)| {
        columns[column].1(row, draws[row].0, draws[row].1)
    });
    let gmv: Vec<f64> = draws
        .iter()
        .map(
            |(signal, _)| {
                if signal + 0.4 * rng.r#gen::<f64>() > 0.7 { 10.0 + 90.0 * signal } else { 0.0 }
            },
        )
        .collect();
    let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let features = names
        .iter()
        .map(|name| Feature {
            info: FeatureInfo::plain(name),
            measure: Measure::Total { total: Quantity::Orders.into(), window_days: None },
        })
        .collect();
    let plan = FeaturePlan { events: EventParams::default(), columns: vec![], features };
    let n_orders = gmv.iter().map(|&g| f64::from(u8::from(g > 0.0))).collect();
    let outcomes = Outcomes::of_orders(n_orders, gmv);
    let users = UserIds::Integer((0..n_users as i64).collect());
    let matrix = FeatureMatrix::new(names, values).unwrap();
    let purchases = vec![Purchases::default(); n_users];
    (plan, Snapshot::new(Default::default(), users, matrix, purchases, Some(outcomes)).unwrap())
}

#[test]
fn pruning_drops_what_says_nothing_and_names_the_better_twin() {
    let (plan, snapshot) = made_up(
        4_000,
        &[
            ("n_orders", &|row, _, _| 1.0 + (row % 3) as f64),
            ("constant", &|_, _, _| 7.0),
            // Nearly the same; the second is the less blurred.
            ("blurred", &|row, signal, _| 100.0 * signal + (row % 7) as f64),
            ("signal", &|_, signal, _| 100.0 * signal),
            ("copy", &|_, signal, _| 100.0 * signal),
            ("noise", &|_, _, noise| noise),
        ],
    );
    let pruning = prune(&FeatureParams::default(), &plan, &[snapshot]).unwrap();
    let verdict = |name: &str| {
        &pruning.candidates.iter().find(|c| c.feature.info.name == name).unwrap().verdict
    };
    assert_eq!(verdict("n_orders"), &Verdict::Core);
    assert_eq!(verdict("constant"), &Verdict::Constant);
    assert_eq!(verdict("signal"), &Verdict::Kept);
    assert_eq!(verdict("copy"), &Verdict::DuplicateOf("signal".into()));
    let Verdict::CollinearWith { other, correlation } = verdict("blurred") else {
        panic!("{:?}", verdict("blurred"))
    };
    assert!(other == "signal" && *correlation > 0.98, "{other} {correlation}");
    assert_eq!(verdict("noise"), &Verdict::Irrelevant);
    assert_eq!(pruning.kept(), ["n_orders", "signal"]);
}

#[test]
fn pruning_follows_the_churn_labels() {
    let (plan, mut snapshot) = made_up(
        4_000,
        &[
            ("n_orders", &|_, _, _| 1.0),
            ("signal", &|_, signal, _| signal),
            ("noise", &|_, _, noise| noise),
        ],
    );
    // By this rule, which says nothing of every tenth user, those of much noise churn.
    let noise = snapshot.features.column("noise").unwrap().to_vec();
    let by_noise = |row: usize| (!row.is_multiple_of(10)).then(|| noise[row] > 0.6);
    snapshot.outcomes.as_mut().unwrap().churned = (0..4_000).map(by_noise).collect();
    let pruning = prune(&FeatureParams::default(), &plan, &[snapshot]).unwrap();
    assert_eq!(pruning.kept(), ["n_orders", "signal", "noise"]);
    assert_eq!(pruning.candidates[2].churn_auc, Some(1.0));
    let of_signal = pruning.candidates[1].churn_auc.unwrap();
    assert!((of_signal - 0.5).abs() < 0.05, "{of_signal}");
}

#[test]
fn pruning_keeps_no_more_than_is_wanted_and_no_turncoat() {
    let (plan, first) = made_up(
        4_000,
        &[
            ("n_orders", &|_, _, _| 1.0),
            ("strong", &|_, signal, noise| signal + 0.2 * noise),
            ("weak", &|_, signal, noise| signal + 2.0 * noise),
            ("weaker", &|row, signal, _| signal + (row % 5) as f64),
        ],
    );
    let params =
        FeatureParams { max_features: layercake::settings::Count::of(2), ..Default::default() };
    let pruning = prune(&params, &plan, std::slice::from_ref(&first)).unwrap();
    let verdicts: Vec<&Verdict> = pruning.candidates.iter().map(|c| &c.verdict).collect();
    assert_eq!(verdicts, [&Verdict::Core, &Verdict::Kept, &Verdict::Kept, &Verdict::BeyondLimit]);
    // At another snapshot `weak` means the contrary.
    let mut features = first.features.clone();
    let turned = first.features.values().column(2).mapv(|value| -value).to_vec();
    features.replace_column(&first.features.names()[2], &turned).unwrap();
    let second = Snapshot { features, ..first.clone() };
    let pruning = prune(&FeatureParams::default(), &plan, &[first, second]).unwrap();
    assert!(!pruning.candidates[2].verdict.is_kept(), "{:?}", pruning.candidates[2].verdict);
    assert!(pruning.candidates[1].verdict.is_kept());
}

#[test]
fn a_feature_that_knows_the_outcome_raises_the_alarm() {
    let (plan, snapshot) = made_up(
        2_000,
        &[("n_orders", &|_, _, _| 1.0), ("honest", &|row, signal, _| signal + (row % 3) as f64)],
    );
    let pruning = prune(&FeatureParams::default(), &plan, std::slice::from_ref(&snapshot)).unwrap();
    assert!(pruning.leak_alarms().is_empty());
    let mut features = snapshot.features.clone();
    features.replace_column("honest", &snapshot.outcomes.as_ref().unwrap().gmv).unwrap();
    let leaking = Snapshot { features, ..snapshot };
    let pruning = prune(&FeatureParams::default(), &plan, &[leaking]).unwrap();
    assert_eq!(pruning.leak_alarms(), [("honest", 1.0)]);
}
