//! Ids and names of a new model's layers, from the model before it.
//!
//! The lineage is written before the bundle: a run killed in between leaves an
//! entry whose bundle is absent, by which the next run of the same data, config
//! and seed finds the same ids and thus makes the same bundle.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::ancestry::{Origin, Parent, Previous};
use super::movement::{GroupsAt, UsersAt, movement};
use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::bundle::{
    Born, Bundle, BundleError, Compared, Died, Generation, Kept, Lineage, LineageEntry,
    LineageGroup, Merged, Movement, Sealed, Split, ids_in_bundles, take_turn,
};
use crate::dataset::{Bilingual, Snapshot};
use crate::features::{check_custom, describe_input};
use crate::models::segmentation::{
    FittedGroups, GroupIdentity, Matching, Partition, PerPartition, SameGroup,
};

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
    let mut history = History::read(model_folder)?;
    let unnamed = bundle.seal()?;
    let fingerprint = &unnamed.fingerprint;
    let descent = descend(data, &mut bundle, fingerprint, latest, &history, previous)?;
    bundle.record.name_layers(bundle.layers.groups.iter().map(|layer| layer.id.as_str()));
    let sealed = bundle.seal_renamed(unnamed)?;
    let mut entry = entry(&bundle, &sealed, descent);
    match history.lineage.entry(&entry.bundle) {
        Some(same) => entry = same.clone(),
        None => {
            entry.warnings.splice(0..0, history.warnings);
            history.lineage.entries.push(entry.clone());
            history.lineage.write(&history.model_folder)?;
        }
    }
    let folder = sealed.save(&data.config.models)?;
    drop(turn);
    Ok(Published { bundle, folder, entry })
}

/// What is known of a model's past.
struct History {
    model_folder: PathBuf,
    lineage: Lineage,
    /// All ids that were ever used.
    used: BTreeSet<String>,
    /// What is wrong with the file.
    warnings: Vec<Bilingual>,
}

impl History {
    /// Reads the lineage. Where it can't be read, it is kept aside, and the ids
    /// are those of the bundles that are still there.
    fn read(model_folder: PathBuf) -> Result<Self, PipelineError> {
        let mut warnings = Vec::new();
        let lineage = match Lineage::read(&model_folder) {
            Ok(lineage) => lineage,
            Err(error) => {
                let aside = Lineage::move_away(&model_folder)?;
                let aside = aside.display();
                warnings.push(Bilingual::new(
                    format!("{error}; it is kept as {aside}"),
                    format!("{error}；已另存为 {aside}"),
                ));
                None
            }
        };
        let used = match &lineage {
            Some(lineage) => lineage.used_ids(),
            None => ids_in_bundles(&model_folder),
        };
        if lineage.is_none() && warnings.is_empty() && !used.is_empty() {
            warnings.push(Bilingual::new(
                "there are bundles but no lineage.json, which starts anew",
                "有模型包而没有 lineage.json，将重新开始记录",
            ));
        }
        let lineage = lineage.unwrap_or_else(Lineage::empty);
        Ok(Self { model_folder, lineage, used, warnings })
    }
}

/// A bundle of the same model, whose ids and names it takes over.
struct SameModel {
    bundle: String,
    identities: PerPartition<Vec<GroupIdentity>>,
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
            let identities = PerPartition::of(|it| entry.identities(it));
            let (bundle, used) = (entry.bundle.clone(), entry.used_ids());
            return Ok(Some(Self { bundle, identities, used }));
        }
        let Some(Parent { bundle, name }) = parent.map(AsRef::as_ref) else { return Ok(None) };
        let (identities, used) = (identities(bundle), used_ids(bundle));
        let is_same = bundle.seal()?.fingerprint == fingerprint;
        Ok(is_same.then(|| Self { bundle: name.clone(), identities, used }))
    }
}

fn identities(bundle: &Bundle) -> PerPartition<Vec<GroupIdentity>> {
    PerPartition::of(|it| bundle.groups(it).identities())
}

fn used_ids(bundle: &Bundle) -> BTreeSet<String> {
    Partition::ALL.into_iter().flat_map(|it| bundle.groups(it).used_ids()).collect()
}

/// How the groups of a model came from those of the model before.
struct Descent {
    /// Name of the bundle whose groups go on.
    from: Option<String>,
    groups: PerPartition<Ancestors>,
    compared: Option<Compared>,
    movement: Option<PerPartition<Movement>>,
    warnings: Vec<Bilingual>,
}

