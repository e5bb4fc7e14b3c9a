//! Reasons for a user's risk in sentences.

use crate::dataset::{Missing, Pace, Unit};
use crate::features::Feature;
use crate::models::churn::Reason;

/// The features of a classifier with what is needed to speak of them.
pub(super) struct ReasonWords<'a> {
    features: Vec<Spoken<'a>>,
    event: &'a str,
}

struct Spoken<'a> {
    name: &'a str,
    meaning: &'a str,
    unit: Unit,
    never: Option<f64>,
    typical: String,
}

impl<'a> ReasonWords<'a> {
    /// `names` are the classifier's features, `typical` their medians among those
    /// who stayed, `event` what keeps users.
    pub fn new(plan: &'a [Feature], names: &'a [String], typical: &[f64], event: &'a str) -> Self {
        let spoken = |(name, &typical): (&'a String, &f64)| {
            let feature = plan.iter().find(|feature| feature.info.name == *name);
            let unit = feature.map_or(Unit::Custom, |feature| feature.info.unit);
            let never = match feature.map(|feature| feature.info.when_missing) {
                Some(Missing::Never(days)) => Some(days),
                _ => None,
            };
            let typical = match never {
                Some(days) if typical >= days => "never".to_owned(),
                _ => number(typical, unit),
            };
            let meaning = feature.map_or(name.as_str(), |feature| feature.info.meaning.en.as_str());
            // What stands for a missing value is said by the value itself.
            let meaning = meaning.split([';', ':']).next().unwrap_or(meaning);
            let meaning = meaning.strip_suffix(", begun days counting").unwrap_or(meaning);
            Spoken { name, meaning, unit, never, typical }
        };
        Self { features: names.iter().zip(typical).map(spoken).collect(), event }
    }

    pub fn name(&self, reason: &Reason) -> &str {
        self.features[reason.feature as usize].name
    }

    /// What is so about the user, beside what is usual.
    pub fn sentence(&self, reason: &Reason, pace: &Pace) -> String {
        let feature = &self.features[reason.feature as usize];
        if feature.name == "days_since_last_order" && self.event == "order" && pace.n_days > 0 {
            let days = pace.last_days_ago.floor();
            return match pace.usual_gap_days {
                Some(gap) => format!("no order for {days} days; usual gap {}", short(gap)),
                None => format!("no order for {days} days; only one day with orders so far"),
            };
        }
        let (value, typical) = (number(reason.value, feature.unit), &feature.typical);
        let has_never = feature.never.is_some_and(|days| reason.value >= days);
        // Such as "days since the last activity".
        let since_last = feature.meaning.strip_prefix("days since the last ");
        let told = match since_last.filter(|_| feature.unit == Unit::Days) {
            Some(what) if has_never => format!("never any {what}"),
            Some(what) => format!("no {what} for {value} days"),
            None if has_never => format!("{}: never", feature.meaning),
            None => format!("{}: {value}", feature.meaning),
        };
        format!("{told}; those who stay: {typical}")
    }
}

fn number(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => format!("{} %", short(value * 100.0)),
        Unit::Money => format!("{value:.2}"),
        _ => short(value),
    }
}

/// At most two digits behind the point, and none that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Bilingual, FeatureInfo};
    use crate::features::Measure;

    fn feature(name: &str, meaning: &str, unit: Unit, when_missing: Missing) -> Feature {
        let measure = Measure::Sql(String::new());
        let meaning = Bilingual::same(meaning);
        let info = FeatureInfo { unit, meaning, when_missing, ..FeatureInfo::plain(name) };
        Feature { info, measure }
    }

    #[test]
    fn sentences_tell_value_and_what_is_usual() {
        let plan = [
            feature("days_since_last_order", "days", Unit::Days, Missing::Never(900.0)),
            feature("n_view_30d", "`view` events, last 30 days", Unit::Count, Missing::Zero),
            feature(
                "last_view",
                "days since the last `view`; long",
                Unit::Days,
                Missing::Never(900.0),
            ),
            feature("trend", "share of orders", Unit::Share, Missing::Zero),
            feature("ratio", "days since the last order over a gap", Unit::Ratio, Missing::Zero),
        ];
        let names: Vec<String> = plan.iter().map(|feature| feature.info.name.clone()).collect();
        let words = ReasonWords::new(&plan, &names, &[5.0, 12.0, 3.5, 0.255, 0.5], "order");
        let say = |feature, value, usual_gap_days| {
            let pace = Pace { n_days: 3, last_days_ago: 83.4, usual_gap_days, ..Pace::default() };
            words.sentence(&Reason { feature, value, contribution: 0.1 }, &pace)
        };
        assert_eq!(say(0, 84.0, Some(21.0)), "no order for 83 days; usual gap 21");
        assert_eq!(say(0, 84.0, None), "no order for 83 days; only one day with orders so far");
        assert_eq!(say(1, 2.0, None), "`view` events, last 30 days: 2; those who stay: 12");
        assert_eq!(say(2, 40.0, None), "no `view` for 40 days; those who stay: 3.5");
        assert_eq!(say(2, 900.0, None), "never any `view`; those who stay: 3.5");
        assert_eq!(say(3, 0.0, None), "share of orders: 0 %; those who stay: 25.5 %");
        let ratio = say(4, 41.2, None);
        assert_eq!(ratio, "days since the last order over a gap: 41.2; those who stay: 0.5");
    }
}
