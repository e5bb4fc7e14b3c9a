//! What one user did, counted along the axes.

use super::sums::{MoveAxes, MoveSums, WINDOW_HOURS};
use crate::features::calendar::MICROS_PER_DAY;
use crate::features::orders::{Order, Overflow, collect_orders};
use crate::features::summary::mean;
use crate::features::{FeaturePlan, InputTraits};
use crate::input::history::{Column, EventRow, Histories, Vocabulary};
use crate::stats::resample::RatioSums;

const MICROS_PER_HOUR: i64 = MICROS_PER_DAY / 24;

/// Counts what one user did.
pub(super) struct UserMoves {
    order: u32,
    /// Answer and what it answers to.
    responses: Vec<(u32, u32)>,
    n_channels: usize,
    /// Place among the axes, by code.
    channels: Vec<usize>,
    /// The same.
    categories: Vec<usize>,
    /// Whether an event says when a user is there, by code.
    has_hour: Vec<bool>,
    /// Whether the category of an event is one of the sequence, by code.
    has_category: Vec<bool>,
}

/// Outbound events of one type on one channel; of those, only the latest can be answered.
#[derive(Clone, Default)]
struct Messages {
    n_sent: u32,
    n_answered: u32,
    is_answered: bool,
}

impl Messages {
    fn send(&mut self) {
        self.n_sent += 1;
        self.is_answered = false;
    }

    fn answer(&mut self) {
        self.n_answered += u32::from(!self.is_answered);
        self.is_answered = true;
    }
}

impl UserMoves {
    pub fn new(
        histories: &Histories,
        plan: &FeaturePlan,
        input: &InputTraits,
        axes: &MoveAxes,
    ) -> Self {
        let events = histories.events();
        let code = |event: &String| events.code(event).unwrap_or(0);
        let of_events = |holds: &dyn Fn(&String) -> bool| -> Vec<bool> {
            std::iter::once(false).chain(events.values().iter().map(holds)).collect()
        };
        let is_own = |event: &String| !plan.events.outbound.contains(event);
        let is_answer = |event: &String| axes.responses.iter().any(|(answer, _)| answer == event);
        let is_order = |event: &String| *event == plan.events.order;
        let n_channels = axes.channels.len();
        let n_categories = axes.categories.len();
        Self {
            order: code(&plan.events.order),
            responses: axes.responses.iter().map(|(a, sent)| (code(a), code(sent))).collect(),
            n_channels,
            channels: places(histories.channels(), &input.channels[..n_channels - 2]),
            categories: places(histories.categories(), &input.categories[..n_categories - 1]),
            has_hour: match axes.responses.is_empty() {
                true => of_events(&is_own),
                false => of_events(&is_answer),
            },
            has_category: match input.event_has(&plan.events.order, "category") {
                true => of_events(&is_order),
                false => of_events(&is_own),
            },
        }
    }

    /// Adds a user's events as far as they were known before `as_of`.
    pub fn add(
        &self,
        events: &[EventRow],
        as_of: i64,
        half: usize,
        sums: &mut MoveSums,
    ) -> Result<(), Overflow> {
        let known = events.iter().filter(|event| event.known_from() < as_of);
        let events: Vec<EventRow> = known.copied().collect();
        self.add_responses(&events, sums);
        self.add_windows(&events, &mut sums.windows[half]);
        self.add_next_categories(&events, sums);
        self.add_discounts(&events, sums)
    }

    /// An answer belongs to the latest outbound event before it on its own channel, or
    /// else on any.
    fn add_responses(&self, events: &[EventRow], sums: &mut MoveSums) {
        for (pair, &(answer, sent)) in self.responses.iter().enumerate() {
            let of_pair = events.iter().filter(|it| it.event == answer || it.event == sent);
            let step =
                |it: &EventRow| (it.time, it.event == answer, self.channels[it.channel as usize]);
            // Time, whether it is an answer, channel: what was sent comes before its answer.
            let mut steps: Vec<(i64, bool, usize)> = of_pair.map(step).collect();
            steps.sort_unstable();
            let mut channels = vec![Messages::default(); self.n_channels];
            let mut latest = None;
            for &(_, is_answer, channel) in &steps {
                if is_answer {
                    let of_own = Some(channel).filter(|&it| channels[it].n_sent > 0);
                    of_own.or(latest).into_iter().for_each(|it| channels[it].answer());
                } else {
                    channels[channel].send();
                    latest = Some(channel);
                }
            }
            let of_pair = &mut sums.responses[pair * self.n_channels..];
            for (sums, messages) in of_pair.iter_mut().zip(&channels) {
                sums.add_unit(f64::from(messages.n_answered), f64::from(messages.n_sent));
            }
        }
    }

