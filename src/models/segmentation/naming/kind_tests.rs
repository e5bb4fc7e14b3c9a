//! Names of kinds over small shops, in which one kind differs from ordinary users.

use chrono::NaiveDateTime;
use ndarray::Array2;

use super::*;
use crate::dataset::{
    EventRole, Family, FeatureInfo, FeatureMatrix, Gaps, PurchaseSummary, Purchases, UserIds,
};

/// What a user did.
#[derive(Debug, Clone, Copy)]
struct User {
    n_orders: f64,
    order_value: f64,
    gap_days: f64,
    silence_days: f64,
    discount_share: f64,
    share_in_q4: f64,
    active_days: f64,
    inactive_days: f64,
    n_views: f64,
    n_carts: f64,
    n_shares: f64,
    n_opened: f64,
    in_store: f64,
    in_tea: f64,
}

/// Orders every other month, out of 10 messages opens 2.
const ORDINARY: User = User {
    n_orders: 4.0,
    order_value: 50.0,
    gap_days: 60.0,
    silence_days: 30.0,
    discount_share: 0.25,
    share_in_q4: 0.25,
    active_days: 10.0,
    inactive_days: 10.0,
    n_views: 20.0,
    n_carts: 2.0,
    n_shares: 0.0,
    n_opened: 2.0,
    in_store: 0.2,
    in_tea: 0.25,
};

fn feature(name: &str, family: Family) -> FeatureInfo {
    FeatureInfo { family, ..FeatureInfo::plain(name) }
}

fn events(event: &str, role: EventRole) -> FeatureInfo {
    FeatureInfo { event: Some(event.into()), roles: vec![role], ..feature(event, Family::Events) }
}

type Figure = fn(&User) -> f64;

/// The features, each with how it follows from what a user did.
fn features() -> Vec<(FeatureInfo, Figure)> {
    let (channel, category) = (Dimension::Channel, Dimension::Category);
    let on = |name, family, channel: &str| FeatureInfo {
        channel: Some(channel.into()),
        ..feature(name, family)
    };
    let within = |name, family, category: &str| FeatureInfo {
        category: Some(category.into()),
        ..feature(name, family)
    };
    let response = FeatureInfo {
        event: Some("opened".into()),
        per_event: Some("sent".into()),
        roles: vec![EventRole::Response],
        ..feature("answers", Family::Response)
    };
    vec![
        (feature("n", Family::Orders), |it| it.n_orders),
        (feature("m", Family::Gmv), |it| it.n_orders * it.order_value),
        (feature("d", Family::DiscountShare), |it| it.discount_share),
        (feature("q", Family::OrdersInQuarter(4)), |it| it.share_in_q4),
        (feature("a", Family::ActiveDays), |it| it.active_days),
        (feature("i", Family::DaysSinceActivity), |it| it.inactive_days),
        (events("view", EventRole::Funnel { position: -2 }), |it| it.n_views),
        (events("cart", EventRole::Funnel { position: -1 }), |it| it.n_carts),
        (events("share", EventRole::Share), |it| it.n_shares),
        (events("opened", EventRole::Response), |it| it.n_opened),
        (events("sent", EventRole::Outbound), |_| 10.0),
        (response, |it| it.n_opened / 10.0),
        (on("s", Family::EventsOf(channel), "store"), |it| it.in_store * 20.0),
        (on("t", Family::ShareOf(channel), "store"), |it| it.in_store),
        (on("u", Family::EventsOf(channel), "app"), |it| (1.0 - it.in_store) * 20.0),
        (on("v", Family::ShareOf(channel), "app"), |it| 1.0 - it.in_store),
        (within("w", Family::EventsOf(category), "tea"), |it| it.in_tea * 20.0),
        (within("x", Family::ShareOf(category), "tea"), |it| it.in_tea),
    ]
}

