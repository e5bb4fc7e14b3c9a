use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::bg_bb::BgBb;
use super::bg_nbd::{BgNbd, Leaves};
use super::derivatives::ByParameters;
use super::order_times::GroupedTimes;
use super::pareto_nbd::ParetoNbd;
use crate::stats::numerics::{Derivatives, Maximum, Unfitted, maximise};

/// How customers order and leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderModelKind {
    /// At random times; they may leave after every repeat.
    BgNbd,
    /// At random times; they may leave after every order, the first included.
    MbgNbd,
    /// At random times; they may leave at any time.
    ParetoNbd,
    /// On occasions of a calendar.
    BgBb,
}

impl OrderModelKind {
    /// What it is called in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BgNbd => "BG/NBD",
            Self::MbgNbd => "MBG/NBD",
            Self::ParetoNbd => "Pareto/NBD",
            Self::BgBb => "BG/BB",
        }
    }

    /// What the papers call its parameters.
    pub fn parameter_names(self) -> [&'static str; 4] {
        match self {
            Self::BgNbd | Self::MbgNbd => ["r", "alpha", "a", "b"],
            Self::ParetoNbd => ["r", "alpha", "s", "beta"],
            Self::BgBb => ["alpha", "beta", "gamma", "delta"],
        }
    }

    /// By how much one unit of a covariate's effect on the rate of orders, and on leaving,
    /// moves the logarithm of each parameter.
    ///
    /// Source: Fader & Hardie (2007), "Incorporating time-invariant covariates into the
    /// Pareto/NBD and BG/NBD models", §3 and §4.
    fn moved_by_covariates(self) -> [[f64; 4]; 2] {
        match self {
            Self::BgNbd | Self::MbgNbd => [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]],
            Self::ParetoNbd => [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0]],
            Self::BgBb => [[0.0; 4]; 2],
        }
    }

    /// Where the search for a maximum begins, which is no more than the right size.
    fn start(self, grouped: &GroupedTimes) -> [f64; 4] {
        let customers = grouped.n_customers.max(1.0);
        let repeats = (grouped.n_repeats() / customers).max(1e-3);
        let ages: f64 = grouped.rows.iter().map(|(times, n)| n * times.age_weeks()).sum();
        let weeks = (ages / customers).max(0.1);
        match self {
            Self::BgNbd | Self::MbgNbd => [0.5, 0.5 * weeks / repeats, 1.0, 2.0],
            Self::ParetoNbd => [0.5, 0.5 * weeks / repeats, 0.5, weeks],
            Self::BgBb => [1.0, 1.0, 0.5, 2.0],
        }
    }

    /// The log-likelihood with its derivatives by the parameters.
    fn log_likelihood(self, parameters: [f64; 4], grouped: &GroupedTimes) -> ByParameters {
        match self {
            Self::BgNbd => BgNbd::new(parameters, Leaves::AfterRepeats).log_likelihood(grouped),
            Self::MbgNbd => BgNbd::new(parameters, Leaves::AfterEveryOrder).log_likelihood(grouped),
            Self::ParetoNbd => ParetoNbd::new(parameters).log_likelihood(grouped),
            Self::BgBb => BgBb::new(parameters).log_likelihood(grouped),
        }
    }
}

/// Customers of the same covariates.
#[derive(Debug, Clone, PartialEq)]
pub struct CovariateLevel {
    /// One number a covariate.
    pub covariates: Vec<f64>,
    /// When they ordered.
    pub customers: GroupedTimes,
}

impl CovariateLevel {
    /// Every tenth row.
    fn thinned(&self) -> Self {
        let rows = self.customers.rows.iter().step_by(10).copied().collect();
        Self { covariates: self.covariates.clone(), customers: GroupedTimes::of_counted(rows) }
    }
}

/// What one unit of a covariate does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CovariateEffect {
    /// Added to the logarithm of the rate of orders.
    pub on_rate: f64,
    /// Added to the logarithm of how soon customers leave; with BG/NBD of how alike they
    /// are in it.
    pub on_leaving: f64,
}

/// A model of orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderModel {
    /// Which.
    pub kind: OrderModelKind,
    /// In the order of [`OrderModelKind::parameter_names`]; times in weeks. Of a customer
    /// whose covariates are all 0.
    pub parameters: [f64; 4],
    /// One for each covariate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<CovariateEffect>,
}

/// A fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedOrders {
    /// The model.
    pub model: OrderModel,
    /// Of the parameters; `None` where the likelihood is flat.
    pub standard_errors: Option<[f64; 4]>,
    /// Of the effects of covariates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors_of_effects: Vec<CovariateEffect>,
    /// In nats.
    pub log_likelihood: f64,
    /// Customers.
    pub n_customers: usize,
    /// Customers with a repeat.
    pub n_repeaters: usize,
}

impl FittedOrders {
    /// Whether the likelihood is so flat that some parameter is known by its order at most.
    pub fn is_flat(&self) -> bool {
        let is_unknown = |(error, value): (&f64, &f64)| error > value;
        let known = self.standard_errors.as_ref();
        known.is_none_or(|errors| errors.iter().zip(&self.model.parameters).any(is_unknown))
    }
}

/// Rows from which a first fit to every tenth of them saves time.
const MANY_ROWS: usize = 20_000;

/// Penalty on half the square of an effect: it matters only where a level has few customers.
const PENALTY: f64 = 1.0;

