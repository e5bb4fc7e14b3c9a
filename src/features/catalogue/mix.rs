//! Features of where and what: how events are distributed over types, channels
//! and categories.

use super::Catalogue;
use super::row::row;
use crate::dataset::{Dimension, Family as F, Missing, Unit as U};
use crate::features::{Measure, Quantity as Q, Statistic as S, Total};

impl Catalogue<'_> {
    pub(super) fn channels(&self) -> Vec<String> {
        self.input.channels.iter().take(self.params.max_values.channels).cloned().collect()
    }

    /// Where and what: event types, channels, categories.
    pub(super) fn mix(&mut self) {
        self.mix_of_events();
        self.mix_of_channels();
        self.mix_of_categories();
    }

    fn mix_of_events(&mut self) {
        let own = |event: &&String| !self.events.outbound.contains(event);
        let events: Vec<String> = self
            .input
            .events
            .iter()
            .filter(own)
            .take(self.params.max_values.events)
            .cloned()
            .collect();
        if events.len() <= 1 {
            return;
        }
        for event in &events {
            self.share(Dimension::Event, event, Total::of_event(Q::Events, event), Q::OwnEvents);
        }
        self.distribution(Dimension::Event);
    }

    fn mix_of_channels(&mut self) {
        if self.input.channels.len() <= 1 {
            return;
        }
        for channel in self.channels() {
            let total = Total::on_channel(Q::OwnEventsOnChannel, &channel);
            self.count(Dimension::Channel, &channel, total.clone());
            self.share(Dimension::Channel, &channel, total, Q::EventsWithChannel);
            if self.input.has("amount") {
                let gmv = row(
                    format!("gmv_channel_{}", self.slug(&channel)),
                    F::GmvOnChannel,
                    U::Money,
                    format!("amount ordered on channel `{channel}`"),
                    format!("渠道“{channel}”消费金额"),
                );
                self.totals_over(vec![None], &gmv, Total::on_channel(Q::AmountOnChannel, &channel));
            }
        }
        self.distribution(Dimension::Channel);
    }

    fn mix_of_categories(&mut self) {
        if self.input.categories.len() <= 1 {
            return;
        }
        for category in self.input.categories.iter().take(self.params.max_values.categories) {
            let total = Total::in_category(Q::EventsInCategory, category);
            self.count(Dimension::Category, category, total.clone());
            self.share(Dimension::Category, category, total, Q::EventsWithCategory);
        }
        self.distribution(Dimension::Category);
    }

    fn count(&mut self, dimension: Dimension, value: &str, total: Total) {
        let (column, zh) = (dimension.as_str(), chinese(dimension));
        let count = row(
            format!("n_{column}_{}", self.slug(value)),
            F::EventsOf(dimension),
            U::Count,
            format!("the user's events with {column} `{value}`"),
            format!("{zh}“{value}”行为次数"),
        );
        self.totals_over(vec![None], &count, total);
    }

    fn share(&mut self, dimension: Dimension, value: &str, numerator: Total, all: Q) {
        let (column, zh) = (dimension.as_str(), chinese(dimension));
        let share = row(
            format!("share_{column}_{}", self.slug(value)),
            F::ShareOf(dimension),
            U::Share,
            format!("share of the user's events with {column} `{value}`"),
            format!("{zh}“{value}”行为占比"),
        );
        let measure = Measure::Quotient { numerator, denominator: all.into(), window_days: None };
        self.add(share, measure, Missing::Zero);
    }

    fn distribution(&mut self, dimension: Dimension) {
        let (column, zh) = (dimension.as_str(), chinese(dimension));
        let distinct = row(
            format!("n_distinct_{column}"),
            F::Distinct(dimension),
            U::Count,
            format!("different values of {column} in the user's events"),
            format!("用户涉及的{zh}数"),
        );
        self.statistic(distinct, S::Distinct(dimension));
        let entropy = row(
            format!("entropy_{column}"),
            F::Entropy(dimension),
            U::Bits,
            format!("how evenly the user's events cover {column} values; 0 when all have one"),
            format!("{zh}分布的均匀程度；0表示只有一种"),
        );
        self.statistic(entropy, S::Entropy(dimension));
        let favourite = row(
            format!("favourite_share_{column}"),
            F::FavouriteShare(dimension),
            U::Share,
            format!("share of the user's events with their most frequent {column}"),
            format!("最常用{zh}的行为占比"),
        );
        self.statistic(favourite, S::FavouriteShare(dimension));
        let new = row(
            format!("days_since_new_{column}"),
            F::DaysSinceNew(dimension),
            U::Days,
            format!("days since the user met a {column} for the first time"),
            format!("距上次出现新{zh}的天数"),
        );
        self.since(new, S::DaysSinceNew(dimension));
    }
}

fn chinese(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Event => "行为",
        Dimension::Channel => "渠道",
        Dimension::Category => "品类",
    }
}
