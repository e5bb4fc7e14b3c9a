//! Layers: clusters in an embedding that predicts the outcome, profiled and
//! named.

mod choose_k;
mod embedding;
mod error;
mod identity;
mod layers;
mod naming;
mod params;
mod profile;
mod review;

pub use choose_k::{Candidate, KVerdict};
pub use embedding::{Embedding, Outcome, OutcomeModel, OutcomeModels};
pub use error::SegmentationError;
pub use identity::{LayerIdentity, Matching, SameGroup, SharedUsers};
pub use layers::{Assignments, FittedLayers, Layer, Refits, fit_layers, refit_rand_index};
pub use naming::{NameClaim, features_of_names};
pub use params::{EmbeddingKind, LayerBounds, LayerCount, SegmentationParams};
pub use profile::{Difference, Driver, LayerProfile};
pub use review::{
    LayerEntry, PinEntry, Review, ReviewError, ReviewFile, ReviewedLayer, Rule, SplitEntry,
    review_template,
};
