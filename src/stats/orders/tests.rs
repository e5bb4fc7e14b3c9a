//! The models against what papers and packages print.

use super::active::Active;
use super::bg_bb::BgBb;
use super::pareto_nbd::ParetoNbd;
use super::*;

/// x, t_x, T and mean value of a repeat of the 2,357 customers of CDNOW's sample.
const CDNOW: &str = include_str!("../../../tests/it/data/value/cdnow_sample.csv");

fn cdnow() -> Vec<(OrderTimes, f64)> {
    CDNOW
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let number = |at: usize| cells[at].parse().unwrap();
            let (n_repeats, last_repeat, age) = (number(0), number(1), number(2));
            (OrderTimes { n_repeats, age, last_repeat }, cells[3].parse().unwrap())
        })
        .collect()
}

fn levels(customers: impl Iterator<Item = OrderTimes>) -> Vec<CovariateLevel> {
    let customers = GroupedTimes::of(customers.collect());
    vec![CovariateLevel { covariates: Vec::new(), customers }]
}

fn fit(kind: OrderModelKind) -> FittedOrders {
    fit_orders(kind, &levels(cdnow().into_iter().map(|it| it.0))).unwrap()
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} instead of {expected}");
}

const WEEK: f64 = DAYS_PER_WEEK;

fn weeks(n_repeats: u32, last: f64, age: f64) -> OrderTimes {
    let days = |weeks: f64| (weeks * WEEK).round() as u32;
    OrderTimes { n_repeats, age: days(age), last_repeat: days(last) }
}

fn forecast(model: &OrderModel, times: OrderTimes, n_weeks: f64) -> Forecast {
    let horizons = Horizons { short: n_weeks * WEEK, long: n_weeks * WEEK, discount: 0.0 };
    Forecaster::new(model.clone(), horizons).forecast(&times, &[])
}

fn model_of(kind: OrderModelKind, parameters: [f64; 4]) -> OrderModel {
    OrderModel { kind, parameters, effects: Vec::new() }
}

/// Of R's BTYD (its vignette) and of Fader, Hardie & Lee (2005).
#[test]
fn bg_nbd_is_that_of_the_paper() {
    let fitted = fit(OrderModelKind::BgNbd);
    near(fitted.log_likelihood, -9582.429, 2e-3);
    for (found, (expected, tolerance)) in fitted.model.parameters.iter().zip([
        (0.2426, 2e-4),
        (4.4137, 3e-3),
        (0.793, 2e-3),
        (2.426, 6e-3),
    ]) {
        near(*found, expected, tolerance);
    }
    let model = model_of(OrderModelKind::BgNbd, [0.2425967, 4.413659, 0.7929869, 2.426164]);
    let loyal = OrderTimes { n_repeats: 26, last_repeat: 216, age: 217 };
    let ahead = forecast(&model, loyal, 52.0);
    near(ahead.short.orders, 25.75659, 2e-4);
    near(ahead.p_alive, 0.9688523, 1e-6);
    near(forecast(&model, weeks(2, 30.43, 38.86), 39.0).short.orders, 1.226, 1e-3);
    near(forecast(&model, weeks(0, 0.0, 0.0), 52.0).short.orders, 1.444004, 1e-5);
    for (x, expected) in [(10, 0.3474606), (15, 0.04283391), (20, 0.004158973), (25, 0.0003583685)]
    {
        near(forecast(&model, weeks(x, 20.0, 39.0), 52.0).short.orders, expected, 1e-6);
    }
    for (n_weeks, expected) in [(1.0, 0.0532), (3.0, 0.1506), (32.0, 1.0437), (78.0, 1.857941)] {
        near(forecast(&model, weeks(0, 0.0, 0.0), n_weeks).short.orders, expected, 5e-5);
    }
    let rounded = model_of(OrderModelKind::BgNbd, [0.243, 4.414, 0.793, 2.426]);
    let p_order = forecast(&rounded, weeks(0, 0.0, 0.0), 39.0).short.p_order;
    near(1.0 - p_order, 0.5737864, 1e-6);
}

