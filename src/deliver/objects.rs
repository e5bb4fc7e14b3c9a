//! Scores in a folder of an object store: the same files as on this machine.

use std::path::Path;

use serde::Deserialize;

use super::error::DeliveryError;
use crate::app::{RunKey, ScoreSummary};
use crate::files::FileRecord;
use crate::objects::{ObjectError, ObjectFolder};

const SUMMARY: &str = "_summary.json";

/// What belongs to all days.
const OF_ALL_DAYS: [&str; 2] = ["_history.jsonl", "_alarms.json"];

/// The part of a summary that tells scores from others.
#[derive(Deserialize)]
struct Published {
    key: RunKey,
    scores: FileRecord,
    quarantine: Option<FileRecord>,
}

/// Puts the data first and the summary last, as on this machine. An object appears whole or
/// not at all, so that a connection that breaks leaves what was there. Returns whether the
/// same scores were there already.
pub(super) fn deliver(
    url: &str,
    folder: &Path,
    summary: &ScoreSummary,
) -> Result<bool, DeliveryError> {
    let scores = ObjectFolder::open(url)?;
    let day = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let object = |name: &str| format!("{day}/{name}");
    let there = scores.read(&object(SUMMARY))?;
    let there = there.and_then(|text| serde_json::from_slice::<Published>(&text).ok());
    let was_there = there
        .as_ref()
        .is_some_and(|there| there.key == summary.key && there.scores == summary.scores);
    if !was_there {
        let put = |name: &str| scores.upload(&folder.join(name), &object(name));
        put(&summary.scores.name)?;
        if let Some(list) = &summary.quarantine {
            put(&list.name)?;
        }
        put(SUMMARY)?;
        remove_former(&scores, &day, there, summary)?;
    }
    // What the scores do not depend on: of a run that made none, it is that of an earlier one.
    let run = "_run.json";
    if folder.join(run).is_file() {
        scores.upload(&folder.join(run), &object(run))?;
    }
    let out = folder.parent().unwrap_or(Path::new("."));
    for name in OF_ALL_DAYS.into_iter().filter(|name| out.join(name).is_file()) {
        scores.upload(&out.join(name), name)?;
    }
    Ok(was_there)
}

/// Removes files of former scores that the new ones have not replaced.
fn remove_former(
    scores: &ObjectFolder,
    day: &str,
    former: Option<Published>,
    summary: &ScoreSummary,
) -> Result<(), ObjectError> {
    let Some(former) = former else { return Ok(()) };
    let now = [Some(&summary.scores), summary.quarantine.as_ref()];
    let is_used = |name: &str| now.iter().flatten().any(|file| file.name == name);
    for file in [Some(former.scores), former.quarantine].into_iter().flatten() {
        if !is_used(&file.name) {
            scores.remove(&format!("{day}/{}", file.name))?;
        }
    }
    Ok(())
}

/// Fetches the records of former nights.
pub(super) fn fetch_records(url: &str, out: &Path) -> Result<(), ObjectError> {
    let scores = ObjectFolder::open(url)?;
    let objects = scores.list()?;
    let (is_summary, is_of_all_days) = (
        |name: &str| name.starts_with("as_of=") && name.ends_with(&format!("/{SUMMARY}")),
        |name: &str| OF_ALL_DAYS.contains(&name),
    );
    let latest = objects.iter().rfind(|object| is_summary(&object.name));
    // Their scores come before the summary that says they are there.
    if let Some(summary) = latest {
        let day = summary.name.trim_end_matches(SUMMARY);
        let text = scores.read(&summary.name)?.unwrap_or_default();
        if let Ok(published) = serde_json::from_slice::<Published>(&text) {
            let name = format!("{day}{}", published.scores.name);
            scores.download(&name, &out.join(&name))?;
        }
    }
    for object in &objects {
        let is_wanted = is_summary(&object.name) || is_of_all_days(&object.name);
        if is_wanted {
            scores.download(&object.name, &out.join(&object.name))?;
        }
    }
    Ok(())
}
