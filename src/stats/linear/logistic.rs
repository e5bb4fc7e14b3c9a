use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_linalg::cholesky::SolveCInplace;
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, ArrayView2, Axis, Data, Ix2, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::LinearError;

/// Sums over rows are taken in so many parts, whatever the number of threads.
const N_PARTS: usize = 64;

/// Rows that are worked on while they are in the cache.
const BLOCK_ROWS: usize = 256;

/// Rows from which a first fit to every tenth of them saves time.
const MANY_ROWS: usize = 20_000;

/// L2-penalised logistic regression by Newton's method.
///
/// It minimises `Σ wᵢ log(1 + exp(−yᵢ zᵢ)) + ½ l2_penalty |β|²` over the coefficients
/// β and an intercept that is not penalised, as scikit-learn does with `C = 1 /
/// l2_penalty`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticParams {
    /// L2 penalty on the coefficients, zero or more.
    pub l2_penalty: f64,
    /// Columns whose coefficients must not be negative: those that would be are zero.
    pub non_negative: Vec<usize>,
    /// Newton steps at most.
    pub max_iterations: usize,
}

impl Default for LogisticParams {
    fn default() -> Self {
        Self { l2_penalty: 1.0, non_negative: Vec::new(), max_iterations: 50 }
    }
}

/// Coefficients of a weighted sum of columns that gives log odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticModel {
    /// One number a column.
    pub coefficients: Vec<f64>,
    /// Log odds where all columns are zero.
    pub intercept: f64,
}

impl<D: Data<Elem = f64>> Fit<ArrayBase<D, Ix2>, Array1<bool>, LinearError> for LogisticParams {
    type Object = LogisticModel;

    /// Fits records of shape (rows, columns) and one target a row, with the rows'
    /// weights if the dataset has any. The result depends on rows and their order,
    /// not on the number of threads.
    ///
    /// Source: Hastie, Tibshirani & Friedman (2009), "The Elements of Statistical
    /// Learning", equation 4.26, with the penalty of equation 4.31 squared; steps
    /// are halved until they help.
    ///
    /// # Errors
    /// When weights are negative or all zero, only one class has weight, or no
    /// minimum is found.
    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, Array1<bool>>,
    ) -> Result<LogisticModel, LinearError> {
        let records = dataset.records.as_standard_layout();
        let weights: Option<Vec<f64>> =
            dataset.weights().map(|weights| weights.iter().map(|&w| f64::from(w)).collect());
        let problem = Problem::new(records.view(), dataset.targets.view(), weights.as_deref())?;
        self.solve(&problem)
    }
}

impl LogisticParams {
    /// Newton's method; a column that must not have a negative coefficient and gets one
    /// is dropped, until there is none. A dropped column never returns, so this is not
    /// always the minimum under the constraints: a column may be dropped that would have
    /// a positive coefficient once others are gone. In exchange it is a plain fit of
    /// the columns that stay.
    fn solve(&self, problem: &Problem<'_>) -> Result<LogisticModel, LinearError> {
        let width = problem.points.ncols();
        let mut is_free = vec![true; width];
        let mut start = self.start(problem)?;
        loop {
            let solution = self.newton(problem, start, &is_free)?;
            let against: Vec<usize> = self
                .non_negative
                .iter()
                .copied()
                .filter(|&column| solution[column] < 0.0)
                .collect();
            if against.is_empty() {
                let intercept = solution[width];
                let coefficients = solution.slice(s![..width]).to_vec();
                return Ok(LogisticModel { coefficients, intercept });
            }
            start = solution;
            for column in against {
                is_free[column] = false;
                start[column] = 0.0;
            }
        }
    }

