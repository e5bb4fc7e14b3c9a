//! Answers of reference implementations, to the digits that they print.

use super::sequential::Paths;
use super::*;
use crate::stats::distributions::{normal_quantile, normal_two_sided};
use crate::stats::resample::Interval;

const MEAN: MetricForm = MetricForm { is_ratio: false, covariate: CovariateOf::None };
const RATIO: MetricForm = MetricForm { is_ratio: true, covariate: CovariateOf::None };

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} for {expected}");
}

/// To the digits of a figure that is printed in full.
fn full(found: f64, expected: f64) {
    near(found, expected, 1e-9 * expected.abs().max(1e-6));
}

fn ends(found: Interval, [low, high]: [f64; 2], tolerance: f64) {
    near(found.low, low, tolerance);
    near(found.high, high, tolerance);
}

/// An arm of one column.
fn sums(n: f64, sum: f64, squares: f64) -> Moments {
    let mut products = [[0.0; N_COLUMNS]; N_COLUMNS];
    products[0][0] = squares;
    Moments::from_sums(n, [sum, 0.0, 0.0, 0.0], products)
}

fn effect(control: &Moments, treated: &Moments, form: MetricForm, coefficient: f64) -> Effect {
    let found = estimates(&[control.clone(), treated.clone()], form, coefficient);
    Effect::between(found[0], found[1])
}

/// A share whose variance is p(1 − p), as GrowthBook has it.
fn share(n: f64, successes: f64) -> Estimate {
    let value = successes / n;
    Estimate { n, value, unit_variance: value * (1.0 - value) }
}

fn fixed(effect: &Effect) -> Interval {
    effect.interval(effect.one_look(0.05))
}

fn lift(effect: &Effect, kind: LiftInterval) -> Interval {
    effect.lift_interval(kind, effect.one_look_of_lift(kind, 0.05)).unwrap()
}

fn counts(counts: &[u64], weights: &[f64]) -> Mismatch {
    let arms = counts.iter().zip(weights).map(|(&n, &weight)| ArmCount { n, weight });
    mismatch(&arms.collect::<Vec<_>>())
}

/// Sources: SRM Checker (tests and FAQ), Avast ep-stats (evaluations_checks.csv), SciPy,
/// tea-tasting (test_proportion.py).
#[test]
fn sample_ratio_mismatch() {
    let twelve = |n: u64, other: u64| counts(&[n * 12, other * 12], &[1.0, 1.0]).chi_square;
    full(counts(&[600, 400], &[1.0, 1.0]).p_value, 2.5396285894708634e-10);
    near(counts(&[1000, 950, 1050, 1000], &[25.0; 4]).p_value, 0.171797, 1e-6);
    let found = counts(&[5000, 5100, 5200], &[1.0; 3]);
    near(found.chi_square, 3.9215686, 1e-7);
    near(found.p_value, 0.140747987, 1e-9);
    let found = counts(&[5000, 5100, 5300], &[1.0; 3]);
    near(found.chi_square, 9.090909, 1e-6);
    near(found.p_value, 0.0106153, 1e-7);
    let found = counts(&[21307, 21387, 21306], &[1.0; 3]);
    near(found.chi_square, 0.202531, 1e-6);
    near(found.p_value, 0.903693, 1e-6);
    full(counts(&[502, 498], &[1.0, 1.0]).p_value, 0.8993431885613663);
    full(counts(&[53, 47], &[1.0, 1.0]).p_value, 0.6172994135892521);
    // The statistic is the same above and below the limit of the exact test.
    full(twelve(53, 47), 12.0 * counts(&[53, 47], &[1.0, 1.0]).chi_square);
}

#[test]
fn mismatch_of_few_users_in_several_arms_is_exact_and_an_arm_of_weight_0_takes_no_part() {
    let found = counts(&[10, 40, 50], &[1.0, 1.0, 1.0]);
    // SciPy: 3 * binomtest(10, 100, 1 / 3).pvalue
    full(found.p_value, 2.883174026289905e-07);
    let with_leak = counts(&[502, 498, 90], &[1.0, 1.0, 0.0]);
    full(with_leak.p_value, 0.8993431885613663);
    assert_eq!(counts(&[0, 0], &[1.0, 1.0]).p_value, 1.0);
    assert_eq!(counts(&[7], &[1.0]).p_value, 1.0);
}

