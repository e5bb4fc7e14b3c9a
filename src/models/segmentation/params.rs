use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::settings::{Clusters, Conflict, Share, Starts, Weight};
use crate::stats::clustering::Algorithm;
use crate::stats::scaling::Transform;

/// `[segmentation]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentationParams {
    /// Number of layers: a number, `"auto"`, which chooses from 6 to 12, or the
    /// bounds to choose between, as in `{ min = 4, max = 20 }`.
    pub k: GroupCount,
    /// A number of layers of which the smallest holds less than this share of the
    /// users is not chosen.
    pub min_share: Share,
    /// Where users who are near each other make one layer.
    pub embedding: EmbeddingKind,
    /// Standard deviation of behaviour in the embedding, as a multiple of that of
    /// the predicted outcomes where users are many; the fewer, the more. 0 for
    /// the outcome alone.
    pub behaviour_weight: Weight,
    /// Standard deviation of how users shop in the embedding, as a multiple of that of
    /// the predicted outcomes: a number, or `"auto"` for as much as `habits_cost` allows.
    pub habits_weight: HabitsWeight,
    /// Share of what layers of outcomes alone predict that `habits_weight = "auto"` may
    /// cost; layers stay above RFM's cells all the same.
    pub habits_cost: Share,
    /// How long tails of features are transformed.
    pub transform: Transform,
    /// How clusters are found.
    pub algorithm: Algorithm,
    /// Starts of k-means, of which the best counts.
    pub n_starts: Starts,
}

/// How much of how users shop goes into layers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum HabitsWeight {
    /// As much as costs little of what layers predict.
    #[default]
    Auto,
    /// So much.
    Exactly(Weight),
}

/// `[kinds]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KindParams {
    /// Number of kinds: a number, `"auto"`, which finds one or 2 to 12, or the bounds to choose
    /// between, as in `{ min = 4, max = 20 }`.
    pub k: GroupCount,
    /// A number of kinds of which the smallest holds less than this share of the users, or
    /// fewer than 30, is not chosen.
    pub min_share: Share,
    /// How clusters are found.
    pub algorithm: KindAlgorithm,
    /// Starts of k-means, of which the best counts.
    pub n_starts: Starts,
}

/// How clusters of kinds are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindAlgorithm {
    /// By k-means, or by a Gaussian mixture where it is clearly better on users that it was
    /// not fitted to.
    #[default]
    Auto,
    /// As [`Algorithm::KMeans`].
    KMeans,
    /// As [`Algorithm::MiniBatch`].
    MiniBatch,
    /// As [`Algorithm::GaussianMixture`].
    GaussianMixture,
}

impl Default for KindParams {
    fn default() -> Self {
        Self {
            k: GroupCount::Auto,
            min_share: Share::of(0.01),
            algorithm: KindAlgorithm::default(),
            n_starts: Starts::of(10),
        }
    }
}

impl KindParams {
    /// Numbers of kinds that are tried where the config leaves it open, beside one.
    pub const AUTO: RangeInclusive<usize> = 2..=12;

    /// Checks what no key shows by itself.
    ///
    /// # Errors
    /// The key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        self.k.check()
    }
}

/// How clusters are found, of layers and of kinds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clustering {
    pub algorithm: Algorithm,
    pub n_starts: usize,
}

impl Clustering {
    /// A mixture, which has one start.
    pub fn of_mixture() -> Self {
        Self { algorithm: Algorithm::GaussianMixture, n_starts: 1 }
    }

    /// For trials, which are many: half of the starts.
    pub fn for_trials(self) -> Self {
        Self { n_starts: self.n_starts.div_ceil(2), ..self }
    }
}

impl From<&SegmentationParams> for Clustering {
    fn from(params: &SegmentationParams) -> Self {
        Self { algorithm: params.algorithm, n_starts: params.n_starts.get() }
    }
}

impl From<&KindParams> for Clustering {
    fn from(params: &KindParams) -> Self {
        let algorithm = match params.algorithm {
            KindAlgorithm::Auto | KindAlgorithm::KMeans => Algorithm::KMeans,
            KindAlgorithm::MiniBatch => Algorithm::MiniBatch,
            KindAlgorithm::GaussianMixture => Algorithm::GaussianMixture,
        };
        Self { algorithm, n_starts: params.n_starts.get() }
    }
}

