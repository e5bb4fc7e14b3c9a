//! Models of value on users made up for the purpose.

use chrono::{NaiveDate, NaiveDateTime};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_distr::{Beta, Distribution, Gamma};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::dataset::{FeatureMatrix, Outcomes, PaidDays, Purchases, Snapshot, UserIds};
use crate::stats::orders::OrderModelKind;

const HORIZON_DAYS: u32 = 90;

fn as_of() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 7, 1).unwrap().and_time(Default::default())
}

/// A snapshot of users by what they paid before and, in the horizon, after.
fn snapshot(users: &[(PaidDays, f64, f64)], covariate: Option<&dyn Fn(usize) -> f64>) -> Snapshot {
    let (names, width) = match covariate {
        Some(_) => (vec!["is_app".to_owned()], 1),
        None => (Vec::new(), 0),
    };
    let value = |(row, _): (usize, usize)| covariate.map_or(0.0, |of| of(row));
    let features =
        FeatureMatrix::new(names, Array2::from_shape_fn((users.len(), width), value)).unwrap();
    let purchases =
        users.iter().map(|(paid, ..)| Purchases { paid: *paid, ..Purchases::default() }).collect();
    let of = |value: fn(&(PaidDays, f64, f64)) -> f64| users.iter().map(value).collect();
    let outcomes = Outcomes::of_orders(of(|it| it.1), of(|it| it.2));
    let ids = UserIds::Integer((0..users.len() as i64).collect());
    Snapshot::new(as_of(), ids, features, purchases, Some(outcomes)).unwrap()
}

/// Customers of a BG/NBD model with Gamma-Gamma amounts, `rate` times as quick.
fn drawn(n: usize, rate: &dyn Fn(usize) -> f64) -> Vec<(PaidDays, f64, f64)> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(12);
    let mut users = Vec::new();
    for user in 0..n {
        let age: u32 = rng.gen_range(1..600);
        let orders = Gamma::new(0.7, rate(user) / 60.0).unwrap().sample(&mut rng);
        let leaves: f64 = Beta::new(0.9, 2.5).unwrap().sample(&mut rng);
        let mean = 6.0 / Gamma::new(4.0, 1.0 / 15.0).unwrap().sample(&mut rng);
        let amount = Gamma::new(6.0, mean / 6.0).unwrap();
        let mut days = vec![0u32];
        let mut time = 0.0;
        loop {
            time += -(1.0 - rng.r#gen::<f64>()).ln() / orders;
            if time >= f64::from(age + HORIZON_DAYS) {
                break;
            }
            if days.last() != Some(&(time as u32)) {
                days.push(time as u32);
            }
            if rng.gen_bool(leaves) {
                break;
            }
        }
        let before: Vec<u32> = days.iter().copied().filter(|&day| day < age).collect();
        let paid = PaidDays {
            n_days: before.len() as u32,
            n_weeks: before.len() as u32,
            n_months: before.len() as u32,
            first_days_ago: age,
            last_days_ago: age - before.last().unwrap(),
            amount: before.iter().map(|_| amount.sample(&mut rng)).sum(),
            n_set_aside: 0,
        };
        let n_after = days.len() - before.len();
        let gmv = (0..n_after).map(|_| amount.sample(&mut rng)).sum();
        users.push((paid, n_after as f64, gmv));
    }
    users
}

fn select(params: &ValueParams, snapshot: &Snapshot) -> Result<ValueSelection, NoValue> {
    select_value(params, HORIZON_DAYS, std::slice::from_ref(snapshot)).unwrap()
}

fn fit(params: &ValueParams, snapshot: &Snapshot) -> Result<FittedValue, NoValue> {
    let selection = select(params, snapshot)?;
    fit_value(params, HORIZON_DAYS, &selection, snapshot).unwrap()
}

#[test]
fn what_is_expected_comes_and_intervals_hold_it_as_often_as_they_say() {
    let snapshot = snapshot(&drawn(12_000, &|_| 1.0), None);
    let fitted = fit(&ValueParams::default(), &snapshot).unwrap();
    let model = Mixed { fitted: &fitted, learned: None };
    let outcomes = snapshot.known_outcomes().unwrap();
    let layer_means = vec![1.0; snapshot.users.len()];
    let found = evaluate_value(model, &snapshot, outcomes, &layer_means, 1).unwrap();
    let orders = found.orders_ratio.unwrap();
    assert!((orders.expected / orders.actual - 1.0).abs() < 0.05, "{orders:?}");
    let amounts = found.amounts.unwrap();
    let total = amounts.total;
    assert!((total.expected / total.actual - 1.0).abs() < 0.07, "{total:?}");
    assert!((0.87..0.95).contains(&amounts.coverage), "{}", amounts.coverage);
    let by = |by: RankedBy| amounts.rankings.iter().find(|it| it.by == by).unwrap();
    let past = by(RankedBy::PastAmount).behind.unwrap();
    assert!(past.interval.unwrap().low > 0.0, "{past:?}");
    // A layer that has everybody in it says nothing.
    assert!(by(RankedBy::LayerMean).gini.value.unwrap().abs() < 1e-9);
    for row in &found.by_repeats {
        let error = (row.expected - row.actual).abs();
        assert!(error < 0.15 * row.actual + 0.05, "{row:?}");
    }
}

