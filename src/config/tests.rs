//! What a config says and refuses.

use std::path::Path;

use super::{Config, Override};
use crate::models::churn::{FlagRule, ModelChoice};

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("c.toml")).map_err(|error| error.to_string())
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    let error = parse("name = \"x\"\n[churn.logistic]\nl2_penalti = 1.0\n").unwrap_err();
    assert_eq!(error, "c.toml, line 3: unknown key `l2_penalti`; did you mean `l2_penalty`?");
}

#[test]
fn an_old_key_is_named_with_its_line_and_the_new_one() {
    let error = parse("name = \"x\"\n\n[churn]\nrising = []\n").unwrap_err();
    assert_eq!(
        error,
        "c.toml, line 4: `[churn] rising` is now called `[churn] monotone_increasing`"
    );
}

#[test]
fn a_value_out_of_bounds_names_section_and_key() {
    let error = parse("name = \"x\"\n[segmentation]\nk = 1\n").unwrap_err();
    assert_eq!(error, "c.toml, line 3: [segmentation] k must lie between 2 and 200, got 1");
}

#[test]
fn a_map_of_codes_is_checked_and_survives_a_round_trip() {
    let map = "name = \"x\"\n[rfm.map]\nrest = [\"[1-4]*\", \"51\"]\nVIP = [\"5[2-5]*\"]\n";
    let config = parse(map).unwrap();
    assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
    let error = parse(&map.replace("5[2-5]*", "5[1-5]*")).unwrap_err();
    assert!(error.starts_with("c.toml, line 2: [rfm.map] 5 of 125 codes"), "{error}");
    let error = parse(&map.replace("VIP", "rest")).unwrap_err();
    assert!(error.starts_with("c.toml, line 4: duplicate key"), "{error}");
}

#[test]
fn the_map_in_the_docs_is_sound() {
    let page = include_str!("../../docs/input.md");
    let start = page.find("[rfm.map]\n").unwrap();
    let map = page[start..].split("```").next().unwrap();
    let config = parse(&format!("name = \"x\"\n{map}")).unwrap();
    let names: Vec<String> =
        config.rfm.names().unwrap().names().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["VIP", "regular", "growing", "lapsing"]);
}

#[test]
fn a_wrong_type_names_its_line() {
    let error = parse("name = \"x\"\nseed = \"many\"\n").unwrap_err();
    assert!(error.starts_with("c.toml, line 2: seed: invalid type"), "{error}");
    let error = parse("name = \"x\"\nas_of = \"2026-02-30\"\n").unwrap_err();
    let expected = "as_of must be a day such as \"2026-07-01\", got \"2026-02-30\"";
    assert_eq!(error, format!("c.toml, line 2: {expected}"));
}

#[test]
fn defaults_survive_a_round_trip() {
    let config = parse("name = \"x\"").unwrap();
    assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
}

#[test]
fn a_flag_is_one_tagged_value() {
    let flag = |text: &str| {
        parse(&format!("name = \"x\"\n[churn]\n{text}\n")).map(|config| config.churn.flag)
    };
    assert_eq!(flag("flag = { top_n = 7 }").unwrap(), FlagRule::TopN(7));
    assert!(matches!(flag("flag.profit.cost = 2").unwrap(), FlagRule::Profit(_)));
    for (text, message) in [
        ("flag = { share = 20 }", "[churn] flag must lie between 0 and 1, got 20"),
        ("flag = { shar = 0.2 }", "unknown key `shar`; did you mean `share`?"),
        (
            "flag = { profit = { save_rat = 1 } }",
            "unknown key `save_rat`; did you mean `save_rate`?",
        ),
        (
            "flag = { share = 0.2, top_n = 5 }",
            "[churn] flag must be a table with one key, got { share = 0.2, top_n = 5 }",
        ),
        ("flag = \"share\"", "[churn] flag must be a table with one key, got \"share\""),
        ("flag = {}", "[churn] flag must be a table with one key, got {}"),
        ("flag = 7", "[churn] flag must be a table with one key, got 7"),
    ] {
        assert_eq!(flag(text).unwrap_err(), format!("c.toml, line 3: {message}"));
    }
}

#[test]
fn a_value_that_is_none_of_those_allowed_is_shown() {
    let error = |text: &str| parse(&format!("name = \"x\"\n[churn]\n{text}\n")).unwrap_err();
    assert_eq!(
        error("base_rate = 1.5"),
        "c.toml, line 3: [churn] base_rate must be \"training\", \"latest\" or a rate between 0 \
         and 1, and neither, got 1.5"
    );
    assert_eq!(
        error("model = \"forest\""),
        "c.toml, line 3: [churn] model must be one of `auto`, `logistic`, `trees`, `blend`, got \
         \"forest\""
    );
}

fn set(file: &str, settings: &[&str]) -> Result<Config, String> {
    let overrides: Result<Vec<Override>, _> =
        settings.iter().map(|typed| Override::parse(typed)).collect();
    let overrides = overrides.map_err(|error| error.to_string())?;
    Config::parse_with(file, Path::new("c.toml"), &overrides).map_err(|error| error.to_string())
}

