use std::collections::HashMap;
use std::hash::Hash;

use chrono::{Days, NaiveDateTime};

use super::compute::{doubles, user_ids};
use super::sql::outcome_query;
use super::{FeatureError, FeaturePlan};
use crate::dataset::{Outcomes, UserIds};
use crate::engine::Engine;

/// What each of `users` did in `[as_of, as_of + horizon_days)`, in their order.
///
/// # Errors
/// When the engine fails.
pub fn compute_outcomes(
    engine: &Engine,
    plan: &FeaturePlan,
    users: &UserIds,
    as_of: NaiveDateTime,
    horizon_days: u32,
) -> Result<Outcomes, FeatureError> {
    let end = as_of + Days::new(u64::from(horizon_days));
    let batches = engine.query(&outcome_query(&plan.order_event, as_of, end))?;
    let buyers = user_ids(&batches)?;
    let rows = match (users, &buyers) {
        (UserIds::Integer(users), UserIds::Integer(buyers)) => rows_of(users, buyers),
        (UserIds::Text(users), UserIds::Text(buyers)) => rows_of(users, buyers),
        // Nobody ordered: without rows the type of the ids is unknown.
        _ => vec![None; users.len()],
    };
    let pick =
        |values: Vec<f64>| rows.iter().map(|row| row.map_or(0.0, |row| values[row])).collect();
    Ok(Outcomes { n_orders: pick(doubles(&batches, 1)), gmv: pick(doubles(&batches, 2)) })
}

fn rows_of<T: Eq + Hash>(users: &[T], buyers: &[T]) -> Vec<Option<usize>> {
    let row_of: HashMap<&T, usize> = buyers.iter().enumerate().map(|(row, id)| (id, row)).collect();
    users.iter().map(|user| row_of.get(user).copied()).collect()
}
