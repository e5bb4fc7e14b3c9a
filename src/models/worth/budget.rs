//! Whom to contact for a budget: the users whose contact brings most for what it costs.

use std::cmp::Ordering;

use super::history::NOT_YET_SEEN;
use super::{GroupHistory, GroupsWorth, Offer, OfferWorth, Offers, WorthError};

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

    /// The most for the money come first; of equal ones the earlier user.
    fn rank(&self, other: &Self) -> Ordering {
        // Cross-multiplied, so that a contact may cost nothing.
        let (own, others) = (self.net() * other.cost, other.net() * self.cost);
        others.total_cmp(&own).then(self.user.cmp(&other.user))
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
    /// In the order in which money is spent.
    pub contacts: Vec<Contact>,
    /// Users whose contact would pay, whatever the budget.
    pub n_worth_it: usize,
    /// What each next part of the money brings, those beyond the budget as well.
    pub next_money: Vec<NextMoney>,
}

/// Chooses whom to contact. `own_values` has what each user of the history is expected to be
/// worth, where that is known; within a group, who is worth more has less to gain. Offers
/// without an uplift take no part. `None` where none has one.
///
/// # Errors
/// When a floor names a group that no offer is made to.
pub fn plan_contacts(
    history: &GroupHistory,
    worth: &GroupsWorth,
    (offers, of_offers): (&Offers, &[OfferWorth]),
    own_values: &[Option<f64>],
    known: &[[String; 2]],
) -> Result<Option<Targeted>, WorthError> {
    let floors = floors(offers, of_offers, known)?;
    if offers.offers.iter().all(|it| it.uplift.is_none()) {
        return Ok(None);
    }
    let now = history.now();
    let means = mean_values(history, own_values);
    let best = |user: usize| {
        let group = now.group_of[user];
        let is_made = |it: &&(usize, (&Offer, &OfferWorth))| it.1.1.from == usize::from(group);
        let all = offers.offers.iter().zip(of_offers).enumerate();
        let contacts = all.filter(|it| group != NOT_YET_SEEN && is_made(&it)).filter_map(
            |(place, (offer, of_offer))| {
                let relative = of_offer.relative_chances[usize::from(now.stratum_of[user])];
                let uplift = (offer.measured_uplift()?.share * relative).clamp(-1.0, 1.0);
                let of_group = worth.groups[of_offer.from].value.0;
                let own = match (own_values[user], means[of_offer.from]) {
                    (Some(own), mean) if mean > 0.0 => of_group * own / mean,
                    _ => of_group,
                };
                let ceiling = of_offer.ceiling.0;
                let kept = if ceiling > 0.0 { of_offer.gain_of_move / ceiling } else { 0.0 };
                let gain = uplift * kept * (of_group + ceiling - own).max(0.0);
                let cost =
                    offer.cost_per_contact.get() + uplift.max(0.0) * offer.cost_per_move.get();
                Some(Contact { user, offer: place, uplift, gain, cost, is_by_floor: false })
            },
        );
        // Of equal offers the first.
        contacts.reduce(|best, it| if it.net() > best.net() { it } else { best })
    };
    let mut contacts: Vec<Contact> =
        (0..history.n_users()).filter_map(best).filter(|it| it.net() > 0.0).collect();
    contacts.sort_unstable_by(Contact::rank);
    let contacts = floors_first(contacts, &floors, |it| of_offers[it.offer].from);
    let next_money = next_money(&contacts);
    let (n_worth_it, total) = (contacts.len(), offers.budget.total);
    let mut spent = 0.0;
    let within = |it: &Contact| {
        spent += it.cost;
        total.is_none_or(|total| spent <= total.get())
    };
    let contacts = contacts.into_iter().take_while(within).collect();
    Ok(Some(Targeted { contacts, n_worth_it, next_money }))
}

/// Money that is kept for users of a group.
fn floors(
    offers: &Offers,
    of_offers: &[OfferWorth],
    known: &[[String; 2]],
) -> Result<Vec<(usize, f64)>, WorthError> {
    let floor = |(name, money): (&String, &crate::settings::NonNegative)| {
        let made = of_offers.iter().map(|it| it.from);
        let group = made.clone().find(|&group| known[group].contains(name));
        let missing = || {
            let mut names: Vec<&str> = made.map(|group| known[group][0].as_str()).collect();
            names.dedup();
            WorthError::NoSuchFloor { name: name.clone(), known: names.join(", ") }
        };
        Ok((group.ok_or_else(missing)?, money.get()))
    };
    offers.budget.floors.iter().map(floor).collect()
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

/// The best contacts of each floor's group until its money is spent, then all others.
fn floors_first(
    contacts: Vec<Contact>,
    floors: &[(usize, f64)],
    group_of: impl Fn(&Contact) -> usize,
) -> Vec<Contact> {
    let mut left: Vec<(usize, f64)> = floors.to_vec();
    let is_kept = |contact: &Contact| {
        let Some(floor) = left.iter_mut().find(|floor| floor.0 == group_of(contact)) else {
            return false;
        };
        floor.1 -= contact.cost;
        floor.1 >= 0.0
    };
    let (kept, others): (Vec<Contact>, Vec<Contact>) = contacts.into_iter().partition(is_kept);
    let kept = kept.into_iter().map(|it| Contact { is_by_floor: true, ..it });
    kept.chain(others).collect()
}

/// What each next thousand brings, or each next two, five or ten thousand where there are many.
fn next_money(contacts: &[Contact]) -> Vec<NextMoney> {
    let total: f64 = contacts.iter().map(|it| it.cost).sum();
    let sizes = (0..).flat_map(|power| [1.0, 2.0, 5.0].map(|it| it * 10f64.powi(power)));
    let size = sizes.map(|it| it * LEAST_MONEY).find(|size| total <= size * MAX_ROWS);
    let size = size.expect("sizes grow without end");
    let mut rows: Vec<NextMoney> = Vec::new();
    let mut spent = 0.0;
    for contact in contacts {
        let place = (spent / size) as usize;
        let from = place as f64 * size;
        if rows.last().is_none_or(|last| last.from < from) {
            rows.push(NextMoney { from, to: from + size, n_contacts: 0, gain: 0.0, net: 0.0 });
        }
        let row = rows.last_mut().expect("one was pushed");
        row.n_contacts += 1;
        row.gain += contact.gain;
        row.net += contact.net();
        spent += contact.cost;
    }
    if let Some(last) = rows.last_mut() {
        last.to = spent.max(last.from);
    }
    rows
}
