//! Every user's churn: how likely, why, and by when.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{StringArray, StringBuilder};
use chrono::{Duration, NaiveDateTime, NaiveTime};

use super::reason_words::{KnownSentences, ReasonWords};
use super::value_scores::ValueScores;
use crate::app::PipelineError;
use crate::bundle::Bundle;
use crate::dataset::{Bilingual, DatasetError, Eligibility, FeatureInfo, Purchases, Snapshot};
use crate::models::churn::{Classifier, FittedChurn, FlagUser, ReasonFinder, Reasons, Silence};

/// Reasons that are shown of each user.
pub(super) const N_REASONS: usize = 3;

/// Scores churn, with all prepared that does not depend on users.
pub(super) struct ChurnScorer<'a> {
    model: &'a FittedChurn,
    reasons: ReasonFinder<'a>,
    words: ReasonWords,
}

/// One row a user, in order of user id; `None` for users who are not eligible.
pub(super) struct ChurnScores<'a> {
    pub probabilities: Vec<Option<f64>>,
    /// Who may be flagged, as far as that depends on the user alone.
    pub may_be_flagged: Vec<bool>,
    pub statuses: Vec<&'static str>,
    pub log_odds: Vec<Option<f64>>,
    pub reasons: Vec<Option<Reasons>>,
    /// Of the reasons at each place.
    pub sentences: Vec<Sentences>,
    pub words: &'a ReasonWords,
    pub recoveries: Vec<Option<Arc<Bilingual>>>,
    pub median_gaps: Vec<Option<f64>>,
    pub silences: Vec<Option<Silence>>,
}

/// A sentence for each user, `None` where there is no reason.
pub(super) struct Sentences {
    pub en: StringArray,
    pub zh: StringArray,
}

impl<'a> ChurnScorer<'a> {
    /// Prepares a model for matrices of its bundle's plan.
    pub fn new(bundle: &'a Bundle) -> Result<Self, PipelineError> {
        let model = &bundle.churn;
        let plan = &bundle.plan.features;
        let feature = |name: &String| {
            let found = plan.iter().find(|it| it.info.name == *name);
            found.map(|it| it.info.clone()).ok_or_else(|| DatasetError::MissingFeature {
                missing: name.clone(),
                available: bundle.plan.names().join(", "),
            })
        };
        let features: Vec<FeatureInfo> =
            model.classifier.features().iter().map(feature).collect::<Result<_, _>>()?;
        let typical = &model.settings.typical_of_stayed;
        Ok(Self {
            model,
            reasons: ReasonFinder::new(&model.classifier, &features, typical),
            words: ReasonWords::new(features, typical.clone()),
        })
    }

    /// Scores the users of a snapshot.
    pub fn score(
        &self,
        snapshot: &Snapshot,
        value: &ValueScores,
        known: &mut KnownSentences,
    ) -> Result<ChurnScores<'_>, PipelineError> {
        let model = self.model;
        let settings = &model.settings;
        let purchases = &snapshot.purchases;
        let eligibilities: Vec<Eligibility> =
            purchases.iter().map(|it| settings.label.eligibility(&it.kept_by)).collect();
        let of_eligible = |values: &[f64]| -> Vec<Option<f64>> {
            let is_eligible = |it: &Eligibility| matches!(it, Eligibility::Eligible { .. });
            values
                .iter()
                .zip(&eligibilities)
                .map(|(&it, of)| is_eligible(of).then_some(it))
                .collect()
        };
        let (mut log_odds, mut reasons) = self.reasons.find(&snapshot.features, N_REASONS)?;
        if let Some(outlook) = &settings.outlook {
            // It belongs to no theme: what it adds is part of the rest.
            for ((z, reasons), no_order) in
                log_odds.iter_mut().zip(&mut reasons).zip(value.no_order())
            {
                let added = outlook.adds(no_order);
                *z += added;
                reasons.rest += added;
            }
        }
        let probabilities = of_eligible(&model.probabilities_at(snapshot.as_of, &log_odds));
        let reach_days = f64::from(settings.silence.reach_days.get());
        let may_flag = |row: usize| {
            let clv = value.amounts(row).map(|it| it.clv);
            let user = |probability| FlagUser { probability, purchases: &purchases[row], clv };
            probabilities[row].is_some_and(|it| settings.flag.may_flag(&user(it), reach_days))
        };
        let shown: Vec<Option<Reasons>> = reasons
            .into_iter()
            .zip(&probabilities)
            .map(|(reasons, probability)| probability.map(|_| reasons))
            .collect();
        let as_of = snapshot.as_of;
        Ok(ChurnScores {
            may_be_flagged: (0..purchases.len()).map(may_flag).collect(),
            sentences: (0..N_REASONS)
                .map(|place| sentences(&shown, place, &self.words, purchases, known))
                .collect(),
            reasons: shown,
            words: &self.words,
            recoveries: recoveries(&eligibilities, as_of, &settings.label.event),
            median_gaps: purchases.iter().map(|it| it.kept_by.median_gap_days()).collect(),
            silences: purchases
                .iter()
                .map(|it| settings.silence.silence(&it.kept_by, as_of))
                .collect(),
            log_odds: of_eligible(&log_odds),
            statuses: eligibilities.iter().map(|eligibility| eligibility.as_str()).collect(),
            probabilities,
        })
    }
}

/// Sentences about the reason at `place` of every user, in both languages. They go
/// straight into columns: there are six for every user.
fn sentences(
    shown: &[Option<Reasons>],
    place: usize,
    words: &ReasonWords,
    purchases: &[Purchases],
    known: &mut KnownSentences,
) -> Sentences {
    let (mut en, mut zh) = (StringBuilder::new(), StringBuilder::new());
    for (reasons, purchases) in shown.iter().zip(purchases) {
        let reason = reasons.as_ref().and_then(|it| it.raising.get(place));
        let sentence = reason.map(|it| words.known_sentence(it, Some(&purchases.orders), known));
        en.append_option(sentence.map(|it| &it.en));
        zh.append_option(sentence.map(|it| &it.zh));
    }
    Sentences { en: en.finish(), zh: zh.finish() }
}

/// [`recovery`] of every user; most have the same.
fn recoveries(
    eligibilities: &[Eligibility],
    as_of: NaiveDateTime,
    event: &str,
) -> Vec<Option<Arc<Bilingual>>> {
    let mut known: HashMap<(&'static str, u64), Option<Arc<Bilingual>>> = HashMap::new();
    let of_user = |&eligibility: &Eligibility| {
        let deadline = match eligibility {
            Eligibility::Eligible { deadline_days } => deadline_days.to_bits(),
            _ => 0,
        };
        let words = || recovery(eligibility, as_of, event).map(Arc::new);
        known.entry((eligibility.as_str(), deadline)).or_insert_with(words).clone()
    };
    eligibilities.iter().map(of_user).collect()
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
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn recovery_is_an_event_before_the_deadline() {
        let as_of = NaiveDate::from_ymd_opt(2026, 7, 1).unwrap().and_time(NaiveTime::MIN);
        let eligible = Eligibility::Eligible { deadline_days: 60.0 };
        assert_eq!(recovery(eligible, as_of, "order").unwrap().en, "`order` before 2026-08-30");
        let at_noon =
            recovery(Eligibility::Eligible { deadline_days: 0.5 }, as_of, "order").unwrap().en;
        assert_eq!(at_noon, "`order` before 2026-07-01 12:00");
        assert_eq!(recovery(Eligibility::Silent, as_of, "order").unwrap().en, "any `order`");
        assert_eq!(recovery(Eligibility::Never, as_of, "order"), None);
    }
}
