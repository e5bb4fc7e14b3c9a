//! The verb `value`: what members of each group are worth.

use super::history::{Known, known};
use crate::app::{Grouping, Model, PipelineError, Session};
use crate::models::rules::GroupName;
use crate::models::worth::{GroupsWorth, NOT_YET_SEEN, WorthAhead, measure_worth};

/// The worth of the groups of a grouping.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupValues {
    /// What groups the users.
    pub grouping: Grouping,
    /// What the groups are called.
    pub names: Vec<GroupName>,
    /// What they are worth.
    pub worth: GroupsWorth,
    /// Mean of what the model of value says of each group's users now, where it knows them.
    pub by_model: Vec<Option<f64>>,
    /// The sum of the same over all of them.
    pub total_by_model: Option<f64>,
    /// Whether amounts are numbers of orders, since the data has no others.
    pub in_orders: bool,
}

/// Values groups by who went where in the past, with one model for all dates.
///
/// # Errors
/// When the data cannot be read, or is too short for a step.
pub fn group_values(
    session: &Session,
    model: &Model,
    grouping: Grouping,
) -> Result<GroupValues, PipelineError> {
    session.run("value", 3, |stages| {
        let known = known(session, model, grouping, false, stages)?;
        stages.begin("valuing groups");
        let ahead = ahead(model, known.in_orders);
        let measured = measure_worth(&known.history, &ahead, model.bundle.config.seed)?;
        let values: Vec<f64> = known.own_values.iter().copied().flatten().collect();
        Ok(GroupValues {
            grouping,
            total_by_model: (!values.is_empty()).then(|| values.iter().sum()),
            by_model: mean_values(&known),
            worth: measured.worth,
            names: known.names,
            in_orders: known.in_orders,
        })
    })
}

/// How far worth looks ahead: as value does. Orders are counted as they are.
pub(super) fn ahead(model: &Model, in_orders: bool) -> WorthAhead {
    let params = &model.bundle.config.value;
    let (discount_yearly, margin) = match in_orders {
        true => (0.0, 1.0),
        false => (params.discount_yearly.get(), params.margin.get()),
    };
    WorthAhead { horizon_days: params.horizon_days.get(), discount_yearly, margin }
}

fn mean_values(known: &Known) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0u32); known.names.len()];
    for (&group, value) in known.history.now().group_of.iter().zip(&known.own_values) {
        if let (true, Some(value)) = (group != NOT_YET_SEEN, value) {
            let sum = &mut sums[usize::from(group)];
            *sum = (sum.0 + value, sum.1 + 1);
        }
    }
    sums.into_iter().map(|(sum, n)| (n > 0).then(|| sum / f64::from(n))).collect()
}
