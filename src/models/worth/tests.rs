use chrono::{Days, NaiveDate};
use ndarray::{Array1, Array2, array};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::history::{GroupHistory, GroupsAt, NOT_YET_SEEN};
use super::{
    Budget, MeasuredWorth, Offer, Offers, WorthAhead, WorthError, measure_offers, measure_worth,
    plan_contacts,
};
use crate::settings::{Finite, NonNegative};

const STEP_DAYS: u32 = 30;
const N_USERS: usize = 6_000;

fn ahead() -> WorthAhead {
    WorthAhead { horizon_days: 120, discount_yearly: 0.0, margin: 0.5 }
}

fn chances() -> Array2<f64> {
    array![[0.8, 0.15, 0.05], [0.2, 0.6, 0.2], [0.05, 0.25, 0.7]]
}

/// What members of each group order in a step, on average.
const AMOUNTS: [f64; 3] = [1.0, 10.0, 40.0];

/// Users who move by [`chances`], a tenth of whom join later.
fn planted(n_moments: u64, seed: u64) -> GroupHistory {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().and_time(Default::default());
    let chances = chances();
    let mut group_of: Vec<u16> = (0..N_USERS)
        .map(|user| (user % 10 > 0).then_some((user % 3) as u16))
        .map(|it| it.unwrap_or(NOT_YET_SEEN))
        .collect();
    let mut moments = Vec::new();
    for moment in 0..n_moments {
        let amount = |group: u16, rng: &mut Xoshiro256PlusPlus| match group {
            NOT_YET_SEEN => 0.0,
            group => AMOUNTS[usize::from(group)] * rng.gen_range(0.0..2.0),
        };
        let amounts = group_of.iter().map(|&group| amount(group, &mut rng)).collect();
        moments.push(GroupsAt {
            as_of: first + Days::new(u64::from(STEP_DAYS) * moment),
            group_of: group_of.clone(),
            stratum_of: (0..N_USERS).map(|user| (user % 25) as u8).collect(),
            amounts: (moment + 1 < n_moments).then_some(amounts),
        });
        for (user, group) in group_of.iter_mut().enumerate() {
            *group = match *group {
                NOT_YET_SEEN if user as u64 / 10 % n_moments == moment => 0,
                NOT_YET_SEEN => NOT_YET_SEEN,
                from => {
                    let mut left = rng.gen_range(0.0..1.0);
                    let row = chances.row(usize::from(from));
                    row.iter()
                        .position(|chance| {
                            left -= chance;
                            left < 0.0
                        })
                        .unwrap_or(2) as u16
                }
            };
        }
    }
    GroupHistory { step_days: STEP_DAYS, n_groups: 3, moments }
}

fn measured(history: &GroupHistory) -> MeasuredWorth {
    measure_worth(history, &ahead(), 7).unwrap()
}

/// Values of the planted chain, of four steps.
fn true_values() -> Array1<f64> {
    let amounts = Array1::from(AMOUNTS.to_vec()) * 0.5;
    let mut step = amounts.clone();
    let mut values = amounts;
    for _ in 0..3 {
        step = chances().dot(&step);
        values += &step;
    }
    values
}

#[test]
fn a_planted_chain_is_found_and_intervals_hold_its_values() {
    let found = measured(&planted(6, 1)).worth;
    assert!((&found.chain.chances - &chances()).iter().all(|it| it.abs() < 0.02));
    let mut n_covered = 0;
    for seed in 0..12 {
        let worth = measured(&planted(4, 100 + seed)).worth;
        for (group, truth) in worth.groups.iter().zip(true_values()) {
            let (value, interval) = (group.value.0, group.value.1.unwrap());
            assert!((value / truth - 1.0).abs() < 0.05, "{value} of {truth}");
            n_covered += usize::from(interval.low <= truth && truth <= interval.high);
        }
    }
    // Of 36 intervals of 95 %, which are not independent.
    assert!(n_covered >= 30, "{n_covered} of 36");
}