#[test]
fn what_is_set_wins_over_the_file() {
    let file = "name = \"x\"\n[churn]\nmodel = \"blend\"\nmin_age_days = 3\n";
    let config = set(
        file,
        &[
            "churn.model=trees",
            "churn.trees.max_leaves = 4",
            "as_of=2026-07-01",
            "models=/srv/models",
            "churn.flag={ top_n = 5 }",
            "events.outbound=[\"sms\"]",
        ],
    );
    let config = config.unwrap();
    assert_eq!(config.churn.model, ModelChoice::Trees);
    assert_eq!(config.churn.trees.max_leaves.get(), 4);
    assert_eq!((config.churn.min_age_days, config.churn.flag), (3, FlagRule::TopN(5)));
    assert_eq!(config.as_of.unwrap().to_string(), "2026-07-01");
    assert_eq!(config.models.to_str(), Some("/srv/models"));
    assert_eq!(config.events.outbound, ["sms"]);
    let twice = set(file, &["seed=1", "seed=2"]).unwrap();
    assert_eq!(twice.seed, 2);
}

#[test]
fn what_is_wrong_with_an_override_names_it() {
    let file = "name = \"x\"\n[[source]]\npath = \"a.csv\"\nuser = \"u\"\ntime = \"t\"\n\
                event = \"'order'\"\n";
    for (setting, message) in [
        ("churn.modl=trees", "unknown key `modl`; did you mean `model`?"),
        ("churn.rising=[]", "`[churn] rising` is now called `[churn] monotone_increasing`"),
        ("engine.threads=0", "[engine] threads must lie between 1 and 1024, got 0"),
        ("segmentation.k=1", "[segmentation] k must lie between 2 and 200, got 1"),
        ("kinds.k=-3", "[kinds] k must lie between 2 and 200, got -3"),
        ("kinds.n_starts=100000", "[kinds] n_starts must lie between 1 and 1000, got 100000"),
        ("source.user=id", "source is a list of tables: change it in the config"),
        ("churn.model", "write section.key=value, as in churn.model=trees"),
        ("=3", "write section.key=value, as in churn.model=trees"),
    ] {
        assert_eq!(
            set(file, &["seed=7", setting]).unwrap_err(),
            format!("--set {setting}: {message}")
        );
    }
    let error = set(file, &["churn.flag={ top_n = 5"]).unwrap_err();
    assert!(error.contains("the value is no TOML"), "{error}");
    let of_file = set("name = \"x\"\n[churn]\nmodl = 1\n", &["seed=7"]).unwrap_err();
    assert!(of_file.starts_with("c.toml, line 3:"), "{of_file}");
}

#[test]
fn over_a_bundle_only_what_reads_data_is_set() {
    let is_of_data = |typed: &str| Override::parse(typed).unwrap().check_is_of_data();
    for allowed in ["as_of=2026-07-01", "engine.threads=2", "input.gates.max_stale_days=30"] {
        is_of_data(allowed).unwrap();
    }
    for refused in ["churn.model=trees", "seed=1", "input.user_ids=text", "silence.days=3"] {
        let error = is_of_data(refused).unwrap_err().to_string();
        assert!(error.starts_with(&format!("--set {refused}: ")), "{error}");
        assert!(error.contains("belongs to the trained model"), "{error}");
    }
}

#[test]
fn a_setting_without_effect_is_refused_with_its_line_and_why() {
    for (text, message) in [
        (
            "[segmentation]\nembedding = \"behaviour\"\nbehaviour_weight = 0.3\n",
            "c.toml, line 4: [segmentation] behaviour_weight is not used with embedding = \
             \"behaviour\": remove it, or change the latter",
        ),
        (
            "[segmentation]\nhabits_weight = 0.5\nhabits_cost = 0.1\n",
            "c.toml, line 4: [segmentation] habits_cost is not used with a fixed habits_weight, or \
             embedding = \"behaviour\": remove it, or change the latter",
        ),
        (
            "[kinds]\nk = 4\nmin_share = 0.1\n",
            "c.toml, line 4: [kinds] min_share is not used with a fixed number of kinds, k: remove \
             it, or change the latter",
        ),
        (
            "[churn]\nmodel = \"logistic\"\n[churn.trees]\nmax_rounds = 3\n",
            "c.toml, line 4: [churn] trees is not used with [churn] model = \"logistic\": remove it, \
             or change the latter",
        ),
        (
            "[[source]]\npath = \"a.parquet\"\nuser = \"u\"\ntime = \"t\"\nevent = \"e\"\n\
             delimiter = \";\"\n",
            "c.toml, line 7: [[source]] delimiter is not used with Parquet files, which have types: \
             remove it, or change the latter",
        ),
    ] {
        assert_eq!(parse(&format!("name = \"x\"\n{text}")).unwrap_err(), message);
    }
    let error = set("name = \"x\"\n", &["segmentation.k=8", "segmentation.min_share=0.1"]);
    let error = error.unwrap_err();
    assert!(error.starts_with("--set segmentation.min_share=0.1: "), "{error}");
}
