use crate::dataset::Bilingual;
use crate::features::{MoveAxes, MoveSums, WINDOW_HOURS};
use crate::stats::resample::{Interval, RatioSums, Z_95, Z_99_5};

/// Users who must carry a figure for it to be stated.
pub const MIN_USERS: usize = 30;

/// By how much of the value of all users a clear figure differs at least: among many users
/// intervals are narrow enough for differences that nobody would act on.
const MIN_DIFFERENCE: f64 = 0.2;

/// What a figure is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lever {
    /// Share of outbound events that were answered.
    ResponseRate,
    /// Share of orders with a discount.
    DiscountedShare,
    /// Mean discount of those, by full price.
    DiscountDepth,
    /// Full price of a user's discounted orders by that of their others: geometric mean
    /// over users.
    DiscountValueRatio,
    /// The same of units.
    DiscountUnitsRatio,
    /// Share of the hours with answers, or own events, that fall into the best window.
    BestHours,
    /// Share of a category among orders, or own events, that follow one of another.
    NextCategory,
}

/// One figure of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is of.
    pub lever: Lever,
    /// The answer of a response rate.
    pub event: Option<String>,
    /// Channel, hours or category. No hours where none stand out.
    pub of: Option<Bilingual>,
    /// Users who carry it.
    pub n_users: usize,
    /// `None` where fewer than [`MIN_USERS`] users carry it.
    pub value: Option<f64>,
    /// Of 95 %, with users as what is independent.
    pub interval: Option<Interval>,
    /// The same of all users.
    pub of_all: Option<f64>,
    /// Of hours and categories: the share by that of all users.
    pub lift: Option<f64>,
    /// Whether it differs by a fifth or more from the value of all users, and an interval
    /// of 99.5 % excludes that, and for a ratio 1 as well: of ten groups that are all
    /// alike, seldom one stands out.
    pub is_clear: bool,
}

impl Figure {
    /// Whether it is clear and above that of all users.
    pub fn is_clearly_above(&self) -> bool {
        self.is_clear && self.value > self.of_all
    }
}

impl Lever {
    /// Whether its sums are of logs of a ratio.
    fn is_log(self) -> bool {
        matches!(self, Self::DiscountValueRatio | Self::DiscountUnitsRatio)
    }

    fn value(self, sums: &RatioSums) -> Option<f64> {
        let known = Some(sums).filter(|sums| sums.n_units() >= MIN_USERS);
        known?.ratio().map(|ratio| if self.is_log() { ratio.exp() } else { ratio })
    }

    fn interval(self, sums: &RatioSums, z: f64) -> Option<Interval> {
        let known = Some(sums).filter(|sums| sums.n_units() >= MIN_USERS)?;
        match known.interval(z)? {
            of_mean if self == Self::DiscountDepth => Some(of_mean),
            of_log if self.is_log() => {
                Some(Interval { low: of_log.low.exp(), high: of_log.high.exp() })
            }
            _ => known.share_interval(z),
        }
    }

    /// The figure of a group, given the sums of all users.
    fn figure(self, sums: &RatioSums, all: &RatioSums) -> Figure {
        let (value, of_all) = (self.value(sums), self.value(all));
        let strict = self.interval(sums, Z_99_5);
        let excludes = |value: f64| strict.is_some_and(|it| value < it.low || value > it.high);
        let differs =
            |of_all: f64| value.is_some_and(|it| (it / of_all - 1.0).abs() >= MIN_DIFFERENCE);
        Figure {
            lever: self,
            event: None,
            of: None,
            n_users: sums.n_units(),
            value,
            interval: self.interval(sums, Z_95),
            of_all,
            lift: None,
            is_clear: of_all.is_some_and(|it| excludes(it) && differs(it))
                && (!self.is_log() || excludes(1.0)),
        }
    }
}

/// All figures of a group that the data of all users shows.
pub(super) fn figures(axes: &MoveAxes, sums: &MoveSums, all: &MoveSums) -> Vec<Figure> {
    let mut figures = response_rates(axes, sums, all);
    figures.extend(discounts(sums, all));
    figures.extend(best_hours(sums, all));
    figures.extend(next_categories(axes, sums, all));
    figures
}

fn response_rates(axes: &MoveAxes, sums: &MoveSums, all: &MoveSums) -> Vec<Figure> {
    let channels = axes
        .responses
        .iter()
        .flat_map(|(answer, _)| axes.channels.iter().map(move |channel| (answer, channel)));
    let rates = sums.responses.iter().zip(&all.responses).zip(channels);
    rates
        .filter(|((_, all), _)| all.n_units() > 0)
        .map(|((sums, all), (answer, channel))| Figure {
            event: Some(answer.clone()),
            of: channel.clone(),
            ..Lever::ResponseRate.figure(sums, all)
        })
        .collect()
}

