//! Features of what customers will do, by models of orders that were fitted to what was known
//! at each date.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::{Feature, FeaturePlan, Measure};
use crate::dataset::{Bilingual, Family, FeatureInfo, Missing, PaidDays, Unit};
use crate::stats::orders::{Forecaster, Horizons, OrderModel, OrderTimes};

/// What is forecast of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderForecast {
    /// The chance of no order in the horizon.
    NoOrder,
    /// Expected days with an order in the horizon.
    Orders,
}

impl OrderForecast {
    /// How it is computed, in words.
    pub(super) fn formula(self) -> &'static str {
        match self {
            Self::NoOrder => "1 - P(alive) P(order in the horizon | alive), model of orders",
            Self::Orders => {
                "P(alive) E(days with an order in the horizon | alive), model of orders"
            }
        }
    }
}

/// Models of orders, each fitted to what was known before its date alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderModels {
    /// Length of the horizon.
    pub horizon_days: u32,
    /// Features that are covariates of the models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covariates: Vec<String>,
    /// Ascending by date, at least one; times in days.
    pub dated: Vec<DatedOrderModel>,
}

/// A model of orders and its date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedOrderModel {
    /// It knows what was known before.
    pub as_of: NaiveDateTime,
    /// The model.
    pub model: OrderModel,
}

impl OrderModels {
    /// The latest model that knows nothing that came after a date; the earliest of all where
    /// there is none.
    fn at(&self, date: NaiveDateTime) -> Option<&OrderModel> {
        let known = self.dated.partition_point(|it| it.as_of <= date);
        self.dated.get(known.saturating_sub(1)).map(|it| &it.model)
    }
}

/// Adds the features that these models give to a plan.
pub fn add_order_forecasts(plan: &mut FeaturePlan, models: OrderModels) {
    let days = models.horizon_days;
    let mut add = |name, family, unit, meaning, when_missing, forecast| {
        let info = FeatureInfo {
            name: format!("{name}_next_{days}d"),
            family,
            unit,
            meaning,
            when_missing,
            ..FeatureInfo::plain("")
        };
        plan.features.push(Feature { info, measure: Measure::Forecast(forecast) });
    };
    add(
        "p_no_order",
        Family::NoOrderAhead,
        Unit::Share,
        Bilingual::new(
            format!("chance of no order in the next {days} days, by a model of orders"),
            format!("未来{days}天不下单的概率（订单模型）"),
        ),
        Missing::Value(1.0),
        OrderForecast::NoOrder,
    );
    add(
        "expected_orders",
        Family::OrdersAhead,
        Unit::Count,
        Bilingual::new(
            format!("days with an order expected in the next {days} days, by a model of orders"),
            format!("未来{days}天预计下单天数（订单模型）"),
        ),
        Missing::Zero,
        OrderForecast::Orders,
    );
    plan.order_models = Some(models);
}

/// Forecasts of a plan at one date.
pub(super) struct OrderForecasts {
    forecaster: Forecaster,
    /// Columns of the matrix.
    columns: Vec<(usize, OrderForecast)>,
    /// Columns of the covariates.
    covariates: Vec<usize>,
}

impl OrderForecasts {
    /// Those that a plan asks for, if any.
    pub fn new(plan: &FeaturePlan, date: NaiveDateTime) -> Option<Self> {
        let models = plan.order_models.as_ref()?;
        let of_column = |(column, feature): (usize, &Feature)| match feature.measure {
            Measure::Forecast(forecast) => Some((column, forecast)),
            _ => None,
        };
        let columns: Vec<_> = plan.features.iter().enumerate().filter_map(of_column).collect();
        if columns.is_empty() {
            return None;
        }
        let days = f64::from(models.horizon_days);
        let horizons = Horizons { short: days, long: days, discount: 0.0 };
        let place = |name: &String| plan.features.iter().position(|it| it.info.name == *name);
        let covariates = models.covariates.iter().map(place).collect::<Option<_>>()?;
        let forecaster = Forecaster::new(models.at(date)?.clone(), horizons);
        Some(Self { forecaster, columns, covariates })
    }

    /// Puts a user's values in their places of a row; what is missing stays.
    pub fn put(&self, paid: &PaidDays, row: &mut [f64]) {
        let Some((n_repeats, last_repeat, age)) = paid.repeats_last_and_age() else { return };
        let times = OrderTimes { n_repeats, age, last_repeat };
        let covariates: Vec<f64> = self.covariates.iter().map(|&column| row[column]).collect();
        let ahead = self.forecaster.forecast(&times, &covariates).short;
        for (column, forecast) in &self.columns {
            row[*column] = match forecast {
                OrderForecast::NoOrder => 1.0 - ahead.p_order,
                OrderForecast::Orders => ahead.orders,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::stats::orders::OrderModelKind;

    #[test]
    fn a_date_has_the_latest_model_that_does_not_know_what_came_after() {
        let day = |n| NaiveDate::from_ymd_opt(2026, 7, n).unwrap().and_time(Default::default());
        let dated = |n| DatedOrderModel {
            as_of: day(n),
            model: OrderModel {
                kind: OrderModelKind::BgNbd,
                parameters: [f64::from(n), 1.0, 1.0, 1.0],
                effects: Vec::new(),
            },
        };
        let models = OrderModels {
            horizon_days: 30,
            covariates: Vec::new(),
            dated: [3, 7, 20].map(dated).to_vec(),
        };
        let r = |n| models.at(day(n)).unwrap().parameters[0];
        assert_eq!([1, 3, 6, 7, 19, 20, 31].map(r), [3.0, 3.0, 3.0, 7.0, 7.0, 20.0, 20.0]);
    }
}
