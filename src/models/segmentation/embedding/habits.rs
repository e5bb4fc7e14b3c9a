//! How users shop, whatever the volume: on what they spend their events, orders and
//! money, each share drawn towards that of all users by how little is known of theirs.

use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use serde::{Deserialize, Serialize};

use crate::dataset::{
    DatasetError, DayPart, Dimension, EventRole, Family, FeatureInfo, FeatureMatrix,
};
use crate::stats::metrics::standard_deviation;
use crate::stats::resample::every_nth;
use crate::stats::shrinkage::{DirichletPrior, NormalPrior};

/// Users from whom priors are estimated at most.
const MAX_PRIOR_USERS: usize = 50_000;

/// Days of history from which on every season has been there twice.
const MIN_SEASON_DAYS: f64 = 730.0;

/// Share of a user's habits that the user's own deeds say, the rest being what is usual,
/// below which nearly nothing is known of them.
const MIN_RELIABILITY: f64 = 0.25;

/// What is added to each share, as a part of what is usual: shares far below it are
/// hardly told apart.
const PART_OF_USUAL: f64 = 0.1;

/// Gives users coordinates by their habits: logarithms of shares, and of the size of
/// their orders. No volume and no recency is among them.
///
/// In logarithms, and not standardised: a habit counts as much as users really differ in
/// it, and where they differ by chance alone the prior leaves nothing of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habits {
    /// What is shared out, and over what.
    pub compositions: Vec<Composition>,
    /// The size of orders, where the data has money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_size: Option<OrderSize>,
}

/// Counts that are shared out over some parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    /// The parts that have a feature.
    pub parts: Vec<Count>,
    /// What they are parts of, where they are not all: the rest is one more part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<Count>,
    /// How users differ.
    pub prior: DirichletPrior,
    /// Variance of its coordinates over the users that it was fitted to.
    pub variance: f64,
}

/// A number of things that a user did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// A feature: the number or, where `of` is given, a share or a mean.
    pub feature: String,
    /// The feature that the share or mean is of: their product is the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// The logarithm of the mean value of a user's orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderSize {
    /// The mean value.
    pub mean: String,
    /// The number of orders.
    pub n_orders: String,
    /// How users differ.
    pub prior: NormalPrior,
    /// Variance over the users that it was fitted to.
    pub variance: f64,
}

/// Users by their habits.
#[derive(Debug, Clone, PartialEq)]
pub struct HabitPoints {
    /// Shape (users, coordinates).
    pub coordinates: Array2<f64>,
    /// Whether enough is known of each user to say how they shop.
    pub are_known: Vec<bool>,
}

/// A composition that has no prior yet.
struct Subject {
    parts: Vec<Count>,
    whole: Option<Count>,
}

impl Count {
    fn number(feature: &FeatureInfo) -> Self {
        Self { feature: feature.name.clone(), of: None }
    }

    fn product(feature: &FeatureInfo, of: &FeatureInfo) -> Self {
        Self { feature: feature.name.clone(), of: Some(of.name.clone()) }
    }

    fn of_users(&self, matrix: &FeatureMatrix) -> Result<Array1<f64>, DatasetError> {
        let mut values = matrix.column(&self.feature)?.mapv(|value| value.max(0.0));
        if let Some(of) = &self.of {
            values.zip_mut_with(&matrix.column(of)?, |share, n| *share = (*share * n).round());
        }
        Ok(values)
    }

    fn features(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.feature).chain(&self.of)
    }
}

