//! No event at or after the as-of date touches a feature, on real data.

use chrono::{NaiveDate, NaiveDateTime};
use layercake::dataset::Snapshot;
use layercake::features::{
    EventParams, FeatureParams, FeaturePlan, SnapshotRequest, build_plan, compute_snapshots,
    describe_input,
};
use layercake::input::engine::{Engine, EngineParams};
use layercake::input::history::Histories;
use layercake::input::source::{InputGates, InputParams, SourceParams, open_sources};
use layercake::settings::Share;

use crate::support::{no_order_label, project, shared_data};

fn read(sources: &[SourceParams]) -> (Engine, Histories) {
    let engine = Engine::new(&EngineParams::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let gates = InputGates { max_rejected_share: Share::of(1.0), ..Default::default() };
    let input = InputParams { gates, ..Default::default() };
    let sources = open_sources(&engine, sources, &input).unwrap();
    let histories = sources.read(&engine, &folder.path().join("quarantine.csv")).unwrap().histories;
    (engine, histories)
}

fn snapshot(sources: &[SourceParams], plan: &FeaturePlan, as_of: NaiveDateTime) -> Snapshot {
    let (engine, histories) = read(sources);
    let dates = [as_of];
    let label = no_order_label(30);
    let request = SnapshotRequest::new(&dates, &label);
    compute_snapshots(&engine, &histories, plan, &request).unwrap().remove(0)
}

/// The source with its rows at or after a moment changed by `change`, which is
/// told the condition that holds for them.
fn altered(source: &SourceParams, as_of: NaiveDateTime, change: Change) -> SourceParams {
    let late = format!(
        "cast({} AS timestamp) >= arrow_cast('{as_of}', 'Timestamp(Microsecond, None)')",
        source.time
    );
    let own = source.filter.clone().unwrap_or_else(|| "true".into());
    let mut source = source.clone();
    match change {
        Change::Delete => source.filter = Some(format!("({own}) AND NOT ({late})")),
        Change::Alter => {
            let other =
                |own: &str, other: &str| format!("CASE WHEN {late} THEN {other} ELSE {own} END");
            source.event = other(&source.event, "'share'");
            source.amount = source.amount.map(|own| other(&own, "1000000"));
            source.quantity = source.quantity.map(|own| other(&own, "77"));
            source.discount = source.discount.map(|own| other(&own, "5"));
            source.channel = source.channel.map(|own| other(&own, "'moon'"));
            source.category = source.category.map(|own| other(&own, "'moon'"));
        }
        Change::Add => {
            source.filter = Some(format!("({own}) AND {late}"));
            source.event = "'order'".into();
            source.amount = Some("99".into());
            source.channel = Some("'moon'".into());
        }
    }
    source
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Delete,
    Alter,
    Add,
}

fn check(sources: &[SourceParams], as_of: NaiveDate, outbound: &[&str], at_least: usize) {
    let as_of = as_of.and_time(Default::default());
    let (engine, histories) = read(sources);
    let outbound = outbound.iter().map(|event| (*event).to_owned()).collect();
    let events = EventParams { outbound, ..Default::default() };
    let traits = describe_input(&histories, as_of).unwrap();
    let plan = build_plan(&FeatureParams::default(), &events, &traits, 400).unwrap();
    assert!(plan.features.len() >= at_least, "{} features", plan.features.len());
    let dates = [as_of];
    let label = no_order_label(30);
    let request = SnapshotRequest::new(&dates, &label);
    let expected = compute_snapshots(&engine, &histories, &plan, &request).unwrap().remove(0);
    assert!(expected.users.len() > 1_000);
    for change in [Change::Delete, Change::Alter, Change::Add] {
        let mut changed: Vec<SourceParams> =
            sources.iter().map(|source| altered(source, as_of, change)).collect();
        if change == Change::Add {
            changed.extend_from_slice(sources);
        }
        // Something did change: the number of events, or what they say.
        let (_, histories) = read(&changed);
        if change != Change::Alter {
            let n_before = read(sources).1.summary().n_events;
            assert_ne!(histories.summary().n_events, n_before, "{change:?}");
        }
        assert!(snapshot(&changed, &plan, as_of) == expected, "{change:?}");
    }
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

#[test]
fn none_on_cdnow() {
    let path = project().join("data/cdnow/cdnow_master.parquet");
    let source = format!(
        "path = {path:?}\nuser = \"customer_id\"\ntime = \"date\"\nevent = \"'order'\"\n\
         amount = \"dollar_value\"\nquantity = \"number_of_cds\"\n"
    );
    check(&[toml::from_str(&source).unwrap()], day(1998, 2, 1), &[], 60);
}

#[test]
fn none_on_online_retail() {
    let Some(path) = shared_data("online_retail.parquet") else { return };
    let source = format!(
        "path = {path:?}\nuser = \"cast(\\\"CustomerID\\\" AS bigint)\"\ntime = \"InvoiceDate\"\n\
         event = \"'order'\"\namount = \"Quantity * UnitPrice\"\nquantity = \"Quantity\"\n\
         item = \"StockCode\"\norder_id = \"InvoiceNo\"\ncategory = \"Country\"\n\
         where = \"CustomerID IS NOT NULL AND Quantity > 0\"\n"
    );
    check(&[toml::from_str(&source).unwrap()], day(2011, 9, 1), &[], 90);
}

#[test]
fn none_on_the_sample() {
    let config = std::fs::read_to_string(project().join("data/sample.toml")).unwrap();
    let config = config.replace("data/sample/", &format!("{}/data/sample/", project().display()));
    let config =
        layercake::config::Config::parse(&config, std::path::Path::new("sample.toml")).unwrap();
    check(&config.sources, day(2025, 1, 1), &["message_sent"], 300);
}
