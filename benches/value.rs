//! Models of orders on customers from a file, for `value.py`, which measures the peers:
//!
//! ```sh
//! cargo bench --bench value -- TIMES.u32
//! ```
//!
//! The file holds repeats, days from the first order to the last and to the end of each
//! customer, as raw little-endian numbers. Waits for the name of a task on each line of the
//! standard input and answers with its seconds and a measure of its result, so that the two
//! sides can take turns.

use std::io::{BufRead, Write};
use std::time::Instant;

use layercake::stats::orders::{
    CovariateLevel, FittedOrders, Forecaster, GroupedTimes, Horizons, OrderModelKind, OrderTimes,
    fit_orders,
};
use rayon::prelude::*;

/// What is predicted: orders in so many days.
const HORIZON_DAYS: f64 = 91.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [times] = arguments.as_slice() else {
        // `cargo test --benches` and the like have nothing to measure.
        eprintln!("usage: TIMES.u32");
        return;
    };
    let bytes = std::fs::read(times).expect("a readable file");
    let (numbers, _) = bytes.as_chunks::<12>();
    let customer = |bytes: &[u8; 12]| {
        let [n_repeats, last_repeat, age] = [0, 4, 8]
            .map(|at| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
        OrderTimes { n_repeats, last_repeat, age }
    };
    answer(&numbers.iter().map(customer).collect::<Vec<_>>());
}

fn answer(customers: &[OrderTimes]) {
    let fit = |kind| -> FittedOrders {
        let customers = GroupedTimes::of(customers.to_vec());
        fit_orders(kind, &[CovariateLevel { covariates: Vec::new(), customers }]).expect("a fit")
    };
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (task, kind) = line.split_once(' ').expect("a task and a model");
        let kind = match kind {
            "bg_nbd" => OrderModelKind::BgNbd,
            "mbg_nbd" => OrderModelKind::MbgNbd,
            "pareto_nbd" => OrderModelKind::ParetoNbd,
            other => panic!("no model {other}"),
        };
        let (seconds, result) = match task {
            "fit" => {
                let begin = Instant::now();
                let found = fit(kind);
                (begin.elapsed(), found.model.parameters[0])
            }
            "predict" => {
                let model = fit(kind).model;
                let begin = Instant::now();
                let horizons = Horizons { short: HORIZON_DAYS, long: HORIZON_DAYS, discount: 0.0 };
                let forecaster = Forecaster::new(model, horizons);
                let orders: f64 = customers
                    .par_iter()
                    .map(|times| forecaster.forecast(times, &[]).short.orders)
                    .sum();
                (begin.elapsed(), orders)
            }
            other => panic!("no task {other}"),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{} {result}", seconds.as_secs_f64()).expect("a reader");
        out.flush().expect("a reader");
    }
}
