//! A plan and some dates in, one matrix for each date out.

use std::ops::Range;
use std::sync::Mutex;

use chrono::{Days, NaiveDateTime};
use ndarray::Array2;
use rayon::prelude::*;

use super::outcomes::{UserFacts, UserFactsFinder};
use super::program::Program;
use super::walk::Walker;
use crate::dataset::{ChurnLabel, FeatureMatrix, Outcomes, Snapshot, UserIds};
use crate::features::custom::CustomValues;
use crate::features::orders::Overflow;
use crate::features::{FeatureError, FeaturePlan};
use crate::input::engine::Engine;
use crate::input::history::{EventRow, Histories, IdKind, N_BUCKETS, UserId};

/// Which rows to compute.
#[derive(Debug, Clone)]
pub struct SnapshotRequest<'a> {
    /// Features use events before these moments only.
    pub dates: &'a [NaiveDateTime],
    /// What counts as churn: the event to summarise, and the length of the outcome
    /// window.
    pub label: &'a ChurnLabel,
    /// Whether to look at what users did in the horizon after each date.
    pub with_outcomes: bool,
    /// Buckets of users: all of them, or some as a sample.
    pub buckets: Range<usize>,
}

impl<'a> SnapshotRequest<'a> {
    /// All users, without outcomes.
    pub fn new(dates: &'a [NaiveDateTime], label: &'a ChurnLabel) -> Self {
        Self { dates, label, with_outcomes: false, buckets: 0..N_BUCKETS }
    }

    /// With what users did in the horizon after each date, and whether they churned.
    pub fn with_outcomes(self) -> Self {
        Self { with_outcomes: true, ..self }
    }

    /// Only users of some buckets.
    pub fn of_buckets(self, buckets: Range<usize>) -> Self {
        Self { buckets, ..self }
    }
}

/// Features of every user with an event before the date, for each of the dates
/// of the request, in one pass over the histories.
///
/// # Errors
/// When a sum leaves the range of fixed-point numbers, an SQL feature fails, or
/// the histories cannot be read.
pub fn compute_snapshots(
    engine: &Engine,
    histories: &Histories,
    plan: &FeaturePlan,
    request: &SnapshotRequest<'_>,
) -> Result<Vec<Snapshot>, FeatureError> {
    let computation = Computation::new(engine, histories, plan, request)?;
    let roster = Roster::new(histories, request)?;
    let width = plan.features.len();
    let mut dates: Vec<DateRows> =
        computation.dates.iter().map(|date| roster.at(date.as_of, width)).collect();
    let places = places_of_rows(&mut dates, &roster, width);
    let facts = computation.fill(places, &roster, request.buckets.clone())?;
    let snapshot = |(number, rows): (usize, DateRows)| {
        let members: Vec<&Member> = rows.members.iter().map(|&it| &roster.members[it]).collect();
        let fact = |member: &&Member| facts[member.bucket][number][member.number];
        let facts: Vec<UserFacts> = members.iter().map(fact).collect();
        let users = user_ids(members.iter().map(|it| it.user.clone()), histories.kind());
        let values = Array2::from_shape_vec((users.len(), width), rows.values)
            .expect("as many values as users and features");
        let features = FeatureMatrix::of_features(plan.infos(), values)?;
        let purchases = facts.iter().map(|of_user| of_user.purchases).collect();
        let outcomes =
            request.with_outcomes.then(|| facts.iter().map(|of_user| of_user.outcome).collect());
        Ok(Snapshot::new(request.dates[number], users, features, purchases, outcomes)?)
    };
    dates.into_par_iter().enumerate().map(snapshot).collect()
}

/// Where the rows of a bucket's users go, by date and number of the user; none
/// for who was not known yet.
type Places<'a> = Vec<Vec<Option<&'a mut [f64]>>>;

/// Every row of every date, handed to the bucket whose user it belongs to.
fn places_of_rows<'a>(
    dates: &'a mut [DateRows],
    roster: &Roster,
    width: usize,
) -> Vec<Mutex<Places<'a>>> {
    let none = |n: usize| (0..n).map(|_| None).collect();
    let mut places: Vec<Places<'a>> =
        roster.n_users.iter().map(|&n| dates.iter().map(|_| none(n)).collect()).collect();
    for (number, date) in dates.iter_mut().enumerate() {
        let rows = date.values.chunks_exact_mut(width.max(1));
        for (&member, row) in date.members.iter().zip(rows) {
            let member = &roster.members[member];
            places[member.bucket][number][member.number] = Some(row);
        }
    }
    places.into_iter().map(Mutex::new).collect()
}

