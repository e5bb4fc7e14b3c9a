//! Settings as their users meet them: what is refused, where, and what wins.

use std::path::Path;

use layercake::config::{Config, Override};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::support::{CONFIG, Shop};

const AS_OF: &str = "2024-08-28";

#[test]
fn no_threads_are_refused_with_the_line_or_the_option() {
    let shop = Shop::ordinary();
    shop.write("none.toml", format!("{CONFIG}\n[engine]\nthreads = 0\n"));
    let line = format!("none.toml, line {}:", CONFIG.lines().count() + 3);
    let message = "must lie between 1 and 1024, got 0";
    shop.train(&["--config", "none.toml"]).refused(&[&line, "[engine] threads", message]);
    let ran = shop.train(&["--config", "shop.toml", "--threads", "0"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains(&format!("'--threads <N>': {message}")), "{}", ran.stderr);
}

#[test]
fn what_is_set_wins_in_training_and_over_a_bundle() {
    let shop = Shop::ordinary();
    let train = ["--config", "shop.toml", "--as-of", AS_OF, "--set", "churn.model=logistic"];
    shop.train(&[&train[..], &["--set", "churn.flag={ top_n = 3 }"]].concat()).done();
    let config = std::fs::read_to_string(shop.bundle("models").join("config.toml")).unwrap();
    assert!(config.contains("model = \"logistic\"") && config.contains("top_n = 3"), "{config}");
    assert!(!config.contains("[churn.trees]"), "without effect: {config}");
    // Three weeks after the last event is too late, unless that is allowed.
    let score = |more: &[&str]| shop.score(&[&["--bundle", "models/shop"], more].concat());
    let late = ["--set", "as_of=2024-09-30"];
    score(&late).refused_by_gate(&["max_stale_days"]);
    score(&[&late[..], &["--set", "input.gates.max_stale_days=99"]].concat()).done();
    score(&["--set", "churn.model=trees"])
        .refused(&["--set churn.model=trees: ", "belongs to the trained model"]);
    shop.compare(&["backtest", "--bundle", "models/shop", "--set", "snapshots.horizon_days=7"])
        .refused(&["--set snapshots.horizon_days=7: ", "belongs to the trained model"]);
}

#[test]
fn what_is_set_is_refused_by_its_name() {
    let shop = Shop::ordinary();
    for (setting, part) in [
        ("churn.modl=trees", "unknown key `modl`; did you mean `model`?"),
        ("churn.max_rounds=3", "is now called `[churn.trees] max_rounds`"),
        ("segmentation.min_share=7", "must lie between 0 and 1, got 7"),
    ] {
        let arguments = ["--config", "shop.toml", "--set", setting];
        shop.train(&arguments).refused(&[&format!("--set {setting}: "), part]);
    }
    for command in [&["features", "-o", "m.parquet"][..], &["show", "features"]] {
        let arguments = ["--config", "shop.toml", "--set", "feature.only=[]"];
        shop.train(&[command, &arguments].concat())
            .refused(&["--set feature.only=[]: ", "did you mean `features`?"]);
    }
}

#[test]
fn a_setting_that_the_chosen_method_does_not_use_is_refused() {
    let shop = Shop::ordinary();
    shop.write(
        "shop.toml",
        format!("{CONFIG}\n[churn]\nmodel = \"trees\"\n\n[churn.logistic]\nl2_penalty = 1\n"),
    );
    let line = format!("shop.toml, line {}:", CONFIG.lines().count() + 5);
    shop.train(&["--config", "shop.toml"])
        .refused(&[&line, "[churn] logistic is not used with [churn] model = \"trees\""]);
}

/// Keys and values, of which any may come together.
const SETTINGS: &[(&str, &[&str])] = &[
    ("as_of", &["2026-07-01", "2024-02-29"]),
    ("seed", &["0", "18446744073709551"]),
    ("engine.threads", &["1", "64"]),
    ("input.earliest", &["2001-01-01"]),
    ("input.user_ids", &["text", "integer"]),
    ("input.duplicates", &["drop", "refuse"]),
    ("input.gates", &["{ max_rejected_share = 1 }", "{ max_stale_days = 0 }"]),
    ("events.funnel", &["[]", "[\"a\", \"order\"]"]),
    ("events.response", &["{ a_b = \"c\" }"]),
    ("features.windows_days", &["[1]", "[30, 7]"]),
    ("features.max_values.events", &["0", "99"]),
    ("features.max_correlation", &["0.3333333333333333"]),
    ("features.custom.x", &["{ sql = \"sum(amount)\", when_missing = -1.5e-7, keep = true }"]),
    ("snapshots.n_snapshots", &["1", "9"]),
    ("snapshots.step_days", &["7"]),
    ("segmentation.k", &["auto", "12", "{ min = 2, max = 30 }"]),
    ("segmentation.min_share", &["0.25"]),
    ("segmentation.embedding", &["outcome", "behaviour"]),
    ("segmentation.behaviour_weight", &["0", "9.75"]),
    ("segmentation.algorithm", &["k_means", "mini_batch", "gaussian_mixture"]),
    ("segmentation.n_starts", &["3"]),
    ("kinds.k", &["auto", "9", "{ min = 2, max = 30 }"]),
    ("kinds.min_share", &["0.02"]),
    ("kinds.algorithm", &["auto", "k_means", "mini_batch", "gaussian_mixture"]),
    ("kinds.n_starts", &["3"]),
    ("rfm.map", &["{ all = [\"**\"] }"]),
    ("lifecycle.new_days", &["1", "90"]),
    ("silence.reach_days", &["90", "400"]),
    ("silence.gap_factor", &["0.1"]),
    ("churn.rule", &["silence", "own_gap"]),
    ("churn.lookback_days", &["365"]),
    ("churn.model", &["auto", "logistic", "trees", "blend"]),
    ("churn.trees.learning_rate", &["1", "0.01"]),
    ("churn.logistic.l2_penalty", &["0", "1e300"]),
    ("churn.weights", &["{ positive_weight = 2.5, half_life_days = 30 }"]),
    ("churn.base_rate", &["latest", "0.25"]),
    ("churn.flag", &["{ share = 1 }", "{ precision = 0.7 }", "{ profit = { cost = 0 } }"]),
];

#[test]
fn any_config_survives_a_round_trip() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let file = Path::new("c.toml");
    let (mut n_read, mut n_refused) = (0, 0);
    for _ in 0..500 {
        let n = rng.gen_range(0..SETTINGS.len() / 2);
        let chosen: Vec<String> = SETTINGS
            .choose_multiple(&mut rng, n)
            .map(|(key, values)| (key, *values))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(key, values)| format!("{key}={}", values.choose(&mut rng).unwrap()))
            .collect();
        let typed: Vec<&str> = chosen.iter().map(String::as_str).collect();
        let overrides: Vec<Override> =
            typed.iter().map(|typed| Override::parse(typed).unwrap()).collect();
        match Config::parse_with("name = \"x\"\n", file, &overrides) {
            Ok(config) => {
                let written = config.to_toml().unwrap();
                assert_eq!(Config::parse(&written, file).unwrap(), config, "{typed:?}\n{written}");
                n_read += 1;
            }
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("is not used with"), "{typed:?}: {error}");
                n_refused += 1;
            }
        }
    }
    assert!(n_read > 100 && n_refused > 20, "{n_read} read, {n_refused} refused");
}
