//! Scores in their place: the data first, the summary last.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveDateTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::receipt::RunKey;
use super::summary::ScoreSummary;
use crate::app::PipelineError;
use crate::files::{FileRecord, Staged, write_atomically};

/// Where to put scores, and how.
#[derive(Debug, Clone)]
pub struct ScoreRequest<'a> {
    /// Folder of all scores.
    pub out: &'a Path,
    /// Encoding.
    pub format: ScoreFormat,
    /// Whether the day is long past, so that rows after it are no fault.
    pub is_backfill: bool,
}

/// Encoding of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreFormat {
    /// `scores.parquet`
    Parquet,
    /// `scores.csv`
    Csv,
}

impl ScoreFormat {
    fn file_name(self) -> &'static str {
        match self {
            Self::Parquet => "scores.parquet",
            Self::Csv => "scores.csv",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Parquet => Self::Csv,
            Self::Csv => Self::Parquet,
        }
    }
}

/// The file whose presence says that the scores beside it are published.
const SUMMARY: &str = "_summary.json";

/// The list of rejected rows beside the scores.
const QUARANTINE: &str = "_quarantine.csv";

/// One line for each time that scores were replaced by others of the same day.
const HISTORY: &str = "_history.jsonl";

impl ScoreRequest<'_> {
    /// The folder of a day's scores.
    pub(super) fn folder(&self, as_of: NaiveDateTime) -> PathBuf {
        self.out.join(format!("as_of={}", as_of.format("%Y-%m-%d")))
    }

    /// Where the scores of a day stand.
    pub(super) fn scores(&self, as_of: NaiveDateTime) -> PathBuf {
        self.folder(as_of).join(self.format.file_name())
    }

    /// The summary of scores that follow from the key, if they are published and whole: of
    /// the given day, or of whichever day the key leads to.
    pub(super) fn published(
        &self,
        key: &RunKey,
        as_of: Option<NaiveDate>,
    ) -> Option<(PathBuf, ScoreSummary)> {
        let of_key = |(day, folder): (NaiveDate, PathBuf)| {
            let summary: ScoreSummary = read_summary(&folder)?;
            let is_the_day = as_of.is_none_or(|day| summary.as_of.date() == day);
            let is_whole = || {
                let files = [Some(&summary.scores), summary.quarantine.as_ref()];
                files.into_iter().flatten().all(|file| file.check(&folder).is_ok())
            };
            let is_it = summary.key == *key
                && is_the_day
                && summary.scores.name == self.format.file_name()
                && summary.as_of.date() == day
                && is_whole();
            is_it.then_some((folder, summary))
        };
        day_folders(self.out).into_iter().find_map(of_key)
    }

    /// Puts the scores, the list of rejected rows and the summary in their places.
    ///
    /// Whenever it is stopped, there is either no summary, or one beside the files that it
    /// describes.
    pub(super) fn publish(
        &self,
        scores: Staged,
        rejected: Option<&Path>,
        summary: &ScoreSummary,
    ) -> Result<PathBuf, PipelineError> {
        let folder = self.folder(summary.as_of);
        let publish = || {
            let json = serde_json::to_vec_pretty(summary)?;
            let committed_by = folder.join(SUMMARY);
            if let Ok(old) = std::fs::read(&committed_by) {
                self.note_replaced(&old, summary)?;
            }
            remove_if_there(&committed_by)?;
            scores.commit()?;
            match rejected {
                Some(list) => {
                    let mut list = std::fs::File::open(list)?;
                    write_atomically(&folder.join(QUARANTINE), |file| {
                        io::copy(&mut list, file).map(|_| ())
                    })?;
                }
                None => remove_if_there(&folder.join(QUARANTINE))?,
            }
            // One file of scores a day: what an earlier run wrote in the other format is
            // out of date.
            remove_if_there(&folder.join(self.format.other().file_name()))?;
            write_atomically(&committed_by, |file| file.write_all(&json))
        };
        publish()
            .map_err(|cause: io::Error| PipelineError::Output { path: folder.clone(), cause })?;
        Ok(folder)
    }

    /// How the list of rejected rows will stand beside the scores.
    pub(super) fn quarantine(list: &Path) -> io::Result<FileRecord> {
        Ok(FileRecord { name: QUARANTINE.to_owned(), ..FileRecord::of(list)? })
    }

    /// Adds a line to the history where a summary makes way for one of another key.
    fn note_replaced(&self, old: &[u8], new: &ScoreSummary) -> io::Result<()> {
        // What is no summary of this version says nothing that could be kept.
        let Ok(old) = serde_json::from_slice::<Replaced>(old) else { return Ok(()) };
        if old.key == new.key {
            return Ok(());
        }
        let line = HistoryLine {
            as_of: new.as_of.date(),
            replaced_at: chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            replaced: old,
            by: new.key.clone(),
        };
        let path = self.out.join(HISTORY);
        let known = std::fs::read(&path).unwrap_or_default();
        let last = known.split(|&byte| byte == b'\n').rfind(|line| !line.is_empty());
        let is_known = last
            .and_then(|last| serde_json::from_slice::<HistoryLine>(last).ok())
            .is_some_and(|last| {
                last.replaced == line.replaced && last.by == line.by && last.as_of == line.as_of
            });
        // A run that was killed between this and the next step has noted it already.
        if is_known {
            return Ok(());
        }
        let mut text = serde_json::to_string(&line)? + "\n";
        if known.last().is_some_and(|&byte| byte != b'\n') {
            text.insert(0, '\n');
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }
}

/// The days of a folder of scores, in no order.
pub(in crate::app) fn day_folders(out: &Path) -> Vec<(NaiveDate, PathBuf)> {
    let entries = std::fs::read_dir(out).into_iter().flatten().flatten();
    let day = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        let day = name.to_str()?.strip_prefix("as_of=")?.parse().ok()?;
        Some((day, entry.path()))
    };
    entries.filter_map(day).collect()
}

/// The folders of the days before one, the latest first; some may hold no scores.
pub(super) fn nights_before(out: &Path, day: NaiveDate) -> Vec<PathBuf> {
    let mut nights = day_folders(out);
    nights.retain(|(night, _)| *night < day);
    nights.sort_unstable_by(|a, b| b.cmp(a));
    nights.into_iter().map(|(_, folder)| folder).collect()
}

/// The summary of a day's scores, or part of it; `None` where there is none of this version.
pub(in crate::app) fn read_summary<T: DeserializeOwned>(folder: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(folder.join(SUMMARY)).ok()?).ok()
}

/// A line of the history.
#[derive(Debug, Serialize, Deserialize)]
struct HistoryLine {
    as_of: NaiveDate,
    replaced_at: String,
    replaced: Replaced,
    by: RunKey,
}

/// What the history keeps of a summary.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Replaced {
    scores: FileRecord,
    n_users: u64,
    key: RunKey,
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
