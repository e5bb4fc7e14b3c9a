//! Whom to contact for a budget: the users whose contact brings most for what it costs.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::history::{GroupsAt, NOT_YET_SEEN};
use super::offers::group_called;
use super::{GroupHistory, GroupsWorth, Offer, OfferWorth, Offers, WorthError};
use crate::settings::NonNegative;

/// Rows at most of what the next money brings.
const MAX_ROWS: f64 = 12.0;

/// The least money of such a row, in the currency of the data.
const LEAST_MONEY: f64 = 1_000.0;

/// A user to contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contact {
    /// Row of the user in the history.
    pub user: usize,
    /// Place of the offer.
    pub offer: usize,
    /// Share of users like this one who move because of it.
    pub uplift: f64,
    /// What that is expected to bring.
    pub gain: f64,
    /// What the contact is expected to cost.
    pub cost: f64,
    /// Whether it is made since a floor of the budget keeps money for the user's group.
    pub is_by_floor: bool,
}

impl Contact {
    /// What it brings after costs.
    pub fn net(&self) -> f64 {
        self.gain - self.cost
    }
}

/// What a part of the money brings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NextMoney {
    /// Spent before.
    pub from: f64,
    /// Spent with it.
    pub to: f64,
    /// Contacts that it pays for.
    pub n_contacts: usize,
    /// What they bring.
    pub gain: f64,
    /// The same after costs.
    pub net: f64,
}

/// Whom to contact.
#[derive(Debug, Clone, PartialEq)]
pub struct Targeted {
    /// The most for the money first, those of floors before all others.
    pub contacts: Vec<Contact>,
    /// Users whose contact would pay, whatever the budget.
    pub n_worth_it: usize,
    /// What each next part of the money brings, those beyond the budget as well.
    pub next_money: Vec<NextMoney>,
    /// Ids of groups whose floor could not be spent but for less than a contact, and what is
    /// left of it.
    pub unspent_floors: Vec<(String, f64)>,
}

/// Chooses whom to contact, and with which offer. `own_values` has what each user of the
/// history is expected to be worth, where that is known; within a group, who is worth more has
/// less to gain. Offers without an uplift, and those of which it is unknown what a move brings,
/// take no part. `None` where none takes part.
///
/// A user has several contacts to choose from; those that are worth it are steps, each from one
/// contact to a dearer one that brings more, which are taken in order of what they bring for
/// what they cost. So an offer more never makes the plan worse.
///
/// Source: Sinha & Zoltners (1979), "The multiple-choice knapsack problem", Operations Research
/// 27, §2 (steps on the efficient frontier of each class).
///
/// # Errors
/// When a floor names a group that no offer is made to.
pub fn plan_contacts(
    history: &GroupHistory,
    worth: &GroupsWorth,
    (offers, of_offers): (&Offers, &[OfferWorth]),
    own_values: &[Option<f64>],
    known: &[[String; 3]],
) -> Result<Option<Targeted>, WorthError> {
    let mut floors = floors(offers, of_offers, known)?;
    let now = history.now();
    let means = mean_values(history, own_values);
    // How much less a user is worth than the group's mean.
    let less_than_mean = |user: usize, group: usize| match (own_values[user], means[group]) {
        (Some(own), mean) if mean > 0.0 => worth.groups[group].value.0 * (1.0 - own / mean),
        _ => 0.0,
    };
    let all: Vec<Made<'_>> = offers
        .offers
        .iter()
        .zip(of_offers)
        .enumerate()
        .filter_map(|(place, (offer, it))| Made::of(now, place, (offer, it), less_than_mean))
        .collect();
    if all.is_empty() {
        return Ok(None);
    }
    let mut steps: Vec<Step> = Vec::new();
    for (user, &group) in now.group_of.iter().enumerate() {
        let made = all.iter().filter(|it| it.worth.from == usize::from(group));
        let contacts = made
            .filter(|_| group != NOT_YET_SEEN)
            .map(|it| it.contact(user, now.stratum_of[user], less_than_mean(user, it.worth.from)));
        steps.extend(frontier(contacts.collect()));
    }
    steps.sort_unstable_by(Step::rank);
    let n_worth_it = steps.iter().filter(|step| step.from.is_none()).count();
    let total = offers.budget.total.map(NonNegative::get);
    let mut taken = Taken::new(history.n_users(), total);
    let (kept, others): (Vec<Step>, Vec<Step>) = steps
        .into_iter()
        .partition(|step| floors.iter().any(|floor| floor.0 == group_of(of_offers, step)));
    let (mut ordered, mut rest, mut dearest) = (Vec::new(), Vec::new(), BTreeMap::new());
    for step in kept {
        let group = group_of(of_offers, &step);
        let of_group: &mut f64 = dearest.entry(group).or_default();
        *of_group = of_group.max(step.cost());
        let floor = floors.iter_mut().find(|floor| floor.0 == group);
        let floor = floor.expect("it was sorted by floors");
        match step.cost() <= floor.1 && taken.take(&step, true) {
            true => {
                floor.1 -= step.cost();
                ordered.push(step);
            }
            false => rest.push(step),
        }
    }
    rest.extend(others);
    rest.sort_unstable_by(Step::rank);
    for step in &rest {
        taken.take(step, false);
    }
    ordered.extend(rest);
    let next_money = next_money(&ordered);
    // What is left where one contact more has no room is no shortfall.
    let is_short = |floor: &(usize, f64)| floor.1 > dearest.get(&floor.0).copied().unwrap_or(0.0);
    let unspent = floors.into_iter().filter(is_short);
    Ok(Some(Targeted {
        unspent_floors: unspent.map(|(group, left)| (known[group][0].clone(), left)).collect(),
        contacts: taken.contacts(),
        n_worth_it,
        next_money,
    }))
}

