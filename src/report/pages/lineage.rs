//! How layers came from those of the models before.

use super::phrases::{layer_name, listed, users};
use crate::bundle::{Generation, Lineage, LineageEntry, LineageGroup, Movement};
use crate::dataset::Bilingual;
use crate::models::segmentation::Partition;
use crate::report::{Document, Format, Table, Value, column, words};

/// What happened, and the groups that it happened to.
struct Change {
    kind: Value,
    name: Bilingual,
    layers: Vec<Bilingual>,
}

/// Kept, born, died, merged, split, each with the layers concerned.
fn changes(generation: &Generation) -> [Change; 5] {
    let with = |id: &str, (en, zh): (&str, &str), other: &Option<String>| match other {
        Some(other) => words(format!("{id} ({en} {other})"), format!("{id}（{zh} {other}）")),
        None => Bilingual::same(id),
    };
    let arrow = |from: &[String], into: &[String]| {
        Bilingual::same(format!("{} → {}", from.join(" + "), into.join(" + ")))
    };
    let one = std::slice::from_ref::<String>;
    let change = |code, en: &str, zh: &str, layers: Vec<Bilingual>| Change {
        kind: Value::code(code, en, zh),
        name: words(en, zh),
        layers,
    };
    let kept = generation.kept.iter().map(|it| Bilingual::same(it.id.clone()));
    let born = generation.born.iter().map(|it| with(&it.id, ("from", "来自"), &it.mostly_from));
    let died = generation.died.iter().map(|it| with(&it.id, ("now in", "现属"), &it.mostly_in));
    let merged = generation.merged.iter().map(|it| arrow(&it.from, one(&it.into)));
    let split = generation.split.iter().map(|it| arrow(one(&it.from), &it.into));
    [
        change("kept", "kept", "保留", kept.collect()),
        change("born", "born", "新生", born.collect()),
        change("died", "died", "消失", died.collect()),
        change("merged", "merged", "合并", merged.collect()),
        change("split", "split", "拆分", split.collect()),
    ]
}

/// What training reports of the layers' past: nothing for a first model.
pub(super) fn entry(entry: &LineageEntry) -> Document {
    let mut page = Document::default();
    warnings(&mut page, entry);
    page.fact("previous", entry.previous.clone());
    if let (Some(previous), Some(compared)) = (&entry.previous, &entry.compared) {
        let (users, day) = (users(compared.n_users), compared.on);
        page.heading(words(
            format!("Layers beside those of {previous}, by {} as of {day}", users.en),
            format!("与 {previous} 的分层对照，按 {day} 的 {}", users.zh),
        ));
        for (partition, [key, _]) in KEYS {
            page.table(changed(key, partition, entry.of.get(partition)));
        }
    } else if let Some(previous) = &entry.previous {
        page.heading(words(
            format!("The same model as {previous}: the same ids and names"),
            format!("与 {previous} 是同一个模型：编号和名称相同"),
        ));
    }
    for (partition, [_, key]) in KEYS {
        if let Some(movement) = &entry.of.get(partition).movement {
            page.table(moved(key, partition, movement));
        }
    }
    page
}

/// What programs call the tables of each partition: of changes, and of movement.
const KEYS: [(Partition, [&str; 2]); 2] = [
    (Partition::Layers, ["changes", "movement"]),
    (Partition::Kinds, ["kind_changes", "kind_movement"]),
];

fn changed(key: &'static str, partition: Partition, generation: &Generation) -> Table {
    let columns = [
        column("change", groups(partition), Format::Text, |it: &Change| it.kind.clone()),
        column("n_groups", ("", ""), Format::Count, |it: &Change| it.layers.len()),
        column("groups", ("", ""), Format::Text, |it: &Change| listed(&it.layers)),
    ];
    Table::new(key, changes(generation), &columns)
}

fn groups(partition: Partition) -> (&'static str, &'static str) {
    match partition {
        Partition::Layers => ("Layers", "分层"),
        Partition::Kinds => ("Kinds", "类型"),
    }
}

fn warnings(page: &mut Document, entry: &LineageEntry) {
    for text in &entry.warnings {
        page.warning(text.clone());
    }
}

fn moved(key: &'static str, partition: Partition, movement: &Movement) -> Table {
    type Row = (Value, usize);
    let stayed = match partition {
        Partition::Layers => ("stayed in their layer", "留在原分层"),
        Partition::Kinds => ("stayed in their kind", "留在原类型"),
    };
    let rows = [
        (Value::code("stayed", stayed.0, stayed.1), movement.stayed),
        (Value::code("moved", "moved themselves", "自己移动"), movement.user_moved),
        (Value::code("reassigned", "reassigned by the model", "被模型重新分配"), {
            movement.boundary_moved
        }),
        (Value::code("both", "both", "两者皆有"), movement.both),
    ];
    let days = format!("{} → {}", movement.from, movement.to);
    let n_all = movement.n_users.max(1) as f64;
    let columns = [
        column("movement", (&days, &days), Format::Text, |it: &Row| it.0.clone()),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &Row| it.1),
        column("share", ("Share", "占比"), Format::Share, |it: &Row| it.1 as f64 / n_all),
    ];
    Table::new(key, rows, &columns)
}

