use crate::dataset::Bilingual;
use crate::features::{MoveAxes, MoveSums, WINDOW_HOURS};
use crate::stats::resample::{Interval, RatioSums, Z_95, Z_99_5};

/// Users who must carry a figure for it to be stated.
pub const MIN_USERS: usize = 30;

/// By how much of the value of all users a clear figure differs at least: among many users
/// intervals are narrow enough for differences that nobody would act on.
const MIN_DIFFERENCE: f64 = 0.1;

/// Share of a day that a window of hours is.
const EVEN_SHARE: f64 = WINDOW_HOURS as f64 / 24.0;

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
    /// Hours by their even share; a category by its share among all users.
    pub lift: Option<f64>,
    /// Whether it differs by a tenth or more from the value of all users, and an interval
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

/// How an interval follows from sums.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Share,
    /// Logs, shown as ratios.
    Log,
    Mean,
}

impl Scale {
    fn interval(self, sums: &RatioSums, z: f64) -> Option<Interval> {
        let interval = sums.interval(z)?;
        match self {
            Self::Share => sums.share_interval(z),
            Self::Mean => Some(interval),
            Self::Log => Some(Interval { low: interval.low.exp(), high: interval.high.exp() }),
        }
    }

    fn value(self, sums: &RatioSums) -> Option<f64> {
        sums.ratio().map(|ratio| if self == Self::Log { ratio.exp() } else { ratio })
    }
}

fn figure(lever: Lever, scale: Scale, sums: &RatioSums, all: &RatioSums) -> Figure {
    let is_known = sums.n_units() >= MIN_USERS;
    let of_all = scale.value(all).filter(|_| all.n_units() >= MIN_USERS);
    let strict = scale.interval(sums, Z_99_5).filter(|_| is_known);
    let excludes = |value: f64| strict.is_some_and(|it| value < it.low || value > it.high);
    let value = scale.value(sums).filter(|_| is_known);
    let differs = |of_all: f64| value.is_some_and(|it| (it / of_all - 1.0).abs() >= MIN_DIFFERENCE);
    Figure {
        lever,
        event: None,
        of: None,
        n_users: sums.n_units(),
        value,
        interval: scale.interval(sums, Z_95).filter(|_| is_known),
        of_all,
        lift: None,
        is_clear: of_all.is_some_and(|it| excludes(it) && differs(it))
            && (scale != Scale::Log || excludes(1.0)),
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
            ..figure(Lever::ResponseRate, Scale::Share, sums, all)
        })
        .collect()
}

fn discounts(sums: &MoveSums, all: &MoveSums) -> Vec<Figure> {
    if all.discounted.numerator() == 0.0 {
        return Vec::new();
    }
    let of = |lever, scale, part: fn(&MoveSums) -> &RatioSums| {
        figure(lever, scale, part(sums), part(all))
    };
    let figures = [
        of(Lever::DiscountedShare, Scale::Share, |it| &it.discounted),
        of(Lever::DiscountDepth, Scale::Mean, |it| &it.depth),
        of(Lever::DiscountValueRatio, Scale::Log, |it| &it.log_value),
        of(Lever::DiscountUnitsRatio, Scale::Log, |it| &it.log_units),
    ];
    figures
        .into_iter()
        .filter(|it| it.lever == Lever::DiscountedShare || it.of_all.is_some())
        .collect()
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
    let of = |hour: usize| {
        figure(Lever::BestHours, Scale::Share, &sums.windows[1][hour], &all.windows[1][hour])
    };
    let (found, second) = (of(best), of(second));
    let both = found.interval.zip(second.interval);
    let stands_out = both.is_some_and(|(best, second)| best.low > second.high);
    let hours = format!("{best:02}:00–{:02}:00", (best + WINDOW_HOURS) % 24);
    Some(match stands_out {
        true => Figure {
            of: Some(Bilingual::same(hours)),
            lift: found.value.map(|share| share / EVEN_SHARE),
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
            let found = figure(Lever::NextCategory, Scale::Share, sums, all);
            let lift = found.value.zip(found.of_all).map(|(value, of_all)| value / of_all);
            Figure { of: Some(category.clone()), lift, ..found }
        })
        .collect();
    // Other categories are no advice: they stay last.
    let n_named = figures.len() - usize::from(figures.last().is_some_and(is_other(axes)));
    figures[..n_named].sort_by(|a, b| b.value.partial_cmp(&a.value).expect("shares are numbers"));
    figures
}

fn is_other(axes: &MoveAxes) -> impl Fn(&Figure) -> bool {
    |figure| figure.of.as_ref() == axes.categories.last()
}
