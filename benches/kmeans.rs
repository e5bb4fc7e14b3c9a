//! k-means on points from a file, for `kmeans.py`, which measures the peers:
//!
//! ```sh
//! cargo bench --bench kmeans -- POINTS.f32 N_FEATURES START.f32 N_CLUSTERS N_ITERATIONS LEVEL
//! cargo bench --bench kmeans -- levels
//! ```
//!
//! LEVEL is one of the processor's levels of vector instructions, which `levels` prints.
//! Both files hold rows of raw little-endian floats. Waits for the name of a
//! task on each line of the standard input and answers with its seconds and
//! inertia, so that the two sides can take turns.

use std::io::{BufRead, Write};
use std::time::Instant;

use layercake::stats::clustering::{KMeansParams, Start, force_simd_level, simd_levels};
use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{Array1, Array2, ArrayView1};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if arguments == ["levels"] {
        let names = simd_levels().join(" ");
        writeln!(std::io::stdout(), "{names}").expect("a reader");
        return;
    }
    let [points, n_features, start, n_clusters, n_iterations, level] = arguments.as_slice() else {
        // `cargo test --benches` and the like have nothing to measure.
        eprintln!("usage: POINTS.f32 N_FEATURES START.f32 N_CLUSTERS N_ITERATIONS LEVEL | levels");
        return;
    };
    force_simd_level(level).expect("a level of this processor");
    let n_features = n_features.parse().expect("a number of features");
    let params = KMeansParams {
        n_clusters: n_clusters.parse().expect("a number of clusters"),
        max_iterations: n_iterations.parse().expect("a number of iterations"),
        tolerance: 0.0,
        start: Start::Given(read(start, n_features)),
        ..KMeansParams::default()
    };
    answer(&read(points, n_features), &params);
}

fn read(path: &str, n_features: usize) -> Array2<f32> {
    let bytes = std::fs::read(path).expect("a readable file");
    let (values, _) = bytes.as_chunks::<4>();
    let values: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    Array2::from_shape_vec((values.len() / n_features, n_features), values).expect("whole rows")
}

fn answer(points: &Array2<f32>, params: &KMeansParams) {
    let dataset = DatasetBase::from(points.view());
    let fitted = params.fit(&dataset).expect("clusters");
    let one = KMeansParams { max_iterations: 1, ..params.clone() };
    let starts = KMeansParams { start: Start::PlusPlus, tolerance: 1e-4, ..params.clone() };
    for line in std::io::stdin().lock().lines() {
        let begin = Instant::now();
        let inertia = match line.expect("a line").as_str() {
            "read" => total(points),
            "iterate" => params.fit(&dataset).expect("clusters").inertia,
            "iterate one" => one.fit(&dataset).expect("clusters").inertia,
            "linfa" => linfa(points, params),
            "ten starts" => starts.fit(&dataset).expect("clusters").inertia,
            "predict" => {
                let labels: Array1<usize> = fitted.predict(points);
                labels.sum() as f64
            }
            other => panic!("no task {other}"),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{} {inertia}", begin.elapsed().as_secs_f64()).expect("a reader");
        out.flush().expect("a reader");
    }
}

/// The limit: every value read once, by all threads.
fn total(points: &Array2<f32>) -> f64 {
    let values = points.as_slice().expect("rows in order");
    let parts = values.par_chunks(1 << 16).map(|part| f64::from(ArrayView1::from(part).sum()));
    parts.sum()
}

/// As many iterations of linfa's k-means, in single precision as well.
fn linfa(points: &Array2<f32>, params: &KMeansParams) -> f64 {
    let Start::Given(start) = &params.start else { panic!("a given start") };
    let rng = Xoshiro256PlusPlus::seed_from_u64(params.seed);
    let model = KMeans::params_with_rng(params.n_clusters, rng)
        .init_method(KMeansInit::Precomputed(start.clone()))
        .n_runs(1)
        .max_n_iterations(params.max_iterations as u64)
        .tolerance(f32::MIN_POSITIVE)
        .fit(&DatasetBase::from(points.view()))
        .expect("clusters");
    f64::from(model.inertia()) * points.nrows() as f64
}
