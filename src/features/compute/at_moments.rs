//! Features as of a moment of each user's own, such as that of entering an experiment.

use std::collections::BTreeMap;

use chrono::DateTime;
use ndarray::Array2;

use super::program::Program;
use super::walk::Walker;
use crate::dataset::{FeatureMatrix, UserIds};
use crate::features::custom::CustomValues;
use crate::features::orders::Overflow;
use crate::features::{FeatureError, FeaturePlan};
use crate::input::engine::Engine;
use crate::input::history::{Histories, N_BUCKETS, UserId};

/// Features of some users, each as of a moment of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct FeaturesAtMoments {
    /// Shape (users, features), in the order of the users asked for.
    pub features: FeatureMatrix,
    /// Whether anything was known of the user by then; who is not known has the values
    /// where missing.
    pub is_known: Vec<bool>,
}

/// Features of `users`, in ascending order, user `i` as of `moments[i]` microseconds after
/// 1970: from events before that moment alone, and known by then.
///
/// # Errors
/// When a sum leaves the range of fixed-point numbers, an SQL feature fails, or the
/// histories cannot be read.
pub fn features_at_moments(
    engine: &Engine,
    histories: &Histories,
    plan: &FeaturePlan,
    users: &UserIds,
    moments: &[i64],
) -> Result<FeaturesAtMoments, FeatureError> {
    let (program, width) = (Program::new(plan, histories), plan.features.len());
    let of_buckets = histories.map_buckets(0..N_BUCKETS, |bucket| {
        let mut walker = Walker::new(&program);
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        let mut row = vec![0.0; width];
        histories.for_each_user(bucket, |history| {
            let Some(place) = place_of(users, history.user) else { return Ok(()) };
            let too_large = |_: Overflow| FeatureError::TooLarge { user: history.user.to_string() };
            if walker.walk(history.events, moments[place], &mut row).map_err(too_large)? {
                rows.push(place);
                values.extend_from_slice(&row);
            }
            Ok::<_, FeatureError>(())
        })?;
        Ok::<_, FeatureError>((rows, values))
    })?;
    let when_missing: Vec<f64> =
        plan.features.iter().map(|feature| feature.info.when_missing.value()).collect();
    let mut matrix =
        Array2::from_shape_fn((users.len(), width), |(_, column)| when_missing[column]);
    let mut is_known = vec![false; users.len()];
    for (rows, values) in of_buckets {
        for (place, values) in rows.into_iter().zip(values.chunks_exact(width.max(1))) {
            is_known[place] = true;
            matrix.row_mut(place).iter_mut().zip(values).for_each(|(cell, value)| *cell = *value);
        }
    }
    put_custom(engine, plan, users, moments, &is_known, &mut matrix)?;
    Ok(FeaturesAtMoments { features: FeatureMatrix::of_features(plan.infos(), matrix)?, is_known })
}

fn place_of(users: &UserIds, user: &UserId) -> Option<usize> {
    match (users, user) {
        (UserIds::Integer(ids), UserId::Integer(id)) => ids.binary_search(id).ok(),
        (UserIds::Text(ids), UserId::Text(id)) => ids.binary_search(id).ok(),
        _ => None,
    }
}

/// Features in SQL, which are queries as of one moment: one for each moment that occurs.
fn put_custom(
    engine: &Engine,
    plan: &FeaturePlan,
    users: &UserIds,
    moments: &[i64],
    is_known: &[bool],
    matrix: &mut Array2<f64>,
) -> Result<(), FeatureError> {
    if plan.custom().next().is_none() {
        return Ok(());
    }
    let mut by_moment: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (place, moment) in moments.iter().enumerate().filter(|(place, _)| is_known[*place]) {
        by_moment.entry(*moment).or_default().push(place);
    }
    for (moment, places) in by_moment {
        let as_of = DateTime::from_timestamp_micros(moment).unwrap_or_default().naive_utc();
        let values = CustomValues::compute(engine, plan, as_of)?;
        for place in places {
            let user = match users {
                UserIds::Integer(ids) => UserId::Integer(ids[place]),
                UserIds::Text(ids) => UserId::Text(ids[place].clone()),
            };
            let mut row = matrix.row_mut(place);
            values.put(&user, row.as_slice_mut().expect("rows of a matrix are contiguous"));
        }
    }
    Ok(())
}
