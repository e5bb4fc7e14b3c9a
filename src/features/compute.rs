//! A plan and some dates in, one matrix for each date out.

use std::ops::Range;

use chrono::{Days, NaiveDateTime};
use ndarray::Array2;

use super::custom::fill_custom;
use super::orders::{Overflow, collect_orders};
use super::program::Program;
use super::walk::Walker;
use super::{FeatureError, FeaturePlan};
use crate::dataset::{FeatureMatrix, Outcomes, Snapshot, UserIds};
use crate::engine::Engine;
use crate::history::{EventRow, Histories, IdKind, N_BUCKETS, UserId};

/// Which rows to compute.
#[derive(Debug, Clone)]
pub struct SnapshotRequest<'a> {
    /// Features use events before these moments only.
    pub dates: &'a [NaiveDateTime],
    /// Length of the outcome window after each date; no outcomes when absent.
    pub horizon_days: Option<u32>,
    /// Buckets of users: all of them, or some as a sample.
    pub buckets: Range<usize>,
}

impl<'a> SnapshotRequest<'a> {
    /// All users, without outcomes.
    pub fn new(dates: &'a [NaiveDateTime]) -> Self {
        Self { dates, horizon_days: None, buckets: 0..N_BUCKETS }
    }

    /// With what users did in the days after each date.
    pub fn with_outcomes(self, horizon_days: u32) -> Self {
        Self { horizon_days: Some(horizon_days), ..self }
    }
}

/// All users' features at one date, as they come from the buckets: users in
/// order, their values in blocks.
pub struct SnapshotRows {
    as_of: NaiveDateTime,
    names: Vec<String>,
    users: UserIds,
    /// Block and row in it of each user.
    places: Vec<(u32, u32)>,
    blocks: Vec<Block>,
    has_outcomes: bool,
}

/// The users of one bucket at one date.
#[derive(Default)]
struct Block {
    users: Vec<UserId>,
    /// One row after the other.
    values: Vec<f64>,
    n_orders: Vec<f64>,
    gmv: Vec<f64>,
}

impl Block {
    fn with_room_for(n_users: usize, n_features: usize) -> Self {
        Self {
            users: Vec::with_capacity(n_users),
            values: Vec::with_capacity(n_users * n_features),
            ..Default::default()
        }
    }
}

/// Features of every user with an event before the date, for each of the dates
/// of the request, in one pass over the histories.
///
/// # Errors
/// When a sum leaves the range of fixed-point numbers, or the histories cannot
/// be read.
pub fn compute_rows(
    engine: &Engine,
    histories: &Histories,
    plan: &FeaturePlan,
    request: &SnapshotRequest<'_>,
) -> Result<Vec<SnapshotRows>, FeatureError> {
    let program = Program::new(plan, histories);
    let of_buckets = histories.map_buckets(request.buckets.clone(), |bucket| {
        bucket_blocks(histories, &program, request, bucket)
    })?;
    let mut by_date: Vec<Vec<Block>> = request.dates.iter().map(|_| Vec::new()).collect();
    for blocks in of_buckets {
        for (of_date, block) in by_date.iter_mut().zip(blocks) {
            of_date.push(block);
        }
    }
    let has_outcomes = request.horizon_days.is_some();
    request
        .dates
        .iter()
        .zip(by_date)
        .map(|(date, blocks)| {
            let mut rows =
                SnapshotRows::new(*date, plan.names(), blocks, histories.kind(), has_outcomes);
            fill_custom(engine, plan, &mut rows)?;
            Ok(rows)
        })
        .collect()
}

/// [`compute_rows`] as snapshots.
///
/// # Errors
/// As [`compute_rows`].
pub fn compute_snapshots(
    engine: &Engine,
    histories: &Histories,
    plan: &FeaturePlan,
    request: &SnapshotRequest<'_>,
) -> Result<Vec<Snapshot>, FeatureError> {
    let rows = compute_rows(engine, histories, plan, request)?;
    rows.into_iter().map(SnapshotRows::into_snapshot).collect()
}

fn bucket_blocks(
    histories: &Histories,
    program: &Program,
    request: &SnapshotRequest<'_>,
    bucket: usize,
) -> Result<Vec<Block>, FeatureError> {
    let micros = |moment: NaiveDateTime| moment.and_utc().timestamp_micros();
    let windows: Vec<(i64, Option<i64>)> = request
        .dates
        .iter()
        .map(|&date| {
            let end = |days| micros(date + Days::new(u64::from(days)));
            (micros(date), request.horizon_days.map(end))
        })
        .collect();
    let n_users = histories.n_users(bucket);
    let mut blocks: Vec<Block> =
        windows.iter().map(|_| Block::with_room_for(n_users, program.ops.len())).collect();
    let mut walker = Walker::new(program);
    let mut row = vec![0.0; program.ops.len()];
    let mut outcomes = OutcomeBuffers::default();
    histories.for_each_user(bucket, |history| {
        let too_large = |_: Overflow| FeatureError::TooLarge { user: text(history.user) };
        for ((as_of, horizon_end), block) in windows.iter().zip(&mut blocks) {
            if !walker.walk(history.events, *as_of, &mut row).map_err(too_large)? {
                continue;
            }
            block.users.push(history.user.clone());
            block.values.extend_from_slice(&row);
            if let Some(end) = horizon_end {
                let (n_orders, gmv) =
                    outcomes.of(history.events, program, *as_of, *end).map_err(too_large)?;
                block.n_orders.push(n_orders);
                block.gmv.push(gmv);
            }
        }
        Ok::<_, FeatureError>(())
    })?;
    Ok(blocks)
}

