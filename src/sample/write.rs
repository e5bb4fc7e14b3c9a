use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, RecordBatch, StringArray, StringDictionaryBuilder,
    TimestampMillisecondArray,
};
use arrow::datatypes::{Int8Type, Int16Type};
use chrono::{DateTime, NaiveDateTime};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as ParquetCompression, Encoding, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::drawn::draw_kinds;
use super::kinds::{CATEGORIES, CHANNELS, KINDS, Kind};
use super::simulate::{Life, live};
use super::{FIRST_DAY, KindSource, SampleParams};
use crate::files::write_atomically;

/// One order line in this many has no user: a guest at the till.
const GUEST_EVERY: usize = 2_000;

/// How much was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Users.
    pub n_users: usize,
    /// Rows of `orders.csv.gz`.
    pub n_order_lines: usize,
    /// Rows of `behaviour.parquet`.
    pub n_behaviour_rows: usize,
}

/// A file of the sample could not be written.
#[derive(Debug, thiserror::Error)]
#[error("can't write {path}: {cause}")]
pub struct SampleError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub cause: io::Error,
}

/// Generates users and writes `orders.csv.gz`, `behaviour.parquet` and
/// `truth.csv` to `folder`, and `kinds.csv` if kinds are drawn; an earlier one is removed
/// if not. Rows are in order of time.
///
/// # Errors
/// When a file cannot be written or removed.
pub fn write_sample(params: &SampleParams, folder: &Path) -> Result<Written, SampleError> {
    let kinds = match params.kinds {
        KindSource::Planted => KINDS.to_vec(),
        KindSource::Drawn => draw_kinds(params.seed),
    };
    let lives: Vec<Life> =
        (0..params.n_users).map(|user| live(&kinds, params.seed, user)).collect();
    let failed = |path: PathBuf| move |cause| SampleError { path, cause };
    let orders = folder.join("orders.csv.gz");
    let n_order_lines = write_orders(&lives, &orders).map_err(failed(orders))?;
    let behaviour = folder.join("behaviour.parquet");
    let n_behaviour_rows = write_behaviour(&lives, &behaviour).map_err(failed(behaviour))?;
    let truth = folder.join("truth.csv");
    write_truth(&lives, &truth).map_err(failed(truth))?;
    let description = folder.join("kinds.csv");
    match params.kinds {
        KindSource::Planted => remove_if_there(&description),
        KindSource::Drawn => write_kinds(&kinds, &description),
    }
    .map_err(failed(description))?;
    Ok(Written { n_users: params.n_users, n_order_lines, n_behaviour_rows })
}

fn user_id(user: usize) -> String {
    format!("u{user:06}")
}

fn item_id((category, item): (usize, usize)) -> String {
    format!("{}-{item:02}", CATEGORIES[category].0)
}

