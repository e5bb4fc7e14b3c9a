//! Features of what users do beside ordering: how often, when, and what it leads
//! to.

use std::collections::BTreeMap;

use super::catalogue::{Catalogue, plural};
use super::{DayPart, Statistic, Total, Unit};

impl Catalogue<'_> {
    /// What else users do, by event type.
    pub(super) fn events(&mut self) {
        for event in self.others.clone() {
            let (slug, total) = (self.slug(&event), Total::Events(event.clone()));
            let (name, what) = (format!("n_{slug}"), format!("`{event}` events"));
            self.totals(&name, Unit::Count, &total, &what);
            if self.params.passive_events.contains(&event) {
                // When the business last wrote says nothing of the user.
                continue;
            }
            self.trends(&name, &total, &what);
            self.days_since(
                &format!("days_since_last_{slug}"),
                Statistic::DaysSinceLast(event.clone()),
                &format!("days since the last `{event}`; twice the history's length if none"),
            );
            self.spread_of(&event);
        }
    }

    /// On how many days, over how much, and with what amounts an event occurs.
    fn spread_of(&mut self, event: &str) {
        let (slug, of) = (self.slug(event), || event.to_owned());
        let mut totals = vec![(
            format!("n_{slug}_days"),
            Unit::Count,
            Total::DaysOf(of()),
            format!("days with `{event}` events"),
        )];
        if self.input.event_has(event, "item") {
            let what = format!("different items in `{event}` events");
            totals.push((format!("n_{slug}_items"), Unit::Count, Total::ItemsOf(of()), what));
        }
        if self.input.event_has(event, "category") {
            let what = format!("different categories in `{event}` events");
            let total = Total::CategoriesOf(of());
            totals.push((format!("n_{slug}_categories"), Unit::Count, total, what));
        }
        if self.input.event_has(event, "amount") {
            let what = format!("amount of `{event}` events");
            totals.push((format!("amount_{slug}"), Unit::Money, Total::AmountOf(of()), what));
        }
        let with_dwell = |other: &&String| self.input.event_has(other, "dwell_s");
        // With one such event it would repeat the total.
        if with_dwell(&&of()) && self.input.events.iter().filter(with_dwell).count() > 1 {
            let what = format!("time spent in `{event}` events");
            totals.push((format!("dwell_s_{slug}"), Unit::Seconds, Total::DwellOf(of()), what));
        }
        for (name, unit, total, what) in totals {
            self.totals_over(self.rate_windows(), (&name, unit), &total, &what);
        }
    }

    /// Active days, dwell, sessions, streaks.
    pub(super) fn activity(&mut self) {
        use Statistic as S;
        if self.others.is_empty() {
            return;
        }
        self.totals("n_active_days", Unit::Count, &Total::ActiveDays, "days with activity");
        self.trends("n_active_days", &Total::ActiveDays, "active days");
        let meaning = "days since the last activity; twice the history's length if none";
        self.days_since("days_since_last_activity", S::DaysSinceLastActivity, meaning);
        for (name, statistic, meaning) in [
            (
                "days_since_first_event",
                S::DaysSinceFirstEvent,
                "days since the first event of any type",
            ),
            ("mean_active_gap_days", S::MeanActiveGap, "mean days between active days"),
            ("max_active_gap_days", S::LongestActiveGap, "longest gap between active days"),
            ("last_streak_days", S::LastStreak, "active days on end, up to the last active day"),
            ("max_streak_days", S::LongestStreak, "most active days on end"),
        ] {
            self.statistic(name, Unit::Days, statistic, meaning);
        }
        if self.input.has("dwell_s") {
            self.totals("dwell_s", Unit::Seconds, &Total::DwellSeconds, "time spent");
            let quotient = (Total::DwellSeconds, Total::ActiveDays);
            let (windows, what) = (self.rate_windows(), "time spent by active day");
            self.quotients("dwell_s_per_active_day", Unit::Seconds, quotient, windows, what);
        }
        if self.input.has("session") {
            self.totals("n_sessions", Unit::Count, &Total::Sessions, "sessions");
            let quotient = (Total::OwnEvents, Total::Sessions);
            let what = "own events by session";
            self.quotients("events_per_session", Unit::Ratio, quotient, vec![None], what);
        }
    }

    /// From each event on the path to the next, from all to orders, and from
    /// what the business sends to the answer.
    pub(super) fn rates(&mut self) {
        let windows = self.rate_windows();
        let total = |event: &str| match event == self.params.order_event {
            true => Total::Orders,
            false => Total::Events(event.to_owned()),
        };
        let has =
            |event: &&String| self.others.contains(event) || **event == self.params.order_event;
        let path: Vec<String> = self.params.path_events.iter().filter(has).cloned().collect();
        let mut rates: Vec<(String, String)> =
            path.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        for event in &self.others {
            let to_order = (event.clone(), self.params.order_event.clone());
            if !rates.contains(&to_order) {
                rates.push(to_order);
            }
        }
        let rates: Vec<_> =
            rates.into_iter().map(|(from, to)| ((total(&to), total(&from)), from, to)).collect();
        for (quotient, from, to) in rates {
            let name = format!("{}_per_{}", plural(&self.slug(&to)), self.slug(&from));
            let what = format!("`{to}` by `{from}`");
            self.quotients(&name, Unit::Ratio, quotient, windows.clone(), &what);
        }
        for (response, sent) in self.responses() {
            let name = format!("response_{}", self.slug(&response));
            let quotient = (Total::Events(response.clone()), Total::Events(sent.clone()));
            let what = format!("`{response}` by `{sent}`");
            self.quotients(&name, Unit::Ratio, quotient, windows.clone(), &what);
            for channel in self.channels() {
                let on = |event: &str| Total::EventOnChannel {
                    event: event.to_owned(),
                    channel: channel.clone(),
                };
                self.quotients(
                    &format!("{name}_{}", self.slug(&channel)),
                    Unit::Ratio,
                    (on(&response), on(&sent)),
                    vec![None],
                    &format!("{what} on channel `{channel}`"),
                );
            }
        }
    }

    /// Answers and what they answer to.
    fn responses(&self) -> BTreeMap<String, String> {
        if !self.params.responses.is_empty() {
            let there = |event: &String| self.others.contains(event);
            let mut responses = self.params.responses.clone();
            responses.retain(|response, sent| there(response) && there(sent));
            return responses;
        }
        let first_word =
            |event: &str| event.split_once(['_', ' ', '.', '-']).map(|(word, _)| word.to_owned());
        let is_passive = |event: &&String| self.params.passive_events.contains(event);
        let mut responses = BTreeMap::new();
        for sent in self.others.iter().filter(is_passive) {
            let Some(word) = first_word(sent) else { continue };
            let answers = self.others.iter().filter(|event| !is_passive(event));
            for answer in answers.filter(|event| first_word(event).as_ref() == Some(&word)) {
                responses.insert(answer.clone(), sent.clone());
            }
        }
        responses
    }

    /// At what hours and on what days.
    pub(super) fn clock(&mut self) {
        use Total as T;
        let all = vec![None];
        let what = "share of orders placed on a Saturday or Sunday";
        let quotient = (T::OrdersAtWeekend, T::Orders);
        self.quotients("share_orders_weekend", Unit::Share, quotient, all.clone(), what);
        for part in DayPart::ALL {
            let what = format!("share of orders placed in the {} (6 hours)", part.as_str());
            let name = format!("share_orders_{}", part.as_str());
            self.quotients(&name, Unit::Share, (T::OrdersAt(part), T::Orders), all.clone(), &what);
        }
        if self.others.is_empty() {
            return;
        }
        let what = "share of own events on a Saturday or Sunday";
        let quotient = (T::EventsAtWeekend, T::OwnEvents);
        self.quotients("share_events_weekend", Unit::Share, quotient, all.clone(), what);
        for part in DayPart::ALL {
            let what = format!("share of own events in the {} (6 hours)", part.as_str());
            let name = format!("share_events_{}", part.as_str());
            let quotient = (T::EventsAt(part), T::OwnEvents);
            self.quotients(&name, Unit::Share, quotient, all.clone(), &what);
        }
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        for (number, day) in (0..).zip(days) {
            let quotient = (T::EventsOnWeekday(number), T::OwnEvents);
            let what = format!("share of own events on {day}s");
            let name = format!("share_events_{day}");
            self.quotients(&name, Unit::Share, quotient, all.clone(), &what);
        }
    }
}