#[test]
fn the_last_step_is_foretold_by_those_before() {
    let found = measured(&planted(6, 2)).worth;
    let held_out = found.held_out.unwrap();
    for group in &held_out.groups {
        let (expected, actual) = (group.expected_users, group.actual_users as f64);
        assert!((expected / actual - 1.0).abs() < 0.08, "{expected} of {actual}");
    }
    let (expected, actual) = (held_out.amount.0, held_out.actual_amount);
    assert!((expected / actual - 1.0).abs() < 0.05, "{expected} of {actual}");
    // As many join at each moment.
    assert!((held_out.newcomers.0 / held_out.newcomers.1 as f64 - 1.0).abs() < 0.2);
    // Of six moments the first two are needed for a step that was known.
    assert_eq!((found.n_trusted_steps, found.steps_ahead.len()), (4, 4));
    assert!(found.groups.iter().all(|it| !it.followed.unwrap().is_off()), "{:?}", found.groups);
    assert!(found.memory.unwrap().p_value > 0.001, "{:?}", found.memory);
    // With nobody who joins the base stays as large, with them it grows.
    let (without, with) = (&found.projected, &found.projected_with_newcomers);
    assert!((without.users(4) - without.users(0)).abs() < 1e-6);
    assert!(with.users(4) > with.users(0) + 100.0);
}

#[test]
fn users_who_remember_are_found_out() {
    let mut history = planted(6, 3);
    // Every other step goes back to where the user was before.
    for moment in (2..6).step_by(2) {
        history.moments[moment].group_of = history.moments[moment - 2].group_of.clone();
    }
    let memory = measured(&history).worth.memory.unwrap();
    assert!(memory.p_value < 1e-9 && memory.strength > 0.2, "{memory:?}");
}

#[test]
fn one_step_alone_gives_values_and_nothing_is_held_out() {
    let found = measured(&planted(2, 4)).worth;
    assert!(found.held_out.is_none() && found.memory.is_none() && found.steps_ahead.is_empty());
    assert!(found.groups[2].value.0 > found.groups[0].value.0);
    let error = measure_worth(&planted(1, 4), &ahead(), 7).err().unwrap();
    assert_eq!(error, WorthError::NoStep { step_days: STEP_DAYS });
}

#[test]
fn the_order_of_users_changes_no_chance() {
    let history = planted(4, 5);
    let mut turned = history.clone();
    for moment in &mut turned.moments {
        moment.group_of.reverse();
        moment.stratum_of.reverse();
        moment.amounts.iter_mut().for_each(|it| it.reverse());
    }
    let (one, other) = (measured(&history).worth, measured(&turned).worth);
    assert_eq!(one.chain.chances, other.chain.chances);
    assert_eq!(one.memory, other.memory);
}

fn offer(from: &str, to: &str) -> Offer {
    Offer {
        from: from.into(),
        to: to.into(),
        cost_per_contact: NonNegative::of(0.3),
        cost_per_move: NonNegative::of(4.0),
        uplift: None,
        uplift_interval: None,
    }
}

fn known() -> Vec<[String; 3]> {
    let names = [("few", "少"), ("some", "一些"), ("many", "许多")];
    let group = |(n, (en, zh)): (usize, &(&str, &str))| {
        [format!("L{n}"), (*en).to_owned(), (*zh).to_owned()]
    };
    names.iter().enumerate().map(group).collect()
}

#[test]
fn an_offer_pays_from_its_break_even_on() {
    let history = planted(6, 6);
    let measured = measured(&history);
    let mut offers = Offers { offers: vec![offer("L1", "many")], budget: Budget::default() };
    let weigh = |offers: &Offers| measure_offers(&history, &measured, offers, &known(), 7).unwrap();
    let found = weigh(&offers).remove(0);
    let difference = true_values()[2] - true_values()[1];
    assert!((found.ceiling.0 / difference - 1.0).abs() < 0.05, "{found:?}");
    let interval = found.ceiling.1.unwrap();
    assert!(interval.low < found.ceiling.0 && found.ceiling.0 < interval.high);
    // Movers go on as members of their new group do: amounts depend on the group alone.
    let movers = found.movers;
    assert!((movers.difference.unwrap() / 30.0 - 1.0).abs() < 0.1, "{movers:?}");
    assert!(movers.interval.unwrap().low > 25.0 && movers.n_moved > 500);
    assert!((found.moves_anyway - 0.2).abs() < 0.02);
    assert!(found.net_of_contact.is_none());
    let break_even = found.break_even.unwrap();
    for (uplift, pays) in [(break_even * 1.01, true), (break_even * 0.99, false)] {
        offers.offers[0].uplift = Some(Finite::of(uplift));
        offers.offers[0].uplift_interval = Some([Finite::of(0.0), Finite::of(0.5)]);
        let found = weigh(&offers).remove(0);
        let by_ceiling = uplift * (found.ceiling.0 - 4.0) - 0.3;
        assert_eq!(by_ceiling > 0.0, pays);
        assert!(found.gain_of_move.unwrap() <= found.ceiling.0);
        let most = (found.gain_of_move.unwrap() - 0.3 / uplift).max(0.0);
        assert!((found.most_a_move_may_cost.unwrap() - most).abs() < 1e-9);
        let (net, interval) = found.net_of_contact.unwrap();
        let interval = interval.unwrap();
        assert!(interval.low < net && net < interval.high);
    }
}

