//! Which features the data allows: the catalogue, turned into a plan.

mod behaviour;
mod mix;
mod names;
mod orders;
mod row;
mod traits;

pub use traits::{InputTraits, SeenInput, describe_input};

use super::{EventParams, Feature, FeatureError, FeatureParams, FeaturePlan};
use crate::dataset::Missing;
use crate::settings::nearest_names;
use names::with_unique_names;

/// Builds the plan for data with these traits.
///
/// `span_days` is the length of the history: windows longer than that would
/// repeat the all-time features and are dropped, and "never" (days since
/// something that has not happened) counts as twice as many days, beyond any
/// that a user can have.
///
/// # Errors
/// [`FeatureError::NoOrders`] when the data has no order event,
/// [`FeatureError::NoSuchFeature`] when one that is asked for does not exist.
pub fn build_plan(
    params: &FeatureParams,
    events: &EventParams,
    input: &InputTraits,
    span_days: u32,
) -> Result<FeaturePlan, FeatureError> {
    if !input.events.contains(&events.order) {
        return Err(FeatureError::NoOrders {
            order_event: events.order.clone(),
            available: input.events.join(", "),
        });
    }
    let catalogue = Catalogue::new(params, events, input, span_days);
    let events = catalogue.events.clone();
    let features = selected(with_unique_names(catalogue.all())?, &params.only)?;
    let columns = input.columns.iter().map(|column| (*column).to_owned()).collect();
    Ok(FeaturePlan { events, columns, features })
}

/// The features named, or all when none is.
fn selected(features: Vec<Feature>, only: &[String]) -> Result<Vec<Feature>, FeatureError> {
    let there = |name: &String| features.iter().any(|feature| feature.info.name == *name);
    if let Some(name) = only.iter().find(|name| !there(name)) {
        let names = features.iter().map(|feature| &feature.info.name);
        let nearest = nearest_names(name, names).first().copied().unwrap_or_default().to_owned();
        return Err(FeatureError::NoSuchFeature { name: name.clone(), nearest });
    }
    let is_wanted = |feature: &Feature| only.is_empty() || only.contains(&feature.info.name);
    Ok(features.into_iter().filter(is_wanted).collect())
}

/// The features found so far, and what they are found in.
struct Catalogue<'a> {
    params: &'a FeatureParams,
    /// Roles, with the responses that there are.
    events: EventParams,
    input: &'a InputTraits,
    /// Event types other than orders that get features.
    others: Vec<String>,
    windows_days: Vec<u32>,
    span_days: u32,
    never: Missing,
    features: Vec<Feature>,
}

impl<'a> Catalogue<'a> {
    fn new(
        params: &'a FeatureParams,
        events: &EventParams,
        input: &'a InputTraits,
        span_days: u32,
    ) -> Self {
        // Whoever names features has a reason to want the long windows too.
        let is_useful = |days: &u32| *days < span_days || !params.only.is_empty();
        let mut windows_days: Vec<u32> =
            params.windows_days.iter().map(|days| days.get()).filter(is_useful).collect();
        windows_days.sort_unstable();
        windows_days.dedup();
        let others = input.events.iter().filter(|event| **event != events.order);
        let others: Vec<String> = others.take(params.max_values.events).cloned().collect();
        Self {
            params,
            input,
            events: EventParams { response: events.responses(&others), ..events.clone() },
            others,
            windows_days,
            span_days,
            never: Missing::Never(2.0 * f64::from(span_days.max(1))),
            features: Vec::new(),
        }
    }

    fn all(mut self) -> Vec<Feature> {
        self.orders();
        self.first_order();
        self.rhythm();
        self.season();
        self.other_events();
        self.activity();
        self.rates();
        self.clock();
        self.mix();
        self.custom();
        self.features
    }
}