    /// Where to start from: the solution for every tenth row, which takes a tenth
    /// of the time and is near that for all.
    fn start(&self, problem: &Problem<'_>) -> Result<Array1<f64>, LinearError> {
        let zeros = Array1::zeros(problem.points.ncols() + 1);
        if problem.points.nrows() < MANY_ROWS {
            return Ok(zeros);
        }
        let rows: Vec<usize> = (0..problem.points.nrows()).step_by(10).collect();
        let points = problem.points.select(Axis(0), &rows);
        let positive: Array1<bool> = rows.iter().map(|&row| problem.positive[row]).collect();
        let weights: Option<Vec<f64>> =
            problem.weights.map(|weights| rows.iter().map(|&row| weights[row]).collect());
        match Problem::new(points.view(), positive.view(), weights.as_deref()) {
            Ok(sample) => self.newton(&sample, zeros, &vec![true; points.ncols()]),
            // The sample may lack a class that all rows have.
            Err(_) => Ok(zeros),
        }
    }

    fn newton(
        &self,
        problem: &Problem<'_>,
        start: Array1<f64>,
        is_free: &[bool],
    ) -> Result<Array1<f64>, LinearError> {
        let mut at = start;
        let mut here = problem.derivatives(at.view(), self.l2_penalty);
        for _ in 0..self.max_iterations {
            here.hold(is_free);
            let gradient = here.gradient.clone().insert_axis(Axis(1));
            let step = here.hessian.clone().solvec_into(gradient)?.remove_axis(Axis(1));
            // Half of this is what the step would gain if the loss were quadratic.
            let decrement = step.dot(&here.gradient);
            if decrement <= 1e-9 * problem.total_weight {
                return Ok(at - step);
            }
            let mut length = 1.0;
            loop {
                let next = &at - &(&step * length);
                let there = problem.derivatives(next.view(), self.l2_penalty);
                if there.loss <= here.loss - 1e-4 * length * decrement {
                    (at, here) = (next, there);
                    break;
                }
                length /= 2.0;
                if length < 1e-6 {
                    return Err(LinearError::NoMinimum);
                }
            }
        }
        Err(LinearError::NoMinimum)
    }
}

/// Loss, gradient and Hessian at a point.
struct Derivatives {
    loss: f64,
    gradient: Array1<f64>,
    hessian: Array2<f64>,
}

impl Derivatives {
    /// Holds coefficients where they are.
    fn hold(&mut self, is_free: &[bool]) {
        for column in (0..is_free.len()).filter(|&column| !is_free[column]) {
            self.gradient[column] = 0.0;
            self.hessian.row_mut(column).fill(0.0);
            self.hessian.column_mut(column).fill(0.0);
            self.hessian[[column, column]] = 1.0;
        }
    }
}

struct Problem<'a> {
    points: ArrayView2<'a, f64>,
    positive: ArrayView1<'a, bool>,
    weights: Option<&'a [f64]>,
    total_weight: f64,
}

