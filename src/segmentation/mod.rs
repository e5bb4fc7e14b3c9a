//! Layers: clusters in a space that knows the business outcome, profiled and
//! named, beside the groupings that the field uses today (RFM, lifecycle).

mod choose_k;
mod components;
mod error;
mod foretell;
mod layers;
mod lifecycle;
mod names;
mod outcome;
mod params;
mod profile;
mod rfm;
mod space;
mod training_rows;

pub use choose_k::{Candidate, KVerdict};
pub use error::SegmentationError;
pub use foretell::{Foreteller, Foretellers};
pub use layers::{Assignments, FittedLayers, Layer, fit_layers};
pub use lifecycle::{LifecycleParams, LifecycleStage};
pub use outcome::Outcome;
pub use params::{SegmentationParams, SpaceKind};
pub use profile::{Difference, Driver, LayerProfile};
pub use rfm::{FittedRfm, RFM_SEGMENTS, RfmScores};
pub use space::LayerSpace;
