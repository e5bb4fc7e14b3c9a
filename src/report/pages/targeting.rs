//! What targetings would be worth.

use super::experiment_gates::gates;
use super::experiment_numbers::{by_error, signed};
use super::phrases::users;
use crate::app::{State, TargetingValues};
use crate::dataset::Bilingual;
use crate::experiment::{Gain, TargetingValue, Valued};
use crate::report::{Document, Format, Table, Value, column, digits, words};

/// Gates first, then what each targeting is worth at each budget.
pub fn targeting(found: &TargetingValues) -> Document {
    let mut page = Document::default();
    let (plan, all) = (&found.campaign.plan, users(found.n_users));
    page.fact("name", plan.name.as_str());
    page.fact("metric", found.metric.as_str());
    page.fact("n_users", found.n_users);
    page.fact("groupings", found.groupings.clone());
    page.heading(words(
        format!(
            "{}: `{}` of {}, had they been targeted by groups",
            plan.name, found.metric, all.en
        ),
        format!("{}：若按分组投放，{}的 `{}`", plan.name, all.zh, found.metric),
    ));
    if let Some(values) = &found.values {
        for_programs(&mut page, found, values);
    }
    gates(&mut page, &found.campaign);
    let Some(values) = &found.values else {
        if found.campaign.state == State::Read {
            page.warning(words(
                "no values: in one half of the users the control or all other arms have nobody whose \
                 window is over",
                "没有估值：某一半用户中，对照组或其他各组没有窗口已结束的用户",
            ));
        }
        return page;
    };
    for_people(&mut page, found, values);
    let level = digits::percent(1.0 - plan.alpha.get());
    page.paragraph(words(
        format!(
            "Each row contacts the same share of users by every targeting: groups in order of what \
             the best arm adds to them, learned on one half of the users and valued on the other. \
             Values are means a user by inverse-probability weighting (Hájek); differences are \
             paired on the same users, with intervals of {level} that allow for both halves to err \
             alike."
        ),
        format!(
            "每行各投放方式触达的用户占比相同：按最佳组别带来的增量为各分组排序，在一半用户上学习、在另一半上估值。\
             数值为逆概率加权（Hájek）的人均值；差异在同一批用户上成对计算，区间 {level}，并考虑两半同向出错的可能。"
        ),
    ));
    page
}

/// A targeting, its value, and what it is worth more than the first and than chance.
type Row<'a> = (f64, String, Valued, Option<Gain>, Option<Gain>);

fn rows<'a>(found: &'a TargetingValues, values: &'a [TargetingValue]) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for it in values {
        for (number, grouping) in found.groupings.iter().enumerate() {
            let over_others = number.checked_sub(1).map(|other| it.over_others[other]);
            let over_random = Some(it.over_random[number]);
            rows.push((it.budget, grouping.clone(), it.values[number], over_random, over_others));
        }
        rows.push((it.budget, "at random".to_owned(), it.at_random, None, None));
    }
    rows
}

fn for_programs(page: &mut Document, found: &TargetingValues, values: &[TargetingValue]) {
    let rows = rows(found, values);
    let gain = |it: Option<Gain>| {
        it.map_or(Value::Missing, |it| {
            Value::Estimate(it.difference, Some((it.interval.low, it.interval.high)))
        })
    };
    let number = Format::Decimal(6);
    let columns = [
        column("budget", ("", ""), Format::Share, |it: &&Row<'_>| it.0),
        column("targeting", ("", ""), Format::Text, |it: &&Row<'_>| it.1.clone()),
        column("value", ("", ""), number, |it: &&Row<'_>| it.2.value),
        column("standard_error", ("", ""), number, |it: &&Row<'_>| it.2.standard_error),
        column("over_random", ("", ""), number, move |it: &&Row<'_>| gain(it.3)),
        column("first_over_this", ("", ""), number, move |it: &&Row<'_>| gain(it.4)),
    ];
    page.table(Table::new("values", &rows, &columns).for_programs());
}

fn for_people(page: &mut Document, found: &TargetingValues, values: &[TargetingValue]) {
    let written = |it: &Gain| {
        let error = it.standard_error;
        let [value, low, high] =
            [it.difference, it.interval.low, it.interval.high].map(|value| signed(value, error));
        format!("{value} ({low}…{high})")
    };
    let mut columns = vec![column(
        "budget",
        ("Con-\ntacted", "触达\n占比"),
        Format::Share,
        |it: &&TargetingValue| it.budget,
    )];
    for (number, grouping) in found.groupings.iter().enumerate() {
        columns.push(column(
            format!("value_{number}"),
            (grouping, grouping),
            Format::Text,
            move |it: &&TargetingValue| {
                by_error(it.values[number].value, it.values[number].standard_error)
            },
        ));
    }
    columns.push(column(
        "at_random",
        ("At\nrandom", "随机"),
        Format::Text,
        |it: &&TargetingValue| by_error(it.at_random.value, it.at_random.standard_error),
    ));
    let first = found.groupings.first().cloned().unwrap_or_default();
    for (number, other) in found.groupings.iter().enumerate().skip(1) {
        let title =
            Bilingual::new(format!("{first} over {other}"), format!("{first} 超出 {other}"));
        columns.push(column(
            format!("gain_{number}"),
            (&title.en, &title.zh),
            Format::Text,
            move |it: &&TargetingValue| written(&it.over_others[number - 1]),
        ));
    }
    page.table(Table::new("by_budget", values, &columns).for_people());
}