    fn add_windows(&self, events: &[EventRow], windows: &mut [RatioSums]) {
        let mut by_hour = [0u32; 24];
        // Midnight sharp is a day without a time.
        let has_time = |event: &&EventRow| event.time.rem_euclid(MICROS_PER_DAY) != 0;
        let of_user = events.iter().filter(|event| self.has_hour[event.event as usize]);
        let hours = of_user.filter(has_time).map(|it| it.time.div_euclid(MICROS_PER_HOUR));
        let mut latest = None;
        for hour in hours {
            // However much happens in one hour, the user is there once.
            if latest.replace(hour) != Some(hour) {
                by_hour[hour.rem_euclid(24) as usize] += 1;
            }
        }
        let total = f64::from(by_hour.iter().sum::<u32>());
        for (start, sums) in windows.iter_mut().enumerate() {
            let within = (start..start + WINDOW_HOURS).map(|hour| f64::from(by_hour[hour % 24]));
            sums.add_unit(within.sum(), total);
        }
    }

    fn add_discounts(&self, events: &[EventRow], sums: &mut MoveSums) -> Result<(), Overflow> {
        let mut orders = Vec::new();
        collect_orders(events, self.order, &mut orders, &mut Vec::new())?;
        let (with, without): (Vec<&Order>, Vec<&Order>) =
            orders.iter().partition(|order| order.discount > 0);
        sums.discounted.add_unit(with.len() as f64, orders.len() as f64);
        let depths = || with.iter().filter_map(|order| order.discount_depth());
        sums.depth.add_unit(depths().sum(), depths().count() as f64);
        let difference = |log: fn(&Order) -> f64| {
            let mean = |orders: &[&Order]| {
                mean(orders.iter().map(|order| log(order)).filter(|log| log.is_finite()))
            };
            Some(mean(&with)? - mean(&without)?)
        };
        // Logs of returns and of what was for free are no numbers.
        let value = |order: &Order| (order.amount as f64 + order.discount as f64).ln();
        let units = |order: &Order| (order.quantity as f64).ln();
        if let Some(log) = difference(value) {
            sums.log_value.add_unit(log, 1.0);
        }
        if let Some(log) = difference(units) {
            sums.log_units.add_unit(log, 1.0);
        }
        Ok(())
    }

    /// Lines of one order are one step of the sequence, and so are events of one moment;
    /// its category is the most frequent one.
    fn add_next_categories(&self, events: &[EventRow], sums: &mut MoveSums) {
        // Order, time, category.
        let mut lines: Vec<(u64, i64, usize)> = Vec::new();
        for event in events.iter().filter(|it| self.has_category[it.event as usize]) {
            let order = if event.event == self.order { event.hash(Column::OrderId) } else { 0 };
            if event.category != 0 {
                lines.push((order, event.time, self.categories[event.category as usize]));
            }
        }
        lines.sort_unstable();
        let is_one =
            |a: &(u64, i64, usize), b: &(u64, i64, usize)| a.0 == b.0 && (a.0 != 0 || a.1 == b.1);
        let step = |lines: &[(u64, i64, usize)]| (lines[0].1, most_frequent(lines));
        let mut steps: Vec<(i64, usize)> = lines.chunk_by(is_one).map(step).collect();
        steps.sort_unstable();
        let mut n_of = vec![0u32; sums.next_categories.len()];
        let moves = steps.windows(2).filter(|pair| pair[0].1 != pair[1].1);
        moves.for_each(|pair| n_of[pair[1].1] += 1);
        let total = f64::from(n_of.iter().sum::<u32>());
        for (sums, n) in sums.next_categories.iter_mut().zip(n_of) {
            sums.add_unit(f64::from(n), total);
        }
    }
}

/// The most frequent category; of equals, the one that comes first on the axis.
fn most_frequent(lines: &[(u64, i64, usize)]) -> usize {
    let mut categories: Vec<usize> = lines.iter().map(|line| line.2).collect();
    categories.sort_unstable();
    let runs = categories.chunk_by(|a, b| a == b);
    runs.max_by_key(|run| (run.len(), std::cmp::Reverse(run[0]))).map_or(0, |run| run[0])
}

/// Place on an axis of each code: that of its value, or else the first beyond `named`; of
/// no value the second.
fn places(vocabulary: &Vocabulary, named: &[String]) -> Vec<usize> {
    let mut places = vec![named.len(); vocabulary.len() + 1];
    places[0] = named.len() + 1;
    for (place, value) in named.iter().enumerate() {
        if let Some(code) = vocabulary.code(value) {
            places[code as usize] = place;
        }
    }
    places
}