impl<'a> Problem<'a> {
    fn new(
        points: ArrayView2<'a, f64>,
        positive: ArrayView1<'a, bool>,
        weights: Option<&'a [f64]>,
    ) -> Result<Self, LinearError> {
        let total_weight = match weights {
            None => points.nrows() as f64,
            Some(weights) => {
                check_weights(weights)?;
                weights.iter().sum()
            }
        };
        let problem = Self { points, positive, weights, total_weight };
        let weight_of = |class: bool| -> f64 {
            (0..positive.len())
                .filter(|&row| positive[row] == class)
                .map(|row| problem.weight(row))
                .sum()
        };
        if weight_of(true) <= 0.0 || weight_of(false) <= 0.0 {
            let n_positive = positive.iter().filter(|&&it| it).count();
            return Err(LinearError::OneClass { n_rows: positive.len(), n_positive });
        }
        Ok(problem)
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    fn derivatives(&self, at: ArrayView1<f64>, l2_penalty: f64) -> Derivatives {
        let (n_rows, width) = self.points.dim();
        let part_rows = n_rows.div_ceil(N_PARTS).max(BLOCK_ROWS);
        let starts: Vec<usize> = (0..n_rows).step_by(part_rows).collect();
        let parts: Vec<Derivatives> = starts
            .par_iter()
            .map(|&start| self.part(start, (start + part_rows).min(n_rows), at))
            .collect();
        let mut sum = Derivatives {
            loss: 0.0,
            gradient: Array1::zeros(width + 1),
            hessian: Array2::zeros((width + 1, width + 1)),
        };
        for part in parts {
            sum.loss += part.loss;
            sum.gradient += &part.gradient;
            sum.hessian += &part.hessian;
        }
        let coefficients = at.slice(s![..width]);
        sum.loss += 0.5 * l2_penalty * coefficients.dot(&coefficients);
        sum.gradient.slice_mut(s![..width]).scaled_add(l2_penalty, &coefficients);
        for column in 0..width {
            sum.hessian[[column, column]] += l2_penalty;
        }
        // Keeps the solution unique where columns repeat each other.
        let jitter = 1e-9 * self.total_weight;
        sum.hessian.diag_mut().iter_mut().for_each(|value| *value += jitter);
        sum
    }

    /// Sums over some rows; the last column of a point is the intercept's one.
    fn part(&self, start: usize, end: usize, at: ArrayView1<f64>) -> Derivatives {
        let width = self.points.ncols();
        let mut sum = Derivatives {
            loss: 0.0,
            gradient: Array1::zeros(width + 1),
            hessian: Array2::zeros((width + 1, width + 1)),
        };
        let mut block = Array2::zeros((BLOCK_ROWS, width + 1));
        for first in (start..end).step_by(BLOCK_ROWS) {
            let last = (first + BLOCK_ROWS).min(end);
            let points = self.points.slice(s![first..last, ..]);
            let mut block = block.slice_mut(s![..last - first, ..]);
            let log_odds = points.dot(&at.slice(s![..width]));
            for (index, mut scaled) in block.rows_mut().into_iter().enumerate() {
                let row = first + index;
                let (z, weight) = (log_odds[index] + at[width], self.weight(row));
                let target = f64::from(u8::from(self.positive[row]));
                let p = probability(z);
                sum.loss += weight * (z.max(0.0) - target * z + (-z.abs()).exp().ln_1p());
                let residual = weight * (p - target);
                let scale = (weight * p * (1.0 - p)).sqrt();
                let point = points.row(index);
                for column in 0..width {
                    sum.gradient[column] += residual * point[column];
                    scaled[column] = scale * point[column];
                }
                sum.gradient[width] += residual;
                scaled[width] = scale;
            }
            ndarray::linalg::general_mat_mul(1.0, &block.t(), &block, 1.0, &mut sum.hessian);
        }
        sum
    }
}

/// Probability of some log odds.
pub fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Refuses weights that are negative or all zero.
fn check_weights(weights: &[f64]) -> Result<(), LinearError> {
    if let Some((row, &weight)) =
        weights.iter().enumerate().find(|(_, weight)| !weight.is_finite() || **weight < 0.0)
    {
        return Err(LinearError::Weight { row, weight });
    }
    match weights.iter().any(|&weight| weight > 0.0) {
        true => Ok(()),
        false => Err(LinearError::ZeroWeights),
    }
}

#[cfg(test)]
mod tests {
    use linfa_logistic::LogisticRegression;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn data(n: usize) -> (Array2<f64>, Array1<bool>) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let points = Array2::from_shape_fn((n, 4), |_| rng.gen_range(-2.0..2.0));
        let positive = points
            .rows()
            .into_iter()
            .map(|row| rng.r#gen::<f64>() < probability(0.4 + row[0] - 0.5 * row[1] + 0.1 * row[2]))
            .collect();
        (points, positive)
    }

    #[test]
    fn coefficients_are_those_of_linfa() {
        let (points, positive) = data(3_000);
        let dataset = DatasetBase::new(points, positive);
        let ours = LogisticParams { l2_penalty: 2.0, ..Default::default() }.fit(&dataset).unwrap();
        let reference = LogisticRegression::default()
            .alpha(2.0)
            .max_iterations(1_000)
            .gradient_tolerance(1e-8)
            .fit(&dataset)
            .unwrap();
        // The library may take either class as the positive one.
        let sign = if reference.labels().pos.class { 1.0 } else { -1.0 };
        for (ours, reference) in ours.coefficients.iter().zip(reference.params()) {
            assert!((ours - sign * reference).abs() < 1e-5, "{ours} {reference}");
        }
        assert!((ours.intercept - sign * reference.intercept()).abs() < 1e-5);
    }