/// The whole history: a row for each bundle, and the layers of the last.
pub fn lineage(lineage: &Lineage) -> Document {
    let mut page = Document::default();
    let of = |partition| lineage.entries.iter().map(move |entry| (partition, entry));
    let all = Partition::ALL.into_iter().flat_map(of);
    page.table(bundles(Partition::Layers, all).for_programs());
    for partition in Partition::ALL {
        page.table(bundles(partition, of(partition)).for_people());
    }
    for entry in &lineage.entries {
        what_happened(&mut page, entry);
    }
    if let Some(last) = lineage.entries.last() {
        let bundle = &last.bundle;
        page.heading(words(
            format!("Layers and kinds of {bundle}"),
            format!("{bundle} 的分层与类型"),
        ));
        for partition in Partition::ALL {
            page.table(latest(partition, lineage, last));
        }
    }
    page.paragraph(words(
        "Of the users known at both dates: moved are those whose own behaviour led to another \
         group, reassigned those whom only the new model puts into another.",
        "均为两个日期都已知的用户中的占比。移动：因自身行为换了组。重新分配：只因新模型而换了组。",
    ));
    page
}

/// A bundle, and which of its groups are looked at.
type OfBundle<'a> = (Partition, &'a LineageEntry);

/// A row for each, under the title of `partition`.
fn bundles<'a>(partition: Partition, rows: impl Iterator<Item = OfBundle<'a>>) -> Table {
    let n = |at: usize| {
        move |(partition, it): &OfBundle<'_>| changes(it.of.get(*partition))[at].layers.len()
    };
    let share = |part: fn(&Movement) -> usize| {
        move |(partition, it): &OfBundle<'_>| {
            let of = |movement: &Movement| part(movement) as f64 / movement.n_users.max(1) as f64;
            it.of.get(*partition).movement.as_ref().map(of)
        }
    };
    let title = match partition {
        Partition::Layers => ("Layers of bundle", "模型包的分层"),
        Partition::Kinds => ("Kinds of bundle", "模型包的类型"),
    };
    let columns = [
        column("groups", ("", ""), Format::Text, |it: &OfBundle<'_>| it.0.many()).for_programs(),
        column("id", title, Format::Text, |it: &OfBundle<'_>| it.1.bundle.clone()),
        column("as_of", ("", ""), Format::Text, |it: &OfBundle<'_>| it.1.as_of).for_programs(),
        column("n_kept", ("Kept", "保留"), Format::Count, n(0)),
        column("n_born", ("Born", "新生"), Format::Count, n(1)),
        column("n_died", ("Died", "消失"), Format::Count, n(2)),
        column("n_merged", ("Merged", "合并"), Format::Count, n(3)),
        column("n_split", ("Split", "拆分"), Format::Count, n(4)),
        column("moved", ("Moved", "移动"), Format::Share, share(|it| it.user_moved)),
        column(
            "reassigned",
            ("Reas-\nsigned", "重新分配"),
            Format::Share,
            share(|it| it.boundary_moved),
        ),
    ];
    Table::new("bundles", rows, &columns)
}

/// What happened to the layers in a bundle, unless it is the first.
fn what_happened(page: &mut Document, entry: &LineageEntry) {
    if entry.previous.is_some() {
        let of_both = entry.of.iter().flat_map(|it| changes(it).into_iter().skip(1));
        for change in of_both.filter(|it| !it.layers.is_empty()) {
            let (bundle, layers) = (&entry.bundle, listed(&change.layers));
            page.paragraph(words(
                format!("{bundle}: {} {}", change.name.en, layers.en),
                format!("{bundle}：{} {}", change.name.zh, layers.zh),
            ));
        }
    }
    warnings(page, entry);
}

fn latest(partition: Partition, lineage: &Lineage, entry: &LineageEntry) -> Table {
    let columns = [
        column("id", ("", ""), Format::Text, |it: &&LineageGroup| it.identity.id.clone()),
        column("name", groups(partition), Format::Text, |it: &&LineageGroup| {
            layer_name(&it.identity.name, &it.identity.name_zh)
        }),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&LineageGroup| it.n_users),
        column("since", ("Since", "始于"), Format::Text, |it: &&LineageGroup| {
            lineage.first_with(&it.identity.id).map(|first| first.as_of)
        }),
    ];
    Table::new(partition.many(), &entry.of.get(partition).groups, &columns)
}
