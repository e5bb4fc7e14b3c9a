//! A trained model as verbs use it: with its review.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::PipelineError;
use super::review::CheckedReview;
use crate::bundle::Bundle;
use crate::dataset::FeatureMatrix;
use crate::input::engine::Engine;
use crate::models::segmentation::{Partition, ReviewedGroup};

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

/// The group of each user after review.
pub(super) struct GroupsOfUsers {
    /// Index into [`Model::groups`], in matrix order.
    pub groups: Vec<usize>,
    /// The same before review, into the groups of the bundle.
    pub of_model: Vec<usize>,
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

    /// The groups that users are assigned to: those of the review, if there is one.
    pub fn groups(&self, partition: Partition) -> &[ReviewedGroup] {
        &self.review.part(partition).review.groups
    }

    /// Rules of the review, as scores call them: `pin:…` and `split:…`.
    pub(super) fn rules(&self, partition: Partition) -> impl Iterator<Item = &Arc<str>> {
        self.review.part(partition).rule_names()
    }

    /// The group of each user: that of the first pin that holds, else of the first
    /// split of their group that holds, else that of their cluster, after merges.
    pub(super) fn groups_of_users(
        &self,
        partition: Partition,
        matrix: &FeatureMatrix,
    ) -> Result<GroupsOfUsers, PipelineError> {
        let fitted = self.bundle.groups(partition);
        let assigned = fitted.assign(matrix)?;
        let part = self.review.part(partition);
        let review = &part.review;
        let cluster: Arc<str> = "cluster".into();
        let of_model = fitted.groups.iter().zip(&review.of_model);
        let by_group: Vec<Arc<str>> = of_model
            .map(|(group, &place)| match review.groups[place].id == group.id {
                true => Arc::clone(&cluster),
                false => format!("merge:{}", group.id).into(),
            })
            .collect();
        let mut groups: Vec<usize> =
            assigned.groups.iter().map(|&index| review.of_model[index]).collect();
        let mut assigned_by: Vec<Arc<str>> =
            assigned.groups.iter().map(|&index| Arc::clone(&by_group[index])).collect();
        part.apply_rules(matrix, &mut groups, &mut assigned_by)?;
        let (of_model, margins) = (assigned.groups, assigned.margins);
        Ok(GroupsOfUsers { groups, of_model, margins, assigned_by })
    }
}
