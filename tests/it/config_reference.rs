//! `docs/config.md` says what a config has: defaults and keys come from the code, and
//! no key is without its meaning.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use layercake::config::Config;

use crate::support::project;

/// A section as it is written, what it is about, and its keys.
struct Section {
    header: &'static str,
    about: &'static str,
    keys: &'static [Key],
}

/// A key, what stands in the place of a default that is none, and its meaning.
struct Key(&'static str, &'static str, &'static str);

const SECTIONS: &[Section] = &[
    Section {
        header: "",
        about: "Before the first section.",
        keys: &[
            Key("name", "must be given", "name of the model: the folder of its bundles"),
            Key(
                "as_of",
                "the day after the last event",
                "use events before this day only, as in `\"2026-07-01\"`",
            ),
            Key("seed", "", "seed of everything random"),
            Key("models", "", "folder of all bundles"),
        ],
    },
    Section {
        header: "[[source]]",
        about: "A raw table and how to read it as events; one section for each. From `user` to `where`, \
                values are SQL expressions over its columns: see [input.md](input.md).",
        keys: &[
            Key(
                "path",
                "must be given",
                "file, folder or glob, or a list of them; relative to the working folder",
            ),
            Key("name", "the first path", "name in messages and in the list of rejected rows"),
            Key("format", "by the file ending", "`\"parquet\"` or `\"csv\"`"),
            Key(
                "delimiter",
                "found in the header",
                "one ASCII character between the fields of a CSV",
            ),
            Key(
                "types",
                "found by reading the files",
                "types of CSV columns, as in `{ zip = \"text\" }`",
            ),
            Key("user", "must be given", "who: whole numbers or text"),
            Key("time", "must be given", "when: a timestamp, a date or text in ISO 8601"),
            Key("event", "must be given", "what: `\"'order'\"`, a column, a CASE"),
            Key("amount", "none", "money of the row, in any one currency"),
            Key("quantity", "none", "units of the row"),
            Key("discount", "none", "money taken off the full price of the row, 0 or more"),
            Key("item", "none", "product or content"),
            Key("category", "none", "category of the item"),
            Key("channel", "none", "where it happened: app, shop, mini program"),
            Key("order_id", "each row is an order", "rows of one order share it"),
            Key("dwell_s", "none", "seconds spent on a view"),
            Key("session", "none", "the visit that the row belongs to"),
            Key(
                "available_at",
                "`time`",
                "when the row became known: a feature uses only what was known by its date",
            ),
            Key("where", "all rows", "rows to read; the others are counted as filtered"),
        ],
    },
    Section {
        header: "[engine]",
        about: "How much of the machine a run may use. No result depends on it.",
        keys: &[
            Key("threads", "all cores", "worker threads"),
            Key(
                "memory_limit_mb",
                "unbounded",
                "memory for events, sorting and grouping; what is beyond it goes to the disk. \
                 Training's matrices have to fit in as much again",
            ),
        ],
    },
    Section {
        header: "[input]",
        about: "The contract of the events: rows that break it are rejected.",
        keys: &[
            Key("earliest", "", "rows before this day are rejected"),
            Key("latest", "two days from now", "rows on or after this day are rejected"),
            Key(
                "user_ids",
                "as found",
                "`\"text\"` or `\"integer\"`; a bundle keeps what it was trained on",
            ),
            Key(
                "duplicates",
                "",
                "rows that repeat another in every mapped column: `\"keep\"`, `\"drop\"` or `\"refuse\"`",
            ),
        ],
    },
    Section {
        header: "[input.gates]",
        about: "Data beyond them stops the run, with exit code 1.",
        keys: &[
            Key("max_rejected_share", "", "share of the rows that may be rejected"),
            Key("max_stale_days", "", "days that the as-of date may lie after the last event"),
            Key("n_nights", "", "published nights before this one that say what is usual, at most"),
            Key("min_nights", "", "nights without which nothing is called unusual"),
            Key(
                "least_share",
                "",
                "share of the usual rows or users (the median) below which a night is refused",
            ),
            Key("most_times", "", "times the usual rows or users above which a night is refused"),
            Key(
                "max_more_nulls",
                "",
                "how much larger than usual the share of a column without values may be",
            ),
            Key(
                "acknowledge_until",
                "none",
                "gates that refuse nothing up to a day, as in `{ \"rows:orders\" = \"2026-07-05\" }`; \
                 see [the runbook](runbook.md)",
            ),
        ],
    },
    Section {
        header: "[events]",
        about: "What event types mean to the business.",
        keys: &[
            Key("order", "", "what counts as an order"),
            Key(
                "outbound",
                "",
                "what the business does, such as sending a message: no sign of activity",
            ),
            Key(
                "funnel",
                "",
                "the way to an order, and beyond: the rates from each to the next become features",
            ),
            Key("share", "", "by which users recommend the shop"),
            Key("coupon", "", "by which users take or redeem a coupon"),
            Key(
                "response",
                "by the first word of the events",
                "answers to outbound events: `{ message_opened = \"message_sent\" }`",
            ),
            Key("negative", "", "by which users turn away"),
        ],
    },
    Section {
        header: "[features]",
        about: "What the catalogue of features considers, and what pruning leaves: see [features.md](features.md).",
        keys: &[
            Key("windows_days", "", "windows that end at the as-of date"),
            Key(
                "max_values",
                "",
                "how many values of each column get features of their own, the most frequent first",
            ),
            Key("only", "", "consider these features only; all when empty"),
            Key("max_features", "", "features that models see at most; the least relevant go"),
            Key(
                "max_correlation",
                "",
                "of two features correlated beyond this, the less relevant goes",
            ),
        ],
    },
    Section {
        header: "[features.custom.NAME]",
        about: "A custom feature; one section for each.",
        keys: &[
            Key(
                "sql",
                "must be given",
                "an aggregate over the rows of one user; `age_days` are whole days before as-of",
            ),
            Key("meaning", "the SQL", "one line for people"),
            Key("when_missing", "`0`", "value where the SQL gives none"),
            Key("keep", "`false`", "whether it stays whatever pruning says"),
        ],
    },
    Section {
        header: "[snapshots]",
        about: "The dates at which users are looked at.",
        keys: &[
            Key("horizon_days", "", "length of the outcome window after each date"),
            Key("n_snapshots", "", "training snapshots at most"),
            Key("step_days", "", "days between training snapshots"),
            Key("min_history_days", "", "history that the earliest snapshot must have"),
            Key(
                "year_before",
                "",
                "whether the same time of the year before moves churn probabilities and expected orders, where training dates bear it out",
            ),
        ],
    },
    Section {
        header: "[segmentation]",
        about: "Layers.",
        keys: &[
            Key(
                "k",
                "",
                "number of layers: a number from 2 to 200, `\"auto\"` (6 to 12) or `{ min = 5, max = 9 }`",
            ),
            Key(
                "min_share",
                "",
                "smallest layer that a chosen number of layers may have, as a share of the users",
            ),
            Key(
                "embedding",
                "",
                "`\"outcome\"`: predictions of GMV and churn, and behaviour beside them; `\"behaviour\"`: all features, standardised",
            ),
            Key(
                "behaviour_weight",
                "",
                "standard deviation of behaviour beside that of the predictions, with many users (with few, more); 0 for the outcome alone",
            ),
            Key(
                "habits_weight",
                "",
                "standard deviation of how users shop beside that of the predictions: a number, or `\"auto\"` for as much as `habits_cost` allows",
            ),
            Key(
                "habits_cost",
                "",
                "share of what layers of outcomes alone predict that `habits_weight = \"auto\"` may cost; layers stay above RFM's cells all the same",
            ),
            Key(
                "transform",
                "",
                "how long tails are transformed: `\"log\"`, `\"winsorise\"` or `\"robust\"`",
            ),
            Key("algorithm", "", "`\"k_means\"`, `\"mini_batch\"` or `\"gaussian_mixture\"`"),
            Key("n_starts", "", "starts of k-means, of which the best counts"),
        ],
    },
    Section {
        header: "[kinds]",
        about: "Kinds: how users shop, whatever the volume.",
        keys: &[
            Key(
                "k",
                "",
                "number of kinds: a number from 2 to 200, `\"auto\"` (one, or 2 to 12) or `{ min = 5, max = 9 }`",
            ),
            Key(
                "min_share",
                "",
                "smallest kind that a chosen number of kinds may have, as a share of the users; 30 users in any case",
            ),
            Key(
                "algorithm",
                "",
                "`\"k_means\"`, `\"mini_batch\"`, `\"gaussian_mixture\"` or `\"auto\"`: k-means, or the mixture where it is clearly better on other users",
            ),
            Key("n_starts", "", "starts of k-means, of which the best counts"),
        ],
    },
    Section {
        header: "[rfm]",
        about: "RFM, which layers are compared with.",
        keys: &[Key(
            "map",
            "the ten usual names",
            "your names of the RFM codes, as in `map = { VIP = [\"5[4-5]*\"], … }`",
        )],
    },
    Section {
        header: "[lifecycle]",
        about: "Stages; dormant is whoever is beyond `[silence] reach_days`.",
        keys: &[Key("new_days", "", "new is a user whose first order is at most so old")],
    },
    Section {
        header: "[silence]",
        about: "When a user who does nothing counts as silent: for the rules of churn, the early warning, flags and stages.",
        keys: &[
            Key("days", "", "days without the event after which anybody is silent"),
            Key("gap_factor", "", "median gaps after which a user is silent by their own rhythm"),
            Key("warning_days", "", "days before either from which a warning stands"),
            Key(
                "reach_days",
                "",
                "days without the event after which a user is out of reach: not flagged, and dormant",
            ),
        ],
    },
    Section {
        header: "[churn]",
        about: "What churn is, its model, and whom to flag: see [churn.md](churn.md).",
        keys: &[
            Key(
                "rule",
                "",
                "`\"no_event\"` in the horizon; `\"silence\"`: within it the silence reaches `[silence] days`; `\"own_gap\"`: `gap_factor` times the user's median gap",
            ),
            Key("event", "orders", "the event whose absence is churn"),
            Key(
                "lookback_days",
                "all time",
                "eligible is only who did it in so many days before as-of",
            ),
            Key("min_age_days", "", "and did it for the first time at least so long ago"),
            Key(
                "model",
                "",
                "the best of `\"logistic\"`, `\"trees\"` and `\"blend\"` at later dates, or one of them",
            ),
            Key(
                "monotone_increasing",
                "",
                "features that never lower the risk when they rise, such as `\"days_since_last_order\"`",
            ),
            Key("calibration", "", "`\"sigmoid\"`, `\"isotonic\"` or `\"none\"`"),
            Key(
                "base_rate",
                "",
                "what probabilities are level with: all training snapshots, the `\"latest\"`, or a rate that you know",
            ),
            Key(
                "min_class_size",
                "",
                "with fewer users who churned or stayed, the model is not called trusted",
            ),
            Key(
                "flag",
                "",
                "whom to flag: a share or `{ top_n = 1000 }` of the likeliest, `{ cutoff = 0.5 }`, as many as keep `{ precision = 0.7 }`, or `{ profit = { save_rate = 0.1, cost = 1.0, by = \"past_year\" } }`: probability × what is at stake × save rate above cost; at stake is the GMV of the last year or, `by = \"clv\"`, the lifetime value",
            ),
        ],
    },
    Section {
        header: "[churn.trees]",
        about: "The boosted trees.",
        keys: &[
            Key("max_rounds", "", "trees at most; out-of-time validation finds how many help"),
            Key("learning_rate", "", "step from tree to tree"),
            Key("max_leaves", "", "leaves of a tree at most"),
            Key("min_leaf_rows", "", "rows that a leaf holds at least"),
        ],
    },
    Section {
        header: "[churn.logistic]",
        about: "The logistic regression.",
        keys: &[Key("l2_penalty", "1, 10 or 100, by validation", "L2 penalty on the coefficients")],
    },
    Section {
        header: "[churn.weights]",
        about: "What users count in training.",
        keys: &[
            Key("positive_weight", "", "what a user who churned counts beside one who stayed"),
            Key("half_life_days", "none", "a snapshot so much older than the latest counts half"),
        ],
    },
    Section {
        header: "[value]",
        about: "What customers will be worth: see [value.md](value.md).",
        keys: &[
            Key(
                "model",
                "",
                "how they order and leave: `\"bg_nbd\"`, `\"mbg_nbd\"`, `\"pareto_nbd\"`, or `\"auto\"` for \
                 the one of these that says best who orders, at dates of training; `\"bg_bb\"` for \
                 orders on occasions of a calendar",
            ),
            Key(
                "occasion",
                "`\"day\"`",
                "occasions of `\"bg_bb\"`: `\"day\"`, `\"week\"` or `\"month\"`",
            ),
            Key("covariates", "", "features of few values that move the parameters"),
            Key(
                "horizon_days",
                "",
                "how far the lifetime value looks ahead, 7,300 (20 years) at most",
            ),
            Key("discount_yearly", "", "by how much less an amount is worth a year later, 0 to 1"),
            Key("margin", "", "part of what customers pay that is earned, up to 1"),
        ],
    },
];

impl Section {
    /// Dotted path of the section, with nothing in the place of names.
    fn path(&self) -> &'static str {
        self.header.trim_matches(['[', ']']).trim_end_matches(".NAME")
    }

    /// The keys that the code knows, as it lists them when it meets another.
    fn keys_of_code(&self) -> BTreeSet<String> {
        let text = format!("{}\nnot_a_key = 1\n", self.header);
        let error = toml::from_str::<Config>(&text).unwrap_err();
        let (_, expected) = error.message().split_once(", expected ").expect("a list of keys");
        let keys = expected.split('`').skip(1).step_by(2);
        keys.filter(|key| !is_section(self.path(), key)).map(str::to_owned).collect()
    }
}

