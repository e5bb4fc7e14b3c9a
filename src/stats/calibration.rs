//! From the log odds of a classifier to probabilities that hold.

use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::linear::{LinearError, LogisticParams, probability};

/// How probabilities are calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationMethod {
    /// A sigmoid (Platt scaling).
    #[serde(alias = "auto")]
    Sigmoid,
    /// An isotonic curve. It follows the season that it was fitted to: at later dates it did
    /// worse than a sigmoid on most data.
    Isotonic,
    /// As the classifier has them.
    None,
}

/// A monotone curve from a classifier's log odds to calibrated ones. It never
/// changes who ranks above whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Calibration {
    /// As they are.
    None,
    /// `slope × log odds + intercept`.
    ///
    /// Source: Platt (1999), "Probabilistic outputs for support vector machines".
    Sigmoid {
        /// Above zero.
        slope: f64,
        /// In log odds.
        intercept: f64,
    },
    /// Straight lines between points, of slope 1 beyond the first and the last.
    ///
    /// Source: Zadrozny & Elkan (2002), "Transforming classifier scores into
    /// accurate multiclass probability estimates"; centred as in Oron & Flournoy
    /// (2017), "Centered isotonic regression", so that the curve rises everywhere. It
    /// meets the rates at the centres of blocks; between distant ones the mean
    /// probability may be off, which [`intercept_shift`] sets right.
    Isotonic {
        /// The classifier's log odds, ascending.
        from: Vec<f64>,
        /// Calibrated log odds, ascending.
        to: Vec<f64>,
    },
}

impl Calibration {
    /// What it is called in tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sigmoid { .. } => "sigmoid",
            Self::Isotonic { .. } => "isotonic",
        }
    }

    /// Calibrated log odds.
    pub fn apply(&self, log_odds: f64) -> f64 {
        match self {
            Self::None => log_odds,
            Self::Sigmoid { slope, intercept } => slope * log_odds + intercept,
            Self::Isotonic { from, to } => interpolate(from, to, log_odds),
        }
    }

    /// Fits a curve to log odds of rows that the classifier was not fitted to, and
    /// their outcomes.
    ///
    /// # Errors
    /// When only one class is present, or a fit finds no minimum.
    pub fn fit(
        choice: CalibrationMethod,
        log_odds: &[f64],
        positive: &[bool],
    ) -> Result<Self, LinearError> {
        match choice {
            CalibrationMethod::None => Ok(Self::None),
            CalibrationMethod::Sigmoid => Self::sigmoid(log_odds, positive),
            CalibrationMethod::Isotonic => Ok(Self::isotonic(log_odds, positive)),
        }
    }

    fn sigmoid(log_odds: &[f64], positive: &[bool]) -> Result<Self, LinearError> {
        let points = Array2::from_shape_fn((log_odds.len(), 1), |(row, _)| log_odds[row]);
        let dataset = DatasetBase::new(points, Array1::from(positive.to_vec()));
        // A penalty keeps the slope finite where the classes do not overlap.
        let params =
            LogisticParams { l2_penalty: 1e-3, non_negative: vec![0], ..LogisticParams::default() };
        let model = params.fit(&dataset)?;
        // A classifier that knows nothing out of time keeps its order nonetheless.
        let slope = model.coefficients[0].max(1e-3);
        Ok(Self::Sigmoid { slope, intercept: model.intercept })
    }

    /// Pools adjacent violators; a block is a point at its mean.
    fn isotonic(log_odds: &[f64], positive: &[bool]) -> Self {
        let mut rows: Vec<(f64, f64)> = log_odds
            .iter()
            .zip(positive)
            .map(|(&x, &positive)| (x, f64::from(u8::from(positive))))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        // Blocks of rows, sum of log odds, number of positives.
        let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
        for (x, y) in rows {
            blocks.push((1.0, x, y));
            while let [.., above, last] = blocks[..] {
                let falls = above.2 / above.0 >= last.2 / last.0;
                let ties = above.1 / above.0 == last.1 / last.0;
                if !falls && !ties {
                    break;
                }
                blocks.truncate(blocks.len() - 2);
                blocks.push((above.0 + last.0, above.1 + last.1, above.2 + last.2));
            }
        }
        let (mut from, mut to) = (Vec::<f64>::new(), Vec::<f64>::new());
        for (n, sum, n_positive) in blocks {
            // Half a row of each class: no block is certain.
            let rate = (n_positive + 0.5) / (n + 1.0);
            let (x, y) = (sum / n, (rate / (1.0 - rate)).ln());
            if to.last().is_none_or(|&last| y > last) && from.last().is_none_or(|&last| x > last) {
                from.push(x);
                to.push(y);
            }
        }
        Self::Isotonic { from, to }
    }
}

