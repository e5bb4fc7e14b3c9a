//! How much more or less customers ordered a year before than a model of orders expected.

use chrono::NaiveDateTime;

use super::{FittedValue, ValueError, ValueParams, ValueSelection, fit_value};
use crate::dataset::Snapshot;
use crate::stats::orders::OrdersAhead;
use crate::stats::season::SeasonCurve;

/// Fits how orders of a year before tell those after a date: the log of actual by expected
/// days with orders, as a model that is fitted to what was known at each date expects them.
/// `earlier` come in order, so many days apart. `None` where the year before tells nothing.
///
/// # Errors
/// When a snapshot lacks outcomes or a covariate.
pub fn fit_value_season<'m>(
    (params, horizon_days, selection): (&ValueParams, u32, &ValueSelection),
    (training, fitted_at): (&[Snapshot], &dyn Fn(NaiveDateTime) -> Option<&'m FittedValue>),
    (earlier, step_days): (&[Snapshot], u32),
) -> Result<Option<SeasonCurve>, ValueError> {
    let Some(first) = earlier.first() else { return Ok(None) };
    let mut levels = Vec::new();
    for snapshot in earlier {
        let Ok(fitted) = fit_value(params, horizon_days, selection, snapshot)? else {
            return Ok(None);
        };
        levels.push(level(&fitted, snapshot)?);
    }
    let mut dates = Vec::new();
    for snapshot in training {
        if let Some(fitted) = fitted_at(snapshot.as_of) {
            dates.push((snapshot.as_of, level(fitted, snapshot)?));
        }
    }
    Ok(SeasonCurve::fit(first.as_of, step_days, levels, &dates))
}

fn level(fitted: &FittedValue, snapshot: &Snapshot) -> Result<f64, ValueError> {
    let n_paid_days = &snapshot.known_outcomes()?.n_paid_days;
    let (mut expected, mut actual) = (0.0, 0.0);
    for (customer, n) in fitted.forecast_all(snapshot)?.iter().zip(n_paid_days) {
        if let Some(customer) = customer {
            expected += customer.forecast.short.orders;
            actual += n;
        }
    }
    // Without an order the log has no end.
    Ok(((actual + 0.5) / (expected + 0.5)).ln())
}

/// Orders in a season in which customers order so many times as often: whoever orders at
/// random times then has no order with a chance of this power.
pub(super) fn in_season(ahead: OrdersAhead, factor: f64) -> OrdersAhead {
    OrdersAhead {
        p_order: 1.0 - (1.0 - ahead.p_order).powf(factor),
        orders: ahead.orders * factor,
        discounted_orders: ahead.discounted_orders * factor,
        variance: ahead.variance * factor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_moves_the_chance_of_an_order_as_more_orders_at_random_times_do() {
        let ahead = |rate: f64| OrdersAhead {
            p_order: 1.0 - (-rate).exp(),
            orders: rate,
            discounted_orders: rate,
            variance: rate,
        };
        let found = in_season(ahead(0.4), 2.0);
        let expected = ahead(0.8);
        assert!((found.p_order - expected.p_order).abs() < 1e-12);
        assert_eq!((found.orders, found.variance), (expected.orders, expected.variance));
        assert_eq!(in_season(ahead(0.4), 1.0).orders, 0.4);
    }
}
