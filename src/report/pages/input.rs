use std::path::Path;

use crate::input::engine::MemoryUse;
use crate::input::source::{
    DayGap, DuplicateRows, EventCount, InputProfile, Rejection, SourceCounts,
};
use crate::report::pages::phrases::{listed, thousands, users};
use crate::report::{Document, Format, Table, column, words};

/// Event types that are named in words.
const N_EVENTS: usize = 8;

/// Runs of days without an event that are named, the longest first.
const N_GAPS: usize = 3;

/// What was read, kept and rejected. `quarantine` lists the rejected rows.
pub(super) fn input(profile: &InputProfile, quarantine: Option<&Path>) -> Document {
    let mut page = Document::default();
    let (first, last) = (profile.first_time.date(), profile.last_time.date());
    let (n_events, users) = (thousands(profile.n_events), users(profile.n_users as usize));
    page.heading(words(
        format!("{n_events} events of {} from {first} to {last}", users.en),
        format!("{first} 至 {last}，{}的 {n_events} 个事件", users.zh),
    ));
    page.fact("n_events", profile.n_events);
    page.fact("n_users", profile.n_users);
    page.fact("first_day", first);
    page.fact("last_day", last);
    page.fact("n_duplicates", profile.n_duplicates);
    page.fact("quarantine", quarantine);
    events_in_words(&mut page, &profile.events);
    for source in &profile.sources {
        rows_left(&mut page, source, quarantine);
    }
    duplicates(&mut page, profile);
    day_gaps(&mut page, &profile.gaps);
    page.table(events(&profile.events).for_programs());
    page.table(sources(&profile.sources).for_programs());
    page.table(rejected(&profile.sources).for_programs());
    page
}

fn events_in_words(page: &mut Document, events: &[EventCount]) {
    let counts = events.iter().take(N_EVENTS);
    let counts: Vec<String> =
        counts.map(|event| format!("{} {}", event.event, thousands(event.n_rows))).collect();
    let more = if events.len() > N_EVENTS { ", …" } else { "" };
    let text = counts.join(", ") + more;
    page.paragraph(words(text.clone(), text));
}

/// Rows of a source that are no events, filtered by the config or rejected.
fn rows_left(page: &mut Document, source: &SourceCounts, quarantine: Option<&Path>) {
    let label = &source.source;
    if source.n_filtered > 0 {
        let n = thousands(source.n_filtered);
        page.paragraph(words(
            format!("{label}: {n} rows filtered by `where`"),
            format!("{label}：`where` 过滤了 {n} 行"),
        ));
    }
    if source.n_rejected() == 0 {
        return;
    }
    let reasons = source.rejections.iter().map(|Rejection { reason, n_rows }| {
        let n = thousands(*n_rows);
        words(format!("{} {n}", reason.en), format!("{} {n}", reason.zh))
    });
    let reasons = listed(&reasons.collect::<Vec<_>>());
    let (n, n_rows) = (thousands(source.n_rejected()), thousands(source.n_rows));
    let list = quarantine.map(|file| file.display().to_string());
    page.paragraph(words(
        format!(
            "{label}: {n} of {n_rows} rows rejected ({}){}",
            reasons.en,
            list.as_ref().map_or(String::new(), |file| format!(", listed in {file}"))
        ),
        format!(
            "{label}：{n_rows} 行中有 {n} 行被拒绝（{}）{}",
            reasons.zh,
            list.map_or(String::new(), |file| format!("，列于 {file}"))
        ),
    ));
}

fn duplicates(page: &mut Document, profile: &InputProfile) {
    if profile.n_duplicates == 0 {
        return;
    }
    let n = thousands(profile.n_duplicates);
    let (en, zh) = match profile.duplicates {
        DuplicateRows::Drop => (" and were dropped", "，已删除"),
        _ => ("", ""),
    };
    page.paragraph(words(
        format!("{n} rows repeat another in every mapped column{en}"),
        format!("{n} 行在所有映射的列上与另一行重复{zh}"),
    ));
}