#[test]
fn the_order_of_users_does_not_matter() {
    let users = drawn(3_000, &|_| 1.0);
    let reversed: Vec<_> = users.iter().rev().copied().collect();
    let of = |users: &[_]| fit(&ValueParams::default(), &snapshot(users, None)).unwrap();
    assert_eq!(of(&users), of(&reversed));
}

#[test]
fn a_covariate_that_triples_the_rate_is_found() {
    let is_app = |user: usize| (user % 2) as f64;
    let users = drawn(16_000, &|user| 3f64.powf(is_app(user)));
    let snapshot = snapshot(&users, Some(&is_app));
    let params = ValueParams {
        model: ValueModelChoice::BgNbd,
        covariates: vec!["is_app".to_owned()],
        ..ValueParams::default()
    };
    let fitted = fit(&params, &snapshot).unwrap();
    let (effect, error) = (fitted.orders.model.effects[0], fitted.orders.errors_of_effects[0]);
    // Quick customers order twice on some days, which are one: a little is lost.
    assert!((effect.on_rate - 3f64.ln()).abs() < 0.1, "{effect:?} {error:?}");
    assert!(effect.on_leaving.abs() < 3.0 * error.on_leaving, "{effect:?} {error:?}");
    assert!(error.on_rate < 0.1);
    // Without it, who orders is known less well.
    let without = ValueParams { covariates: Vec::new(), ..params };
    let log_loss = |params| select(params, &snapshot).unwrap().candidates[0].log_loss;
    let params = ValueParams { covariates: vec!["is_app".to_owned()], ..without.clone() };
    assert!(log_loss(&params) < log_loss(&without));
}

#[test]
fn covariates_that_cannot_be_are_refused() {
    let users = drawn(500, &|_| 1.0);
    let snapshot = snapshot(&users, Some(&|row| row as f64));
    let params = ValueParams { covariates: vec!["is_app".to_owned()], ..ValueParams::default() };
    let error = select_value(&params, HORIZON_DAYS, &[snapshot]).unwrap_err().to_string();
    assert!(error.contains("is_app have more than 50 different values"), "{error}");
    let names = ["is_shop".to_owned(), "is_app".to_owned()];
    let error = check_covariates(&["is_ap".to_owned()], &names).unwrap_err().to_string();
    assert!(error.contains("no feature `is_ap`; did you mean `is_app`?"), "{error}");
}

#[test]
fn who_never_came_back_gives_no_model() {
    for n_repeaters in [0, MIN_REPEATERS - 1] {
        let once = PaidDays {
            n_days: 1,
            first_days_ago: 100,
            last_days_ago: 100,
            amount: 5.0,
            ..PaidDays::default()
        };
        let twice = PaidDays { n_days: 2, last_days_ago: 50, ..once };
        let mut users = vec![(once, 0.0, 0.0); 300];
        users[..n_repeaters].fill((twice, 0.0, 0.0));
        let refused = fit(&ValueParams::default(), &snapshot(&users, None)).unwrap_err();
        let expected =
            NoValue::FewRepeaters { n_repeaters, n_customers: 300, needed: MIN_REPEATERS };
        assert_eq!(refused, expected);
    }
    let refused = fit(&ValueParams::default(), &snapshot(&[], None)).unwrap_err();
    assert!(matches!(refused, NoValue::FewRepeaters { n_customers: 0, .. }), "{refused:?}");
    let one = drawn(1, &|_| 1.0);
    assert!(fit(&ValueParams::default(), &snapshot(&one, None)).is_err());
}

