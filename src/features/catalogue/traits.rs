use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::names::slug;
use crate::features::calendar::MICROS_PER_DAY;
use crate::features::{FeatureError, FeaturePlan};
use crate::input::history::{Column, Histories, HistoryError, N_BUCKETS, N_COLUMNS, Vocabulary};

/// What the data before a date holds, as far as the catalogue depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct InputTraits {
    /// Event types, most frequent first.
    pub events: Vec<String>,
    /// How often each occurred on the last day.
    pub n_last_day: Vec<u64>,
    /// Channels, most frequent first.
    pub channels: Vec<String>,
    /// Categories, most frequent first.
    pub categories: Vec<String>,
    /// Values of these three columns that differ from others of their column in
    /// what a feature's name can't hold only, at any time.
    pub alike: BTreeSet<String>,
    /// Event columns that hold something.
    pub columns: BTreeSet<&'static str>,
    /// The same by event type.
    pub columns_of: BTreeMap<String, BTreeSet<&'static str>>,
}

/// What the data before a date holds, as far as a plan needs it; what parts of the users
/// hold adds up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenInput {
    /// Event types, and how often each occurred on the last day.
    pub events: BTreeMap<String, u64>,
    /// Event columns that hold something.
    pub columns: BTreeSet<String>,
}

impl SeenInput {
    /// Adds what others hold.
    pub fn merge(&mut self, other: &Self) {
        for (event, n) in &other.events {
            *self.events.entry(event.clone()).or_default() += n;
        }
        self.columns.extend(other.columns.iter().cloned());
    }
}

impl InputTraits {
    /// What a plan needs of it.
    pub fn seen(&self) -> SeenInput {
        SeenInput {
            events: self.events.iter().cloned().zip(self.n_last_day.iter().copied()).collect(),
            columns: self.columns.iter().map(|&it| it.to_owned()).collect(),
        }
    }

    /// True when the data fills the event column.
    pub fn has(&self, column: &str) -> bool {
        self.columns.contains(column)
    }

    /// True when events of a type fill the event column.
    pub fn event_has(&self, event: &str, column: &str) -> bool {
        self.columns_of.get(event).is_some_and(|columns| columns.contains(column))
    }
}

impl FeaturePlan {
    /// Checks that the data still holds what the plan was made for. Returns the
    /// event types that do not occur any more, which may be no fault.
    ///
    /// # Errors
    /// When there is no order, or a column that was filled is empty throughout:
    /// features of it would say that everybody changed.
    pub fn check_input(&self, input: &SeenInput) -> Result<Vec<String>, FeatureError> {
        if !input.events.contains_key(&self.events.order) {
            let available: Vec<&str> = input.events.keys().map(String::as_str).collect();
            return Err(FeatureError::NoOrders {
                order_event: self.events.order.clone(),
                available: available.join(", "),
            });
        }
        if let Some(column) = self.columns.iter().find(|column| !input.columns.contains(*column)) {
            let mapped = String::new();
            return Err(FeatureError::LostColumn { column: column.clone(), mapped });
        }
        let is_lost = |event: &&str| !input.events.contains_key(*event);
        Ok(self.counted_events().into_iter().filter(is_lost).map(str::to_owned).collect())
    }
}

/// Rows by code, and by column that holds something.
#[derive(Clone)]
struct Counts {
    events: Vec<u64>,
    /// Of the last day.
    recent_events: Vec<u64>,
    channels: Vec<u64>,
    categories: Vec<u64>,
    /// By event code: a bit for each column that holds something.
    columns: Vec<u32>,
}

/// Looks at the events before `as_of`.
///
/// # Errors
/// When the histories cannot be read.
pub fn describe_input(
    histories: &Histories,
    as_of: NaiveDateTime,
) -> Result<InputTraits, FeatureError> {
    let as_of = as_of.and_utc().timestamp_micros();
    let last_day = as_of - MICROS_PER_DAY;
    let zeros = |vocabulary: &Vocabulary| vec![0; vocabulary.len() + 1];
    let none = Counts {
        events: zeros(histories.events()),
        recent_events: zeros(histories.events()),
        channels: zeros(histories.channels()),
        categories: zeros(histories.categories()),
        columns: vec![0; histories.events().len() + 1],
    };
    // A few at a time: there may be many categories.
    let n_parts = 16;
    let parts = histories.map_buckets(0..n_parts, |part| {
        let mut counts = none.clone();
        for bucket in (part..N_BUCKETS).step_by(n_parts) {
            histories.for_each_event(bucket, |event| {
                if event.time >= as_of {
                    return;
                }
                counts.events[event.event as usize] += 1;
                counts.recent_events[event.event as usize] += u64::from(event.time >= last_day);
                counts.channels[event.channel as usize] += 1;
                counts.categories[event.category as usize] += 1;
                let category = u32::from(event.category != 0) << N_COLUMNS;
                counts.columns[event.event as usize] |= event.present | category;
            })?;
        }
        Ok::<_, HistoryError>(counts)
    })?;
    let total = |of: fn(&Counts) -> &[u64]| {
        let mut sums = vec![0; of(&none).len()];
        for part in &parts {
            sums.iter_mut().zip(of(part)).for_each(|(sum, count)| *sum += count);
        }
        sums
    };
    let mut columns_of = BTreeMap::new();
    for (index, event) in histories.events().values().iter().enumerate() {
        let bits = parts.iter().fold(0, |bits, part| bits | part.columns[index + 1]);
        let names = Column::NAMES.into_iter().chain(["category"]).enumerate();
        let there = names.filter(|(column, _)| bits >> column & 1 != 0).map(|(_, name)| name);
        columns_of.insert(event.clone(), there.collect::<BTreeSet<_>>());
    }
    let events = by_frequency(histories.events(), &total(|counts| &counts.events));
    let channels = by_frequency(histories.channels(), &total(|counts| &counts.channels));
    let categories = by_frequency(histories.categories(), &total(|counts| &counts.categories));
    let recent = total(|counts| &counts.recent_events);
    let n_recent = |event: &String| {
        let code = histories.events().code(event).map_or(0, |code| code as usize);
        recent[code]
    };
    let n_last_day = events.iter().map(n_recent).collect();
    let mut filled: BTreeSet<&'static str> = ["user_id", "time", "event"].into();
    filled.extend(columns_of.values().flatten());
    filled.extend((!channels.is_empty()).then_some("channel"));
    // Not every row has to be late for a source to say when it knew.
    filled.remove("available_at");
    let all = [histories.events(), histories.channels(), histories.categories()];
    let alike = all.into_iter().flat_map(alike).collect();
    Ok(InputTraits { events, n_last_day, channels, categories, alike, columns: filled, columns_of })
}

/// Values that share their part of a feature's name with another.
fn alike(vocabulary: &Vocabulary) -> Vec<String> {
    let mut by_slug: HashMap<String, Vec<&String>> = HashMap::new();
    for value in vocabulary.values() {
        by_slug.entry(slug(value)).or_default().push(value);
    }
    by_slug.into_values().filter(|values| values.len() > 1).flatten().cloned().collect()
}

/// Values that occur, most frequent first, equals by name.
fn by_frequency(vocabulary: &Vocabulary, counts: &[u64]) -> Vec<String> {
    let mut values: Vec<(u64, &String)> = counts[1..]
        .iter()
        .zip(vocabulary.values())
        .filter(|(count, _)| **count > 0)
        .map(|(count, value)| (*count, value))
        .collect();
    values.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    values.into_iter().map(|(_, value)| value.clone()).collect()
}
