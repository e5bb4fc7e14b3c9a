//! The scores of one night, joined with what happened.

use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use chrono::{NaiveDate, NaiveDateTime};
use serde::Deserialize;

use super::judgement::{JudgedLayer, JudgedNight};
use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::app::score::{ExpectedChurn, GroupCount, RunKey, open_published, user_ids};
use crate::bundle::Bundle;
use crate::dataset::Bilingual;
use crate::features::SnapshotRequest;
use crate::files::FileRecord;
use crate::models::churn::{Estimate, Ranking, RankingScores, measure_rankings};
use crate::stats::metrics::ProbabilityHistogram;
use crate::stats::resample::{RatioSums, Z_95};

/// The part of a summary that is needed.
#[derive(Deserialize)]
pub(super) struct PublishedNight {
    pub as_of: NaiveDateTime,
    pub scores: FileRecord,
    pub key: RunKey,
    pub layers: Vec<GroupCount>,
    pub expected_if_calibrated: Option<ExpectedChurn>,
}

/// A published night whose horizon has ended.
pub(super) struct NightToJudge<'a> {
    pub day: NaiveDate,
    pub folder: &'a Path,
    pub published: &'a PublishedNight,
    pub horizon_end: NaiveDateTime,
}

/// Differences between rate and mean probability that matter: five points, or a fifth of the
/// latter where that is less; and beyond what chance does in 3 of 1,000 nights.
const OFF_BY: f64 = 0.05;
const OFF_SHARE: f64 = 0.2;
const OFF_STANDARD_DEVIATIONS: f64 = 3.0;

/// Users of whom it is known what happened; one entry each in all vectors.
#[derive(Default)]
struct Known {
    probabilities: Vec<f64>,
    churned: Vec<bool>,
    flagged: Vec<bool>,
    /// Index into the layers of the summary.
    layers: Vec<usize>,
    n_unknown: usize,
}

/// `None` where nobody had a probability of whom it is known what happened.
pub(super) fn judge_night(
    data: &OpenData<'_>,
    bundle: &Bundle,
    night: &NightToJudge<'_>,
) -> Result<Option<JudgedNight>, PipelineError> {
    let known = join(data, bundle, night)?;
    if known.probabilities.is_empty() {
        return Ok(None);
    }
    let seed = bundle.config.seed;
    let all: Vec<usize> = (0..known.probabilities.len()).collect();
    let judged = known.measure(&all, seed);
    let mut histogram = ProbabilityHistogram::default();
    known.probabilities.iter().for_each(|&p| histogram.add(p));
    let spread = histogram.expected().map_or(0.0, |it| it.sd_positive / it.n_users as f64);
    let off_by = (judged.churn_rate.value - judged.mean_probability).abs();
    let is_off = off_by > OFF_BY.min(OFF_SHARE * judged.mean_probability)
        && off_by > OFF_STANDARD_DEVIATIONS * spread;
    let layers = night.published.layers.iter().enumerate().filter_map(|(place, layer)| {
        let users: Vec<usize> =
            all.iter().copied().filter(|&user| known.layers[user] == place).collect();
        let of_layer = (!users.is_empty()).then(|| known.measure(&users, seed))?;
        Some(JudgedLayer {
            id: layer.id.clone(),
            name: Bilingual::new(layer.name.clone(), layer.name_zh.clone()),
            n_users: users.len(),
            churn_rate: of_layer.churn_rate,
            mean_probability: of_layer.mean_probability,
            roc_auc: of_layer.scores.roc_auc,
            brier: of_layer.scores.brier,
            n_flagged: of_layer.n_flagged,
            flag_precision: of_layer.flag_precision,
        })
    });
    Ok(Some(JudgedNight {
        day: night.day,
        bundle: night.published.key.bundle.clone(),
        horizon_end: night.horizon_end.date(),
        n_users: all.len(),
        n_unknown: known.n_unknown,
        churn_rate: judged.churn_rate,
        mean_probability: judged.mean_probability,
        is_off,
        expected: night.published.expected_if_calibrated,
        layers: layers.collect(),
        roc_auc: judged.scores.roc_auc,
        brier: judged.scores.brier,
        log_loss: judged.scores.log_loss,
        ece: judged.scores.ece,
        n_flagged: judged.n_flagged,
        flag_precision: judged.flag_precision,
    }))
}

/// Reads what was published and looks up what happened.
fn join(
    data: &OpenData<'_>,
    bundle: &Bundle,
    night: &NightToJudge<'_>,
) -> Result<Known, PipelineError> {
    let published = night.published;
    let columns = ["user_id", "layer_id", "churn_probability", "at_risk"];
    let rows = open_published(night.folder, &published.scores, &columns, data.user_ids)?;
    let (label, nothing) = (&bundle.churn.settings.label, bundle.plan.select(&[]));
    let dates = [published.as_of];
    let happened = data.compute(&nothing, &SnapshotRequest::new(&dates, label).with_outcomes())?;
    let (users, outcomes) = (&happened[0].users, happened[0].known_outcomes()?);
    let mut known = Known::default();
    for batch in rows {
        let batch = batch?;
        let column = |name: &str| batch.column_by_name(name).expect("it was asked for");
        let probabilities = column("churn_probability").as_primitive::<Float64Type>();
        let (flags, layers) = (column("at_risk").as_boolean(), column("layer_id"));
        let layers = layers.as_string::<i32>();
        let places = user_ids(&batch).rows_in(users);
        for (row, place) in places.into_iter().enumerate() {
            if probabilities.is_null(row) {
                continue;
            }
            let layer = published.layers.iter().position(|it| it.id == layers.value(row));
            let churned = place.and_then(|place| outcomes.churned[place]);
            match (churned, layer) {
                (Some(churned), Some(layer)) => {
                    known.probabilities.push(probabilities.value(row));
                    known.churned.push(churned);
                    known.flagged.push(flags.value(row));
                    known.layers.push(layer);
                }
                _ => known.n_unknown += 1,
            }
        }
    }
    Ok(known)
}

/// Some users beside what happened.
struct Measured {
    churn_rate: Estimate,
    mean_probability: f64,
    scores: RankingScores,
    n_flagged: usize,
    flag_precision: Option<Estimate>,
}

impl Known {
    fn measure(&self, users: &[usize], seed: u64) -> Measured {
        let probabilities: Vec<f64> = users.iter().map(|&user| self.probabilities[user]).collect();
        let churned: Vec<bool> = users.iter().map(|&user| self.churned[user]).collect();
        let of_flagged = users.iter().filter(|&&user| self.flagged[user]);
        let of_flagged: Vec<bool> = of_flagged.map(|&user| self.churned[user]).collect();
        let ranking =
            Ranking { name: Bilingual::default(), scores: &probabilities, is_probability: true };
        Measured {
            churn_rate: share(&churned).expect("there are users"),
            mean_probability: probabilities.iter().sum::<f64>() / users.len() as f64,
            scores: measure_rankings(&[ranking], &churned, None, seed).remove(0),
            n_flagged: of_flagged.len(),
            flag_precision: share(&of_flagged),
        }
    }
}

/// Share of those that are true; `None` of none.
fn share(values: &[bool]) -> Option<Estimate> {
    let mut sums = RatioSums::default();
    values.iter().for_each(|&is_true| sums.add_unit(f64::from(u8::from(is_true)), 1.0));
    Some(Estimate { value: sums.ratio()?, interval: sums.share_interval(Z_95) })
}
