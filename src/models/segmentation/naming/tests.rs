//! Names over many generated shops, held against the users' orders themselves.

use chrono::NaiveDateTime;
use ndarray::Array2;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::dataset::{
    EventRole, Family, FeatureInfo, FeatureMatrix, Gaps, PurchaseSummary, Purchases, UserIds,
};

/// What a user did, as a test knows it.
#[derive(Debug, Clone, Default)]
struct User {
    /// Days of the orders before the snapshot, the earliest first: 400, 393, …
    order_days: Vec<f64>,
    order_value: f64,
    discount_share: f64,
    store_share: f64,
    n_shares: f64,
    n_carts: f64,
    last_active: f64,
    first_seen: f64,
}

impl User {
    fn gap(&self) -> Option<f64> {
        let mut gaps: Vec<f64> = self.order_days.windows(2).map(|it| it[0] - it[1]).collect();
        gaps.sort_by(f64::total_cmp);
        let n = gaps.len();
        (n > 0).then(|| (gaps[(n - 1) / 2] + gaps[n / 2]) / 2.0)
    }

    fn silence(&self) -> f64 {
        self.order_days.last().copied().unwrap_or(f64::INFINITY)
    }

    fn spend(&self) -> f64 {
        self.order_value * self.order_days.len() as f64
    }

    fn n_active_days(&self) -> f64 {
        self.order_days.len() as f64 + self.n_carts
    }

    fn purchases(&self) -> Purchases {
        let of_gap = |days| Gaps { median_days: days, mean_days: days, longest_days: days };
        let orders = PurchaseSummary {
            n_days: self.order_days.len() as u32,
            first_days_ago: self.order_days.first().copied().unwrap_or(0.0),
            last_days_ago: self.order_days.last().copied().unwrap_or(0.0),
            gaps: self.gap().map(of_gap),
            ..PurchaseSummary::default()
        };
        Purchases { orders, kept_by: orders, ..Purchases::default() }
    }
}

/// Kinds of users: those who order about every so many days, `n` times, up to so
/// many days ago.
fn kind(number: usize, rng: &mut Xoshiro256PlusPlus) -> User {
    let (gap, n, last, value) = [
        (7.0, 40, 3.0, 30.0),
        (30.0, 12, 10.0, 80.0),
        (9.0, 20, 160.0, 40.0),
        (0.0, 1, 165.0, 90.0),
        (0.0, 1, 12.0, 20.0),
        (365.0, 4, 100.0, 60.0),
        (70.0, 5, 40.0, 25.0),
        (30.0, 9, 75.0, 300.0),
        (0.0, 0, 0.0, 0.0),
        (0.0, 0, 0.0, 0.0),
        (14.0, 15, 5.0, 15.0),
        (20.0, 3, 300.0, 45.0),
    ][number];
    let mut day: f64 = last * rng.gen_range(0.7..1.3);
    let mut order_days = Vec::new();
    for _ in 0..n {
        order_days.push(day);
        day += gap * rng.gen_range(0.8..1.25);
    }
    order_days.reverse();
    let last_active: f64 = [2.0, 300.0][usize::from(number == 9)] * rng.gen_range(0.5..1.5);
    User {
        first_seen: day.max(last_active) + 5.0,
        order_value: value * rng.gen_range(0.5..2.0),
        discount_share: if number == 10 {
            rng.gen_range(0.6..1.0)
        } else {
            rng.gen_range(0.0..0.6)
        },
        store_share: if number == 6 { 1.0 } else { rng.gen_range(0.0..0.8) },
        n_shares: if number == 1 { rng.gen_range(8.0..20.0f64).round() } else { 1.0 },
        n_carts: rng.gen_range(0.0..3.0f64).round(),
        last_active: last_active.min(order_days.last().copied().unwrap_or(f64::MAX)),
        order_days,
    }
}

