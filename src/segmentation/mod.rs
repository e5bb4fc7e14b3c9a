//! Segments and layers: k-means in the scaled feature space, profiled and
//! named, beside the groupings that the field uses today (RFM, lifecycle).

mod choose_k;
mod error;
mod kmeans;
mod layers;
mod lifecycle;
mod names;
mod profile;
mod rfm;

pub use choose_k::Candidate;
pub use error::SegmentationError;
pub use layers::{Assignments, FittedLayers, Layer, SegmentationParams, fit_layers};
pub use lifecycle::{LifecycleParams, LifecycleStage};
pub use profile::{Difference, LayerProfile};
pub use rfm::{FittedRfm, RFM_SEGMENTS, RfmScores};
