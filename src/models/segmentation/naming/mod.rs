//! Names of layers and of kinds. The name of a layer is a few claims about single users
//! ("weekly shoppers", "quiet for 5+ months"), put together such that at least three
//! quarters of the layer's users meet all of them at once and as few other users as
//! possible do. Nothing is claimed that is true only beside other layers. What names of
//! kinds say is in `kind_names`.

mod archetypes;
mod claims;
mod compose;
mod habit_words;
mod kind_names;
#[cfg(test)]
mod kind_tests;
mod named_group;
mod number_claims;
mod rhythm_claims;
#[cfg(test)]
mod tests;
mod trait_claims;
mod typical_user;
mod user_set;
mod users;
mod value_claims;

pub use self::named_group::NameClaim;

pub(super) use self::kind_names::kind_names;
pub(super) use self::named_group::NamedGroup;
pub(super) use self::typical_user::typical_user;

use self::claims::Claim;
use self::compose::{Candidate, candidates};
use self::number_claims::numbers;
use self::rhythm_claims::{kinds, silences};
use self::trait_claims::traits;
use self::user_set::UserSet;
use self::users::Users;
use self::value_claims::values;
use crate::dataset::{Bilingual, Dimension, Family, FeatureInfo, Snapshot};

/// A name for each of `n_layers` layers, all distinct in both languages; `layer_of`
/// says in which one each user of the snapshot is, the most valuable being 0.
pub(super) fn layer_names(
    snapshot: &Snapshot,
    layer_of: &[usize],
    n_layers: usize,
) -> Vec<NamedGroup> {
    let users = Users::of(snapshot);
    let words = users.as_ref().map_or_else(Vec::new, word_claims);
    let n_words = words.len();
    let numbers = users.as_ref().map_or_else(Vec::new, numbers);
    let layers = Layers {
        claims: [words, numbers].concat(),
        n_words,
        members: members(layer_of, n_layers),
        n_users: layer_of.len(),
    };
    let chosen = layers.distinct_names();
    let named = chosen.into_iter().zip(&layers.members);
    named.map(|(name, members)| name.with_shares(&layers.claims, members)).collect()
}

/// Names of the features, of all that there are, of which names make claims:
/// names see them even where models do not.
pub fn features_of_names(all: &[FeatureInfo]) -> Vec<String> {
    let is_read = |it: &&FeatureInfo| it.window_days.is_none() && is_claimed(it.family);
    all.iter().filter(is_read).map(|it| it.name.clone()).collect()
}

fn is_claimed(family: Family) -> bool {
    use Family::*;
    matches!(
        family,
        Orders
            | Gmv
            | DiscountShare
            | ItemVariety
            | OrdersAtWeekend
            | OrdersAt(_)
            | OrdersInQuarter(_)
            | Events
            | Response
            | ActiveDays
            | ActiveGapMean
            | LongestStreak
            | DaysSinceActivity
            | DaysSinceFirstEvent
            | GmvOnChannel
            | EventsOf(Dimension::Channel | Dimension::Category)
            | ShareOf(Dimension::Channel | Dimension::Category)
            | Distinct(Dimension::Category)
    )
}

/// All claims in words that the data of a snapshot allows.
fn word_claims(users: &Users<'_>) -> Vec<Claim> {
    [kinds(users), silences(users), values(users), traits(users)].concat()
}

fn members(layer_of: &[usize], n_layers: usize) -> Vec<UserSet> {
    let of_layer = |layer| UserSet::of(layer_of.len(), |user| layer_of[user] == layer);
    (0..n_layers).map(of_layer).collect()
}

/// A name and the claims that it makes, by their place.
struct Chosen {
    words: Bilingual,
    claims: Vec<usize>,
}

