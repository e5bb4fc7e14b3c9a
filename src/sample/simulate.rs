//! One user's life, day by day.

use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp, LogNormal, Poisson};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::kinds::{CATEGORIES, CHANNELS, Kind, N_ITEMS, STORE, WECOM};
use super::{FIRST_DAY, N_DAYS};
use chrono::Datelike;

/// Seconds in a day.
const DAY_S: i64 = 86_400;

/// A row of the behaviour log. Times are seconds since the first day.
pub(super) struct Behaviour {
    pub time_s: i64,
    pub event: &'static str,
    pub channel: usize,
    /// Category and item within it, for views, carts and shares.
    pub item: Option<(usize, usize)>,
    pub dwell_s: Option<f32>,
}

/// A line of an order.
pub(super) struct OrderLine {
    pub time_s: i64,
    /// Number of the order among the user's own.
    pub order: usize,
    pub channel: usize,
    pub item: (usize, usize),
    pub quantity: u32,
    /// In hundredths of the currency.
    pub unit_price_cents: i64,
    /// Off the whole line, in hundredths.
    pub discount_cents: i64,
}

/// Everything that one user did.
pub(super) struct Life<'a> {
    pub kind: &'a Kind,
    pub behaviour: Vec<Behaviour>,
    pub order_lines: Vec<OrderLine>,
}

/// Simulates user number `user`, of one of the `kinds`. Each has a random stream of their
/// own, so that a larger sample begins with the users of a smaller one.
pub(super) fn live(kinds: &[Kind], seed: u64, user: usize) -> Life<'_> {
    let mix = (user as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ mix);
    let kind = draw_kind(kinds, &mut rng);
    let mut person = Person::new(kind, &mut rng);
    let joined = if rng.gen_bool(0.35) { 0 } else { rng.gen_range(0..N_DAYS - 30) };
    // The first day is a visit: it is how they came to be known.
    person.visit(joined, &mut rng);
    for day in joined + 1..N_DAYS {
        // The shop does not know who has left: it goes on writing.
        let is_gone = person.leaves(&mut rng);
        person.receive_message(day, user, is_gone, &mut rng);
        if !is_gone
            && rng.gen_bool((person.visit_rate * person.engagement * season(kind, day)).min(0.95))
        {
            person.visit(day, &mut rng);
        }
    }
    Life { kind, behaviour: person.behaviour, order_lines: person.order_lines }
}

fn draw_kind<'a>(kinds: &'a [Kind], rng: &mut impl Rng) -> &'a Kind {
    let mut left: f64 = rng.gen_range(0.0..kinds.iter().map(|kind| kind.share).sum());
    for kind in kinds {
        left -= kind.share;
        if left < 0.0 {
            return kind;
        }
    }
    &kinds[0]
}

/// How much busier a day is for this kind than an ordinary one.
fn season(kind: &Kind, day: u32) -> f64 {
    let date = FIRST_DAY + chrono::Days::new(u64::from(day));
    let (month, day_of_month) = (date.month(), date.day());
    let is_sale = matches!((month, day_of_month), (6, 8..=20) | (11, 1..=12) | (3, 4..=8));
    // Lunar new year, Valentine's, 20 May, mid-autumn, Christmas.
    let before_gifts = matches!(
        (month, day_of_month),
        (1, 15..=28) | (2, 5..=14) | (5, 12..=20) | (9, 5..=16) | (12, 12..=24)
    );
    let weekend = if date.weekday().number_from_monday() > 5 { 0.2 } else { 0.0 };
    let sale = if is_sale { kind.sales } else { 0.0 };
    let gift = if before_gifts { kind.gifts } else { 0.0 };
    1.0 + weekend + sale + gift
}

struct Person<'a> {
    kind: &'a Kind,
    /// From 0 to 1: falls after a bad delivery and as messages go unread,
    /// recovers slowly. What has happened thus decides who leaves.
    engagement: f64,
    visit_rate: f64,
    order_rate: f64,
    price_level: f64,
    n_orders: usize,
    has_left: bool,
    behaviour: Vec<Behaviour>,
    order_lines: Vec<OrderLine>,
}

impl<'a> Person<'a> {
    fn new(kind: &'a Kind, rng: &mut impl Rng) -> Self {
        let personal = LogNormal::new(-0.08, 0.4).expect("a positive spread");
        Self {
            kind,
            engagement: 1.0,
            visit_rate: kind.visit * personal.sample(rng),
            order_rate: (kind.order * personal.sample(rng)).min(0.95),
            price_level: kind.price * personal.sample(rng),
            n_orders: 0,
            has_left: false,
            behaviour: Vec::new(),
            order_lines: Vec::new(),
        }
    }