    #[test]
    fn the_gradient_is_zero_at_the_coefficients() {
        for seed in 0..20 {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let (n_rows, width) = (rng.gen_range(50..400), rng.gen_range(1..6));
            let points = Array2::from_shape_fn((n_rows, width), |_| rng.gen_range(-3.0..3.0));
            let positive: Array1<bool> = (0..n_rows).map(|_| rng.gen_bool(0.3)).collect();
            let weights: Vec<f64> = (0..n_rows).map(|_| rng.gen_range(0.1..2.0)).collect();
            let problem = Problem::new(points.view(), positive.view(), Some(&weights)).unwrap();
            let params = LogisticParams {
                l2_penalty: 10f64.powi(seed as i32 % 4 - 2),
                ..Default::default()
            };
            let model = params.solve(&problem).unwrap();
            let mut at = Array1::from(model.coefficients);
            at.append(Axis(0), ndarray::aview1(&[model.intercept])).unwrap();
            let gradient = problem.derivatives(at.view(), params.l2_penalty).gradient;
            let largest = gradient.iter().fold(0.0, |largest: f64, it| largest.max(it.abs()));
            assert!(largest < 1e-6 * problem.total_weight, "{seed}: {gradient}");
        }
    }

    #[test]
    fn many_rows_give_the_same_with_any_number_of_threads() {
        let (points, positive) = data(30_000);
        let dataset = DatasetBase::new(points, positive);
        let with = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| LogisticParams::default().fit(&dataset).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn a_weight_of_two_is_a_row_twice() {
        let (points, positive) = data(200);
        let weights: Array1<f32> = (0..200).map(|row| (row % 3) as f32).collect();
        let rows: Vec<usize> =
            (0..200usize).flat_map(|row| std::iter::repeat_n(row, row % 3)).collect();
        let repeated = DatasetBase::new(
            points.select(Axis(0), &rows),
            rows.iter().map(|&row| positive[row]).collect::<Array1<bool>>(),
        );
        let weighted = DatasetBase::new(points, positive).with_weights(weights);
        let fit = |dataset| LogisticParams::default().fit(dataset).unwrap();
        let (weighted, repeated) = (fit(&weighted), fit(&repeated));
        for (a, b) in weighted.coefficients.iter().zip(&repeated.coefficients) {
            assert!((a - b).abs() < 1e-7);
        }
    }

    #[test]
    fn a_column_that_must_not_has_no_negative_coefficient() {
        let (points, positive) = data(2_000);
        let dataset = DatasetBase::new(points, positive);
        let params = LogisticParams { non_negative: vec![0, 1], ..Default::default() };
        let model = params.fit(&dataset).unwrap();
        assert_eq!(model.coefficients[1], 0.0);
        assert!(model.coefficients[0] > 0.5);
    }

    #[test]
    fn separable_classes_still_have_a_minimum() {
        let points = Array2::from_shape_fn((100, 1), |(row, _)| row as f64);
        let positive: Array1<bool> = (0..100).map(|row| row >= 50).collect();
        let model = LogisticParams::default().fit(&DatasetBase::new(points, positive)).unwrap();
        assert!(model.coefficients[0] > 0.1 && model.coefficients[0].is_finite());
    }

    #[test]
    fn bad_weights_and_one_class_are_refused() {
        let (points, positive) = data(50);
        let with = |weight: fn(usize) -> f32| {
            let dataset = DatasetBase::new(points.clone(), positive.clone())
                .with_weights((0..50).map(weight).collect());
            LogisticParams::default().fit(&dataset).unwrap_err().to_string()
        };
        assert!(with(|row| if row == 7 { -1.0 } else { 1.0 }).contains("row 7 is -1"));
        assert!(with(|_| 0.0).contains("all weights are zero"));
        let one_class = DatasetBase::new(points.clone(), Array1::from_elem(50, true));
        let error = LogisticParams::default().fit(&one_class).unwrap_err();
        assert!(error.to_string().contains("50 of 50"), "{error}");
    }
}
