//! Which layer of a model is which layer of the model before it.
//!
//! Both models put the same users at the same date into layers; what counts is
//! who is together. Coordinates say nothing here, since each model has an
//! embedding of its own, and likeness of means is no evidence that a group is the same:
//! a layer in which nobody is any more has ended.
//!
//! Two layers are the same group when most users of the old one are in the new
//! one and most users of the new one come from the old one. That is a majority
//! from both sides, so that each layer has at most one partner, and the optimal
//! assignment among such pairs is to take them all, in whatever order they come.
//! To assign first and drop weak pairs afterwards would be worse: two pairs that
//! share a third each outweigh one that shares a half, and push it out.
//!
//! Source: Greene, Doyle & Cunningham (2010), "Tracking the evolution of
//! communities in dynamic social networks", ASONAM, §III (births, deaths, merges
//! and splits from shared members); Hennig (2007), "Cluster-wise assessment of
//! cluster stability", CSDA 52, §2 (a cluster of which no other holds half is
//! dissolved).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{FittedGroups, Group};

/// What a layer is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupIdentity {
    /// Short id, never used for another group of the same model.
    pub id: String,
    /// Name in words.
    pub name: String,
    /// The same in Chinese.
    pub name_zh: String,
}

impl From<&Group> for GroupIdentity {
    fn from(layer: &Group) -> Self {
        Self { id: layer.id.clone(), name: layer.name.clone(), name_zh: layer.name_zh.clone() }
    }
}

/// How an earlier and a later model put the same users: users by old and new
/// layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedUsers {
    n_old: usize,
    n_new: usize,
    counts: Vec<usize>,
}

/// Two layers that are the same group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SameGroup {
    /// Index of the layer in the old model.
    pub old: usize,
    /// Index of the layer in the new model.
    pub new: usize,
    /// Users in both, as a share of the users in either.
    pub jaccard: f64,
}

/// What became of the layers of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matching {
    /// Layers that go on, in order of the new model.
    pub kept: Vec<SameGroup>,
    /// For each old layer, the new one that has most of its users.
    pub heirs: Vec<Option<usize>>,
    /// For each new layer, the old one that most of its users come from.
    pub parents: Vec<Option<usize>>,
}

impl SharedUsers {
    /// Counts users by their layer in an old model of `n_old` and a new one of
    /// `n_new` layers; both list the same users in the same order.
    pub fn count((old, n_old): (&[usize], usize), (new, n_new): (&[usize], usize)) -> Self {
        let mut counts = vec![0; n_old * n_new];
        for (old, new) in old.iter().zip(new) {
            counts[old * n_new + new] += 1;
        }
        Self { n_old, n_new, counts }
    }

    fn at(&self, old: usize, new: usize) -> usize {
        self.counts[old * self.n_new + new]
    }

    fn of_old(&self, old: usize) -> usize {
        (0..self.n_new).map(|new| self.at(old, new)).sum()
    }

    fn of_new(&self, new: usize) -> usize {
        (0..self.n_old).map(|old| self.at(old, new)).sum()
    }

    /// Finds out which layers are the same group.
    pub fn matching(&self) -> Matching {
        let is_most = |part: usize, all: usize| 2 * part > all;
        let heirs: Vec<Option<usize>> = (0..self.n_old)
            .map(|old| (0..self.n_new).find(|&new| is_most(self.at(old, new), self.of_old(old))))
            .collect();
        let parents: Vec<Option<usize>> = (0..self.n_new)
            .map(|new| (0..self.n_old).find(|&old| is_most(self.at(old, new), self.of_new(new))))
            .collect();
        let kept = (0..self.n_new)
            .filter_map(|new| Some((parents[new]?, new)))
            .filter(|&(old, new)| heirs[old] == Some(new))
            .map(|(old, new)| SameGroup { old, new, jaccard: self.jaccard(old, new) })
            .collect();
        Matching { kept, heirs, parents }
    }

    fn jaccard(&self, old: usize, new: usize) -> f64 {
        let shared = self.at(old, new);
        shared as f64 / (self.of_old(old) + self.of_new(new) - shared).max(1) as f64
    }
}

impl Matching {
    /// Each of `n` layers goes on, with all its users.
    pub fn unchanged(n: usize) -> Self {
        let kept = (0..n).map(|index| SameGroup { old: index, new: index, jaccard: 1.0 }).collect();
        let all: Vec<Option<usize>> = (0..n).map(Some).collect();
        Self { kept, heirs: all.clone(), parents: all }
    }

    /// None of `n` new layers has to do with an old one.
    pub fn unrelated(n: usize) -> Self {
        Self { kept: Vec::new(), heirs: Vec::new(), parents: vec![None; n] }
    }

    /// The old layer that a new one continues.
    pub fn continued(&self, new: usize) -> Option<usize> {
        self.kept.iter().find(|same| same.new == new).map(|same| same.old)
    }

    /// New layers that continue none, with the old layer that most of their
    /// users come from.
    pub fn births(&self) -> Vec<(usize, Option<usize>)> {
        let all = self.parents.iter().copied().enumerate();
        all.filter(|(new, _)| self.continued(*new).is_none()).collect()
    }