    fn leaves(&mut self, rng: &mut impl Rng) -> bool {
        let distance = 1.0 - self.engagement;
        let hazard = self.kind.leave * (1.0 + 25.0 * distance * distance);
        self.has_left = self.has_left || rng.gen_bool(hazard.min(1.0));
        self.engagement = (self.engagement + 0.002).min(1.0);
        self.has_left
    }

    /// A message every third week; each unread one costs a little interest.
    fn receive_message(&mut self, day: u32, user: usize, is_gone: bool, rng: &mut impl Rng) {
        if !(day as usize + user).is_multiple_of(21) {
            return;
        }
        let sent_s = i64::from(day) * DAY_S + 10 * 3600;
        self.log(sent_s, "message_sent", WECOM, None, None);
        if !is_gone && rng.gen_bool((self.kind.open * self.engagement).min(0.95)) {
            let delay_s = rng.gen_range(60..8 * 3600);
            self.log(sent_s + delay_s, "message_opened", WECOM, None, None);
        } else {
            self.engagement *= 0.98;
        }
    }

    fn visit(&mut self, day: u32, rng: &mut impl Rng) {
        let channel = prefer(self.kind.channel, CHANNELS.len() - 1, rng);
        let category = prefer(self.kind.category, CATEGORIES.len(), rng);
        let mut time_s = i64::from(day) * DAY_S + rng.gen_range(8 * 3600..22 * 3600);
        if channel < 2 && rng.gen_bool(0.4) {
            self.log(time_s, "sign_in", channel, None, None);
        }
        let is_online = channel != STORE;
        let mut item = (category, rng.gen_range(0..N_ITEMS));
        if is_online {
            for _ in 0..1 + poisson(self.kind.views, rng) {
                item = (category, popular_item(rng));
                let dwell_s = exponential(40.0, rng);
                self.log(time_s, "view", channel, Some(item), Some(dwell_s as f32));
                time_s += dwell_s as i64 + 5;
                if rng.gen_bool(self.kind.cart) {
                    self.log(time_s, "cart", channel, Some(item), None);
                    time_s += 5;
                }
            }
        }
        if rng.gen_bool(self.kind.share_event) {
            self.log(time_s, "share", channel, Some(item), None);
        }
        if rng.gen_bool((self.order_rate * self.engagement).min(0.95)) {
            self.order(time_s + 60, channel, item, rng);
        }
    }

    fn order(&mut self, time_s: i64, channel: usize, first: (usize, usize), rng: &mut impl Rng) {
        let is_discounted = rng.gen_bool(self.kind.discount);
        for line in 0..1 + poisson(self.kind.extra_lines, rng) {
            let item = if line == 0 { first } else { (first.0, popular_item(rng)) };
            let quantity = 1 + poisson(0.3, rng) as u32;
            let spread = LogNormal::new(0.0, 0.35).expect("a positive spread");
            let price = CATEGORIES[item.0].1 * self.price_level * spread.sample(rng);
            let unit_price_cents = (price * 100.0).round().max(100.0) as i64;
            let full_cents = unit_price_cents * i64::from(quantity);
            let rate = if is_discounted { rng.gen_range(0.1..0.35) } else { 0.0 };
            self.order_lines.push(OrderLine {
                time_s,
                order: self.n_orders,
                channel,
                item,
                quantity,
                unit_price_cents,
                discount_cents: (full_cents as f64 * rate).round() as i64,
            });
        }
        self.n_orders += 1;
        // A bad delivery is remembered.
        if rng.gen_bool(0.08) {
            self.engagement *= 0.6;
        }
        self.has_left = self.has_left || rng.gen_bool(self.kind.leave_after_order);
    }

    fn log(
        &mut self,
        time_s: i64,
        event: &'static str,
        channel: usize,
        item: Option<(usize, usize)>,
        dwell_s: Option<f32>,
    ) {
        self.behaviour.push(Behaviour { time_s, event, channel, item, dwell_s });
    }
}

/// The preferred of `n` choices with its strength, else any.
fn prefer((choice, strength): (usize, f64), n: usize, rng: &mut impl Rng) -> usize {
    if rng.gen_bool(strength) { choice } else { rng.gen_range(0..n) }
}

/// Low item numbers are the popular ones.
fn popular_item(rng: &mut impl Rng) -> usize {
    (rng.gen_range(0.0f64..1.0).powi(2) * N_ITEMS as f64) as usize
}

fn poisson(mean: f64, rng: &mut impl Rng) -> usize {
    if mean <= 0.0 { 0 } else { Poisson::new(mean).expect("a positive mean").sample(rng) as usize }
}

/// Exponential with the given mean, in whole seconds, at least one.
fn exponential(mean: f64, rng: &mut impl Rng) -> f64 {
    Exp::new(1.0 / mean).expect("a positive mean").sample(rng).round().max(1.0)
}
