//! Claims about how often users order and for how long they have not.

use super::claims::{Claim, Kind, Topic};
use super::user_set::UserSet;
use super::users::Users;
use crate::dataset::Family;
use crate::stats::metrics::{quantile, sorted};

/// Days after the first order, or visit, in which a user is new at most; in a short
/// history a quarter of it.
const NEW_DAYS: f64 = 60.0;

/// A rhythm: usual gap above and up to so many days, words for the users and words
/// before another noun.
type Band = ((f64, f64), (&'static str, &'static str), (&'static str, &'static str), f64);

const BANDS: [Band; 9] = [
    ((-1.0, 2.0), ("Daily shoppers", "每日购买客"), ("Daily", "每日购买"), 0.15),
    ((-1.0, 10.0), ("Weekly shoppers", "每周购买客"), ("Weekly", "每周购买"), 0.15),
    ((7.0, 21.0), ("Fortnightly shoppers", "每两周购买客"), ("Fortnightly", "每两周购买"), 0.15),
    ((20.0, 45.0), ("Monthly buyers", "每月购买客"), ("Monthly", "每月购买"), 0.15),
    ((45.0, 130.0), ("Quarterly buyers", "每季购买客"), ("Quarterly", "每季购买"), 0.15),
    ((130.0, 250.0), ("Half-yearly buyers", "每半年购买客"), ("Half-yearly", "每半年购买"), 0.15),
    ((300.0, 430.0), ("Yearly buyers", "每年购买客"), ("Yearly", "每年购买"), 0.15),
    // Wider ones, for layers of several rhythms.
    ((-1.0, 45.0), ("Frequent buyers", "高频购买客"), ("Frequent", "高频购买"), 0.1),
    ((-1.0, 95.0), ("Regular buyers", "常购客"), ("Regular", "常购"), 0.06),
];

/// What users are, from the narrowest claim to the widest.
pub(super) fn kinds(users: &Users<'_>) -> Vec<Claim> {
    [rhythms(users), customers(users), visitors(users)].concat()
}

fn rhythms(users: &Users<'_>) -> Vec<Claim> {
    let set = |holds: &dyn Fn(usize) -> bool| UserSet::of(users.len(), holds);
    let mut claims = Vec::new();
    for ((above, up_to), words, stem, weight) in BANDS {
        let fits = |user| users.rhythm_days(user).is_some_and(|gap| above < gap && gap <= up_to);
        let keeps = set(&|user| fits(user) && !users.has_lapsed(user));
        let ended = set(&|user| fits(user) && users.has_lapsed(user));
        let kept = Claim::new(Topic::Kind(Kind::Rhythm), words, weight, keeps);
        claims.push(kept.with_stem(stem.0, stem.1));
        let lapsed = (format!("Lapsed {}", words.0.to_lowercase()), format!("已流失的{}", words.1));
        let lapsed = (lapsed.0.as_str(), lapsed.1.as_str());
        claims.push(Claim::new(Topic::Kind(Kind::Lapsed), lapsed, weight, ended));
    }
    let is_occasional = |user| users.rhythm_days(user).is_some_and(|gap| gap > 45.0);
    let occasional = set(&|user| is_occasional(user) && !users.has_lapsed(user));
    let words = ("Occasional buyers", "低频复购客");
    claims.push(Claim::new(Topic::Kind(Kind::Rhythm), words, 0.05, occasional));
    claims
}

fn customers(users: &Users<'_>) -> Vec<Claim> {
    let set = |holds: &dyn Fn(usize) -> bool| UserSet::of(users.len(), holds);
    let new_days = NEW_DAYS.min(users.history_days / 4.0);
    let is_new = |user| users.first_order_days_ago(user).is_some_and(|days| days <= new_days);
    let has_ordered = |user, least: f64| users.n_orders(user) >= least;
    let claim = |kind, words, weight, holds| Claim::new(Topic::Kind(kind), words, weight, holds);
    let lapsed = |least| set(&|user| has_ordered(user, least) && users.has_lapsed(user));
    let mut claims = vec![
        claim(Kind::New, ("New customers", "新客"), 0.1, set(&is_new)).with_stem("New", "新客"),
        claim(Kind::Lapsed, ("Lapsed regulars", "已流失的老客"), 0.05, lapsed(3.0)),
        claim(Kind::Lapsed, ("Lapsed repeat buyers", "已流失的复购客"), 0.03, lapsed(2.0)),
        claim(Kind::Lapsed, ("Lapsed buyers", "已流失的顾客"), -0.05, lapsed(1.0))
            .with_stem("Lapsed", "已流失"),
    ];
    for (kind, (least, most), words, weight) in ORDER_COUNTS {
        let fits = |user| (least..=most).contains(&users.n_orders(user));
        claims.push(claim(kind, words, weight, set(&fits)));
    }
    let [repeat, anybody] =
        [(2.0, REPEAT), (1.0, CUSTOMERS)].map(|(least, (words, stem, weight))| {
            let fits = |user| users.n_orders(user) >= least;
            claim(Kind::Customer, words, weight, set(&fits)).with_stem(stem.0, stem.1)
        });
    claims.extend([repeat, anybody]);
    claims
}

