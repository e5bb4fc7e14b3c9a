//! Kinds drawn from a seed: like the planted ones in how many traits are out
//! of the ordinary and by how much, but other ones with every seed.

use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::kinds::{CATEGORIES, CHANNELS, Kind, ORDINARY, STORE, WECOM};

const NAMES: [&str; 12] = [
    "kind_01", "kind_02", "kind_03", "kind_04", "kind_05", "kind_06", "kind_07", "kind_08",
    "kind_09", "kind_10", "kind_11", "kind_12",
];

/// At least one more than there are channels to prefer, so that two kinds always share one.
const FEWEST_KINDS: usize = 6;

/// No kind has a smaller share of the users.
const SMALLEST_SHARE: f64 = 0.03;

/// Chance that a trait is out of the ordinary, as it is among the planted kinds.
const UNUSUAL: f64 = 0.45;

/// Two drawn kinds differ at least by this, as the two most alike of the planted ones do.
const SMALLEST_DIFFERENCE: f64 = 1.0;

/// Draws six to twelve kinds with their shares. The same seed gives the same kinds.
pub(super) fn draw_kinds(seed: u64) -> Vec<Kind> {
    // Users have streams of their own: none of them is that of the bare seed.
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let n_kinds = rng.gen_range(FEWEST_KINDS..=NAMES.len());
    let mut kinds: Vec<Kind> = Vec::new();
    while kinds.len() < n_kinds {
        let kind = Kind { name: NAMES[kinds.len()], ..draw_traits(&mut rng) };
        if kinds.iter().all(|other| difference(&kind, other) >= SMALLEST_DIFFERENCE) {
            kinds.push(kind);
        }
    }
    let weights: Vec<f64> = kinds.iter().map(|_| log_uniform(1.0..6.0, &mut rng)).collect();
    let shared_out = 1.0 - SMALLEST_SHARE * n_kinds as f64;
    for (kind, weight) in kinds.iter_mut().zip(&weights) {
        kind.share = SMALLEST_SHARE + shared_out * weight / weights.iter().sum::<f64>();
    }
    kinds
}

/// One kind without name and share. Volume differs up to tenfold.
fn draw_traits(rng: &mut impl Rng) -> Kind {
    Kind {
        visit: log_uniform(0.02..0.20, rng),
        views: mean(ORDINARY.views, 0.0..2.5, rng),
        cart: chance(ORDINARY.cart, 0.02..0.40, rng),
        order: chance(ORDINARY.order, 0.005..0.75, rng),
        share_event: chance(ORDINARY.share_event, 0.0..0.50, rng),
        open: chance(ORDINARY.open, 0.05..0.75, rng),
        extra_lines: mean(ORDINARY.extra_lines, 0.0..2.0, rng),
        price: unless_ordinary(ORDINARY.price, rng, |rng| log_uniform(0.5..2.0, rng)),
        discount: chance(ORDINARY.discount, 0.03..0.95, rng),
        sales: mean(ORDINARY.sales, 0.0..6.0, rng),
        gifts: mean(ORDINARY.gifts, 0.0..9.0, rng),
        leave: unless_ordinary(ORDINARY.leave, rng, |rng| log_uniform(0.0003..0.01, rng)),
        leave_after_order: chance(ORDINARY.leave_after_order, 0.0..0.85, rng),
        channel: unless_ordinary(ORDINARY.channel, rng, |rng| {
            (rng.gen_range(0..WECOM), rng.gen_range(0.4..0.95))
        }),
        category: unless_ordinary(ORDINARY.category, rng, |rng| {
            (rng.gen_range(0..CATEGORIES.len()), rng.gen_range(0.3..0.8))
        }),
        ..ORDINARY
    }
}

fn unless_ordinary<T, R: Rng>(ordinary: T, rng: &mut R, draw: impl FnOnce(&mut R) -> T) -> T {
    if rng.gen_bool(UNUSUAL) { draw(rng) } else { ordinary }
}

/// A probability, uniform on the scale on which [`difference`] measures.
fn chance(ordinary: f64, range: Range<f64>, rng: &mut impl Rng) -> f64 {
    let angles = range.start.sqrt().asin()..range.end.sqrt().asin();
    unless_ordinary(ordinary, rng, |rng| rng.gen_range(angles).sin().powi(2))
}

