use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::settings::{Clusters, Conflict, Count, Share, Weight};
use crate::stats::clustering::Algorithm;
use crate::stats::scaling::Transform;

/// `[segmentation]` of the config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentationParams {
    /// Number of layers: a number, `"auto"`, which chooses from 6 to 12, or the
    /// bounds to choose between, as in `{ min = 4, max = 20 }`.
    pub k: LayerCount,
    /// A number of layers of which the smallest holds less than this share of the
    /// users is not chosen.
    pub min_share: Share,
    /// Where users who are near each other make one layer.
    pub embedding: EmbeddingKind,
    /// Standard deviation of behaviour in the embedding, as a multiple of that of
    /// the predicted outcomes where users are many; the fewer, the more. 0 for
    /// the outcome alone.
    pub behaviour_weight: Weight,
    /// How long tails of features are transformed.
    pub transform: Transform,
    /// How clusters are found.
    pub algorithm: Algorithm,
    /// Starts of k-means, of which the best counts.
    pub n_starts: Count,
}

/// How many layers there are to be.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum LayerCount {
    /// Chosen from 6 to 12.
    #[default]
    Auto,
    /// So many.
    Exactly(Clusters),
    /// Chosen between these bounds.
    Between(LayerBounds),
}

/// Fewest and most layers to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerBounds {
    /// Fewest layers.
    pub min: Clusters,
    /// Most layers.
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
            k: LayerCount::Auto,
            min_share: Share::of(0.001),
            embedding: EmbeddingKind::default(),
            behaviour_weight: Weight::of(0.3),
            transform: Transform::default(),
            algorithm: Algorithm::default(),
            n_starts: Count::of(10),
        }
    }
}

impl SegmentationParams {
    /// Checks what no key shows by itself.
    ///
    /// # Errors
    /// The key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        match self.k {
            LayerCount::Between(LayerBounds { min, max }) if max < min => Err(Conflict::new(
                "k",
                format!("must have a min that is at most max, got {min} and {max}"),
            )),
            _ => Ok(()),
        }
    }
}

impl LayerCount {
    /// Exactly `k` layers.
    ///
    /// # Panics
    /// When `k` is below 2.
    pub fn exactly(k: usize) -> Self {
        Self::Exactly(Clusters::of(k))
    }

    /// Numbers of layers to choose from.
    pub fn bounds(self) -> RangeInclusive<usize> {
        match self {
            Self::Auto => 6..=12,
            Self::Exactly(k) => k.get()..=k.get(),
            Self::Between(LayerBounds { min, max }) => min.get()..=max.get(),
        }
    }
}

impl Serialize for LayerCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Exactly(k) => k.serialize(serializer),
            Self::Between(bounds) => bounds.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for LayerCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LayerCountVisitor)
    }
}

/// By hand, since serde's untagged enums lose the line of what is wrong.
struct LayerCountVisitor;

impl<'de> Visitor<'de> for LayerCountVisitor {
    type Value = LayerCount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 2, \"auto\" or { min = 6, max = 12 }")
    }

    fn visit_i64<E: serde::de::Error>(self, k: i64) -> Result<LayerCount, E> {
        // What is negative is as little allowed as 0.
        let k = usize::try_from(k).unwrap_or(0);
        Clusters::new(k).map(LayerCount::Exactly).map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<LayerCount, E> {
        match word {
            "auto" => Ok(LayerCount::Auto),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LayerCount, A::Error> {
        LayerBounds::deserialize(MapAccessDeserializer::new(map)).map(LayerCount::Between)
    }
}