/// Sources: GrowthBook gbstats (test_tests.py), Spotify confidence (test_ttest.py).
#[test]
fn welch_from_sums() {
    let (a, b) = (sums(3407.0, 1396.87, 52377.9767), sums(3461.0, 2422.7, 134698.29));
    let found = effect(&a, &b, MEAN, 0.0);
    near(found.difference(), 0.29, 5e-6);
    ends(fixed(&found), [0.04538, 0.53462], 5e-6);
    near(found.p_value(), 0.02016, 5e-6);
    near(found.standard_error(), 0.12478, 5e-6);
    near(found.lift().unwrap(), 0.70732, 5e-6);
    near(found.lift_standard_error().unwrap(), 0.37879, 5e-6);
    ends(lift(&found, LiftInterval::Delta), [-0.03526, 1.44989], 5e-6);
    let found = Effect::between(share(28.0, 14.0), share(30.0, 16.0));
    near(found.lift().unwrap(), 0.06667, 5e-6);
    near(found.lift_standard_error().unwrap(), 0.2717, 5e-6);
    ends(lift(&found, LiftInterval::Delta), [-0.47767, 0.61101], 2e-5);
    let (a, b) = (sums(48351.0, 1438602.0, 73305810.0), sums(50571.0, 1521974.0, 78621210.0));
    near(effect(&a, &b, MEAN, 0.0).p_value(), 0.03334, 0.0003334);
}

/// Sources: Howard's confseq (tests, from R), GrowthBook gbstats.
#[test]
fn intervals_of_every_look() {
    let at_5000 = AlwaysValid::narrowest_at(5_000.0, 0.05);
    for (n, critical) in [
        (100.0, 6.694388617066041),
        (1_000.0, 3.3638877257827815),
        (5_000.0, 3.0352089903762525),
        (10_000.0, 3.0614772188674166),
        (42_613.0, 3.2204653822096545),
        (100_000.0, 3.336857533786599),
    ] {
        full(at_5000.critical(0.05, n), critical);
    }
    // The bound on a sum whose variance is 100 is ten times the multiple of standard errors.
    let confseq = AlwaysValid::narrowest_at(100.0, 0.05);
    near(10.0 * confseq.critical(0.05, 100.0), 30.35209, 1e-5);
    let (a, b) = (sums(3000.0, 1396.87, 52377.9767), sums(3461.0, 2422.7, 134698.29));
    let found = effect(&a, &b, MEAN, 0.0);
    let at_1000 = AlwaysValid::narrowest_at(1_000.0, 0.05);
    near(found.lift().unwrap(), 0.50336, 5e-6);
    near(found.lift_standard_error().unwrap(), 0.33341, 5e-6);
    let interval = found.lift_interval(LiftInterval::Delta, found.every_look(at_1000, 0.05));
    ends(interval.unwrap(), [-0.55844, 1.56516], 5e-6);
    let z = found.lift().unwrap() / found.lift_standard_error().unwrap();
    assert_eq!(at_1000.p_value(z, 6_461.0), 1.0);
    let found = Effect::between(share(3000.0, 1396.0), share(3461.0, 2422.0));
    let interval = found.lift_interval(LiftInterval::Delta, found.every_look(at_5000, 0.05));
    near(found.lift().unwrap(), 0.50386, 5e-6);
    ends(interval.unwrap(), [0.40098, 0.60675], 5e-6);
    assert!(found.always_valid_p_value(at_5000) < 5e-6);
}