/// Words for users, words before another noun, and what they are worth.
type Buyers = ((&'static str, &'static str), (&'static str, &'static str), f64);

const REPEAT: Buyers = (("Repeat buyers", "复购客"), ("Repeat", "复购"), 0.03);

/// Their tier says it all: "Big spenders".
const CUSTOMERS: Buyers = (("Customers", "顾客"), ("", ""), -0.12);

/// Numbers of orders from and up to, and the words for who placed so many.
type OrderCount = (Kind, (f64, f64), (&'static str, &'static str), f64);

const ANY: f64 = f64::INFINITY;

const ORDER_COUNTS: [OrderCount; 13] = [
    (Kind::Few, (1.0, 1.0), ("One order so far", "只下过一单"), 0.12),
    (Kind::Few, (2.0, 2.0), ("Two orders so far", "只下过两单"), 0.06),
    (Kind::Few, (1.0, 2.0), ("One or two orders so far", "只下过一两单"), 0.03),
    (Kind::Customer, (2.0, 3.0), ("2–3 orders so far", "下过2–3单"), 0.03),
    (Kind::Customer, (2.0, 5.0), ("2–5 orders so far", "下过2–5单"), 0.03),
    (Kind::Customer, (3.0, 6.0), ("3–6 orders so far", "下过3–6单"), 0.03),
    (Kind::Customer, (4.0, 10.0), ("4–10 orders so far", "下过4–10单"), 0.03),
    (Kind::Customer, (3.0, ANY), ("3+ orders so far", "下过3单以上"), 0.03),
    (Kind::Customer, (5.0, ANY), ("5+ orders so far", "下过5单以上"), 0.03),
    (Kind::Customer, (10.0, ANY), ("10+ orders so far", "下过10单以上"), 0.03),
    (Kind::Customer, (20.0, ANY), ("20+ orders so far", "下过20单以上"), 0.03),
    (Kind::Customer, (50.0, ANY), ("50+ orders so far", "下过50单以上"), 0.03),
    (Kind::Anybody, (0.0, 1.0), ("Visitors and one-time buyers", "访客与一单客"), -0.05),
];

/// Who never ordered, and, last, whoever it is.
fn visitors(users: &Users<'_>) -> Vec<Claim> {
    let set = |holds: &dyn Fn(usize) -> bool| {
        UserSet::of(users.len(), |user| !users.is_customer(user) && holds(user))
    };
    let claim = |words, weight, holds| Claim::new(Topic::Kind(Kind::Visitor), words, weight, holds);
    let mut claims = vec![claim(("Visitors without an order", "未下单访客"), 0.0, set(&|_| true))];
    let features = users.matrix().features();
    let before_order =
        features.iter().find(|it| it.family == Family::Events && it.funnel_position() == Some(-1));
    if let Some(carts) = before_order.and_then(|it| users.matrix().column(&it.name).ok()) {
        let filled = set(&|user| carts[user] >= 1.0);
        claims.push(claim(("Cart abandoners", "加购未买"), 0.08, filled));
    }
    if let Some(age) = users.all_time(Family::DaysSinceFirstEvent) {
        let oldest = age.iter().fold(0.0, |oldest: f64, &days| oldest.max(days));
        let is_new = |user: usize| age[user] <= NEW_DAYS.min(oldest / 4.0);
        let new = |words, weight, holds| Claim::new(Topic::Kind(Kind::New), words, weight, holds);
        claims.push(new(("New visitors", "新访客"), 0.08, set(&is_new)));
        claims.push(new(("New users", "新用户"), 0.05, UserSet::of(users.len(), is_new)));
    }
    claims.extend(visits(users));
    if let Some(days) = users.all_time(Family::ActiveDays) {
        let all = sorted(days.to_vec());
        let (half, most) = (quantile(&all, 0.5), quantile(&all, 0.75));
        let anybody = |words, holds| Claim::new(Topic::Kind(Kind::Anybody), words, -0.15, holds);
        let light = UserSet::of(users.len(), |user| days[user] <= half);
        claims.push(anybody(("Light users", "轻度用户"), light));
        let heavy = UserSet::of(users.len(), |user| days[user] >= most);
        claims.push(anybody(("Heavy users", "重度用户"), heavy));
    }
    let everybody = UserSet::of(users.len(), |_| true);
    let words = ("Buyers and visitors", "顾客与访客");
    claims.push(Claim::new(Topic::Kind(Kind::Anybody), words, -0.2, everybody));
    claims
}