    /// Old layers that none continues, with the new layer that has most of their
    /// users.
    pub fn deaths(&self) -> Vec<(usize, Option<usize>)> {
        let ended = |old: usize| self.kept.iter().all(|same| same.old != old);
        self.heirs.iter().copied().enumerate().filter(|(old, _)| ended(*old)).collect()
    }

    /// Two or more old layers most of whose users are in one new layer: they, and
    /// it.
    pub fn merges(&self) -> Vec<(Vec<usize>, usize)> {
        gathered(&self.heirs, self.parents.len())
    }

    /// An old layer that most users of two or more new layers come from: it, and
    /// they.
    pub fn splits(&self) -> Vec<(usize, Vec<usize>)> {
        gathered(&self.parents, self.heirs.len())
            .into_iter()
            .map(|(many, one)| (one, many))
            .collect()
    }
}

/// Where two or more point at the same one: they, and it.
fn gathered(target_of: &[Option<usize>], n_targets: usize) -> Vec<(Vec<usize>, usize)> {
    (0..n_targets)
        .map(|target| {
            let pointing = target_of.iter().enumerate().filter(|(_, to)| **to == Some(target));
            (pointing.map(|(index, _)| index).collect::<Vec<_>>(), target)
        })
        .filter(|(many, _)| many.len() > 1)
        .collect()
}

impl FittedGroups {
    /// Ids and names of the layers, in their order.
    pub fn identities(&self) -> Vec<GroupIdentity> {
        self.groups.iter().map(GroupIdentity::from).collect()
    }

    /// All ids that this model's history has used, as far as the model knows.
    pub fn used_ids(&self) -> BTreeSet<String> {
        let own = self.groups.iter().map(|layer| layer.id.clone());
        own.chain(self.retired_ids.iter().cloned()).collect()
    }

    /// Hands down ids and names: each layer that continues one of `previous`
    /// takes its id and name, the others get ids that are not among `used`, nor
    /// lower than any of them.
    pub fn inherit(
        &mut self,
        previous: &[GroupIdentity],
        matching: &Matching,
        used: &BTreeSet<String>,
    ) {
        let partition = self.partition;
        let mut next = used.iter().map(|id| partition.number(id)).max().unwrap_or(0);
        let kept = || matching.kept.iter().map(|same| &previous[same.old]);
        let kept_names: BTreeSet<&str> = kept().map(|it| it.name.as_str()).collect();
        let kept_names_zh: BTreeSet<&str> = kept().map(|it| it.name_zh.as_str()).collect();
        for (index, layer) in self.groups.iter_mut().enumerate() {
            if layer.cluster.is_none() {
                // Always called the same.
            } else if let Some(old) = matching.continued(index) {
                layer.set_identity(&previous[old]);
            } else {
                next += 1;
                layer.id = partition.id(next);
                if kept_names.contains(layer.name.as_str()) {
                    layer.name = format!("{} ({})", layer.name, layer.id);
                }
                if kept_names_zh.contains(layer.name_zh.as_str()) {
                    layer.name_zh = format!("{}（{}）", layer.name_zh, layer.id);
                }
            }
        }
        self.retire(used);
    }

    /// Takes over the ids and names of the same layers, in the same order.
    pub fn adopt(&mut self, same: &[GroupIdentity], used: &BTreeSet<String>) {
        for (layer, identity) in self.groups.iter_mut().zip(same) {
            layer.set_identity(identity);
        }
        self.retire(used);
    }

    fn retire(&mut self, used: &BTreeSet<String>) {
        let current: BTreeSet<String> = self.groups.iter().map(|layer| layer.id.clone()).collect();
        let partition = self.partition;
        let is_own = |id: &&String| partition.number(id) > 0;
        self.retired_ids = used.difference(&current).filter(is_own).cloned().collect();
        self.retired_ids.sort_by_key(|id| (partition.number(id), id.clone()));
    }

    /// The same model without what its layers are known by.
    pub fn anonymous(&self) -> Self {
        let mut layers = self.clone();
        let none = String::new;
        let nobody = GroupIdentity { id: none(), name: none(), name_zh: none() };
        layers.groups.iter_mut().for_each(|layer| layer.set_identity(&nobody));
        layers.retired_ids = Vec::new();
        layers
    }
}

impl Group {
    fn set_identity(&mut self, identity: &GroupIdentity) {
        self.id = identity.id.clone();
        self.name = identity.name.clone();
        self.name_zh = identity.name_zh.clone();
    }
}

#[cfg(test)]
mod tests {
    use rand::seq::SliceRandom;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Counts given as rows of old layers.
    fn shared<const N: usize>(rows: &[[usize; N]]) -> SharedUsers {
        SharedUsers { n_old: rows.len(), n_new: N, counts: rows.concat() }
    }

    fn pairs(matching: &Matching) -> Vec<(usize, usize)> {
        matching.kept.iter().map(|same| (same.old, same.new)).collect()
    }

    #[test]
    fn users_are_counted_by_both_layers() {
        let users = SharedUsers::count((&[0, 0, 1, 1], 2), (&[2, 2, 0, 2], 3));
        assert_eq!(users, shared(&[[0, 0, 2], [1, 0, 1]]));
    }