#[test]
fn a_move_that_costs_more_than_it_brings_never_pays() {
    let history = planted(4, 8);
    let measured = measured(&history);
    let offers = Offers { offers: vec![offer("L2", "L0")], budget: Budget::default() };
    let found = measure_offers(&history, &measured, &offers, &known(), 7).unwrap().remove(0);
    assert!(found.ceiling.0 < 0.0);
    assert_eq!((found.break_even, found.most_a_move_may_cost), (None, Some(0.0)));
}

#[test]
fn money_goes_where_it_brings_most_and_floors_are_kept() {
    let history = planted(6, 9);
    let measured = measured(&history);
    let with_uplift = |offer: Offer| Offer {
        uplift: Some(Finite::of(0.1)),
        uplift_interval: Some([Finite::of(0.05), Finite::of(0.15)]),
        ..offer
    };
    let mut offers = Offers {
        offers: vec![with_uplift(offer("L0", "L1")), with_uplift(offer("L1", "L2"))],
        budget: Budget::default(),
    };
    let found = measure_offers(&history, &measured, &offers, &known(), 7).unwrap();
    let own: Vec<Option<f64>> = (0..N_USERS).map(|user| Some((user % 7) as f64 + 1.0)).collect();
    let plan = |offers: &Offers| {
        plan_contacts(&history, &measured.worth, (offers, &found), &own, &known()).unwrap().unwrap()
    };
    let all = plan(&offers);
    assert_eq!(all.contacts.len(), all.n_worth_it);
    let ratio = |it: &super::Contact| it.net() / it.cost;
    assert!(all.contacts.is_sorted_by(|a, b| ratio(a) >= ratio(b) - 1e-12));
    assert!(all.contacts.iter().all(|it| it.net() > 0.0));
    let sum = |of: fn(&super::NextMoney) -> f64| all.next_money.iter().map(of).sum::<f64>();
    let gain: f64 = all.contacts.iter().map(|it| it.gain).sum();
    assert!((sum(|it| it.gain) - gain).abs() < 1e-6);
    let of_first = |targeted: &super::Targeted| {
        targeted.contacts.iter().filter(|it| it.offer == 0).map(|it| it.cost).sum::<f64>()
    };
    offers.budget.total = Some(NonNegative::of(200.0));
    let within = plan(&offers);
    let spent: f64 = within.contacts.iter().map(|it| it.cost).sum();
    assert!(spent <= 200.0 && spent > 199.0, "{spent}");
    offers.budget.floors.insert("few".into(), NonNegative::of(120.0));
    let kept = of_first(&plan(&offers));
    assert!(kept <= 120.0 + 1e-9 && kept > 119.0 && kept > of_first(&within) + 20.0, "{kept}");
    assert!(plan(&offers).unspent_floors.is_empty());
    offers.budget.floors.insert("few".into(), NonNegative::of(1e6));
    offers.budget.total = None;
    assert!(plan(&offers).unspent_floors[0].1 > 1e5);
    offers.budget.floors.insert("L2".into(), NonNegative::of(1.0));
    let refused = plan_contacts(&history, &measured.worth, (&offers, &found), &own, &known());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "[budget.floors] L2: no [[offer]] is made to its users (`from`), but to those of L0, L1"
    );
}

