//! Names are put together from claims that hold, such that they tell the layer
//! from all other users as well as claims can.

use std::collections::HashSet;

use super::claims::{Claim, Kind, Topic, agree};
use super::user_set::UserSet;
use crate::dataset::Bilingual;

/// Share of a layer's users of whom all that its name claims must be true.
pub(super) const MIN_SHARE: f64 = 0.75;

/// Characters of an English name: beyond the first, the fewer the better; none has
/// more than the second.
const GOOD_LENGTH: usize = 40;
const MAX_LENGTH: usize = 48;

/// What a claim has to add to be worth saying.
const COST_OF_CLAIM: f64 = 0.03;

/// What a name loses that says no more than who ordered, or how few orders.
const COST_OF_NO_MORE: f64 = 0.08;

/// How much more often what is said of recency and value must be found in the layer
/// than elsewhere.
const MIN_LIFT: f64 = 0.05;

/// How much more often a trait must be found in the layer than elsewhere.
const MIN_TRAIT_LIFT: f64 = 0.25;

/// Claims about one topic that are tried at most, and names that are kept in case
/// that others are taken.
const MAX_TRIED: usize = 8;
const MAX_NAMES: usize = 60;

/// A name that is true of a layer, and how good it is.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) name: Bilingual,
    /// The claims that it makes, by their place in the list.
    pub(super) claims: Vec<usize>,
    /// Share of the users of the layer of whom all claims are true.
    pub(super) share: f64,
    pub(super) score: f64,
    /// Users of the layer, and all users, of whom all claims are true.
    n_users: (usize, usize),
}

impl Candidate {
    /// Of whom all its claims are true.
    pub(super) fn holds(&self, claims: &[Claim]) -> UserSet {
        all_of(claims, &self.claims)
    }
}

/// Of whom all of some claims are true; at least one is given.
fn all_of(claims: &[Claim], wanted: &[usize]) -> UserSet {
    let first = claims[wanted[0]].holds.clone();
    wanted[1..].iter().fold(first, |all, &it| all.and(&claims[it].holds))
}

/// A layer, and the users from whom its name is to tell it.
struct Layer<'a> {
    claims: &'a [Claim],
    members: &'a UserSet,
    /// With how many there are.
    others: Vec<(&'a UserSet, f64)>,
    n_members: f64,
}

impl Layer<'_> {
    /// Shares of the members and of the others of whom something is true: of several
    /// groups of others the mean.
    fn shares(&self, holds: &UserSet) -> (f64, f64) {
        let inside = holds.count_in(self.members) as f64;
        let share = |(group, n): &(&UserSet, f64)| holds.count_in(group) as f64 / n.max(1.0);
        let outside = self.others.iter().map(share).sum::<f64>() / self.others.len() as f64;
        (inside / self.n_members.max(1.0), outside)
    }

    /// Claims of some topics that hold, those first that tell most; and none.
    fn options(&self, fits: impl Fn(Topic) -> bool, min_lift: f64) -> Vec<Option<usize>> {
        let claims = self.claims.iter().enumerate().filter(|(_, claim)| fits(claim.topic));
        let mut found: Vec<(usize, f64)> = claims
            .filter_map(|(index, claim)| {
                let (inside, outside) = self.shares(&claim.holds);
                let lift = inside - outside;
                (inside >= MIN_SHARE && lift >= min_lift).then_some((index, lift + claim.weight))
            })
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(MAX_TRIED);
        let found = found.into_iter().map(|(index, _)| Some(index));
        std::iter::once(None).chain(found).collect()
    }

    /// The name that makes these claims; `None` when it would not hold, contradict
    /// itself or be too long.
    fn candidate(&self, kind: usize, others: [Option<usize>; 3]) -> Option<Candidate> {
        let said: Vec<usize> = others.into_iter().flatten().collect();
        let Topic::Kind(of_kind) = self.claims[kind].topic else { return None };
        if !said.iter().all(|&it| agree(of_kind, self.claims[it].topic)) {
            return None;
        }
        let name =
            words(&self.claims[kind], &said.iter().map(|&it| &self.claims[it]).collect::<Vec<_>>());
        let length = name.en.chars().count();
        if length > MAX_LENGTH {
            return None;
        }
        let claims: Vec<usize> = std::iter::once(kind).chain(said).collect();
        let holds = all_of(self.claims, &claims);
        let (inside, outside) = self.shares(&holds);
        if inside < MIN_SHARE {
            return None;
        }
        let weight: f64 = claims.iter().map(|&it| self.claims[it].weight).sum();
        let too_long = length.saturating_sub(GOOD_LENGTH) as f64 / 100.0;
        let says_little = matches!(of_kind, Kind::Few | Kind::Customer | Kind::Anybody);
        let no_more = if says_little && claims.len() == 1 { COST_OF_NO_MORE } else { 0.0 };
        let cost = COST_OF_CLAIM * claims.len() as f64 + too_long + no_more;
        let n_users = (holds.count_in(self.members), holds.count());
        let score = inside - outside + weight - cost;
        Some(Candidate { name, claims, share: inside, score, n_users })
    }
}

/// All names that are true of the users `members`, those first that tell them best
/// from each of the groups `others`.
pub(super) fn candidates(
    claims: &[Claim],
    members: &UserSet,
    others: &[&UserSet],
) -> Vec<Candidate> {
    let others = others.iter().map(|&group| (group, group.count() as f64)).collect();
    let layer = Layer { claims, members, others, n_members: members.count() as f64 };
    let any = f64::NEG_INFINITY;
    let kinds = layer.options(|topic| matches!(topic, Topic::Kind(_)), any);
    let is_silence = |it| {
        matches!(it, Topic::Bought | Topic::Active | Topic::Overdue | Topic::Quiet | Topic::Since)
    };
    let silences = layer.options(is_silence, MIN_LIFT);
    let values = layer.options(|topic| matches!(topic, Topic::Spend | Topic::Basket), MIN_LIFT);
    let is_trait = |it| matches!(it, Topic::Trait | Topic::Orders | Topic::Tenure);
    let traits = layer.options(is_trait, MIN_TRAIT_LIFT);
    let mut found = Vec::new();
    for kind in kinds.into_iter().flatten() {
        for &silence in &silences {
            for &value in &values {
                found.extend(
                    traits.iter().filter_map(|&own| layer.candidate(kind, [value, silence, own])),
                );
            }
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    // Of names that are true of the same users the best says it all.
    let mut seen = HashSet::new();
    found.retain(|it| seen.insert(it.n_users));
    found.truncate(MAX_NAMES);
    found
}

/// "Weekly big spenders, overdue, price-sensitive".
fn words(kind: &Claim, others: &[&Claim]) -> Bilingual {
    let mut name = kind.words.clone();
    for claim in others {
        match &kind.stem {
            Some(stem) if claim.topic == Topic::Spend => {
                name = spenders(stem, &claim.words);
            }
            _ => {
                name.en.push_str(", ");
                name.en.push_str(&claim.words.en);
                name.zh.push('·');
                name.zh.push_str(&claim.words.zh);
            }
        }
    }
    name
}

/// "Weekly big spenders"; "Big spenders" where nothing comes before.
fn spenders(stem: &Bilingual, tier: &Bilingual) -> Bilingual {
    if stem.en.is_empty() {
        let (first, rest) = tier.en.split_at(1);
        return Bilingual::new(first.to_uppercase() + rest, format!("{}客", tier.zh));
    }
    Bilingual::new(format!("{} {}", stem.en, tier.en), format!("{}·{}客", stem.zh, tier.zh))
}
