//! What moves each group.

use super::groups::name;
use super::phrases::users;
use crate::app::{Figure, GroupMoves, Lever, MIN_USERS, Moves};
use crate::dataset::Bilingual;
use crate::report::{Column, Document, Format, Table, Value, column, digits, words};

/// A group with its figures and a line to start a playbook from; all figures of all
/// groups in one table where programs read.
pub fn moves(found: &Moves) -> Document {
    let mut page = Document::default();
    let (grouping, as_of) = (found.grouping.title(), found.as_of.date());
    let all = users(found.all.n_users);
    page.fact("grouping", found.grouping.as_str());
    page.fact("as_of", as_of);
    page.fact("n_users", found.all.n_users);
    page.fact("min_users", MIN_USERS);
    page.heading(words(
        format!("{}: what moves {} as of {as_of}", grouping.en, all.en),
        format!("{}：什么能打动 {as_of} 的{}", grouping.zh, all.zh),
    ));
    let groups = std::iter::once(&found.all).chain(&found.groups);
    let rows = groups.flat_map(|group| group.figures.iter().map(move |it| (group, it)));
    page.table(Table::new("figures", rows, &for_programs()).for_programs());
    page.table(Table::new("suggestions", &found.groups, &suggestions()).for_programs());
    absent(&mut page, &found.all);
    if !found.all.figures.is_empty() {
        card(&mut page, &found.all);
        for group in found.groups.iter().filter(|group| group.n_users > 0) {
            card(&mut page, group);
            page.paragraph(group.suggestion.clone());
        }
        definitions(&mut page);
    }
    page
}

type Row<'a> = (&'a GroupMoves, &'a Figure);

