//! Published scores beside what happened since.

mod night;

use std::path::Path;

use chrono::{Days, NaiveDate, NaiveDateTime};
use serde::Deserialize;

use self::night::{NightToJudge, judge_night};
use super::score::{ExpectedChurn, GroupCount, RunKey, day_folders, read_summary};
use super::{PipelineError, Session};
use crate::bundle::Bundle;
use crate::dataset::Bilingual;
use crate::files::FileRecord;
use crate::models::churn::Estimate;

/// How published scores did.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What happened is known up to here.
    pub known_to: NaiveDate,
    /// Nights whose horizon has ended, the earliest first.
    pub nights: Vec<JudgedNight>,
    /// The others, and why each is not judged.
    pub unjudged: Vec<UnjudgedNight>,
}

/// A night beside what happened in its horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedNight {
    /// As-of date.
    pub day: NaiveDate,
    /// The bundle that scored it.
    pub bundle: String,
    /// End of the horizon.
    pub horizon_end: NaiveDate,
    /// Users with a probability of whom it is known whether they churned.
    pub n_users: usize,
    /// Users with a probability to whom the churn rule does not apply by what is known now,
    /// or of whom nothing is known any more.
    pub n_unknown: usize,
    /// Share who churned.
    pub churn_rate: Estimate,
    /// Mean of the probabilities.
    pub mean_probability: f64,
    /// Whether the two differ by more than a fifth and by more than chance.
    pub is_off: bool,
    /// What was expected on that night; `None` of scores that did not say.
    pub expected: Option<ExpectedChurn>,
    /// Area under the ROC curve.
    pub roc_auc: Option<Estimate>,
    /// Brier score.
    pub brier: Option<Estimate>,
    /// Log loss in nats.
    pub log_loss: Option<Estimate>,
    /// Expected calibration error, over ten bins of equal size.
    pub ece: Option<Estimate>,
    /// Flagged users among them.
    pub n_flagged: usize,
    /// Share of the flagged who churned; `None` where nobody is flagged.
    pub flag_precision: Option<Estimate>,
    /// By layer, in layer order; layers with such users only.
    pub layers: Vec<JudgedLayer>,
}

/// A layer of a judged night.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedLayer {
    /// Its id.
    pub id: String,
    /// Its name on that night.
    pub name: Bilingual,
    /// Users with a probability of whom it is known whether they churned.
    pub n_users: usize,
    /// Share who churned.
    pub churn_rate: Estimate,
    /// Mean of the probabilities.
    pub mean_probability: f64,
    /// Area under the ROC curve within the layer.
    pub roc_auc: Option<Estimate>,
    /// Brier score.
    pub brier: Option<Estimate>,
    /// Flagged users among them.
    pub n_flagged: usize,
    /// Share of the flagged who churned.
    pub flag_precision: Option<Estimate>,
}

/// A night that is not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnjudgedNight {
    /// As-of date.
    pub day: NaiveDate,
    /// Why not.
    pub reason: Bilingual,
}

/// The part of a summary that is needed.
#[derive(Deserialize)]
struct PublishedNight {
    as_of: NaiveDateTime,
    scores: FileRecord,
    key: RunKey,
    layers: Vec<GroupCount>,
    expected_if_calibrated: Option<ExpectedChurn>,
}

/// Judges the nights that were published in a folder, each by the churn rule of the bundle
/// that scored it. `bundle_folder` is that of any bundle of the model; the others are looked
/// for beside it. `days` limits which nights are looked at, both ends included.
///
/// # Errors
/// When the data or a published file cannot be read, or no night is published.
pub fn judge(
    session: &Session,
    (bundle, bundle_folder): (&Bundle, &Path),
    scores: &Path,
    days: (Option<NaiveDate>, Option<NaiveDate>),
) -> Result<Judgement, PipelineError> {
    let mut folders = day_folders(scores);
    folders.retain(|(day, _)| {
        days.0.is_none_or(|from| *day >= from) && days.1.is_none_or(|to| *day <= to)
    });
    folders.sort_unstable();
    if folders.is_empty() {
        return Err(PipelineError::NothingPublished { folder: scores.to_owned() });
    }
    session.run("judge", 1 + folders.len(), |stages| {
        let data = session.read(Some(&bundle.plan), stages)?;
        let known_to = data.as_of()?;
        let (mut nights, mut unjudged) = (Vec::new(), Vec::new());
        let models = bundle_folder.canonicalize().unwrap_or_else(|_| bundle_folder.to_owned());
        let mut bundles = vec![(name_of(&models), bundle.clone())];
        for (day, folder) in folders {
            stages.begin(&format!("judging the night of {day}"));
            let mut skip = |en: String, zh: String| {
                unjudged.push(UnjudgedNight { day, reason: Bilingual::new(en, zh) });
            };
            let Some(night) = read_summary::<PublishedNight>(&folder) else {
                skip("it was not published".into(), "未发布".into());
                continue;
            };
            let name = &night.key.bundle;
            if !bundles.iter().any(|(known, _)| known == name) {
                let place = models.with_file_name(name);
                match Bundle::load(&place) {
                    Ok((bundle, _)) => bundles.push((name.clone(), bundle)),
                    Err(error) => {
                        let place = place.display();
                        skip(
                            format!("its bundle is needed at {place}: {error}"),
                            format!("需要其模型包 {place}：{error}"),
                        );
                        continue;
                    }
                }
            }
            let of_night = bundles.iter().find(|(known, _)| known == name);
            let bundle = &of_night.expect("it was loaded").1;
            let label = &bundle.churn.settings.label;
            let horizon_end = night.as_of + Days::new(u64::from(label.horizon_days));
            if horizon_end > known_to {
                let (end, known) = (horizon_end.date(), known_to.date());
                skip(
                    format!("its horizon ends on {end}, and the data on {known}"),
                    format!("观察期至 {end}，而数据至 {known}"),
                );
                continue;
            }
            let night = NightToJudge { day, folder: &folder, published: &night, horizon_end };
            match judge_night(&data, bundle, &night)? {
                Some(judged) => nights.push(judged),
                None => skip("nobody had a probability".into(), "没有用户有流失概率".into()),
            }
        }
        Ok(Judgement { known_to: known_to.date(), nights, unjudged })
    })
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