fn moment(time_s: i64) -> NaiveDateTime {
    let start = FIRST_DAY.and_time(Default::default()).and_utc().timestamp();
    DateTime::from_timestamp(start + time_s, 0).unwrap_or_default().naive_utc()
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn write_orders(lives: &[Life], path: &Path) -> io::Result<usize> {
    let mut lines: Vec<_> = lives
        .iter()
        .enumerate()
        .flat_map(|(user, life)| life.order_lines.iter().map(move |line| (user, line)))
        .collect();
    // Stable: lines of one order stay in their order.
    lines.sort_by_key(|(user, line)| (line.time_s, *user, line.order));
    write_atomically(path, |file| {
        // No time stamp in the header: the same data gives the same bytes.
        let mut writer = csv::Writer::from_writer(GzEncoder::new(file, Compression::best()));
        writer.write_record([
            "order_id",
            "user_id",
            "ordered_at",
            "channel",
            "item",
            "category",
            "quantity",
            "unit_price",
            "discount",
        ])?;
        for (index, (user, line)) in lines.iter().enumerate() {
            let is_guest = (index + 1) % GUEST_EVERY == 0;
            writer.write_record([
                format!("{}-{}", user_id(*user).replace('u', "o"), line.order + 1),
                if is_guest { String::new() } else { user_id(*user) },
                moment(line.time_s).format("%Y-%m-%d %H:%M:%S").to_string(),
                CHANNELS[line.channel].to_owned(),
                item_id(line.item),
                CATEGORIES[line.item.0].0.to_owned(),
                line.quantity.to_string(),
                money(line.unit_price_cents),
                money(line.discount_cents),
            ])?;
        }
        writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?.finish()?;
        Ok(())
    })?;
    Ok(lines.len())
}

fn write_behaviour(lives: &[Life], path: &Path) -> io::Result<usize> {
    let mut rows: Vec<_> = lives
        .iter()
        .enumerate()
        .flat_map(|(user, life)| life.behaviour.iter().map(move |row| (user, row)))
        .collect();
    rows.sort_by_key(|(user, row)| (row.time_s, *user));
    let times = rows.iter().map(|(_, row)| moment(row.time_s).and_utc().timestamp_millis());
    let mut events = StringDictionaryBuilder::<Int8Type>::new();
    let mut channels = StringDictionaryBuilder::<Int8Type>::new();
    let mut items = StringDictionaryBuilder::<Int16Type>::new();
    let mut categories = StringDictionaryBuilder::<Int8Type>::new();
    for (_, row) in &rows {
        events.append_value(row.event);
        channels.append_value(CHANNELS[row.channel]);
        items.append_option(row.item.map(item_id));
        categories.append_option(row.item.map(|(category, _)| CATEGORIES[category].0));
    }
    let users = StringArray::from_iter_values(rows.iter().map(|(user, _)| user_id(*user)));
    let columns: [(&str, ArrayRef); 7] = [
        ("user_id", Arc::new(users)),
        ("time", Arc::new(TimestampMillisecondArray::from_iter_values(times))),
        ("event", Arc::new(events.finish())),
        ("channel", Arc::new(channels.finish())),
        ("item", Arc::new(items.finish())),
        ("category", Arc::new(categories.finish())),
        ("dwell_s", Arc::new(rows.iter().map(|(_, row)| row.dwell_s).collect::<Float32Array>())),
    ];
    let batch = RecordBatch::try_from_iter(columns).map_err(io::Error::other)?;
    let level = ZstdLevel::try_new(19).map_err(io::Error::other)?;
    let properties = WriterProperties::builder()
        .set_compression(ParquetCompression::ZSTD(level))
        .set_created_by("layercake-train sample".into())
        // Times ascend: small differences instead of eight bytes each.
        .set_column_dictionary_enabled("time".into(), false)
        .set_column_encoding("time".into(), Encoding::DELTA_BINARY_PACKED)
        .build();
    write_atomically(path, |file| {
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))
            .map_err(io::Error::other)?;
        writer.write(&batch).map_err(io::Error::other)?;
        writer.close().map_err(io::Error::other)?;
        Ok(())
    })?;
    Ok(rows.len())
}

fn write_truth(lives: &[Life], path: &Path) -> io::Result<()> {
    write_atomically(path, |file| {
        writeln!(file, "user_id,group")?;
        for (user, life) in lives.iter().enumerate() {
            writeln!(file, "{},{}", user_id(user), life.kind.name)?;
        }
        Ok(())
    })
}

/// What each kind is like, so that people can read what was planted.
fn write_kinds(kinds: &[Kind], path: &Path) -> io::Result<()> {
    write_atomically(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(parameters(&kinds[0]).map(|(name, _)| name))?;
        for kind in kinds {
            writer.write_record(parameters(kind).map(|(_, value)| value))?;
        }
        writer.flush()
    })
}

fn parameters(kind: &Kind) -> [(&'static str, String); 19] {
    let number = |value: f64| format!("{value:.4}");
    [
        ("group", kind.name.to_owned()),
        ("share", number(kind.share)),
        ("visit", number(kind.visit)),
        ("views", number(kind.views)),
        ("cart", number(kind.cart)),
        ("order", number(kind.order)),
        ("share_event", number(kind.share_event)),
        ("open", number(kind.open)),
        ("extra_lines", number(kind.extra_lines)),
        ("price", number(kind.price)),
        ("discount", number(kind.discount)),
        ("sales", number(kind.sales)),
        ("gifts", number(kind.gifts)),
        ("leave", number(kind.leave)),
        ("leave_after_order", number(kind.leave_after_order)),
        ("channel", CHANNELS[kind.channel.0].to_owned()),
        ("channel_strength", number(kind.channel.1)),
        ("category", CATEGORIES[kind.category.0].0.to_owned()),
        ("category_strength", number(kind.category.1)),
    ]
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