fn for_programs<'a>() -> [Column<'static, Row<'a>>; 9] {
    [
        column("group", ("", ""), Format::Text, |it: &Row<'_>| name(&it.0.group)),
        column("figure", ("", ""), Format::Text, |it: &Row<'_>| code(it.1.lever)),
        column("event", ("", ""), Format::Text, |it: &Row<'_>| it.1.event.clone()),
        column("of", ("", ""), Format::Text, |it: &Row<'_>| it.1.of.clone()),
        column("value", ("", ""), Format::Decimal(4), |it: &Row<'_>| estimate(it.1)),
        column("all_users", ("", ""), Format::Decimal(4), |it: &Row<'_>| it.1.of_all),
        column("lift", ("", ""), Format::Decimal(4), |it: &Row<'_>| it.1.lift),
        column("n_users", ("", ""), Format::Count, |it: &Row<'_>| it.1.n_users),
        column("is_clear", ("", ""), Format::Text, |it: &Row<'_>| it.1.is_clear),
    ]
}

fn suggestions<'a>() -> [Column<'static, &'a GroupMoves>; 4] {
    [
        column("group", ("", ""), Format::Text, |it: &&GroupMoves| name(&it.group)),
        column("n_users", ("", ""), Format::Count, |it: &&GroupMoves| it.n_users),
        column("suggestion", ("", ""), Format::Text, |it: &&GroupMoves| it.suggestion.en.clone()),
        column("suggestion_zh", ("", ""), Format::Text, |it: &&GroupMoves| {
            it.suggestion.zh.clone()
        }),
    ]
}

fn estimate(figure: &Figure) -> Value {
    let interval = figure.interval.map(|it| (it.low, it.high));
    figure.value.map_or(Value::Missing, |value| Value::Estimate(value, interval))
}

fn code(lever: Lever) -> &'static str {
    match lever {
        Lever::ResponseRate => "response_rate",
        Lever::DiscountedShare => "discounted_share",
        Lever::DiscountDepth => "depth_of_discount",
        Lever::DiscountValueRatio => "discount_value_ratio",
        Lever::DiscountUnitsRatio => "discount_units_ratio",
        Lever::BestHours => "best_hours",
        Lever::NextCategory => "next_category",
    }
}

/// One group as people read it: of next categories, the most frequent.
fn card(page: &mut Document, group: &GroupMoves) {
    let (title, n_users) = (name(&group.group), users(group.n_users));
    page.heading(words(
        format!("{}: {}", title.en, n_users.en),
        format!("{}：{}", title.zh, n_users.zh),
    ));
    let mut has_next = false;
    let shown = group.figures.iter().filter(|figure| {
        figure.lever != Lever::NextCategory || !std::mem::replace(&mut has_next, true)
    });
    let columns = [
        column("figure", ("", ""), Format::Text, |it: &&Figure| label(it)),
        column("value", ("Value", "数值"), Format::Text, |it: &&Figure| shown_value(it)),
        column("all_users", ("All", "全部"), Format::Text, |it: &&Figure| {
            it.of_all.map(|value| shown_number(it.lever, value))
        }),
        column("lift", ("Lift", "提升"), Format::Decimal(2), |it: &&Figure| it.lift),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&Figure| it.n_users),
    ];
    page.table(Table::new("card", shown, &columns).for_people());
}

fn label(figure: &Figure) -> Bilingual {
    let of = figure.of.clone().unwrap_or_default();
    match figure.lever {
        Lever::ResponseRate => {
            let event = figure.event.as_deref().unwrap_or_default();
            match &figure.of {
                Some(of) => words(format!("{event} on {}", of.en), format!("{event}（{}）", of.zh)),
                None => Bilingual::same(event),
            }
        }
        Lever::DiscountedShare => words("orders discounted", "折扣订单占比"),
        Lever::DiscountDepth => words("depth of discounts", "折扣深度"),
        Lever::DiscountValueRatio => words("basket with / without discount", "客单价：有/无折扣"),
        Lever::DiscountUnitsRatio => words("units with / without discount", "件数：有/无折扣"),
        Lever::BestHours => words(format!("best hours {}", of.en), format!("最佳时段 {}", of.zh)),
        Lever::NextCategory => {
            words(format!("next category: {}", of.en), format!("下一品类：{}", of.zh))
        }
    }
}

fn shown_number(lever: Lever, value: f64) -> String {
    match lever {
        Lever::DiscountValueRatio | Lever::DiscountUnitsRatio => format!("{value:.2}"),
        _ => digits::percent(value),
    }
}

/// With its interval, or why there is none.
fn shown_value(figure: &Figure) -> Bilingual {
    match (figure.value, figure.interval) {
        (Some(value), Some(interval)) => {
            let [value, low, high] =
                [value, interval.low, interval.high].map(|it| shown_number(figure.lever, it));
            Bilingual::same(format!("{value} ({low}…{high})"))
        }
        _ if figure.n_users >= MIN_USERS => words("no clear hour", "无明显时段"),
        _ => words("too few users", "用户太少"),
    }
}

/// What the data does not show at all.
fn absent(page: &mut Document, all: &GroupMoves) {
    let sections = [
        (
            Lever::ResponseRate,
            "No response rates: the data has no outbound events with answers ([events] outbound \
             and response).",
            "没有响应率：数据中没有带回应的外发事件（[events] outbound 与 response）。",
        ),
        (
            Lever::DiscountedShare,
            "Nothing on discounts: no order has one.",
            "没有折扣数据：没有订单带折扣。",
        ),
        (
            Lever::BestHours,
            "No best hours: events bear no times of day that tell hours apart.",
            "没有最佳时段：事件没有可区分的时刻。",
        ),
        (
            Lever::NextCategory,
            "No next categories: nobody goes from one category to another.",
            "没有下一品类：没有用户从一个品类转到另一个品类。",
        ),
    ];
    for (lever, en, zh) in sections {
        if !all.figures.iter().any(|figure| figure.lever == lever) {
            page.paragraph(words(en, zh));
        }
    }
}

fn definitions(page: &mut Document) {
    page.heading(words("How to read this", "如何阅读"));
    page.paragraph(words(
        format!(
            "Intervals are of 95 % over users; below {MIN_USERS} users nothing is said. A line \
             says only what differs from all users by a fifth or more, beyond an interval of \
             99.5 %. Figures are of the \
             past of who is in a group now; a group that was formed by what a figure measures \
             will come closer to all users."
        ),
        format!(
            "区间为按用户计的 95 % 区间；少于 {MIN_USERS} 位用户则不作结论。建议只写与全部用户\
             相差两成以上、且超出 99.5 % 区间的内容。数值描述现有成员的过去；若某组正是按该指标形成的，其数值今后会向\
             全部用户靠拢。"
        ),
    ));
    page.paragraph(words(
        "Response: share of outbound events answered before the next on the channel. Discounts: \
         a user's orders with one against the same user's without, at full price; not causal, \
         since whoever wants more may wait for a discount. Best hours: chosen on half of the \
         users, measured on the other; answers follow the hours at which you write. Lift: \
         the share by that of all users. Next category: among \
         orders that follow one of another category.",
        "响应率：同渠道下一条消息之前得到回应的外发事件占比。折扣：同一用户有折扣与无折扣订单之比\
         （按原价）；不代表因果，想多买的人可能会等折扣。最佳时段：在一半用户上选出，在另一半上测量；\
         回应时间取决于发送时间。提升：占比与全部用户的占比之比。下一品类：在换\
         品类的订单中的占比。",
    ));
}
