//! Who went from which group to which.

use super::group_label::{GroupLabel, label_of};
use super::phrases::users;
use crate::app::{Flow, GroupAtBothDates, Migration};
use crate::dataset::Bilingual;
use crate::report::{Column, Document, Format, Table, Value, column, digits, words};

/// Groups beyond which a matrix is wider than a terminal.
const MAX_MATRIX_GROUPS: usize = 12;

/// Ways from group to group that text shows.
const N_MOVES: usize = 12;

/// Groups at both dates, the rates between them where they fit, and the moves of
/// most users.
pub fn migration(found: &Migration) -> Document {
    let mut page = Document::default();
    let (all, from, to) = (users(found.n_users), found.from.date(), found.to.date());
    let new = digits::count(found.n_new as u64);
    let stayed = found.stayed.map_or("–".into(), digits::percent);
    page.fact("grouping", found.grouping.as_str());
    page.fact("from", from);
    page.fact("to", to);
    page.fact("window_days", found.window_days);
    page.fact("n_users", found.n_users);
    page.fact("n_new", found.n_new);
    page.fact("stayed", found.stayed);
    let grouping = found.grouping.title();
    page.heading(words(
        format!("{}: {} as of {to}", grouping.en, all.en),
        format!("{}：{to} 的{}", grouping.zh, all.zh),
    ));
    page.paragraph(words(
        format!("{new} of them were not yet seen on {from}; {stayed} of the others stayed in their group"),
        format!("其中 {new} 人在 {from} 尚未出现；其余的人中 {stayed} 留在原组"),
    ));
    let ways = ways(found);
    page.table(flows(&ways, |group| group.name.clone()).for_programs());
    page.table(groups(found, |_| true).for_programs());
    page.table(groups(found, |group| group.n_before + group.n_after > 0).for_people());
    if found.groups.len() <= MAX_MATRIX_GROUPS {
        page.table(matrix(found));
    }
    moves(&mut page, &ways);
    let days = found.window_days;
    page.paragraph(words(
        format!(
            "GMV before and after: of the {days} days before each of the two dates. All pairs of \
             groups: --format json or csv."
        ),
        format!("前后 GMV：两个日期各自之前 {days} 天的。全部组对：--format json 或 csv。"),
    ));
    page
}

/// A group of the migration by its place; beyond the last is where users come from who were
/// not there.
fn label_in(found: &Migration, index: usize) -> GroupLabel {
    label_of(found.grouping, found.groups.get(index).map(|it| &it.group), index)
}

/// A way from a group to a group.
struct Way<'a> {
    from: GroupLabel,
    to: GroupLabel,
    is_move: bool,
    flow: &'a Flow,
}

/// All pairs of groups; flows come from each group in turn, and last from nowhere.
fn ways(found: &Migration) -> Vec<Way<'_>> {
    let n_groups = found.groups.len().max(1);
    let way = |(index, flow)| {
        let (from, to) = (index / n_groups, index % n_groups);
        Way { from: label_in(found, from), to: label_in(found, to), is_move: from != to, flow }
    };
    found.flows.iter().enumerate().map(way).collect()
}

fn flows<'a>(
    ways: impl IntoIterator<Item = &'a Way<'a>>,
    of: fn(&GroupLabel) -> Bilingual,
) -> Table {
    let columns: [Column<'_, &Way<'_>>; 8] = [
        column("from", ("From", "从"), Format::Text, move |it: &&Way<'_>| of(&it.from)),
        column("to", ("To", "到"), Format::Text, move |it: &&Way<'_>| of(&it.to)),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&Way<'_>| it.flow.n_users),
        column("rate", ("Rate", "比例"), Format::Share, |it: &&Way<'_>| it.flow.rate),
        column("gmv_before", ("GMV before", "之前 GMV"), Format::Money, |it: &&Way<'_>| {
            it.flow.gmv_before
        }),
        column("gmv_after", ("GMV after", "之后 GMV"), Format::Money, |it: &&Way<'_>| {
            it.flow.gmv_after
        }),
        column("gmv_per_user_before", ("", ""), Format::Decimal(2), |it: &&Way<'_>| {
            it.flow.gmv_per_user_before
        })
        .for_programs(),
        column("gmv_per_user_after", ("", ""), Format::Decimal(2), |it: &&Way<'_>| {
            it.flow.gmv_per_user_after
        })
        .for_programs(),
    ];
    Table::new("flows", ways, &columns)
}

/// Moves of most users, without those who stayed.
fn moves(page: &mut Document, ways: &[Way<'_>]) {
    let mut moves: Vec<&Way<'_>> =
        ways.iter().filter(|it| it.flow.n_users > 0 && it.is_move).collect();
    moves.sort_by_key(|it| std::cmp::Reverse(it.flow.n_users));
    let shown = moves.iter().copied().take(N_MOVES);
    page.table(flows(shown, |group| group.short.clone()).for_people());
    let more = moves.len().saturating_sub(N_MOVES);
    if more > 0 {
        page.paragraph(words(format!("… and {more} more"), format!("……以及另外 {more} 个")));
    }
}

fn groups(found: &Migration, is_shown: fn(&GroupAtBothDates) -> bool) -> Table {
    type Row<'a> = (GroupLabel, &'a GroupAtBothDates);
    let rows = found.groups.iter().enumerate();
    let rows = rows.filter(|(_, group)| is_shown(group));
    let columns = [
        column("id", ("", ""), Format::Text, |it: &Row<'_>| it.0.label.clone()),
        column("group", ("", ""), Format::Text, |it: &Row<'_>| it.0.name.clone()).for_programs(),
        column("name", ("Group", "组"), Format::Text, |it: &Row<'_>| it.0.rest.clone())
            .for_people(),
        column("n_before", ("Before", "之前"), Format::Count, |it: &Row<'_>| it.1.n_before),
        column("n_after", ("After", "之后"), Format::Count, |it: &Row<'_>| it.1.n_after),
        column("stayed", ("Stayed", "留下"), Format::Share, |it: &Row<'_>| it.1.stayed),
        column("gmv_before", ("GMV before", "之前 GMV"), Format::Money, |it: &Row<'_>| {
            it.1.gmv_before
        }),
        column("gmv_after", ("GMV after", "之后 GMV"), Format::Money, |it: &Row<'_>| {
            it.1.gmv_after
        }),
    ];
    Table::new("groups", rows.map(|(index, group)| (label_in(found, index), group)), &columns)
}

/// Percent of each group's users that went to each group, by label.
fn matrix(found: &Migration) -> Table {
    type Row<'a> = (GroupLabel, &'a [Flow]);
    let n_groups = found.groups.len();
    let rows = found.flows.chunks(n_groups.max(1)).enumerate();
    let rows = rows.map(|(index, flows)| (label_in(found, index), flows));
    let from = column("id", ("% to", "% 到"), Format::Text, |it: &Row<'_>| {
        match it.0.label == it.0.name.en {
            true => it.0.name.clone(),
            false => words(format!("from {}", it.0.label), format!("从 {}", it.0.label)),
        }
    });
    let to = (0..n_groups).map(|index| {
        let label = label_in(found, index).label;
        let rate = move |it: &Row<'_>| Value::from(it.1[index].rate.map(|rate| rate * 100.0));
        column(label.clone(), (&label, &label), Format::Decimal(0), rate)
    });
    let columns: Vec<Column<'_, Row<'_>>> = std::iter::once(from).chain(to).collect();
    Table::new("matrix", rows, &columns).for_people()
}
