//! How a model of value does at a date that no choice has seen.

use serde::{Deserialize, Serialize};

use super::{FittedValue, MixCandidate, Mixed, TrackedWeeks, UserValue, ValueError};
use crate::dataset::{Outcomes, PaidDays, Snapshot};
use crate::stats::metrics::{Ranked, log_loss, roc_auc};
use crate::stats::resample::{Interval, bootstrap, percentile_interval};

/// Resamples of customers behind every interval.
const N_RESAMPLES: usize = 500;

/// Repeats from which on customers are one row of the calibration.
const MANY_REPEATS: u32 = 7;

/// Share of customers who are the top.
const TOP: f64 = 0.1;

/// How a model of value does on the holdout snapshot, fitted to what was known then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueEvaluation {
    /// The model that is measured.
    pub fitted: FittedValue,
    /// Users who had paid before.
    pub n_customers: usize,
    /// Customers who ordered in the horizon.
    pub n_ordering: usize,
    /// Whether customers order: log loss in nats.
    pub log_loss: Option<f64>,
    /// ROC AUC of the same.
    pub roc_auc: Option<f64>,
    /// Days with an order, expected by actual, with an interval.
    pub orders_ratio: Option<RatioEstimate>,
    /// Customers by their repeats before.
    pub by_repeats: Vec<RepeatRow>,
    /// Repeat orders from week to week, in order.
    #[serde(default)]
    pub tracking: Vec<TrackedWeeks>,
    /// Customers whose repeat orders these are: a sample where they are many.
    #[serde(default)]
    pub n_tracked: usize,
    /// What is in money; `None` where the data has no amounts.
    pub amounts: Option<AmountScores>,
    /// The model of orders alone and other weights of learning, for comparison; empty where
    /// nothing was learned.
    pub mixes: Vec<MixCandidate>,
}

/// A ratio of sums.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatioEstimate {
    /// What was expected.
    pub expected: f64,
    /// What came.
    pub actual: f64,
    /// The 95 % interval of expected by actual.
    pub interval: Option<Interval>,
}

/// Customers with as many repeats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatRow {
    /// Repeats; in the last row at least as many.
    pub n_repeats: u32,
    /// Customers.
    pub n_customers: usize,
    /// Expected days with an order of one of them.
    pub expected: f64,
    /// Those that came.
    pub actual: f64,
}

/// How well amounts are predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmountScores {
    /// GMV, expected by actual.
    pub total: RatioEstimate,
    /// Of the model and of others.
    pub rankings: Vec<AmountRanking>,
    /// Mean absolute error of the mean of tenths of the customers, by predicted value, as a
    /// share of what a tenth paid.
    pub decile_error: Option<f64>,
    /// Share of the customers whose amount lies in their interval, which should be 90 %.
    pub coverage: f64,
    /// The same of those whose interval is more than 0.
    #[serde(default)]
    pub coverage_above_0: Option<f64>,
}

/// Something by which customers are put in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmountRanking {
    /// What.
    pub by: RankedBy,
    /// Normalised Gini.
    pub gini: Estimated,
    /// By how much the model's Gini is above; `None` for the model itself.
    pub behind: Option<Estimated>,
    /// Share of the amount that the top tenth of the customers paid.
    pub top_decile: Estimated,
}

/// What customers are put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankedBy {
    /// The model of value.
    Model,
    /// What they paid before.
    PastAmount,
    /// What they paid in the year before.
    PastYear,
    /// The mean of their layer, as of training.
    LayerMean,
}

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimated {
    /// On all customers; `None` where it is undefined.
    pub value: Option<f64>,
    /// From resamples of customers.
    pub interval: Option<Interval>,
}

