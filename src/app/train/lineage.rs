//! Ids and names of a new model's layers, from the model before it.
//!
//! The lineage is written before the bundle: a run killed in between leaves an
//! entry whose bundle is absent, by which the next run of the same data, config
//! and seed finds the same ids and thus makes the same bundle.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::ancestry::{Origin, Parent, Previous};
use super::lineage_file::{
    Born, Compared, Died, Kept, Lineage, LineageEntry, LineageLayer, Merged, Split, set_aside,
    take_turn,
};
use super::movement::{LayersAt, Movement, movement};
use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::bundle::{Bundle, BundleError, ids_in_bundles};
use crate::dataset::Snapshot;
use crate::features::{check_custom, describe_input};
use crate::models::segmentation::{LayerIdentity, Matching, SameGroup, SharedUsers};

/// A saved bundle and how its layers came about.
pub(super) struct Published {
    pub bundle: Bundle,
    pub folder: PathBuf,
    pub entry: LineageEntry,
}

/// Gives the layers of a newly trained model their ids and names, notes that in
/// the lineage and saves the bundle. `latest` is its latest training snapshot.
pub(super) fn publish(
    data: &OpenData<'_>,
    mut bundle: Bundle,
    latest: &Snapshot,
    previous: &Previous,
) -> Result<Published, PipelineError> {
    let model_folder = data.config.models.join(&data.config.name);
    std::fs::create_dir_all(&model_folder)
        .map_err(|cause| BundleError::Unwritable { folder: model_folder.clone(), cause })?;
    let turn = take_turn(&model_folder);
    let mut history = History::read(&model_folder)?;
    let mut entry = descend(data, &mut bundle, latest, &history, previous, &model_folder)?;
    match history.lineage.entry(&entry.bundle) {
        Some(same) => entry = same.clone(),
        None => {
            entry.warnings.splice(0..0, history.warnings);
            history.lineage.entries.push(entry.clone());
            history.lineage.write(&model_folder)?;
        }
    }
    let folder = bundle.save(&data.config.models)?;
    drop(turn);
    Ok(Published { bundle, folder, entry })
}

/// What is known of a model's past.
struct History {
    lineage: Lineage,
    /// All ids that were ever used.
    used: BTreeSet<String>,
    /// What is wrong with the file.
    warnings: Vec<String>,
}

impl History {
    /// Reads the lineage. Where it can't be read, it is kept aside, and the ids
    /// are those of the bundles that are still there.
    fn read(model_folder: &Path) -> Result<Self, PipelineError> {
        let mut warnings = Vec::new();
        let lineage = match Lineage::read(model_folder) {
            Ok(lineage) => lineage,
            Err(error) => {
                let aside = set_aside(model_folder)?;
                warnings.push(format!("{error}; it is kept as {}", aside.display()));
                None
            }
        };
        let used = match &lineage {
            Some(lineage) => lineage.used_ids(),
            None => ids_in_bundles(model_folder),
        };
        if lineage.is_none() && warnings.is_empty() && !used.is_empty() {
            warnings.push("there are bundles but no lineage.json, which starts anew".into());
        }
        Ok(Self { lineage: lineage.unwrap_or_else(Lineage::empty), used, warnings })
    }
}

/// A bundle of the same model, whose ids and names it takes over.
struct SameModel {
    bundle: String,
    identities: Vec<LayerIdentity>,
    used: BTreeSet<String>,
}

impl SameModel {
    /// A bundle in the lineage that is the same model, or the one before if that
    /// is. Where that one was asked for, only what came from it counts.
    fn find(
        history: &History,
        origin: &Origin,
        previous: &Previous,
        fingerprint: &str,
    ) -> Result<Option<Self>, PipelineError> {
        let parent = match origin {
            Origin::Fresh => return Ok(None),
            Origin::Parent(parent) => Some(parent),
            Origin::First | Origin::Lost(_) => None,
        };
        let only_from = match (previous, parent) {
            (Previous::Bundle(_), Some(parent)) => Some(parent.name.as_str()),
            _ => None,
        };
        if let Some(entry) = history.lineage.same_model(fingerprint, only_from) {
            let (identities, used) = (entry.identities(), entry.used_ids());
            return Ok(Some(Self { bundle: entry.bundle.clone(), identities, used }));
        }
        let Some(Parent { bundle, name }) = parent.map(AsRef::as_ref) else { return Ok(None) };
        let (identities, used) = (bundle.layers.identities(), bundle.layers.used_ids());
        let is_same = bundle.fingerprint()? == fingerprint;
        Ok(is_same.then(|| Self { bundle: name.clone(), identities, used }))
    }
}

