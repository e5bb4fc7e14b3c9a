//! One date's features as columns, for files.

use std::ops::Range;

use super::computation::{Computation, SnapshotRequest, user_ids};
use crate::dataset::{Outcomes, UserIds};
use crate::features::{FeatureError, FeaturePlan};
use crate::input::engine::Engine;
use crate::input::history::{Histories, runs_of_buckets};

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
        let n_users = |bucket| histories.n_users(bucket);
        let groups = runs_of_buckets(request.buckets.clone(), n_users, GROUP_USERS);
        let computation = Computation::of(engine, histories, plan, request)?;
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