/// The integration over paths, by which the power of several looks is found: the levels of four
/// looks that spend alpha · share² of the alpha .01.
///
/// Source: Spotify confidence (test_bounds.py), after Lan & DeMets (1983), "Discrete sequential
/// boundaries for clinical trials", Biometrika 70.
#[test]
fn levels_of_planned_looks() {
    let mut paths = Paths::new(0.0);
    for (n, level) in [(250.0, 0.00095), (450.0, 0.00241), (630.0, 0.0041), (810.0, 0.00636)] {
        let share: f64 = n / 810.0;
        // The bound falls as more is spent.
        let (mut low, mut high) = (0.0, 9.0);
        while high - low > 1e-9 {
            let middle = 0.5 * (low + high);
            match paths.left_at(share, middle) > 0.01 * share * share {
                true => low = middle,
                false => high = middle,
            }
        }
        near(normal_two_sided(high), level, 1e-4);
        paths.look(share, high);
    }
}

/// Boundaries that others use and that are not offered here, to their own published figures:
/// Statsig's mSPRT is wider where the experiment is planned to end, ep-stats' formula for
/// O'Brien and Fleming's boundary raises more false alarms than its level says.
#[test]
fn boundaries_of_others() {
    // Statsig: 5,000 users an arm, variance 1, alpha .05.
    let (variance, n, alpha) = (1.0, 5_000.0, 0.05f64);
    let z = normal_quantile(1.0 - alpha / 2.0);
    let (of_difference, tau) = (2.0 * variance / n, z * z * 2.0 * variance / (2.0 * n));
    let log = (of_difference / (of_difference + tau)).ln();
    let widened = (of_difference + tau) / tau * (-2.0 * (alpha / 2.0).ln() - log);
    full(widened.sqrt(), 3.5845153597486736);
    assert!(AlwaysValid::narrowest_at(2.0 * n, alpha).critical(alpha, 2.0 * n) < widened.sqrt());
    // ep-stats: levels of confidence by day of a test of so many days.
    let critical = |days: f64, day: f64| z / (day / days).sqrt();
    for (days, day, level) in [(28.0, 8.0, 0.9998), (14.0, 14.0, 0.95), (7.0, 1.0, 0.9999)] {
        near((1.0 - normal_two_sided(critical(days, day))).min(0.9999), level, 5e-5);
    }
    let mut paths = Paths::new(0.0);
    let alarms = (1..=28)
        .fold(0.0, |_, day| paths.look(f64::from(day) / 28.0, critical(28.0, f64::from(day))));
    assert!(alarms > 0.06, "{alarms}");
}

/// Source: GrowthBook gbstats, one-sided sequence (Waudby-Smith et al. 2023, eq. 134), which is
/// not offered: a test that looks at one side alone does not see harm.
#[test]
fn a_one_sided_sequence_of_others_is_narrower_on_its_side() {
    let (a, b) = (sums(3000.0, 1396.87, 52377.9767), sums(3461.0, 2422.7, 134698.29));
    let found = effect(&a, &b, MEAN, 0.0);
    let n = 6_461.0;
    let one_sided = |alpha: f64| {
        let ln_alpha = (2.0 * alpha).ln();
        let x = n * ((1.0 - 2.0 * ln_alpha).ln() - 2.0 * ln_alpha) / 5_000.0;
        (2.0 * (x + 1.0) / x * (1.0 + (x + 1.0f64).sqrt() / (2.0 * alpha)).ln()).sqrt()
    };
    full(found.standard_error(), 0.12983081254184736);
    full(found.difference() - one_sided(0.05) * found.standard_error(), -0.12656844172804982);
    let two_sided = found.every_look(AlwaysValid::narrowest_at(5_000.0, 0.05), 0.05);
    assert!(one_sided(0.05) < two_sided);
}

/// An arm with all four columns.
fn four(n: f64, sums: [f64; 4], squares: [f64; 4], products: [[f64; 3]; 3]) -> Moments {
    let mut all = [[0.0; N_COLUMNS]; N_COLUMNS];
    for a in 0..N_COLUMNS {
        all[a][a] = squares[a];
        for b in a + 1..N_COLUMNS {
            all[a][b] = products[a][b - 1];
            all[b][a] = all[a][b];
        }
    }
    Moments::from_sums(n, sums, all)
}