/// All users of the request, in order of their ids.
struct Roster {
    members: Vec<Member>,
    /// By bucket of the request.
    n_users: Vec<usize>,
}

struct Member {
    user: UserId,
    /// Bucket, counted from the request's first.
    bucket: usize,
    /// Number in the bucket.
    number: usize,
    /// From when on anything is known of the user.
    known_from: i64,
}

/// The users known at a date, and room for their features.
struct DateRows {
    /// Indices into [`Roster::members`], ascending.
    members: Vec<usize>,
    values: Vec<f64>,
}

impl Roster {
    fn new(histories: &Histories, request: &SnapshotRequest<'_>) -> Result<Self, FeatureError> {
        let of_buckets = histories.map_buckets(request.buckets.clone(), |bucket| {
            let mut members = Vec::with_capacity(histories.n_users(bucket));
            histories.for_each_user(bucket, |history| {
                let known_from = history.events.iter().map(EventRow::known_from).min();
                members.push(Member {
                    user: history.user.clone(),
                    bucket: bucket - request.buckets.start,
                    number: members.len(),
                    known_from: known_from.unwrap_or(i64::MAX),
                });
                Ok::<_, FeatureError>(())
            })?;
            Ok::<_, FeatureError>(members)
        })?;
        let n_users = of_buckets.iter().map(Vec::len).collect();
        let mut members: Vec<Member> = of_buckets.into_iter().flatten().collect();
        members.sort_unstable_by(|a, b| a.user.cmp(&b.user));
        Ok(Self { members, n_users })
    }

    fn at(&self, as_of: i64, n_features: usize) -> DateRows {
        let is_known = |member: &usize| self.members[*member].known_from < as_of;
        let members: Vec<usize> = (0..self.members.len()).filter(is_known).collect();
        let values = vec![0.0; members.len() * n_features];
        DateRows { members, values }
    }
}

/// Users of a [`ColumnGroup`], about.
const GROUP_USERS: usize = 16_384;

/// One date's features as columns, some users at a time, for files: no matrix
/// of all users is ever held. Users come in an order that their ids alone
/// determine.
pub struct ColumnGroups<'a> {
    computation: Computation<'a>,
    n_features: usize,
    groups: Vec<Range<usize>>,
}

/// Some users' features, one vector a feature.
#[derive(Debug)]
pub struct ColumnGroup {
    /// The users.
    pub users: UserIds,
    /// By feature, then user.
    pub features: Vec<Vec<f64>>,
    /// What the users did after the date, if that was asked for.
    pub outcomes: Option<Outcomes>,
}

impl<'a> ColumnGroups<'a> {
    /// Prepares the features of the request's first date.
    ///
    /// # Errors
    /// When an SQL feature fails.
    pub fn new(
        engine: &Engine,
        histories: &'a Histories,
        plan: &FeaturePlan,
        request: &SnapshotRequest<'a>,
    ) -> Result<Self, FeatureError> {
        let mut groups: Vec<Range<usize>> = Vec::new();
        let mut n_users = GROUP_USERS;
        for bucket in request.buckets.clone() {
            match groups.last_mut() {
                Some(group) if n_users < GROUP_USERS => group.end = bucket + 1,
                _ => {
                    groups.push(bucket..bucket + 1);
                    n_users = 0;
                }
            }
            n_users += histories.n_users(bucket);
        }
        let computation = Computation::new(engine, histories, plan, request)?;
        Ok(Self { computation, n_features: plan.features.len(), groups })
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// True when there is no group.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Computes a group.
    ///
    /// # Errors
    /// When a sum leaves the range of fixed-point numbers, or the histories
    /// cannot be read.
    pub fn get(&self, group: usize) -> Result<ColumnGroup, FeatureError> {
        let histories = self.computation.histories;
        let buckets = self.groups[group].clone();
        let n_users = buckets.clone().map(|bucket| histories.n_users(bucket)).sum();
        let mut users = Vec::with_capacity(n_users);
        let mut features: Vec<Vec<f64>> =
            (0..self.n_features).map(|_| Vec::with_capacity(n_users)).collect();
        let mut outcomes = Vec::with_capacity(n_users);
        for bucket in buckets {
            self.computation.visit(bucket, |row| {
                users.push(row.user.clone());
                features.iter_mut().zip(row.values).for_each(|(column, value)| column.push(*value));
                outcomes.push(row.facts.outcome);
            })?;
        }
        let users = user_ids(users, histories.kind());
        let outcomes = self.computation.with_outcomes.then(|| outcomes.into_iter().collect());
        Ok(ColumnGroup { users, features, outcomes })
    }
}

/// One user at one date.
struct Row<'r> {
    /// Number of the date.
    date: usize,
    /// Number of the user in the bucket.
    number: usize,
    user: &'r UserId,
    values: &'r [f64],
    facts: UserFacts,
}

