//! `docs/features.md` says what the catalogue has: it is written from the code.

use std::fmt::Write;

use layercake::dataset::Missing;
use layercake::features::{EventParams, Feature, FeatureParams, InputTraits, build_plan};
use layercake::settings::Days;

use crate::support::is_current;

/// A shop that fills every column, with one event of each kind.
pub fn everything() -> InputTraits {
    let strings = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let columns = [
        "user_id", "time", "event", "amount", "quantity", "discount", "item", "category",
        "channel", "dwell_s", "session", "order_id",
    ];
    let events = strings(&["view", "order", "sms_sent", "sms_opened"]);
    let of_event = |event: &String| (event.clone(), columns.into());
    InputTraits {
        channels: strings(&["app", "store"]),
        categories: strings(&["tea", "gifts"]),
        alike: Default::default(),
        columns: columns.into(),
        columns_of: events.iter().map(of_event).collect(),
        n_last_day: vec![0; events.len()],
        events,
    }
}

/// The name for any window, event, channel and category.
fn general(name: &str) -> String {
    let name = name.replace("_trend_30d_of_90d", "_trend_SHORTd_of_LONGd");
    let mut name = name.strip_suffix("_90d").map_or(name.clone(), |stem| format!("{stem}_Nd"));
    for (value, placeholder) in [
        ("sms_opened", "ANSWER"),
        ("sms_sent", "SENT"),
        ("view", "EVENT"),
        ("app", "CHANNEL"),
        ("tea", "CATEGORY"),
    ] {
        name = name.replace(value, placeholder);
    }
    name
}

/// One feature of each kind stands for those of other windows and values.
fn is_example(feature: &Feature) -> bool {
    let info = &feature.info;
    let names = |value: &str| feature.measure.values().contains(&value);
    let of_answer = names("sms_opened") || names("sms_sent");
    if info.longer_days.is_some() {
        return !of_answer;
    }
    let is_other_value = names("store") || names("gifts");
    let is_answer_elsewhere = of_answer && !info.name.starts_with("response_");
    let is_of_order = names("order") && info.per_event.is_none();
    info.window_days != Some(30) && !is_other_value && !is_answer_elsewhere && !is_of_order
}

fn reference() -> String {
    let params =
        FeatureParams { windows_days: [30, 90].map(Days::of).to_vec(), ..Default::default() };
    let events = EventParams { outbound: vec!["sms_sent".into()], ..Default::default() };
    let plan = build_plan(&params, &events, &everything(), 1_000).unwrap();
    let mut text = String::from(
        "# Features\n\n\
         What the catalogue gives for data that fills every column. `N` is a window of\n\
         `[features] windows_days`, `EVENT` a type of event, `SENT` an outbound one, `ANSWER`\n\
         a response to it, `CHANNEL` and `CATEGORY` values of the data. Windows end at the\n\
         as-of date; without `N` all time counts. `layercake-train show features` shows\n\
         those of your data. This page is written by `LAYERCAKE_WRITE_DOCS=1 cargo test\n\
         feature_reference`.\n\n\
         | feature | unit | meaning | 含义 | formula | where there is none |\n\
         |---|---|---|---|---|---|\n",
    );
    for feature in plan.features.iter().filter(|feature| is_example(feature)) {
        let info = &feature.info;
        let none = match info.when_missing {
            Missing::Never(_) => "never".to_owned(),
            other => other.value().to_string(),
        };
        let cells = [
            format!("`{}`", general(&info.name)),
            info.unit.as_str().to_owned(),
            info.meaning.en.clone(),
            info.meaning.zh.clone(),
            format!("`{}`", feature.measure),
            none,
        ];
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    text.push_str("\n*never* is twice the length of the history, in whole days.\n");
    text
}

#[test]
fn the_reference_of_features_is_what_the_code_says() {
    is_current("docs/features.md", &reference());
}