/// Orders, sessions, and the same before, of a made-up shop.
fn shop_of_4000() -> [Moments; 2] {
    let control = four(
        2023.0,
        [1073.0, 4038.0, 1090.0, 4031.0],
        [2073.0, 10098.0, 2720.0, 13779.0],
        [[2648.0, 1691.0, 2692.0], [0.0, 2715.0, 9932.0], [0.0, 0.0, 3701.0]],
    );
    let treated = four(
        1977.0,
        [1133.0, 3920.0, 1006.0, 3941.0],
        [2121.0, 9698.0, 2380.0, 13579.0],
        [[2730.0, 1551.0, 2721.0], [0.0, 2407.0, 9738.0], [0.0, 0.0, 3324.0]],
    );
    [control, treated]
}

/// One column with its covariate.
fn with_covariate(n: f64, sums: [f64; 2], squares: [f64; 2], product: f64) -> Moments {
    let ([y, x], [yy, xx]) = (sums, squares);
    let products = [[0.0, product, 0.0], [0.0; 3], [0.0; 3]];
    four(n, [y, 0.0, x, 0.0], [yy, 0.0, xx, 0.0], products)
}

/// Source: tea-tasting 2.0, user guide and tests; sums remade from its generator.
#[test]
fn means_ratios_and_covariates_of_a_shop() {
    let [control, treated] = shop_of_4000();
    let orders = effect(&control, &treated, MEAN, 0.0);
    full(orders.control.value, 0.5304003954522986);
    full(orders.treated.value, 0.5730905412240769);
    full(orders.difference(), 0.04269014577177832);
    ends(fixed(&orders), [-0.010800201598205522, 0.09618049314176216], 1e-9);
    full(orders.lift().unwrap(), 0.08048664016431273);
    ends(lift(&orders, LiftInterval::Log), [-0.019515294044061937, 0.1906880061278886], 1e-9);
    full(orders.difference() / orders.standard_error(), 1.5647028839586707);
    full(orders.p_value(), 0.11773177998716207);
    let by_session = effect(&control, &treated, RATIO, 0.0);
    full(by_session.control.value, 0.2657256067360079);
    full(by_session.treated.value, 0.28903061224489796);
    ends(fixed(&by_session), [-0.002459433667909492, 0.04906944468568955], 1e-9);
    full(by_session.lift().unwrap(), 0.0877032732944063);
    ends(lift(&by_session, LiftInterval::Log), [-0.008944184133335975, 0.19377576095526305], 1e-9);
    full(by_session.p_value(), 0.07623759978168361);

    let arms = [control.clone(), treated.clone()];
    let form = MetricForm { covariate: CovariateOf::Mean, ..MEAN };
    let (theta, _) = covariate_coefficient(&arms, form).unwrap();
    let orders = effect(&control, &treated, form, theta);
    full(theta, 0.5212929717799638);
    full(orders.control.value, 0.522683301078168);
    full(orders.treated.value, 0.5809871936868317);
    full(orders.p_value(), 0.007330409808686834);
    let form = MetricForm { covariate: CovariateOf::Ratio, ..RATIO };
    let (theta, _) = covariate_coefficient(&arms, form).unwrap();
    let by_session = effect(&control, &treated, form, theta);
    full(theta, 0.556783365312487);
    full(by_session.control.value, 0.2615585590795329);
    full(by_session.treated.value, 0.29329282211631397);
    ends(lift(&by_session, LiftInterval::Log), [0.041648832528978996, 0.20710115387201355], 1e-8);
    full(by_session.p_value(), 0.002292943842523048);
}

