//! What it pays to move users: an offer's break-even, ceiling and expected gain.

use super::history::N_STRATA;
use super::movers::{MIN_MOVERS, count_movers};
use super::{GroupHistory, MeasuredWorth, Movers, Offers, WorthError};
use crate::stats::distributions::normal_quantile;
use crate::stats::resample::{Interval, Z_95, percentile_interval};

/// An offer in numbers, in the currency of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferWorth {
    /// The group users are in.
    pub from: usize,
    /// The group they are to move to.
    pub to: usize,
    /// Users who are in the former now.
    pub n_users: usize,
    /// Share of them who move in a step as things are.
    pub moves_anyway: f64,
    /// By how much more a member of the latter is worth: the most that a move could bring.
    pub ceiling: (f64, Option<Interval>),
    /// By how much more a member of the latter orders in a step.
    pub step_difference: f64,
    /// The same of those who moved, in the step after, beside users like them who stayed.
    pub movers: Movers,
    /// What a move is taken to bring: of the ceiling the part that movers kept beside users
    /// like them. `None` where fewer than 30 moved who can be compared.
    pub gain_of_move: Option<f64>,
    /// Least uplift at which a contact pays, were a move to bring the ceiling; `None` where
    /// none does.
    pub break_even: Option<f64>,
    /// The same for what a move is taken to bring.
    pub careful_break_even: Option<f64>,
    /// The most that a move may cost for a contact to pay, by what it is taken to bring: with
    /// the uplift of an experiment, else if all who are contacted moved because of it.
    pub most_a_move_may_cost: Option<f64>,
    /// What a contact brings after costs, by an experiment's uplift and what a move is taken
    /// to bring; the interval is that of the uplift, the values and the movers together.
    pub net_of_contact: Option<(f64, Option<Interval>)>,
    /// Chance to move in a step of users of each stratum, by that of the group.
    pub(super) relative_chances: [f64; N_STRATA],
}

/// Weighs offers. `known` has the id of each group and its names, in English and
/// Chinese.
///
/// # Errors
/// When an offer names a group that does not exist.
pub fn measure_offers(
    history: &GroupHistory,
    measured: &MeasuredWorth,
    offers: &Offers,
    known: &[[String; 3]],
    seed: u64,
) -> Result<Vec<OfferWorth>, WorthError> {
    let places = offers.places(known)?;
    let worth = &measured.worth;
    let of_offer = |(offer, (from, to)): (&super::Offer, (usize, usize))| {
        let counted = count_movers(history, from, to, seed);
        let resampled = &measured.resampled;
        let apart = |of: &ndarray::Array1<f64>| of[to] - of[from];
        let differences: Vec<f64> = resampled.iter().map(|it| apart(&it.values)).collect();
        let ceiling = worth.groups[to].value.0 - worth.groups[from].value.0;
        let step_difference = worth.chain.amounts[to] - worth.chain.amounts[from];
        let movers = &counted.movers;
        let are_enough = movers.n_moved.min(movers.n_stayed) >= MIN_MOVERS;
        let part = |of_movers: f64, of_members: f64| {
            // Where members order no more, no part of more can be kept.
            if of_members > 0.0 { (of_movers / of_members).clamp(0.0, 1.0) } else { 0.0 }
        };
        let kept = movers.difference.filter(|_| are_enough).map(|it| part(it, step_difference));
        let gain_of_move = kept.map(|kept| ceiling.max(0.0) * kept);
        let (contact, of_move) = (offer.cost_per_contact.get(), offer.cost_per_move.get());
        let break_even = |gain: f64| {
            let uplift = contact / (gain - of_move);
            (gain > of_move && uplift <= 1.0).then_some(uplift)
        };
        let uplift = offer.measured_uplift();
        let net = |uplift: f64, gain: f64| uplift * (gain - of_move) - contact;
        let net_of_contact = uplift.zip(kept).map(|(uplift, kept)| {
            // Resamples come in no order, so that quantiles in order are as good as draws.
            let draw = |place: usize| {
                let z = normal_quantile((place as f64 + 0.5) / differences.len() as f64);
                let side =
                    if z < 0.0 { uplift.share - uplift.low } else { uplift.high - uplift.share };
                uplift.share + side * z / Z_95
            };
            let of_resample = |(place, it): (usize, Option<f64>)| {
                let kept = part(it?, apart(&resampled[place].amounts));
                Some(net(draw(place), differences[place] * kept))
            };
            let nets = counted.resampled.iter().copied().enumerate().map(of_resample);
            (net(uplift.share, ceiling * kept), percentile_interval(nets))
        });
        let measured_uplift = uplift.map_or(1.0, |it| it.share);
        OfferWorth {
            from,
            to,
            n_users: worth.groups[from].n_users,
            moves_anyway: counted.chance,
            ceiling: (ceiling, percentile_interval(differences.iter().map(|&it| Some(it)))),
            step_difference,
            gain_of_move,
            break_even: break_even(ceiling),
            careful_break_even: gain_of_move.and_then(break_even),
            most_a_move_may_cost: gain_of_move.map(|gain| match measured_uplift > 0.0 {
                true => (gain - contact / measured_uplift).max(0.0),
                false => 0.0,
            }),
            net_of_contact,
            relative_chances: counted.chances.map(|it| match counted.chance > 0.0 {
                true => it / counted.chance,
                false => 1.0,
            }),
            movers: counted.movers,
        }
    };
    Ok(offers.offers.iter().zip(places).map(of_offer).collect())
}