/// Of CLVTools' tests and of BTYD's vignette.
#[test]
fn pareto_nbd_is_that_of_the_packages() {
    let fitted = fit(OrderModelKind::ParetoNbd);
    near(fitted.log_likelihood, -9594.976, 2e-3);
    // β is flat: packages differ in its third digit.
    for (found, (expected, tolerance)) in fitted.model.parameters.iter().zip([
        (0.5533, 2e-3),
        (10.577, 0.02),
        (0.6063, 4e-3),
        (11.67, 0.1),
    ]) {
        near(*found, expected, tolerance);
    }
    let errors = fitted.standard_errors.unwrap();
    for (found, expected) in errors.iter().zip([0.0476264, 0.8427222, 0.1872594, 6.2105448]) {
        near(found / expected, 1.0, 0.03);
    }
    let model = model_of(OrderModelKind::ParetoNbd, [0.5533971, 10.5801985, 0.6060625, 11.6562237]);
    let loyal = OrderTimes { n_repeats: 26, last_repeat: 216, age: 217 };
    let ahead = forecast(&model, loyal, 52.0);
    near(ahead.short.orders, 25.45647, 3e-3);
    near(ahead.p_alive, 0.997874, 1e-6);
    near(forecast(&model, weeks(0, 0.0, 0.0), 52.0).short.orders, 1.473434, 5e-4);
    for (x, expected) in [(10, 0.7062289), (15, 0.1442396), (20, 0.02250658), (25, 0.00309267)] {
        near(forecast(&model, weeks(x, 20.0, 39.0), 52.0).short.orders, expected, 3e-4);
    }
    let model = model_of(OrderModelKind::ParetoNbd, [0.55, 10.56, 0.61, 11.64]);
    // Example of BTYD's manual.
    let of_weeks = [0.05077821, 0.09916088, 0.14542507, 0.18979930, 0.23247466, 0.27361274];
    for (week, expected) in of_weeks.iter().enumerate() {
        let ahead = forecast(&model, weeks(0, 0.0, 0.0), week as f64 + 1.0);
        near(ahead.short.orders, *expected, 1e-8);
    }
}

/// Of the tests of lifetimes: neighbours of the value at which its ₂F₁ changes its form.
#[test]
fn pareto_nbd_is_smooth_and_finite_where_others_overflow() {
    let smooth = model_of(OrderModelKind::ParetoNbd, [0.55, 10.58, 0.61, 11.67]);
    near(
        forecast(&smooth, weeks(132, 200.0, 200.0), 10.0).short.orders,
        6.206_051_788_963_242,
        1e-9,
    );
    near(
        forecast(&smooth, weeks(133, 200.0, 200.0), 10.0).short.orders,
        6.252_872_247_574_811,
        1e-9,
    );
    for (parameters, rows) in [
        (
            [10.465, 0.00798565181, 3.0516, 2.82],
            vec![(400, 5.0, 6.0, 5.1e-31), (500, 1.0, 37.0, 0.0), (500, 4.0, 37.0, 0.0)],
        ),
        (
            [0.5143, 2.8845, 0.2856, 14.1087],
            vec![
                (221, 103.42857, 103.57143, 0.99960),
                (254, 97.14286, 97.28571, f64::NAN),
                (161, 94.71429, 98.0, f64::NAN),
                (204, 98.57143, 99.42857, f64::NAN),
            ],
        ),
    ] {
        let model = model_of(OrderModelKind::ParetoNbd, parameters);
        for (x, last, age, expected) in rows {
            let times = weeks(x, last, age);
            let ahead = forecast(&model, times, 52.0);
            assert!((0.0..=1.0).contains(&ahead.p_alive), "{x} {last} {age}: {ahead:?}");
            assert!(ahead.short.orders.is_finite() && ahead.short.variance >= 0.0);
            if !expected.is_nan() {
                near(ahead.p_alive, expected, 1e-5 * expected + 1e-32);
            }
            let log_likelihood = model.log_likelihood(&GroupedTimes::of(vec![times]));
            assert!(log_likelihood.is_finite(), "{log_likelihood}");
        }
    }
    let bg = model_of(OrderModelKind::BgNbd, [0.243, 4.414, 0.793, 2.426]);
    assert_eq!(forecast(&bg, weeks(1_000, 10.0, 100.0), 5.0).p_alive, 0.0);
}