/// Measures a model on a snapshot with outcomes; `layer_means` has for each of its users
/// the mean amount of their layer.
///
/// # Errors
/// When the matrix lacks a feature of the trees.
pub fn evaluate_value(
    model: Mixed<'_>,
    holdout: &Snapshot,
    outcomes: &Outcomes,
    layer_means: &[f64],
    seed: u64,
) -> Result<ValueEvaluation, ValueError> {
    let paid: Vec<PaidDays> = holdout.purchases.iter().map(|it| it.paid).collect();
    let values = model.valuer(holdout.as_of).values(holdout)?;
    let is_customer = |row: &usize| paid[*row].n_days > 0 && values[*row].is_some();
    let rows: Vec<usize> = (0..values.len()).filter(is_customer).collect();
    let customers: Vec<UserValue> = rows.iter().filter_map(|&row| values[row]).collect();
    let actual: Vec<f64> = rows.iter().map(|&row| outcomes.n_paid_days[row]).collect();
    let ordered: Vec<bool> = actual.iter().map(|&n| n > 0.0).collect();
    let p_order: Vec<f64> = customers.iter().map(|it| it.p_order_horizon).collect();
    let expected: Vec<f64> = customers.iter().map(|it| it.expected_orders_horizon).collect();
    let amounts: Option<Vec<_>> = customers.iter().map(|it| it.amounts).collect();
    let amounts = amounts.filter(|it| !it.is_empty()).map(|amounts| {
        let gmv: Vec<f64> = rows.iter().map(|&row| outcomes.gmv[row]).collect();
        let predicted: Vec<f64> = amounts.iter().map(|it| it.value_horizon).collect();
        let covered = |least: f64| {
            let intervals = amounts.iter().map(|it| it.value_horizon_interval).zip(&gmv);
            let chosen: Vec<_> = intervals.filter(|(it, _)| it.high >= least).collect();
            let n_inside = chosen.iter().filter(|(it, gmv)| it.contains(**gmv)).count();
            (!chosen.is_empty()).then(|| n_inside as f64 / chosen.len() as f64)
        };
        let of = |value: &dyn Fn(usize) -> f64| -> Vec<f64> {
            rows.iter().map(|&row| value(row)).collect()
        };
        let others = [
            (RankedBy::PastAmount, of(&|row| paid[row].amount)),
            (RankedBy::PastYear, of(&|row| holdout.purchases[row].orders.amount_365d)),
            (RankedBy::LayerMean, of(&|row| layer_means[row])),
        ];
        AmountScores {
            total: ratio(&predicted, &gmv, seed),
            rankings: rankings(&predicted, &others, &gmv, seed),
            decile_error: decile_error(&predicted, &gmv),
            coverage: covered(0.0).unwrap_or(0.0),
            coverage_above_0: covered(f64::MIN_POSITIVE),
        }
    });
    Ok(ValueEvaluation {
        fitted: model.fitted.clone(),
        n_customers: rows.len(),
        n_ordering: ordered.iter().filter(|&&it| it).count(),
        log_loss: log_loss(&p_order, &ordered),
        roc_auc: roc_auc(&p_order, &ordered),
        orders_ratio: (!rows.is_empty()).then(|| ratio(&expected, &actual, seed)),
        by_repeats: by_repeats(&rows, &paid, &expected, &actual),
        tracking: Vec::new(),
        n_tracked: 0,
        amounts,
        mixes: mixes(model, holdout, &rows, outcomes)?,
    })
}

/// How weights of learning do, the chosen one among them.
fn mixes(
    model: Mixed<'_>,
    holdout: &Snapshot,
    rows: &[usize],
    outcomes: &Outcomes,
) -> Result<Vec<MixCandidate>, ValueError> {
    let Some((trees, chosen)) = model.learned else { return Ok(Vec::new()) };
    let mut weights = vec![0.0, trees.credibility(), 1.0, chosen];
    weights.sort_unstable_by(f64::total_cmp);
    weights.dedup();
    let actual: Vec<f64> = rows.iter().map(|&row| outcomes.gmv[row].max(0.0)).collect();
    let measured = |weight: f64| {
        let mixed = Mixed { learned: Some((trees, weight)), ..model };
        let values = mixed.valuer(holdout.as_of).values(holdout)?;
        let amount = |row: &usize| Some(values[*row]?.amounts?.value_horizon);
        let expected: Option<Vec<f64>> = rows.iter().map(amount).collect();
        Ok(expected.map(|expected| MixCandidate::of(weight, &expected, &actual)))
    };
    let all: Result<Vec<Option<MixCandidate>>, ValueError> =
        weights.into_iter().map(measured).collect();
    Ok(all?.into_iter().flatten().collect())
}

