//! Features of where and what: how events spread over types, channels and
//! categories.

use super::catalogue::Catalogue;
use super::{Kind, Measure, Missing, Statistic, Total, Unit};

impl Catalogue<'_> {
    pub(super) fn channels(&self) -> Vec<String> {
        self.input.channels.iter().take(self.params.max_channels).cloned().collect()
    }

    /// Where and what: event types, channels, categories.
    pub(super) fn mix(&mut self) {
        let own = |event: &&String| !self.params.passive_events.contains(event);
        let events: Vec<String> =
            self.input.events.iter().filter(own).take(self.params.max_events).cloned().collect();
        if events.len() > 1 {
            for event in &events {
                let quotient = (Total::Events(event.clone()), Total::OwnEvents);
                self.share(Kind::Event, event, quotient);
            }
            self.spread(Kind::Event);
        }
        if self.input.channels.len() > 1 {
            for channel in self.channels() {
                let total = Total::EventsOnChannel(channel.clone());
                self.count(Kind::Channel, &channel, &total);
                self.share(Kind::Channel, &channel, (total, Total::EventsWithChannel));
                if self.input.has("amount") {
                    let total = Total::AmountOnChannel(channel.clone());
                    let measure = Measure::Total { total, window_days: None };
                    let name = format!("gmv_channel_{}", self.slug(&channel));
                    let meaning = format!("amount ordered on channel `{channel}`, all time");
                    self.add(name, Unit::Money, measure, Missing::Zero, meaning);
                }
            }
            self.spread(Kind::Channel);
        }
        if self.input.categories.len() > 1 {
            let limit = self.params.max_categories;
            for category in self.input.categories.iter().take(limit) {
                let total = Total::EventsInCategory(category.clone());
                self.count(Kind::Category, category, &total);
                self.share(Kind::Category, category, (total, Total::EventsWithCategory));
            }
            self.spread(Kind::Category);
        }
    }

    fn count(&mut self, kind: Kind, value: &str, total: &Total) {
        let measure = Measure::Total { total: total.clone(), window_days: None };
        let name = format!("n_{}_{}", kind.as_str(), self.slug(value));
        let meaning = format!("own events with {} `{value}`, all time", kind.as_str());
        self.add(name, Unit::Count, measure, Missing::Zero, meaning);
    }

    fn share(&mut self, kind: Kind, value: &str, (numerator, denominator): (Total, Total)) {
        let measure = Measure::Quotient { numerator, denominator, window_days: None };
        let name = format!("share_{}_{}", kind.as_str(), self.slug(value));
        let meaning = format!("share of the user's own events with {} `{value}`", kind.as_str());
        self.add(name, Unit::Share, measure, Missing::Zero, meaning);
    }

    fn spread(&mut self, kind: Kind) {
        let column = kind.as_str();
        self.statistic(
            &format!("n_distinct_{column}"),
            Unit::Count,
            Statistic::Distinct(kind),
            &format!("different values of {column} in own events"),
        );
        self.statistic(
            &format!("entropy_{column}"),
            Unit::Bits,
            Statistic::Entropy(kind),
            &format!("how evenly own events spread over {column}: 0 when all have one"),
        );
        self.statistic(
            &format!("favourite_share_{column}"),
            Unit::Share,
            Statistic::FavouriteShare(kind),
            &format!("share of own events with the user's most frequent {column}"),
        );
        self.days_since(
            &format!("days_since_new_{column}"),
            Statistic::DaysSinceNew(kind),
            &format!("days since the user met a {column} for the first time"),
        );
    }
}
