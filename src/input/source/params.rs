use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{ColumnType, FileFormat};
use crate::settings::{self, Conflict, Count, Delimiter, Positive, Share};

/// One `[[source]]` of the config: a raw table and how to read it as events.
///
/// `user` … `session` are SQL expressions over the columns of the table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceParams {
    /// Name in messages and in the quarantine file; by default the first path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// File, folder or glob, or a list of them; relative to the working folder.
    pub path: Paths,
    /// By default from the file ending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// Separator of CSV fields; by default whichever of comma, semicolon, tab and bar
    /// is most frequent in the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// Types of CSV columns; those not named are found by reading the files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, ColumnType>,
    /// Who: integer or text.
    pub user: String,
    /// When: a timestamp, a date or text in ISO 8601.
    pub time: String,
    /// What: `'order'`, a column, a CASE.
    pub event: String,
    /// Money of the row, in any one currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Units of the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    /// Money taken off the row's full price, zero or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<String>,
    /// Product or content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Category of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Where it happened: app, shop, mini program …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Rows of one order share it; without it each order row is an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Seconds spent on a view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dwell_s: Option<String>,
    /// Visit to which the row belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// When the row became known, where that is later than `time`: a feature as
    /// of a date uses only what was known by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_at: Option<String>,
    /// Rows to read; others are filtered and counted.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// Type of user ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserIdType {
    /// Whole numbers.
    Integer,
    /// Text; whole numbers are written out.
    Text,
}

/// One path or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Paths {
    /// `path = "data/orders/*.parquet"`
    One(String),
    /// `path = ["a.csv", "b.csv"]`
    Many(Vec<String>),
}

impl Default for Paths {
    /// No path.
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Paths {
    /// The paths as written.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Many(paths) => paths,
        }
    }
}

impl SourceParams {
    /// The name used in messages.
    pub fn label(&self) -> &str {
        let first_path = || self.path.as_slice().first().map_or("(no path)", String::as_str);
        self.name.as_deref().unwrap_or_else(first_path)
    }
}

/// What becomes of event rows that repeat another in every mapped column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DuplicateRows {
    /// They count: two like items in one basket are two rows.
    Keep,
    /// One of them counts: the feed delivers some rows twice.
    Drop,
    /// They stop the run.
    Refuse,
}

/// `[input]` of the config: the contract that every event row has to keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputParams {
    /// Rows before this day are rejected (a clock that starts in 1970 …).
    #[serde(deserialize_with = "settings::read_day")]
    pub earliest: NaiveDate,
    /// Rows on or after this day are rejected as lying in the future; by
    /// default two days after the day of the run.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "settings::read_optional_day"
    )]
    pub latest: Option<NaiveDate>,
    /// Type of user ids; by default as found. A bundle keeps the type that it
    /// was trained on, so that ids come out alike every night.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_ids: Option<UserIdType>,
    /// What becomes of rows that repeat another in every mapped column.
    pub duplicates: DuplicateRows,
    /// What stops a run.
    pub gates: InputGates,
}

/// `[input.gates]` of the config: data beyond them is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputGates {
    /// Share of the rows that may be rejected.
    pub max_rejected_share: Share,
    /// Days that the as-of date may lie after the last event.
    pub max_stale_days: u32,
    /// Published nights before this one that say what is usual, at most.
    pub n_nights: Count,
    /// Nights without which nothing is called unusual.
    pub min_nights: Count,
    /// Share of the usual rows or users below which a night is refused.
    pub least_share: Share,
    /// Times the usual rows or users above which a night is refused.
    pub most_times: Positive,
    /// How much larger than usual the share of a column without values may be.
    pub max_more_nulls: Share,
    /// Gates that refuse nothing up to a day, since somebody knows of it.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "settings::read_days_by_name"
    )]
    pub acknowledge_until: BTreeMap<String, NaiveDate>,
}

/// Names of the gates that `acknowledge_until` may name, before `:` and of what.
pub const INPUT_GATES: [&str; 9] = [
    "rows",
    "rows_last_day",
    "rows_after_as_of",
    "newest_day",
    "rejected_rows",
    "nulls",
    "users",
    "lost_event",
    "new_event",
];

impl Default for InputGates {
    fn default() -> Self {
        Self {
            max_rejected_share: Share::of(0.01),
            max_stale_days: 7,
            n_nights: Count::of(14),
            min_nights: Count::of(3),
            least_share: Share::of(0.5),
            most_times: Positive::of(2.0),
            max_more_nulls: Share::of(0.1),
            acknowledge_until: BTreeMap::new(),
        }
    }
}

impl Default for InputParams {
    fn default() -> Self {
        Self {
            earliest: NaiveDate::from_ymd_opt(1990, 1, 1).expect("a calendar day"),
            latest: None,
            user_ids: None,
            duplicates: DuplicateRows::Keep,
            gates: InputGates::default(),
        }
    }
}

impl InputParams {
    /// Checks what no type of a key shows.
    ///
    /// # Errors
    /// The key, what is allowed and what it got.
    pub fn check(&self) -> Result<(), Conflict> {
        match self.latest {
            Some(latest) if latest <= self.earliest => Err(Conflict::new(
                "latest",
                format!("must come after earliest ({}), got {latest}", self.earliest),
            )),
            _ => self.gates.check(),
        }
    }
}

impl InputGates {
    fn check(&self) -> Result<(), Conflict> {
        let gate = |key: &String| key.split(':').next().unwrap_or_default().to_owned();
        let is_unknown = |key: &&String| !INPUT_GATES.contains(&gate(key).as_str());
        match self.acknowledge_until.keys().find(is_unknown) {
            Some(key) => Err(Conflict::new(
                "gates.acknowledge_until",
                format!(
                    "must name gates, such as \"rows_last_day:orders\", got \"{key}\"; there are {}",
                    INPUT_GATES.join(", ")
                ),
            )),
            None => Ok(()),
        }
    }
}