fn snapshot(users: &[User]) -> Snapshot {
    let (infos, values): (Vec<_>, Vec<_>) = features().into_iter().unzip();
    let shape = (users.len(), infos.len());
    let values = Array2::from_shape_fn(shape, |(row, column)| values[column](&users[row]));
    let purchases = users.iter().map(|it| {
        let gaps =
            Gaps { median_days: it.gap_days, mean_days: it.gap_days, longest_days: it.gap_days };
        let orders = PurchaseSummary {
            n_days: it.n_orders as u32,
            first_days_ago: it.silence_days + it.gap_days * (it.n_orders - 1.0).max(0.0),
            last_days_ago: it.silence_days,
            gaps: (it.n_orders > 1.0).then_some(gaps),
            ..PurchaseSummary::default()
        };
        Purchases { orders, kept_by: orders, ..Purchases::default() }
    });
    let purchases = purchases.collect();
    let matrix = FeatureMatrix::of_features(infos, values).unwrap();
    let ids = UserIds::Integer((0..users.len() as i64).collect());
    Snapshot::new(NaiveDateTime::default(), ids, matrix, purchases, None).unwrap()
}

/// Forty users of each kind, then two hundred ordinary ones, one of whom came long ago.
fn named(kinds: &[User]) -> Vec<NamedGroup> {
    let early = User { gap_days: 250.0, ..ORDINARY };
    let ordinary = std::iter::once(early).chain([ORDINARY; 199]).map(|it| (it, kinds.len()));
    let of_kinds = kinds.iter().enumerate().flat_map(|(kind, it)| [(*it, kind); 40]);
    let (users, kind_of): (Vec<_>, Vec<_>) = of_kinds.chain(ordinary).unzip();
    kind_names(&snapshot(&users), &kind_of, kinds.len() + 1)
}

fn name_of(kind: User) -> String {
    named(&[kind])[0].words.en.clone()
}

#[test]
fn archetypes_are_called_what_shops_call_them() {
    let often = User { n_orders: 12.0, gap_days: 20.0, silence_days: 8.0, ..ORDINARY };
    let looking = User { n_orders: 0.0, ..ORDINARY };
    for (kind, en, zh) in [
        (User { n_shares: 10.0, ..ORDINARY }, "Key sharers", "核心分享者"),
        (User { n_opened: 7.0, ..looking }, "Silent but promising", "沉默但有潜力"),
        (looking, "Window shoppers", "只逛不买"),
        (User { discount_share: 0.75, ..ORDINARY }, "Price-sensitive", "价格敏感"),
        (User { share_in_q4: 0.75, ..ORDINARY }, "Gift-season buyers", "送礼季购买客"),
        (User { in_store: 0.9, ..ORDINARY }, "Loyal to store", "store 忠诚"),
        (User { n_orders: 1.0, silence_days: 300.0, ..ORDINARY }, "One-off buyers", "一次性顾客"),
        (User { silence_days: 250.0, ..ORDINARY }, "Fading", "渐行渐远"),
        (User { order_value: 20.0, ..often }, "Everyday shoppers", "日常复购"),
        (User { order_value: 200.0, ..often }, "High-value buyers", "高价值"),
        (User { order_value: 200.0, ..ORDINARY }, "Big-basket buyers", "大额订单"),
    ] {
        let names = named(&[kind]);
        assert_eq!((&*names[0].words.en, &*names[0].words.zh), (en, zh), "{names:#?}");
    }
}

