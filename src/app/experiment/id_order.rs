//! Whether users of a table have one row each.

use arrow::array::{Array, StringViewArray};

use super::columns::texts_of;
use crate::dataset::hash_text;
use crate::input::engine::Engine;
use crate::input::rows::{Rows, RowsError};

/// Whether the ids of a part ascend, as in most tables, by the alphabet or as whole numbers
/// do: then no user has two rows, and nothing more need be looked at.
#[derive(Default)]
pub(super) struct IdOrder {
    first: Option<String>,
    last: String,
    /// By the alphabet, and by length first.
    is_broken: [bool; 2],
}

impl IdOrder {
    pub fn add(&mut self, ids: &StringViewArray) {
        if ids.is_empty() || self.is_broken == [true; 2] {
            return;
        }
        let mut last = match self.first {
            Some(_) => self.last.as_str(),
            None => "",
        };
        let from = usize::from(self.first.is_none());
        if self.first.is_none() {
            self.first = Some(ids.value(0).to_owned());
            last = ids.value(0);
        }
        for row in from..ids.len() {
            let id = ids.value(row);
            self.is_broken[0] |= id <= last;
            self.is_broken[1] |= by_length(id) <= by_length(last);
            last = id;
        }
        self.last = last.to_owned();
    }
}

fn by_length(id: &str) -> (usize, &str) {
    (id.len(), id)
}

/// Whether the ids of all parts are in order, and none reaches into another.
pub(super) fn are_in_order(orders: &[&IdOrder]) -> bool {
    let ranges = || orders.iter().filter_map(|it| Some((it.first.as_deref()?, it.last.as_str())));
    let holds = |order: usize| orders.iter().all(|it| !it.is_broken[order]);
    let mut texts: Vec<(&str, &str)> = ranges().collect();
    texts.sort_unstable();
    let mut numbers: Vec<_> = ranges().map(|(a, b)| (by_length(a), by_length(b))).collect();
    numbers.sort_unstable();
    holds(0) && texts.windows(2).all(|pair| pair[0].1 < pair[1].0)
        || holds(1) && numbers.windows(2).all(|pair| pair[0].1 < pair[1].0)
}

/// Whether some user has several rows, by the hashes of all ids. Two ids of one hash, of
/// which there may be one pair in some thousand million users, cost no more than time.
pub(super) fn have_duplicates(engine: &Engine, rows: &Rows) -> Result<bool, RowsError> {
    use rayon::slice::ParallelSliceMut;
    let parts = rows.fold(engine, Vec::new, |part: &mut Vec<u64>, batch| {
        let ids = texts_of(batch, "unit").expect("it is asked for");
        part.extend(ids.iter().flatten().map(|id| hash_text(id, 0)));
        Ok(())
    })?;
    let mut hashes: Vec<u64> = parts.into_iter().flatten().collect();
    hashes.par_sort_unstable();
    Ok(hashes.windows(2).any(|pair| pair[0] == pair[1]))
}
