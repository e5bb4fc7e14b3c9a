//! The rows of a bucket in order of user and time.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::row::{EventRow, UserId, row_key, row_length, row_text};
use super::{Duplicates, HistoryError, IdKind};

/// Where a row stands in its bucket.
#[derive(Clone, Copy)]
pub(super) struct Position {
    /// Number of the user, in the order in which users were met.
    pub user: u32,
    pub offset: u32,
    pub time: i64,
}

/// What sorting a bucket finds.
#[derive(Default)]
pub(super) struct BucketTally {
    pub n_users: u64,
    pub n_duplicates: u64,
    /// Event codes of the rows that went.
    pub dropped: Vec<u32>,
}

/// Where each row stands: by user, each user's rows in order of time.
pub(super) fn positions(words: &[u32], kind: IdKind) -> Vec<Position> {
    let mut arrived = Vec::with_capacity(words.len() / 5);
    // Only looked up within this run, so that a hash without promises will do.
    let mut numbers: HashMap<u64, u32, FixedState> = HashMap::default();
    let mut counts: Vec<u32> = Vec::new();
    let mut offset = 0;
    while offset < words.len() {
        let (user, time) = row_key(words, offset);
        let number = *numbers.entry(user).or_insert(counts.len() as u32);
        if number as usize == counts.len() {
            counts.push(0);
        }
        counts[number as usize] += 1;
        arrived.push(Position { user: number, offset: offset as u32, time });
        offset += row_length(words, offset, kind);
    }
    let mut users: Vec<(i64, u32)> =
        numbers.into_iter().map(|(user, number)| (user as i64, number)).collect();
    users.sort_unstable();
    let mut starts = vec![0; counts.len()];
    let mut start = 0;
    for (_, number) in users {
        starts[number as usize] = start;
        start += counts[number as usize];
    }
    let mut positions = vec![Position { user: 0, offset: 0, time: 0 }; arrived.len()];
    for position in arrived {
        let place = &mut starts[position.user as usize];
        positions[*place as usize] = position;
        *place += 1;
    }
    for of_user in positions.chunk_by_mut(|a, b| a.user == b.user) {
        // Files are mostly in order of time already.
        if !of_user.is_sorted_by_key(|position| position.time) {
            of_user.sort_unstable_by_key(|position| (position.time, position.offset));
        }
    }
    positions
}

/// Counts users and duplicates, of which all but one go if so configured.
pub(super) fn examine(
    words: &[u32],
    positions: &mut Vec<Position>,
    kind: IdKind,
    duplicates: Duplicates,
) -> Result<BucketTally, HistoryError> {
    let mut tally = BucketTally::default();
    for of_user in positions.chunk_by(|a, b| a.user == b.user) {
        tally.n_users += 1;
        if kind == IdKind::Text {
            check_one_text(words, of_user)?;
        }
    }
    let mut repeated = Vec::new();
    for moment in positions.chunk_by(|a, b| a.user == b.user && a.time == b.time) {
        if moment.len() > 1 {
            let row = |position: &Position| EventRow::read(words, position.offset as usize).1;
            let mut rows: Vec<(EventRow, u32)> =
                moment.iter().map(|position| (row(position), position.offset)).collect();
            rows.sort_unstable();
            let repeats = rows.windows(2).filter(|pair| pair[0].0 == pair[1].0);
            repeated.extend(repeats.map(|pair| (pair[1].1, pair[1].0.event)));
        }
    }
    tally.n_duplicates = repeated.len() as u64;
    if duplicates == Duplicates::Drop && !repeated.is_empty() {
        repeated.sort_unstable();
        let goes = |at: &Position| repeated.binary_search_by_key(&at.offset, |row| row.0).is_ok();
        positions.retain(|position| !goes(position));
        tally.dropped = repeated.into_iter().map(|(_, event)| event).collect();
    }
    Ok(tally)
}

/// A hash stands for one text.
fn check_one_text(words: &[u32], of_user: &[Position]) -> Result<(), HistoryError> {
    let text = |position: &Position| row_text(words, position.offset as usize);
    let first = &of_user[0];
    match of_user[1..].iter().find(|other| text(other) != text(first)) {
        None => Ok(()),
        Some(other) => {
            let id =
                |position: &Position| UserId::read(words, position.offset as usize, IdKind::Text);
            Err(HistoryError::Collision { first: id(first), second: id(other) })
        }
    }
}