fn snapshot(users: &[User], with_features: bool) -> Snapshot {
    let roles = |role| vec![role];
    let plain = |name: &str, family| FeatureInfo { family, ..FeatureInfo::plain(name) };
    let in_store =
        |name: &str, family| FeatureInfo { channel: Some("store".into()), ..plain(name, family) };
    let mut features = vec![plain("a", Family::Orders), plain("b", Family::Gmv)];
    if with_features {
        features.extend([
            plain("c", Family::DaysSinceActivity),
            plain("d", Family::DaysSinceFirstEvent),
            plain("e", Family::DiscountShare),
            in_store("f", Family::ShareOf(Dimension::Channel)),
            FeatureInfo {
                roles: roles(EventRole::Share),
                event: Some("share".into()),
                ..plain("g", Family::Events)
            },
            FeatureInfo {
                event: Some("cart".into()),
                roles: roles(EventRole::Funnel { position: -1 }),
                ..plain("h", Family::Events)
            },
            in_store("i", Family::GmvOnChannel),
            plain("j", Family::ActiveDays),
        ]);
    }
    let values = Array2::from_shape_fn((users.len(), features.len()), |(row, column)| {
        let it = &users[row];
        [
            it.order_days.len() as f64,
            it.spend(),
            it.last_active,
            it.first_seen,
            it.discount_share,
            it.store_share,
            it.n_shares,
            it.n_carts,
            it.spend() * it.store_share,
            it.n_active_days(),
        ][column]
    });
    let matrix = FeatureMatrix::of_features(features, values).unwrap();
    let ids = UserIds::Integer((0..users.len() as i64).collect());
    let purchases = users.iter().map(User::purchases).collect();
    Snapshot::new(NaiveDateTime::default(), ids, matrix, purchases, None).unwrap()
}

/// Whether a claim is true of a user, by its English words alone.
fn is_true(claim: &str, user: &User, all: &[User]) -> bool {
    let n = user.order_days.len();
    let (gap, silence) = (user.gap(), user.silence());
    let shop_gap = || {
        let mut gaps: Vec<f64> = all.iter().filter_map(User::gap).collect();
        gaps.sort_by(f64::total_cmp);
        gaps[gaps.len() / 2]
    };
    let usual = gap.unwrap_or_else(shop_gap);
    let every = |low: f64, high: f64| n >= 3 && gap.is_some_and(|it| low < it && it <= high);
    let has_stopped = silence > 3.0 * usual && silence > 60.0;
    let share_below = |of: &dyn Fn(&User) -> f64| {
        let customers: Vec<&User> = all.iter().filter(|it| !it.order_days.is_empty()).collect();
        let below = customers.iter().filter(|it| of(it) < of(user)).count();
        below as f64 / customers.len() as f64
    };
    let share_of = |fits: &dyn Fn(&User) -> bool| {
        all.iter().filter(|it| fits(it)).count() as f64 / all.len() as f64
    };
    let spend = || share_below(&User::spend);
    let order_value = || share_below(&|it| it.order_value);
    let days = |text: &str| match text {
        "2+ weeks" => 14.0,
        "4+ weeks" => 28.0,
        text if text.starts_with("a ") => {
            if text == "a week" {
                7.0
            } else {
                30.0
            }
        }
        text => {
            let number: f64 =
                text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
            let unit = [("week", 7.0), ("month", 30.0), ("year", 365.0), ("day", 1.0)];
            number * unit.iter().find(|(unit, _)| text.contains(unit)).unwrap().1
        }
    };
    if let Some(rest) = claim.strip_prefix("quiet ") {
        return match n {
            0 => user.last_active >= days(rest),
            _ => silence >= days(rest) && silence > 2.0 * usual,
        };
    }
    // Of two to six months, which have 30 days and some hours.
    let within = |text: &str| days(text) * 1.02;
    if let Some(rest) = claim.strip_prefix("bought within ") {
        return n > 0 && silence <= within(rest);
    }
    if let Some(rest) = claim.strip_prefix("last order ") {
        return n > 0 && silence >= days(rest);
    }
    if let Some(rest) = claim.strip_prefix("first order ") {
        let reaches = n > 0 && user.order_days[0] >= days(rest);
        return n > 0 && reaches == rest.contains('+');
    }
    let number = || claim.chars().filter(char::is_ascii_digit).collect::<String>().parse::<f64>();
    if let Some(figure) = [(" an order", user.order_value), (" orders", n as f64)]
        .into_iter()
        .find_map(|(end, figure)| claim.ends_with(end).then_some(figure))
        .filter(|_| number().is_ok())
    {
        return n > 0 && (figure >= number().unwrap()) == claim.contains('+');
    }
    if claim.ends_with(" active days") {
        return (user.n_active_days() >= number().unwrap()) == claim.contains('+');
    }
    if claim.ends_with('”') {
        let times = if claim.contains("share") { user.n_shares } else { user.n_carts };
        return (times >= number().unwrap()) == claim.contains('+');
    }
    if let Some(rest) = claim.strip_prefix("active within ") {
        return user.last_active <= within(rest);
    }
    if let Some(count) = claim.strip_suffix(" orders so far").filter(|it| it.contains(['+', '–']))
    {
        let number = |text: &str| text.parse::<usize>().unwrap();
        return match count.split_once('–') {
            Some((least, most)) => (number(least)..=number(most)).contains(&n),
            None => n >= number(count.trim_end_matches('+')),
        };
    }
    if let Some(kept) = claim.strip_prefix("Lapsed ") {
        return has_stopped
            && match kept {
                "buyers" => n >= 1,
                "repeat buyers" => n >= 2,
                "regulars" => n >= 3,
                kept => is_rhythm(&format!("{}{}", kept[..1].to_uppercase(), &kept[1..]), &every),
            };
    }
    match claim {
        "One order so far" => n == 1,
        "Two orders so far" => n == 2,
        "One or two orders so far" => n == 1 || n == 2,
        "Repeat buyers" => n >= 2,
        "Customers" => n >= 1,
        "New customers" => n >= 1 && user.order_days[0] <= 60.0,
        "New users" => user.first_seen <= 60.0,
        "New visitors" => n == 0 && user.first_seen <= 60.0,
        "Visitors without an order" => n == 0,
        "Cart abandoners" => n == 0 && user.n_carts >= 1.0,
        "Visitors and one-time buyers" => n <= 1,
        "Buyers and visitors" => true,
        "Light users" => share_of(&|it| it.n_active_days() < user.n_active_days()) <= 0.51,
        "Heavy users" => share_of(&|it| it.n_active_days() <= user.n_active_days()) >= 0.75,
        "still browsing" => n > 0 && silence >= 60.0 && user.last_active <= 30.0,
        "overdue" => n >= 3 && silence > 2.0 * usual && !has_stopped,
        "top spenders" => spend() >= 0.94,
        "big spenders" => spend() >= 0.79,
        "middle spenders" => (0.39..0.81).contains(&spend()),
        "small spenders" => n > 0 && spend() <= 0.51,
        "mid-high spenders" => spend() >= 0.49,
        "low-mid spenders" => n > 0 && spend() <= 0.76,
        "big basket" => order_value() >= 0.74,
        "small basket" => n > 0 && order_value() <= 0.51,
        "price-sensitive" => n > 0 && user.discount_share >= 0.5,
        "store only" => n > 0 && user.store_share >= 1.0,
        "mostly store" => n > 0 && user.store_share >= 0.5,
        "only on store" => user.store_share >= 1.0,
        "mostly on store" => user.store_share >= 0.5,
        "key sharers" => user.n_shares >= 3.0,
        rhythm => !has_stopped && is_rhythm(rhythm, &every),
    }
}