#[test]
fn sessions_and_revenue_of_the_same_shop() {
    let form = MetricForm { covariate: CovariateOf::Mean, ..MEAN };
    let sessions = [
        with_covariate(2023.0, [4038.0, 4031.0], [10098.0, 13779.0], 9932.0),
        with_covariate(1977.0, [3920.0, 3941.0], [9698.0, 13579.0], 9738.0),
    ];
    full(effect(&sessions[0], &sessions[1], MEAN, 0.0).p_value(), 0.6740207199621847);
    let (theta, _) = covariate_coefficient(&sessions, form).unwrap();
    full(theta, 0.33215092428780846);
    full(effect(&sessions[0], &sessions[1], form, theta).p_value(), 0.6025811838143761);
    let revenue = [
        with_covariate(2023.0, [10602.6, 10678.43], [243736.4268, 405481.0443], 193410.1949),
        with_covariate(1977.0, [11328.43, 9331.96], [278029.8889, 284676.8592], 172016.7183),
    ];
    let plain = effect(&revenue[0], &revenue[1], MEAN, 0.0);
    full(plain.difference(), 0.48908310374047037);
    full(plain.p_value(), 0.12306988554251343);
    let (theta, _) = covariate_coefficient(&revenue, form).unwrap();
    let found = effect(&revenue[0], &revenue[1], form, theta);
    full(theta, 0.43337526316015745);
    full(found.control.value, 5.121453608942881);
    full(found.treated.value, 5.852468057212217);
    ends(lift(&found, LiftInterval::Log), [0.0377285768911062, 0.2583685084150027], 1e-8);
    full(found.p_value(), 0.006743929281205233);
    let small = effect(&sums(53.0, 30.0, 58.0), &sums(47.0, 18.0, 42.0 - 11.0), MEAN, 0.0);
    assert!(small.is_testable());
}

/// Source: tea-tasting (test_mean.py), 100 users.
#[test]
fn orders_of_a_hundred_users() {
    let found = effect(&sums(53.0, 30.0, 58.0), &sums(47.0, 18.0, 30.0), MEAN, 0.0);
    full(found.control.value, 0.5660377358490566);
    full(found.treated.value, 0.3829787234042553);
    ends(fixed(&found), [-0.5004359360326984, 0.13431791114309583], 1e-9);
    ends(lift(&found, LiftInterval::Log), [-0.6593351111187646, 0.34378920945924096], 1e-9);
    full(found.p_value(), 0.2551230546709908);
    full(found.difference() / found.standard_error(), -1.1447678040118034);
}

/// Source: GrowthBook gbstats (theta of regression adjustment).
#[test]
fn the_coefficient_of_four_users() {
    let (x, y) = ([0.3, 0.5, 0.9, 22.0], [2.0, 1.0, 5.0, 3.0]);
    let dot = |a: &[f64; 4], b: &[f64; 4]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (sum_y, sum_x) = (y.iter().sum(), x.iter().sum());
    let arm = with_covariate(4.0, [sum_y, sum_x], [dot(&y, &y), dot(&x, &x)], dot(&x, &y));
    let form = MetricForm { covariate: CovariateOf::Mean, ..MEAN };
    let (theta, _) = covariate_coefficient(&[arm.clone(), arm], form).unwrap();
    near(theta, 0.01864, 5e-6);
}

/// Source: GrowthBook gbstats (test_post_strat.py).
#[test]
fn five_strata() {
    let strata = [
        [
            [21.0, 330.0696210595999, 5377.811252605509],
            [42.0, 708.1220000911836, 12249.255519049513],
        ],
        [
            [65.0, 1391.96628040659, 30546.63404187155],
            [75.0, 1807.4703052657744, 45000.287664918586],
        ],
        [
            [102.0, 2916.824124651419, 86396.06886690554],
            [101.0, 3104.5399914554023, 98365.40553530994],
        ],
        [
            [151.0, 5172.587929941052, 182453.04528037464],
            [121.0, 4613.696610070716, 180520.64781229294],
        ],
        [
            [160.0, 6539.348445231273, 274981.98909352464],
            [162.0, 7431.953259880505, 349244.6690736718],
        ],
    ];
    let of_arm = |[n, sum, squares]: [f64; 3]| sums(n, sum, squares);
    let strata = strata.map(|[a, b]| effect(&of_arm(a), &of_arm(b), MEAN, 0.0));
    let found = post_stratified(&strata).unwrap();
    full(found.difference(), 3.548094377986586);
    full(found.standard_error(), 0.37634374823059685);
    full(found.lift().unwrap(), 0.10994584851937336);
    full(found.lift_standard_error().unwrap(), 0.012225394656480164);
}

