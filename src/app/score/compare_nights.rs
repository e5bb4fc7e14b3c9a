//! Tonight's users beside those of the night before.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch, StringArray};
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::batch::user_ids;
use super::moved::{Moved, MovedFlow, MovedUsers};
use super::parts::Parts;
use super::publish::{ScoreRequest, nights_before, read_summary};
use super::published::open_published;
use super::receipt::RunKey;
use crate::app::PipelineError;
use crate::dataset::UserIds;
use crate::files::FileRecord;
use crate::input::history::user_buckets;
use crate::input::source::UserIdType;

/// The part of a summary that is needed of the night before.
#[derive(Deserialize)]
struct NightBefore {
    as_of: NaiveDateTime,
    scores: FileRecord,
    key: RunKey,
    moved: Option<Moved>,
}

const COLUMNS: [&str; 3] = ["user_id", "layer_id", "kind_id"];

/// Compares tonight's users with those of the latest published night before. Both files
/// have users in the same order, so that neither is held.
///
/// # Errors
/// When the parts cannot be read. Of a night before whose scores cannot be read, nothing
/// is said.
pub(super) fn moved(
    parts: &Parts,
    request: &ScoreRequest<'_>,
    (as_of, key): (NaiveDateTime, &RunKey),
    user_id_type: UserIdType,
) -> Result<Option<Moved>, PipelineError> {
    let nights = nights_before(request.out, as_of.date());
    let mut nights =
        nights.iter().filter_map(|folder| Some((folder, read_summary::<NightBefore>(folder)?)));
    let Some((folder, before)) = nights.next() else { return Ok(None) };
    let same_model = (&before.key.bundle, &before.key.review) == (&key.bundle, &key.review);
    let Ok(rows) = open_published(folder, &before.scores, &COLUMNS, user_id_type) else {
        return Ok(None);
    };
    let then = Users::new(rows);
    let Some(counts) = Counts::of(then, Users::new(parts.in_order(&COLUMNS)))? else {
        return Ok(None);
    };
    // What users alone moved when it was last known.
    let usual = match (same_model, before.moved) {
        (true, _) => None,
        (false, Some(moved)) if moved.same_model => Some(moved),
        (false, _) => nights.find_map(|(_, night)| night.moved.filter(|it| it.same_model)),
    };
    let (usual_layers, usual_kinds) = usual.map(|it| (it.layers.share, it.kinds.share)).unzip();
    let of = |flows: Flows, usual: Option<f64>| {
        moved_users(flows, counts.n_both, if same_model { None } else { Some(usual) })
    };
    Ok(Some(Moved {
        since: before.as_of.date(),
        same_model,
        n_users: counts.n_both,
        n_new: counts.n_new,
        n_gone: counts.n_gone,
        layers: of(counts.layers, usual_layers),
        kinds: of(counts.kinds, usual_kinds),
    }))
}

/// `other_model` holds what users usually move, where the model is another.
fn moved_users(flows: Flows, n_both: u64, other_model: Option<Option<f64>>) -> MovedUsers {
    let n_users: u64 = flows.values().sum();
    let share = n_users as f64 / n_both.max(1) as f64;
    let by_users = match other_model {
        None => Some(share),
        Some(usual) => usual.map(|usual| usual.min(share)),
    };
    let flow = |((from, to), n_users)| MovedFlow { from, to, n_users };
    MovedUsers {
        n_users,
        share,
        by_users,
        by_model: by_users.map(|by_users| share - by_users),
        flows: flows.into_iter().map(flow).collect(),
    }
}

type Flows = BTreeMap<(String, String), u64>;

#[derive(Default)]
struct Counts {
    n_both: u64,
    n_new: u64,
    n_gone: u64,
    layers: Flows,
    kinds: Flows,
}

impl Counts {
    /// Goes through both nights at once; `None` where the night before cannot be read.
    fn of(
        mut then: Users<impl Batches>,
        mut now: Users<impl Batches>,
    ) -> Result<Option<Self>, PipelineError> {
        let mut counts = Self::default();
        if then.open_next().is_err() {
            return Ok(None);
        }
        now.open_next()?;
        loop {
            let order = match (&then.batch, &now.batch) {
                (None, None) => return Ok(Some(counts)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(then), Some(now)) => then.cmp_user(now),
            };
            match order {
                Ordering::Less => counts.n_gone += 1,
                Ordering::Greater => counts.n_new += 1,
                Ordering::Equal => {
                    counts.n_both += 1;
                    let both = then.batch.as_ref().zip(now.batch.as_ref());
                    let (then, now) = both.expect("both have the user");
                    count(&mut counts.layers, then.value(&then.layers), now.value(&now.layers));
                    count(&mut counts.kinds, then.value(&then.kinds), now.value(&now.kinds));
                }
            }
            if order != Ordering::Greater && then.advance().is_err() {
                return Ok(None);
            }
            if order != Ordering::Less {
                now.advance()?;
            }
        }
    }
}

