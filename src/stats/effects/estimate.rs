//! A metric's value in each arm, from moments.

use super::moments::{Moments, N_COLUMNS};

const VALUE: usize = 0;
const DIVISOR: usize = 1;
const BEFORE: usize = 2;
const DIVISOR_BEFORE: usize = 3;

/// How a metric follows from its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricForm {
    /// Whether it is one total by another, rather than a mean over users.
    pub is_ratio: bool,
    /// What it is adjusted by.
    pub covariate: CovariateOf,
}

/// What of the time before exposure a metric is adjusted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CovariateOf {
    /// Nothing.
    None,
    /// The mean of a number of each user.
    Mean,
    /// One total by another.
    Ratio,
}

/// A metric in one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Users.
    pub n: f64,
    /// The mean over users, or the ratio of totals; not a number where there are no users, or
    /// nothing to divide by.
    pub value: f64,
    /// Variance of what each user adds to it: that of the value is `1 / n` of this.
    pub unit_variance: f64,
}

impl Estimate {
    /// Variance of the value.
    pub fn variance(&self) -> f64 {
        self.unit_variance / self.n
    }
}

/// The metric in each arm, less `coefficient` times how far the arm's covariate lies from
/// that of all arms. The coefficient is that of [`covariate_coefficient`], or 0.
///
/// Source: Deng, Xu, Kohavi & Walker (2013), "Improving the sensitivity of online
/// controlled experiments by utilizing pre-experiment data", eq. 5; for ratios the delta
/// method of Deng, Knoblich & Lu (2018), "Applying the delta method in metric analytics",
/// eq. 3.
pub fn estimates(arms: &[Moments], form: MetricForm, coefficient: f64) -> Vec<Estimate> {
    let of_all = covariate(&Moments::pooled(arms.iter()), form);
    let estimate = |arm: &Moments| {
        let (value, mut gradient) = metric(arm, form);
        let mut adjusted = value;
        if let (Some((before, by_column)), Some((before_of_all, _))) =
            (covariate(arm, form), of_all)
        {
            adjusted -= coefficient * (before - before_of_all);
            gradient.iter_mut().zip(by_column).for_each(|(g, x)| *g -= coefficient * x);
        }
        // Of nobody, nothing is known.
        let value = if arm.n > 0.0 { adjusted } else { f64::NAN };
        Estimate { n: arm.n, value, unit_variance: quadratic(&gradient, &gradient, arm) }
    };
    arms.iter().map(estimate).collect()
}

/// θ of CUPED over all users of all arms together, and the share of the metric's variance
/// that the covariate explains. `None` without a covariate that varies.
///
/// Source: as [`estimates`], eq. 4.
pub fn covariate_coefficient(arms: &[Moments], form: MetricForm) -> Option<(f64, f64)> {
    let all = Moments::pooled(arms.iter());
    let (_, gradient) = metric(&all, form);
    let (_, before) = covariate(&all, form)?;
    let both = quadratic(&gradient, &before, &all);
    let (of_metric, of_covariate) =
        (quadratic(&gradient, &gradient, &all), quadratic(&before, &before, &all));
    let varies = of_covariate > 0.0 && of_metric > 0.0 && both.is_finite();
    varies.then(|| (both / of_covariate, (both * both / (of_covariate * of_metric)).min(1.0)))
}

type Gradient = [f64; N_COLUMNS];

/// The metric and what it changes by with the mean of each column.
fn metric(moments: &Moments, form: MetricForm) -> (f64, Gradient) {
    match form.is_ratio {
        true => ratio(moments, VALUE, DIVISOR),
        false => mean(moments, VALUE),
    }
}

fn covariate(moments: &Moments, form: MetricForm) -> Option<(f64, Gradient)> {
    match form.covariate {
        CovariateOf::None => None,
        CovariateOf::Mean => Some(mean(moments, BEFORE)),
        CovariateOf::Ratio => Some(ratio(moments, BEFORE, DIVISOR_BEFORE)),
    }
}

fn mean(moments: &Moments, column: usize) -> (f64, Gradient) {
    let mut gradient = [0.0; N_COLUMNS];
    gradient[column] = 1.0;
    (moments.means[column], gradient)
}

fn ratio(moments: &Moments, above: usize, below: usize) -> (f64, Gradient) {
    let mut gradient = [0.0; N_COLUMNS];
    let divisor = moments.means[below];
    if divisor == 0.0 {
        return (f64::NAN, gradient);
    }
    let value = moments.means[above] / divisor;
    gradient[above] = 1.0 / divisor;
    gradient[below] = -value / divisor;
    (value, gradient)
}

fn quadratic(a: &Gradient, b: &Gradient, moments: &Moments) -> f64 {
    let row = |(x, row): (&f64, &[f64; N_COLUMNS])| -> f64 {
        x * row.iter().zip(b).map(|(cell, y)| cell * y).sum::<f64>()
    };
    let sum: f64 = a.iter().zip(&moments.covariances).map(row).sum();
    // Of one gradient with itself, never below 0 but by rounding.
    if a == b { sum.max(0.0) } else { sum }
}
