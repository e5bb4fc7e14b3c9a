//! Layers: clusters in a space that knows the business outcome, profiled and
//! named.

mod choose_k;
mod error;
mod foretell;
mod identity;
mod layers;
mod naming;
mod outcome;
mod params;
mod profile;
mod review;
mod review_error;
mod review_file;
mod review_template;
mod space;
mod training_rows;

pub use choose_k::{Candidate, KVerdict};
pub use error::SegmentationError;
pub use foretell::{Foreteller, Foretellers};
pub use identity::{LayerIdentity, Matching, SameGroup, SharedUsers};
pub use layers::{Assignments, FittedLayers, Layer, fit_layers, refit_agreement};
pub use naming::NameClaim;
pub use outcome::Outcome;
pub use params::{EmbeddingKind, LayerBounds, LayerCount, SegmentationParams};
pub use profile::{Difference, Driver, LayerProfile};
pub use review::{Review, ReviewedLayer, Rule};
pub use review_error::ReviewError;
pub use review_file::{LayerEntry, PinEntry, ReviewFile, SplitEntry};
pub use review_template::review_template;
pub use space::LayerSpace;
