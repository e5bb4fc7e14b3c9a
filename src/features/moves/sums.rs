use crate::dataset::Bilingual;
use crate::features::{FeaturePlan, InputTraits};
use crate::stats::resample::RatioSums;

/// Channels of outbound events that are told apart, most frequent first.
const MAX_CHANNELS: usize = 32;

/// Hours of a window in which users are looked for.
pub const WINDOW_HOURS: usize = 3;

/// What the sums of [`MoveSums`] are by.
#[derive(Debug, Clone, PartialEq)]
pub struct MoveAxes {
    /// Answers and what they answer to.
    pub responses: Vec<(String, String)>,
    /// Channels of outbound events; the last two are others, and none.
    pub channels: Vec<Option<Bilingual>>,
    /// Categories; the last one is all others.
    pub categories: Vec<Bilingual>,
}

/// Sums over the users of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct MoveSums {
    /// Outbound events answered, of those sent: by pair of [`MoveAxes::responses`], then
    /// channel.
    pub responses: Vec<RatioSums>,
    /// For two halves of the users: hours with an answer (an own event where the data has
    /// no answers) in the window from each hour of the day on, of all such hours.
    pub windows: [Vec<RatioSums>; 2],
    /// Orders discounted, of all.
    pub discounted: RatioSums,
    /// Mean depth of discounted orders.
    pub depth: RatioSums,
    /// Over users with orders of both sorts: log of the full price of an order,
    /// discounted less undiscounted.
    pub log_value: RatioSums,
    /// The same of units.
    pub log_units: RatioSums,
    /// Orders of each category, of those that follow one of another category; own events
    /// where orders have no categories.
    pub next_categories: Vec<RatioSums>,
}

impl MoveAxes {
    /// The axes that the data before a date gives.
    pub(super) fn new(plan: &FeaturePlan, input: &InputTraits, max_categories: usize) -> Self {
        let there = |event: &String| input.events.contains(event);
        let pairs = plan.events.response.iter().filter(|(answer, sent)| {
            let is_sought = !plan.events.negative.contains(answer);
            is_sought && there(answer) && there(sent) && plan.events.outbound.contains(sent)
        });
        let named = |value: &String| Bilingual::same(value.as_str());
        let channels = input.channels.iter().take(MAX_CHANNELS).map(|it| Some(named(it)));
        let other = Bilingual::new("other", "其他");
        Self {
            responses: pairs.map(|(answer, sent)| (answer.clone(), sent.clone())).collect(),
            channels: channels.chain([Some(other.clone()), None]).collect(),
            categories: {
                let categories = input.categories.iter().take(max_categories).map(named);
                categories.chain([other]).collect()
            },
        }
    }
}

impl MoveSums {
    /// Of nobody.
    pub fn new(axes: &MoveAxes) -> Self {
        let none = |n: usize| vec![RatioSums::default(); n];
        Self {
            responses: none(axes.responses.len() * axes.channels.len()),
            windows: [none(24), none(24)],
            discounted: RatioSums::default(),
            depth: RatioSums::default(),
            log_value: RatioSums::default(),
            log_units: RatioSums::default(),
            next_categories: none(axes.categories.len()),
        }
    }

    /// Adds other users.
    pub fn add(&mut self, other: &Self) {
        self.all_mut().zip(other.clone().all_mut()).for_each(|(a, b)| *a = a.plus(b));
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut RatioSums> {
        let single =
            [&mut self.discounted, &mut self.depth, &mut self.log_value, &mut self.log_units];
        let several = self.responses.iter_mut().chain(self.windows.iter_mut().flatten());
        several.chain(&mut self.next_categories).chain(single)
    }
}
