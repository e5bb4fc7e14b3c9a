//! Churn classifiers on rows from a file, for `churn.py`, which measures the
//! peers:
//!
//! ```sh
//! cargo bench --bench churn -- ROWS.f32 N_FEATURES CHURNED.u8
//! ```
//!
//! The files hold rows of raw little-endian floats, and one byte a row. The first
//! half of the rows trains, the second validates. Waits for the name of a
//! task on each line of the standard input and answers with its seconds and a
//! measure of its result, so that the two sides can take turns.

use std::io::{BufRead, Write};
use std::time::Instant;

use layercake::dataset::{Family, FeatureInfo, FeatureMatrix};
use layercake::models::churn::{FittedClassifier, FittedTrees, ReasonFinder};
use layercake::stats::boosting::{BoostedTrees, BoostingParams, Loss, Sample, fit_trees};
use layercake::stats::linear::{LogisticModel, LogisticParams};
use layercake::stats::metrics::{log_loss, roc_auc};
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use rayon::prelude::*;

const N_ROUNDS: usize = 200;

/// Rows whose trees are predicted and explained.
const N_EXPLAINED: usize = 50_000;

const N_REASONED: usize = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [rows, n_features, churned] = arguments.as_slice() else {
        // `cargo test --benches` and the like have nothing to measure.
        eprintln!("usage: ROWS.f32 N_FEATURES CHURNED.u8");
        return;
    };
    let n_features: usize = n_features.parse().expect("a number of features");
    let bytes = std::fs::read(rows).expect("a readable file");
    let (values, _) = bytes.as_chunks::<4>();
    let values: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    let rows = Array2::from_shape_vec((values.len() / n_features, n_features), values)
        .expect("whole rows");
    let churned = std::fs::read(churned).expect("a readable file");
    let churned: Vec<bool> = churned.iter().map(|&byte| byte == 1).collect();
    answer(&Data { rows, churned });
}

struct Data {
    rows: Array2<f32>,
    churned: Vec<bool>,
}

impl Data {
    fn n_training(&self) -> usize {
        self.churned.len() / 2
    }

    fn training(&self) -> (ArrayView2<'_, f32>, &[bool]) {
        let n = self.n_training();
        (self.rows.slice(s![..n, ..]), &self.churned[..n])
    }

    fn validation(&self) -> (ArrayView2<'_, f32>, &[bool]) {
        let n = self.n_training();
        (self.rows.slice(s![n.., ..]), &self.churned[n..])
    }

    fn trees(&self, max_leaves: usize) -> BoostedTrees {
        let (features, churned) = self.training();
        let target: Vec<f64> = churned.iter().map(|&it| f64::from(u8::from(it))).collect();
        let params = BoostingParams {
            loss: Loss::Log,
            learning_rate: 0.1,
            max_leaves,
            min_leaf_rows: 20,
            row_share: 1.0,
            feature_share: 1.0,
            // As many as LightGBM has.
            max_bins: 255,
            ..BoostingParams::default()
        };
        let sample = Sample { features, target: &target, weights: None, offset: None };
        fit_trees(&params, sample, N_ROUNDS, 1).expect("trees")
    }
}

fn answer(data: &Data) {
    let (training, churned) = data.training();
    let doubles = training.mapv(f64::from);
    let dataset = DatasetBase::new(doubles, Array1::from(churned.to_vec()));
    let large = data.trees(31);
    let small = data.trees(8);
    let explained = data.rows.slice(s![..N_EXPLAINED, ..]);
    let names: Vec<String> = (0..data.rows.ncols()).map(|column| format!("f{column}")).collect();
    let repeated: Vec<usize> = (0..N_REASONED).map(|row| row % data.rows.nrows()).collect();
    let many = data.rows.select(Axis(0), &repeated).mapv(f64::from);
    let many = FeatureMatrix::new(names.clone(), many).expect("a matrix");
    let classifier = FittedClassifier::Trees(FittedTrees { names, trees: small.clone() });
    // As many themes as the features of a shop have, each of a few features.
    let families =
        [Family::Orders, Family::Silence, Family::Gmv, Family::ActiveDays, Family::Response];
    let infos: Vec<FeatureInfo> = many
        .names()
        .iter()
        .zip(families.iter().cycle())
        .map(|(name, &family)| FeatureInfo { family, ..FeatureInfo::plain(name) })
        .collect();
    let finder = ReasonFinder::new(&classifier, &infos, &vec![0.0; infos.len()]);
    // As scoring has them: a bucket of users at a time.
    let starts = (0..many.n_rows()).step_by(4_096);
    let blocks: Vec<FeatureMatrix> =
        starts.map(|start| many.slice_rows(start..(start + 4_096).min(many.n_rows()))).collect();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let begin = Instant::now();
        let (seconds, result) = match line.as_str() {
            "logistic" => {
                let model = LogisticParams::default().fit(&dataset).expect("a minimum");
                (begin.elapsed(), validate_linear(data, &model))
            }
            "linfa" => {
                let model = LogisticRegression::default()
                    .alpha(1.0)
                    .max_iterations(300)
                    .gradient_tolerance(1.0)
                    .fit(&dataset)
                    .expect("a minimum");
                let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
                let coefficients = model.params().iter().map(|c| sign * c).collect();
                let model = LogisticModel { coefficients, intercept: sign * model.intercept() };
                (begin.elapsed(), validate_linear(data, &model))
            }
            "fit trees" => {
                let trees = data.trees(31);
                (begin.elapsed(), validate_trees(data, &trees))
            }
            "predict" => {
                let found = large.predict(explained).expect("predictions");
                (begin.elapsed(), found.iter().sum())
            }
            "contributions" => {
                let found = large.contributions(explained).expect("contributions");
                (begin.elapsed(), found.sum())
            }
            "reasons" => {
                let of_block = |block| finder.find(block, 3).expect("reasons").1.len();
                let n_found: usize = blocks.par_iter().map(of_block).sum();
                (begin.elapsed(), n_found as f64)
            }
            other => panic!("no task {other}"),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{} {result}", seconds.as_secs_f64()).expect("a reader");
        out.flush().expect("a reader");
    }
}

/// Log loss on the validation rows.
fn validate_linear(data: &Data, model: &LogisticModel) -> f64 {
    let (rows, churned) = data.validation();
    let coefficients = ArrayView1::from(&model.coefficients);
    let log_odds = rows.mapv(f64::from).dot(&coefficients) + model.intercept;
    let p: Vec<f64> = log_odds.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect();
    log_loss(&p, churned).expect("rows")
}

/// ROC AUC on the validation rows.
fn validate_trees(data: &Data, trees: &BoostedTrees) -> f64 {
    let (rows, churned) = data.validation();
    roc_auc(&trees.predict(rows).expect("predictions"), churned).expect("two classes")
}
