//! A scoring run as a file for Prometheus, which node_exporter's textfile collector reads.
//!
//! Source: Prometheus, "Exposition formats", text format 0.0.4. Lines carry no timestamps:
//! the collector refuses a file that has any.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::Scored;
use crate::input::engine::MemoryUse;
use crate::watch::Level;

/// A run as monitoring sees it, however it ended.
pub struct RunFigures<'a> {
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// What the shell sees.
    pub exit_code: u8,
    /// What each stage took.
    pub stages: &'a [(String, Duration)],
    /// What is published, if the run succeeded.
    pub scored: Option<&'a Scored>,
}

/// What every name begins with.
const PREFIX: &str = "layercake_score_";

/// Names of what a run says of itself even when it fails; all else is of the last success.
const OF_EVERY_RUN: [&str; 2] = ["last_run_timestamp_seconds", "last_exit_code"];

/// The text of the file. `former` is what stood there before: a run that failed keeps what
/// the last success said.
pub fn metrics(run: &RunFigures<'_>, former: &str) -> String {
    let mut text = Metrics::default();
    text.gauge("last_run_timestamp_seconds", "When the last run ended.");
    text.value(&[], run.ended_at.timestamp() as f64);
    text.gauge(
        "last_exit_code",
        "0 published, 1 refused by a gate, 2 could not run, 75 try again.",
    );
    text.value(&[], f64::from(run.exit_code));
    match run.scored {
        Some(scored) => text.success(run, scored),
        None => {
            let is_of_every_run = |line: &&str| {
                OF_EVERY_RUN.iter().any(|name| line.contains(&format!("{PREFIX}{name}")))
            };
            for line in former.lines().filter(|line| !is_of_every_run(line)) {
                let _ = writeln!(text.0, "{line}");
            }
        }
    }
    text.0
}