fn ratio(expected: &[f64], actual: &[f64], seed: u64) -> RatioEstimate {
    let sum = |values: &[f64], copies: &[u32]| -> f64 {
        values.iter().zip(copies).map(|(value, &n)| value * f64::from(n)).sum()
    };
    let of_resample = |copies: &[u32]| {
        let came = sum(actual, copies);
        (came > 0.0).then(|| sum(expected, copies) / came)
    };
    let interval =
        percentile_interval(bootstrap(actual.len(), N_RESAMPLES, seed, of_resample).into_iter());
    RatioEstimate { expected: expected.iter().sum(), actual: actual.iter().sum(), interval }
}

fn by_repeats(
    rows: &[usize],
    paid: &[PaidDays],
    expected: &[f64],
    actual: &[f64],
) -> Vec<RepeatRow> {
    let of = |n_repeats: u32| {
        let is_of = |place: &usize| {
            let n = paid[rows[*place]].n_days - 1;
            n == n_repeats || n_repeats == MANY_REPEATS && n > MANY_REPEATS
        };
        let places: Vec<usize> = (0..rows.len()).filter(is_of).collect();
        let mean = |values: &[f64]| {
            places.iter().map(|&place| values[place]).sum::<f64>() / places.len() as f64
        };
        (!places.is_empty()).then(|| RepeatRow {
            n_repeats,
            n_customers: places.len(),
            expected: mean(expected),
            actual: mean(actual),
        })
    };
    (0..=MANY_REPEATS).filter_map(of).collect()
}

/// How well an order of customers does on a resample.
#[derive(Debug, Clone, Copy)]
struct OrderScores {
    gini: Option<f64>,
    top_share: Option<f64>,
}

/// The scores of all orders, the model's first.
type AllScores = Vec<OrderScores>;

fn rankings(
    model: &[f64],
    others: &[(RankedBy, Vec<f64>)],
    gmv: &[f64],
    seed: u64,
) -> Vec<AmountRanking> {
    // What was taken back is no less than nothing.
    let gmv: Vec<f64> = gmv.iter().map(|&it| it.max(0.0)).collect();
    let perfect = Ranked::new(&gmv);
    let all = [(RankedBy::Model, Ranked::new(model))]
        .into_iter()
        .chain(others.iter().map(|(by, scores)| (*by, Ranked::new(scores))));
    let all: Vec<(RankedBy, Ranked)> = all.collect();
    let measure = |copies: Option<&[u32]>| -> AllScores {
        let best = perfect.gini(&gmv, copies);
        let of = |(_, ranked): &(RankedBy, Ranked)| {
            let gini = ranked.gini(&gmv, copies).zip(best).map(|(it, best)| it / best);
            OrderScores { gini, top_share: ranked.top_share(&gmv, copies, TOP) }
        };
        all.iter().map(of).collect()
    };
    let on_all = measure(None);
    let resampled = bootstrap(gmv.len(), N_RESAMPLES, seed, |copies| measure(Some(copies)));
    let estimated = |of: &dyn Fn(&AllScores) -> Option<f64>| Estimated {
        value: of(&on_all),
        interval: percentile_interval(resampled.iter().map(of)),
    };
    all.iter()
        .enumerate()
        .map(|(place, (by, _))| AmountRanking {
            by: *by,
            gini: estimated(&|it| it[place].gini),
            behind: (place > 0)
                .then(|| estimated(&|it| it[0].gini.zip(it[place].gini).map(|(a, b)| a - b))),
            top_decile: estimated(&|it| it[place].top_share),
        })
        .collect()
}

/// Source: Wang, Liu & Miao (2019), "A deep probabilistic model for customer lifetime value
/// prediction", §4.2 (decile-level mean absolute percentage error).
fn decile_error(predicted: &[f64], gmv: &[f64]) -> Option<f64> {
    let mut rows: Vec<usize> = (0..gmv.len()).collect();
    rows.sort_by(|&a, &b| predicted[b].total_cmp(&predicted[a]));
    let size = rows.len().div_ceil(10).max(1);
    let errors: Option<Vec<f64>> = rows
        .chunks(size)
        .map(|tenth| {
            let sum = |values: &[f64]| tenth.iter().map(|&row| values[row]).sum::<f64>();
            let paid = sum(gmv);
            (paid > 0.0).then(|| (sum(predicted) - paid).abs() / paid)
        })
        .collect();
    errors.filter(|it| !it.is_empty()).map(|it| it.iter().sum::<f64>() / it.len() as f64)
}
