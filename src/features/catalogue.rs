//! Which features the data allows: the catalogue, turned into a plan.

use std::collections::HashSet;

use super::sql::{identifier, literal};
use super::{Feature, FeatureError, FeatureParams, FeaturePlan, InputTraits, Relation, Unit};

/// Builds the plan for data with these traits.
///
/// `span_days` is the length of the history: windows longer than that would
/// repeat the all-time features and are left out, and "never" (days since
/// something that has not happened) counts as twice as many days, beyond any
/// that a user can have.
///
/// # Errors
/// [`FeatureError::NoOrders`] when the data has no order event.
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
    let mut windows_days: Vec<u32> =
        params.windows_days.iter().copied().filter(|&days| days < span_days).collect();
    windows_days.sort_unstable();
    windows_days.dedup();
    let mut catalogue = Catalogue {
        params,
        input,
        windows_days,
        never_days: 2.0 * f64::from(span_days.max(1)),
        event_counts: Vec::new(),
        names: HashSet::new(),
        features: Vec::new(),
    };
    catalogue.orders();
    catalogue.rhythm();
    catalogue.activity();
    catalogue.mix();
    catalogue.derived();
    let order_event = params.order_event.clone();
    Ok(FeaturePlan {
        order_event,
        events: catalogue.event_counts.into_iter().map(|(event, _)| event).collect(),
        columns: input.columns.iter().map(|column| (*column).to_owned()).collect(),
        features: catalogue.features,
    })
}

struct Catalogue<'a> {
    params: &'a FeatureParams,
    input: &'a InputTraits,
    windows_days: Vec<u32>,
    never_days: f64,
    /// Event types other than orders, and the feature that counts them.
    event_counts: Vec<(String, String)>,
    names: HashSet<String>,
    features: Vec<Feature>,
}

