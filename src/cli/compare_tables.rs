//! Back-tests, and how well layers agree with refits and known groups, in words and
//! tables.

use std::fmt::Write;

use super::layout::{align, keep_first_whole, optional, percent, table, thousands, users};
use crate::app::{Backtest, GroupAgreement, GroupingScores, Stability};
use crate::stats::resample::Interval;

/// A back-test.
pub(super) fn compared(backtest: &Backtest) -> String {
    let mut text = format!(
        "{} as of {}, judged on the {} days after (GMV {})\n\n",
        users(backtest.n_users),
        backtest.hold_out.date(),
        backtest.horizon_days,
        thousands(backtest.gmv.max(0.0) as u64),
    );
    let mut scores =
        table(&["Grouping", "Groups", "R² log", "R²", "AUC", "Log loss", "Top 10%", "Top 20%"]);
    for grouping in &backtest.groupings {
        scores.add_row(grouping_row(grouping));
    }
    align(&mut scores, 1);
    keep_first_whole(&mut scores);
    let mut differences = table(&["Layers gain (95 %)", "R² log", "R²", "Log loss", "Top 10%"]);
    for against in &backtest.differences {
        differences.add_row(vec![
            against.other.clone(),
            interval(against.r2_log_gmv),
            interval(against.r2_gmv),
            interval(against.churn_log_loss),
            interval(against.gmv_capture_10),
        ]);
    }
    align(&mut differences, 1);
    keep_first_whole(&mut differences);
    let _ = writeln!(text, "{scores}\n\n{differences}");
    let _ = writeln!(
        text,
        "Group means are learned on the training snapshots and judged on the period held\n\
         out. R² log, R²: of log(1 + GMV) and of GMV. AUC, log loss: of churn. Top 10%:\n\
         share of GMV caught by that share of users. Higher is better but for log loss.\n\
         Gains are 95 % bootstrap intervals over users; above zero layers are better."
    );
    text
}

fn grouping_row(grouping: &GroupingScores) -> Vec<String> {
    vec![
        grouping.name.clone(),
        grouping.n_groups.to_string(),
        optional(grouping.r2_log_gmv, 3),
        optional(grouping.r2_gmv, 3),
        optional(grouping.churn_auc, 3),
        optional(grouping.churn_log_loss, 4),
        grouping.gmv_capture_10.map_or("–".into(), percent),
        grouping.gmv_capture_20.map_or("–".into(), percent),
    ]
}

fn interval(interval: Option<Interval>) -> String {
    // Without the zero before the point four of them fit beside a name.
    let short = |value: f64| match value.abs() {
        large if large >= 10.0 => format!("{value:+.0e}"),
        small if small < 1.0 => format!("{value:+.3}").replacen("0.", ".", 1),
        _ => format!("{value:+.2}"),
    };
    interval.map_or("–".into(), |it| format!("{}…{}", short(it.low), short(it.high)))
}

/// How well refits agree.
pub(super) fn stability(stability: &Stability) -> String {
    format!(
        "{} refits of {} layers, each on users drawn with replacement: mean adjusted\n\
         Rand index between them {:.3} over {} held-out users (1: the same layers)\n",
        stability.n_refits,
        stability.k,
        stability.adjusted_rand_index,
        thousands(stability.n_users),
    )
}

/// Agreement with known groups.
pub(super) fn agreement(agreement: &GroupAgreement) -> String {
    format!(
        "{} in {} known groups: adjusted Rand index of the layers {:.3}, of RFM {:.3}\n",
        users(agreement.n_users),
        agreement.n_groups,
        agreement.layers,
        agreement.rfm,
    )
}