/// Ids and names of the groups before, and what became of them.
struct Ancestors {
    identities: Vec<GroupIdentity>,
    matching: Matching,
}

impl Descent {
    fn new(groups: PerPartition<Ancestors>) -> Self {
        Self { from: None, groups, compared: None, movement: None, warnings: Vec::new() }
    }

    /// Groups without ancestors.
    fn of_none(bundle: &Bundle) -> Self {
        let matching = |it| Matching::unrelated(bundle.groups(it).groups.len());
        Self::new(PerPartition::of(|it| Ancestors {
            identities: Vec::new(),
            matching: matching(it),
        }))
    }
}

/// Hands ids and names down to the groups of `bundle`; `latest` is its latest training
/// snapshot.
fn descend(
    data: &OpenData<'_>,
    bundle: &mut Bundle,
    fingerprint: &str,
    latest: &Snapshot,
    history: &History,
    previous: &Previous,
) -> Result<Descent, PipelineError> {
    let origin = previous.origin(&history.model_folder, &history.used)?;
    if let Some(same) = SameModel::find(history, &origin, previous, fingerprint)? {
        for it in Partition::ALL {
            bundle.groups_mut(it).adopt(same.identities.get(it), &same.used);
        }
        let groups = PerPartition::of(|it| {
            let identities = same.identities.get(it).clone();
            Ancestors { matching: Matching::unchanged(identities.len()), identities }
        });
        return Ok(Descent { from: Some(same.bundle), ..Descent::new(groups) });
    }
    let mut used = history.used.clone();
    let reason = match origin {
        Origin::First | Origin::Fresh => return Ok(Descent::of_none(bundle)),
        Origin::Lost(reason) => reason,
        Origin::Parent(parent) => {
            used.append(&mut used_ids(&parent.bundle));
            match users_by(data, &parent.bundle, bundle, latest) {
                Ok(old) => return inherit(data, bundle, latest, *parent, &old, &used),
                Err(reason) => Bilingual::new(
                    format!("{}: {}", parent.name, reason.en),
                    format!("{}：{}", parent.name, reason.zh),
                ),
            }
        }
    };
    let descent = Descent::of_none(bundle);
    for it in Partition::ALL {
        let unrelated = &descent.groups.get(it).matching;
        bundle.groups_mut(it).inherit(&[], unrelated, &used);
    }
    let first = bundle.layers.groups.iter().map(|layer| layer.id.as_str()).next().unwrap_or("L1");
    let warning = Bilingual::new(
        format!(
            "ids start afresh at {first}, since the model before can't be used ({}); \
             --previous BUNDLE takes them from another",
            reason.en
        ),
        format!(
            "无法使用之前的模型（{}），编号从 {first} 重新开始；--previous BUNDLE 可沿用另一个模型的编号",
            reason.zh
        ),
    );
    Ok(Descent { warnings: vec![warning], ..descent })
}

/// Where a model puts the users of the new model's latest training snapshot, or
/// why it can't.
fn users_by(
    data: &OpenData<'_>,
    parent: &Bundle,
    bundle: &Bundle,
    latest: &Snapshot,
) -> Result<UsersAt, Bilingual> {
    check_custom(data.engine, parent.plan.custom()).map_err(as_reason)?;
    let traits = describe_input(data.histories, bundle.record.dates.as_of);
    let lost =
        traits.and_then(|traits| parent.plan.check_input(&traits.seen())).map_err(as_reason)?;
    if !lost.is_empty() {
        let lost = lost.join("`, `");
        return Err(Bilingual::new(
            format!("it counts events that the data no longer has: `{lost}`"),
            format!("它统计的事件在数据中已不存在：`{lost}`"),
        ));
    }
    UsersAt::of(data, parent, latest.as_of).map_err(as_reason)
}

/// Errors are in English everywhere.
fn as_reason(error: impl std::fmt::Display) -> Bilingual {
    Bilingual::same(error.to_string())
}

