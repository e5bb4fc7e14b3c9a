//! A profile in the terms in which layers are named: relations to all users
//! that mean the same in any shop.

use super::profile::LayerProfile;
use super::words::{event_counted, has_word};

/// A layer beside all users together.
pub(super) struct Facts<'a> {
    pub(super) profile: &'a LayerProfile,
    /// GMV a user over that of all users; 1 where the data has no money.
    pub(super) value: f64,
    /// Churn rate over that of all users.
    pub(super) churn: f64,
    /// Largest effect of a discount among the other layers.
    discount_of_others: f64,
}

impl<'a> Facts<'a> {
    /// The facts of each layer, in their order.
    pub(super) fn of(profiles: &'a [LayerProfile]) -> Vec<Self> {
        let n_all: f64 = profiles.iter().map(|it| it.n_users as f64).sum();
        let mean = |of: fn(&LayerProfile) -> f64| {
            profiles.iter().map(|it| of(it) * it.n_users as f64).sum::<f64>() / n_all.max(1.0)
        };
        let (gmv, churn) = (mean(|it| it.gmv_per_user), mean(|it| it.churn_rate));
        let ratio = |part: f64, all: f64| if all > 0.0 { part / all } else { 1.0 };
        let mut facts: Vec<Self> = profiles
            .iter()
            .map(|profile| Self {
                profile,
                value: ratio(profile.gmv_per_user, gmv),
                churn: ratio(profile.churn_rate, churn),
                discount_of_others: 0.0,
            })
            .collect();
        let discounts: Vec<f64> = facts.iter().map(Self::largest_discount).collect();
        for (index, fact) in facts.iter_mut().enumerate() {
            let others = discounts.iter().enumerate().filter(|(other, _)| *other != index);
            fact.discount_of_others = others.map(|(_, &effect)| effect).fold(0.0, f64::max);
        }
        facts
    }

    /// How far the layer lies above all users, in spreads; 0 of a feature that
    /// the model has not.
    pub(super) fn effect(&self, feature: &str) -> f64 {
        self.profile.difference(feature).map_or(0.0, |it| it.effect)
    }

    /// Orders of the median user.
    pub(super) fn median_orders(&self) -> f64 {
        self.profile.difference("n_orders").map_or(0.0, |it| it.median)
    }

    /// The typical user ordered more than once.
    pub(super) fn come_back(&self) -> bool {
        self.median_orders() >= 2.0
    }

    /// Most have ordered.
    pub(super) fn are_customers(&self) -> bool {
        self.profile.customer_share >= 0.6
    }

    /// Most have never ordered.
    pub(super) fn never_bought(&self) -> bool {
        self.profile.customer_share < 0.4
    }

    pub(super) fn orders(&self) -> f64 {
        self.effect("n_orders")
    }

    /// What they spent up to now.
    pub(super) fn spend(&self) -> f64 {
        self.effect("gmv")
    }

    /// How long ago the last order is.
    pub(super) fn silence(&self) -> f64 {
        self.effect("days_since_last_order")
    }

    /// How active they are in any way; whether they order where the data has
    /// nothing else.
    pub(super) fn activity(&self) -> f64 {
        self.seen_activity().unwrap_or(-self.silence())
    }

    /// How active they are beside ordering; `None` where the data does not say.
    pub(super) fn seen_activity(&self) -> Option<f64> {
        let is_count = |name: &str| name.starts_with("n_active_days") && !name.contains("_trend_");
        let of_feature = |name: &str, effect: f64| match name {
            "days_since_last_activity" => Some(-effect),
            name => is_count(name).then_some(effect),
        };
        let differences = &self.profile.differences;
        let effects: Vec<f64> =
            differences.iter().filter_map(|it| of_feature(&it.feature, it.effect)).collect();
        (!effects.is_empty()).then(|| effects.iter().sum::<f64>() / effects.len() as f64)
    }

    /// The largest effect of a count of events that have one of the words in
    /// their name, or of days or shares of such events; 0 where there are none.
    pub(super) fn event(&self, words: &[&str]) -> f64 {
        let differences = self.profile.differences.iter();
        let of_event = differences.filter_map(|it| {
            let event = event_counted(&it.feature)?;
            has_word(event, words).then_some(it.effect)
        });
        of_event.reduce(f64::max).unwrap_or(0.0)
    }

    /// The same of answers to messages.
    pub(super) fn response(&self) -> f64 {
        let differences = self.profile.differences.iter();
        let rates = differences.filter(|it| it.feature.starts_with("response_"));
        rates.map(|it| it.effect).reduce(f64::max).unwrap_or(0.0)
    }

    /// The largest effect of a category that has one of the words in its name.
    pub(super) fn category(&self, words: &[&str]) -> f64 {
        let differences = self.profile.differences.iter();
        let of_category = differences.filter_map(|it| {
            let prefixes = ["share_category_", "n_category_"];
            let value = prefixes.iter().find_map(|prefix| it.feature.strip_prefix(prefix))?;
            has_word(value, words).then_some(it.effect)
        });
        of_category.reduce(f64::max).unwrap_or(0.0)
    }

    /// How much more is bought on discount than the number of orders explains:
    /// who ordered nothing in a window has no discount in it either.
    pub(super) fn discount(&self) -> f64 {
        let rates = self.profile.differences.iter().filter_map(|it| {
            let window = ["share_orders_discounted", "discount_depth"]
                .iter()
                .find_map(|prefix| it.feature.strip_prefix(prefix))?;
            let of_orders = self.effect(&format!("n_orders{window}"));
            (it.effect >= NOTABLE && it.effect >= of_orders + CLEARLY).then_some(it.effect)
        });
        let largest = rates.reduce(f64::max).unwrap_or(0.0);
        // All users include those without orders: buyers stand out from them anyway.
        if largest >= self.discount_of_others + CLEARLY { largest } else { 0.0 }
    }

    fn largest_discount(&self) -> f64 {
        let differences = self.profile.differences.iter();
        let discounts = differences.filter(|it| {
            it.feature.starts_with("share_orders_discounted")
                || it.feature.starts_with("discount_depth")
        });
        discounts.map(|it| it.effect).fold(0.0, f64::max)
    }

    /// The largest effect of what an order is worth.
    pub(super) fn basket(&self) -> f64 {
        ["mean_order_value", "max_order_value", "first_order_value"]
            .iter()
            .map(|feature| self.effect(feature))
            .fold(0.0, f64::max)
    }

    /// They have known the shop for a quarter of a year at most, and less than half
    /// as long as all have.
    pub(super) fn are_new(&self, age: &str) -> bool {
        self.profile.difference(age).is_some_and(|it| {
            it.effect <= -MUCH && it.median <= it.median_of_all / 2.0 && it.median <= NEW_DAYS
        })
    }
}

/// Days after which nobody is new any more.
const NEW_DAYS: f64 = 90.0;

/// Effects, in spreads of all users, from which a difference is worth a word …
pub(super) const NOTABLE: f64 = 0.5;
/// … is the first that one would name …
pub(super) const MUCH: f64 = 0.8;
/// … or is clearly larger than another.
pub(super) const CLEARLY: f64 = 0.2;
