//! Metrics of a plan as features: what is counted after exposure, and before it.

use std::path::Path;

use crate::app::PipelineError;
use crate::app::open_data::OpenData;
use crate::experiment::{CovariatePlan, ExperimentPlan, MetricKind, MetricPlan};
use crate::features::{Feature, FeatureParams, FeaturePlan, Measure, Total};
use crate::settings::{Days, nearest_names};

/// Days of a window, as a key.
type WindowDays = u32;

/// A metric's features.
pub(super) struct MetricFeatures {
    /// Length of the window after exposure.
    pub window_days: WindowDays,
    /// What is measured and, of a ratio, what it is divided by.
    pub after: Vec<Feature>,
    /// The same before exposure, where that is the covariate.
    pub before: Vec<Feature>,
}

/// Finds the features of each metric in what the data allows.
pub(super) fn metric_features(
    data: &OpenData<'_>,
    file: &Path,
    plan: &ExperimentPlan,
) -> Result<Vec<MetricFeatures>, PipelineError> {
    let windows = plan.metrics.iter().flat_map(|it| [it.window_days, Some(it.covariate_days)]);
    let params =
        FeatureParams { windows_days: windows.flatten().collect(), ..data.config.features.clone() };
    let end = data.input.last_time + chrono::Days::new(1);
    // The history counts as longer than any window, so that none is left out.
    let longest = params.windows_days.iter().map(|it| it.get()).max().unwrap_or(1);
    let catalogue = data.catalogue_over(&params, end, longest + 1)?;
    let refuse = |metric: &MetricPlan, problem: String| PipelineError::Plan {
        file: file.to_owned(),
        problem: format!("metric.feature of `{}` {problem}", metric.name),
    };
    let of_metric = |metric: &MetricPlan| {
        let name = metric.feature.as_deref().unwrap_or_default();
        let window_days = metric.window_days.unwrap_or(Days::of(1)).get();
        let find = |days: WindowDays| {
            features_of(&catalogue, name, days, metric.kind).map_err(|it| refuse(metric, it))
        };
        let is_before = metric.covariate(false) == CovariatePlan::Before;
        Ok(MetricFeatures {
            window_days,
            after: find(window_days)?,
            before: if is_before { find(metric.covariate_days.get())? } else { Vec::new() },
        })
    };
    plan.metrics.iter().map(of_metric).collect()
}

/// The totals of a feature over a window.
fn features_of(
    catalogue: &FeaturePlan,
    name: &str,
    days: WindowDays,
    kind: MetricKind,
) -> Result<Vec<Feature>, String> {
    let suffix = format!("_{days}d");
    let full_name = format!("{name}{suffix}");
    let found = catalogue.features.iter().find(|feature| feature.info.name == full_name);
    let Some(feature) = found else {
        let names = catalogue.features.iter().filter_map(|it| it.info.name.strip_suffix(&suffix));
        let nearest = nearest_names(name, names);
        let nearest: Vec<&str> = nearest.into_iter().take(5).collect();
        return Err(format!(
            "must be a feature that is counted over windows, such as {}; got `{name}`",
            nearest.join(", ")
        ));
    };
    let of_total = |total: &Total| Feature {
        measure: Measure::Total { total: total.clone(), window_days: Some(days) },
        info: feature.info.clone(),
    };
    match (&feature.measure, kind) {
        (Measure::Total { total, .. }, MetricKind::Mean | MetricKind::Share) => {
            Ok(vec![of_total(total)])
        }
        (Measure::Quotient { numerator, denominator, .. }, MetricKind::Ratio) => {
            Ok(vec![of_total(numerator), of_total(denominator)])
        }
        (Measure::Quotient { .. }, _) => {
            Err(format!("is one total by another: `{name}` needs kind = \"ratio\""))
        }
        (_, MetricKind::Ratio) => {
            Err(format!("must be one total by another for kind = \"ratio\"; `{name}` is none"))
        }
        _ => Err(format!("must be counted over a window; `{name}` is of the whole history")),
    }
}

/// A plan with these features, whose names need not differ.
pub(super) fn plan_with(catalogue: &FeaturePlan, features: Vec<Feature>) -> FeaturePlan {
    let numbered = |(number, mut feature): (usize, Feature)| {
        feature.info.name = format!("{} {number}", feature.info.name);
        feature
    };
    let features = features.into_iter().enumerate().map(numbered).collect();
    FeaturePlan { features, ..catalogue.clone() }
}