/// Sources: GrowthBook (experiments.test.ts), tea-tasting (test_multiplicity.py).
#[test]
fn several_tests_together() {
    let all = |p: &[f64], correction, expected: &[f64]| {
        let found = adjusted_p_values(p, correction);
        found.iter().zip(expected).for_each(|(found, expected)| near(*found, *expected, 1e-12));
    };
    let p = [0.01, 0.04, 0.03, 0.005, 0.55, 0.6];
    all(&p, Correction::Holm, &[0.05, 0.12, 0.12, 0.03, 1.0, 1.0]);
    let p = [0.898, 0.138, 0.007, 0.964, 0.538, 0.006, 0.138];
    let expected = [0.964, 0.2415, 0.0245, 0.964, 0.7532, 0.0245, 0.2415];
    all(&p, Correction::BenjaminiHochberg, &expected);
    let p = [0.005, 0.06, 0.007, 0.04, 0.01, 0.03];
    all(&p, Correction::BenjaminiHochberg, &[0.02, 0.06, 0.02, 0.048, 0.02, 0.045]);
}

fn design(alpha: f64) -> Design {
    Design { alpha, power: 0.8, looks: None }
}

fn users_of_shares(a: f64, b: f64) -> f64 {
    let contrast = Contrast {
        control_variance: a * (1.0 - a),
        treated_variance: b * (1.0 - b),
        control_share: 0.5,
    };
    design(0.05).users_needed(b - a, contrast).unwrap() / 2.0
}

/// Sources: Booking.com's calculator by Avast ep-stats, Quizlet abracadabra, GrowthBook
/// (power.test.ts), G*Power by Spotify confidence, and Hillstrom's control.
#[test]
fn users_and_power() {
    for (lift, mean, sd, n) in [
        (0.1, 0.2, 1.2, 56512.0),
        (0.1, 0.2, 2.0, 156978.0),
        (0.1, 0.3, 1.2, 25117.0),
        (0.05, 0.3, 2.0, 279072.0),
    ] {
        let contrast = Contrast::alike(sd * sd, 0.5);
        let found = design(0.05).users_needed(lift * mean, contrast).unwrap() / 2.0;
        near(found, n, 1.0);
    }
    near(users_of_shares(0.4, 0.42), 9490.0, 1.0);
    near(users_of_shares(0.1, 0.11), 14749.0, 1.0);
    near(users_of_shares(0.49, 0.5), 39236.5, 1.0);
    // A 10 % and a 50 % lift of the spend of Hillstrom's control.
    let variance = (2870050.3621 - 13908.33f64.powi(2) / 21306.0) / 21305.0;
    let (mean, spend) = (13908.33 / 21306.0, Contrast::alike(variance, 0.5));
    let users = |lift: f64| design(0.05).users_needed(lift * mean, spend).unwrap() / 2.0;
    near(users(0.1), 494_679.0, 1.0);
    near(users(0.5), 19_787.0, 1.0);
    let (p, n1, n2) = (0.34, 225_725.0, 22_572.0);
    let contrast = Contrast {
        control_variance: p * (1.0 - p),
        treated_variance: (p + 0.01) * (1.0 - p - 0.01),
        control_share: n1 / (n1 + n2),
    };
    let se = contrast.standard_error(n1 + n2);
    near(design(0.03).power_to_find(0.01 / se, n1 + n2), 0.8, 0.005);
}

/// Source: GrowthBook (power.test.ts): lifts of three arms of 400,000 users. For those who
/// look all the time, it widens the standard error by the width of the sequence and reads
/// the power of one look; that is more than looking gives.
#[test]
fn power_of_lifts_at_one_look_and_at_every_look() {
    let (mean, variance, n) = (10.0, 3909.9997749994377, 400_000.0 / 3.0);
    let sequence = AlwaysValid::narrowest_at(5_000.0, 0.05);
    let widened = sequence.critical(0.05, 2.0 * n) / design(0.05).one_look();
    let se = |lift: f64| (variance / (n * mean * mean) * (1.0 + (1.0 + lift).powi(2))).sqrt();
    for (width, power, detectable) in [(1.0, 0.52144, 0.07027), (widened, 0.20596, 0.12821)] {
        near(design(0.05).power_to_find(0.05 / (width * se(0.05)), 2.0 * n), power, 5e-5);
        near(design(0.05).power_to_find(detectable / (width * se(detectable)), 2.0 * n), 0.8, 5e-4);
    }
    let often = Design { looks: Some(Looks { sequence, n_looks: 30 }), ..design(0.05) };
    let found = often.power_to_find(0.05 / se(0.05), 2.0 * n);
    assert!(found > 0.05 && found < 0.15, "{found}");
}