/// Days without any event, if there are any.
fn day_gaps(page: &mut Document, gaps: &[DayGap]) {
    if gaps.is_empty() {
        return;
    }
    let mut longest: Vec<&DayGap> = gaps.iter().collect();
    longest.sort_by_key(|gap| std::cmp::Reverse(gap.n_days));
    let n_days: i64 = gaps.iter().map(|gap| gap.n_days).sum();
    let named = |to: &str| {
        let runs = longest.iter().take(N_GAPS).map(|gap| match gap.n_days {
            1 => gap.from.to_string(),
            _ => format!("{}{to}{}", gap.from, gap.to),
        });
        let more = if longest.len() > N_GAPS { ", …" } else { "" };
        runs.collect::<Vec<_>>().join(", ") + more
    };
    let days = if n_days == 1 { "day" } else { "days" };
    page.paragraph(words(
        format!("{n_days} {days} without any event: {}", named(" to ")),
        format!("{n_days} 天没有任何事件：{}", named(" 至 ")),
    ));
}

fn events(events: &[EventCount]) -> Table {
    let columns = [
        column("event", ("Event", "事件"), Format::Text, |it: &&EventCount| it.event.clone()),
        column("n_rows", ("Rows", "行数"), Format::Count, |it: &&EventCount| it.n_rows),
        column("last_day", ("Last", "最后一天"), Format::Text, |it: &&EventCount| {
            it.last_time.date()
        }),
    ];
    Table::new("events", events, &columns)
}

fn sources(sources: &[SourceCounts]) -> Table {
    let columns = [
        column("source", ("Source", "来源"), Format::Text, |it: &&SourceCounts| {
            it.source.clone()
        }),
        column("n_rows", ("Rows", "行数"), Format::Count, |it: &&SourceCounts| it.n_rows),
        column("n_filtered", ("Filtered", "过滤"), Format::Count, |it: &&SourceCounts| {
            it.n_filtered
        }),
        column("n_rejected", ("Rejected", "拒绝"), Format::Count, |it: &&SourceCounts| {
            it.n_rejected()
        }),
    ];
    Table::new("sources", sources, &columns)
}

fn rejected(sources: &[SourceCounts]) -> Table {
    type Row<'a> = (&'a str, &'a Rejection);
    let rows = sources.iter().flat_map(|source| {
        source.rejections.iter().map(move |rejection| (source.source.as_str(), rejection))
    });
    let columns = [
        column("source", ("Source", "来源"), Format::Text, |it: &Row<'_>| it.0),
        column("reason", ("Reason", "原因"), Format::Text, |it: &Row<'_>| it.1.reason.clone()),
        column("n_rows", ("Rows", "行数"), Format::Count, |it: &Row<'_>| it.1.n_rows),
    ];
    Table::new("rejected", rows, &columns)
}

/// What the run took.
pub(super) fn memory(memory: &MemoryUse) -> Document {
    let mb = |bytes: u64| thousands(bytes.div_ceil(1 << 20));
    let mut page = Document::default();
    let peak = MemoryUse::peak_process_bytes();
    page.fact("peak_memory_bytes", peak);
    page.fact("peak_counted_bytes", memory.peak_counted_bytes);
    page.fact("spilled_bytes", memory.n_bytes_spilled);
    let mut parts = Vec::new();
    if let Some(bytes) = peak {
        let mb = mb(bytes);
        parts.push(words(format!("peak memory {mb} MB"), format!("内存峰值 {mb} MB")));
    }
    if let Some(limit) = memory.limit_bytes {
        let (used, limit) = (mb(memory.peak_counted_bytes), mb(limit));
        parts.push(words(
            format!("{used} of {limit} MB allowed for events, sorting and grouping"),
            format!("事件、排序和分组用了 {used} MB（上限 {limit} MB）"),
        ));
    }
    if memory.n_bytes_spilled > 0 {
        let mb = mb(memory.n_bytes_spilled);
        parts.push(words(format!("{mb} MB on disk"), format!("磁盘 {mb} MB")));
    }
    if !parts.is_empty() {
        page.paragraph(listed(&parts));
    }
    page
}