/// How many groups there are to be.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum GroupCount {
    /// Chosen, of layers from 6 to 12, of kinds from 2 to 12, or one where none are apart.
    #[default]
    Auto,
    /// So many.
    Exactly(Clusters),
    /// Chosen between these bounds.
    Between(GroupBounds),
}

/// Fewest and most groups to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupBounds {
    /// Fewest.
    pub min: Clusters,
    /// Most.
    pub max: Clusters,
}

/// Where users who are near each other make one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingKind {
    /// What boosted trees predict of GMV and churn, and how users behave.
    #[default]
    Outcome,
    /// How users behave: all features, transformed and standardised.
    Behaviour,
}

impl Default for SegmentationParams {
    fn default() -> Self {
        Self {
            k: GroupCount::Auto,
            min_share: Share::of(0.001),
            embedding: EmbeddingKind::default(),
            behaviour_weight: Weight::of(0.3),
            habits_weight: HabitsWeight::Auto,
            habits_cost: Share::of(0.05),
            transform: Transform::default(),
            algorithm: Algorithm::default(),
            n_starts: Starts::of(10),
        }
    }
}

impl SegmentationParams {
    /// Checks what no key shows by itself.
    ///
    /// # Errors
    /// The key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        self.k.check()
    }

    /// Numbers of layers to choose from.
    pub fn bounds(&self) -> RangeInclusive<usize> {
        self.k.bounds(6..=12)
    }
}

impl GroupCount {
    /// Whether there is a number to choose.
    fn check(self) -> Result<(), Conflict> {
        match self {
            Self::Between(GroupBounds { min, max }) if max < min => Err(Conflict::new(
                "k",
                format!("must have a min that is at most max, got {min} and {max}"),
            )),
            _ => Ok(()),
        }
    }

    /// Exactly `k` groups.
    ///
    /// # Panics
    /// When `k` is below 2.
    pub fn exactly(k: usize) -> Self {
        Self::Exactly(Clusters::of(k))
    }

    /// Numbers to choose from; `auto` where the config leaves it open.
    pub fn bounds(self, auto: RangeInclusive<usize>) -> RangeInclusive<usize> {
        match self {
            Self::Auto => auto,
            Self::Exactly(k) => k.get()..=k.get(),
            Self::Between(GroupBounds { min, max }) => min.get()..=max.get(),
        }
    }
}

impl Serialize for GroupCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Exactly(k) => k.serialize(serializer),
            Self::Between(bounds) => bounds.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for GroupCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GroupCountVisitor)
    }
}

/// By hand, since serde's untagged enums lose the line of what is wrong.
struct GroupCountVisitor;

impl<'de> Visitor<'de> for GroupCountVisitor {
    type Value = GroupCount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 2, \"auto\" or bounds as in { min = 4, max = 20 }")
    }

    fn visit_i64<E: serde::de::Error>(self, k: i64) -> Result<GroupCount, E> {
        Clusters::deserialize(k.into_deserializer()).map(GroupCount::Exactly)
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<GroupCount, E> {
        match word {
            "auto" => Ok(GroupCount::Auto),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GroupCount, A::Error> {
        GroupBounds::deserialize(MapAccessDeserializer::new(map)).map(GroupCount::Between)
    }
}

impl Serialize for HabitsWeight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Exactly(weight) => weight.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for HabitsWeight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HabitsWeightVisitor)
    }
}

/// By hand, as of [`GroupCountVisitor`].
struct HabitsWeightVisitor;

impl Visitor<'_> for HabitsWeightVisitor {
    type Value = HabitsWeight;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 or \"auto\"")
    }

    fn visit_f64<E: serde::de::Error>(self, weight: f64) -> Result<HabitsWeight, E> {
        Weight::new(weight).map(HabitsWeight::Exactly).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, weight: i64) -> Result<HabitsWeight, E> {
        self.visit_f64(weight as f64)
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<HabitsWeight, E> {
        match word {
            "auto" => Ok(HabitsWeight::Auto),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
        }
    }
}
