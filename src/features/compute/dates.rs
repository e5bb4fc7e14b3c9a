//! A plan and some dates in, one matrix for each date out.

use std::ops::Range;
use std::sync::Mutex;

use ndarray::Array2;
use rayon::prelude::*;

use super::computation::{Computation, SnapshotRequest, user_ids};
use super::outcomes::UserFacts;
use crate::dataset::{FeatureMatrix, Snapshot};
use crate::features::{FeatureError, FeaturePlan};
use crate::input::engine::Engine;
use crate::input::history::{EventRow, Histories, UserId};

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
    let computation = Computation::of(engine, histories, plan, request)?;
    let roster = Roster::new(histories, request)?;
    let width = plan.features.len();
    let mut dates: Vec<DateRows> =
        computation.dates.iter().map(|date| roster.at(date.as_of, width)).collect();
    let places = places_of_rows(&mut dates, &roster, width);
    let facts = fill(&computation, places, &roster, request.buckets.clone())?;
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

/// Writes the features of all users to their places; returns the facts about them,
/// by bucket, date and number of the user.
fn fill(
    computation: &Computation<'_>,
    places: Vec<Mutex<Places<'_>>>,
    roster: &Roster,
    buckets: Range<usize>,
) -> Result<Vec<Vec<Vec<UserFacts>>>, FeatureError> {
    computation.histories.map_buckets(buckets.clone(), |bucket| {
        let index = bucket - buckets.start;
        let mut places = places[index].lock().expect("each bucket has one writer");
        let mut facts =
            vec![vec![UserFacts::default(); roster.n_users[index]]; computation.dates.len()];
        computation.visit(bucket, |row| {
            if let Some(place) = &mut places[row.date][row.number] {
                place.copy_from_slice(row.values);
            }
            facts[row.date][row.number] = row.facts;
        })?;
        Ok(facts)
    })
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
