//! The columns that are watched for drift: as they are when a model is trained, and tonight.

use super::reason_words::KnownSentences;
use super::user_scores::{UserScorer, UserScores};
use crate::app::open_data::OpenData;
use crate::app::{Model, PipelineError};
use crate::bundle::Bundle;
use crate::features::{BucketSnapshot, BucketSnapshots};
use crate::input::history::N_BUCKETS;
use crate::models::churn::FlagCandidate;
use crate::watch::{Reference, ReferenceColumn};

/// Users that a reference is made of, about.
const N_USERS: usize = 200_000;

/// Features that are watched: those that churn depends on most.
const N_FEATURES: usize = 20;

/// The layer before review, so that a review is no drift.
const LAYER: &str = "layer_id";

const PROBABILITY: &str = "churn_probability";

/// Users who are flagged, and the others.
pub(super) const AT_RISK: &str = "at_risk";

/// What stands before the name of a feature.
const FEATURE: &str = "feature ";

/// Scores some users as of the end of training and notes what they are like. Users are in
/// buckets by a hash of their id, so that some buckets are a fair sample.
pub(in crate::app) fn reference(
    data: &OpenData<'_>,
    bundle: &Bundle,
) -> Result<Reference, PipelineError> {
    let model = Model::unreviewed(bundle.clone(), bundle.config.name.clone().into());
    let settings = &bundle.churn.settings;
    let as_of = bundle.record.dates.as_of;
    let snapshots =
        BucketSnapshots::new(data.engine, data.histories, &bundle.plan, as_of, &settings.label)?;
    let scorer = UserScorer::new(&model, as_of)?;
    let importance = &bundle.record.churn.importance;
    let features: Vec<&String> = importance.iter().take(N_FEATURES).map(|it| &it.feature).collect();
    let mut n_users = 0;
    let buckets = (0..N_BUCKETS).take_while(|&bucket| {
        let is_needed = n_users < N_USERS;
        n_users += data.histories.n_users(bucket);
        is_needed
    });
    let n_buckets = buckets.count();
    let of_buckets = data.histories.map_buckets(0..n_buckets, |bucket| {
        let BucketSnapshot { snapshot, .. } = snapshots.get(bucket)?;
        let scores = scorer.score(&snapshot, &mut KnownSentences::default())?;
        let values = |feature: &&String| numbers(&scores, feature);
        let features = features.iter().map(values).collect::<Result<Vec<_>, _>>()?;
        let may_be_flagged = scores.churn.may_be_flagged.clone();
        let (layers, churn) = (scores.layers.of_model, scores.churn.probabilities);
        Ok::<_, PipelineError>((layers, churn, may_be_flagged, features))
    })?;
    let mut layers = vec![0; bundle.layers.groups.len()];
    let (mut probabilities, mut candidates) = (Vec::new(), Vec::new());
    let mut values: Vec<Vec<Option<f64>>> = vec![Vec::new(); features.len()];
    for (of_layers, churn, may_be_flagged, of_features) in of_buckets {
        of_layers.iter().for_each(|&layer| layers[layer] += 1);
        for (&probability, may_be_flagged) in churn.iter().zip(may_be_flagged) {
            let id = probabilities.len() as u64;
            probabilities.push(probability);
            let candidate = probability.filter(|_| may_be_flagged);
            candidates.extend(candidate.map(|probability| FlagCandidate { probability, id }));
        }
        values.iter_mut().zip(of_features).for_each(|(all, part)| all.extend(part));
    }
    let last = settings.flag.last_flagged(&mut candidates);
    let is_flagged = |it: &&FlagCandidate| last.is_some_and(|last| it.is_up_to(&last));
    let n_flagged = candidates.iter().filter(is_flagged).count() as u64;
    let n_users = probabilities.len() as u64;
    let mut columns = vec![
        ReferenceColumn::of_groups(LAYER.into(), layers),
        ReferenceColumn::of_numbers(PROBABILITY.into(), &probabilities),
        ReferenceColumn::of_groups(AT_RISK.into(), vec![n_flagged, n_users - n_flagged]),
    ];
    let names = features.iter().map(|name| format!("{FEATURE}{name}"));
    let of_features = names.zip(&values).map(|(name, of)| ReferenceColumn::of_numbers(name, of));
    columns.extend(of_features);
    Ok(Reference { columns })
}

/// Counts some users in the bins of a reference; whether they are flagged is not known yet.
pub(super) fn count(
    reference: &Reference,
    scores: &UserScores<'_>,
    counts: &mut [Vec<u64>],
) -> Result<(), PipelineError> {
    for (column, counts) in reference.columns.iter().zip(counts) {
        match column.column.as_str() {
            LAYER => scores.layers.of_model.iter().for_each(|&layer| counts[layer] += 1),
            PROBABILITY => {
                column.bins.count(scores.churn.probabilities.iter().copied(), counts);
            }
            name => {
                if let Some(feature) = name.strip_prefix(FEATURE) {
                    let values = scores.snapshot.features.column(feature)?;
                    column.bins.count(values.iter().map(|&value| Some(value)), counts);
                }
            }
        }
    }
    Ok(())
}

fn numbers(scores: &UserScores<'_>, feature: &str) -> Result<Vec<Option<f64>>, PipelineError> {
    Ok(scores.snapshot.features.column(feature)?.iter().map(|&value| Some(value)).collect())
}