fn discounts(sums: &MoveSums, all: &MoveSums) -> Vec<Figure> {
    if all.discounted.numerator() == 0.0 {
        return Vec::new();
    }
    let discounted = Lever::DiscountedShare.figure(&sums.discounted, &all.discounted);
    let others = [
        Lever::DiscountDepth.figure(&sums.depth, &all.depth),
        Lever::DiscountValueRatio.figure(&sums.log_value, &all.log_value),
        Lever::DiscountUnitsRatio.figure(&sums.log_units, &all.log_units),
    ];
    let shown = others.into_iter().filter(|it| it.of_all.is_some());
    std::iter::once(discounted).chain(shown).collect()
}

/// The window is chosen on one half of the users and measured on the other: the best of
/// many on the same users would look better than it is.
fn best_hours(sums: &MoveSums, all: &MoveSums) -> Option<Figure> {
    let windows = all.windows.iter().flatten();
    if windows.into_iter().any(|it| it.numerator() == it.denominator()) {
        // No times of day, or none that tell hours apart.
        return None;
    }
    let count = |hour: usize| sums.windows[0][hour % 24].numerator();
    let rank = |hour: &usize| {
        // Of equal windows the one in the middle, else the earliest.
        let beside = count(hour + 1) + count(hour + 23);
        (count(*hour), beside, std::cmp::Reverse(*hour))
    };
    let best_of = |hours: &mut dyn Iterator<Item = usize>| {
        hours.max_by(|a, b| rank(a).partial_cmp(&rank(b)).expect("counts are numbers"))
    };
    let best = best_of(&mut (0..24))?;
    let is_apart = |hour: &usize| {
        let apart = hour.abs_diff(best);
        apart.min(24 - apart) > WINDOW_HOURS
    };
    let second = best_of(&mut (0..24).filter(is_apart))?;
    let of = |hour: usize| Lever::BestHours.figure(&sums.windows[1][hour], &all.windows[1][hour]);
    let (found, second) = (of(best), of(second));
    let both = found.interval.zip(second.interval);
    let stands_out = both.is_some_and(|(best, second)| best.low > second.high);
    let hours = format!("{best:02}:00–{:02}:00", (best + WINDOW_HOURS) % 24);
    Some(match stands_out {
        true => Figure {
            of: Some(Bilingual::same(hours)),
            lift: found.value.zip(found.of_all).map(|(value, of_all)| value / of_all),
            ..found
        },
        false => Figure { value: None, interval: None, of_all: None, is_clear: false, ..found },
    })
}