/// Ids and names from a model that puts the same users into `old`.
fn inherit(
    data: &OpenData<'_>,
    bundle: &mut Bundle,
    latest: &Snapshot,
    parent: Parent,
    old: &UsersAt,
    used: &BTreeSet<String>,
) -> Result<Descent, PipelineError> {
    let groups = PerPartition::try_of(|it| {
        let fitted = bundle.groups_mut(it);
        let new = GroupsAt::of(fitted, &latest.features)?;
        let matching = old.groups.get(it).shared_with(&new).matching();
        let identities = parent.bundle.groups(it).identities();
        fitted.inherit(&identities, &matching, used);
        Ok::<_, PipelineError>(Ancestors { identities, matching })
    })?;
    let (movement, warnings) = match movement_since(data, &parent.bundle, bundle) {
        Ok(found) => (Some(found), Vec::new()),
        Err(reason) => {
            let en = format!("who changed layer or kind is not known: {}", reason.en);
            (None, vec![Bilingual::new(en, format!("无法得知谁换了分层或类型：{}", reason.zh))])
        }
    };
    let compared = Some(Compared { on: latest.as_of.date(), n_users: latest.users.len() });
    Ok(Descent { from: Some(parent.name), groups, compared, movement, warnings })
}

fn movement_since(
    data: &OpenData<'_>,
    old: &Bundle,
    new: &Bundle,
) -> Result<PerPartition<Movement>, Bilingual> {
    let (from, to) = (old.record.dates.as_of, new.record.dates.as_of);
    if from > to {
        let (from, to) = (from.date(), to.date());
        return Err(Bilingual::new(
            format!("the model before ends on {from}, after {to}"),
            format!("之前的模型止于 {from}，晚于 {to}"),
        ));
    }
    if from <= data.input.first_time {
        let first = data.input.first_time.date();
        let before = from.date();
        return Err(Bilingual::new(
            format!("the data begins on {first}, after the model before ({before})"),
            format!("数据始于 {first}，晚于之前的模型（{before}）"),
        ));
    }
    movement(data, old, new).map_err(as_reason)
}

/// The entry of a bundle whose groups have their ids.
fn entry(bundle: &Bundle, sealed: &Sealed, descent: Descent) -> LineageEntry {
    let of = PerPartition::of(|it| {
        let movement = descent.movement.as_ref().map(|of| of.get(it).clone());
        generation(bundle.groups(it), descent.groups.get(it), movement)
    });
    LineageEntry {
        bundle: sealed.name.clone(),
        // A bundle is not its own heir.
        previous: descent.from.filter(|from| *from != sealed.name),
        as_of: bundle.record.dates.as_of.date(),
        fingerprint: sealed.fingerprint.clone(),
        compared: descent.compared,
        warnings: descent.warnings,
        of,
    }
}

fn generation(
    fitted: &FittedGroups,
    ancestors: &Ancestors,
    movement: Option<Movement>,
) -> Generation {
    let (groups, Ancestors { identities, matching }) = (&fitted.groups, ancestors);
    let old = |index: usize| identities[index].id.clone();
    let new = |index: usize| groups[index].id.clone();
    // Who is hardly known is always there, and neither born nor dies.
    let is_cluster = |index: &usize| groups[*index].cluster.is_some();
    let has_ended = |index: &usize| fitted.partition.number(&identities[*index].id) > 0;
    let kept = |same: &SameGroup| Kept { id: new(same.new), jaccard: same.jaccard };
    let born =
        |(it, from): (usize, Option<usize>)| Born { id: new(it), mostly_from: from.map(old) };
    let died = |(it, heir): (usize, Option<usize>)| Died { id: old(it), mostly_in: heir.map(new) };
    let all =
        |indices: Vec<usize>, id: &dyn Fn(usize) -> String| indices.into_iter().map(id).collect();
    let merged =
        |(from, into): (Vec<usize>, usize)| Merged { from: all(from, &old), into: new(into) };
    let split =
        |(from, into): (usize, Vec<usize>)| Split { from: old(from), into: all(into, &new) };
    Generation {
        groups: groups
            .iter()
            .map(|group| LineageGroup { identity: group.into(), n_users: group.profile.n_users })
            .collect(),
        kept: matching.kept.iter().map(kept).collect(),
        born: matching.births().into_iter().filter(|it| is_cluster(&it.0)).map(born).collect(),
        died: matching.deaths().into_iter().filter(|it| has_ended(&it.0)).map(died).collect(),
        merged: matching.merges().into_iter().map(merged).collect(),
        split: matching.splits().into_iter().map(split).collect(),
        retired_ids: fitted.retired_ids.clone(),
        movement,
    }
}