/// By quadrature with 40 digits: parameters, x, t_x, T, the log-likelihood, the chance to be
/// still there, and that of an order in 26 weeks of who is.
#[test]
fn pareto_nbd_is_exact_where_alpha_and_beta_are_far_apart() {
    let cases = [
        (
            [0.5, 15.0, 0.4, 0.05],
            0,
            0.0,
            60.0,
            -0.078_287_268_904,
            0.028_359_431_705,
            0.128_918_102_24,
        ),
        (
            [0.5, 15.0, 0.4, 0.5],
            0,
            0.0,
            60.0,
            -0.191_114_722_940,
            0.079_506_185_802,
            0.128_977_357_22,
        ),
        (
            [0.5, 15.0, 0.4, 2.0],
            2,
            30.0,
            60.0,
            -10.606_259_800_720,
            0.609_746_283_628,
            0.493_648_456_72,
        ),
        (
            [0.3, 1000.0, 0.2, 0.01],
            0,
            0.0,
            500.0,
            -0.017_102_177_837,
            0.103_467_573_856,
            0.005_116_079_43,
        ),
        (
            [0.6, 0.02, 1.5, 40.0],
            3,
            1.0,
            100.0,
            -5.820_514_241_073,
            7.749_346_281e-7,
            0.507_770_658_24,
        ),
        (
            [20.0, 900.0, 0.05, 0.1],
            40,
            10.0,
            12.0,
            -127.926_676_741_952,
            0.990_374_376_703,
            0.793_806_091_83,
        ),
        (
            [0.5, 0.01, 0.4, 0.02],
            0,
            0.0,
            300.0,
            -1.007_496_747_602,
            0.000_337_702_541,
            0.040_039_963_61,
        ),
        // All leave at one rate, which s and β tell only together.
        (
            [1.0, 10.0, 13_333.0, 562_372.0],
            2,
            30.0,
            60.0,
            -9.853_071_789_317,
            0.267_371_513_610,
            0.486_539_770_20,
        ),
    ];
    for (parameters, x, last, age, log_likelihood, p_alive, p_order) in cases {
        let model = model_of(OrderModelKind::ParetoNbd, parameters);
        let times = weeks(x, last, age);
        near(model.log_likelihood(&GroupedTimes::of(vec![times])), log_likelihood, 1e-9);
        let of = ParetoNbd::new(parameters);
        near(of.p_alive(x.into(), last, age), p_alive, 1e-9);
        near(Active::of_pareto_nbd(&of, x.into(), age).p_order(26.0), p_order, 1e-9);
        slopes_are_those_of_differences(of, &GroupedTimes::of(vec![times]));
    }
    // Of customers who came today: the end of the next order, far from now, is the hardest.
    for (parameters, p_order) in [
        ([0.5, 15.0, 0.4, 0.05], 0.064_304_368_972),
        ([0.5, 15.0, 0.4, 0.5], 0.146_471_073_990),
        ([0.3, 1000.0, 0.2, 0.01], 0.001_990_124_310),
        ([20.0, 900.0, 0.05, 0.1], 0.348_276_844_514),
        ([0.5, 0.01, 0.4, 0.02], 0.634_317_948_049),
    ] {
        let active = Active::of_pareto_nbd(&ParetoNbd::new(parameters), 0.0, 0.0);
        near(active.p_order(26.0), p_order, 1e-6);
    }
}

