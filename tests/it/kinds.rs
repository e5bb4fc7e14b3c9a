//! Kinds where the data says little of how users shop, or is out of the ordinary.

use std::fmt::Write;

use chrono::Days;
use layercake::bundle::Bundle;
use layercake::models::segmentation::{FittedGroups, Group};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::support::{CONFIG, Shop, first_day, orders, scores};

const EVENTS: &str = r#"
[[source]]
path = "events.csv"
user = "user"
time = "at"
event = "event"
channel = "channel"
category = "category"
"#;

/// A shop whose users ordered and, by `events`, did other things.
fn shop(events: &str) -> Shop {
    let shop = Shop::with_orders(&orders(150));
    shop.write("events.csv", format!("user,at,event,channel,category\n{events}"));
    shop.write("shop.toml", format!("{CONFIG}{EVENTS}"));
    shop
}

/// The type, channel and category of an event, by the user and a random number from 0 to 99.
type What = (&'static str, &'static str, &'static str);

/// Events of 150 users over 240 days, 20 to 49 of each.
fn events(what: impl Fn(u64, u64) -> What) -> String {
    let mut csv = String::new();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    for user in 0..150 {
        for _ in 0..20 + user % 30 {
            let random = rng.gen_range(0..100);
            let day = first_day() + Days::new(rng.gen_range(0..240));
            let (event, channel, category) = what(user, random % 100);
            let _ = writeln!(csv, "{user},{day} 08:00:00,{event},{channel},{category}");
        }
    }
    csv
}

fn kinds(shop: &Shop) -> FittedGroups {
    shop.train(&["--config", "shop.toml"]).done();
    Bundle::load(&shop.bundle("models")).unwrap().0.kinds
}

/// Kinds of users of whom enough is known.
fn known(kinds: &FittedGroups) -> Vec<&Group> {
    kinds.groups.iter().filter(|kind| kind.cluster.is_some()).collect()
}

/// Features that say how users shop.
fn habits(kinds: &FittedGroups) -> Vec<&str> {
    kinds.embedding.habits.features()
}

#[test]
fn one_type_of_event() {
    let kinds = kinds(&Shop::with_orders(&orders(150)));
    assert!(!known(&kinds).is_empty());
    // Nothing is shared out over types, channels or categories.
    assert!(habits(&kinds).iter().all(|it| it.contains("order")), "{:?}", habits(&kinds));
}

#[test]
fn one_channel() {
    let kinds = kinds(&shop(&events(|user, random| match (user % 3, random) {
        (0, 0..90) | (1, 0..10) | (2, 0..5) => ("view", "web", "tea"),
        (0, 90..) | (2, 5..10) => ("cart", "web", "coffee"),
        _ => ("search", "web", "cups"),
    })));
    assert!(known(&kinds).len() > 1, "{:?}", kinds.candidates);
    assert!(habits(&kinds).iter().all(|it| !it.contains("web")), "{:?}", habits(&kinds));
}

#[test]
fn no_categories() {
    let kinds = kinds(&shop(&events(|user, random| match (user % 2, random) {
        (0, 0..90) | (1, 0..10) => ("view", "web", ""),
        _ => ("search", "app", ""),
    })));
    assert!(known(&kinds).len() > 1, "{:?}", kinds.candidates);
    assert!(habits(&kinds).iter().any(|it| it.contains("web")), "{:?}", habits(&kinds));
}

#[test]
fn of_users_with_one_event_nearly_nothing_is_known() {
    let mut csv = events(|user, random| match (user % 2, random) {
        (0, 0..70) | (1, 0..30) => ("view", "web", "tea"),
        _ => ("search", "app", "cups"),
    });
    (1_000..1_100).for_each(|user| {
        let day = first_day() + Days::new(user % 200);
        let _ = writeln!(csv, "{user},{day} 09:00:00,view,web,tea");
    });
    let shop = shop(&csv);
    let kinds = kinds(&shop);
    assert_eq!(kinds.groups.last().unwrap().id, "K0");
    shop.score(&["--bundle", "models/shop", "--encoding", "csv"]).done();
    let scores = scores(&shop, "as_of=2024-08-28");
    let of = |user: u32| &scores[&user.to_string()];
    for user in 1_000..1_100 {
        assert_eq!(of(user)["kind_id"], "K0", "{user}");
        assert_eq!(of(user)["kind_margin"], "0.0", "{user}");
        assert!(of(user)["layer_id"].starts_with('L'), "{user}");
    }
    let n_known = (0..150).filter(|&user| of(user)["kind_id"] != "K0").count();
    assert!(n_known > 140, "{n_known}");
}

#[test]
fn users_who_shop_alike_whatever_the_volume_are_of_one_kind() {
    let shop = shop(&events(|_, random| match random {
        0..30 => ("order", "web", "tea"),
        30..80 => ("cart", "app", "coffee"),
        _ => ("search", "app", "cups"),
    }));
    let (config, amount) = (shop.read("shop.toml"), "\namount = \"amount\"");
    let (head, snapshots) = config.split_once(amount).unwrap();
    let (before_source, _) = head.split_once("[[source]]").unwrap();
    let (rest, events) = snapshots.split_once("[[source]]").unwrap();
    let amount = "amount = \"case when event = 'order' then 20.0 end\"";
    shop.write("shop.toml", format!("{before_source}{rest}[[source]]{events}{amount}\n"));
    let kinds = kinds(&shop);
    assert_eq!(known(&kinds).len(), 1, "{:?}", kinds.candidates);
    let bundle = ["--bundle", "models/shop"];
    let page = shop.train(&[&["show", "kinds"], &bundle[..]].concat()).done();
    assert!(page.contains("One kind only: users differ in how they shop by no more"), "{page}");
    // Everybody is in it, and every verb goes on.
    shop.score(&[&bundle[..], &["--encoding", "csv"]].concat()).done();
    assert!(scores(&shop, "as_of=2024-08-28").values().all(|row| row["kind_id"] == "K1"));
    for arguments in [&["groups", "--by", "kind_tiers"][..], &["stability", "--of", "kinds"]] {
        shop.compare(&[arguments, &bundle].concat()).done();
    }
}

#[test]
fn a_hundred_thousand_categories() {
    let mut csv = String::new();
    for row in 0..100_000u64 {
        let (user, day) = (row % 150, first_day() + Days::new(row / 450 % 240));
        let _ = writeln!(csv, "{user},{day} 08:00:00,view,web,c{row}");
    }
    let kinds = kinds(&shop(&csv));
    let of_categories = habits(&kinds).iter().filter(|it| it.contains("_c")).count();
    assert!(of_categories <= 12, "{:?}", habits(&kinds));
    assert!(!known(&kinds).is_empty());
}

#[test]
fn more_kinds_than_users_shop_differently() {
    for k in ["150", "{ min = 140, max = 150 }"] {
        let shop = Shop::with_orders(&orders(60));
        shop.write("shop.toml", format!("{CONFIG}\n[kinds]\nk = {k}\n"));
        shop.train(&["--config", "shop.toml"]).refused(&[
            "[kinds] k = ",
            "users who shop differently",
            "lower k",
        ]);
    }
}

#[test]
fn bounds_of_the_number_of_kinds_the_wrong_way_round() {
    let shop = Shop::ordinary();
    shop.write("shop.toml", format!("{CONFIG}\n[kinds]\nk = {{ min = 9, max = 3 }}\n"));
    shop.train(&["--config", "shop.toml"])
        .refused(&["kinds", "k must have a min that is at most max, got 9 and 3"]);
}