/// Whether a key of a section is a section of its own.
fn is_section(outer: &str, key: &str) -> bool {
    let path = if outer.is_empty() { key.to_owned() } else { format!("{outer}.{key}") };
    SECTIONS.iter().any(|section| section.path() == path)
}

/// The default of a key as TOML; none where it has none.
fn default_of(section: &str, key: &str) -> Option<String> {
    let config = Config::parse("name = \"x\"", Path::new("x.toml")).unwrap();
    let config = toml::Table::try_from(config).unwrap();
    let mut sections = section.split('.').filter(|it| !it.is_empty());
    let table = sections.try_fold(&config, |table, key| table.get(key)?.as_table());
    Some(table?.get(key)?.to_string())
}

fn reference() -> String {
    let mut text = String::from(
        "# The config\n\n\
         One TOML file; `data/sample.toml` is a commented example and `layercake-train init FILE …`\n\
         writes one. An unknown key is an error that names its line and the nearest valid key; so is a\n\
         key of an earlier version, with what it is called now, and a setting that the chosen method\n\
         does not use. `--set section.key=value` wins over the file. This page is written by\n\
         `LAYERCAKE_WRITE_DOCS=1 cargo test config_reference`.\n",
    );
    for section in SECTIONS {
        match section.header {
            "" => text.push('\n'),
            header => writeln!(text, "\n## `{header}`\n").unwrap(),
        }
        writeln!(text, "{}\n\n| key | default | meaning |\n|---|---|---|", section.about).unwrap();
        for Key(key, words, meaning) in section.keys {
            let default = default_of(section.path(), key).filter(|_| words.is_empty());
            let default = default.map_or((*words).to_owned(), |value| format!("`{value}`"));
            writeln!(text, "| `{key}` | {default} | {meaning} |").unwrap();
        }
    }
    text
}

#[test]
fn every_key_has_a_meaning_and_every_meaning_a_key() {
    for section in SECTIONS {
        let described: BTreeSet<String> =
            section.keys.iter().map(|Key(key, ..)| (*key).to_owned()).collect();
        assert_eq!(described, section.keys_of_code(), "[{}]", section.path());
        for Key(key, words, _) in section.keys {
            let has_default = default_of(section.path(), key).is_some();
            assert!(has_default || !words.is_empty(), "{key} needs words for its default");
        }
    }
}

#[test]
fn the_reference_of_the_config_is_what_the_code_says() {
    let file = project().join("docs/config.md");
    let written = reference();
    if std::env::var_os("LAYERCAKE_WRITE_DOCS").is_some() {
        std::fs::write(&file, &written).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == written, "docs/config.md is out of date: set LAYERCAKE_WRITE_DOCS=1");
}
