//! Where the time of a feature matrix goes, on a log made by `generate.py`:
//!
//! ```sh
//! cargo bench --bench features -- CONFIG.toml AS_OF
//! ```
//!
//! Prints seconds for decoding the mapped columns alone (the limit), for
//! reading them into histories, for the features of one date, and of three and
//! six dates in one pass.

use std::path::Path;
use std::time::Instant;

use chrono::{Days, NaiveDate, NaiveDateTime};
use futures::StreamExt;
use layercake::config::Config;
use layercake::features::{
    FeaturePlan, SnapshotRequest, build_plan, compute_snapshots, describe_input,
};
use layercake::input::engine::Engine;
use layercake::input::history::Histories;
use layercake::input::source::{EVENT_COLUMNS, open_raw_table, open_sources};
use layercake::models::churn::{ChurnParams, SilenceParams};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [config, as_of] = arguments.as_slice() else {
        eprintln!("usage: cargo bench --bench features -- CONFIG.toml AS_OF");
        std::process::exit(2);
    };
    let config = Config::load(Path::new(config)).expect("a valid config");
    let as_of: NaiveDate = as_of.parse().expect("a day, as 2026-01-01");
    let as_of = as_of.and_time(Default::default());
    report("decoding the columns alone", || decode(&config));
    let (engine, histories) = report("reading into histories", || read(&config));
    let span = histories.summary().first_time.expect("events");
    let span_days = (as_of.and_utc().timestamp_micros() - span) / 86_400_000_000;
    let traits = describe_input(&histories, as_of).expect("histories");
    let plan =
        build_plan(&config.features, &config.events, &traits, span_days as u32).expect("orders");
    let dates: Vec<NaiveDateTime> = (0..6).map(|step| as_of - Days::new(30 * step)).collect();
    report("features of one date", || features(&engine, &histories, &plan, &dates[..1]));
    report("features of three dates", || features(&engine, &histories, &plan, &dates[..3]));
    report("features of six dates", || features(&engine, &histories, &plan, &dates));
}

fn report<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    eprintln!("{what:32} {:6.2} s", start.elapsed().as_secs_f64());
    result
}

/// Decodes every column that the config maps, and drops it.
fn decode(config: &Config) {
    let engine = Engine::new(&config.engine).expect("an engine");
    let source = &config.sources[0];
    let table = open_raw_table(&engine, source).expect("a readable file");
    let mapped: Vec<String> = table
        .column_names()
        .into_iter()
        .filter(|name| {
            EVENT_COLUMNS.iter().any(|it| (it.expression)(source) == Some(name.as_str()))
        })
        .collect();
    let columns: Vec<&str> = mapped.iter().map(String::as_str).collect();
    let frame = table.frame(&engine).expect("a table").select_columns(&columns).expect("columns");
    engine.wait(async {
        let mut tasks = tokio::task::JoinSet::new();
        for mut stream in frame.execute_stream_partitioned().await.expect("streams") {
            tasks.spawn(async move {
                while let Some(batch) = stream.next().await {
                    std::hint::black_box(batch.expect("a batch").num_rows());
                }
            });
        }
        tasks.join_all().await
    });
}

fn read(config: &Config) -> (Engine, Histories) {
    let engine = Engine::new(&config.engine).expect("an engine");
    let quarantine = std::env::temp_dir().join("layercake-bench-quarantine.csv");
    let sources = open_sources(&engine, &config.sources, &config.input).expect("sources");
    let histories = sources.read(&engine, &quarantine).expect("events").histories;
    (engine, histories)
}

fn features(engine: &Engine, histories: &Histories, plan: &FeaturePlan, dates: &[NaiveDateTime]) {
    let label = ChurnParams::default().label(90, &plan.events.order, &SilenceParams::default());
    let request = SnapshotRequest::new(dates, &label);
    let snapshots = compute_snapshots(engine, histories, plan, &request).expect("features");
    std::hint::black_box(snapshots.len());
}