#[test]
fn users_of_a_group_gain_on_average_what_a_move_is_taken_to_bring() {
    let history = planted(6, 13);
    let measured = measured(&history);
    let offer = Offer {
        uplift: Some(Finite::of(0.1)),
        uplift_interval: Some([Finite::of(0.05), Finite::of(0.15)]),
        cost_per_contact: NonNegative::of(0.0),
        cost_per_move: NonNegative::of(0.0),
        ..offer("L1", "L2")
    };
    let offers = Offers { offers: vec![offer], budget: Budget::default() };
    let found = measure_offers(&history, &measured, &offers, &known(), 7).unwrap();
    // Some are worth so much that they have nothing to gain.
    let own: Vec<Option<f64>> =
        (0..N_USERS).map(|user| Some(((user % 7) as f64).powi(4) + 1.0)).collect();
    let plan = plan_contacts(&history, &measured.worth, (&offers, &found), &own, &known());
    let plan = plan.unwrap().unwrap();
    assert!(plan.n_worth_it < found[0].n_users, "{}", plan.n_worth_it);
    let gain: f64 = plan.contacts.iter().map(|it| it.gain).sum();
    let on_average = found[0].n_users as f64 * 0.1 * found[0].gain_of_move.unwrap();
    assert!((gain / on_average - 1.0).abs() < 1e-9, "{gain} of {on_average}");
}

#[test]
fn the_interval_of_a_contact_leans_as_that_of_the_uplift_does() {
    let history = planted(6, 14);
    let measured = measured(&history);
    let net = |low: f64, high: f64| {
        let offer = Offer {
            uplift: Some(Finite::of(0.2)),
            uplift_interval: Some([Finite::of(low), Finite::of(high)]),
            ..offer("L1", "L2")
        };
        let offers = Offers { offers: vec![offer], budget: Budget::default() };
        let found = measure_offers(&history, &measured, &offers, &known(), 7).unwrap();
        found[0].net_of_contact.unwrap().1.unwrap()
    };
    let (up, down) = (net(0.2, 0.4), net(0.0, 0.2));
    assert!(up.low > down.low + 2.0 && up.high > down.high + 2.0, "{up:?} {down:?}");
    let least = 0.0 * 1.0 - 0.3;
    assert!((down.low - least).abs() < 0.5, "{down:?}");
}

#[test]
fn groups_whose_users_go_on_by_where_they_came_from_are_told() {
    let mut history = planted(6, 12);
    // Half of the users are by turns in the first group and the last, half in the first and
    // the second.
    for (place, moment) in history.moments.iter_mut().enumerate() {
        for user in 0..N_USERS {
            let is_out = (place + user / 2) % 2 == 1;
            moment.group_of[user] = if is_out { (user % 2) as u16 + 1 } else { 0 };
            if let Some(amounts) = &mut moment.amounts {
                amounts[user] = AMOUNTS[usize::from(moment.group_of[user])];
            }
        }
    }
    let found = measured(&history).worth;
    assert_eq!(found.n_followed_steps, 4);
    let followed: Vec<_> = found.groups.iter().map(|it| it.followed.unwrap()).collect();
    // 10 + 1 + 10 + 1, where the chain says 10 + 1 + 25 + 1.
    assert!((followed[1].ratio.0 - 22.0 / 37.0).abs() < 0.01, "{followed:?}");
    assert!((followed[2].ratio.0 - 82.0 / 67.0).abs() < 0.01, "{followed:?}");
    assert_eq!(
        followed.iter().map(super::FollowedGroup::is_off).collect::<Vec<_>>(),
        [false, true, true]
    );
}

