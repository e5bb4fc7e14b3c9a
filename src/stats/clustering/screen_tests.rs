//! The screened labels beside those of the exact kernel, and both at each level of
//! vector instructions.

use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::distances::{Nearest, PackedCentroids, STRIP};
use super::level::levels;
use super::screen::Screen;

/// Points and centroids, row by row.
struct Case {
    n_features: usize,
    points: Vec<f32>,
    centroids: Vec<f32>,
}

/// Random points and centroids, one of these twice where there are several. Some points
/// are duplicates, some lie halfway between two centroids, as exactly as single precision
/// allows, and some a unit in the last place beside that.
fn case(n_features: usize, n_centroids: usize, offset: f32, scale: f32) -> Case {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64((n_features * 100 + n_centroids) as u64);
    let mut random = |n_rows: usize| -> Vec<f32> {
        (0..n_rows * n_features)
            .map(|_| offset + scale * rng.sample::<f32, _>(StandardNormal))
            .collect()
    };
    let (mut points, mut centroids) = (random(300), random(n_centroids));
    if n_centroids > 2 {
        centroids.copy_within(n_features..2 * n_features, (n_centroids - 1) * n_features);
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    for _ in 0..150 {
        let mut any = || &centroids[rng.gen_range(0..n_centroids) * n_features..][..n_features];
        let (a, b) = (any(), any());
        points.extend(a.iter().zip(b).map(|(a, b)| a / 2.0 + b / 2.0));
    }
    for row in 300..400 {
        let value = &mut points[row * n_features + row % n_features];
        *value = if row % 2 == 0 { value.next_up() } else { value.next_down() };
    }
    points.extend_from_within(..40 * n_features);
    points.extend(&centroids);
    Case { n_features, points, centroids }
}

/// Labels and bits of the distances by the exact kernel, then labels by the screen.
fn found(case: &Case, level: fearless_simd::Level) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let n = case.n_features;
    let packed = PackedCentroids::at(level, &case.centroids, n);
    let screen = Screen::at(level, &case.centroids, n);
    let (mut labels, mut bits, mut screened) = (vec![], vec![], vec![]);
    let mut nearest = Nearest::new(n);
    for strip in case.points.chunks(STRIP * n) {
        let n_rows = strip.len() / n;
        nearest.find(strip, &packed);
        labels.extend(&nearest.labels[..n_rows]);
        bits.extend(nearest.first[..n_rows].iter().map(|d| d.to_bits()));
        bits.extend(nearest.second[..n_rows].iter().map(|d| d.to_bits()));
        nearest.find_labels(strip, &screen);
        screened.extend(&nearest.labels[..n_rows]);
    }
    (labels, bits, screened)
}

/// The nearest centroid in plain single precision, feature after feature.
fn plain(case: &Case) -> Vec<u32> {
    let n = case.n_features;
    let nearest = |row: &[f32]| {
        let mut best = (f32::INFINITY, 0);
        for (index, centroid) in case.centroids.chunks_exact(n).enumerate() {
            let squares = row.iter().zip(centroid).map(|(x, c)| (x - c) * (x - c));
            let distance = squares.fold(0.0, |sum, square| sum + square);
            if distance < best.0 {
                best = (distance, index as u32);
            }
        }
        best.1
    };
    case.points.chunks_exact(n).map(nearest).collect()
}

#[test]
fn every_level_gives_the_labels_of_plain_arithmetic() {
    let near = [(0.0, 1.0), (1e6, 1.0), (1e6, 0.1), (-3.0, 1e-20), (1e-6, 1e-12)];
    // Squares that underflow, subnormal values, squares about the largest and beyond.
    let extreme = [(0.0, 1e-18), (0.0, 1e-22), (0.0, 1e-40), (0.0, 1e14), (0.0, 2e17), (0.0, 1e19)];
    for n_features in [1, 2, 3, 7, 16, 32, 33] {
        for n_centroids in [1, 2, 5, 6, 7, 10, 13] {
            for (offset, scale) in near.into_iter().chain(extreme) {
                let case = case(n_features, n_centroids, offset, scale);
                let expected = plain(&case);
                let best = found(&case, fearless_simd::Level::new());
                for (name, level) in levels() {
                    let at = format!("{name} {n_features} {n_centroids} {offset} {scale}");
                    let (labels, bits, screened) = found(&case, level);
                    assert!(labels == expected, "exact {at}");
                    assert!(screened == expected, "screened {at}");
                    assert!(bits == best.1, "bits {at}");
                }
            }
        }
    }
}

#[test]
fn ordinary_points_need_no_exact_distances() {
    let Case { n_features, points, .. } = case(32, 1, 5.0, 1.0);
    let points = &points[..STRIP / 2 * n_features];
    let centroids = &points[..10 * n_features];
    for (name, level) in levels() {
        let mut nearest = Nearest::new(n_features);
        nearest.find_labels(&points[16 * n_features..], &Screen::at(level, centroids, n_features));
        assert!(nearest.first[..STRIP / 2 - 16].iter().all(|&first| first == 0.0), "{name}");
    }
}

#[test]
fn away_from_near_ties_labels_are_those_of_double_precision() {
    let case = case(32, 10, 0.0, 1.0);
    let (_, _, screened) = found(&case, fearless_simd::Level::new());
    for (row, label) in case.points.chunks_exact(32).zip(screened) {
        let distance = |c: &[f32]| -> f64 {
            row.iter().zip(c).map(|(x, c)| (f64::from(*x) - f64::from(*c)).powi(2)).sum()
        };
        let all: Vec<f64> = case.centroids.chunks_exact(32).map(distance).collect();
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(all[label as usize] <= least * (1.0 + 1e-5));
    }
}

#[test]
fn a_far_centroid_and_a_value_that_is_no_number_are_left_to_the_exact_kernel() {
    // One centroid far off makes every call too close for the screen.
    let mut far = case(4, 6, 0.0, 1.0);
    far.centroids[..4].fill(1e9);
    let mut broken = case(4, 6, 0.0, 1.0);
    broken.points[40] = f32::NAN;
    broken.points[81] = f32::INFINITY;
    broken.points[122] = 1e30;
    for (_, level) in levels() {
        assert_eq!(found(&far, level).2, plain(&far));
        let mut nearest = Nearest::new(4);
        nearest.find_labels(&broken.points[..200 * 4], &Screen::at(level, &broken.centroids, 4));
        let bad: Vec<usize> = (0..200).filter(|&row| !nearest.first[row].is_finite()).collect();
        assert_eq!(bad, [10, 20, 30]);
    }
}
