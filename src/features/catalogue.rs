//! Which features the data allows: the catalogue, turned into a plan.

use std::collections::{BTreeMap, HashSet};

use super::{
    DayPart, Feature, FeatureError, FeatureParams, FeaturePlan, InputTraits, Kind, Measure,
    Missing, Statistic, Total, Unit,
};

/// Windows of rates and shares, of those that the config has: short ones hold
/// too few events for a quotient.
const RATE_WINDOWS_DAYS: [u32; 3] = [30, 90, 365];

/// Days that follow, for orders in the same season of the year before.
const SEASON_DAYS: u32 = 90;

/// Builds the plan for data with these traits.
///
/// `span_days` is the length of the history: windows longer than that would
/// repeat the all-time features and are left out, and "never" (days since
/// something that has not happened) counts as twice as many days, beyond any
/// that a user can have.
///
/// # Errors
/// [`FeatureError::NoOrders`] when the data has no order event,
/// [`FeatureError::NoSuchFeature`] when one that is asked for does not exist.
pub fn build_plan(
    params: &FeatureParams,
    input: &InputTraits,
    span_days: u32,
) -> Result<FeaturePlan, FeatureError> {
    if !input.events.contains(&params.order_event) {
        return Err(FeatureError::NoOrders {
            order_event: params.order_event.clone(),
            available: input.events.join(", "),
        });
    }
    // Whoever names features has a reason to want the long windows too.
    let is_useful = |days: &u32| *days < span_days || !params.only.is_empty();
    let mut windows_days: Vec<u32> =
        params.windows_days.iter().copied().filter(is_useful).collect();
    windows_days.sort_unstable();
    windows_days.dedup();
    let others = input.events.iter().filter(|event| **event != params.order_event);
    let mut catalogue = Catalogue {
        params,
        input,
        others: others.take(params.max_events).cloned().collect(),
        windows_days,
        span_days,
        never: Missing::Never(2.0 * f64::from(span_days.max(1))),
        names: HashSet::new(),
        features: Vec::new(),
    };
    catalogue.orders();
    catalogue.first_order();
    catalogue.rhythm();
    catalogue.season();
    catalogue.events();
    catalogue.activity();
    catalogue.rates();
    catalogue.clock();
    catalogue.mix();
    catalogue.custom();
    let features = selected(catalogue.features, &params.only)?;
    Ok(FeaturePlan {
        order_event: params.order_event.clone(),
        passive_events: params.passive_events.clone(),
        columns: input.columns.iter().map(|column| (*column).to_owned()).collect(),
        features,
    })
}

/// The features named, or all when none is.
fn selected(features: Vec<Feature>, only: &[String]) -> Result<Vec<Feature>, FeatureError> {
    let there = |name: &String| features.iter().any(|feature| feature.name == *name);
    if let Some(name) = only.iter().find(|name| !there(name)) {
        let similarity = |other: &str| strsim::jaro_winkler(name, other);
        let nearest = features
            .iter()
            .max_by(|a, b| similarity(&a.name).total_cmp(&similarity(&b.name)))
            .map_or(String::new(), |feature| feature.name.clone());
        return Err(FeatureError::NoSuchFeature { name: name.clone(), nearest });
    }
    let is_wanted = |feature: &Feature| only.is_empty() || only.contains(&feature.name);
    Ok(features.into_iter().filter(is_wanted).collect())
}

struct Catalogue<'a> {
    params: &'a FeatureParams,
    input: &'a InputTraits,
    /// Event types other than orders that get features.
    others: Vec<String>,
    windows_days: Vec<u32>,
    span_days: u32,
    never: Missing,
    names: HashSet<String>,
    features: Vec<Feature>,
}