fn group_of(of_offers: &[OfferWorth], step: &Step) -> usize {
    of_offers[step.to.offer].from
}

/// An offer that can be ranked.
struct Made<'a> {
    place: usize,
    offer: &'a Offer,
    worth: &'a OfferWorth,
    /// Uplift of a user whose chance to move is that of the group.
    uplift: f64,
    /// What a move of a user is taken to bring, for each unit of money that they have to gain.
    for_headroom: f64,
}

impl<'a> Made<'a> {
    /// Over all users of the group now, the mean uplift is what was measured, and a move
    /// brings on average what it is taken to bring.
    fn of(
        now: &GroupsAt,
        place: usize,
        (offer, worth): (&'a Offer, &'a OfferWorth),
        less_than_mean: impl Fn(usize, usize) -> f64,
    ) -> Option<Self> {
        let (uplift, gain) = (offer.measured_uplift()?.share, worth.gain_of_move?);
        let (mut n, mut chances, mut headrooms) = (0.0, 0.0, 0.0);
        for (user, (&group, &stratum)) in now.group_of.iter().zip(&now.stratum_of).enumerate() {
            if usize::from(group) == worth.from {
                let chance = worth.relative_chances[usize::from(stratum)];
                n += 1.0;
                chances += chance;
                headrooms += chance * headroom(worth, less_than_mean(user, worth.from));
            }
        }
        let mean = if chances > 0.0 { chances / n } else { 1.0 };
        let for_headroom = if headrooms > 0.0 { gain * chances / headrooms } else { 0.0 };
        Some(Self { place, offer, worth, uplift: uplift / mean, for_headroom })
    }

    /// The contact of a user who is worth so much less than the group's mean.
    fn contact(&self, user: usize, stratum: u8, less_than_mean: f64) -> Contact {
        let relative = self.worth.relative_chances[usize::from(stratum)];
        let uplift = (self.uplift * relative).clamp(-1.0, 1.0);
        let gain = uplift * self.for_headroom * headroom(self.worth, less_than_mean);
        let of_moves = uplift.max(0.0) * self.offer.cost_per_move.get();
        let cost = self.offer.cost_per_contact.get() + of_moves;
        Contact { user, offer: self.place, uplift, gain, cost, is_by_floor: false }
    }
}

/// What a user has to gain by a move who is worth so much less than the group's mean.
fn headroom(worth: &OfferWorth, less_than_mean: f64) -> f64 {
    (worth.ceiling.0 + less_than_mean).max(0.0)
}

/// From one contact of a user, or none, to another that costs more and brings more.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: Option<Contact>,
    to: Contact,
}

impl Step {
    fn cost(&self) -> f64 {
        self.to.cost - self.from.map_or(0.0, |it| it.cost)
    }

    fn net(&self) -> f64 {
        self.to.net() - self.from.map_or(0.0, |it| it.net())
    }

    /// What it brings after costs for a unit of money; without end where it costs nothing.
    fn net_for_money(&self) -> f64 {
        if self.cost() > 0.0 { self.net() / self.cost() } else { f64::INFINITY }
    }

    /// The most for the money come first; of equal ones those that bring more, then the
    /// earlier user and the earlier offer.
    fn rank(&self, other: &Self) -> Ordering {
        let by_money = other.net_for_money().total_cmp(&self.net_for_money());
        let by_net = other.net().total_cmp(&self.net());
        let place = |it: &Self| (it.to.user, it.to.offer);
        by_money.then(by_net).then(place(self).cmp(&place(other)))
    }
}