/// Hands ids and names down to the layers of `bundle`; returns the entry that
/// says how.
fn descend(
    data: &OpenData<'_>,
    bundle: &mut Bundle,
    latest: &Snapshot,
    history: &History,
    previous: &Previous,
    model_folder: &Path,
) -> Result<LineageEntry, PipelineError> {
    let fingerprint = bundle.fingerprint()?;
    let origin = previous.origin(model_folder, &history.used)?;
    let n_layers = bundle.layers.layers.len();
    if let Some(same) = SameModel::find(history, &origin, previous, &fingerprint)? {
        bundle.layers.adopt(&same.identities, &same.used);
        let matching = Matching::unchanged(n_layers);
        return Ok(entry(bundle, &same.identities, &matching)?.after(same.bundle));
    }
    let unrelated = Matching::unrelated(n_layers);
    let mut used = history.used.clone();
    let reason = match origin {
        Origin::First | Origin::Fresh => return entry(bundle, &[], &unrelated),
        Origin::Lost(reason) => reason,
        Origin::Parent(parent) => {
            used.append(&mut parent.bundle.layers.used_ids());
            match layers_by(data, &parent.bundle, bundle, latest) {
                Ok(old) => return inherit(data, bundle, latest, &parent, &old, &used),
                Err(reason) => format!("{}: {reason}", parent.name),
            }
        }
    };
    bundle.layers.inherit(&[], &unrelated, &used);
    let mut entry = entry(bundle, &[], &unrelated)?;
    let first = bundle.layers.layers.iter().map(|layer| layer.id.as_str()).next().unwrap_or("L1");
    entry.warnings.push(format!(
        "ids start afresh at {first}, since the model before can't be used ({reason}); \
         --previous BUNDLE takes them from another"
    ));
    Ok(entry)
}

/// Where a model puts the users of the new model's latest training snapshot, or
/// why it can't.
fn layers_by(
    data: &OpenData<'_>,
    parent: &Bundle,
    bundle: &Bundle,
    latest: &Snapshot,
) -> Result<LayersAt, String> {
    check_custom(data.engine, parent.plan.custom()).map_err(|error| error.to_string())?;
    let traits = describe_input(data.histories, bundle.record.dates.as_of);
    let lost = traits
        .and_then(|traits| parent.plan.check_input(&traits))
        .map_err(|error| error.to_string())?;
    if !lost.is_empty() {
        let lost = lost.join("`, `");
        return Err(format!("it counts events that the data no longer has: `{lost}`"));
    }
    LayersAt::of(data, parent, latest.as_of).map_err(|error| error.to_string())
}

/// Ids and names from a model that puts the same users into `old`.
fn inherit(
    data: &OpenData<'_>,
    bundle: &mut Bundle,
    latest: &Snapshot,
    parent: &Parent,
    old: &LayersAt,
    used: &BTreeSet<String>,
) -> Result<LineageEntry, PipelineError> {
    let new = bundle.layers.assign(&latest.features)?.layers;
    let identities = parent.bundle.layers.identities();
    let n_layers = bundle.layers.layers.len();
    let shared = SharedUsers::count((&old.layers, identities.len()), (&new, n_layers));
    let matching = shared.matching();
    bundle.layers.inherit(&identities, &matching, used);
    let mut entry = entry(bundle, &identities, &matching)?.after(parent.name.clone());
    entry.compared = Some(Compared { on: latest.as_of.date(), n_users: new.len() });
    match movement_since(data, &parent.bundle, bundle) {
        Ok(found) => entry.movement = Some(found),
        Err(reason) => entry.warnings.push(format!("who changed layer can't be told: {reason}")),
    }
    Ok(entry)
}

fn movement_since(data: &OpenData<'_>, old: &Bundle, new: &Bundle) -> Result<Movement, String> {
    let (from, to) = (old.record.dates.as_of, new.record.dates.as_of);
    if from > to {
        return Err(format!("the model before ends on {}, after {}", from.date(), to.date()));
    }
    if from <= data.input.first_time {
        let first = data.input.first_time.date();
        return Err(format!(
            "the data begins on {first}, after the model before ({})",
            from.date()
        ));
    }
    movement(data, old, new).map_err(|error| error.to_string())
}

/// The entry of a bundle whose layers have their ids.
fn entry(
    bundle: &Bundle,
    previous: &[LayerIdentity],
    matching: &Matching,
) -> Result<LineageEntry, PipelineError> {
    let layers = &bundle.layers.layers;
    let old = |index: usize| previous[index].id.clone();
    let new = |index: usize| layers[index].id.clone();
    let kept = |same: &SameGroup| Kept { id: new(same.new), jaccard: same.jaccard };
    let born =
        |(it, from): (usize, Option<usize>)| Born { id: new(it), mostly_from: from.map(old) };
    let died = |(it, heir): (usize, Option<usize>)| Died { id: old(it), mostly_in: heir.map(new) };
    let all =
        |indices: Vec<usize>, id: &dyn Fn(usize) -> String| indices.into_iter().map(id).collect();
    Ok(LineageEntry {
        bundle: bundle.name()?,
        previous: None,
        as_of: bundle.record.dates.as_of.date(),
        fingerprint: bundle.fingerprint()?,
        compared: None,
        warnings: Vec::new(),
        layers: layers
            .iter()
            .map(|layer| LineageLayer { identity: layer.into(), n_users: layer.profile.n_users })
            .collect(),
        kept: matching.kept.iter().map(kept).collect(),
        born: matching.births().into_iter().map(born).collect(),
        died: matching.deaths().into_iter().map(died).collect(),
        merged: matching
            .merges()
            .into_iter()
            .map(|(from, into)| Merged { from: all(from, &old), into: new(into) })
            .collect(),
        split: matching
            .splits()
            .into_iter()
            .map(|(from, into)| Split { from: old(from), into: all(into, &new) })
            .collect(),
        retired_ids: bundle.layers.retired_ids.clone(),
        movement: None,
    })
}