/// The features, of those over all time, that say how users shop; `history_days` says
/// whether seasons tell.
fn subjects(features: &[FeatureInfo], history_days: f64) -> Vec<Subject> {
    let all_time = || features.iter().filter(|it| it.window_days.is_none());
    let of_family = |family| all_time().find(move |it| it.family == family);
    let numbers = |holds: &dyn Fn(&FeatureInfo) -> bool| {
        all_time().filter(|it| holds(it)).map(Count::number).collect::<Vec<_>>()
    };
    let is_own = |it: &FeatureInfo| !it.has_role(EventRole::Outbound);
    let orders = of_family(Family::Orders);
    // Orders count line by line, as everything that the user does.
    let lines = of_family(Family::LinesPerOrder).zip(orders);
    let order_lines = match lines {
        Some((lines, orders)) => Some(Count::product(lines, orders)),
        None => orders.map(Count::number),
    };
    let other_events = numbers(&|it| it.family == Family::Events && is_own(it));
    let mut parts = vec![
        order_lines.into_iter().chain(other_events).collect(),
        numbers(&|it| it.family == Family::EventsOf(Dimension::Channel)),
        numbers(&|it| it.family == Family::EventsOf(Dimension::Category)),
    ];
    let mut rates = Vec::new();
    let count_of = |event: &Option<String>| {
        all_time().find(|it| it.family == Family::Events && it.event == *event)
    };
    for response in all_time().filter(|it| it.family == Family::Response && it.channel.is_none()) {
        if let (Some(answers), Some(sent)) =
            (count_of(&response.event), count_of(&response.per_event))
        {
            rates.push((Count::number(answers), Count::number(sent)));
        }
    }
    if let Some(orders) = orders {
        let shares = |families: &[Family]| -> Vec<Count> {
            let of_orders = families.iter().filter_map(|&family| of_family(family));
            of_orders.map(|share| Count::product(share, orders)).collect()
        };
        parts.push(shares(&DayPart::ALL.map(Family::OrdersAt)));
        if history_days >= MIN_SEASON_DAYS {
            parts.push(shares(&[1, 2, 3, 4].map(Family::OrdersInQuarter)));
        }
        for share in shares(&[Family::DiscountShare, Family::OrdersAtWeekend]) {
            rates.push((share, Count::number(orders)));
        }
    }
    let parts = parts.into_iter().filter(|it| it.len() > 1);
    let compositions = parts.map(|parts| Subject { parts, whole: None });
    let rates =
        rates.into_iter().map(|(part, whole)| Subject { parts: vec![part], whole: Some(whole) });
    compositions.chain(rates).collect()
}

/// Names of the features, of all that there are, of which habits are made: kinds need
/// them even where they say nothing of the outcome.
pub fn features_of_habits(all: &[FeatureInfo]) -> Vec<String> {
    let subjects = subjects(all, f64::INFINITY);
    let counts = subjects.iter().flat_map(|it| it.parts.iter().chain(&it.whole));
    let mut names: Vec<String> = counts.flat_map(Count::features).cloned().collect();
    // What habits read beside counts.
    let is_read = |it: &&FeatureInfo| match it.family {
        Family::Orders | Family::OrderValue | Family::OrderValueCv => it.window_days.is_none(),
        Family::Response => it.window_days.is_none() && it.channel.is_none(),
        _ => false,
    };
    names.extend(all.iter().filter(is_read).map(|it| it.name.clone()));
    names.sort_unstable();
    names.dedup();
    names
}

impl Habits {
    /// Learns how users differ from some users.
    pub(in super::super) fn fit(users: &FeatureMatrix) -> Result<Self, DatasetError> {
        let drawn: Vec<usize> = every_nth(users.n_rows(), MAX_PRIOR_USERS).collect();
        let users = users.select_rows(&drawn);
        let ages = users.all_time(Family::CustomerAge);
        let history_days = ages.map_or(0.0, |ages| ages.iter().copied().fold(0.0, f64::max));
        let mut habits = Self { compositions: Vec::new(), order_size: OrderSize::fit(&users)? };
        for subject in subjects(users.features(), history_days) {
            habits.compositions.extend(Composition::fit(subject, &users)?);
        }
        Ok(habits)
    }

    /// Whether they are of orders alone: of their size and of when they were placed.
    pub fn are_of_orders(&self) -> bool {
        let is_share_of_orders = |count: &Count| count.of.is_some();
        self.compositions.iter().flat_map(|it| &it.parts).all(is_share_of_orders)
    }

