//! Published scores beside what happened since.

mod judgement;
mod night;

use std::path::Path;

use chrono::{Days, NaiveDate};

pub use self::judgement::{JudgedLayer, JudgedNight, Judgement, UnjudgedNight};
use self::night::{NightToJudge, PublishedNight, judge_night};
use super::score::{day_folders, read_summary};
use super::{PipelineError, Session};
use crate::bundle::Bundle;
use crate::dataset::Bilingual;

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