#[derive(Default)]
struct Metrics(String, &'static str);

impl Metrics {
    fn gauge(&mut self, name: &'static str, help: &str) {
        self.1 = name;
        let _ = writeln!(self.0, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} gauge");
    }

    fn value(&mut self, labels: &[(&str, &str)], value: f64) {
        let label = |(name, value): &(&str, &str)| format!("{name}=\"{}\"", escaped(value));
        let labels: Vec<String> = labels.iter().map(label).collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "{PREFIX}{}{labels} {value}", self.1);
    }

    fn success(&mut self, run: &RunFigures<'_>, scored: &Scored) {
        let summary = &scored.summary;
        self.gauge(
            "last_success_timestamp_seconds",
            "When scores were last known to be published.",
        );
        self.value(&[], run.ended_at.timestamp() as f64);
        self.gauge("as_of_timestamp_seconds", "As-of date of the published scores.");
        self.value(&[], summary.as_of.and_utc().timestamp() as f64);
        self.gauge("bundle_info", "Bundle and version of the published scores.");
        let key = &summary.key;
        self.value(&[("bundle", &key.bundle), ("version", &key.version)], 1.0);
        self.gauge("duration_seconds", "What each stage took.");
        // Those of several nights add up: a series stands once in the file.
        let mut took_in_all: BTreeMap<&str, Duration> = BTreeMap::new();
        for (stage, took) in run.stages {
            *took_in_all.entry(stage_name(stage)).or_default() += *took;
        }
        for (stage, took) in took_in_all {
            self.value(&[("stage", stage)], took.as_secs_f64());
        }
        if let Some(bytes) = MemoryUse::peak_process_bytes() {
            self.gauge("peak_memory_bytes", "The most memory that the process held.");
            self.value(&[], bytes as f64);
        }
        self.gauge("users", "Users scored.");
        self.value(&[], summary.n_users as f64);
        self.gauge("users_at_risk", "Users flagged.");
        self.value(&[], summary.n_at_risk as f64);
        if let Some(mean) = summary.mean_churn_probability {
            self.gauge("churn_probability_mean", "Mean churn probability of the eligible users.");
            self.value(&[], mean);
        }
        self.gauge("layer_users", "Users by layer.");
        for layer in &summary.layers {
            self.value(&[("layer", &layer.id)], layer.n_users as f64);
        }
        if let Some(expected) = &summary.expected_if_calibrated {
            self.gauge("churners_expected", "Users who will churn, if the calibration holds.");
            self.value(&[], expected.eligible.n_positive);
        }
        if let Some(moved) = &summary.moved {
            self.gauge("moved_share", "Users who changed group since the night before.");
            self.value(&[("of", "layers")], moved.layers.share);
            self.value(&[("of", "kinds")], moved.kinds.share);
        }
        self.gauge("late_rows", "Rows that arrived in the last day and tell of an earlier one.");
        self.value(&[], summary.late.n_rows as f64);
        self.gauge("input_rows", "Rows read, by source.");
        for feed in &summary.facts.feeds {
            self.value(&[("source", &feed.source)], feed.n_rows as f64);
        }
        self.gauge("rejected_rows", "Rows that broke the contract of the input, by source.");
        for feed in &summary.facts.feeds {
            self.value(&[("source", &feed.source)], feed.n_rejected as f64);
        }
        self.gauge("input_newest_day_timestamp_seconds", "Day of the newest row, by source.");
        for feed in &summary.facts.feeds {
            if let Some(day) = feed.newest_day {
                self.value(&[("source", &feed.source)], start_of(day));
            }
        }
        self.gauge("checks", "Gates that found something odd in published input, by level.");
        let acknowledged =
            summary.checks.iter().filter(|it| it.acknowledged_until.is_some()).count();
        let n_warnings = summary.checks.iter().filter(|it| it.level == Level::Warn).count();
        self.value(&[("level", "warn")], (n_warnings - acknowledged) as f64);
        self.value(&[("level", "acknowledged")], acknowledged as f64);
        self.gauge("psi", "Population stability index since training, by column.");
        for column in &summary.drift {
            self.value(&[("column", &column.column)], column.psi);
        }
        self.gauge("psi_critical", "What the index exceeds by chance in one of a thousand nights.");
        for column in &summary.drift {
            self.value(&[("column", &column.column)], column.critical_psi);
        }
        self.gauge("drift_alarms", "Columns that have drifted for two nights.");
        let n_alarms = summary.drift.iter().filter(|it| it.is_alarm).count();
        self.value(&[], n_alarms as f64);
    }
}

/// Stages that name a day would be another series each night.
fn stage_name(stage: &str) -> &str {
    let stage = stage.strip_prefix("score: ").unwrap_or(stage);
    stage.split(" as of ").next().unwrap_or(stage)
}

fn start_of(day: NaiveDate) -> f64 {
    day.and_time(Default::default()).and_utc().timestamp() as f64
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_what_the_last_success_said() {
        let ended_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let run = RunFigures { ended_at, exit_code: 1, stages: &[], scored: None };
        let former = [
            "# TYPE layercake_score_last_exit_code gauge",
            "layercake_score_last_exit_code 0",
            "# TYPE layercake_score_users gauge",
            "layercake_score_users 7",
            "",
        ];
        let former = &former.join("\n");
        let text = metrics(&run, former);
        assert_eq!(text.matches("layercake_score_last_exit_code 1\n").count(), 1);
        assert!(!text.contains("\nlayercake_score_last_exit_code 0"));
        assert!(text.contains("layercake_score_users 7\n"));
        assert!(text.contains("layercake_score_last_run_timestamp_seconds 1800000000\n"));
        assert!(text.ends_with('\n'));
        // Once more changes nothing but the time.
        assert_eq!(metrics(&run, &text), text, "{former}");
    }

    #[test]
    fn names_of_the_data_cannot_break_a_line() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
        assert_eq!(stage_name("score: scoring as of 2026-07-01"), "scoring");
    }
}
