//! Names of layers. A name is a few claims about single users ("weekly shoppers",
//! "quiet for 5+ months"), put together such that at least three quarters of the
//! layer's users meet all of them at once and as few other users as possible do.
//! Nothing is claimed that is true only beside other layers.

mod claims;
mod compose;
mod rhythm_claims;
#[cfg(test)]
mod tests;
mod trait_claims;
mod typical_user;
mod user_set;
mod users;
mod value_claims;

pub(super) use self::typical_user::typical_user;

use serde::{Deserialize, Serialize};

use self::claims::Claim;
use self::compose::{Candidate, candidates};
use self::rhythm_claims::{kinds, silences};
use self::trait_claims::traits;
use self::user_set::UserSet;
use self::users::Users;
use self::value_claims::values;
use crate::dataset::{Bilingual, Snapshot};

/// The name of a layer, and of how many of its users it is true.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LayerName {
    pub(super) words: Bilingual,
    pub(super) claims: Vec<NameClaim>,
}

/// What a name claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameClaim {
    /// The claim.
    pub words: Bilingual,
    /// Share of the layer's users of whom it is true.
    pub share: f64,
}

/// A name for each of `n_layers` layers, all distinct in both languages; `layer_of`
/// says in which one each user of the snapshot is, the most valuable being 0.
pub(super) fn layer_names(
    snapshot: &Snapshot,
    layer_of: &[usize],
    n_layers: usize,
) -> Vec<LayerName> {
    let (claims, members) = match Users::of(snapshot) {
        Some(users) => (claims(&users), members(layer_of, n_layers)),
        None => (Vec::new(), vec![UserSet::of(0, |_| false); n_layers]),
    };
    let names: Vec<Vec<Candidate>> =
        members.iter().map(|it| candidates(&claims, it, layer_of.len())).collect();
    let chosen = distinct(&names, &claims, &members);
    let layers = chosen.into_iter().zip(&members);
    layers.map(|(name, members)| name.with_shares(&claims, members)).collect()
}

/// All claims that the data of a snapshot allows.
fn claims(users: &Users<'_>) -> Vec<Claim> {
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
    fn with_shares(self, claims: &[Claim], members: &UserSet) -> LayerName {
        let n_members = members.count().max(1) as f64;
        let claim = |it: usize| NameClaim {
            words: claims[it].words.clone(),
            share: claims[it].holds.count_in(members) as f64 / n_members,
        };
        LayerName { words: self.words, claims: self.claims.into_iter().map(claim).collect() }
    }
}

/// How much more often another name must be true of a layer than of that which has
/// its best one.
const MIN_DIFFERENCE: f64 = 0.2;

/// The best name of each layer that none has yet and that tells it from who has its
/// best one; whom a name fits best chooses first. Where there is none, the layer's
/// number tells it apart.
fn distinct(names: &[Vec<Candidate>], claims: &[Claim], members: &[UserSet]) -> Vec<Chosen> {
    let best = |layer: usize| names[layer].first().map_or(f64::NEG_INFINITY, |it| it.score);
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|&a, &b| best(b).total_cmp(&best(a)).then(a.cmp(&b)));
    let mut chosen: Vec<Option<Chosen>> = names.iter().map(|_| None).collect();
    let share_in = |name: &Candidate, layer: usize| {
        name.holds(claims).count_in(&members[layer]) as f64 / members[layer].count().max(1) as f64
    };
    for layer in order {
        let owner = |name: &Bilingual| {
            let has = |it: &Chosen| it.words.en == name.en || it.words.zh == name.zh;
            chosen.iter().position(|it| it.as_ref().is_some_and(has))
        };
        let twin = names[layer].first().and_then(|it| owner(&it.name));
        let tells = |it: &Candidate, twin| it.share - share_in(it, twin) >= MIN_DIFFERENCE;
        let mut free = names[layer].iter().filter(|it| owner(&it.name).is_none());
        let own = free.find(|it| twin.is_none_or(|twin| tells(it, twin)));
        chosen[layer] = Some(match own {
            Some(it) => Chosen { words: it.name.clone(), claims: it.claims.clone() },
            None => numbered(names[layer].first(), layer),
        });
    }
    chosen.into_iter().flatten().collect()
}

/// The best name with the layer's place by value, which is its number.
fn numbered(best: Option<&Candidate>, layer: usize) -> Chosen {
    let (name, claims) = match best {
        Some(it) => (it.name.clone(), it.claims.clone()),
        None => (Bilingual::new("Users", "用户"), Vec::new()),
    };
    let number = layer + 1;
    let words =
        Bilingual::new(format!("{}, group {number}", name.en), format!("{}·第{number}组", name.zh));
    Chosen { words, claims }
}