impl Catalogue<'_> {
    fn add(
        &mut self,
        name: impl Into<String>,
        unit: Unit,
        measure: Measure,
        when_missing: Missing,
        meaning: impl Into<String>,
    ) {
        let mut name = name.into();
        while !self.names.insert(name.clone()) {
            // Two values that differ only in what a name can't hold.
            name.push('_');
        }
        self.features.push(Feature { name, unit, meaning: meaning.into(), measure, when_missing });
    }

    /// A total over all time and over each window.
    fn totals(&mut self, name: &str, unit: Unit, total: &Total, what: &str) {
        for window_days in self.all_windows() {
            let measure = Measure::Total { total: total.clone(), window_days };
            let meaning = format!("{what}, {}", period(window_days));
            self.add(windowed(name, window_days), unit, measure, Missing::Zero, meaning);
        }
    }

    /// A quotient over all time and over the windows given.
    fn quotients(
        &mut self,
        name: &str,
        unit: Unit,
        (numerator, denominator): (Total, Total),
        windows: Vec<Option<u32>>,
        what: &str,
    ) {
        for window_days in windows {
            let (numerator, denominator) = (numerator.clone(), denominator.clone());
            let measure = Measure::Quotient { numerator, denominator, window_days };
            let meaning = format!("{what}, {}", period(window_days));
            self.add(windowed(name, window_days), unit, measure, Missing::Zero, meaning);
        }
    }

    fn statistic(&mut self, name: &str, unit: Unit, statistic: Statistic, meaning: &str) {
        self.add(name, unit, Measure::Statistic(statistic), Missing::Zero, meaning);
    }

    /// Days since something, "never" where it has not happened.
    fn days_since(&mut self, name: &str, statistic: Statistic, meaning: &str) {
        self.add(name, Unit::Days, Measure::Statistic(statistic), self.never, meaning);
    }

    /// How the total of a window relates to that of the next longer one.
    fn trends(&mut self, name: &str, total: &Total, what: &str) {
        for pair in self.windows_days.clone().windows(2).filter(|pair| pair[0] >= 30) {
            let (recent_days, longer_days) = (pair[0], pair[1]);
            let measure = Measure::Trend { total: total.clone(), recent_days, longer_days };
            self.add(
                format!("{name}_trend_{recent_days}d_of_{longer_days}d"),
                Unit::Share,
                measure,
                Missing::Zero,
                format!(
                    "share of the {what} of {longer_days} days that fell in the last {recent_days}"
                ),
            );
        }
    }

    fn all_windows(&self) -> Vec<Option<u32>> {
        std::iter::once(None).chain(self.windows_days.iter().copied().map(Some)).collect()
    }

    fn rate_windows(&self) -> Vec<Option<u32>> {
        let is_rate = |days: &u32| RATE_WINDOWS_DAYS.contains(days);
        let windows = self.windows_days.iter().copied().filter(is_rate).map(Some);
        std::iter::once(None).chain(windows).collect()
    }

    /// Orders, spend, discount, units, items.
    fn orders(&mut self) {
        use Total as T;
        self.totals("n_orders", Unit::Count, &T::Orders, "orders placed");
        self.trends("n_orders", &T::Orders, "orders");
        self.totals("n_order_days", Unit::Count, &T::OrderDays, "days with an order");
        if self.input.has("amount") {
            self.totals("gmv", Unit::Money, &T::Amount, "amount ordered");
            self.trends("gmv", &T::Amount, "amount");
            self.order_values();
        }
        if self.input.has("discount") {
            self.totals("discount", Unit::Money, &T::Discount, "discount taken");
            let windows = self.rate_windows();
            let quotient = (T::DiscountedOrders, T::Orders);
            let what = "share of orders with a discount";
            self.quotients("share_orders_discounted", Unit::Share, quotient, windows.clone(), what);
            let quotient = (T::Discount, T::FullPrice);
            let what = "discount over full price of everything ordered";
            self.quotients("discount_depth", Unit::Share, quotient, windows, what);
        }
        if self.input.has("quantity") {
            self.totals("n_units", Unit::Count, &T::Units, "units ordered");
            let quotient = (T::Units, T::Orders);
            self.quotients("units_per_order", Unit::Ratio, quotient, vec![None], "units by order");
        }
        if self.input.has("order_id") {
            let quotient = (T::OrderLines, T::Orders);
            self.quotients("lines_per_order", Unit::Ratio, quotient, vec![None], "rows by order");
        }
        if self.input.has("item") {
            self.totals("n_items", Unit::Count, &T::ItemsOrdered, "different items ordered");
            let quotient = (T::ItemsOrdered, T::OrderLines);
            let what = "different items by order row; low when the same is bought again";
            self.quotients("items_per_line", Unit::Share, quotient, vec![None], what);
        }
        if self.input.has("category") {
            let what = "different categories ordered from";
            self.totals("n_categories", Unit::Count, &T::CategoriesOrdered, what);
        }
    }

    fn order_values(&mut self) {
        use Statistic as S;
        let windows = self.all_windows();
        let quotient = (Total::Amount, Total::Orders);
        self.quotients("mean_order_value", Unit::Money, quotient, windows, "amount by order");
        self.statistic("max_order_value", Unit::Money, S::LargestOrder, "largest order");
        self.statistic(
            "sd_order_value",
            Unit::Money,
            S::OrderValueSpread,
            "standard deviation of order values; 0 below two orders",
        );
        self.statistic(
            "cv_order_value",
            Unit::Ratio,
            S::OrderValueVariation,
            "standard deviation by mean of order values; 0 below two orders",
        );
        self.statistic(
            "order_value_trend",
            Unit::Ratio,
            S::OrderValueTrend,
            "change of order value from order to order, by the mean; 0 below two orders",
        );
        self.statistic(
            "last_order_value_ratio",
            Unit::Ratio,
            S::LastOrderValueRatio,
            "value of the last order by that of the mean order",
        );
    }

    fn first_order(&mut self) {
        use Statistic as S;
        if self.input.has("amount") {
            let meaning = "value of the first order";
            self.statistic("first_order_value", Unit::Money, S::FirstOrderValue, meaning);
        }
        if self.input.has("quantity") {
            let meaning = "units of the first order";
            self.statistic("first_order_units", Unit::Count, S::FirstOrderUnits, meaning);
        }
        if self.input.has("discount") {
            self.statistic(
                "first_order_discount_depth",
                Unit::Share,
                S::FirstOrderDiscountDepth,
                "discount over full price of the first order",
            );
        }
        if !self.others.is_empty() {
            self.days_since(
                "days_to_first_order",
                S::DaysToFirstOrder,
                "days from the first event of any type to the first order",
            );
        }
        self.statistic(
            "first_order_weekend",
            Unit::Share,
            S::FirstOrderAtWeekend,
            "1 when the first order was placed on a Saturday or Sunday",
        );
    }

    /// How regularly orders come, and how long they have not.
    fn rhythm(&mut self) {
        use Statistic as S;
        let meaning =
            "days since the last order, begun days counting; twice the history's length if none";
        self.days_since("days_since_last_order", S::DaysSinceLastOrder, meaning);
        for (name, statistic, meaning) in [
            (
                "customer_age_days",
                S::CustomerAge,
                "days since the first order, begun days counting",
            ),
            ("purchase_span_days", S::PurchaseSpan, "days from the first order to the last"),
            ("mean_gap_days", S::MeanGap, "mean days between order days; 0 below two"),
            (
                "sd_gap_days",
                S::GapSpread,
                "standard deviation of the days between order days; 0 below three",
            ),
            ("max_gap_days", S::LongestGap, "longest gap between order days; 0 below two"),
            ("last_gap_days", S::LastGap, "days between the last two order days; 0 below two"),
        ] {
            self.statistic(name, Unit::Days, statistic, meaning);
        }
        for (name, statistic, meaning) in [
            (
                "cv_gap",
                S::GapVariation,
                "standard deviation by mean of the gaps: 0 for a regular buyer or below three",
            ),
            ("last_gap_ratio", S::LastGapRatio, "last gap by mean gap; 0 below two order days"),
            ("orders_per_30_days", S::OrdersPer30Days, "orders by 30 days since the first"),
        ] {
            self.statistic(name, Unit::Ratio, statistic, meaning);
        }
        for (name, statistic, meaning) in [
            (
                "silence_ratio",
                S::SilenceRatio,
                "days since the last order over the usual gap (at least one day)",
            ),
            (
                "silence_of_longest_gap",
                S::SilenceOfLongestGap,
                "days since the last order over the longest gap (at least one day)",
            ),
        ] {
            self.add(name, Unit::Ratio, Measure::Statistic(statistic), self.never, meaning);
        }
    }

    fn season(&mut self) {
        for quarter in 1..=4 {
            let quotient = (Total::OrdersInQuarter(quarter), Total::Orders);
            let what = format!("share of orders placed in quarter {quarter} of the year");
            self.quotients(
                &format!("share_orders_q{quarter}"),
                Unit::Share,
                quotient,
                vec![None],
                &what,
            );
        }
        if self.span_days > 365 {
            self.statistic(
                "n_orders_same_season",
                Unit::Count,
                Statistic::OrdersSameSeason { days: SEASON_DAYS },
                "orders a year before the 90 days that follow",
            );
        }
    }

    /// What else users do, by event type.
    fn events(&mut self) {
        for event in self.others.clone() {
            let (slug, total) = (slug(&event), Total::Events(event.clone()));
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
        }
    }

    /// Active days, dwell, sessions, streaks.
    fn activity(&mut self) {
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
    fn rates(&mut self) {
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
            let name = format!("{}_per_{}", slug(&plural(&to)), slug(&from));
            let what = format!("`{to}` by `{from}`");
            self.quotients(&name, Unit::Ratio, quotient, windows.clone(), &what);
        }
        for (response, sent) in self.responses() {
            let name = format!("response_{}", slug(&response));
            let quotient = (Total::Events(response.clone()), Total::Events(sent.clone()));
            let what = format!("`{response}` by `{sent}`");
            self.quotients(&name, Unit::Ratio, quotient, windows.clone(), &what);
            for channel in self.channels() {
                let on = |event: &str| Total::EventOnChannel {
                    event: event.to_owned(),
                    channel: channel.clone(),
                };
                self.quotients(
                    &format!("{name}_{}", slug(&channel)),
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
    fn clock(&mut self) {
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

    fn channels(&self) -> Vec<String> {
        self.input.channels.iter().take(self.params.max_channels).cloned().collect()
    }

    /// Where and what: event types, channels, categories.
    fn mix(&mut self) {
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
                    let name = format!("gmv_channel_{}", slug(&channel));
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
        let name = format!("n_{}_{}", kind.as_str(), slug(value));
        let meaning = format!("own events with {} `{value}`, all time", kind.as_str());
        self.add(name, Unit::Count, measure, Missing::Zero, meaning);
    }

    fn share(&mut self, kind: Kind, value: &str, (numerator, denominator): (Total, Total)) {
        let measure = Measure::Quotient { numerator, denominator, window_days: None };
        let name = format!("share_{}_{}", kind.as_str(), slug(value));
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

    /// What the config adds.
    fn custom(&mut self) {
        for (name, custom) in &self.params.custom {
            self.add(
                name.clone(),
                Unit::Custom,
                Measure::Sql(custom.sql.clone()),
                Missing::Value(custom.when_missing),
                custom.meaning.clone().unwrap_or_else(|| "as the config defines it".into()),
            );
        }
    }
}

fn windowed(name: &str, window_days: Option<u32>) -> String {
    window_days.map_or(name.to_owned(), |days| format!("{name}_{days}d"))
}

fn period(window_days: Option<u32>) -> String {
    window_days.map_or("all time".to_owned(), |days| format!("last {days} days"))
}

fn plural(event: &str) -> String {
    if event.is_ascii() && !event.ends_with('s') { format!("{event}s") } else { event.to_owned() }
}

/// A value as part of a feature name: lower case, with letters and digits of
/// any script, all else an underscore.
fn slug(value: &str) -> String {
    let slug: String =
        value.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    if slug.is_empty() { "blank".into() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_keep_every_script() {
        assert_eq!(slug("Message Opened"), "message_opened");
        assert_eq!(slug("小程序"), "小程序");
    }
}
