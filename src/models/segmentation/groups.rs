//! Groups of users as a model has them: layers and kinds alike.

use serde::{Deserialize, Serialize};

use super::SegmentationError;
use super::candidate::Candidate;
use super::embedding::Embedding;
use super::naming::{NameClaim, NamedGroup, kind_names, layer_names, typical_user};
use super::profile::{GroupProfile, profile_groups};
use super::trade_off::TradeOff;
use crate::dataset::{Bilingual, FeatureMatrix, Snapshot};
use crate::stats::clustering::FittedClusters;

/// What users are grouped by. Every user has one group of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// Layers: what users will do, above all how much they will spend.
    Layers,
    /// Kinds: how users shop, whatever the volume.
    Kinds,
}

impl Partition {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Layers, Self::Kinds];

    /// The letter that ids begin with.
    pub fn letter(self) -> char {
        match self {
            Self::Layers => 'L',
            Self::Kinds => 'K',
        }
    }

    /// One of its groups, as files and errors call it.
    pub fn one(self) -> &'static str {
        match self {
            Self::Layers => "layer",
            Self::Kinds => "kind",
        }
    }

    /// Its groups, as files and commands call them.
    pub fn many(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Kinds => "kinds",
        }
    }

    /// The id of the group with this number.
    pub fn id(self, number: u64) -> String {
        format!("{}{number}", self.letter())
    }

    /// Whether an id looks like one of its groups: its letter and a number.
    pub fn may_have(self, id: &str) -> bool {
        id.strip_prefix(self.letter()).is_some_and(|number| number.parse::<u64>().is_ok())
    }

    /// 12 of `L12`; 0 of an id of another form.
    pub fn number(self, id: &str) -> u64 {
        id.strip_prefix(self.letter()).and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

/// One of something for each partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerPartition<T> {
    /// Of layers.
    pub layers: T,
    /// Of kinds.
    pub kinds: T,
}

impl<T> PerPartition<T> {
    /// What `of` gives for each.
    pub fn of(mut of: impl FnMut(Partition) -> T) -> Self {
        Self { layers: of(Partition::Layers), kinds: of(Partition::Kinds) }
    }

    /// What `of` gives for each, unless it fails.
    ///
    /// # Errors
    /// The first.
    pub fn try_of<E>(mut of: impl FnMut(Partition) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self { layers: of(Partition::Layers)?, kinds: of(Partition::Kinds)? })
    }

    /// That of a partition.
    pub fn get(&self, partition: Partition) -> &T {
        match partition {
            Partition::Layers => &self.layers,
            Partition::Kinds => &self.kinds,
        }
    }

    /// Both.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.layers, &self.kinds].into_iter()
    }
}

/// A fitted partition: how to find a user's group, and who is in each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedGroups {
    /// What users are grouped by.
    pub partition: Partition,
    /// Gives users coordinates; users who are near each other are one group.
    pub embedding: Embedding,
    /// Clusters of that embedding.
    pub clusters: FittedClusters,
    /// The groups; the most valuable first, the group of users who are hardly known last.
    pub groups: Vec<Group>,
    /// How each number of groups did.
    pub candidates: Vec<Candidate>,
    /// Of layers: what they predict with more and more of how users shop.
    #[serde(default)]
    pub trade_off: TradeOff,
    /// Ids of groups of earlier models that none of these continues.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired_ids: Vec<String>,
}

/// A named group of users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Short id, kept for as long as it is the same group. In a first model `L1`
    /// is the layer, `K1` the kind with the largest GMV a user; `K0` are always those
    /// who are hardly known.
    pub id: String,
    /// Name in words, distinct within the model.
    pub name: String,
    /// The same in Chinese.
    pub name_zh: String,
    /// What the name claims, as of the snapshot on which the group was named.
    pub name_claims: Vec<NameClaim>,
    /// What a typical user of it did, in a sentence or two.
    pub description: String,
    /// The same in Chinese.
    pub description_zh: String,
    /// The cluster whose users are in it; `None` for users of whom too little is known to
    /// be in any.
    pub cluster: Option<usize>,
    /// Who is in it.
    pub profile: GroupProfile,
}

/// The group of each user, in matrix order.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignments {
    /// Index into [`FittedGroups::groups`].
    pub groups: Vec<usize>,
    /// How clear the choice is: `1 − d₁/d₂`, 0 on the border to another group, 1
    /// on the centroid; 0 of who is hardly known.
    pub margins: Vec<f64>,
}

/// Where clusters are, and what they are shown and named by.
pub(super) struct Found<'a> {
    pub partition: Partition,
    pub embedding: Embedding,
    pub clusters: FittedClusters,
    pub candidates: Vec<Candidate>,
    pub trade_off: TradeOff,
    /// The latest training snapshot.
    pub latest: &'a Snapshot,
    /// Its users, and the features that names read.
    pub named_by: &'a Snapshot,
}

