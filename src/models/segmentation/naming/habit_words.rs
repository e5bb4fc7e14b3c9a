//! Habits of single users: so much of what they do, as a share.

use ndarray::ArrayView1;

use super::trait_claims::short;
use super::typical_user::number;
use super::users::Users;
use crate::dataset::{Bilingual, DayPart, Dimension, EventRole, Family, FeatureInfo};
use crate::stats::metrics::quantile;

/// What a habit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    OnDiscount,
    FullPrice,
    Answers,
    Ignores,
    /// Visits without an order.
    Looks,
    /// Visits with an order.
    Buys,
    Shares,
    Redeems,
    FillsCarts,
    /// Events of another type.
    Does,
    OnChannel,
    InCategory,
    YearEnd,
    InSeason,
    AtWeekend,
    InPartOfDay,
    BigOrders,
    SmallOrders,
    KeepsRhythm,
    OneOff,
    /// Ordered again, of those who could have.
    CameBack,
    Fading,
    Active,
}

impl Fact {
    /// Whether it may be said of a kind: being active is of a date, and who came back is
    /// the rest of who ordered once.
    pub(super) fn may_be_said(self) -> bool {
        !matches!(self, Self::Active | Self::CameBack)
    }
}

/// Something of which users do more or less.
#[derive(Debug, Clone)]
pub(super) struct Habit {
    pub(super) fact: Fact,
    /// "buys on discount".
    pub(super) words: Bilingual,
    /// "{} of orders on discount", `{}` for a share.
    pub(super) figure: Bilingual,
    /// The channel that it is about.
    pub(super) value: String,
    /// Share of a kind from which its words are true.
    pub(super) least: f64,
    /// Of each user how much, and of how much: 2 of 3 orders. Of 0 where nothing is known.
    pub(super) counts: Vec<(f64, f64)>,
}

/// Shares from which something is most of what users do, or much of it.
const MOST: f64 = 0.5;
const MUCH: f64 = 0.1;

/// Visits without an order that are nearly all.
const NEARLY_ALL: f64 = 0.75;

/// Days between orders of who orders often.
const OFTEN_DAYS: f64 = 45.0;

/// Days of history in which every season has been there twice: else who came early, and
/// left, seems to buy in one season.
const MIN_SEASON_DAYS: f64 = 730.0;

/// Days since when someone who did something is active.
const ACTIVE_DAYS: f64 = 30.0;

const PARTS: [(&str, &str); 4] = [
    ("at night", "凌晨"),
    ("in the morning", "上午"),
    ("in the afternoon", "下午"),
    ("in the evening", "晚上"),
];

const QUARTERS: [(&str, &str); 4] =
    [("Q1", "一季度"), ("Q2", "二季度"), ("Q3", "三季度"), ("Q4", "四季度")];

impl Habit {
    fn new(
        fact: Fact,
        words: Bilingual,
        figure: Bilingual,
        least: f64,
        counts: impl Iterator<Item = (f64, f64)>,
    ) -> Self {
        let counts = counts.map(|(part, whole)| (part.min(whole), whole)).collect();
        Self { fact, words, figure, value: String::new(), least, counts }
    }

    /// The rest of the whole, which nearly all is.
    fn rest(&self, fact: Fact, words: Bilingual, figure: Bilingual) -> Self {
        let rest = self.counts.iter().map(|(part, whole)| (whole - part, *whole));
        Self::new(fact, words, figure, NEARLY_ALL, rest)
    }
}

/// All habits that the data of a snapshot shows.
pub(super) fn habits(users: &Users<'_>) -> Vec<Habit> {
    [
        of_users(users),
        of_order_sizes(users),
        of_orders(users),
        of_visits(users),
        of_answers(users),
        of_events(users),
        of_values(users, Dimension::Channel),
        of_values(users, Dimension::Category),
    ]
    .concat()
}

fn words(en: impl Into<String>, zh: impl Into<String>) -> Bilingual {
    Bilingual::new(en, zh)
}

/// What is true or false of each user; `None` of whom it cannot be said.
fn of_each(
    users: &Users<'_>,
    fact: Fact,
    (words, figure): (Bilingual, Bilingual),
    holds: impl Fn(usize) -> Option<bool>,
) -> Habit {
    let count = |user| holds(user).map_or((0.0, 0.0), |it| (f64::from(u8::from(it)), 1.0));
    Habit::new(fact, words, figure, MOST, (0..users.len()).map(count))
}

