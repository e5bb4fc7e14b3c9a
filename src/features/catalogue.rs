//! Which features the data allows: the catalogue, turned into a plan.

use std::collections::HashMap;

use super::{
    Feature, FeatureError, FeatureParams, FeaturePlan, InputTraits, Measure, Missing, Statistic,
    Total, Unit,
};

/// Windows of rates and shares, of those that the config has: short ones hold
/// too few events for a quotient.
const RATE_WINDOWS_DAYS: [u32; 3] = [30, 90, 365];

/// Days that follow, for orders in the same season of the year before.
pub(super) const SEASON_DAYS: u32 = 90;

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
    let features = with_unique_names(catalogue.features)?;
    let features = selected(features, &params.only)?;
    Ok(FeaturePlan {
        order_event: params.order_event.clone(),
        passive_events: params.passive_events.clone(),
        columns: input.columns.iter().map(|column| (*column).to_owned()).collect(),
        features,
    })
}

/// Tells apart features whose names are alike by chance, such as those of an
/// event `active_days`: what names a value of the data ends in a hash of it.
///
/// # Errors
/// When a feature of the config has the name of another.
fn with_unique_names(mut features: Vec<Feature>) -> Result<Vec<Feature>, FeatureError> {
    let twins = |features: &[Feature]| {
        let mut n_of_name: HashMap<String, usize> = HashMap::new();
        for feature in features {
            *n_of_name.entry(feature.name.to_lowercase()).or_default() += 1;
        }
        n_of_name.retain(|_, n| *n > 1);
        n_of_name
    };
    let before = twins(&features);
    for feature in features.iter_mut().filter(|of| before.contains_key(&of.name.to_lowercase())) {
        let values = feature.measure.values();
        if !values.is_empty() {
            feature.name = format!("{}_{}", feature.name, short_hash(&values.join("\0")));
        }
    }
    let after = twins(&features);
    let is_twin = |name: &str| {
        let name = name.to_lowercase();
        before.contains_key(&name) || after.contains_key(&name)
    };
    for feature in features.iter().filter(|feature| is_twin(&feature.name)) {
        if let Measure::Sql(sql) = &feature.measure {
            return Err(FeatureError::Custom {
                name: feature.name.clone(),
                sql: sql.clone(),
                cause: "the catalogue has a feature of this name: choose another".into(),
            });
        }
    }
    Ok(features)
}

fn short_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..6].to_owned()
}

/// The features named, or all when none is.
fn selected(features: Vec<Feature>, only: &[String]) -> Result<Vec<Feature>, FeatureError> {
    let there = |name: &String| features.iter().any(|feature| feature.name == *name);
    if let Some(name) = only.iter().find(|name| !there(name)) {
        let nearest = most_similar(name, features.iter().map(|feature| &feature.name));
        return Err(FeatureError::NoSuchFeature { name: name.clone(), nearest });
    }
    let is_wanted = |feature: &Feature| only.is_empty() || only.contains(&feature.name);
    Ok(features.into_iter().filter(is_wanted).collect())
}

/// The name most like another, for whoever mistyped.
pub(super) fn most_similar<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> String {
    let similarity = |other: &str| strsim::jaro_winkler(name, other);
    names.max_by(|a, b| similarity(a).total_cmp(&similarity(b))).cloned().unwrap_or_default()
}

/// The features found so far, and what they are found in.
pub(super) struct Catalogue<'a> {
    pub(super) params: &'a FeatureParams,
    pub(super) input: &'a InputTraits,
    /// Event types other than orders that get features.
    pub(super) others: Vec<String>,
    windows_days: Vec<u32>,
    pub(super) span_days: u32,
    pub(super) never: Missing,
    features: Vec<Feature>,
}

impl Catalogue<'_> {
    pub(super) fn add(
        &mut self,
        name: impl Into<String>,
        unit: Unit,
        measure: Measure,
        when_missing: Missing,
        meaning: impl Into<String>,
    ) {
        let (name, meaning) = (name.into(), meaning.into());
        self.features.push(Feature { name, unit, meaning, measure, when_missing });
    }

    /// A value as part of a feature's name, with a hash where others look alike.
    pub(super) fn slug(&self, value: &str) -> String {
        match self.input.alike.contains(value) {
            true => format!("{}_{}", slug(value), short_hash(value)),
            false => slug(value),
        }
    }

    /// A total over all time and over each window.
    pub(super) fn totals(&mut self, name: &str, unit: Unit, total: &Total, what: &str) {
        self.totals_over(self.all_windows(), (name, unit), total, what);
    }

    /// A total over the windows given.
    pub(super) fn totals_over(
        &mut self,
        windows: Vec<Option<u32>>,
        (name, unit): (&str, Unit),
        total: &Total,
        what: &str,
    ) {
        for window_days in windows {
            let measure = Measure::Total { total: total.clone(), window_days };
            let meaning = format!("{what}, {}", period(window_days));
            self.add(windowed(name, window_days), unit, measure, Missing::Zero, meaning);
        }
    }

    /// A quotient over all time and over the windows given.
    pub(super) fn quotients(
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

    pub(super) fn statistic(
        &mut self,
        name: &str,
        unit: Unit,
        statistic: Statistic,
        meaning: &str,
    ) {
        self.add(name, unit, Measure::Statistic(statistic), Missing::Zero, meaning);
    }

    /// Days since something, "never" where it has not happened.
    pub(super) fn days_since(&mut self, name: &str, statistic: Statistic, meaning: &str) {
        self.add(name, Unit::Days, Measure::Statistic(statistic), self.never, meaning);
    }

    /// How the total of a window relates to that of the next longer one.
    pub(super) fn trends(&mut self, name: &str, total: &Total, what: &str) {
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

    pub(super) fn all_windows(&self) -> Vec<Option<u32>> {
        std::iter::once(None).chain(self.windows_days.iter().copied().map(Some)).collect()
    }

    pub(super) fn rate_windows(&self) -> Vec<Option<u32>> {
        let is_rate = |days: &u32| RATE_WINDOWS_DAYS.contains(days);
        let windows = self.windows_days.iter().copied().filter(is_rate).map(Some);
        std::iter::once(None).chain(windows).collect()
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

pub(super) fn plural(event: &str) -> String {
    if event.is_ascii() && !event.ends_with('s') { format!("{event}s") } else { event.to_owned() }
}

/// A value as part of a feature name: lower case, with letters and digits of
/// any script, all else an underscore.
pub(super) fn slug(value: &str) -> String {
    let slug: String =
        value.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    match slug.char_indices().nth(MAX_SLUG_CHARS) {
        _ if slug.is_empty() => "blank".into(),
        None => slug,
        Some((end, _)) => format!("{}_{}", &slug[..end], short_hash(value)),
    }
}

/// Characters of a value in a feature's name at most.
const MAX_SLUG_CHARS: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_keep_every_script() {
        assert_eq!(slug("Message Opened"), "message_opened");
        assert_eq!(slug("小程序"), "小程序");
        assert_eq!(slug(&"长".repeat(10_000)).chars().count(), MAX_SLUG_CHARS + 7);
    }
}