#[test]
fn who_looks_often_needs_more_users_and_knows_how_many() {
    let contrast = Contrast::alike(4.0, 0.5);
    let once = design(0.05).users_needed(0.1, contrast).unwrap();
    let sequence = AlwaysValid::narrowest_at(once, 0.05);
    let often = Design { looks: Some(Looks { sequence, n_looks: 20 }), ..design(0.05) };
    let needed = often.users_needed(0.1, contrast).unwrap();
    assert!(needed > 1.3 * once && needed < 2.5 * once, "{needed} {once}");
    near(often.power_to_find(0.1 / contrast.standard_error(needed), needed), 0.8, 0.002);
    near(often.detectable(contrast, needed), 0.1, 1e-3);
    near(design(0.05).detectable(contrast, once), 0.1, 1e-9);
    assert_eq!(often.users_needed(0.0, contrast), None);
    assert_eq!(design(0.05).users_needed(1e-12, contrast), None);
}

fn hillstrom() -> [Moments; 3] {
    [
        with_covariate(
            21306.0,
            [13908.33, 5132245.81],
            [2870050.3621, 2597172414.5563],
            4267933.8399,
        ),
        with_covariate(
            21307.0,
            [30311.69, 5174105.18],
            [6759024.4973, 2700687619.2752],
            9857526.2586,
        ),
        with_covariate(
            21387.0,
            [23038.11, 5187130.98],
            [4911446.5763, 2652326978.521],
            7513096.1923,
        ),
    ]
}

/// Source: Hillstrom's e-mail test, by GrowthBook's gbstats.
#[test]
fn spend_of_hillstroms_customers() {
    let [none, mens, womens] = hillstrom();
    let at_5000 = AlwaysValid::narrowest_at(5_000.0, 0.05);
    let found = effect(&none, &mens, MEAN, 0.0);
    full(found.difference(), 0.7698271558945367);
    ends(fixed(&found), [0.48513973256840753, 1.0545145792206658], 1e-9);
    near(found.p_value(), 1.1638149688e-07, 1e-15);
    full(found.lift().unwrap(), 1.1792887703620059);
    let delta = lift(&found, LiftInterval::Delta);
    near(delta.low, 0.5442847607294198, 1e-4);
    near(delta.high, 1.814292779994592, 1e-4);
    let sequential = found.interval(found.every_look(at_5000, 0.05));
    ends(sequential, [0.30206563672861214, 1.2375886750604612], 1e-9);
    near(found.always_valid_p_value(at_5000), 8.075374e-06, 1e-11);
    let form = MetricForm { covariate: CovariateOf::Mean, ..MEAN };
    let (theta, explained) = covariate_coefficient(&[none.clone(), mens.clone()], form).unwrap();
    let adjusted = effect(&none, &mens, form, theta);
    full(theta, 0.0012228965198244435);
    full(adjusted.difference(), 0.7674384994278023);
    ends(fixed(&adjusted), [0.48281285379578465, 1.0520641450598198], 1e-9);
    assert!(explained < 0.001, "{explained}");
    let found = effect(&none, &womens, MEAN, 0.0);
    full(found.difference(), 0.4244122159365966);
    ends(fixed(&found), [0.16895678988377866, 0.6798676419894145], 1e-9);
    near(found.p_value(), 0.00112939710236, 1e-12);
    let sequential = found.interval(found.every_look(at_5000, 0.05));
    ends(sequential, [0.004647535197626285, 0.844176896675567], 1e-9);
    near(found.always_valid_p_value(at_5000), 0.0446216585, 1e-9);
    let visits = [share(21306.0, 2262.0), share(21307.0, 3894.0)];
    let found = Effect::between(visits[0], visits[1]);
    full(found.difference(), 0.07658956365153125);
    ends(fixed(&found), [0.06995330334766282, 0.08322582395539967], 1e-6);
}