/// The steps that are worth it: each brings something, and less for its money than the one
/// before.
fn frontier(mut contacts: Vec<Contact>) -> Vec<Step> {
    contacts.retain(|it| it.net() > 0.0);
    // Of equal ones the first offer.
    contacts.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(b.net().total_cmp(&a.net())));
    let mut steps: Vec<Step> = Vec::new();
    for to in contacts {
        let best = steps.last().map_or(0.0, |step| step.to.net());
        if to.net() <= best {
            continue;
        }
        // A step that brings less for its money than what follows is skipped over.
        loop {
            let from = steps.last().map(|step| step.to);
            let step = Step { from, to };
            match steps.last() {
                Some(last) if last.rank(&step) == Ordering::Greater => {
                    steps.pop();
                }
                _ => {
                    steps.push(step);
                    break;
                }
            }
        }
    }
    steps
}

/// Contacts as money is spent.
struct Taken {
    by_user: Vec<Option<Contact>>,
    left: f64,
    is_over: bool,
}

impl Taken {
    fn new(n_users: usize, total: Option<f64>) -> Self {
        Self { by_user: vec![None; n_users], left: total.unwrap_or(f64::INFINITY), is_over: false }
    }

    /// Takes a step if there is money for it, and there was for all before that are no floors.
    fn take(&mut self, step: &Step, is_by_floor: bool) -> bool {
        let contact = &mut self.by_user[step.to.user];
        let follows = contact.map(|it| it.offer) == step.from.map(|it| it.offer);
        if !follows || self.is_over {
            return false;
        }
        if step.cost() > self.left {
            self.is_over = !is_by_floor;
            return false;
        }
        self.left -= step.cost();
        *contact = Some(Contact { is_by_floor, ..step.to });
        true
    }

    /// The most for the money first, those of floors before all others.
    fn contacts(self) -> Vec<Contact> {
        let mut contacts: Vec<Contact> = self.by_user.into_iter().flatten().collect();
        let step = |it: &Contact| Step { from: None, to: *it };
        contacts.sort_by(|a, b| b.is_by_floor.cmp(&a.is_by_floor).then(step(a).rank(&step(b))));
        contacts
    }
}

/// Money that is kept for users of a group.
fn floors(
    offers: &Offers,
    of_offers: &[OfferWorth],
    known: &[[String; 3]],
) -> Result<Vec<(usize, f64)>, WorthError> {
    let made: BTreeSet<usize> = of_offers.iter().map(|it| it.from).collect();
    let mut by_group: BTreeMap<usize, f64> = BTreeMap::new();
    for (name, money) in &offers.budget.floors {
        let group = group_called(known, name).filter(|group| made.contains(group));
        let group = group.ok_or_else(|| {
            let ids: Vec<&str> = made.iter().map(|&group| known[group][0].as_str()).collect();
            WorthError::NoSuchFloor { name: name.clone(), known: ids.join(", ") }
        })?;
        // A group may be called by its id and by its name.
        *by_group.entry(group).or_default() += money.get();
    }
    Ok(by_group.into_iter().collect())
}

/// Mean of the values of each group's users now, of whom they are known.
fn mean_values(history: &GroupHistory, values: &[Option<f64>]) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); history.n_groups];
    for (&group, value) in history.now().group_of.iter().zip(values) {
        if let (true, Some(value)) = (group != NOT_YET_SEEN, value) {
            let sum = &mut sums[usize::from(group)];
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, n)| if n > 0.0 { sum / n } else { 0.0 }).collect()
}

/// What each next thousand brings, or each next two, five or ten thousand where there are many.
fn next_money(steps: &[Step]) -> Vec<NextMoney> {
    let total: f64 = steps.iter().map(Step::cost).sum();
    let sizes = (0..).flat_map(|power| [1.0, 2.0, 5.0].map(|it| it * 10f64.powi(power)));
    let size = sizes.map(|it| it * LEAST_MONEY).find(|size| total <= size * MAX_ROWS);
    let size = size.expect("sizes grow without end");
    let mut rows: Vec<NextMoney> = Vec::new();
    let mut spent = 0.0;
    for step in steps {
        let place = (spent / size) as usize;
        let from = place as f64 * size;
        if rows.last().is_none_or(|last| last.from < from) {
            rows.push(NextMoney { from, to: from + size, n_contacts: 0, gain: 0.0, net: 0.0 });
        }
        let row = rows.last_mut().expect("one was pushed");
        row.n_contacts += usize::from(step.from.is_none());
        row.gain += step.net() + step.cost();
        row.net += step.net();
        spent += step.cost();
    }
    if let Some(last) = rows.last_mut() {
        last.to = spent.max(last.from);
    }
    rows
}
