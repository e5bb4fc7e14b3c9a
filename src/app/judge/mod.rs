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

/// Why a night without a summary is not judged.
const UNPUBLISHED: &str = "it was not published";

/// Judges the nights that were published in a folder, each by the churn rule of the bundle
/// that scored it. `bundle_folder` is that of any bundle of the model; the others are looked
/// for beside it. `days` limits which nights are looked at, both ends included. What happened
/// is known up to the day after the last event that keeps users, or up to `known_to`: a feed
/// that ends earlier than others is no churn.
///
/// # Errors
/// When the data cannot be read, no night is published, or none is of a bundle of the model.
pub fn judge(
    session: &Session,
    (bundle, bundle_folder): (&Bundle, &Path),
    scores: &Path,
    days: (Option<NaiveDate>, Option<NaiveDate>),
    known_to: Option<NaiveDate>,
) -> Result<Judgement, PipelineError> {
    if let (Some(from), Some(until)) = days
        && from > until
    {
        return Err(PipelineError::NightsOutOfOrder { from, until });
    }
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
        // Each bundle has its own rule of churn.
        let known_to_of = |bundle: &Bundle| {
            let event = &bundle.churn.settings.label.event;
            let last = data.input.events.iter().find(|it| it.event == *event);
            let last = last.map_or(data.input.last_time, |it| it.last_time);
            known_to.unwrap_or(last.date() + Days::new(1))
        };
        let mut is_of_model = false;
        let (mut nights, mut unjudged) = (Vec::new(), Vec::new());
        let models = bundle_folder.canonicalize().unwrap_or_else(|_| bundle_folder.to_owned());
        let mut bundles = vec![(name_of(&models), bundle.clone())];
        for (day, folder) in folders {
            stages.begin(&format!("judging the night of {day}"));
            let mut skip = |en: String, zh: String| {
                unjudged.push(UnjudgedNight { day, reason: Bilingual::new(en, zh) });
            };
            let Some(night) = read_summary::<PublishedNight>(&folder) else {
                skip(UNPUBLISHED.into(), "未发布".into());
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
            is_of_model = true;
            let (end, trained_to) = (horizon_end.date(), bundle.record.dates.as_of.date());
            if trained_to > day {
                skip(
                    format!("its model was trained on data up to {trained_to}, and knew what came"),
                    format!("其模型训练数据截至 {trained_to}，已知之后的结果"),
                );
                continue;
            }
            let known_to = known_to_of(bundle);
            if end > known_to {
                skip(
                    format!("its horizon ends on {end}, and what happened is known to {known_to}"),
                    format!("观察期至 {end}，而结果仅知至 {known_to}"),
                );
                continue;
            }
            let night = NightToJudge { day, folder: &folder, published: &night, horizon_end };
            match judge_night(&data, bundle, &night) {
                Ok(Some(judged)) => nights.push(judged),
                Ok(None) => skip("nobody had a probability".into(), "没有用户有流失概率".into()),
                Err(PipelineError::Published { path, cause }) => skip(
                    format!("{} can't be read: {cause}", path.display()),
                    format!("无法读取 {}：{cause}", path.display()),
                ),
                Err(error) => return Err(error),
            }
        }
        match is_of_model || unjudged.iter().all(|it| it.reason.en == UNPUBLISHED) {
            true => Ok(Judgement { known_to: known_to_of(bundle), nights, unjudged }),
            false => Err(PipelineError::OtherModel {
                scores: scores.to_owned(),
                model: models.parent().unwrap_or(&models).to_owned(),
            }),
        }
    })
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