impl Catalogue<'_> {
    fn add(
        &mut self,
        name: impl Into<String>,
        unit: Unit,
        over: Relation,
        sql: impl Into<String>,
        meaning: impl Into<String>,
    ) -> &mut Feature {
        let mut name = name.into();
        while !self.names.insert(name.clone()) {
            // Two values that differ only in what a name can't hold.
            name.push('_');
        }
        let feature = Feature {
            name,
            unit,
            meaning: meaning.into(),
            over,
            sql: sql.into(),
            when_missing: 0.0,
        };
        self.features.push(feature);
        self.features.last_mut().expect("just pushed")
    }

    /// The all-time feature, whose name is returned, and one for each window.
    fn add_windowed(
        &mut self,
        name: &str,
        unit: Unit,
        over: Relation,
        aggregate: &str,
        what: &str,
    ) -> String {
        let all_time = self.add(name, unit, over, aggregate, format!("{what}, all time"));
        let all_time = all_time.name.clone();
        for days in self.windows_days.clone() {
            self.add(
                format!("{name}_{days}d"),
                unit,
                over,
                filtered(aggregate, &format!("age_days < {days}")),
                format!("{what}, last {days} days"),
            );
        }
        all_time
    }

    /// Orders, spend, discount and units.
    fn orders(&mut self) {
        use Relation::Orders;
        self.add_windowed("n_orders", Unit::Count, Orders, "count(*)", "orders placed");
        if self.input.has("amount") {
            self.add_windowed("gmv", Unit::Money, Orders, "sum(amount)", "amount ordered");
            let largest = "largest order";
            self.add("max_order_value", Unit::Money, Orders, "max(amount)", largest);
            self.add(
                "sd_order_value",
                Unit::Money,
                Orders,
                standard_deviation("amount"),
                "standard deviation of order values; 0 below two orders",
            );
        }
        if self.input.has("quantity") {
            let units = "sum(quantity)";
            self.add("n_units", Unit::Count, Orders, units, "units ordered, all time");
        }
        if self.input.has("discount") {
            let meaning = "share of orders with a discount";
            let sql = "cast(count(*) FILTER (WHERE discount > 0) AS double) / count(*)";
            self.add("share_orders_discounted", Unit::Share, Orders, sql, meaning);
            let sql = "cast(sum(discount) AS double) / nullif(cast(sum(amount) + \
                       coalesce(sum(discount), 0) AS double), 0)";
            let meaning = "discount over full price of everything ordered";
            self.add("discount_depth", Unit::Share, Orders, sql, meaning);
        }
        let weekend = "cast(count(*) FILTER (WHERE date_part('dow', time) IN (0, 6)) AS double) \
                       / count(*)";
        let meaning = "share of orders placed on a Saturday or Sunday";
        self.add("share_orders_weekend", Unit::Share, Orders, weekend, meaning);
    }

    /// How regularly orders come, and how long they have not.
    fn rhythm(&mut self) {
        use Relation::OrderDays;
        self.add("n_order_days", Unit::Count, OrderDays, "count(*)", "days with an order");
        let never = self.never_days;
        self.add(
            "days_since_last_order",
            Unit::Days,
            OrderDays,
            "min(age_days) + 1",
            "days since the last order, begun days counting; twice the history's length if none",
        )
        .when_missing = never;
        self.add(
            "customer_age_days",
            Unit::Days,
            OrderDays,
            "max(age_days) + 1",
            "days since the first order, begun days counting",
        );
        self.add(
            "purchase_span_days",
            Unit::Days,
            OrderDays,
            "max(day_number) - min(day_number)",
            "days from the first order to the last",
        );
        self.add(
            "mean_gap_days",
            Unit::Days,
            OrderDays,
            "cast(sum(gap_days) AS double) / nullif(count(gap_days), 0)",
            "mean days between order days; 0 below two",
        );
        self.add(
            "sd_gap_days",
            Unit::Days,
            OrderDays,
            standard_deviation("gap_days"),
            "standard deviation of the days between order days; 0 below three",
        );
        self.add(
            "max_gap_days",
            Unit::Days,
            OrderDays,
            "max(gap_days)",
            "longest gap between order days; 0 below two",
        );
    }

    /// What else users do: counts by event type, active days.
    fn activity(&mut self) {
        use Relation::Events;
        let others: Vec<String> = self
            .input
            .events
            .iter()
            .filter(|event| **event != self.params.order_event)
            .cloned()
            .collect();
        let never = self.never_days;
        for event in others.iter().take(self.params.max_events) {
            let condition = format!("event = {}", literal(event));
            let slug = slug(event);
            let count = format!("count(*) FILTER (WHERE {condition})");
            let (name, what) = (format!("n_{slug}"), format!("`{event}` events"));
            if self.params.passive_events.contains(event) {
                // When the business last wrote says nothing of the user.
                let meaning = format!("{what}, all time");
                let name = self.add(name, Unit::Count, Events, count, meaning).name.clone();
                self.event_counts.push((event.clone(), name));
                continue;
            }
            let name = self.add_windowed(&name, Unit::Count, Events, &count, &what);
            self.event_counts.push((event.clone(), name));
            let sql = format!("min(age_days) FILTER (WHERE {condition}) + 1");
            let meaning =
                format!("days since the last `{event}`; twice the history's length if none");
            self.add(format!("days_since_last_{slug}"), Unit::Days, Events, sql, meaning)
                .when_missing = never;
        }
        if others.is_empty() {
            return;
        }
        let active = self.is_active();
        let days = filtered("count(DISTINCT day)", &active);
        self.add_windowed("n_active_days", Unit::Count, Events, &days, "days with activity");
        let since = |extreme: &str| format!("{} + 1", filtered(extreme, &active));
        let meaning = "days since the last activity; twice the history's length if none";
        self.add("days_since_last_activity", Unit::Days, Events, since("min(age_days)"), meaning)
            .when_missing = never;
        let meaning = "days since the first event of any type";
        self.add("days_since_first_event", Unit::Days, Events, "max(age_days) + 1", meaning);
        if self.input.has("dwell_s") {
            self.add_windowed("dwell_s", Unit::Seconds, Events, "sum(dwell_s)", "time spent");
        }
        if self.input.has("session") {
            let sql = "count(DISTINCT session)";
            self.add("n_sessions", Unit::Count, Events, sql, "sessions, all time");
        }
    }

    /// The condition under which an event is the user's own doing.
    fn is_active(&self) -> String {
        let passive: Vec<String> =
            self.params.passive_events.iter().map(|event| literal(event)).collect();
        if passive.is_empty() {
            return String::new();
        }
        format!("event NOT IN ({})", passive.join(", "))
    }

    /// Where and what: channels, categories, items.
    fn mix(&mut self) {
        use Relation::Events;
        let order = format!("event = {}", literal(&self.params.order_event));
        let active = self.is_active();
        if self.input.has("item") {
            let sql = format!("count(DISTINCT item) FILTER (WHERE {order})");
            self.add("n_items", Unit::Count, Events, sql, "different items ordered");
        }
        for (kind, values, limit) in [
            ("event", &self.input.events, self.params.max_events),
            ("channel", &self.input.channels, self.params.max_channels),
            ("category", &self.input.categories, self.params.max_categories),
        ] {
            if values.len() < 2 {
                continue;
            }
            let distinct = filtered(&format!("count(DISTINCT {kind})"), &active);
            let meaning = format!("different values of {kind}");
            self.add(format!("n_distinct_{kind}"), Unit::Count, Events, distinct, meaning);
            let is_own = |value: &&String| !self.params.passive_events.contains(*value);
            for value in values.iter().filter(is_own).take(limit) {
                let of_value = filtered("count(*)", &format!("{kind} = {}", literal(value)));
                let (of_value, all) =
                    (filtered(&of_value, &active), filtered(&format!("count({kind})"), &active));
                let sql = format!("cast({of_value} AS double) / nullif({all}, 0)");
                let meaning = format!("share of the user's own events with {kind} `{value}`");
                self.add(
                    format!("share_{kind}_{}", slug(value)),
                    Unit::Share,
                    Events,
                    sql,
                    meaning,
                );
            }
        }
    }

    /// Quotients of the features above.
    fn derived(&mut self) {
        use Relation::Features;
        if self.input.has("amount") {
            let sql = "gmv / nullif(n_orders, 0)";
            self.add("mean_order_value", Unit::Money, Features, sql, "amount by order");
        }
        if self.input.has("quantity") {
            let sql = "n_units / nullif(n_orders, 0)";
            self.add("units_per_order", Unit::Ratio, Features, sql, "units by order");
        }
        self.add(
            "silence_ratio",
            Unit::Ratio,
            Features,
            "CASE WHEN n_order_days > 0 THEN days_since_last_order / greatest(mean_gap_days, 1) END",
            "days since the last order over the usual gap (at least one day)",
        )
        .when_missing = self.never_days;
        self.add(
            "orders_per_30_days",
            Unit::Ratio,
            Features,
            "30 * n_orders / nullif(customer_age_days, 0)",
            "orders by 30 days since the first",
        );
        for pair in self.windows_days.clone().windows(2) {
            let (recent, longer) = (pair[0], pair[1]);
            if recent < 30 {
                continue;
            }
            for (name, unit_name) in [("n_orders", "orders"), ("gmv", "amount")] {
                if name == "gmv" && !self.input.has("amount") {
                    continue;
                }
                self.add(
                    format!("{name}_trend_{recent}d_of_{longer}d"),
                    Unit::Share,
                    Features,
                    format!("{name}_{recent}d / nullif({name}_{longer}d, 0)"),
                    format!(
                        "share of the {unit_name} of {longer} days that fell in the last {recent}"
                    ),
                );
            }
        }
        for (event, count) in self.event_counts.clone() {
            self.add(
                format!("orders_per_{}", slug(&event)),
                Unit::Ratio,
                Features,
                format!("n_orders / nullif({}, 0)", identifier(&count)),
                format!("orders by `{event}` event"),
            );
        }
    }
}