#[test]
fn the_interval_of_the_lift_excludes_no_lift_just_where_that_of_the_difference_does() {
    let control = Estimate { n: 400.0, value: 2.0, unit_variance: 30.0 };
    for step in 0..60 {
        let treated =
            Estimate { n: 500.0, value: 1.0 + 0.05 * f64::from(step), unit_variance: 25.0 };
        let found = Effect { control, treated, covariance: 0.001 };
        let interval = fixed(&found);
        let lift = lift(&found, LiftInterval::Fieller);
        assert_eq!(interval.low > 0.0, lift.low > 0.0, "{step}");
        assert_eq!(interval.high < 0.0, lift.high < 0.0, "{step}");
        assert_eq!(found.p_value() < 0.05, interval.low > 0.0 || interval.high < 0.0);
        // With costs in place of gains, the same the other way round.
        let turned = |it: Estimate| Estimate { value: -it.value, ..it };
        let costs = Effect { control: turned(control), treated: turned(treated), ..found };
        let of_costs = costs.lift_interval(LiftInterval::Fieller, costs.one_look(0.05)).unwrap();
        near(of_costs.low, -lift.high, 1e-12);
        near(costs.standard_error(), found.standard_error(), 1e-15);
    }
    // On the log scale as well, costs are gains turned round.
    let gain = Effect::between(control, Estimate { value: 2.4, ..control });
    let cost =
        Effect::between(Estimate { value: -2.0, ..control }, Estimate { value: -2.4, ..control });
    let (gain, cost) = (lift(&gain, LiftInterval::Log), lift(&cost, LiftInterval::Log));
    near(cost.low, -gain.high, 1e-12);
    near(cost.high, -gain.low, 1e-12);
    let unclear = Effect::between(Estimate { value: 0.1, ..control }, control);
    assert_eq!(unclear.lift_interval(LiftInterval::Fieller, 1.96), None);
}

/// Source: SciPy and numpy on Hillstrom: women's e-mail by newcomer, seven segments, men's by
/// channel.
#[test]
fn groups_that_differ_and_groups_that_do_not() {
    let found = heterogeneity(&[(0.1, 0.1), (0.4, 0.1)]).unwrap();
    full(found.q, 4.5);
    full(found.p_value, 0.033894853524689295);
    assert!(found.shrunken[0].effect > 0.1 && found.shrunken[1].effect < 0.4);
    assert!(found.shrunken.iter().all(|it| it.standard_error < 0.1));
    let alike = heterogeneity(&[(0.3, 0.2), (0.31, 0.1), (0.29, 0.4)]).unwrap();
    assert!(alike.p_value > 0.9);
    let common = (0.3 * 25.0 + 0.31 * 100.0 + 0.29 * 6.25) / 131.25;
    alike.shrunken.iter().for_each(|it| near(it.effect, common, 1e-12));
    assert_eq!(heterogeneity(&[(0.3, 0.2)]), None);
}

#[test]
fn a_policy_that_treats_all_alike_is_worth_what_its_arm_is() {
    let outcomes = [1.0, 0.0, 3.0, 2.0, 7.0, 1.0];
    let of_arm = |arm: usize| -> Vec<f64> {
        (0..6).map(|user| if user % 2 == arm { 2.0 } else { 0.0 }).collect()
    };
    let found = policy_value(&outcomes, &of_arm(0)).unwrap();
    full(found.value, 11.0 / 3.0);
    let other = policy_value(&outcomes, &of_arm(1)).unwrap();
    let (difference, se, interval) = value_difference(&found, &other, &[0; 6], 0.05);
    full(difference, 8.0 / 3.0);
    assert!(se > 0.0 && interval.low < difference && difference < interval.high);
    assert_eq!(value_difference(&found, &found, &[0; 6], 0.05).1, 0.0);
    let halves = value_difference(&found, &other, &[0, 1, 0, 1, 0, 1], 0.05).1;
    assert!(halves > se && halves <= 2f64.sqrt() * se * 1.000001, "{halves} {se}");
    assert_eq!(policy_value(&outcomes, &[0.0; 6]), None);
}