impl Chosen {
    fn with_shares(self, claims: &[Claim], members: &UserSet) -> NamedGroup {
        let n_members = members.count().max(1) as f64;
        let claim = |it: usize| NameClaim {
            words: claims[it].words.clone(),
            share: claims[it].holds.count_in(members) as f64 / n_members,
        };
        let claims = self.claims.into_iter().map(claim).collect();
        NamedGroup { words: self.words, claims, description: None }
    }

    fn is_called(&self, name: &Bilingual) -> bool {
        self.words.en == name.en || self.words.zh == name.zh
    }
}

/// How much more often a name must be true of its layer than of that which has its
/// best one, and the same of a name with a number.
const MIN_DIFFERENCE: f64 = 0.2;
const MIN_DIFFERENCE_BY_NUMBER: f64 = 0.05;

/// All that is known of the layers when they are named.
struct Layers {
    /// Those in words, then those with numbers.
    claims: Vec<Claim>,
    n_words: usize,
    members: Vec<UserSet>,
    n_users: usize,
}

impl Layers {
    /// The best name of each layer that none has yet and that tells it from who has
    /// its best one; whom a name fits best chooses first.
    fn distinct_names(&self) -> Vec<Chosen> {
        let words = &self.claims[..self.n_words];
        let names: Vec<Vec<Candidate>> = self
            .members
            .iter()
            .map(|members| candidates(words, members, &[&members.complement(self.n_users)]))
            .collect();
        let best = |layer: usize| names[layer].first().map_or(f64::NEG_INFINITY, |it| it.score);
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|&a, &b| best(b).total_cmp(&best(a)).then(a.cmp(&b)));
        let mut chosen: Vec<Option<Chosen>> = names.iter().map(|_| None).collect();
        for layer in order {
            let name = self.free_name(layer, &names[layer], &chosen);
            chosen[layer] = Some(name);
        }
        chosen.into_iter().flatten().collect()
    }

    /// The best of the names that is free; failing words, one with a number; where
    /// nothing at all tells the layer from that which has its best name, its place.
    fn free_name(&self, layer: usize, names: &[Candidate], chosen: &[Option<Chosen>]) -> Chosen {
        let owner = |name: &Bilingual| {
            chosen.iter().position(|it| it.as_ref().is_some_and(|it| it.is_called(name)))
        };
        let Some(best) = names.first() else { return numbered(None, layer) };
        let twin = owner(&best.name);
        let fits = |it: &Candidate, least: f64| {
            let tells = |twin| it.share - self.share_in(it, twin) >= least;
            owner(&it.name).is_none() && twin.is_none_or(tells)
        };
        let take = |it: &Candidate| Chosen { words: it.name.clone(), claims: it.claims.clone() };
        if let Some(it) = names.iter().find(|it| fits(it, MIN_DIFFERENCE)) {
            return take(it);
        }
        let rivals = twin.map_or(&self.members[layer], |twin| &self.members[twin]);
        let own = &self.members[layer];
        let others = own.complement(self.n_users);
        let with_numbers = candidates(&self.claims, own, &[&others, rivals]);
        let found = with_numbers.iter().find(|it| fits(it, MIN_DIFFERENCE_BY_NUMBER));
        found.map_or_else(|| numbered(Some(best), layer), take)
    }

    /// Share of a layer's users of whom a name is true.
    fn share_in(&self, name: &Candidate, layer: usize) -> f64 {
        let members = &self.members[layer];
        name.holds(&self.claims).count_in(members) as f64 / members.count().max(1) as f64
    }
}

/// A name with the layer's place by value, for users of whom all else is alike.
fn numbered(best: Option<&Candidate>, layer: usize) -> Chosen {
    let (name, claims) = match best {
        Some(it) => (it.name.clone(), it.claims.clone()),
        None => (Bilingual::new("Users", "用户"), Vec::new()),
    };
    let number = layer + 1;
    let words =
        Bilingual::new(format!("{} ({number})", name.en), format!("{}（{number}）", name.zh));
    Chosen { words, claims }
}