fn interpolate(from: &[f64], to: &[f64], x: f64) -> f64 {
    let next = from.partition_point(|&at| at <= x);
    match (next.checked_sub(1), from.get(next)) {
        (None, None) => x,
        (None, Some(&first)) => to[0] + (x - first),
        (Some(last), None) => to[last] + (x - from[last]),
        (Some(below), Some(&above)) => {
            let share = (x - from[below]) / (above - from[below]);
            to[below] + share * (to[next] - to[below])
        }
    }
}

/// What to add to log odds so that the mean probability is `rate`, which must lie
/// between 0 and 1 (prior correction).
pub fn intercept_shift(log_odds: &[f64], rate: f64) -> f64 {
    let excess = |shift: f64| {
        log_odds.iter().map(|z| probability(z + shift)).sum::<f64>() / log_odds.len() as f64 - rate
    };
    let (mut low, mut high) = (-50.0, 50.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if excess(middle) > 0.0 { high = middle } else { low = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Log odds twice as sure as they should be.
    fn overconfident(n: usize) -> (Vec<f64>, Vec<bool>) {
        let truth = |row: usize| (row as f64 / n as f64) * 6.0 - 3.0;
        let log_odds = (0..n).map(|row| 2.0 * truth(row)).collect();
        let positive =
            (0..n).map(|row| (row * 7919 % n) as f64 / (n as f64) < probability(truth(row)));
        (log_odds, positive.collect())
    }

    #[test]
    fn a_sigmoid_halves_what_is_twice_too_sure() {
        let (log_odds, positive) = overconfident(10_007);
        let curve = Calibration::fit(CalibrationMethod::Sigmoid, &log_odds, &positive).unwrap();
        let Calibration::Sigmoid { slope, intercept } = curve else { panic!("{curve:?}") };
        assert!((slope - 0.5).abs() < 0.03 && intercept.abs() < 0.05, "{slope} {intercept}");
    }

    #[test]
    fn an_isotonic_curve_rises_everywhere_and_meets_the_rates() {
        let (log_odds, positive) = overconfident(4_001);
        let curve = Calibration::fit(CalibrationMethod::Isotonic, &log_odds, &positive).unwrap();
        let values: Vec<f64> = (-80..80).map(|x| curve.apply(f64::from(x) / 8.0)).collect();
        assert!(values.windows(2).all(|pair| pair[0] < pair[1]));
        for x in [-3.0, 0.0, 3.0] {
            assert!((probability(curve.apply(x)) - probability(x / 2.0)).abs() < 0.06);
        }
    }

    #[test]
    fn shifted_log_odds_have_the_rate() {
        let log_odds = [-1.0, 0.5, 2.0];
        let shift = intercept_shift(&log_odds, 0.7);
        let mean = log_odds.iter().map(|z| probability(z + shift)).sum::<f64>() / 3.0;
        assert!((mean - 0.7).abs() < 1e-9);
    }

    #[test]
    fn every_curve_rises_and_a_sigmoid_keeps_the_rate() {
        for seed in 0..12 {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let n = rng.gen_range(1_000..3_000);
            let slope = rng.gen_range(0.2..3.0);
            let log_odds: Vec<f64> = (0..n).map(|_| rng.gen_range(-4.0..4.0)).collect();
            let positive: Vec<bool> =
                log_odds.iter().map(|z| rng.gen_bool(probability(slope * z - 1.0))).collect();
            let rate = positive.iter().filter(|&&it| it).count() as f64 / n as f64;
            let fit = |method| Calibration::fit(method, &log_odds, &positive).unwrap();
            let curves = [fit(CalibrationMethod::Sigmoid), fit(CalibrationMethod::Isotonic)];
            for curve in &curves {
                let values: Vec<f64> =
                    (-60..60).map(|x| curve.apply(f64::from(x) / 10.0)).collect();
                assert!(values.is_sorted_by(|a, b| a < b), "{seed}: {curve:?}");
            }
            let calibrated: Vec<f64> = log_odds.iter().map(|&z| curves[0].apply(z)).collect();
            assert!(intercept_shift(&calibrated, rate).abs() < 1e-5, "{seed}: {curves:?}");
        }
    }
}
