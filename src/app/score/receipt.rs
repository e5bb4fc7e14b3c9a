//! What a part leaves beside its rows, and whether parts belong together.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::part::Part;
use super::tally::Tally;
use crate::app::PipelineError;
use crate::features::SeenInput;
use crate::files::{FileRecord, write_atomically};
use crate::input::source::{InputProfile, UserIdType};
use crate::watch::Feed;

/// The form of receipts and parts that this version writes and reads.
pub(super) const FORMAT: u32 = 1;

/// What the scores of a day follow from: the same key, the same scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunKey {
    /// Version of the program.
    pub version: String,
    /// Name of the bundle's own folder, which holds a hash of the bundle.
    pub bundle: String,
    /// Hash of the review; none without one.
    pub review: Option<String>,
    /// Hash of what the config says of the input.
    pub config: String,
    /// Hash of the contents of all input files.
    pub input: String,
}

/// What a part leaves beside its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Receipt {
    pub format: u32,
    pub part: Part,
    pub as_of: NaiveDateTime,
    pub key: RunKey,
    /// The file of the rows.
    pub rows: FileRecord,
    pub user_ids: UserIdType,
    /// By bucket of the part, users in the data, and of them those with an event before
    /// as-of, who have a row.
    pub n_known: Vec<u64>,
    pub n_rows: Vec<u64>,
    pub tally: Tally,
    /// What the events before as-of hold.
    pub seen: SeenInput,
    pub input: InputProfile,
    /// What came in from each source, users of other parts among it.
    pub feeds: Vec<Feed>,
    pub n_bytes_spilled: u64,
}

impl Receipt {
    /// Writes it beside the rows.
    pub fn write(&self, folder: &Path) -> Result<(), PipelineError> {
        let path = folder.join(self.part.file_name("json"));
        let json = serde_json::to_vec_pretty(self).map_err(std::io::Error::other);
        json.and_then(|json| write_atomically(&path, |file| file.write_all(&json)))
            .map_err(|cause| PipelineError::Output { path, cause })
    }
}

/// Reads the receipts of a folder and checks that they are those of one run, each part
/// once.
pub(super) fn read_receipts(folder: &Path) -> Result<Vec<Receipt>, PipelineError> {
    let refuse = |problem: String| PipelineError::Parts { folder: folder.to_owned(), problem };
    let cant_read = |cause: std::io::Error| refuse(format!("it can't be read ({cause})"));
    let mut found: BTreeMap<String, Receipt> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(cant_read)? {
        let entry = entry.map_err(cant_read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("part-") || !name.ends_with(".json") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).map_err(cant_read)?;
        let receipt: Receipt = serde_json::from_str(&text).map_err(|error| {
            refuse(format!("{name} is no receipt of this version ({error}); run its part again"))
        })?;
        if receipt.format != FORMAT || receipt.part.file_name("json") != name {
            return Err(refuse(format!(
                "{name} is no receipt of part {} of this version; run its part again",
                receipt.part
            )));
        }
        found.insert(name, receipt);
    }
    let receipts: Vec<Receipt> = found.into_values().collect();
    check_together(&receipts).map_err(refuse)?;
    Ok(receipts)
}

/// Checks that receipts are those of all parts of one run.
pub(super) fn check_together(receipts: &[Receipt]) -> Result<(), String> {
    let Some(first) = receipts.first() else {
        return Err("no part has left a receipt (part-….json) there".into());
    };
    for other in receipts {
        let differs = |what: &str,
                       of_first: &dyn std::fmt::Display,
                       of_other: &dyn std::fmt::Display| {
            Err(format!(
                "parts {} and {} differ in {what}: {of_first} and {of_other}; run the odd one again",
                first.part, other.part
            ))
        };
        let (a, b) = (&first.key, &other.key);
        if first.part.n_parts() != other.part.n_parts() {
            return Err(format!(
                "it holds part {} and part {}; each run needs a folder of its own",
                first.part, other.part
            ));
        }
        if first.as_of != other.as_of {
            return differs("the as-of date", &first.as_of.date(), &other.as_of.date());
        }
        if a.version != b.version {
            return differs("the version of the program", &a.version, &b.version);
        }
        if a.bundle != b.bundle {
            return differs("the bundle", &a.bundle, &b.bundle);
        }
        let review = |key: &RunKey| key.review.clone().unwrap_or_else(|| "none".into());
        if a.review != b.review {
            return differs("the review", &review(a), &review(b));
        }
        if a.config != b.config {
            return differs("what the config says of the input", &a.config, &b.config);
        }
        if a.input != b.input || first.input.sources != other.input.sources {
            return differs("the input files", &a.input, &b.input);
        }
    }
    let is_there = |part: &Part| receipts.iter().any(|receipt| receipt.part == *part);
    let missing: Vec<String> =
        first.part.all().filter(|part| !is_there(part)).map(|part| part.to_string()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("no receipt of {}; run what is missing", missing.join(", "))),
    }
}

/// What was read, as all parts together have it.
pub(super) fn input_of_all(receipts: &[Receipt]) -> InputProfile {
    let mut inputs = receipts.iter().map(|receipt| &receipt.input);
    let mut all = inputs.next().expect("there is a part").clone();
    inputs.for_each(|other| all.add_users(other));
    all
}