fn slopes_are_those_of_differences(model: ParetoNbd, customers: &GroupedTimes) {
    let at = [model.r, model.alpha, model.s, model.beta];
    let found = model.log_likelihood(customers);
    for i in 0..4 {
        let step = 1e-5 * at[i];
        let moved = |by: f64| {
            let mut parameters = at;
            parameters[i] += by;
            ParetoNbd::new(parameters).log_likelihood(customers)
        };
        let (up, down) = (moved(step), moved(-step));
        let slope = (up.value - down.value) / (2.0 * step);
        near(found.first[i], slope, 1e-5 * (1.0 + slope.abs()));
        let curve = (up.first[i] - down.first[i]) / (2.0 * step);
        near(found.second[i][i], curve, 1e-4 * (1.0 + curve.abs()));
    }
}

/// Example of BTYD's pnbd.DERT; values by quadrature and by Tricomi's U agree.
#[test]
fn discounted_orders_for_ever_are_those_of_btyd() {
    let model = ParetoNbd::new([0.5629966, 12.559037, 0.4081095, 10.5148048]);
    let value = |x: f64, last: f64| {
        let active = Active::of_pareto_nbd(&model, x, 77.86);
        model.p_alive(x, last, 77.86) * active.expect(f64::INFINITY, 0.0027).discounted_orders
    };
    near(value(7.0, 35.0), 1.864_183_3, 1e-6);
    let expected = [2.1992, 2.8435, 2.8671, 2.4454, 1.8405, 1.2624, 0.8096, 0.4948, 0.2920, 0.1679];
    for (x, expected) in (1..=10).zip(expected) {
        near(value(f64::from(x), 30.0), expected, 5e-5);
    }
}

/// The likelihood of both models at known parameters, on the papers' data.
#[test]
fn mbg_nbd_fits_cdnow_a_little_better() {
    let customers = GroupedTimes::of(cdnow().into_iter().map(|it| it.0).collect());
    assert_eq!(customers.rows.len(), 1016);
    let at = |kind, parameters| model_of(kind, parameters).log_likelihood(&customers);
    near(at(OrderModelKind::MbgNbd, [0.525, 6.183, 0.891, 1.614]), -9582.132, 5e-3);
    near(at(OrderModelKind::BgNbd, [0.2425945, 4.4136019, 0.7929199, 2.4258881]), -9582.429, 5e-3);
    let fitted = fit(OrderModelKind::MbgNbd);
    for (found, expected) in fitted.model.parameters.iter().zip([0.525, 6.183, 0.891, 1.614]) {
        near(found / expected, 1.0, 0.01);
    }
}

/// Frequency, recency, opportunities and donors of Fader, Hardie & Shang (2010).
const DONATIONS: [(u32, u32, f64); 22] = [
    (6, 6, 1203.0),
    (5, 6, 728.0),
    (4, 6, 512.0),
    (3, 6, 357.0),
    (2, 6, 234.0),
    (1, 6, 129.0),
    (5, 5, 335.0),
    (4, 5, 284.0),
    (3, 5, 225.0),
    (2, 5, 173.0),
    (1, 5, 119.0),
    (4, 4, 240.0),
    (3, 4, 181.0),
    (2, 4, 155.0),
    (1, 4, 78.0),
    (3, 3, 322.0),
    (2, 3, 255.0),
    (1, 3, 129.0),
    (2, 2, 613.0),
    (1, 2, 277.0),
    (1, 1, 1091.0),
    (0, 0, 3464.0),
];

fn donors() -> Vec<(OrderTimes, f64)> {
    let mut rows: Vec<(OrderTimes, f64)> = DONATIONS
        .iter()
        .map(|&(n_repeats, last_repeat, n)| (OrderTimes { n_repeats, age: 6, last_repeat }, n))
        .collect();
    rows.sort_by_key(|row| row.0);
    rows
}