impl Found<'_> {
    /// Profiles the clusters' users in the latest snapshot, drops clusters that have
    /// none, puts the most valuable first, so that ids do not depend on the order in
    /// which clusters were found, and names them.
    pub fn describe(self) -> Result<FittedGroups, SegmentationError> {
        let Found { partition, embedding, clusters, candidates, trade_off, latest, named_by } =
            self;
        let (points, known) = embedding.transform_with_known(&latest.features)?;
        let n_clusters = clusters.centroids().nrows();
        let mut labels = numbers(clusters.assign(points.view())?);
        for user in hardly_known(partition, &clusters, &known) {
            labels[user] = n_clusters;
        }
        let mut profiles = profile_groups(&embedding, latest, &labels, n_clusters + 1)?;
        let of_unknown = profiles.pop().filter(|_| partition == Partition::Kinds);
        let mut groups: Vec<(usize, GroupProfile)> =
            profiles.into_iter().enumerate().filter(|(_, profile)| profile.n_users > 0).collect();
        groups.sort_by(|(a, of_a), (b, of_b)| {
            let by_value = of_b.gmv_per_user.total_cmp(&of_a.gmv_per_user);
            let place = |cluster: usize| clusters.centroids().row(cluster).to_vec();
            by_value.then_with(|| place(*a).partial_cmp(&place(*b)).expect("centroids are finite"))
        });
        let (of_cluster, profiles): (Vec<usize>, Vec<GroupProfile>) = groups.into_iter().unzip();
        let place = |label: &usize| of_cluster.iter().position(|it| it == label);
        let group_of: Vec<usize> =
            labels.iter().map(|label| place(label).unwrap_or(of_cluster.len())).collect();
        let names_of = match partition {
            Partition::Layers => layer_names,
            Partition::Kinds => kind_names,
        };
        let names = names_of(named_by, &group_of, of_cluster.len());
        let found = of_cluster.into_iter().zip(profiles).zip(names).zip(1..);
        let mut groups: Vec<Group> = found
            .map(|(((cluster, profile), name), number)| {
                Group::of(partition.id(number), name, Some(cluster), profile, latest)
            })
            .collect();
        groups.extend(of_unknown.map(|profile| {
            let words = Bilingual::new("Hardly known yet", "了解尚少");
            // Medians of such users would read as if they were true of each.
            let description = Some(Bilingual::new(
                "Did too little to say how they shop: any kind would be a guess.",
                "行为太少，无法判断购物方式：归入任何类型都只是猜测。",
            ));
            let name = NamedGroup { words, claims: Vec::new(), description };
            Group::of(partition.id(0), name, None, profile, latest)
        }));
        Ok(FittedGroups {
            partition,
            embedding,
            clusters,
            groups,
            candidates,
            trade_off,
            retired_ids: Vec::new(),
        })
    }
}

/// Users of whom too little is known to be in a cluster; none of layers, and none where
/// there is but one cluster.
fn hardly_known(partition: Partition, clusters: &FittedClusters, known: &[bool]) -> Vec<usize> {
    let all_belong = partition == Partition::Layers || clusters.centroids().nrows() == 1;
    (0..known.len()).filter(|&user| !all_belong && !known[user]).collect()
}

/// The clusters of assigned users.
pub(super) fn numbers(assigned: Vec<(usize, f64)>) -> Vec<usize> {
    assigned.into_iter().map(|(cluster, _)| cluster).collect()
}

impl Group {
    fn of(
        id: String,
        name: NamedGroup,
        cluster: Option<usize>,
        profile: GroupProfile,
        latest: &Snapshot,
    ) -> Self {
        let NamedGroup { words, claims, description } = name;
        let description =
            description.unwrap_or_else(|| typical_user(&profile, latest.features.features()));
        Self {
            id,
            name: words.en,
            name_zh: words.zh,
            name_claims: claims,
            description: description.en,
            description_zh: description.zh,
            cluster,
            profile,
        }
    }
}

impl FittedGroups {
    /// Whether they are components of a Gaussian mixture, not clusters of k-means.
    pub fn are_of_mixture(&self) -> bool {
        matches!(self.clusters, FittedClusters::GaussianMixture(_))
    }

    /// The group of each user.
    ///
    /// # Errors
    /// When the matrix lacks a feature of the model.
    pub fn assign(&self, matrix: &FeatureMatrix) -> Result<Assignments, SegmentationError> {
        let (points, known) = self.embedding.transform_with_known(matrix)?;
        let of_cluster = self.group_of_cluster();
        let assigned = self.clusters.assign(points.view())?;
        let (mut groups, mut margins): (Vec<usize>, Vec<f64>) =
            assigned.into_iter().map(|(cluster, margin)| (of_cluster[cluster], margin)).unzip();
        if let Some(unknown) = self.groups.iter().position(|group| group.cluster.is_none()) {
            for user in hardly_known(self.partition, &self.clusters, &known) {
                (groups[user], margins[user]) = (unknown, 0.0);
            }
        }
        Ok(Assignments { groups, margins })
    }

    /// Index of the group of each cluster. A cluster that had no user when groups
    /// were made falls to the nearest one that had.
    fn group_of_cluster(&self) -> Vec<usize> {
        let centroids = self.clusters.centroids();
        let distance = |a: usize, b: usize| -> f32 {
            centroids.row(a).iter().zip(centroids.row(b)).map(|(x, y)| (x - y).powi(2)).sum()
        };
        let places =
            || self.groups.iter().enumerate().filter_map(|(at, it)| Some((at, it.cluster?)));
        let nearest = |cluster: usize| {
            places()
                .min_by(|(_, a), (_, b)| distance(cluster, *a).total_cmp(&distance(cluster, *b)))
                .map_or(0, |(index, _)| index)
        };
        (0..centroids.nrows()).map(nearest).collect()
    }
}
