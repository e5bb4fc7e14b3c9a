//! What came in tonight, beside what came in on the usual nights.
//!
//! The usual nights are earlier ones whose scores were published: what was refused is no
//! measure. A number is compared with their median, and is only odd if it is also beyond all
//! of them, so that a Sunday that is always quiet wakes nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use crate::dataset::Bilingual;
use crate::input::source::InputGates;

/// What came in from one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Label of the source.
    pub source: String,
    /// Rows read.
    pub n_rows: u64,
    /// Rows that broke the contract of the input.
    pub n_rejected: u64,
    /// Good rows of the last day before as-of.
    pub n_rows_last_day: u64,
    /// Good rows from as-of on.
    pub n_rows_after: u64,
    /// Day of the newest good row before as-of.
    pub newest_day: Option<NaiveDate>,
    /// Share of the rows without a value, by mapped column.
    pub null_shares: BTreeMap<String, f64>,
}

impl Feed {
    /// The same as if nothing of as-of or later had come in yet.
    pub fn forget_later_rows(&mut self) {
        self.n_rows -= self.n_rows_after;
        self.n_rows_after = 0;
    }
}

/// What came in on a night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFacts {
    /// Scored as of.
    pub as_of: NaiveDateTime,
    /// Users with an event.
    pub n_users: u64,
    /// By source, in the order of the config.
    pub feeds: Vec<Feed>,
    /// Events of the last day before as-of, by type; those that occur at any time before.
    pub events_last_day: BTreeMap<String, u64>,
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Rows of a source.
    Rows,
    /// Rows of a source on the last day.
    RowsLastDay,
    /// Rows of a source from as-of on.
    RowsAfterAsOf,
    /// Age of the newest row of a source.
    NewestDay,
    /// Share of the rows of a source that are rejected.
    RejectedRows,
    /// Share of a column of a source without a value.
    Nulls,
    /// Users.
    Users,
    /// An event type that stopped.
    LostEvent,
    /// An event type that was never there.
    NewEvent,
}

impl Gate {
    /// As configs and files call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::RowsLastDay => "rows_last_day",
            Self::RowsAfterAsOf => "rows_after_as_of",
            Self::NewestDay => "newest_day",
            Self::RejectedRows => "rejected_rows",
            Self::Nulls => "nulls",
            Self::Users => "users",
            Self::LostEvent => "lost_event",
            Self::NewEvent => "new_event",
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What follows from a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Someone should look at it, in the morning.
    Warn,
    /// Nothing is published.
    Refuse,
}

/// Something odd.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What was checked.
    pub gate: Gate,
    /// Of what: a source, a column of a source, an event type; empty of all users.
    pub subject: String,
    /// What follows.
    pub level: Level,
    /// What is odd.
    pub found: Bilingual,
    /// What to do.
    pub next_step: Bilingual,
    /// Up to which day somebody knows of it: then it refuses nothing.
    pub acknowledged_until: Option<NaiveDate>,
}

impl Check {
    /// What a config calls it, as in `acknowledge_until`: the gate, and of what.
    pub fn key(&self) -> String {
        key(self.gate, &self.subject)
    }
}

fn key(gate: Gate, subject: &str) -> String {
    match subject {
        "" => gate.to_string(),
        _ => format!("{gate}:{subject}"),
    }
}

/// Rows of a day below which what happens to them is chance.
const MIN_ROWS: f64 = 50.0;

/// Shares of rejected rows below which a multiple of the usual says nothing.
const MIN_REJECTED_SHARE: f64 = 0.001;

/// Compares tonight's input with that of the usual nights; `known_events` are the event types
/// that training knew. Without enough nights, nothing is compared but these.
pub fn check_input(
    gates: &InputGates,
    tonight: &InputFacts,
    usual: &[InputFacts],
    known_events: &BTreeSet<String>,
) -> Vec<Check> {
    let mut night = Night { gates, as_of: tonight.as_of.date(), checks: Vec::new() };
    let is_enough = usual.len() >= gates.min_nights.get();
    if is_enough {
        for feed in &tonight.feeds {
            let of_source = |facts: &InputFacts| {
                facts.feeds.iter().find(|it| it.source == feed.source).cloned()
            };
            let nights: Vec<(NaiveDate, Feed)> = usual
                .iter()
                .filter_map(|facts| Some((facts.as_of.date(), of_source(facts)?)))
                .collect();
            if nights.len() >= gates.min_nights.get() {
                night.check_feed(feed, &nights);
            }
        }
        let users: Vec<f64> = usual.iter().map(|facts| facts.n_users as f64).collect();
        let (en, zh) = ("users", "用户数");
        night.check_number(Gate::Users, "", tonight.n_users as f64, &users, (en, zh));
    }
    night.check_events(tonight, if is_enough { usual } else { &[] }, known_events);
    night.checks
}