fn is_rhythm(claim: &str, every: &dyn Fn(f64, f64) -> bool) -> bool {
    match claim {
        "Daily shoppers" => every(-1.0, 2.0),
        "Weekly shoppers" => every(-1.0, 10.0),
        "Fortnightly shoppers" => every(7.0, 21.0),
        "Monthly buyers" => every(20.0, 45.0),
        "Quarterly buyers" => every(45.0, 130.0),
        "Half-yearly buyers" => every(130.0, 250.0),
        "Yearly buyers" => every(300.0, 430.0),
        "Frequent buyers" => every(-1.0, 45.0),
        "Regular buyers" => every(-1.0, 95.0),
        "Occasional buyers" => every(45.0, f64::INFINITY),
        other => panic!("what does `{other}` claim?"),
    }
}

/// Users of some kinds, and layers that mostly, but not quite, follow the kinds.
fn shop(seed: u64) -> (Vec<User>, Vec<usize>, usize) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut kinds: Vec<usize> = (0..12).collect();
    kinds.shuffle(&mut rng);
    let n_layers = rng.gen_range(2..=10);
    let noise = *[0.0, 0.1, 0.3, 1.0].choose(&mut rng).unwrap();
    let mut users = Vec::new();
    let mut layer_of = Vec::new();
    for _ in 0..rng.gen_range(200..900) {
        let layer = rng.gen_range(0..n_layers);
        let of = if rng.gen_bool(noise) { rng.gen_range(0..12) } else { kinds[layer] };
        users.push(kind(of, &mut rng));
        layer_of.push(layer);
    }
    (users, layer_of, n_layers)
}

#[test]
fn all_that_a_name_claims_is_true_of_three_quarters_of_the_layer() {
    for seed in 0..120 {
        let (users, layer_of, n_layers) = shop(seed);
        let names = layer_names(&snapshot(&users, seed % 3 > 0), &layer_of, n_layers);
        for (layer, name) in names.iter().enumerate() {
            let members: Vec<&User> =
                (0..users.len()).filter(|&it| layer_of[it] == layer).map(|it| &users[it]).collect();
            let holds = |user: &&&User| {
                name.claims.iter().all(|claim| is_true(&claim.words.en, user, &users))
            };
            let n_true = members.iter().filter(holds).count();
            let share = n_true as f64 / members.len() as f64;
            assert!(share >= 0.75, "seed {seed}: {} holds for {share}", name.words.en);
        }
    }
}