fn next_categories(axes: &MoveAxes, sums: &MoveSums, all: &MoveSums) -> Vec<Figure> {
    let shares = sums.next_categories.iter().zip(&all.next_categories).zip(&axes.categories);
    let mut figures: Vec<Figure> = shares
        .filter(|((_, all), _)| all.numerator() > 0.0)
        .map(|((sums, all), category)| {
            let found = Lever::NextCategory.figure(sums, all);
            let lift = found.value.zip(found.of_all).map(|(value, of_all)| value / of_all);
            Figure { of: Some(category.clone()), lift, ..found }
        })
        .collect();
    // Other categories are no advice: they come last.
    let rank = |it: &Figure| (it.of.as_ref() != axes.categories.last(), it.value);
    figures.sort_by(|a, b| rank(b).partial_cmp(&rank(a)).expect("shares are numbers"));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::compare::moves::suggestion::suggestion;
    use crate::dataset::{hash_integer, unit_interval};

    fn axes() -> MoveAxes {
        MoveAxes {
            responses: vec![("sms_read".into(), "sms_sent".into())],
            channels: vec![Some(Bilingual::same("sms")), Some(Bilingual::same("other")), None],
            categories: ["tea", "makeup", "other"].map(Bilingual::same).to_vec(),
        }
    }

    /// Users who answer `of_ten` of ten messages, half of them at `hour`, use a discount
    /// in every other order, at `ratio` times the price, and go to `category`.
    fn users(n: usize, of_ten: f64, hour: usize, ratio: f64, category: usize) -> MoveSums {
        let mut sums = MoveSums::new(&axes());
        for user in 0..n {
            let about = unit_interval(hash_integer(user as i64, 1)) - 0.5;
            sums.responses[0].add_unit((of_ten + 2.0 * about).round().max(0.0), 10.0);
            for (start, window) in sums.windows[user % 2].iter_mut().enumerate() {
                // The other half are one in each hour.
                let n_even = WINDOW_HOURS as f64;
                let is_within = (hour + 24 - start) % 24 < WINDOW_HOURS;
                window.add_unit(n_even + if is_within { 24.0 } else { 0.0 }, 48.0);
            }
            sums.discounted.add_unit(1.0, 2.0);
            sums.depth.add_unit(0.2 + 0.1 * about, 1.0);
            sums.log_value.add_unit(ratio.ln() + 0.2 * about, 1.0);
            for (place, next) in sums.next_categories.iter_mut().enumerate() {
                let taken = if user % 4 == 0 { 2 } else { category };
                next.add_unit(f64::from(u8::from(place == taken)), 1.0);
            }
        }
        sums
    }

    fn figures_of(groups: &[MoveSums]) -> Vec<Vec<Figure>> {
        let mut all = MoveSums::new(&axes());
        groups.iter().for_each(|sums| all.add(sums));
        groups.iter().map(|sums| figures(&axes(), sums, &all)).collect()
    }

    #[test]
    fn what_sets_a_group_apart_is_suggested_and_nothing_else() {
        let groups =
            [users(400, 6.0, 20, 1.5, 1), users(1_200, 2.0, 9, 1.0, 0), users(29, 9.0, 3, 3.0, 0)];
        let found = figures_of(&groups);
        let line = suggestion(&found[0]);
        assert_eq!(
            line.en,
            "Write on sms (sms_read 60 %, all: 31 %); active at 19:00–22:00 (56 %, all: 19 %); \
             with a discount the basket is 1.50 times that without (all: 1.13); next category: \
             makeup (75 %, all: 18 %)."
        );
        assert!(line.zh.starts_with("在 sms 发消息（sms_read 60 %，全部：31 %）；"), "{line:?}");
        let of = |lever: Lever| found[0].iter().find(|it| it.lever == lever).unwrap();
        // Every second user measures: 200 of this group, and 614 with three even hours.
        let of_all = (200.0 * 27.0 + 614.0 * 3.0) / 814.0;
        assert!((of(Lever::BestHours).lift.unwrap() - 27.0 / of_all).abs() < 1e-12);
        assert!(!of(Lever::DiscountedShare).is_clear && !of(Lever::DiscountDepth).is_clear);
        // Nobody counted units.
        assert!(found[0].iter().all(|it| it.lever != Lever::DiscountUnitsRatio));
        assert!(found[2].iter().all(|it| it.value.is_none() && !it.is_clear));
        assert_eq!(suggestion(&found[2]).en, "No clear lever in the data.");
    }

    #[test]
    fn of_two_hours_that_are_alike_none_stands_out() {
        let mut sums = users(500, 3.0, 9, 1.0, 0);
        sums.add(&users(500, 3.0, 20, 1.0, 0));
        let found = &figures_of(&[sums])[0];
        let hours = found.iter().find(|it| it.lever == Lever::BestHours).unwrap();
        assert!(hours.of.is_none() && hours.value.is_none() && hours.n_users == 500);
    }

    /// Of 200 groups by chance with five figures each, five figures should be beyond the
    /// interval of 99.5 %, and fewer differ by a fifth.
    #[test]
    fn of_groups_by_chance_nearly_none_stands_out() {
        let draw = |user: i64, seed: u64| unit_interval(hash_integer(user, seed));
        let groups: Vec<MoveSums> = (0..200)
            .map(|group| {
                let mut sums = MoveSums::new(&axes());
                for user in group * 60..(group + 1) * 60 {
                    let n_sent = 1.0 + (draw(user, 1) * 9.0).floor();
                    let rate = if draw(user, 2) < 0.3 { 0.9 } else { 0.1 };
                    sums.responses[0].add_unit((n_sent * rate + draw(user, 3)).floor(), n_sent);
                    sums.discounted.add_unit((draw(user, 4) * 4.0).floor(), 4.0);
                    sums.depth.add_unit(draw(user, 5), 1.0);
                    sums.log_value.add_unit(draw(user, 6) - 0.2, 1.0);
                    sums.next_categories[0].add_unit((draw(user, 7) * 3.0).floor(), 3.0);
                }
                sums
            })
            .collect();
        let found = figures_of(&groups);
        let n_clear = found.iter().flatten().filter(|it| it.is_clear).count();
        assert!(n_clear <= 15, "{n_clear}");
    }
}
