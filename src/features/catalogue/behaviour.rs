//! Features of what users do beside ordering: how often, when, and what it leads
//! to.

use super::Catalogue;
use super::row::row;
use crate::dataset::{DayPart, Family as F, Unit as U, WEEKDAYS};
use crate::features::{Quantity as Q, Statistic as S, Total};

impl Catalogue<'_> {
    /// What else users do, by event type.
    pub(super) fn other_events(&mut self) {
        for event in self.others.clone() {
            let (slug, total) = (self.slug(&event), Total::of_event(Q::Events, &event));
            let (name, en) = (format!("n_{slug}"), format!("`{event}` events"));
            let zh = format!("“{event}”次数");
            self.totals(&row(&name, F::Events, U::Count, &en, zh), total.clone());
            if self.events.outbound.contains(&event) {
                // When the business last wrote says nothing of the user.
                continue;
            }
            let zh = format!("“{event}”次数");
            self.trends(&row(&name, F::EventsTrend, U::Share, en, zh), total.clone());
            let since = row(
                format!("days_since_last_{slug}"),
                F::DaysSinceEvent,
                U::Days,
                format!("days since the last `{event}`"),
                format!("距上次“{event}”的天数"),
            );
            self.since(since, S::DaysSinceLast(event.clone()));
            self.extent_of(&event);
        }
    }

    /// On how many days, over how much, and with what amounts an event occurs.
    fn extent_of(&mut self, event: &str) {
        let slug = self.slug(event);
        let of = |quantity| Total::of_event(quantity, event);
        let days = row(
            format!("n_{slug}_days"),
            F::EventDays,
            U::Count,
            format!("days with `{event}` events"),
            format!("有“{event}”的天数"),
        );
        let mut totals = vec![(days, of(Q::DaysOfEvent))];
        if self.input.event_has(event, "item") {
            let name = format!("n_{slug}_items");
            let what = format!("different items in `{event}` events");
            let zh = format!("“{event}”涉及商品款数");
            totals.push((row(name, F::EventItems, U::Count, what, zh), of(Q::ItemsOfEvent)));
        }
        if self.input.event_has(event, "category") {
            let name = format!("n_{slug}_categories");
            let what = format!("different categories in `{event}` events");
            let zh = format!("“{event}”涉及品类数");
            totals.push((
                row(name, F::EventCategories, U::Count, what, zh),
                of(Q::CategoriesOfEvent),
            ));
        }
        if self.input.event_has(event, "amount") {
            let what = format!("amount of `{event}` events");
            let zh = format!("“{event}”金额");
            let name = format!("amount_{slug}");
            totals.push((row(name, F::EventAmount, U::Money, what, zh), of(Q::AmountOfEvent)));
        }
        let with_dwell = |other: &&String| self.input.event_has(other, "dwell_s");
        // With one such event it would repeat the total.
        if with_dwell(&&event.to_owned()) && self.input.events.iter().filter(with_dwell).count() > 1
        {
            let what = format!("time spent in `{event}` events");
            let zh = format!("“{event}”停留时长（秒）");
            let name = format!("dwell_s_{slug}");
            totals.push((row(name, F::EventDwell, U::Seconds, what, zh), of(Q::DwellOfEvent)));
        }
        for (row, total) in totals {
            self.totals_over(self.rate_windows(), &row, total);
        }
    }

    /// Active days, dwell, sessions, streaks.
    pub(super) fn activity(&mut self) {
        if self.others.is_empty() {
            return;
        }
        let name = "n_active_days";
        let days = row(name, F::ActiveDays, U::Count, "days with activity", "活跃天数");
        self.totals(&days, Q::ActiveDays);
        let trend = row(name, F::ActivityTrend, U::Share, "active days", "活跃天数");
        self.trends(&trend, Q::ActiveDays);
        let what = "days since the last activity";
        let name = "days_since_last_activity";
        let since = row(name, F::DaysSinceActivity, U::Days, what, "距上次活跃的天数");
        self.since(since, S::DaysSinceLastActivity);
        self.active_rhythm();
        if self.input.has("dwell_s") {
            let spent = row("dwell_s", F::Dwell, U::Seconds, "time spent", "停留时长（秒）");
            self.totals(&spent, Q::DwellSeconds);
            let name = "dwell_s_per_active_day";
            let what = "time spent on an active day";
            let of_day =
                row(name, F::DwellPerActiveDay, U::Seconds, what, "活跃日均停留时长（秒）");
            self.quotients(self.rate_windows(), &of_day, (Q::DwellSeconds, Q::ActiveDays));
        }
        if self.input.has("session") {
            let sessions = row("n_sessions", F::Sessions, U::Count, "sessions", "会话次数");
            self.totals(&sessions, Q::Sessions);
            let name = "events_per_session";
            let what = "the user's events in a session";
            let events = row(name, F::EventsPerSession, U::Ratio, what, "次均会话行为数");
            self.quotient(&events, (Q::OwnEvents, Q::Sessions));
        }
    }

    fn active_rhythm(&mut self) {
        for (name, family, statistic, en, zh) in [
            (
                "days_since_first_event",
                F::DaysSinceFirstEvent,
                S::DaysSinceFirstEvent,
                "days since the first event of any type",
                "距首次到访的天数",
            ),
            (
                "mean_active_gap_days",
                F::ActiveGapMean,
                S::MeanActiveGap,
                "usual days between active days (mean)",
                "平均活跃间隔天数",
            ),
            (
                "max_active_gap_days",
                F::LongestActiveGap,
                S::LongestActiveGap,
                "longest pause between active days, in days",
                "最长活跃间隔天数",
            ),
            (
                "last_streak_days",
                F::LastStreak,
                S::LastStreak,
                "active days in a row, up to the last active day",
                "最近一次连续活跃天数",
            ),
            (
                "max_streak_days",
                F::LongestStreak,
                S::LongestStreak,
                "most active days in a row",
                "最长连续活跃天数",
            ),
        ] {
            self.statistic(row(name, family, U::Days, en, zh), statistic);
        }
    }

    /// From each event of the funnel to the next, from all to orders, and from
    /// what the business sends to the answer.
    pub(super) fn rates(&mut self) {
        for (from, to) in self.rate_pairs() {
            let rate = row(
                format!("{}_per_{}", plural(&self.slug(&to)), self.slug(&from)),
                F::Rate,
                U::Ratio,
                format!("`{to}` for each `{from}`"),
                format!("每次“{from}”对应的“{to}”次数"),
            );
            let quotient = (self.count_of(&to), self.count_of(&from));
            self.quotients(self.rate_windows(), &rate.rate(&from, &to), quotient);
        }
        for (response, sent) in self.events.response.clone() {
            self.response_rates(&response, &sent);
        }
    }

    fn count_of(&self, event: &str) -> Total {
        match event == self.events.order {
            true => Q::Orders.into(),
            false => Total::of_event(Q::Events, event),
        }
    }

    /// Events, each with one that follows it.
    fn rate_pairs(&self) -> Vec<(String, String)> {
        let order = &self.events.order;
        let has = |event: &&String| self.others.contains(event) || *event == order;
        let path: Vec<String> = self.events.funnel.iter().filter(has).cloned().collect();
        let mut pairs: Vec<(String, String)> =
            path.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        for event in &self.others {
            let to_order = (event.clone(), order.clone());
            if !pairs.contains(&to_order) {
                pairs.push(to_order);
            }
        }
        pairs
    }

    fn response_rates(&mut self, response: &str, sent: &str) {
        let name = format!("response_{}", self.slug(response));
        let en = format!("`{response}` for each `{sent}`");
        let zh = format!("每次“{sent}”得到的“{response}”次数");
        let rate = row(&name, F::Response, U::Ratio, &en, &zh).rate(sent, response);
        let quotient = (Total::of_event(Q::Events, response), Total::of_event(Q::Events, sent));
        self.quotients(self.rate_windows(), &rate, quotient);
        for channel in self.channels() {
            let on = |event: &str| Total {
                channel: Some(channel.clone()),
                ..Total::of_event(Q::EventsOnChannel, event)
            };
            let rate = row(
                format!("{name}_{}", self.slug(&channel)),
                F::Response,
                U::Ratio,
                format!("{en} on channel `{channel}`"),
                format!("渠道“{channel}”上{zh}"),
            );
            self.quotient(&rate.rate(sent, response), (on(response), on(sent)));
        }
    }

    /// At what hours and on what days.
    pub(super) fn clock(&mut self) {
        let weekend = row(
            "share_orders_weekend",
            F::OrdersAtWeekend,
            U::Share,
            "share of orders placed on a Saturday or Sunday",
            "周末订单占比",
        );
        self.quotient(&weekend, (Q::OrdersAtWeekend, Q::Orders));
        for (part, zh) in DAY_PARTS {
            let share = row(
                format!("share_orders_{}", part.as_str()),
                F::OrdersAt(part),
                U::Share,
                format!("share of orders placed in the {} (6 hours)", part.as_str()),
                format!("{zh}订单占比"),
            );
            self.quotient(&share, (Total::in_part(Q::OrdersInDayPart, part as u8), Q::Orders));
        }
        if !self.others.is_empty() {
            self.clock_of_events();
        }
    }

    fn clock_of_events(&mut self) {
        let weekend = row(
            "share_events_weekend",
            F::EventsAtWeekend,
            U::Share,
            "share of the user's events on a Saturday or Sunday",
            "周末行为占比",
        );
        self.quotient(&weekend, (Q::EventsAtWeekend, Q::OwnEvents));
        for (part, zh) in DAY_PARTS {
            let share = row(
                format!("share_events_{}", part.as_str()),
                F::EventsAt(part),
                U::Share,
                format!("share of the user's events in the {} (6 hours)", part.as_str()),
                format!("{zh}行为占比"),
            );
            self.quotient(&share, (Total::in_part(Q::EventsInDayPart, part as u8), Q::OwnEvents));
        }
        for (number, (day, zh)) in (0..).zip(WEEKDAYS) {
            let share = row(
                format!("share_events_{}", day.to_lowercase()),
                F::EventsOnWeekday(number),
                U::Share,
                format!("share of the user's events on {day}s"),
                format!("{zh}行为占比"),
            );
            self.quotient(&share, (Total::in_part(Q::EventsOnWeekday, number), Q::OwnEvents));
        }
    }
}

const DAY_PARTS: [(DayPart, &str); 4] = [
    (DayPart::Night, "凌晨（0–6点）"),
    (DayPart::Morning, "上午（6–12点）"),
    (DayPart::Afternoon, "下午（12–18点）"),
    (DayPart::Evening, "晚上（18–24点）"),
];

fn plural(event: &str) -> String {
    if event.is_ascii() && !event.ends_with('s') { format!("{event}s") } else { event.to_owned() }
}
