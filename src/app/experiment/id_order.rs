//! Whether users of a table have one row each.

use std::cmp::Ordering;

use arrow::array::{Array, StringViewArray};
use rayon::prelude::*;

use super::columns::texts_of;
use crate::dataset::hash_text;
use crate::input::engine::Engine;
use crate::input::rows::{Rows, RowsError};

/// Whether the ids of a part ascend, as in most tables, by the alphabet or as whole numbers
/// do: then no user has two rows, and nothing more need be looked at. Where they do not from
/// the beginning on, their hashes are kept.
#[derive(Default)]
pub(super) struct IdOrder {
    first: Option<String>,
    last: String,
    /// By the alphabet, and by length first.
    is_broken: [bool; 2],
    hashes: Option<Hashes>,
}

impl IdOrder {
    pub fn add(&mut self, ids: &StringViewArray) {
        if ids.is_empty() {
            return;
        }
        let is_first = self.first.is_none();
        if is_first {
            self.first = Some(ids.value(0).to_owned());
        }
        if self.is_broken != [true; 2] {
            let mut last = if is_first { ids.value(0) } else { self.last.as_str() };
            for row in usize::from(is_first)..ids.len() {
                let id = ids.value(row);
                let is_not_after = id <= last;
                self.is_broken[0] |= is_not_after;
                self.is_broken[1] |= match id.len().cmp(&last.len()) {
                    Ordering::Less => true,
                    Ordering::Equal => is_not_after,
                    Ordering::Greater => false,
                };
                last = id;
            }
            self.last = last.to_owned();
        }
        if is_first && self.is_broken == [true; 2] {
            self.hashes = Some(Hashes::default());
        }
        if let Some(hashes) = &mut self.hashes {
            hashes.add(ids);
        }
    }
}

fn by_length(id: &str) -> (usize, &str) {
    (id.len(), id)
}

/// Whether some user has several rows, by the order of the ids or else by the hashes of all.
/// Two users of one hash, of whom there may be a pair among thousands of millions, cost no more
/// than time.
pub(super) fn have_duplicates(
    engine: &Engine,
    rows: &Rows,
    orders: &[&IdOrder],
) -> Result<bool, RowsError> {
    if are_in_order(orders) {
        return Ok(false);
    }
    let kept: Option<Vec<&Hashes>> = orders.iter().map(|it| it.hashes.as_ref()).collect();
    if let Some(kept) = kept {
        return Ok(some_repeat(&kept));
    }
    let parts = rows.only("unit")?.fold(engine, Hashes::default, |part: &mut Hashes, batch| {
        part.add(&texts_of(batch, "unit").expect("it is asked for"));
        Ok(())
    })?;
    Ok(some_repeat(&parts.iter().collect::<Vec<_>>()))
}

/// Whether the ids of all parts are in order, and none reaches into another.
fn are_in_order(orders: &[&IdOrder]) -> bool {
    let ranges = || orders.iter().filter_map(|it| Some((it.first.as_deref()?, it.last.as_str())));
    let holds = |order: usize| orders.iter().all(|it| !it.is_broken[order]);
    let mut texts: Vec<(&str, &str)> = ranges().collect();
    texts.sort_unstable();
    let mut numbers: Vec<_> = ranges().map(|(a, b)| (by_length(a), by_length(b))).collect();
    numbers.sort_unstable();
    holds(0) && texts.windows(2).all(|pair| pair[0].1 < pair[1].0)
        || holds(1) && numbers.windows(2).all(|pair| pair[0].1 < pair[1].0)
}

/// Groups of hashes, each of which fits into the cache while it is sorted.
const N_GROUPS: usize = 256;

/// Hashes of ids, by their first byte.
struct Hashes(Vec<Vec<u64>>);

impl Default for Hashes {
    fn default() -> Self {
        Self(vec![Vec::new(); N_GROUPS])
    }
}

impl Hashes {
    fn add(&mut self, ids: &StringViewArray) {
        for id in ids.iter().flatten() {
            let hash = hash_text(id, 0);
            self.0[(hash >> 56) as usize].push(hash);
        }
    }
}

fn some_repeat(parts: &[&Hashes]) -> bool {
    (0..N_GROUPS).into_par_iter().any(|group| {
        let mut hashes: Vec<u64> =
            parts.iter().flat_map(|part| part.0[group].iter().copied()).collect();
        hashes.sort_unstable();
        hashes.windows(2).any(|pair| pair[0] == pair[1])
    })
}
