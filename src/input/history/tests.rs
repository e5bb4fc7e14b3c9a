//! What holds whatever the events are, on seeded random ones.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool, UnboundedMemoryPool};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::ids::word_of_text;
use super::row::{MAX_WORDS, RowBuilder, push_text, row_key, row_length};
use super::*;

type Rng8 = Xoshiro256PlusPlus;

const SECOND: i64 = 1_000_000;

/// A number of any magnitude; 0 now and then.
fn any_number(rng: &mut Rng8) -> u64 {
    let magnitude = rng.gen_range(0..=64);
    let number = if magnitude == 0 { 0 } else { rng.r#gen::<u64>() >> (64 - magnitude) };
    if rng.r#gen() { number } else { (number as i64).wrapping_neg() as u64 }
}

fn any_time(rng: &mut Rng8) -> i64 {
    let time = rng.gen_range(-4_000_000_000..6_000_000_000_i64) * SECOND;
    if rng.r#gen() { time } else { time + rng.gen_range(0..SECOND) }
}

#[test]
fn a_row_reads_as_it_was_written() {
    let mut rng = Rng8::seed_from_u64(1);
    let mut words = Vec::new();
    let mut written = Vec::new();
    for _ in 0..5_000 {
        let user = any_number(&mut rng);
        let channel = if rng.r#gen() { rng.gen_range(0..=300) } else { 0xffff };
        let row = EventRow {
            time: any_time(&mut rng),
            event: rng.gen_range(1..=0xffff),
            channel,
            category: rng.gen_range(0..1 << 24),
            values: std::array::from_fn(|_| any_number(&mut rng)),
        };
        let text: String = (0..rng.gen_range(0..12)).map(|_| rng.r#gen::<char>()).collect();
        let mut fixed = [0; MAX_WORDS];
        let codes = [row.event, row.channel, row.category];
        let mut built = RowBuilder::start(&mut fixed, user, row.time, codes);
        row.values.iter().enumerate().for_each(|(column, value)| built.add(column, *value));
        let length = built.length();
        written.push((words.len(), user, row, text.clone()));
        words.extend_from_slice(&fixed[..length]);
        push_text(&mut words, text.as_bytes());
    }
    let mut next = 0;
    for (offset, user, row, text) in written {
        assert_eq!(offset, next, "rows follow each other");
        assert_eq!(EventRow::read(&words, offset), (user, row));
        assert_eq!(row_key(&words, offset), (user, row.time));
        assert_eq!(UserId::read(&words, offset, IdKind::Text), UserId::Text(text));
        let present = EventHead::read(&words, offset).present;
        let filled = (0..N_COLUMNS).filter(|&it| row.values[it] != 0);
        let expected: u32 = filled.map(|it| 1 << it).sum();
        assert_eq!(present, expected);
        next += row_length(&words, offset, IdKind::Text);
    }
    assert_eq!(next, words.len());
}

/// An event as a batch has it.
#[derive(Debug, Clone)]
struct Event {
    user: i64,
    time: i64,
    event: String,
    channel: Option<String>,
    amount: Option<f64>,
    item: Option<String>,
    available_at: Option<i64>,
}

/// Events of some users, many of them at the same moments; all differ by their items.
fn events(seed: u64, n_events: usize) -> Vec<Event> {
    let mut rng = Rng8::seed_from_u64(seed);
    let users: Vec<i64> = (0..80).map(|_| any_number(&mut rng) as i64).collect();
    let event = |number: usize| {
        let time = rng.gen_range(0..40) * 43_200 * SECOND;
        Event {
            user: users[rng.gen_range(0..users.len())],
            time,
            event: format!("event {}", rng.gen_range(0..4)),
            channel: rng.r#gen::<bool>().then(|| format!("channel {}", rng.gen_range(0..400))),
            amount: rng
                .r#gen::<bool>()
                .then(|| rng.gen_range(-40_000_000..40_000_000) as f64 / 4.0),
            item: Some(format!("item {number}")),
            available_at: rng.r#gen::<bool>().then(|| time + rng.gen_range(-2..3) * SECOND),
        }
    };
    (0..n_events).map(event).collect()
}

fn batch(events: &[Event], kind: IdKind) -> RecordBatch {
    let texts = |of: &dyn Fn(&Event) -> Option<String>| -> ArrayRef {
        Arc::new(events.iter().map(of).collect::<StringViewArray>())
    };
    let users: ArrayRef = match kind {
        IdKind::Integer => Arc::new(events.iter().map(|it| it.user).collect::<Int64Array>()),
        IdKind::Text => texts(&|it| Some(format!("user {}", it.user))),
    };
    let times = events.iter().map(|it| it.time).collect::<Vec<_>>();
    let available = events.iter().map(|it| it.available_at).collect::<Vec<_>>();
    RecordBatch::try_from_iter([
        ("user_id", users),
        ("time", Arc::new(TimestampMicrosecondArray::from(times)) as ArrayRef),
        ("event", texts(&|it| Some(it.event.clone()))),
        ("channel", texts(&|it| it.channel.clone())),
        ("amount", Arc::new(events.iter().map(|it| it.amount).collect::<Float64Array>())),
        ("item", texts(&|it| it.item.clone())),
        ("available_at", Arc::new(TimestampMicrosecondArray::from(available))),
    ])
    .unwrap()
}

/// How histories come about.
struct Way {
    kind: IdKind,
    batch_rows: usize,
    n_writers: usize,
    pool: Arc<dyn MemoryPool>,
    duplicates: Duplicates,
}

impl Way {
    fn plain(kind: IdKind) -> Self {
        let pool = Arc::new(UnboundedMemoryPool::default());
        Self { kind, batch_rows: 1_000, n_writers: 1, pool, duplicates: Duplicates::Keep }
    }

    fn histories(&self, events: &[Event]) -> Histories {
        let builder = HistoryBuilder::new(self.kind, 4, Arc::clone(&self.pool));
        let mut writers: Vec<_> = (0..self.n_writers).map(|_| builder.writer()).collect();
        for (number, rows) in events.chunks(self.batch_rows).enumerate() {
            let keep = vec![true; rows.len()].into();
            writers[number % self.n_writers].write(&batch(rows, self.kind), &keep).unwrap();
        }
        let workers = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        builder.build(writers, self.duplicates, Arc::new(workers)).unwrap()
    }
}

/// Time, event, channel and values of an event, in a form that no codes are needed for.
type Read = (i64, String, Option<String>, [u64; N_COLUMNS]);

/// Every user and their events as the histories give them; of one time in order of
/// their content, which the histories leave open.
fn read(histories: &Histories) -> Vec<(UserId, Vec<Read>)> {
    let mut users = Vec::new();
    let value = |of: &Vocabulary, code: u32| {
        code.checked_sub(1).map(|place| of.values()[place as usize].clone())
    };
    for bucket in 0..N_BUCKETS {
        let visit = |history: &History<'_>| {
            assert!(history.events.is_sorted_by_key(|it| it.time), "in order of time");
            let of_event = |it: &EventRow| {
                let event = value(histories.events(), it.event).unwrap();
                (it.time, event, value(histories.channels(), it.channel), it.values)
            };
            let mut events: Vec<Read> = history.events.iter().map(of_event).collect();
            events.sort();
            users.push((history.user.clone(), events));
            Ok::<_, HistoryError>(())
        };
        histories.for_each_user(bucket, visit).unwrap();
    }
    users
}

/// What has to come out, worked out plainly.
fn expected(events: &[Event], kind: IdKind) -> Vec<(UserId, Vec<Read>)> {
    let mut users: std::collections::BTreeMap<UserId, Vec<Read>> = Default::default();
    for it in events {
        let mut values = [0; N_COLUMNS];
        let amount = it.amount.map_or(0, |amount| (amount * 10_000.0) as i64);
        values[Column::Amount as usize] = amount as u64;
        values[Column::Item as usize] = word_of_text(it.item.as_ref().unwrap());
        let later = it.available_at.filter(|available| *available > it.time);
        values[Column::AvailableAt as usize] = later.unwrap_or(0) as u64;
        let user = match kind {
            IdKind::Integer => UserId::Integer(it.user),
            IdKind::Text => UserId::Text(format!("user {}", it.user)),
        };
        let read = (it.time, it.event.clone(), it.channel.clone(), values);
        users.entry(user).or_default().push(read);
    }
    users.values_mut().for_each(|events| events.sort());
    users.into_iter().collect()
}

fn by_user(mut users: Vec<(UserId, Vec<Read>)>) -> Vec<(UserId, Vec<Read>)> {
    users.sort();
    users
}

#[test]
fn events_come_out_by_user_and_time_whatever_their_order() {
    for kind in [IdKind::Integer, IdKind::Text] {
        let mut events = events(2, 3_000);
        let first = read(&Way::plain(kind).histories(&events));
        assert_eq!(by_user(first.clone()), expected(&events, kind));
        for (seed, (batch_rows, n_writers)) in [(1, 1), (7, 3), (500, 2)].into_iter().enumerate() {
            events.shuffle(&mut Rng8::seed_from_u64(seed as u64));
            let way = Way { batch_rows, n_writers, ..Way::plain(kind) };
            let histories = way.histories(&events);
            assert!(read(&histories) == first, "{batch_rows} rows a batch, {n_writers} writers");
            assert_eq!(histories.summary().n_events, 3_000);
            assert_eq!(histories.summary().n_users, first.len() as u64);
        }
    }
}

#[test]
fn what_went_to_the_disk_reads_as_from_memory() {
    for kind in [IdKind::Integer, IdKind::Text] {
        let events = events(3, 6_000);
        let in_memory = Way::plain(kind).histories(&events);
        let pool = Arc::new(GreedyMemoryPool::new(100_000));
        let way = Way { pool, n_writers: 2, batch_rows: 700, ..Way::plain(kind) };
        let on_disk = way.histories(&events);
        assert_eq!(in_memory.summary().n_bytes_spilled, 0);
        assert!(on_disk.summary().n_bytes_spilled > 100_000);
        assert!(read(&on_disk) == read(&in_memory));
        let summary = HistorySummary { n_bytes_spilled: 0, ..on_disk.summary().clone() };
        assert_eq!(&summary, in_memory.summary());
    }
}

#[test]
fn copies_of_rows_are_counted_and_dropped_if_asked_for() {
    let mut rng = Rng8::seed_from_u64(4);
    let distinct = events(5, 1_000);
    let copies: Vec<Event> = (0..300).map(|_| distinct[rng.gen_range(0..1_000)].clone()).collect();
    let mut all = [distinct.clone(), copies].concat();
    all.shuffle(&mut rng);
    for kind in [IdKind::Integer, IdKind::Text] {
        let kept = Way::plain(kind).histories(&all);
        assert_eq!((kept.summary().n_duplicates, kept.summary().n_events), (300, 1_300));
        assert_eq!(by_user(read(&kept)), expected(&all, kind));
        let dropping = Way { duplicates: Duplicates::Drop, ..Way::plain(kind) };
        let dropped = dropping.histories(&all);
        assert_eq!((dropped.summary().n_duplicates, dropped.summary().n_events), (300, 1_000));
        assert_eq!(by_user(read(&dropped)), expected(&distinct, kind));
        let without = Way::plain(kind).histories(&distinct);
        assert_eq!(dropped.summary().events, without.summary().events);
    }
}