/// A mean number or a season's gain, uniform on the scale on which [`difference`] measures.
fn mean(ordinary: f64, range: Range<f64>, rng: &mut impl Rng) -> f64 {
    unless_ordinary(ordinary, rng, |rng| log_uniform(1.0 + range.start..1.0 + range.end, rng) - 1.0)
}

fn log_uniform(range: Range<f64>, rng: &mut impl Rng) -> f64 {
    rng.gen_range(range.start.ln()..range.end.ln()).exp()
}

/// How differently two kinds shop, whatever their volume and length of stay: the root of
/// summed squares of Cohen's h for chances, of differences in log for means, seasons and
/// price, and of twice the Hellinger chord for preferences. What shows only online or in
/// orders counts as far as both kinds are seen there.
///
/// Source: J. Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, ch. 6
/// (h: .2 small, .5 medium, .8 large).
fn difference(a: &Kind, b: &Kind) -> f64 {
    let channels = |kind: &Kind| preferences(kind.channel, CHANNELS.len() - 1);
    let categories = |kind: &Kind| preferences(kind.category, CATEGORIES.len());
    let online = |kind: &Kind| 1.0 - channels(kind)[STORE];
    let h = |of: fn(&Kind) -> f64| (2.0 * (of(a).sqrt().asin() - of(b).sqrt().asin())).powi(2);
    let log = |of: fn(&Kind) -> f64| (of(a) / of(b)).ln().powi(2);
    let chord = |p: Vec<f64>, q: Vec<f64>| -> f64 {
        p.iter().zip(&q).map(|(p, q)| (2.0 * (p.sqrt() - q.sqrt())).powi(2)).sum()
    };
    let in_visits = h(|kind| kind.order)
        + h(|kind| kind.share_event)
        + h(|kind| kind.open)
        + log(|kind| 1.0 + kind.sales)
        + log(|kind| 1.0 + kind.gifts)
        + chord(channels(a), channels(b))
        + chord(categories(a), categories(b));
    let in_views = h(|kind| kind.cart) + log(|kind| 1.0 + kind.views);
    let in_orders =
        h(|kind| kind.discount) + log(|kind| kind.price) + log(|kind| 1.0 + kind.extra_lines);
    let seen_in_orders = (a.order.min(b.order) / ORDINARY.order).min(1.0);
    (in_visits + online(a).min(online(b)) * in_views + seen_in_orders * in_orders).sqrt()
}

/// How often each of `n` choices is made.
fn preferences((choice, strength): (usize, f64), n: usize) -> Vec<f64> {
    let by_chance = (1.0 - strength) / n as f64;
    (0..n).map(|index| by_chance + if index == choice { strength } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sample::KINDS;

    fn differences(kinds: &[Kind]) -> Vec<f64> {
        let pairs = (0..kinds.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        pairs.map(|(a, b)| difference(&kinds[a], &kinds[b])).collect()
    }

    #[test]
    fn drawn_kinds_shop_as_differently_as_planted_ones() {
        assert!(differences(&KINDS).iter().all(|&found| found >= SMALLEST_DIFFERENCE));
        for seed in 0..50 {
            let kinds = draw_kinds(seed);
            assert!((6..=12).contains(&kinds.len()));
            assert!(differences(&kinds).iter().all(|&found| found >= SMALLEST_DIFFERENCE));
            assert!(kinds.iter().all(|kind| kind.share >= SMALLEST_SHARE));
            assert!((kinds.iter().map(|kind| kind.share).sum::<f64>() - 1.0).abs() < 1e-12);
            let channels: BTreeSet<usize> = kinds.iter().map(|kind| kind.channel.0).collect();
            assert!(channels.len() < kinds.len(), "no two share a channel");
        }
    }

    #[test]
    fn volume_and_leaving_make_no_difference() {
        let busy = Kind { visit: 0.2, leave: 0.01, leave_after_order: 0.5, ..ORDINARY };
        assert_eq!(difference(&busy, &ORDINARY), 0.0);
        let reader = Kind { open: 0.75, ..ORDINARY };
        assert!((difference(&reader, &ORDINARY) - std::f64::consts::FRAC_PI_3).abs() < 1e-12);
    }
}
