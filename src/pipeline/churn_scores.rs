//! Every user's churn: how likely, why, and by when.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::Date32Type;
use chrono::{Duration, NaiveDate, NaiveDateTime};

use super::PipelineError;
use super::reason_words::ReasonWords;
use crate::bundle::Bundle;
use crate::churn::{Classifier, Reasons, Silence, Standing};
use crate::dataset::{Pace, Snapshot};

/// Reasons that are told of each user.
const N_REASONS: usize = 3;

/// One row a user, in order of user id; `None` for who is not judged.
pub(super) struct ChurnScores {
    pub probabilities: Vec<Option<f64>>,
    pub at_risk: Vec<bool>,
    statuses: Vec<&'static str>,
    log_odds: Vec<Option<f64>>,
    percentiles: Vec<Option<f64>>,
    reasons: Vec<Option<SpokenReasons>>,
    recoveries: Vec<Option<String>>,
    usual_gaps: Vec<Option<f64>>,
    silences: Vec<Option<Silence>>,
}

struct SpokenReasons {
    reasons: Reasons,
    names: Vec<String>,
    sentences: Vec<String>,
}

impl ChurnScores {
    /// Scores the users of a snapshot that has paces.
    pub fn of(bundle: &Bundle, snapshot: &Snapshot) -> Result<Self, PipelineError> {
        let (model, matrix) = (&bundle.churn, &snapshot.features);
        let settings = &model.settings;
        let standings: Vec<Standing> =
            snapshot.paces.iter().map(|pace| settings.label.standing(pace)).collect();
        let of_judged = |values: &[f64]| -> Vec<Option<f64>> {
            let is_judged = |row: usize| matches!(standings[row], Standing::Judged { .. });
            (0..values.len()).map(|row| is_judged(row).then(|| values[row])).collect()
        };
        let log_odds = model.classifier.log_odds(matrix)?;
        let probabilities = of_judged(&model.probabilities(&log_odds));
        let at_risk = settings.at_risk.flag(settings.at_risk.by, &probabilities, &snapshot.paces);
        let names = model.classifier.features();
        let words = ReasonWords::new(
            &bundle.plan.features,
            &names,
            &settings.typical_of_stayed,
            &settings.label.event,
        );
        let reasons = model.classifier.reasons(matrix, &log_odds, N_REASONS)?;
        let as_of = snapshot.as_of;
        Ok(Self {
            percentiles: percentiles(&of_judged(&log_odds)),
            reasons: reasons
                .into_iter()
                .enumerate()
                .map(|(row, reasons)| {
                    probabilities[row]?;
                    Some(SpokenReasons::new(reasons, &words, &snapshot.paces[row]))
                })
                .collect(),
            recoveries: standings
                .iter()
                .map(|&standing| recovery(standing, as_of, &settings.label.event))
                .collect(),
            usual_gaps: snapshot.paces.iter().map(|pace| pace.usual_gap_days).collect(),
            silences: snapshot
                .paces
                .iter()
                .map(|pace| settings.silence.silence(pace, as_of))
                .collect(),
            log_odds: of_judged(&log_odds),
            statuses: standings.iter().map(|standing| standing.as_str()).collect(),
            probabilities,
            at_risk,
        })
    }

    pub fn n_by_status(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        self.statuses.iter().for_each(|status| *counts.entry(*status).or_default() += 1);
        counts
    }

    pub fn n_silence_warnings(&self) -> usize {
        self.silences.iter().flatten().filter(|silence| silence.warning).count()
    }