/// At what rhythm users order, and whether they still do.
fn of_users(users: &Users<'_>) -> Vec<Habit> {
    let said = (
        words("ordered once, long ago", "很久前只买过一次"),
        words("{} of older customers ordered once", "{}的老顾客只买过一次"),
    );
    let one_off = of_each(users, Fact::OneOff, said, |user| {
        users.could_have_come_back(user).then(|| users.n_order_days(user) == 1.0)
    });
    let said = (
        words("stopped ordering", "已不再下单"),
        words("{} of repeat buyers have stopped ordering", "{}的复购客已不再下单"),
    );
    let fading = of_each(users, Fact::Fading, said, |user| {
        (users.n_order_days(user) > 1.0).then(|| users.has_lapsed(user))
    });
    let said = (
        words("orders often", "常下单"),
        words("{} order every 45 days or more often", "{}惯常45天内下一单"),
    );
    let orders_often = |user| users.rhythm_days(user).is_some_and(|days| days <= OFTEN_DAYS);
    let keeps_rhythm = of_each(users, Fact::KeepsRhythm, said, |user| Some(orders_often(user)));
    let said = (words("active", "活跃"), words("{} active in 30 days", "{}近30天活跃"));
    let active = of_each(users, Fact::Active, said, |user| {
        users.inactive_days(user).map(|days| days <= ACTIVE_DAYS)
    });
    let said = words("came back", "有复购");
    let figure = words("{} of older customers came back", "{}的老顾客有复购");
    vec![one_off.rest(Fact::CameBack, said, figure), one_off, fading, keeps_rhythm, active]
}

/// What an order is worth, beside those of all customers.
fn of_order_sizes(users: &Users<'_>) -> Vec<Habit> {
    let value = |user| users.mean_order_value(user);
    let all = users.of_customers(value);
    if all.first() == all.last() {
        return Vec::new();
    }
    let (half, large) = (quantile(&all, 0.5), quantile(&all, 0.75));
    let (en, zh) = ("{} of customers spend", "{}的顾客平均每单");
    let (more, less) = (number(large), number(half));
    let of_more = words(format!("{en} over {more} an order"), format!("{zh}超过{more}"));
    let of_less = words(format!("{en} under {less} an order"), format!("{zh}不足{less}"));
    vec![
        of_each(users, Fact::BigOrders, (words("large orders", "客单高"), of_more), |user| {
            value(user).map(|it| it > large)
        }),
        of_each(users, Fact::SmallOrders, (words("small orders", "客单低"), of_less), |user| {
            value(user).map(|it| it < half)
        }),
    ]
}

/// How, and when, orders are placed.
fn of_orders(users: &Users<'_>) -> Vec<Habit> {
    let mut all = Vec::new();
    let mut add = |fact, family, words, figure| {
        let Some(shares) = users.all_time(family) else { return };
        let count = |user: usize| (shares[user] * users.n_orders(user), users.n_orders(user));
        all.push(Habit::new(fact, words, figure, MOST, (0..users.len()).map(count)));
    };
    let figure = words("{} of orders on discount", "优惠订单占{}");
    let on_discount = words("buys on discount", "偏好折扣");
    add(Fact::OnDiscount, Family::DiscountShare, on_discount, figure);
    let figure = words("{} of orders at weekends", "周末订单占{}");
    let at_weekends = words("buys at weekends", "多在周末购买");
    add(Fact::AtWeekend, Family::OrdersAtWeekend, at_weekends, figure);
    for (part, (en, zh)) in DayPart::ALL.into_iter().zip(PARTS) {
        let figure = words(format!("{{}} of orders {en}"), format!("{zh}订单占{{}}"));
        let at = words(format!("buys {en}"), format!("多在{zh}购买"));
        add(Fact::InPartOfDay, Family::OrdersAt(part), at, figure);
    }
    for (quarter, (en, zh)) in (1..).zip(QUARTERS) {
        if users.history_days >= MIN_SEASON_DAYS {
            let fact = if quarter == 4 { Fact::YearEnd } else { Fact::InSeason };
            let figure = words(format!("{{}} of orders in {en}"), format!("{zh}订单占{{}}"));
            let at = words(format!("buys in {en}"), format!("多在{zh}购买"));
            add(fact, Family::OrdersInQuarter(quarter), at, figure);
        }
    }
    let full_price = all.iter().find(|it| it.fact == Fact::OnDiscount).map(|it| {
        let figure = words("{} of orders at full price", "原价订单占{}");
        it.rest(Fact::FullPrice, words("pays full price", "少用优惠"), figure)
    });
    all.extend(full_price);
    all
}

/// Whether visits lead to orders.
fn of_visits(users: &Users<'_>) -> Vec<Habit> {
    let Some(days) = users.all_time(Family::ActiveDays) else { return Vec::new() };
    let counts = (0..users.len()).map(|user| (users.n_order_days(user), days[user]));
    let figure = words("orders on {} of active days", "{}的活跃日有下单");
    let on_most = words("buys on most visits", "来了多半会买");
    let buys = Habit::new(Fact::Buys, on_most, figure, MOST, counts);
    let figure = words("no order on {} of active days", "{}的活跃日未下单");
    vec![buys.rest(Fact::Looks, words("seldom buys", "少下单"), figure), buys]
}

/// The number of events of a type.
fn count_of<'a>(users: &Users<'a>, event: Option<&String>) -> Option<ArrayView1<'a, f64>> {
    let matrix = users.matrix();
    let is_it = |it: &&FeatureInfo| it.family == Family::Events && it.event.as_ref() == event;
    matrix.column(&matrix.features().iter().find(is_it)?.name).ok()
}