struct Night<'a> {
    gates: &'a InputGates,
    as_of: NaiveDate,
    checks: Vec<Check>,
}

impl Night<'_> {
    fn push(&mut self, gate: Gate, subject: &str, level: Level, found: Bilingual, next: Bilingual) {
        let until = self.gates.acknowledge_until.get(&key(gate, subject)).copied();
        let acknowledged_until = until.filter(|until| self.as_of <= *until);
        let level = if acknowledged_until.is_some() { Level::Warn } else { level };
        let (subject, next_step) = (subject.to_owned(), next);
        self.checks.push(Check { gate, subject, level, found, next_step, acknowledged_until });
    }

    fn check_feed(&mut self, feed: &Feed, nights: &[(NaiveDate, Feed)]) {
        let source = &feed.source;
        let numbers = |of: fn(&Feed) -> f64| -> Vec<f64> {
            nights.iter().map(|(_, feed)| of(feed)).collect()
        };
        let rows = numbers(|it| it.n_rows as f64);
        self.check_number(Gate::Rows, source, feed.n_rows as f64, &rows, ("rows", "行数"));
        let rows = numbers(|it| it.n_rows_last_day as f64);
        let words = ("rows on the last day", "最后一天的行数");
        self.check_number(Gate::RowsLastDay, source, feed.n_rows_last_day as f64, &rows, words);
        self.check_after(feed, &numbers(|it| it.n_rows_after as f64));
        self.check_newest(feed, nights);
        self.check_rejected(feed, &numbers(|it| share(it.n_rejected, it.n_rows)));
        for (column, &found) in &feed.null_shares {
            let of_column = |(_, feed): &(NaiveDate, Feed)| feed.null_shares.get(column).copied();
            let usual: Vec<f64> = nights.iter().filter_map(of_column).collect();
            self.check_nulls(&format!("{source}.{column}"), found, &usual);
        }
    }

    /// Far fewer or far more than usual, and than on any usual night.
    fn check_number(
        &mut self,
        gate: Gate,
        subject: &str,
        found: f64,
        usual: &[f64],
        (what, what_zh): (&str, &str),
    ) {
        let Some(middle) = median(usual).filter(|it| *it >= MIN_ROWS) else { return };
        let (least, most) = (usual.iter().copied().fold(f64::MAX, f64::min), largest(usual));
        let is_low = found < middle * self.gates.least_share.get() && found < least;
        let is_high = found > middle * self.gates.most_times.get() && found > most;
        if !is_low && !is_high {
            return;
        }
        let of = if subject.is_empty() { String::new() } else { format!(" of source `{subject}`") };
        let of_zh =
            if subject.is_empty() { String::new() } else { format!("来源`{subject}`的") };
        let next = match is_low {
            true => Bilingual::new(
                "see whether the feed is complete, and run again when it is",
                "检查数据是否完整送达，完整后重新运行",
            ),
            false => Bilingual::new(
                "see whether files were delivered twice, and run again without the second copy",
                "检查文件是否重复送达，去掉重复后重新运行",
            ),
        };
        let found = Bilingual::new(
            format!("{found} {what}{of}, usually {middle}"),
            format!("{of_zh}{what_zh}为{found}，平时为{middle}"),
        );
        self.push(gate, subject, Level::Refuse, found, next);
    }

    /// Rows of the day that has yet to come: a clock that is ahead, or another time zone.
    fn check_after(&mut self, feed: &Feed, usual: &[f64]) {
        let n_after = feed.n_rows_after as f64;
        let allowed = (feed.n_rows_last_day as f64 * 0.01).max(largest(usual) * 2.0);
        if n_after < MIN_ROWS.min(feed.n_rows as f64 * 0.01).max(1.0) || n_after <= allowed {
            return;
        }
        let found = Bilingual::new(
            format!("{n_after} rows of source `{}` lie after as-of", feed.source),
            format!("来源`{}`有{n_after}行晚于截止日", feed.source),
        );
        let next = Bilingual::new(
            "see whether the clock or the time zone of the source has changed; a day that is past \
             is scored by --from and --until",
            "检查来源的时钟或时区是否改变；过去的日子请用 --from 和 --until 评分",
        );
        self.push(Gate::RowsAfterAsOf, &feed.source, Level::Refuse, found, next);
    }

    fn check_newest(&mut self, feed: &Feed, nights: &[(NaiveDate, Feed)]) {
        let age = |as_of: NaiveDate, newest: NaiveDate| (as_of - newest).num_days();
        let oldest =
            nights.iter().filter_map(|(as_of, it)| Some(age(*as_of, it.newest_day?))).max();
        let Some(oldest) = oldest else { return };
        let source = &feed.source;
        let (found, found_zh) = match feed.newest_day.map(|day| (day, age(self.as_of, day))) {
            Some((_, n_days)) if n_days <= oldest => return,
            Some((day, n_days)) => (
                format!("of {day}, {n_days} days before as-of, usually at most {oldest}"),
                format!("在{day}，早于截止日{n_days}天，平时最多{oldest}天"),
            ),
            None => ("missing".to_owned(), "不存在".to_owned()),
        };
        let found = Bilingual::new(
            format!("the newest row of source `{source}` is {found}"),
            format!("来源`{source}`的最新一行{found_zh}"),
        );
        let next = Bilingual::new(
            "see why the feed stopped, and run again when it is there",
            "检查数据为何中断，恢复后重新运行",
        );
        self.push(Gate::NewestDay, source, Level::Refuse, found, next);
    }

    fn check_rejected(&mut self, feed: &Feed, usual: &[f64]) {
        let found = share(feed.n_rejected, feed.n_rows);
        let allowed = largest(usual).max(MIN_REJECTED_SHARE) * self.gates.most_times.get();
        if found <= allowed {
            return;
        }
        let (found, most) = (percent(found), percent(largest(usual)));
        let source = &feed.source;
        let found = Bilingual::new(
            format!(
                "{found} of the rows of source `{source}` are rejected, usually at most {most}"
            ),
            format!("来源`{source}`有{found}的行被拒绝，平时最多{most}"),
        );
        let next = Bilingual::new(
            "the list of rejected rows says why; tell who writes the source",
            "原因见被拒绝行的清单；请通知数据提供方",
        );
        self.push(Gate::RejectedRows, source, Level::Warn, found, next);
    }

    fn check_nulls(&mut self, column: &str, found: f64, usual: &[f64]) {
        let (Some(middle), most) = (median(usual), largest(usual)) else { return };
        if usual.len() < self.gates.min_nights.get()
            || found <= most
            || found <= middle + self.gates.max_more_nulls.get()
        {
            return;
        }
        let (found, middle) = (percent(found), percent(middle));
        let found = Bilingual::new(
            format!("{found} of `{column}` are empty, usually {middle}"),
            format!("`{column}`有{found}为空，平时为{middle}"),
        );
        let next = Bilingual::new(
            "see whether the column was renamed or its export changed",
            "检查该列是否改名或导出方式是否改变",
        );
        self.push(Gate::Nulls, column, Level::Refuse, found, next);
    }

    fn check_events(
        &mut self,
        tonight: &InputFacts,
        usual: &[InputFacts],
        known_events: &BTreeSet<String>,
    ) {
        let is_known = |event: &String| {
            known_events.contains(event)
                || usual.iter().any(|night| night.events_last_day.contains_key(event))
        };
        for event in tonight.events_last_day.keys().filter(|event| !is_known(event)) {
            let found = Bilingual::new(
                format!("the event `{event}` was never there before"),
                format!("事件`{event}`以前从未出现"),
            );
            let next = Bilingual::new(
                "if another event was renamed, map it back; if it is new, train again to use it",
                "若由其他事件改名而来，请映射回原名；若为新事件，重新训练后才会使用",
            );
            self.push(Gate::NewEvent, event, Level::Warn, found, next);
        }
        let events: BTreeSet<&String> =
            usual.iter().flat_map(|night| night.events_last_day.keys()).collect();
        for event in events {
            let rows = |night: &InputFacts| {
                night.events_last_day.get(event).copied().unwrap_or_default() as f64
            };
            let usual: Vec<f64> = usual.iter().map(rows).collect();
            let Some(middle) = median(&usual).filter(|it| *it >= MIN_ROWS) else { continue };
            if rows(tonight) > 0.0 || usual.contains(&0.0) {
                continue;
            }
            let found = Bilingual::new(
                format!("no event `{event}` on the last day, usually {middle}"),
                format!("最后一天没有事件`{event}`，平时有{middle}个"),
            );
            let next = Bilingual::new(
                "see whether the event was renamed or its tracking stopped",
                "检查该事件是否改名或埋点是否中断",
            );
            self.push(Gate::LostEvent, event, Level::Refuse, found, next);
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// The middle value, of two the lower; `None` of none.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::source::INPUT_GATES;

    fn night(day: u32) -> InputFacts {
        let as_of = NaiveDate::from_ymd_opt(2026, 7, day).unwrap();
        let feed = |source: &str, n: u64| Feed {
            source: source.into(),
            n_rows: 10_000 + 100 * u64::from(day),
            n_rejected: 3,
            n_rows_last_day: n + u64::from(day * 37 % 11),
            n_rows_after: 0,
            newest_day: as_of.pred_opt(),
            null_shares: [("amount".to_owned(), 0.02)].into(),
        };
        InputFacts {
            as_of: as_of.and_time(Default::default()),
            n_users: 3_000 + u64::from(day),
            feeds: vec![feed("orders", 200), feed("views", 5_000)],
            events_last_day: [("order".to_owned(), 190), ("view".to_owned(), 4_900)].into(),
        }
    }

    fn usual() -> Vec<InputFacts> {
        (1..=14).map(night).collect()
    }

    fn checked(tonight: &InputFacts) -> Vec<(String, Level)> {
        let known = ["order".to_owned(), "view".to_owned()].into();
        let checks = check_input(&InputGates::default(), tonight, &usual(), &known);
        checks.into_iter().map(|it| (it.key(), it.level)).collect()
    }

    #[test]
    fn configs_know_all_gates() {
        use Gate as G;
        let gates = [
            G::Rows,
            G::RowsLastDay,
            G::RowsAfterAsOf,
            G::NewestDay,
            G::RejectedRows,
            G::Nulls,
            G::Users,
            G::LostEvent,
            G::NewEvent,
        ];
        assert_eq!(gates.map(Gate::as_str), INPUT_GATES);
    }

    #[test]
    fn an_ordinary_night_is_quiet() {
        assert!(checked(&night(15)).is_empty());
        // So is one that is odd within what has been before.
        let mut nights = usual();
        nights[6].feeds[0].n_rows_last_day = 0;
        let mut sunday = night(15);
        sunday.feeds[0].n_rows_last_day = 0;
        let known = sunday.events_last_day.keys().cloned().collect();
        assert!(check_input(&InputGates::default(), &sunday, &nights, &known).is_empty());
    }

    #[test]
    fn every_way_to_go_wrong_has_its_gate() {
        let refuse = |key: &str| vec![(key.to_owned(), Level::Refuse)];
        let with = |change: &dyn Fn(&mut InputFacts)| {
            let mut tonight = night(15);
            change(&mut tonight);
            checked(&tonight)
        };
        let half = with(&|it| it.feeds[1].n_rows_last_day = 2_300);
        assert_eq!(half, refuse("rows_last_day:views"));
        let doubled = with(&|it| it.feeds[0].n_rows *= 3);
        assert_eq!(doubled, refuse("rows:orders"));
        let ahead = with(&|it| it.feeds[1].n_rows_after = 400);
        assert_eq!(ahead, refuse("rows_after_as_of:views"));
        let empty = with(&|it| *it.feeds[0].null_shares.get_mut("amount").unwrap() = 1.0);
        assert_eq!(empty, refuse("nulls:orders.amount"));
        let few = with(&|it| it.n_users = 900);
        assert_eq!(few, refuse("users"));
        let lost = with(&|it| it.events_last_day.retain(|event, _| event != "order"));
        assert_eq!(lost, refuse("lost_event:order"));
        let new = with(&|it| it.events_last_day.extend([("purchase".to_owned(), 5)]));
        assert_eq!(new, [("new_event:purchase".to_owned(), Level::Warn)]);
        let rejected = with(&|it| it.feeds[0].n_rejected = 60);
        assert_eq!(rejected, [("rejected_rows:orders".to_owned(), Level::Warn)]);
        // A dead feed shows in several ways, and all are told.
        let dead = with(&|it| {
            it.feeds[0].n_rows_last_day = 0;
            it.feeds[0].newest_day = it.feeds[0].newest_day.and_then(|day| day.pred_opt());
        });
        let keys: Vec<&str> = dead.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["rows_last_day:orders", "newest_day:orders"]);
    }

    #[test]
    fn what_is_acknowledged_refuses_nothing_until_that_day() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 7, day).unwrap();
        let mut gates = InputGates::default();
        gates.acknowledge_until.insert("users".into(), day(15));
        let level = |number: u32| {
            let mut tonight = night(number);
            tonight.n_users = 900;
            let check = check_input(&gates, &tonight, &usual(), &BTreeSet::new());
            check.into_iter().find(|it| it.gate == Gate::Users).unwrap()
        };
        assert_eq!(level(15).level, Level::Warn);
        assert_eq!(level(15).acknowledged_until, Some(day(15)));
        assert_eq!(level(16).level, Level::Refuse);
    }

    #[test]
    fn few_nights_compare_nothing() {
        let mut tonight = night(15);
        tonight.feeds[0].n_rows_last_day = 0;
        let known = tonight.events_last_day.keys().cloned().collect();
        let checks = check_input(&InputGates::default(), &tonight, &usual()[..2], &known);
        assert!(checks.is_empty());
    }
}
