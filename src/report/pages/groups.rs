//! What became of the users of each group.

use super::phrases::layer_name;
use super::phrases::users;
use crate::app::{GroupOutcome, GroupedOutcomes, Grouping};
use crate::dataset::Bilingual;
use crate::models::rules::GroupName;
use crate::models::segmentation::Partition;
use crate::report::{Column, Document, Format, Table, column, words};

/// A group by its name in each language.
pub(super) fn name(group: &GroupName) -> Bilingual {
    let zh = group.name_zh.as_ref().unwrap_or(&group.name);
    layer_name(&group.name, zh)
}

/// A group of a grouping.
type Row<'a> = (Grouping, &'a GroupOutcome);

/// Every grouping of the holdout, one table each; one for all where programs read.
pub fn group_outcomes(found: &[GroupedOutcomes]) -> Document {
    let mut page = Document::default();
    if let Some(first) = found.first() {
        let (users, day, days) =
            (users(first.all.n_users), first.holdout.date(), first.horizon_days);
        page.fact("n_users", first.all.n_users);
        page.fact("holdout", day);
        page.fact("horizon_days", days);
        page.fact("gmv", first.all.gmv);
        page.heading(words(
            format!("{} as of {day}, and what they did in the {days} days after", users.en),
            format!("{day} 的{}，及其后 {days} 天的表现", users.zh),
        ));
    }
    page.table(
        Table::new(
            "groups",
            found.iter().flat_map(rows),
            &columns(Grouping::Groups(Partition::Layers)),
        )
        .for_programs(),
    );
    for grouping in found {
        let seen = rows(grouping).filter(|(_, group)| group.n_users > 0);
        let all = std::iter::once((grouping.grouping, &grouping.all));
        let table = Table::new("groups", seen.chain(all), &columns(grouping.grouping));
        page.table(table.for_people());
    }
    page.paragraph(words(
        "No order: share of the users without an order in these days. Churn: share of the \
         eligible users who churned by the rule of [churn].",
        "未下单：这些天内没有下单的用户占比。流失率：符合条件的用户中按 [churn] 规则流失的占比。",
    ));
    if found.iter().any(|it| it.grouping == Grouping::KindTiers) {
        page.paragraph(words(
            "A kind is how users shopped up to that day, a tier what is predicted of the days \
             after: users of a kind that is called high-value may be expected to spend little.",
            "类型是用户截至当日的购物方式，价值档是对其后的预测：名为高价值的类型中，也有预计花费不多的用户。",
        ));
    }
    page
}

fn rows(grouping: &GroupedOutcomes) -> impl Iterator<Item = Row<'_>> {
    grouping.groups.iter().map(|group| (grouping.grouping, group))
}

fn columns<'a>(grouping: Grouping) -> Vec<Column<'static, Row<'a>>> {
    let title = grouping.title();
    vec![
        column("grouping", ("", ""), Format::Text, |it: &Row<'_>| it.0.as_str()).for_programs(),
        column("group", (&title.en, &title.zh), Format::Text, |it: &Row<'_>| name(&it.1.group)),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &Row<'_>| it.1.n_users),
        column("share", ("Share", "占比"), Format::Share, |it: &Row<'_>| it.1.share),
        column("gmv", ("GMV", "GMV"), Format::Money, |it: &Row<'_>| it.1.gmv),
        column("gmv_per_user", ("", ""), Format::Decimal(2), |it: &Row<'_>| it.1.gmv_per_user)
            .for_programs(),
        column("gmv_share", ("of all", "占全部"), Format::Share, |it: &Row<'_>| it.1.gmv_share),
        column("no_order_rate", ("No order", "未下单"), Format::Share, |it: &Row<'_>| {
            it.1.no_order_rate
        }),
        column("churn_rate", ("Churn", "流失率"), Format::Share, |it: &Row<'_>| it.1.churn_rate),
    ]
}
