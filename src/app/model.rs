//! A trained model as verbs use it: with its review.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::PipelineError;
use super::review::CheckedReview;
use crate::bundle::Bundle;
use crate::dataset::FeatureMatrix;
use crate::input::engine::Engine;
use crate::models::segmentation::ReviewedLayer;

/// A bundle, where it stands, and what people made of its layers.
#[derive(Debug, Clone)]
pub struct Model {
    /// The bundle.
    pub bundle: Bundle,
    /// Its own folder.
    pub folder: PathBuf,
    /// The file of the review, if there is one.
    review_file: Option<PathBuf>,
    review: CheckedReview,
}

/// The layer of each user after review.
pub(super) struct LayersOfUsers {
    /// Index into [`Model::layers`], in matrix order.
    pub layers: Vec<usize>,
    /// How clear the choice of the cluster is, whatever rules made of it.
    pub margins: Vec<f64>,
    /// What put each user there: `pin:…`, `split:…`, `merge:…` or `cluster`.
    pub assigned_by: Vec<Arc<str>>,
}

impl Model {
    /// A model whose layers stand as training found them.
    pub fn unreviewed(bundle: Bundle, folder: PathBuf) -> Self {
        let review = CheckedReview::none(&bundle);
        Self { bundle, folder, review_file: None, review }
    }

    /// The model with the review in `file`; without one as training found it.
    ///
    /// # Errors
    /// When the review cannot be read or does not fit the model.
    pub fn reviewed(
        bundle: Bundle,
        folder: PathBuf,
        file: Option<&Path>,
        engine: &Engine,
    ) -> Result<Self, PipelineError> {
        let Some(file) = file else { return Ok(Self::unreviewed(bundle, folder)) };
        let review = CheckedReview::read(&bundle, file, engine)?;
        Ok(Self { bundle, folder, review_file: Some(file.to_owned()), review })
    }

    /// The file of the review, if there is one.
    pub fn review_file(&self) -> Option<&Path> {
        self.review_file.as_deref()
    }

    /// The layers that users are assigned to: those of the review, if there is one.
    pub fn layers(&self) -> &[ReviewedLayer] {
        &self.review.review.layers
    }

    /// The layer of each user: that of the first pin that holds, else of the first
    /// split of their layer that holds, else that of their cluster, after merges.
    pub(super) fn layers_of_users(
        &self,
        matrix: &FeatureMatrix,
    ) -> Result<LayersOfUsers, PipelineError> {
        let assigned = self.bundle.layers.assign(matrix)?;
        let review = &self.review.review;
        let cluster: Arc<str> = "cluster".into();
        let of_model = self.bundle.layers.layers.iter().zip(&review.of_model);
        let by_layer: Vec<Arc<str>> = of_model
            .map(|(layer, &place)| match review.layers[place].id == layer.id {
                true => Arc::clone(&cluster),
                false => format!("merge:{}", layer.id).into(),
            })
            .collect();
        let mut layers: Vec<usize> =
            assigned.layers.iter().map(|&index| review.of_model[index]).collect();
        let mut assigned_by: Vec<Arc<str>> =
            assigned.layers.iter().map(|&index| Arc::clone(&by_layer[index])).collect();
        self.review.apply_rules(matrix, &mut layers, &mut assigned_by)?;
        Ok(LayersOfUsers { layers, margins: assigned.margins, assigned_by })
    }
}