fn count(flows: &mut Flows, from: &str, to: &str) {
    if from != to {
        *flows.entry((from.to_owned(), to.to_owned())).or_default() += 1;
    }
}

trait Batches: Iterator<Item = Result<RecordBatch, PipelineError>> {}
impl<I: Iterator<Item = Result<RecordBatch, PipelineError>>> Batches for I {}

/// Users one after the other.
struct Users<I> {
    batches: I,
    /// `None` at the end.
    batch: Option<Batch>,
}

struct Batch {
    users: UserIds,
    buckets: Vec<usize>,
    layers: StringArray,
    kinds: StringArray,
    row: usize,
}

impl<I: Batches> Users<I> {
    fn new(batches: I) -> Self {
        Self { batches, batch: None }
    }

    /// Opens the next batch that has a user.
    fn open_next(&mut self) -> Result<(), PipelineError> {
        self.batch = loop {
            match self.batches.next().transpose()? {
                None => break None,
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => {
                    let text = |name: &str| {
                        let column = batch.column_by_name(name).expect("it was asked for");
                        column.as_string::<i32>().clone()
                    };
                    let users = user_ids(&batch);
                    let buckets = user_buckets(&users);
                    let (layers, kinds) = (text("layer_id"), text("kind_id"));
                    break Some(Batch { users, buckets, layers, kinds, row: 0 });
                }
            }
        };
        Ok(())
    }

    fn advance(&mut self) -> Result<(), PipelineError> {
        match &mut self.batch {
            Some(batch) if batch.row + 1 < batch.users.len() => {
                batch.row += 1;
                Ok(())
            }
            _ => self.open_next(),
        }
    }
}

impl Batch {
    fn cmp_user(&self, other: &Self) -> Ordering {
        let buckets = self.buckets[self.row].cmp(&other.buckets[other.row]);
        buckets.then_with(|| self.users.cmp_with(self.row, &other.users, other.row))
    }

    fn value<'a>(&self, column: &'a StringArray) -> &'a str {
        column.value(self.row)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    /// Users in the order of files, cut into batches.
    fn night(
        users: &[(i64, &str, &str)],
        n_at_a_time: usize,
    ) -> Vec<Result<RecordBatch, PipelineError>> {
        let buckets = user_buckets(&UserIds::Integer(users.iter().map(|it| it.0).collect()));
        let mut users: Vec<_> = users.iter().zip(buckets).collect();
        users.sort_by_key(|(user, bucket)| (*bucket, user.0));
        let batch = |users: &[(&(i64, &str, &str), usize)]| {
            let ids: Int64Array = users.iter().map(|it| Some(it.0.0)).collect();
            let layers: StringArray = users.iter().map(|it| Some(it.0.1)).collect();
            let kinds: StringArray = users.iter().map(|it| Some(it.0.2)).collect();
            let columns: [ArrayRef; 3] = [Arc::new(ids), Arc::new(layers), Arc::new(kinds)];
            Ok(RecordBatch::try_from_iter(COLUMNS.into_iter().zip(columns)).unwrap())
        };
        users.chunks(n_at_a_time).map(batch).collect()
    }

    #[test]
    fn users_are_found_again_however_files_are_cut() {
        let then: Vec<_> = (0..500).map(|user| (user, "L1", "K1")).collect();
        let now: Vec<_> =
            (100..700).map(|user| (user, if user % 10 == 0 { "L2" } else { "L1" }, "K1")).collect();
        for (a, b) in [(1, 7), (64, 1_000), (499, 3)] {
            let (then, now) = (night(&then, a), night(&now, b));
            let counts = Counts::of(Users::new(then.into_iter()), Users::new(now.into_iter()));
            let counts = counts.unwrap().unwrap();
            assert_eq!((counts.n_both, counts.n_new, counts.n_gone), (400, 200, 100));
            assert_eq!(counts.layers, Flows::from([(("L1".into(), "L2".into()), 40)]));
            assert!(counts.kinds.is_empty());
        }
    }

    #[test]
    fn another_model_moves_what_users_do_not() {
        let flows = || Flows::from([(("L1".to_owned(), "L2".to_owned()), 30)]);
        let by = |it: MovedUsers| (it.by_users, it.by_model);
        assert_eq!(by(moved_users(flows(), 100, None)), (Some(0.3), Some(0.0)));
        assert_eq!(by(moved_users(flows(), 100, Some(None))), (None, None));
        let (users, model) = by(moved_users(flows(), 100, Some(Some(0.02))));
        assert!((users.unwrap() - 0.02).abs() < 1e-12 && (model.unwrap() - 0.28).abs() < 1e-12);
    }
}