    /// The columns of a file of scores.
    pub fn columns(&self) -> Vec<(String, ArrayRef)> {
        let doubles =
            |values: &[Option<f64>]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("churn_status".into(), Arc::new(StringArray::from(self.statuses.clone()))),
            ("churn_probability".into(), doubles(&self.probabilities)),
            ("churn_percentile".into(), doubles(&self.percentiles)),
            ("at_risk".into(), Arc::new(BooleanArray::from(self.at_risk.clone()))),
            ("churn_log_odds".into(), doubles(&self.log_odds)),
        ];
        for number in 0..N_REASONS {
            let text = |of: fn(&SpokenReasons) -> &[String]| -> ArrayRef {
                let reasons = self.reasons.iter().map(|it| Some(of(it.as_ref()?).get(number)?));
                Arc::new(reasons.collect::<StringArray>())
            };
            let value = |of: fn(&crate::churn::Reason) -> f64| -> ArrayRef {
                let reasons = self.reasons.iter();
                let values =
                    reasons.map(|it| Some(of(it.as_ref()?.reasons.raising.get(number)?)));
                Arc::new(values.collect::<Float64Array>())
            };
            let name = |suffix: &str| format!("reason_{}{suffix}", number + 1);
            columns.push((name(""), text(|it| &it.sentences)));
            columns.push((name("_feature"), text(|it| &it.names)));
            columns.push((name("_value"), value(|it| it.value)));
            columns.push((name("_contribution"), value(|it| f64::from(it.contribution))));
        }
        let rest: Vec<Option<f64>> =
            self.reasons.iter().map(|it| Some(it.as_ref()?.reasons.rest)).collect();
        columns.push(("reasons_rest".into(), doubles(&rest)));
        columns.push(("recovery".into(), Arc::new(StringArray::from(self.recoveries.clone()))));
        columns.push(("usual_gap_days".into(), doubles(&self.usual_gaps)));
        columns.extend(self.silence_columns());
        columns
    }

    fn silence_columns(&self) -> Vec<(String, ArrayRef)> {
        let days = |of: fn(&Silence) -> Option<i64>| -> ArrayRef {
            let values = self.silences.iter().map(|it| of(it.as_ref()?));
            Arc::new(values.collect::<Int64Array>())
        };
        let dates = |of: fn(&Silence) -> Option<NaiveDate>| -> ArrayRef {
            let values = self.silences.iter().map(|it| of(it.as_ref()?));
            let values = values.map(|date| date.map(Date32Type::from_naive_date));
            Arc::new(values.collect::<Date32Array>())
        };
        let warnings = self.silences.iter().map(|it| Some(it.is_some_and(|it| it.warning)));
        vec![
            ("silent_on".into(), dates(|it| Some(it.on))),
            ("days_left".into(), days(|it| Some(it.days_left))),
            ("own_silent_on".into(), dates(|it| Some(it.own_pace?.0))),
            ("own_days_left".into(), days(|it| Some(it.own_pace?.1))),
            ("silence_warning".into(), Arc::new(warnings.collect::<BooleanArray>())),
        ]
    }
}

impl SpokenReasons {
    fn new(reasons: Reasons, words: &ReasonWords<'_>, pace: &Pace) -> Self {
        let raising = &reasons.raising;
        Self {
            names: raising.iter().map(|reason| words.name(reason).to_owned()).collect(),
            sentences: raising.iter().map(|reason| words.sentence(reason, pace)).collect(),
            reasons,
        }
    }
}

/// Share of the users judged, in percent, who are less likely to churn; of equal
/// ones half. Log odds tell apart what probabilities near 1 no longer do.
fn percentiles(log_odds: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut sorted: Vec<f64> = log_odds.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let percentile = |z: f64| {
        let below = sorted.partition_point(|&other| other < z);
        let up_to = sorted.partition_point(|&other| other <= z);
        100.0 * (below + up_to) as f64 / 2.0 / n
    };
    log_odds.iter().map(|z| z.map(percentile)).collect()
}

/// What would count as having stayed, or as having come back.
fn recovery(standing: Standing, as_of: NaiveDateTime, event: &str) -> Option<String> {
    match standing {
        Standing::Judged { deadline_days } => {
            let seconds = Duration::try_seconds((deadline_days * 86_400.0).round() as i64)?;
            let deadline = as_of.checked_add_signed(seconds)?;
            Some(format!("`{event}` before {}", deadline.format("%Y-%m-%d")))
        }
        Standing::Silent | Standing::OutOfLookback => Some(format!("any `{event}`")),
        Standing::Never | Standing::TooNew | Standing::NotDue => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_probabilities_share_their_percentile() {
        let log_odds = [Some(-2.0), None, Some(0.9), Some(-2.0), Some(0.5)];
        assert_eq!(percentiles(&log_odds), [Some(25.0), None, Some(87.5), Some(25.0), Some(62.5)]);
    }

    #[test]
    fn recovery_is_an_event_before_the_deadline() {
        let as_of = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap().and_time(Default::default());
        let judged = Standing::Judged { deadline_days: 60.0 };
        assert_eq!(recovery(judged, as_of, "order").unwrap(), "`order` before 2026-08-30");
        assert_eq!(recovery(Standing::Silent, as_of, "order").unwrap(), "any `order`");
        assert_eq!(recovery(Standing::Never, as_of, "order"), None);
    }
}