    #[test]
    fn a_group_that_lost_and_won_some_is_the_same() {
        let matching = shared(&[[70, 10], [10, 60]]).matching();
        assert_eq!(pairs(&matching), [(0, 0), (1, 1)]);
        assert!((matching.kept[0].jaccard - 70.0 / 90.0).abs() < 1e-12);
        assert!((matching.kept[1].jaccard - 60.0 / 80.0).abs() < 1e-12);
        assert!(matching.births().is_empty() && matching.deaths().is_empty());
    }

    #[test]
    fn merge_the_larger_goes_on() {
        let matching = shared(&[[70, 0], [30, 5], [0, 50]]).matching();
        assert_eq!(pairs(&matching), [(0, 0), (2, 1)]);
        assert_eq!(matching.merges(), [(vec![0, 1], 0)]);
        assert_eq!(matching.deaths(), [(1, Some(0))]);
        assert!(matching.splits().is_empty() && matching.births().is_empty());
    }

    #[test]
    fn split_the_larger_part_goes_on() {
        let matching = shared(&[[60, 40, 0], [0, 0, 50]]).matching();
        assert_eq!(pairs(&matching), [(0, 0), (1, 2)]);
        assert_eq!(matching.splits(), [(0, vec![0, 1])]);
        assert_eq!(matching.births(), [(1, Some(0))]);
    }

    #[test]
    fn equal_halves_are_both_new_and_equal_wholes_both_end() {
        let split = shared(&[[50, 50]]).matching();
        assert!(split.kept.is_empty());
        assert_eq!(split.births(), [(0, Some(0)), (1, Some(0))]);
        assert_eq!(split.deaths(), [(0, None)]);
        assert_eq!(split.splits(), [(0, vec![0, 1])]);
        let merge = shared(&[[50], [50]]).matching();
        assert!(merge.kept.is_empty());
        assert_eq!(merge.merges(), [(vec![0, 1], 0)]);
    }

    #[test]
    fn a_layer_without_users_has_ended_and_scattered_users_are_new() {
        let matching = shared(&[[40, 0], [0, 0], [30, 0], [30, 0], [0, 9]]).matching();
        assert_eq!(pairs(&matching), [(4, 1)]);
        assert_eq!(matching.births(), [(0, None)]);
        assert_eq!(matching.deaths()[1], (1, None));
    }

    /// The pair that shares most is not pushed out by two weaker ones, which
    /// share more together.
    #[test]
    fn a_majority_outweighs_any_sum_of_minorities() {
        let matching = shared(&[[68, 32], [32, 0]]).matching();
        assert_eq!(pairs(&matching), [(0, 0)]);
    }

    fn random_labels(rng: &mut Xoshiro256PlusPlus, n: usize) -> (Vec<usize>, Vec<usize>) {
        let loyalty = rng.gen_range(0.3..1.0);
        let old: Vec<usize> = (0..300).map(|_| rng.gen_range(0..n)).collect();
        let new = old
            .iter()
            .map(|&label| if rng.gen_bool(loyalty) { label } else { rng.gen_range(0..n) })
            .collect();
        (old, new)
    }

    /// The largest sum of Jaccard indices over pairs that are the same group, by
    /// trying all assignments.
    fn best_sum(users: &SharedUsers, old: usize, taken: &mut Vec<bool>) -> f64 {
        if old == users.n_old {
            return 0.0;
        }
        let mut best = best_sum(users, old + 1, taken);
        for new in 0..users.n_new {
            let shared = users.at(old, new);
            let is_same = 2 * shared > users.of_old(old) && 2 * shared > users.of_new(new);
            if is_same && !taken[new] {
                taken[new] = true;
                best = best.max(users.jaccard(old, new) + best_sum(users, old + 1, taken));
                taken[new] = false;
            }
        }
        best
    }

    #[test]
    fn the_matching_is_the_optimal_assignment() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for _ in 0..200 {
            let n = rng.gen_range(2..7);
            let (old, new) = random_labels(&mut rng, n);
            let users = SharedUsers::count((&old, n), (&new, n));
            let found: f64 = users.matching().kept.iter().map(|same| same.jaccard).sum();
            assert!((found - best_sum(&users, 0, &mut vec![false; n])).abs() < 1e-9);
        }
    }

    #[test]
    fn permuting_clusters_never_changes_who_continues_whom() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
        for _ in 0..200 {
            let n = rng.gen_range(2..9);
            let (old, new) = random_labels(&mut rng, n);
            let mut place: Vec<usize> = (0..n).collect();
            place.shuffle(&mut rng);
            let permuted: Vec<usize> = new.iter().map(|&label| place[label]).collect();
            let plain = SharedUsers::count((&old, n), (&new, n)).matching();
            let after = SharedUsers::count((&old, n), (&permuted, n)).matching();
            for (new, &at) in place.iter().enumerate() {
                assert_eq!(after.continued(at), plain.continued(new));
                assert_eq!(after.parents[at], plain.parents[new]);
            }
        }
    }
}