/// `aggregate` restricted to rows for which `condition` holds too.
///
/// The result is one aggregate again, to which a further condition may be added.
fn filtered(aggregate: &str, condition: &str) -> String {
    if condition.is_empty() {
        return aggregate.to_owned();
    }
    match aggregate.strip_suffix(')') {
        Some(open) if aggregate.contains("FILTER (WHERE ") => format!("{open} AND {condition})"),
        _ => format!("{aggregate} FILTER (WHERE {condition})"),
    }
}

/// Sample standard deviation from exact sums, so that it does not depend on
/// the order of rows; 0 below two values.
fn standard_deviation(column: &str) -> String {
    let n = format!("count({column})");
    let sum = format!("cast(sum({column}) AS double)");
    let squares = format!("cast(sum({column} * {column}) AS double)");
    format!("sqrt(greatest(0.0, ({squares} - {sum} * {sum} / {n}) / nullif({n} - 1, 0)))")
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

    #[test]
    fn conditions_join_an_existing_filter() {
        assert_eq!(filtered("count(*)", "age_days < 7"), "count(*) FILTER (WHERE age_days < 7)");
        assert_eq!(
            filtered("count(*) FILTER (WHERE event = 'view')", "age_days < 7"),
            "count(*) FILTER (WHERE event = 'view' AND age_days < 7)"
        );
    }
}