#[test]
fn offers_that_do_not_hold_together_are_refused() {
    let refused = |offer: Offer| {
        Offers { offers: vec![offer], budget: Budget::default() }.check().unwrap_err().to_string()
    };
    let uplift = |share: f64, interval: Option<[f64; 2]>| Offer {
        uplift: Some(Finite::of(share)),
        uplift_interval: interval.map(|it| it.map(Finite::of)),
        ..offer("L0", "L1")
    };
    assert_eq!(
        refused(uplift(0.1, None)),
        "[[offer]] 1 uplift needs uplift_interval = [low, high] beside it: the 95 % interval that \
         the experiment gave"
    );
    assert!(refused(uplift(0.1, Some([0.2, 0.3]))).contains("must hold uplift"));
    assert!(refused(uplift(3.0, Some([2.0, 4.0]))).contains("between -1 and 1"));
    assert!(refused(offer("L1", "L1")).contains("must be another group"));
    assert!(Offers::default().check().unwrap_err().to_string().contains("must have one at least"));
    let floors = Offers {
        offers: vec![offer("L0", "L1")],
        budget: Budget {
            total: Some(NonNegative::of(5.0)),
            floors: [("L0".to_owned(), NonNegative::of(9.0))].into(),
        },
    };
    assert!(floors.check().unwrap_err().to_string().contains("add up to total at most, 5; got 9"));
    let history = planted(3, 1);
    let nowhere = Offers { offers: vec![offer("L0", "L9")], budget: Budget::default() };
    let error = measure_offers(&history, &measured(&history), &nowhere, &known(), 7).unwrap_err();
    assert_eq!(
        error.to_string(),
        "[[offer]] 1 to: there is no `L9`; there are L0 (few), L1 (some), L2 (many)"
    );
}

#[test]
fn an_offer_more_never_makes_the_plan_worse() {
    let history = planted(6, 10);
    let measured = measured(&history);
    let with = |uplift: f64, contact: f64| Offer {
        uplift: Some(Finite::of(uplift)),
        uplift_interval: Some([Finite::of(0.0), Finite::of(0.9)]),
        cost_per_contact: NonNegative::of(contact),
        cost_per_move: NonNegative::of(1.0),
        ..offer("L1", "many")
    };
    let own: Vec<Option<f64>> = (0..N_USERS).map(|user| Some((user % 7) as f64 + 1.0)).collect();
    let net = |offers: Vec<Offer>, total: f64| {
        let total = Some(NonNegative::of(total));
        let offers = Offers { offers, budget: Budget { total, ..Budget::default() } };
        let found = measure_offers(&history, &measured, &offers, &known(), 7).unwrap();
        let of_both = (&offers, &found[..]);
        let plan = plan_contacts(&history, &measured.worth, of_both, &own, &known());
        let plan = plan.unwrap().unwrap();
        let users: std::collections::BTreeSet<usize> =
            plan.contacts.iter().map(|it| it.user).collect();
        assert_eq!(users.len(), plan.contacts.len(), "nobody is contacted twice");
        let cost: f64 = plan.contacts.iter().map(|it| it.cost).sum();
        assert!(cost <= offers.budget.total.unwrap().get() + 1e-9);
        plan.contacts.iter().map(super::Contact::net).sum::<f64>()
    };
    for total in [30.0, 300.0, 3_000.0, 1e6] {
        let cheap = net(vec![with(0.1, 0.2)], total);
        let both = net(vec![with(0.1, 0.2), with(0.3, 3.0)], total);
        let dear = net(vec![with(0.3, 3.0)], total);
        // What is left of a budget where one step more has no room is lost.
        assert!(both > cheap.max(dear) * 0.98, "{total}: {both} of {cheap} and {dear}");
    }
}

#[test]
fn few_movers_say_nothing_and_names_are_found_in_both_languages() {
    let mut history = planted(6, 11);
    // Nobody goes from the first group to the last.
    for moment in &mut history.moments {
        moment.group_of.iter_mut().filter(|group| **group == 2).for_each(|group| *group = 1);
    }
    let uplift = Offer {
        uplift: Some(Finite::of(0.1)),
        uplift_interval: Some([Finite::of(0.0), Finite::of(0.2)]),
        ..offer("少", " MANY ")
    };
    let offers = Offers { offers: vec![uplift], budget: Budget::default() };
    let measured = measured(&history);
    let found = measure_offers(&history, &measured, &offers, &known(), 7).unwrap();
    assert_eq!((found[0].from, found[0].to, found[0].movers.n_moved), (0, 2, 0));
    assert_eq!((found[0].gain_of_move, found[0].net_of_contact), (None, None));
    let own = vec![None; N_USERS];
    let plan = plan_contacts(&history, &measured.worth, (&offers, &found), &own, &known());
    assert_eq!(plan.unwrap(), None);
}