/// Whether messages are answered.
fn of_answers(users: &Users<'_>) -> Vec<Habit> {
    let features = users.matrix().features().iter();
    let of_all = features.filter(|it| it.family == Family::Response && it.channel.is_none());
    let counts: Vec<_> = of_all
        .filter_map(|it| {
            Some((count_of(users, it.event.as_ref())?, count_of(users, it.per_event.as_ref())?))
        })
        .collect();
    let count = |user: usize| {
        counts.iter().fold((0.0, 0.0), |(part, whole), (answers, sent)| {
            (part + answers[user].min(sent[user]), whole + sent[user])
        })
    };
    let figure = words("{} of messages answered", "{}的消息有回应");
    let answers = words("answers messages", "爱看消息");
    let answers = Habit::new(Fact::Answers, answers, figure, MOST, (0..users.len()).map(count));
    let figure = words("{} of messages not answered", "{}的消息没有回应");
    vec![answers.rest(Fact::Ignores, words("ignores messages", "不看消息"), figure), answers]
}

/// What users do beside ordering, as shares of all that they do.
fn of_events(users: &Users<'_>) -> Vec<Habit> {
    let features = users.matrix().features().iter();
    let events: Vec<(&FeatureInfo, ArrayView1<'_, f64>)> = features
        .filter(|it| it.family == Family::Events && !it.has_role(EventRole::Outbound))
        .filter_map(|it| Some((it, users.matrix().column(&it.name).ok()?)))
        .collect();
    let whole = |user| events.iter().map(|it| it.1[user]).sum::<f64>() + users.n_orders(user);
    let wholes: Vec<f64> = (0..users.len()).map(whole).collect();
    let said = |feature: &FeatureInfo, event: &str| match feature.funnel_position() {
        _ if feature.has_role(EventRole::Share) => {
            Some((Fact::Shares, words("shares much", "爱分享")))
        }
        _ if feature.has_role(EventRole::Coupon) => {
            Some((Fact::Redeems, words("uses coupons", "爱用优惠券")))
        }
        // Answers and looking around are habits of their own.
        _ if feature.has_role(EventRole::Response) => None,
        Some(..-1) => None,
        Some(-1) => Some((Fact::FillsCarts, words("fills carts", "爱加购"))),
        _ => Some((Fact::Does, words(format!("often “{event}”"), format!("常有“{event}”")))),
    };
    let habit = |(feature, counts): &(&FeatureInfo, ArrayView1<'_, f64>)| {
        let event = short(feature.event.as_deref()?);
        let (fact, often) = said(feature, &event)?;
        let figure =
            words(format!("{{}} of actions are “{event}”"), format!("“{event}”占行为{{}}"));
        let counts = wholes.iter().enumerate().map(|(user, &whole)| (counts[user], whole));
        Some(Habit::new(fact, often, figure, MUCH, counts))
    };
    events.iter().filter_map(habit).collect()
}

/// On which channel users do most, or in which category.
fn of_values(users: &Users<'_>, dimension: Dimension) -> Vec<Habit> {
    let matrix = users.matrix();
    let columns = |family| {
        let features = matrix.features().iter().filter(move |it| it.family == family);
        features.filter_map(|it| Some((it, matrix.column(&it.name).ok()?))).collect::<Vec<_>>()
    };
    let (counts, shares) =
        (columns(Family::EventsOf(dimension)), columns(Family::ShareOf(dimension)));
    let is_same = |a: &FeatureInfo, b: &FeatureInfo| {
        (a.channel.as_ref(), a.category.as_ref()) == (b.channel.as_ref(), b.category.as_ref())
    };
    // Rare values have no feature; a share says of how many events it is one.
    let whole = |user: usize| {
        let (value, share) = shares.iter().find(|it| it.1[user] > 0.0)?;
        let (_, count) = counts.iter().find(|it| is_same(it.0, value))?;
        Some((count[user] / share[user]).round())
    };
    let wholes: Vec<f64> = (0..users.len()).map(|user| whole(user).unwrap_or(0.0)).collect();
    let habit = |(feature, counts): &(&FeatureInfo, ArrayView1<'_, f64>)| {
        let value = short(feature.channel.as_deref().or(feature.category.as_deref())?);
        let (fact, mostly, figure) = match dimension {
            Dimension::Channel => (
                Fact::OnChannel,
                words(format!("mostly on {value}"), format!("多在{value}")),
                words(format!("{{}} of actions on {value}"), format!("{{}}的行为在{value}")),
            ),
            _ => (
                Fact::InCategory,
                words(format!("mostly {value}"), format!("偏好{value}")),
                words(format!("{{}} of actions in {value}"), format!("{{}}的行为涉及{value}")),
            ),
        };
        let counts = wholes.iter().enumerate().map(|(user, &whole)| (counts[user], whole));
        let habit = Habit::new(fact, mostly, figure, MOST, counts);
        Some(Habit { value, ..habit })
    };
    counts.iter().filter_map(habit).collect()
}