#[test]
fn bg_bb_is_that_of_the_paper() {
    let customers = GroupedTimes::of_counted(donors());
    let level = CovariateLevel { covariates: Vec::new(), customers };
    let fitted = fit_orders(OrderModelKind::BgBb, &[level]).unwrap();
    near(fitted.log_likelihood, -33225.58, 1e-2);
    for (found, expected) in fitted.model.parameters.iter().zip([1.2035, 0.7497, 0.6568, 2.7838]) {
        near(found / expected, 1.0, 2e-3);
    }
    let parameters = [1.2035, 0.7497, 0.6568, 2.7838];
    let model = model_of(OrderModelKind::BgBb, parameters);
    let horizons = Horizons { short: 5.0, long: 10.0, discount: 0.0 };
    let ahead = |x, last_repeat, age| {
        let times = OrderTimes { n_repeats: x, age, last_repeat };
        Forecaster::new(model.clone(), horizons).forecast(&times, &[])
    };
    near(ahead(0, 0, 0).long.orders, 3.179805, 1e-3);
    let total: f64 = donors()
        .iter()
        .map(|(it, n)| n * ahead(it.n_repeats, it.last_repeat, 6).short.orders)
        .sum();
    near(total, 12884.2, 1.0);
    // The paper looks at the next occasion.
    let of = BgBb::new(parameters);
    let at_the_next = |x, last_repeat| {
        let times = OrderTimes { n_repeats: x, age: 6, last_repeat };
        of.p_alive(&times) * (of.delta + 6.0) / (of.gamma + of.delta + 6.0)
    };
    for (x, last, expected) in [(0, 0, 0.11), (2, 4, 0.59), (6, 6, 0.93)] {
        near(at_the_next(x, last), expected, 5e-3);
    }
}

/// Hardie's note 025, by the tests of lifetimes and of CLVTools.
#[test]
fn gamma_gamma_is_that_of_the_note() {
    let customers: Vec<Spend> = cdnow()
        .into_iter()
        .filter(|(times, _)| times.n_repeats > 0)
        .map(|(times, mean)| Spend { n_days: times.n_repeats, mean })
        .collect();
    let fitted = GammaGamma::fit(&customers).unwrap();
    assert_eq!(fitted.n_customers, 946);
    near(fitted.log_likelihood, -4055.9177, 2e-2);
    let GammaGamma { p, q, v } = fitted.model;
    near(p, 6.25, 6e-3);
    near(q, 3.74, 6e-3);
    near(v, 15.44, 2e-2);
    let expected = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17];
    for ((times, mean), expected) in cdnow().into_iter().zip(expected) {
        let spend = (times.n_repeats > 0).then_some(Spend { n_days: times.n_repeats, mean });
        near(fitted.model.expected_value(spend), expected, 0.06);
    }
}

/// Expected orders and pairs of a customer who is still there, by ₂F₁ with 40 digits:
/// parameters, x, age and length in weeks.
#[test]
fn expectations_are_exact_for_any_parameters() {
    let cases = [
        ([0.25, 4.4, 1.0, 2.4], 0, 30, 52.0, 0.306_042_089_041_31, 0.344_951_460_974),
        ([0.25, 4.4, 0.8, 2.4], 50, 5, 520.0, 319.095_764_521_43, 511_784.433_968),
        ([0.25, 4.4, 0.8, 2.4], 3, 0, 52.0, 13.501_282_313_465, 413.621_652_469),
        ([2.0, 10.0, 1e3, 1e3], 100, 40, 52.0, 2.101_101_101_101_1, 4.631_685_794_01),
        ([0.05, 0.1, 0.05, 0.3], 400, 60, 5.0, 33.214_627_159_899, 1_107.336_083_99),
        ([8.0, 3.0, 40.0, 900.0], 7, 1, 30.0, 23.757_136_553_276, 1_047.575_686_08),
        ([0.6, 10.0, 0.02, 0.05], 1, 100, 520.0, 7.277_327_413_917_6, 87.853_990_06),
    ];
    for (parameters, x, age, length, orders, pairs) in cases {
        let model = model_of(OrderModelKind::BgNbd, parameters);
        let times = OrderTimes { n_repeats: x, age: age * 7, last_repeat: age * 7 };
        let ahead = forecast(&model, times, length);
        let (of_active, p_alive) = (ahead.short, ahead.p_alive);
        near(of_active.orders / (p_alive * orders), 1.0, 1e-6);
        let square = of_active.variance + of_active.orders.powi(2);
        // Ten years ahead of five weeks is the hardest.
        near((square - of_active.orders) / (p_alive * pairs), 1.0, 2e-5);
    }
}