/// Customers who order on every day break what the models take them to be: the figures stay
/// finite, and the check says so.
#[test]
fn who_orders_every_day_is_told_apart_and_bg_bb_serves() {
    let users: Vec<(PaidDays, f64, f64)> = (0..400)
        .map(|user: u32| {
            let (first_days_ago, last_days_ago) = (40 + user % 200, 1 + user % 2);
            let n_days = first_days_ago - last_days_ago + 1 - user % 3;
            let paid = PaidDays {
                n_days,
                n_weeks: n_days / 7 + 1,
                n_months: n_days / 30 + 1,
                first_days_ago,
                last_days_ago,
                amount: 4.0 * f64::from(n_days),
                n_set_aside: 0,
            };
            (paid, 88.0, 352.0)
        })
        .collect();
    let snapshot = snapshot(&users, None);
    for model in [ValueModelChoice::Auto, ValueModelChoice::BgBb] {
        let fitted = match fit(&ValueParams { model, ..ValueParams::default() }, &snapshot) {
            Ok(fitted) => fitted,
            // A likelihood that has no maximum is said to have none.
            Err(NoValue::NoMaximum { .. }) => continue,
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(fitted.checks.share_of_daily_buyers, 1.0);
        let values = Mixed { fitted: &fitted, learned: None }.valuer(as_of()).values(&snapshot);
        for value in values.unwrap().into_iter().flatten() {
            assert!(value.expected_orders_horizon.is_finite(), "{value:?}");
            let amounts = value.amounts.unwrap();
            assert!(amounts.clv.is_finite() && amounts.clv_interval.high.is_finite());
            assert!((amounts.expected_order_value - 4.0).abs() < 0.5, "{amounts:?}");
        }
        if model == ValueModelChoice::BgBb {
            assert_eq!(fitted.orders.model.kind, OrderModelKind::BgBb);
            let of = values_of_first(&fitted, &snapshot);
            assert!((of.expected_orders_horizon - 88.0).abs() < 6.0, "{of:?}");
        }
    }
}

fn values_of_first(fitted: &FittedValue, snapshot: &Snapshot) -> UserValue {
    Mixed { fitted, learned: None }.valuer(as_of()).values(snapshot).unwrap()[0].unwrap()
}

#[test]
fn a_longer_horizon_no_discount_and_a_margin_do_what_they_say() {
    let snapshot = snapshot(&drawn(2_000, &|_| 1.0), None);
    let clv = |params: &ValueParams| -> f64 {
        let fitted = fit(params, &snapshot).unwrap();
        let values = Mixed { fitted: &fitted, learned: None }.valuer(as_of()).values(&snapshot);
        values.unwrap().into_iter().flatten().map(|it| it.amounts.unwrap().clv).sum()
    };
    let base = ValueParams { model: ValueModelChoice::MbgNbd, ..ValueParams::default() };
    let days = |n| crate::settings::Days::of(n);
    let share = crate::settings::Share::of;
    let year = clv(&base);
    let undiscounted = clv(&ValueParams { discount_yearly: share(0.0), ..base.clone() });
    assert!(undiscounted > year * 1.01 && undiscounted < year * 1.1);
    let longer = clv(&ValueParams { horizon_days: days(730), ..base.clone() });
    assert!(longer > year * 1.2 && longer < year * 2.0);
    let half = clv(&ValueParams { margin: crate::settings::Margin::of(0.5), ..base });
    assert!((half / year - 0.5).abs() < 1e-9);
}

#[test]
fn days_that_came_to_nothing_are_counted_and_no_amounts_give_no_value() {
    let mut users = drawn(2_000, &|_| 1.0);
    for user in &mut users {
        user.0.amount = 0.0;
    }
    users[7].0.n_set_aside = 3;
    let snapshot = snapshot(&users, None);
    let fitted = fit(&ValueParams::default(), &snapshot).unwrap();
    assert_eq!((fitted.n_days_set_aside, &fitted.spend), (3, &SpendModel::NoAmounts));
    let value = values_of_first(&fitted, &snapshot);
    assert!(value.amounts.is_none() && value.p_order_horizon > 0.0);
}

#[test]
fn repeat_orders_of_the_weeks_to_come_are_about_as_many_as_expected() {
    let users = drawn(8_000, &|_| 1.0);
    let now = snapshot(&users, None);
    let fitted = fit(&ValueParams::default(), &now).unwrap();
    let mut tracker = Tracker::new(&fitted, &now).unwrap();
    tracker.count(&now);
    let later = |user: &(PaidDays, f64, f64)| {
        let paid = PaidDays { n_days: user.0.n_days + user.1 as u32, ..user.0 };
        (paid, 0.0, 0.0)
    };
    let mut later = snapshot(&users.iter().map(later).collect::<Vec<_>>(), None);
    later.as_of = as_of() + chrono::Days::new(u64::from(HORIZON_DAYS));
    tracker.count(&later);
    let tracking = tracker.tracking();
    let [weeks] = tracking.weeks[..] else { panic!("{tracking:?}") };
    let actual: f64 = users.iter().map(|user| user.1).sum();
    assert_eq!((weeks.actual, weeks.is_foretold), (actual, true));
    assert!((weeks.expected / actual - 1.0).abs() < 0.08, "{weeks:?}");
    assert!(weeks.interval.low < actual && actual < weeks.interval.high);
}