#[test]
fn near_misses_are_no_archetypes() {
    let looking = User { n_orders: 0.0, n_opened: 7.0, ..ORDINARY };
    let often = User { n_orders: 12.0, gap_days: 20.0, silence_days: 8.0, ..ORDINARY };
    for (kind, archetype) in [
        (User { n_shares: 1.0, ..ORDINARY }, "Key sharers"),
        (User { inactive_days: 90.0, ..looking }, "Silent but promising"),
        (User { n_orders: 3.0, ..ORDINARY }, "Window shoppers"),
        (User { discount_share: 0.4, ..ORDINARY }, "Price-sensitive"),
        (User { share_in_q4: 0.75, discount_share: 0.5, ..ORDINARY }, "Gift-season buyers"),
        (User { in_store: 0.6, ..ORDINARY }, "Loyal to store"),
        (User { n_orders: 1.0, ..ORDINARY }, "One-off buyers"),
        (User { silence_days: 100.0, ..ORDINARY }, "Fading"),
        (User { order_value: 200.0, ..often }, "Everyday shoppers"),
        (User { order_value: 200.0, ..ORDINARY }, "High-value buyers"),
        (User { order_value: 20.0, ..often }, "High-value buyers"),
        (User { order_value: 20.0, ..ORDINARY }, "Big-basket buyers"),
    ] {
        assert!(!name_of(kind).contains(archetype), "{}", name_of(kind));
    }
}

#[test]
fn a_few_busy_users_speak_for_no_kind() {
    let busy = User { n_shares: 2000.0, ..ORDINARY };
    let users: Vec<User> = (0..300).map(|it| if it < 5 { busy } else { ORDINARY }).collect();
    let kind_of: Vec<usize> = (0..300).map(|it| usize::from(it >= 100)).collect();
    let names = kind_names(&snapshot(&users), &kind_of, 2);
    assert!(!names[0].words.en.contains("harers"), "{names:#?}");
}

#[test]
fn what_fits_no_archetype_is_described_by_its_two_strongest_habits() {
    let names = named(&[User { in_tea: 0.9, in_store: 0.6, ..ORDINARY }]);
    assert_eq!(names[0].words.en, "Mostly tea, mostly on store");
    assert_eq!(names[0].words.zh, "偏好 tea，多在 store");
    let description = names[0].description.clone().unwrap();
    assert_eq!(
        description.en,
        "90 % of actions in tea (all: 36 %); 60 % of actions on store (all: 27 %)."
    );
}

#[test]
fn kinds_of_one_archetype_are_told_apart() {
    let saver = User { discount_share: 0.75, ..ORDINARY };
    let names =
        named(&[User { in_tea: 0.9, ..saver }, User { in_store: 0.6, ..saver }, saver, saver]);
    let en: Vec<&str> = names.iter().map(|it| &*it.words.en).collect();
    assert_eq!(
        en[..3],
        ["Price-sensitive, mostly tea", "Price-sensitive, mostly on store", "Price-sensitive"]
    );
    let distinct = |of: fn(&NamedGroup) -> &str| {
        names.iter().map(of).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!((distinct(|it| &it.words.en), distinct(|it| &it.words.zh)), (5, 5), "{names:#?}");
}

#[test]
fn the_share_of_a_claim_is_that_of_who_does_it_more_than_others() {
    let users: Vec<User> = (0..100)
        .map(|it| User {
            discount_share: [0.25, 1.0][usize::from(it % 5 > 0 && it < 50)],
            ..ORDINARY
        })
        .collect();
    let kind_of: Vec<usize> = (0..100).map(|it| usize::from(it >= 50)).collect();
    let names = kind_names(&snapshot(&users), &kind_of, 2);
    assert_eq!(names[0].words.en, "Price-sensitive");
    assert_eq!(names[0].claims.len(), 1);
    assert!((names[0].claims[0].share - 0.8).abs() < 1e-12, "{names:#?}");
}

#[test]
fn one_kind_is_all_users_and_without_features_kinds_have_numbers() {
    let users = snapshot(&[ORDINARY; 4]);
    assert_eq!(kind_names(&users, &[0; 4], 1)[0].words.en, "All users");
    let names = kind_names(&users, &[0, 1, 0, 1], 2);
    let en: Vec<&str> = names.iter().map(|it| &*it.words.en).collect();
    assert_eq!(en, ["Ordinary shoppers", "Ordinary shoppers (2)"]);
}