#[test]
fn names_are_short_distinct_and_do_not_contradict_themselves() {
    let mut longest = 0;
    for seed in 0..120 {
        let (users, layer_of, n_layers) = shop(seed);
        let names = layer_names(&snapshot(&users, seed % 3 > 0), &layer_of, n_layers);
        let of = |words: fn(&Bilingual) -> &str| -> std::collections::BTreeSet<&str> {
            names.iter().map(|name| words(&name.words)).collect()
        };
        assert_eq!(of(|it| &it.en).len(), n_layers, "seed {seed}: {names:#?}");
        assert_eq!(of(|it| &it.zh).len(), n_layers, "seed {seed}: {names:#?}");
        for name in &names {
            let en = &name.words.en;
            longest = longest.max(en.chars().count());
            let says = |part: &str| en.to_lowercase().contains(part);
            for (one, other) in [
                ("lapsed", "bought"),
                ("lapsed", "overdue"),
                ("lapsed", "active"),
                ("new ", "quiet"),
                ("new ", "lapsed"),
                ("new ", "overdue"),
                ("quiet", "bought"),
                ("quiet", "active"),
                ("quiet", "overdue"),
                ("visitors", "bought"),
                ("visitors", "spenders"),
                ("users", "spenders"),
                ("low-mid", "big"),
                ("big", "small"),
                ("one order", "spenders"),
            ] {
                assert!(!(says(one) && says(other)), "seed {seed}: {en}");
            }
            assert!(!name.words.zh.is_ascii(), "{en}");
        }
    }
    assert!(longest <= 48, "{longest}");
}

/// The kinds, each a layer of its own.
fn names_of_kinds(kinds: &[usize]) -> Vec<Bilingual> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut users = Vec::new();
    let mut layer_of = Vec::new();
    for (layer, &number) in kinds.iter().enumerate() {
        for _ in 0..80 {
            users.push(kind(number, &mut rng));
            layer_of.push(layer);
        }
    }
    let names = layer_names(&snapshot(&users, true), &layer_of, kinds.len());
    names.into_iter().map(|name| name.words).collect()
}

#[test]
fn kinds_of_users_are_called_what_shops_call_them() {
    let names = names_of_kinds(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let english: Vec<&str> = names.iter().map(|it| it.en.as_str()).collect();
    assert_eq!(
        english,
        [
            "Weekly shoppers",
            "Monthly buyers, key sharers",
            "Lapsed fortnightly shoppers, quiet 3+ months",
            "One order so far, quiet 3+ months",
            "New small spenders",
            "Yearly buyers, still browsing",
            "Quarterly small spenders, store only",
            "4–10 orders so far, big spenders",
            "New visitors",
            "Visitors without an order, quiet 5+ months",
            "Fortnightly shoppers, price-sensitive",
        ]
    );
    assert_eq!(names[0].zh, "每周购买客");
    assert_eq!(names[4].zh, "新客·低消费客");
    assert_eq!(names[10].zh, "每两周购买客·价格敏感");
}

#[test]
fn layers_of_the_same_users_are_told_apart_by_their_place() {
    let users = vec![kind(4, &mut Xoshiro256PlusPlus::seed_from_u64(1)); 40];
    let layer_of: Vec<usize> = (0..40).map(|user| user % 2).collect();
    let names = layer_names(&snapshot(&users, false), &layer_of, 2);
    assert!(names[1].words.en.ends_with(" (2)"), "{names:?}");
    assert!(names[1].words.zh.ends_with("（2）"), "{names:?}");
}

#[test]
fn layers_of_one_kind_are_told_apart_by_a_plain_number() {
    let one = kind(4, &mut Xoshiro256PlusPlus::seed_from_u64(1));
    let other = User { order_value: one.order_value * 1.5, ..one.clone() };
    let users: Vec<User> = (0..40).map(|it| [one.clone(), other.clone()][it % 2].clone()).collect();
    let layer_of: Vec<usize> = (0..40).map(|user| user % 2).collect();
    let names = layer_names(&snapshot(&users, false), &layer_of, 2);
    assert!(names.iter().all(|it| !it.words.en.ends_with(')')), "{names:?}");
}
