//! The model of value at the dates of training: chosen at training dates, fitted at each date
//! to what was known then, measured on the holdout snapshot.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use super::season::YearBefore;
use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::dataset::{ChurnLabel, Snapshot};
use crate::features::{FeaturePlan, SnapshotDates, SnapshotRequest};
use crate::models::segmentation::FittedGroups;
use crate::models::value::{
    FittedValue, LearnedMix, LearnedValue, Mixed, NoValue, Tracking, ValueEvaluation, ValueModel,
    ValueSelection, check_covariates, evaluate_value, fit_value, fit_value_season, learn_value,
    select_value,
};

/// The model at each date of training, the holdout and the end among them.
pub(super) struct ValueAtDates {
    selection: Result<ValueSelection, NoValue>,
    fitted: BTreeMap<NaiveDateTime, Result<FittedValue, NoValue>>,
    mix: Option<LearnedMix>,
}

impl ValueAtDates {
    /// Chooses and fits. Orders and covariates alone are looked at, so that no matrix of all
    /// features is needed.
    pub fn fit(
        data: &OpenData<'_>,
        covariates: &FeaturePlan,
        dates: &SnapshotDates,
        label: &ChurnLabel,
        year_before: &YearBefore,
    ) -> Result<Self, PipelineError> {
        let (params, horizon_days) = (&data.config.value, label.horizon_days);
        let request = SnapshotRequest::new(&dates.training, label).with_outcomes();
        let training = data.compute(covariates, &request)?;
        let selection = select_value(params, horizon_days, &training)?;
        let mut fitted = BTreeMap::new();
        let later = [dates.holdout, dates.as_of];
        let later = data.compute(covariates, &SnapshotRequest::new(&later, label))?;
        if let Ok(selection) = &selection {
            for snapshot in training.iter().chain(&later) {
                let of_date = fit_value(params, horizon_days, selection, snapshot)?;
                fitted.insert(snapshot.as_of, of_date);
            }
            let season = fit_value_season(
                (params, horizon_days, selection),
                (&training, &|date| fitted.get(&date)?.as_ref().ok()),
                (&year_before.snapshots, year_before.step_days),
            )?;
            fitted.values_mut().flatten().for_each(|it| it.season = season.clone());
        }
        Ok(Self { selection, fitted, mix: None })
    }

    /// Finds out how much learning should count beside the model, and lets it.
    pub fn learn(
        &mut self,
        training: &[Snapshot],
        horizon_days: u32,
        seed: u64,
    ) -> Result<(), PipelineError> {
        self.mix = learn_value(training, &|date| self.at(date), horizon_days, seed)?;
        if let Some(mix) = &self.mix {
            for fitted in self.fitted.values_mut().flatten() {
                fitted.spread_factor = mix.spread_factor;
            }
        }
        Ok(())
    }

    /// Log odds of no order of the users of snapshots, by the model of each date.
    pub fn no_order(&self, snapshots: &[Snapshot]) -> Result<Vec<Vec<Option<f64>>>, PipelineError> {
        let of_date = |snapshot: &Snapshot| match self.at(snapshot.as_of) {
            Some(fitted) => Ok(fitted.no_order(snapshot)?),
            None => Ok(Vec::new()),
        };
        snapshots.iter().map(of_date).collect()
    }

    /// The model at a date, if there is one.
    pub fn at(&self, date: NaiveDateTime) -> Option<&FittedValue> {
        self.fitted.get(&date)?.as_ref().ok()
    }

    /// The same with what was learned.
    pub fn mixed_at(&self, date: NaiveDateTime) -> Option<Mixed<'_>> {
        let mix = self.mix.as_ref();
        let learned = mix.and_then(|it| Some((it.trees.as_ref()?, it.selection.weight)));
        Some(Mixed { fitted: self.at(date)?, learned })
    }

    /// The model for a bundle: that at the end, and the trees.
    pub fn at_the_end(mut self, dates: &SnapshotDates) -> (ValueModel, Option<LearnedValue>) {
        let at_the_end = self.fitted.remove(&dates.as_of);
        match (self.selection, at_the_end) {
            (Ok(selection), Some(Ok(fitted))) => {
                let (mix, trees) = match self.mix {
                    Some(mix) => (Some(mix.selection), mix.trees),
                    None => (None, None),
                };
                (ValueModel::Fitted { selection, mix, fitted: Box::new(fitted) }, trees)
            }
            (Err(reason), _) | (_, Some(Err(reason))) => (ValueModel::Absent(reason), None),
            (Ok(_), None) => unreachable!("a chosen model is fitted at every date"),
        }
    }
}

/// The covariates of the model among the features of the data.
pub(super) fn covariates(
    data: &OpenData<'_>,
    catalogue: &FeaturePlan,
) -> Result<FeaturePlan, PipelineError> {
    let names = &data.config.value.covariates;
    check_covariates(names, &catalogue.names())?;
    Ok(catalogue.select(names))
}

/// Measures the model at the holdout date by what came.
pub(super) fn measure_value(
    model: Mixed<'_>,
    layers: &FittedGroups,
    holdout: &Snapshot,
    tracking: Tracking,
    seed: u64,
) -> Result<ValueEvaluation, PipelineError> {
    let layer_of = layers.assign(&holdout.features)?.groups;
    let layer_means: Vec<f64> =
        layer_of.iter().map(|&layer| layers.groups[layer].profile.gmv_per_user).collect();
    let found = evaluate_value(model, holdout, holdout.known_outcomes()?, &layer_means, seed)?;
    Ok(ValueEvaluation { tracking: tracking.weeks, n_tracked: tracking.n_customers, ..found })
}