    /// Number of coordinates.
    pub fn n_coordinates(&self) -> usize {
        let of_shares: usize = self.compositions.iter().map(Composition::n_parts).sum();
        of_shares + usize::from(self.order_size.is_some())
    }

    /// The feature that each coordinate is made of; of the rest of a whole that of the
    /// part.
    pub fn features(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for it in &self.compositions {
            names.extend(
                (0..it.n_parts())
                    .map(|part| it.parts[part.min(it.parts.len() - 1)].feature.as_str()),
            );
        }
        names.extend(self.order_size.iter().map(|it| it.mean.as_str()));
        names
    }

    /// Reads the users' habits.
    ///
    /// # Errors
    /// When the matrix lacks a feature of a habit.
    pub fn of_users(&self, users: &FeatureMatrix) -> Result<HabitPoints, DatasetError> {
        let mut coordinates = Array2::zeros((users.n_rows(), self.n_coordinates()));
        // What each user's own deeds say of their habits, habits in which users differ
        // more counting more.
        let mut reliability = Array1::<f64>::zeros(users.n_rows());
        let mut variance = 0.0;
        let mut start = 0;
        for it in &self.compositions {
            let end = start + it.n_parts();
            let strength = it.prior.strength();
            let counts = it.counts(users)?;
            let mut points = coordinates.slice_mut(s![.., start..end]);
            let rows = points.rows_mut().into_iter().zip(counts.rows());
            for ((mut point, counts), known) in rows.zip(&mut reliability) {
                *known += it.variance * share_of_own(counts.sum(), strength);
                point.iter_mut().zip(it.coordinates(counts)).for_each(|(cell, log)| *cell = log);
            }
            variance += it.variance;
            start = end;
        }
        if let Some(size) = &self.order_size {
            coordinates.column_mut(start).assign(&size.of_users(users)?);
            for (known, &n) in reliability.iter_mut().zip(&users.column(&size.n_orders)?) {
                *known += size.variance * share_of_own(n, size.prior.strength);
            }
            variance += size.variance;
        }
        let are_known = reliability.iter().map(|&it| it >= MIN_RELIABILITY * variance).collect();
        Ok(HabitPoints { coordinates, are_known })
    }
}

/// What a user's own deeds say of a habit, the rest being what is usual.
fn share_of_own(n: f64, strength: f64) -> f64 {
    n / (n + strength).max(1e-12)
}

impl Composition {
    /// `None` where users do not differ in it, or nobody did anything of it.
    fn fit(subject: Subject, users: &FeatureMatrix) -> Result<Option<Self>, DatasetError> {
        let Subject { parts, whole } = subject;
        let prior = DirichletPrior { concentrations: Vec::new() };
        let mut it = Self { parts, whole, prior, variance: 0.0 };
        let Some(prior) = DirichletPrior::fit(it.counts(users)?.view()) else { return Ok(None) };
        it.prior = prior;
        let counts = it.counts(users)?;
        let mut logs = Array2::zeros(counts.raw_dim());
        for (mut log, counts) in logs.rows_mut().into_iter().zip(counts.rows()) {
            log.iter_mut().zip(it.coordinates(counts)).for_each(|(cell, log)| *cell = log);
        }
        let columns = logs.columns().into_iter();
        it.variance = columns.map(|column| standard_deviation(&column.to_vec()).powi(2)).sum();
        Ok((it.variance > 0.0).then_some(it))
    }

    /// Logarithms of a user's shares, each with a part of what is usual added: the more a
    /// user does, the smaller is the share of what they never do, and without an end to
    /// that, the logarithm would tell how much they do.
    fn coordinates(&self, counts: ArrayView1<f64>) -> impl Iterator<Item = f64> {
        let shares = self.prior.shares(counts).zip(self.prior.means());
        shares.map(|(share, usual)| (share + PART_OF_USUAL * usual).ln())
    }

    /// Number of parts, with the rest of the whole.
    fn n_parts(&self) -> usize {
        self.parts.len() + usize::from(self.whole.is_some())
    }

