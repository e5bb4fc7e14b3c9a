//! Published scores, taken to where others read them.
//!
//! Scores are published in a folder of this machine first. What goes elsewhere is a copy,
//! which can be made again at any time: it is complete or it is what was there before.

mod destination;
mod error;
#[cfg(not(feature = "postgres"))]
mod no_postgres;
mod objects;
#[cfg(feature = "postgres")]
mod postgres;

use std::path::Path;

use chrono::NaiveDate;

pub use self::destination::{Destination, DestinationError};
pub use self::error::DeliveryError;
use crate::app::ScoreSummary;
use crate::files::write_atomically;

#[cfg(not(feature = "postgres"))]
use no_postgres as postgres;

/// Stands in a folder of scores while nights are fetched into it.
const FETCHING: &str = ".layercake-fetching";

/// Scores that were taken somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// As-of date.
    pub day: NaiveDate,
    /// Where.
    pub to: Destination,
    /// Users.
    pub n_users: u64,
    /// Whether the same scores were there already, and nothing was done.
    pub was_there: bool,
}

/// Takes the published scores of a day somewhere; does nothing where they are there already.
/// `folder` is that of the day.
///
/// # Errors
/// When the destination cannot be reached, refuses, or has another shape, or the scores
/// cannot be read.
pub fn deliver(
    to: &Destination,
    folder: &Path,
    summary: &ScoreSummary,
) -> Result<Delivered, DeliveryError> {
    let was_there = match to {
        Destination::Objects(url) => objects::deliver(url, folder, summary)?,
        Destination::Postgres { url, table } => {
            postgres::deliver(to, (url, table), folder, summary)?
        }
    };
    let (to, day) = (to.clone(), summary.as_of.date());
    Ok(Delivered { day, to, n_users: summary.n_users, was_there })
}

/// Fetches what was published elsewhere on the nights before, as far as a night on a machine
/// with an empty folder needs it: summaries, alarms, history, and the latest scores. Where
/// `out` has nights of its own, nothing is done; a fetch that was interrupted is made again,
/// since gates that know only some of the nights would be blind in silence.
///
/// # Errors
/// When the destination cannot be reached or the files cannot be written.
pub fn fetch_records(from: &Destination, out: &Path) -> Result<(), DeliveryError> {
    let Destination::Objects(url) = from else { return Ok(()) };
    let under_way = out.join(FETCHING);
    if has_nights(out) && !under_way.exists() {
        return Ok(());
    }
    let failed = |cause| DeliveryError::Out { out: out.to_owned(), cause };
    write_atomically(&under_way, |_| Ok(())).map_err(failed)?;
    let fetched = objects::fetch_records(url, out).map_err(DeliveryError::Records);
    if fetched.is_ok() || !has_nights(out) {
        std::fs::remove_file(&under_way).map_err(failed)?;
    }
    fetched
}

fn has_nights(out: &Path) -> bool {
    let mut there = std::fs::read_dir(out).into_iter().flatten().flatten();
    there.any(|it| it.file_name().to_string_lossy().starts_with("as_of="))
}
