//! A model of value, fitted to what was known at a date.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::customers::{Clock, spend_of};
use super::interval::is_at_an_end;
use super::season::in_season;
use super::spend::ExpectedSpend;
use super::{
    MixSelection, NoValue, Occasion, SpendModel, ValueChecks, ValueError, ValueParams,
    ValueSelection,
};
use crate::dataset::{FeatureMatrix, PaidDays, Snapshot};
use crate::settings::nearest_names;
use crate::stats::orders::{
    CovariateLevel, FittedOrders, Forecast, Forecaster, GroupedTimes, Horizons, OrderTimes,
    fit_orders,
};
use crate::stats::season::SeasonCurve;

/// Customers with a repeat below whom nothing is fitted.
pub const MIN_REPEATERS: usize = 20;

/// Different values of all covariates together, at most: the model is fitted at each.
pub const MAX_LEVELS: usize = 50;

pub(super) const DAYS_PER_YEAR: f64 = 365.0;

/// The least chance that is told from none.
const LEAST_CHANCE: f64 = 1e-6;

/// The model of value of a bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ValueModel {
    /// There is one.
    Fitted {
        /// How it was chosen.
        selection: ValueSelection,
        /// What learning counts beside it; `None` where there was too little to learn from.
        mix: Option<MixSelection>,
        /// How customers order, leave and pay, by all that was known at the end of training.
        fitted: Box<FittedValue>,
    },
    /// There is none.
    Absent(NoValue),
}

/// What customers will be worth, by what was known at a date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedValue {
    /// Fitted to what was known before this moment.
    pub as_of: NaiveDateTime,
    /// How customers order and leave.
    pub orders: FittedOrders,
    /// Features that are covariates of the model of orders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covariates: Vec<String>,
    /// For how much.
    pub spend: SpendModel,
    /// Of BG/BB.
    pub occasion: Occasion,
    /// Length of the outcome window.
    pub horizon_days: u32,
    /// How far the lifetime value looks ahead.
    pub value_horizon_days: u32,
    /// By how much less an amount is worth a year later.
    pub discount_yearly: f64,
    /// Part of what customers pay that is earned.
    pub margin: f64,
    /// What the spread of amounts is multiplied by.
    pub spread_factor: f64,
    /// What the year before adds to the log of orders in the horizon; `None` where it tells
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub season: Option<SeasonCurve>,
    /// Days with orders that came to nothing or less.
    pub n_days_set_aside: u64,
    /// How far customers are what the models take them to be.
    pub checks: ValueChecks,
}

/// What every user of a snapshot paid before it.
pub(super) fn paid_days(snapshot: &Snapshot) -> Vec<PaidDays> {
    snapshot.purchases.iter().map(|it| it.paid).collect()
}

/// Checks that enough customers ordered again.
pub(super) fn check_repeaters(users: &[PaidDays]) -> Result<(), NoValue> {
    let n_with = |n_days: u32| users.iter().filter(|paid| paid.n_days >= n_days).count();
    let (n_customers, n_repeaters) = (n_with(1), n_with(2));
    match n_repeaters >= MIN_REPEATERS {
        true => Ok(()),
        false => Err(NoValue::FewRepeaters { n_repeaters, n_customers, needed: MIN_REPEATERS }),
    }
}

/// Checks that covariates are among the features of the data.
///
/// # Errors
/// The first that is not, with the feature most like it.
pub fn check_covariates(covariates: &[String], features: &[String]) -> Result<(), ValueError> {
    let Some(name) = covariates.iter().find(|name| !features.contains(name)) else {
        return Ok(());
    };
    let nearest = nearest_names(name, features).first().copied().unwrap_or_default().to_owned();
    Err(ValueError::NoSuchCovariate { name: name.clone(), nearest })
}

/// The covariates of all users, shape (users, covariates).
pub(super) fn covariates(
    matrix: &FeatureMatrix,
    names: &[String],
) -> Result<Array2<f64>, ValueError> {
    Ok(matrix.select(names)?.into_values())
}

/// Customers by covariates.
fn levels(
    times: &[Option<OrderTimes>],
    covariates: &Array2<f64>,
    names: &[String],
) -> Result<Vec<CovariateLevel>, ValueError> {
    let mut by_level: BTreeMap<Vec<u64>, Vec<OrderTimes>> = BTreeMap::new();
    for (row, times) in times.iter().enumerate() {
        let Some(times) = times else { continue };
        let key = covariates.row(row).iter().map(|value| value.to_bits()).collect();
        by_level.entry(key).or_default().push(*times);
        if by_level.len() > MAX_LEVELS {
            return Err(ValueError::ManyLevels { names: names.join(", "), most: MAX_LEVELS });
        }
    }
    let level = |(key, customers): (Vec<u64>, Vec<OrderTimes>)| CovariateLevel {
        covariates: key.into_iter().map(f64::from_bits).collect(),
        customers: GroupedTimes::of(customers),
    };
    Ok(by_level.into_iter().map(level).collect())
}