/// A date, with all that is needed to compute its rows.
struct DateWindow {
    as_of: i64,
    horizon_end: Option<i64>,
    custom: CustomValues,
}

struct Computation<'a> {
    histories: &'a Histories,
    program: Program,
    dates: Vec<DateWindow>,
    label: &'a ChurnLabel,
    /// Code of the label's event.
    kept_by: u32,
    with_outcomes: bool,
}

impl<'a> Computation<'a> {
    fn new(
        engine: &Engine,
        histories: &'a Histories,
        plan: &FeaturePlan,
        request: &SnapshotRequest<'a>,
    ) -> Result<Self, FeatureError> {
        let SnapshotRequest { label, with_outcomes, .. } = *request;
        let micros = |moment: NaiveDateTime| moment.and_utc().timestamp_micros();
        let horizon = Days::new(u64::from(label.horizon_days));
        let date_window = |&date: &NaiveDateTime| {
            Ok(DateWindow {
                as_of: micros(date),
                horizon_end: with_outcomes.then(|| micros(date + horizon)),
                custom: CustomValues::compute(engine, plan, date)?,
            })
        };
        Ok(Self {
            histories,
            program: Program::new(plan, histories),
            dates: request.dates.iter().map(date_window).collect::<Result<_, FeatureError>>()?,
            label,
            kept_by: histories.events().code(&label.event).unwrap_or(0),
            with_outcomes,
        })
    }

    /// Writes the features of all users to their places; returns the facts about them,
    /// by bucket, date and number of the user.
    fn fill(
        &self,
        places: Vec<Mutex<Places<'_>>>,
        roster: &Roster,
        buckets: Range<usize>,
    ) -> Result<Vec<Vec<Vec<UserFacts>>>, FeatureError> {
        self.histories.map_buckets(buckets.clone(), |bucket| {
            let index = bucket - buckets.start;
            let mut places = places[index].lock().expect("each bucket has one writer");
            let mut facts =
                vec![vec![UserFacts::default(); roster.n_users[index]]; self.dates.len()];
            self.visit(bucket, |row| {
                if let Some(place) = &mut places[row.date][row.number] {
                    place.copy_from_slice(row.values);
                }
                facts[row.date][row.number] = row.facts;
            })?;
            Ok(facts)
        })
    }

    /// Calls `take` with every row of a bucket, user by user.
    fn visit(&self, bucket: usize, mut take: impl FnMut(&Row<'_>)) -> Result<(), FeatureError> {
        let program = &self.program;
        let mut walker = Walker::new(program);
        let mut values = vec![0.0; program.ops.len()];
        let mut finder = UserFactsFinder::new(program, self.label, self.kept_by);
        let mut next_number = 0;
        self.histories.for_each_user(bucket, |history| {
            let number = next_number;
            next_number += 1;
            let too_large = |_: Overflow| FeatureError::TooLarge { user: history.user.to_string() };
            for (date_number, date) in self.dates.iter().enumerate() {
                let events = history.events;
                if !walker.walk(events, date.as_of, &mut values).map_err(too_large)? {
                    continue;
                }
                date.custom.put(history.user, &mut values);
                let facts = finder.find(events, date.as_of, date.horizon_end).map_err(too_large)?;
                let (date, user) = (date_number, history.user);
                take(&Row { date, number, user, values: &values, facts });
            }
            Ok::<_, FeatureError>(())
        })
    }
}

fn user_ids(users: impl IntoIterator<Item = UserId>, kind: IdKind) -> UserIds {
    match kind {
        IdKind::Integer => {
            let id = |user| if let UserId::Integer(id) = user { Some(id) } else { None };
            UserIds::Integer(users.into_iter().filter_map(id).collect())
        }
        IdKind::Text => {
            let id = |user| if let UserId::Text(id) = user { Some(id) } else { None };
            UserIds::Text(users.into_iter().filter_map(id).collect())
        }
    }
}