/// Usual days between visits at most, and the words for who keeps coming like that.
const VISITS: [(f64, (&str, &str), f64); 4] = [
    (2.0, ("Daily visitors", "每日访客"), 0.05),
    (10.0, ("Weekly visitors", "每周访客"), 0.05),
    (45.0, ("Monthly visitors", "每月访客"), 0.03),
    (95.0, ("Occasional visitors", "偶尔来访"), 0.0),
];

/// Days with activity that make a habit.
const MIN_VISITS: f64 = 3.0;

/// Usual pauses without a visit after which users do not keep coming any more.
const GONE_GAPS: f64 = 3.0;

/// How often users come, whether or not they order.
fn visits(users: &Users<'_>) -> Vec<Claim> {
    let figures = (users.all_time(Family::ActiveGapMean), users.all_time(Family::ActiveDays));
    let (Some(gaps), Some(days)) = figures else {
        return Vec::new();
    };
    let comes = |user: usize, most: f64| {
        let gap = gaps[user];
        let limit = GONE_GAPS * gap.max(MIN_GAP_DAYS);
        let is_there = users.inactive_days(user).is_some_and(|it| it <= limit);
        is_there && days[user] >= MIN_VISITS && gap <= most
    };
    let claim = |(most, words, weight): (f64, (&str, &str), f64)| {
        let holds = UserSet::of(users.len(), |user| comes(user, most));
        Claim::new(Topic::Kind(Kind::Visiting), words, weight, holds)
    };
    VISITS.into_iter().map(claim).collect()
}

/// Pauses shorter than this are taken for as long.
const MIN_GAP_DAYS: f64 = 2.0;

/// Days, and the words for having been silent for so long or longer.
const QUIET: [(f64, &str, &str); 13] = [
    (14.0, "2+ weeks", "2周以上"),
    (30.0, "4+ weeks", "4周以上"),
    (61.0, "2+ months", "2个月以上"),
    (91.0, "3+ months", "3个月以上"),
    (122.0, "4+ months", "4个月以上"),
    (152.0, "5+ months", "5个月以上"),
    (183.0, "6+ months", "6个月以上"),
    (274.0, "9+ months", "9个月以上"),
    (365.0, "12+ months", "12个月以上"),
    (548.0, "18+ months", "18个月以上"),
    (731.0, "2+ years", "2年以上"),
    (1096.0, "3+ years", "3年以上"),
    (1826.0, "5+ years", "5年以上"),
];

/// Days, and the words for having done something in them.
const RECENT: [(f64, &str, &str); 6] = [
    (7.0, "within a week", "近一周"),
    (14.0, "within 2 weeks", "近两周"),
    (30.0, "within a month", "近一个月"),
    (61.0, "within 2 months", "近两个月"),
    (91.0, "within 3 months", "近三个月"),
    (182.0, "within 6 months", "近半年"),
];

/// For how long users have been silent: customers since their last order, others
/// since they were last active.
pub(super) fn silences(users: &Users<'_>) -> Vec<Claim> {
    let claim = |topic, (en, zh): (String, String), weight, holds: &dyn Fn(usize) -> bool| {
        Claim::new(topic, (&en, &zh), weight, UserSet::of(users.len(), holds))
    };
    let overdue = ("overdue".to_owned(), "超期未购".to_owned());
    let mut claims = vec![claim(Topic::Overdue, overdue, 0.15, &|user| users.is_overdue(user))];
    for (place, (days, en, zh)) in QUIET.into_iter().enumerate() {
        let is_quiet = |user: usize| match users.is_customer(user) {
            true => users.is_quiet_for(user, days),
            false => users.inactive_days(user).is_some_and(|it| it >= days),
        };
        let words = (format!("quiet {en}"), format!("沉默{zh}"));
        // The longer, the more it says.
        let weight = 0.15 + 0.02 * place as f64;
        claims.push(claim(Topic::Quiet, words, weight, &is_quiet));
    }
    for (days, en, zh) in RECENT {
        let bought = |user: usize| users.silence_days(user).is_some_and(|it| it <= days);
        let words = (format!("bought {en}"), format!("{zh}有购买"));
        claims.push(claim(Topic::Bought, words, 0.0, &bought));
        let active = |user: usize| users.inactive_days(user).is_some_and(|it| it <= days);
        let words = (format!("active {en}"), format!("{zh}活跃"));
        claims.push(claim(Topic::Active, words, 0.0, &active));
    }
    claims
}