/// Fits a model to customers by level of their covariates; all levels have as many.
///
/// # Errors
/// When no maximum is found.
pub fn fit_orders(
    kind: OrderModelKind,
    levels: &[CovariateLevel],
) -> Result<FittedOrders, Unfitted> {
    let n_covariates = levels.first().map_or(0, |level| level.covariates.len());
    let largest =
        levels.iter().max_by(|a, b| a.customers.n_customers.total_cmp(&b.customers.n_customers));
    let Some(largest) = largest else {
        return Err(Unfitted { n_steps: 0, gain: f64::INFINITY });
    };
    let mut start: Vec<f64> = kind.start(&largest.customers).map(f64::ln).to_vec();
    start.resize(4 + 2 * n_covariates, 0.0);
    if levels.iter().map(|level| level.customers.rows.len()).sum::<usize>() >= MANY_ROWS {
        let thinned: Vec<CovariateLevel> = levels.iter().map(CovariateLevel::thinned).collect();
        if let Ok(maximum) = maximise_likelihood(kind, &thinned, &start) {
            start = maximum.at;
        }
    }
    let maximum = maximise_likelihood(kind, levels, &start)?;
    Ok(fitted(kind, levels, &maximum, n_covariates))
}

fn maximise_likelihood(
    kind: OrderModelKind,
    levels: &[CovariateLevel],
    start: &[f64],
) -> Result<Maximum, Unfitted> {
    let moved: Vec<Array2<f64>> =
        levels.iter().map(|level| moves(kind, &level.covariates)).collect();
    maximise(start, |at| {
        let point = Array1::from(at.to_vec());
        let mut total = Derivatives::zeros(at.len());
        for (level, moved) in levels.iter().zip(&moved) {
            let logs = moved.dot(&point);
            let parameters: [f64; 4] = std::array::from_fn(|i| logs[i].exp());
            let of_level = kind.log_likelihood(parameters, &level.customers);
            let of_level = of_level.by_logarithms(&parameters);
            total.value += of_level.value;
            total.gradient += &moved.t().dot(&of_level.gradient);
            total.hessian += &moved.t().dot(&of_level.hessian).dot(moved);
        }
        for (i, effect) in at.iter().enumerate().skip(4) {
            total.value -= PENALTY / 2.0 * effect * effect;
            total.gradient[i] -= PENALTY * effect;
            total.hessian[[i, i]] -= PENALTY;
        }
        total
    })
}

fn fitted(
    kind: OrderModelKind,
    levels: &[CovariateLevel],
    maximum: &Maximum,
    n_covariates: usize,
) -> FittedOrders {
    let parameters: [f64; 4] = std::array::from_fn(|i| maximum.at[i].exp());
    let covariance = maximum.covariance.as_ref();
    let error = |i: usize| covariance.map_or(f64::INFINITY, |it| it[[i, i]].max(0.0).sqrt());
    let effect = |of: &dyn Fn(usize) -> f64, number: usize| CovariateEffect {
        on_rate: of(4 + number),
        on_leaving: of(4 + n_covariates + number),
    };
    let effects = |of: &dyn Fn(usize) -> f64| (0..n_covariates).map(|it| effect(of, it)).collect();
    let sum = |of: fn(&GroupedTimes) -> f64| {
        levels.iter().map(|level| of(&level.customers)).sum::<f64>() as usize
    };
    FittedOrders {
        model: OrderModel { kind, parameters, effects: effects(&|i| maximum.at[i]) },
        standard_errors: covariance
            .map(|_| std::array::from_fn(|i| parameters[i] * error(i)))
            .filter(|errors: &[f64; 4]| errors.iter().all(|it| it.is_finite())),
        errors_of_effects: match covariance {
            Some(_) => effects(&error),
            None => Vec::new(),
        },
        log_likelihood: maximum.value,
        n_customers: sum(|it| it.n_customers),
        n_repeaters: sum(GroupedTimes::n_repeaters),
    }
}

/// Logarithms of a level's parameters as sums of what is fitted: shape (4, 4 + twice the
/// covariates).
fn moves(kind: OrderModelKind, covariates: &[f64]) -> Array2<f64> {
    let n_covariates = covariates.len();
    let mut moves = Array2::zeros((4, 4 + 2 * n_covariates));
    let moved = kind.moved_by_covariates();
    for parameter in 0..4 {
        moves[[parameter, parameter]] = 1.0;
        for (number, value) in covariates.iter().enumerate() {
            moves[[parameter, 4 + number]] = moved[0][parameter] * value;
            moves[[parameter, 4 + n_covariates + number]] = moved[1][parameter] * value;
        }
    }
    moves
}

impl OrderModel {
    /// The parameters of customers with these covariates.
    pub(super) fn parameters_of(&self, covariates: &[f64]) -> [f64; 4] {
        let moved = self.kind.moved_by_covariates();
        std::array::from_fn(|i| {
            let by = self.effects.iter().zip(covariates).map(|(effect, value)| {
                value * (moved[0][i] * effect.on_rate + moved[1][i] * effect.on_leaving)
            });
            self.parameters[i] * by.sum::<f64>().exp()
        })
    }

    /// The log-likelihood of customers without covariates.
    pub fn log_likelihood(&self, customers: &GroupedTimes) -> f64 {
        self.kind.log_likelihood(self.parameters, customers).value
    }
}