    /// Shape (rows, parts).
    fn counts(&self, users: &FeatureMatrix) -> Result<Array2<f64>, DatasetError> {
        let mut counts = Array2::zeros((users.n_rows(), self.n_parts()));
        for (part, mut column) in self.parts.iter().zip(counts.columns_mut()) {
            column.assign(&part.of_users(users)?);
        }
        if let Some(whole) = &self.whole {
            // More answers than messages, which happens, are as many answers.
            let mut rest = whole.of_users(users)?;
            rest -= &counts.sum_axis(Axis(1));
            rest.mapv_inplace(|value| value.max(0.0));
            counts.column_mut(self.parts.len()).assign(&rest);
        }
        Ok(counts)
    }
}

impl OrderSize {
    fn fit(users: &FeatureMatrix) -> Result<Option<Self>, DatasetError> {
        let features = [Family::OrderValue, Family::Orders, Family::OrderValueCv]
            .map(|family| users.all_time_feature(family).map(|it| it.name.clone()));
        let [Ok(mean), Ok(n_orders), Ok(cv)] = features else { return Ok(None) };
        let means = users.column(&mean)?;
        let (n, cvs) = (users.column(&n_orders)?, users.column(&cv)?);
        let known: Vec<usize> =
            (0..users.n_rows()).filter(|&row| is_size(means[row], n[row])).collect();
        // The variance of the logarithm of a value that varies by this much of its mean.
        let of_user = |row: usize| ((n[row] - 1.0) * (1.0 + cvs[row].powi(2)).ln(), n[row] - 1.0);
        let (squares, degrees) = known
            .iter()
            .map(|&row| of_user(row))
            .fold((0.0, 0.0), |(a, b), (square, degree)| (a + square, b + degree));
        let within = if degrees > 0.0 { squares / degrees } else { 0.0 };
        let rows: Vec<(f64, f64)> = known.iter().map(|&row| (means[row].ln(), n[row])).collect();
        let Some(prior) = NormalPrior::fit(&rows, within) else { return Ok(None) };
        let mut it = Self { mean, n_orders, prior, variance: 0.0 };
        it.variance = standard_deviation(&it.of_users(users)?.to_vec()).powi(2);
        Ok((it.variance > 0.0).then_some(it))
    }

    fn of_users(&self, users: &FeatureMatrix) -> Result<Array1<f64>, DatasetError> {
        let (means, n) = (users.column(&self.mean)?, users.column(&self.n_orders)?);
        let of_user = |row: usize| match is_size(means[row], n[row]) {
            true => self.prior.expected(means[row].ln(), n[row]),
            false => self.prior.mean,
        };
        Ok((0..users.n_rows()).map(of_user).collect())
    }
}

/// Whether orders have a size: what is given away or sent back has none.
fn is_size(mean: f64, n_orders: f64) -> bool {
    mean > 0.0 && n_orders > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Users who each keep to one of three channels, with 1 to 60 events.
    fn loyal_users() -> FeatureMatrix {
        let channels = ["app", "store", "web"];
        let features = channels.map(|channel| FeatureInfo {
            family: Family::EventsOf(Dimension::Channel),
            channel: Some(channel.into()),
            ..FeatureInfo::plain(channel)
        });
        let counts = Array2::from_shape_fn((180, 3), |(user, channel)| match user % 3 == channel {
            true => (1 + user / 3) as f64,
            false => 0.0,
        });
        FeatureMatrix::of_features(features.to_vec(), counts).unwrap()
    }

    #[test]
    fn how_much_users_do_does_not_set_them_apart() {
        let users = loyal_users();
        let habits = Habits::fit(&users).unwrap();
        let points = habits.of_users(&users).unwrap().coordinates;
        let distance = |a: usize, b: usize| {
            let difference = &points.row(a) - &points.row(b);
            difference.dot(&difference).sqrt()
        };
        // The users of a channel, from the first, who does least, to the last.
        let within = (0..3).map(|channel| distance(channel, 177 + channel)).fold(0.0, f64::max);
        let between = distance(177, 178).min(distance(178, 179));
        assert!(within < 0.05 * between, "{within} within a channel, {between} between");
    }
}
