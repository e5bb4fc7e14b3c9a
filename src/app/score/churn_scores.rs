//! Every user's churn: how likely, why, and by when.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, StringBuilder,
};
use arrow::datatypes::Date32Type;
use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime};

use super::reason_words::ReasonWords;
use crate::app::PipelineError;
use crate::bundle::Bundle;
use crate::dataset::{Bilingual, Eligibility, FeatureInfo, Purchases, Snapshot};
use crate::models::churn::{Classifier, ReasonThemes, Reasons, Silence};

/// Reasons that are told of each user.
const N_REASONS: usize = 3;

/// One row a user, in order of user id; `None` for users who are not eligible.
pub(super) struct ChurnScores {
    pub probabilities: Vec<Option<f64>>,
    pub at_risk: Vec<bool>,
    statuses: Vec<&'static str>,
    log_odds: Vec<Option<f64>>,
    percentiles: Vec<Option<f64>>,
    reasons: Vec<(String, ArrayRef)>,
    recoveries: Vec<Option<Bilingual>>,
    median_gaps: Vec<Option<f64>>,
    silences: Vec<Option<Silence>>,
}

impl ChurnScores {
    /// Scores the users of a snapshot that has paces.
    pub fn of(bundle: &Bundle, snapshot: &Snapshot) -> Result<Self, PipelineError> {
        let (model, matrix) = (&bundle.churn, &snapshot.features);
        let settings = &model.settings;
        let purchases = &snapshot.purchases;
        let eligibilities: Vec<Eligibility> =
            purchases.iter().map(|it| settings.label.eligibility(&it.kept_by)).collect();
        let of_eligible = |values: &[f64]| -> Vec<Option<f64>> {
            let is_eligible =
                |row: usize| matches!(eligibilities[row], Eligibility::Eligible { .. });
            (0..values.len()).map(|row| is_eligible(row).then(|| values[row])).collect()
        };
        let log_odds = model.classifier.log_odds(matrix)?;
        let probabilities = of_eligible(&model.probabilities(&log_odds));
        let reach_days = f64::from(settings.silence.reach_days.get());
        let at_risk = settings.flag.flag(&probabilities, purchases, reach_days);
        let features: Vec<FeatureInfo> = model
            .classifier
            .features()
            .iter()
            .map(|name| matrix.feature(name).cloned())
            .collect::<Result<_, _>>()?;
        let themes = ReasonThemes::of(&features, &settings.typical_of_stayed);
        let words = ReasonWords::new(features, settings.typical_of_stayed.clone());
        let reasons = model.classifier.reasons(matrix, &log_odds, &themes, N_REASONS)?;
        let shown: Vec<Option<Reasons>> = reasons
            .into_iter()
            .zip(&probabilities)
            .map(|(reasons, probability)| probability.map(|_| reasons))
            .collect();
        let as_of = snapshot.as_of;
        Ok(Self {
            percentiles: percentiles(&of_eligible(&log_odds)),
            reasons: reason_columns(&shown, &words, purchases),
            recoveries: eligibilities
                .iter()
                .map(|&eligibility| recovery(eligibility, as_of, &settings.label.event))
                .collect(),
            median_gaps: purchases.iter().map(|it| it.kept_by.median_gap_days()).collect(),
            silences: purchases
                .iter()
                .map(|it| settings.silence.silence(&it.kept_by, as_of))
                .collect(),
            log_odds: of_eligible(&log_odds),
            statuses: eligibilities.iter().map(|eligibility| eligibility.as_str()).collect(),
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
        columns.extend(self.reasons.iter().cloned());
        let recovery = |of: fn(&Bilingual) -> &str| -> ArrayRef {
            let texts = self.recoveries.iter().map(|it| it.as_ref().map(of));
            Arc::new(texts.collect::<StringArray>())
        };
        columns.push(("recovery".into(), recovery(|it| &it.en)));
        columns.push(("recovery_zh".into(), recovery(|it| &it.zh)));
        columns.push(("median_gap_days".into(), doubles(&self.median_gaps)));
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
            ("own_silent_on".into(), dates(|it| Some(it.by_own_gaps?.0))),
            ("own_days_left".into(), days(|it| Some(it.by_own_gaps?.1))),
            ("silence_warning".into(), Arc::new(warnings.collect::<BooleanArray>())),
        ]
    }
}

/// The reasons of every user, the strongest first; `None` for users who are not eligible.
/// Sentences go straight into the columns: there are six for every user.
fn reason_columns(
    shown: &[Option<Reasons>],
    words: &ReasonWords,
    purchases: &[Purchases],
) -> Vec<(String, ArrayRef)> {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for number in 0..N_REASONS {
        let of_users = || shown.iter().map(|it| it.as_ref()?.raising.get(number));
        let (mut en, mut zh) = (StringBuilder::new(), StringBuilder::new());
        for (user, reason) in of_users().enumerate() {
            let sentence = reason.map(|it| words.sentence(it, Some(&purchases[user].orders)));
            en.append_option(sentence.as_ref().map(|it| &it.en));
            zh.append_option(sentence.as_ref().map(|it| &it.zh));
        }
        let themes = of_users().map(|reason| Some(reason?.theme.as_str())).collect::<StringArray>();
        let names = of_users().map(|reason| Some(words.name(reason?))).collect::<StringArray>();
        let values = of_users().map(|reason| Some(reason?.value)).collect::<Float64Array>();
        let contributions =
            of_users().map(|reason| Some(reason?.contribution)).collect::<Float64Array>();
        let name = |suffix: &str| format!("reason_{}{suffix}", number + 1);
        columns.push((name(""), Arc::new(en.finish())));
        columns.push((name("_zh"), Arc::new(zh.finish())));
        columns.push((name("_theme"), Arc::new(themes)));
        columns.push((name("_feature"), Arc::new(names)));
        columns.push((name("_value"), Arc::new(values)));
        columns.push((name("_contribution"), Arc::new(contributions)));
    }
    let rest = shown.iter().map(|it| Some(it.as_ref()?.rest)).collect::<Float64Array>();
    columns.push(("reasons_rest".into(), Arc::new(rest)));
    columns
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
fn recovery(eligibility: Eligibility, as_of: NaiveDateTime, event: &str) -> Option<Bilingual> {
    match eligibility {
        Eligibility::Eligible { deadline_days } => {
            let seconds = Duration::try_seconds((deadline_days * 86_400.0).round() as i64)?;
            let deadline = as_of.checked_add_signed(seconds)?;
            let is_midnight = deadline.time() == NaiveTime::MIN;
            let format = if is_midnight { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" };
            let deadline = deadline.format(format);
            Some(Bilingual::new(
                format!("`{event}` before {deadline}"),
                format!("在{deadline}之前有`{event}`"),
            ))
        }
        Eligibility::Silent | Eligibility::OutOfLookback => {
            Some(Bilingual::new(format!("any `{event}`"), format!("任何一次`{event}`")))
        }
        Eligibility::Never | Eligibility::TooNew | Eligibility::NotDue => None,
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
        let as_of = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap().and_time(NaiveTime::MIN);
        let judged = Eligibility::Eligible { deadline_days: 60.0 };
        assert_eq!(recovery(judged, as_of, "order").unwrap().en, "`order` before 2026-08-30");
        let at_noon =
            recovery(Eligibility::Eligible { deadline_days: 0.5 }, as_of, "order").unwrap().en;
        assert_eq!(at_noon, "`order` before 2026-07-01 12:00");
        assert_eq!(recovery(Eligibility::Silent, as_of, "order").unwrap().en, "any `order`");
        assert_eq!(recovery(Eligibility::Never, as_of, "order"), None);
    }
}