fn text(user: &UserId) -> String {
    match user {
        UserId::Integer(id) => id.to_string(),
        UserId::Text(id) => id.clone(),
    }
}

/// What a user did in a window, with the buffers to find it.
#[derive(Default)]
struct OutcomeBuffers {
    orders: Vec<super::orders::Order>,
    lines: Vec<(u64, super::orders::Order)>,
}

impl OutcomeBuffers {
    /// Number and amount of the orders in `[from, to)`.
    fn of(
        &mut self,
        events: &[EventRow],
        program: &Program,
        from: i64,
        to: i64,
    ) -> Result<(f64, f64), Overflow> {
        let start = events.partition_point(|event| event.time < from);
        let end = events.partition_point(|event| event.time < to);
        let window = &events[start..end];
        collect_orders(window, program.order_event, &mut self.orders, &mut self.lines)?;
        let gmv = self.orders.iter().try_fold(0i64, |sum, order| sum.checked_add(order.amount));
        Ok((self.orders.len() as f64, gmv.ok_or(Overflow)? as f64 / program.scale))
    }
}

impl SnapshotRows {
    fn new(
        as_of: NaiveDateTime,
        names: Vec<String>,
        mut blocks: Vec<Block>,
        kind: IdKind,
        has_outcomes: bool,
    ) -> Self {
        let taken: Vec<Vec<UserId>> =
            blocks.iter_mut().map(|block| std::mem::take(&mut block.users)).collect();
        let n_users = taken.iter().map(Vec::len).sum();
        let placed = taken.into_iter().enumerate().flat_map(|(block, users)| {
            let place = move |row: usize| (block as u32, row as u32);
            users.into_iter().enumerate().map(move |(row, user)| (user, place(row)))
        });
        let (users, places) = match kind {
            IdKind::Integer => {
                let mut all: Vec<(i64, (u32, u32))> = Vec::with_capacity(n_users);
                all.extend(placed.filter_map(|(user, place)| match user {
                    UserId::Integer(id) => Some((id, place)),
                    UserId::Text(_) => None,
                }));
                all.sort_unstable();
                let (ids, places) = all.into_iter().unzip();
                (UserIds::Integer(ids), places)
            }
            IdKind::Text => {
                let mut all: Vec<(String, (u32, u32))> = Vec::with_capacity(n_users);
                all.extend(placed.filter_map(|(user, place)| match user {
                    UserId::Text(id) => Some((id, place)),
                    UserId::Integer(_) => None,
                }));
                all.sort_unstable();
                let (ids, places) = all.into_iter().unzip();
                (UserIds::Text(ids), places)
            }
        };
        Self { as_of, names, users, places, blocks, has_outcomes }
    }

    /// As of.
    pub fn as_of(&self) -> NaiveDateTime {
        self.as_of
    }

    /// Users, in order.
    pub fn users(&self) -> &UserIds {
        &self.users
    }

    /// Names of the features.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The values of one user.
    fn row(&self, user: usize) -> &[f64] {
        let (block, row) = self.places[user];
        let start = row as usize * self.names.len();
        &self.blocks[block as usize].values[start..start + self.names.len()]
    }

    /// Some columns of some users: one vector a feature.
    pub fn columns(&self, users: Range<usize>, features: Range<usize>) -> Vec<Vec<f64>> {
        let mut columns: Vec<Vec<f64>> =
            features.clone().map(|_| Vec::with_capacity(users.len())).collect();
        for user in users {
            for (column, value) in columns.iter_mut().zip(&self.row(user)[features.clone()]) {
                column.push(*value);
            }
        }
        columns
    }

    /// What users did after the date, if that was asked for.
    pub fn outcomes(&self) -> Option<Outcomes> {
        let pick = |of: fn(&Block) -> &[f64]| {
            let value = |&(block, row): &(u32, u32)| of(&self.blocks[block as usize])[row as usize];
            self.places.iter().map(value).collect()
        };
        self.has_outcomes.then(|| Outcomes {
            n_orders: pick(|block| &block.n_orders),
            gmv: pick(|block| &block.gmv),
        })
    }

    /// Replaces a column; users without a value keep what they have.
    pub(super) fn set_column(&mut self, column: usize, values: &[(usize, f64)]) {
        for (user, value) in values {
            let (block, row) = self.places[*user];
            let at = row as usize * self.names.len() + column;
            self.blocks[block as usize].values[at] = *value;
        }
    }

    /// The rows as one matrix.
    ///
    /// # Errors
    /// When a value is not finite.
    pub fn into_snapshot(self) -> Result<Snapshot, FeatureError> {
        let mut values = Vec::with_capacity(self.places.len() * self.names.len());
        for user in 0..self.places.len() {
            values.extend_from_slice(self.row(user));
        }
        let outcomes = self.outcomes();
        let values = Array2::from_shape_vec((self.places.len(), self.names.len()), values)
            .expect("as many values as users and names");
        let features = FeatureMatrix::new(self.names, values)?;
        Ok(Snapshot::new(self.as_of, self.users, features, outcomes)?)
    }
}
