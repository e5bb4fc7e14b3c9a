//! What can be claimed of the users of a layer: each claim is a predicate over
//! one user, with its words. What each word claims is in the tables of
//! `rhythm_claims`, `value_claims` and `trait_claims`.

use super::user_set::UserSet;
use crate::dataset::Bilingual;

/// What a name says of who its users are. A name has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// They keep a rhythm.
    Rhythm,
    /// They kept one, and have stopped.
    Lapsed,
    /// Their first order, or visit, is recent.
    New,
    /// They ordered once or twice.
    Few,
    /// They ordered, at whatever rhythm.
    Customer,
    /// They never ordered.
    Visitor,
    /// They keep coming, whether or not they order.
    Visiting,
    /// Nothing but that they are users.
    Anybody,
}

/// What a claim is about; a name makes at most one claim about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// Who they are.
    Kind(Kind),
    /// How recently they ordered.
    Bought,
    /// How recently they did anything.
    Active,
    /// They are late by their own rhythm.
    Overdue,
    /// For how long they have been silent.
    Quiet,
    /// How long ago the last order was, as a number.
    Since,
    /// How many orders they placed, as a number.
    Orders,
    /// How long ago the first order was, as a number.
    Tenure,
    /// What they spent, said by a noun: "big spenders".
    Spend,
    /// What an order of theirs is worth.
    Basket,
    /// A trait that tells them apart.
    Trait,
}

/// Something that is true or false of each user.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) topic: Topic,
    pub(super) words: Bilingual,
    /// The words before the noun, where another may take its place: "Weekly" of
    /// "Weekly shoppers", "每周" of "每周购买客".
    pub(super) stem: Option<Bilingual>,
    /// How much a name is worth having for making this claim, beside what it tells.
    pub(super) weight: f64,
    pub(super) holds: UserSet,
}

impl Claim {
    pub(super) fn new(topic: Topic, (en, zh): (&str, &str), weight: f64, holds: UserSet) -> Self {
        Self { topic, words: Bilingual::new(en, zh), stem: None, weight, holds }
    }

    pub(super) fn with_stem(self, en: &str, zh: &str) -> Self {
        Self { stem: Some(Bilingual::new(en, zh)), ..self }
    }
}

/// True when a name may say both: of a kind of users, and something else.
pub(super) fn agree(kind: Kind, other: Topic) -> bool {
    let is_customer = !matches!(kind, Kind::Visitor | Kind::Visiting | Kind::Anybody);
    match other {
        Topic::Bought => is_customer && kind != Kind::Lapsed,
        Topic::Active => matches!(kind, Kind::Visitor | Kind::Visiting | Kind::Anybody),
        Topic::Overdue => matches!(kind, Kind::Rhythm | Kind::Customer),
        Topic::Quiet => !matches!(kind, Kind::Rhythm | Kind::New | Kind::Visiting),
        Topic::Since => matches!(kind, Kind::Rhythm | Kind::Few | Kind::Customer),
        Topic::Orders => matches!(kind, Kind::Rhythm | Kind::Lapsed | Kind::New),
        Topic::Tenure => is_customer && kind != Kind::New,
        // Of one or two orders their size says more than their sum.
        Topic::Spend => is_customer && kind != Kind::Few,
        Topic::Basket => is_customer,
        _ => true,
    }
}