/// Fits the chosen model to what was known of all users at the date of a snapshot, which has
/// the covariates among its features; the order of users does not matter.
///
/// # Errors
/// When covariates do not exist or have too many values; within, why there can be no model.
pub fn fit_value(
    params: &ValueParams,
    horizon_days: u32,
    selection: &ValueSelection,
    snapshot: &Snapshot,
) -> Result<Result<FittedValue, NoValue>, ValueError> {
    let (kind, as_of, users) = (selection.chosen, snapshot.as_of, paid_days(snapshot));
    let occasion = params.occasion.unwrap_or(Occasion::Day);
    let clock = Clock::new(kind, occasion, as_of);
    let times: Vec<_> = users.iter().map(|paid| clock.order_times(paid)).collect();
    let names = &params.covariates;
    let levels = levels(&times, &covariates(&snapshot.features, names)?, names)?;
    if let Err(reason) = check_repeaters(&users) {
        return Ok(Err(reason));
    }
    let orders = match fit_orders(kind, &levels) {
        Ok(orders) => orders,
        Err(error) => return Ok(Err(NoValue::NoMaximum { model: kind, how: error.to_string() })),
    };
    let spends: Vec<_> = users.iter().filter_map(spend_of).collect();
    Ok(Ok(FittedValue {
        as_of,
        orders,
        covariates: names.clone(),
        spend: SpendModel::fit(&spends),
        occasion,
        horizon_days,
        value_horizon_days: params.horizon_days.get(),
        discount_yearly: params.discount_yearly.get(),
        margin: params.margin.get(),
        spread_factor: selection.spread_factor,
        season: None,
        n_days_set_aside: users.iter().map(|paid| u64::from(paid.n_set_aside)).sum(),
        checks: ValueChecks::of(&users),
    }))
}

/// What the model of orders says of a customer, and what a day with an order is worth; `None`
/// without amounts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Customer {
    pub forecast: Forecast,
    /// Log odds of no order in the horizon, whatever the season.
    pub no_order: f64,
    pub spend: Option<ExpectedSpend>,
}

impl Customer {
    /// What the model says of who paid on some days; `None` for who never did.
    pub fn of(
        model: &FittedValue,
        (clock, season): (Clock, f64),
        forecaster: &Forecaster,
        paid: &PaidDays,
        covariates: &[f64],
    ) -> Option<Self> {
        let mut forecast = forecaster.forecast(&clock.order_times(paid)?, covariates);
        // No probability is certain, and no log odds have no end.
        let p_order = forecast.short.p_order.clamp(LEAST_CHANCE, 1.0 - LEAST_CHANCE);
        let no_order = ((1.0 - p_order) / p_order).ln();
        forecast.short = in_season(forecast.short, season);
        Some(Self { forecast, no_order, spend: model.spend.expected(spend_of(paid)) })
    }
}

impl FittedValue {
    /// Whether the spread of amounts is the least or the most that was tried: intervals may
    /// hold less or more often than they say.
    pub fn is_spread_at_an_end(&self) -> bool {
        is_at_an_end(self.spread_factor)
    }

    /// How many times as often customers order in the horizon after a date as the model alone
    /// says, by the year before.
    pub fn season_factor(&self, as_of: NaiveDateTime) -> f64 {
        self.season.as_ref().map_or(1.0, |season| season.shift(as_of).exp())
    }

    pub(super) fn clock(&self, as_of: NaiveDateTime) -> Clock {
        Clock::new(self.orders.model.kind, self.occasion, as_of)
    }

    pub(super) fn forecaster(&self, clock: Clock) -> Forecaster {
        let discount_by_day = (1.0 + self.discount_yearly).ln() / DAYS_PER_YEAR;
        let horizons = Horizons {
            short: clock.units(f64::from(self.horizon_days)),
            long: clock.units(f64::from(self.value_horizon_days)),
            discount: clock.days(discount_by_day),
        };
        Forecaster::new(self.orders.model.clone(), horizons)
    }

    /// The chance of an order in the horizon of every user of a snapshot, by the model of
    /// orders alone; `None` for who never paid.
    ///
    /// # Errors
    /// When the matrix lacks a covariate.
    pub fn p_order(&self, snapshot: &Snapshot) -> Result<Vec<Option<f64>>, ValueError> {
        let forecasts = self.forecast_all(snapshot)?.into_iter();
        Ok(forecasts.map(|it| it.map(|it| it.forecast.short.p_order)).collect())
    }

    /// Log odds of no order in the horizon of every user of a snapshot, by the model of orders
    /// alone and whatever the season; `None` for who never paid.
    ///
    /// # Errors
    /// When the matrix lacks a covariate.
    pub fn no_order(&self, snapshot: &Snapshot) -> Result<Vec<Option<f64>>, ValueError> {
        Ok(self.forecast_all(snapshot)?.iter().map(|it| Some(it.as_ref()?.no_order)).collect())
    }

    /// What the model of orders says of every user, and what their orders are worth; `None`
    /// for who never paid.
    pub(super) fn forecast_all(
        &self,
        snapshot: &Snapshot,
    ) -> Result<Vec<Option<Customer>>, ValueError> {
        let clock = self.clock(snapshot.as_of);
        let forecaster = self.forecaster(clock);
        let covariates = covariates(&snapshot.features, &self.covariates)?;
        let season = self.season_factor(snapshot.as_of);
        let of_user = |row: usize| {
            let paid = &snapshot.purchases[row].paid;
            let covariates = covariates.row(row).to_vec();
            Customer::of(self, (clock, season), &forecaster, paid, &covariates)
        };
        Ok((0..snapshot.purchases.len()).into_par_iter().map(of_user).collect())
    }
}
