//! Amounts of groups as pages print them.

use crate::dataset::Language;
use crate::report::{Format, Value, digits};
use crate::stats::resample::Interval;

/// What amounts are in.
pub(super) fn unit(in_orders: bool, margin: f64) -> (&'static str, &'static str) {
    match (in_orders, margin == 1.0) {
        (true, _) => ("orders", "单"),
        (false, true) => ("of GMV", "GMV"),
        (false, false) => ("of GMV × margin", "GMV × 毛利率"),
    }
}

pub(super) fn estimate((value, interval): (f64, Option<Interval>)) -> Value {
    Value::Estimate(value, interval.map(|it| (it.low, it.high)))
}

/// 12,345 (11,111…13,333)
pub(super) fn with_interval(of: (f64, Option<Interval>)) -> String {
    digits::cell(&estimate(of), Format::Short, Language::English)
}

/// The head of a column of amounts.
pub(super) fn gmv(in_orders: bool) -> (&'static str, &'static str) {
    if in_orders { ("Orders", "订单") } else { ("GMV", "GMV") }
}
