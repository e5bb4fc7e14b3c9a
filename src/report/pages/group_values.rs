//! What members of each group are worth, and how far that holds.

use super::group_amounts::{estimate, gmv, unit, with_interval};
use super::group_chain_checks::chain_checks;
use super::group_label::{GroupLabel, label_of};
use super::phrases::users;
use crate::app::GroupValues;
use crate::models::worth::{FollowedGroup, GroupInNumbers, GroupsWorth};
use crate::report::{Column, Document, Format, Table, Value, column, digits, words};
use crate::stats::resample::Interval;

/// Groups beyond which a matrix is wider than a terminal.
const MAX_MATRIX_GROUPS: usize = 12;

/// Steps to come that people see; of more, every second, third and so on.
const MAX_STEPS_TO_COME: usize = 16;

/// Values, moves, what came true, and what is to come.
pub fn group_values(found: &GroupValues) -> Document {
    let mut page = Document::default();
    let worth = &found.worth;
    let labels: Vec<GroupLabel> = found
        .names
        .iter()
        .enumerate()
        .map(|(place, name)| label_of(found.grouping, Some(name), place))
        .collect();
    let (n_users, base) = (worth.groups.iter().map(|it| it.n_users).sum(), worth.base);
    let (days, step, day) = (worth.ahead.horizon_days, worth.step_days, worth.now.date());
    let (unit, unit_zh) = unit(found.in_orders, worth.ahead.margin);
    page.fact("grouping", found.grouping.as_str());
    page.fact("now", day);
    page.fact("step_days", step);
    page.fact("horizon_days", days);
    page.fact("n_steps", worth.steps.0);
    page.fact("in_orders", Value::Flag(found.in_orders));
    page.fact("base", estimate(base));
    page.fact("n_trusted_steps", worth.n_trusted_steps);
    let (all, title) = (users(n_users), found.grouping.title());
    page.heading(words(
        format!("{}: what {} of {day} are worth in the {days} days to come", title.en, all.en),
        format!("{}：{day} 的{}在未来 {days} 天的价值", title.zh, all.zh),
    ));
    let (n_steps, first) = (worth.steps.0, worth.steps.1.date());
    let (by_model, by_model_zh) = match found.total_by_model.map(digits::whole) {
        Some(total) => (
            format!("; the model of value expects {total} of the same users"),
            format!("；价值模型对同一批用户的预期为 {total}"),
        ),
        None => Default::default(),
    };
    page.fact("total_by_model", found.total_by_model);
    page.paragraph(words(
        format!(
            "Together {} {unit}, with an interval for which users these are and not for what the \
             chain gets wrong{by_model}. Counted \
             over {n_steps} step{} of {step} days, which overlap, from {first} on, by one model at \
             all dates.",
            with_interval(base),
            if n_steps == 1 { "" } else { "s" },
        ),
        format!(
            "合计 {} {unit_zh}，区间只反映用户抽样，不含链本身的误差{by_model_zh}。\
             自 {first} 起统计 {n_steps} 个 {step} 天的步长（相互重叠），所有日期使用同一模型。",
            with_interval(base)
        ),
    ));
    group_warnings(&mut page, worth, &labels, found.in_orders);
    groups(&mut page, found, &labels);
    if labels.len() <= MAX_MATRIX_GROUPS {
        page.table(matrix(found, &labels));
        page.paragraph(words(
            "Of 100 users of a group, how many are in each a step later. Differences of worth are \
             the most that a move could bring, and not what it does bring: users who move differ \
             from those who stay.",
            "某组每 100 位用户一步之后各在哪一组。价值之差是一次移动至多能带来的，而非实际带来的：移动的用户与留下的用户本就不同。",
        ));
    }
    moves(&mut page, found, &labels);
    chain_checks(&mut page, found, &labels);
    to_come(&mut page, found, &labels);
    page
}

/// What speaks against relying on the chain.
pub(super) fn group_warnings(
    page: &mut Document,
    worth: &GroupsWorth,
    labels: &[GroupLabel],
    in_orders: bool,
) {
    if worth.is_off()
        && let Some(held_out) = &worth.held_out
    {
        let (unit, unit_zh) = unit(in_orders, 1.0);
        let (foretold, came) =
            (with_interval(held_out.amount), digits::whole(held_out.actual_amount));
        page.warning(words(
            format!(
                "the last step was foretold to bring {foretold} {unit}, and brought {came}: worth is \
                 off by as much, and more the farther ahead; rely on the order of groups"
            ),
            format!("最近一步预测 {foretold} {unit_zh}，实际 {came}：价值至少有同等偏差，越远越大；请只参考各组高低次序"),
        ));
    }
    if worth.is_worse_than_no_moves() {
        page.warning(words(
            "sizes of these groups were foretold worse than had nobody moved: who goes where says \
             little of them",
            "这些组的人数预测不如假设无人移动：移动规律对它们说明不了什么",
        ));
    }
    let off = labels.iter().zip(&worth.groups).filter_map(|(label, group)| {
        let followed = group.followed.filter(FollowedGroup::is_off)?;
        Some((&label.short, digits::percent(followed.ratio.0)))
    });
    let off: Vec<(String, String)> = off
        .map(|(short, ratio)| (format!("{} {ratio}", short.en), format!("{} {ratio}", short.zh)))
        .collect();
    if !off.is_empty() {
        let days = worth.n_followed_steps * worth.step_days as usize;
        let (en, zh): (Vec<String>, Vec<String>) = off.into_iter().unzip();
        page.warning(words(
            format!(
                "over {days} days members of some groups ordered another part of what the chain \
                 says: {}. Their worth is off by as much at least, in the same direction; clv, of \
                 each user, does not rest on the chain",
                en.join(", ")
            ),
            format!(
                "{days} 天内部分组的实际订单与链的预测之比：{}。其价值至少有同向同等的偏差；按用户的 clv 不依赖该链",
                zh.join("、")
            ),
        ));
    }
}

type Row<'a> = (&'a GroupLabel, &'a GroupInNumbers, Option<f64>);

/// Of a group that nobody was ever in, nothing is known.
fn seen<'a>(row: &Row<'a>) -> Option<&'a GroupInNumbers> {
    Some(row.1).filter(|it| it.n_seen > 0)
}

fn groups(page: &mut Document, found: &GroupValues, labels: &[GroupLabel]) {
    let step = found.worth.step_days;
    let rows = labels.iter().zip(&found.worth.groups).zip(&found.by_model);
    let rows: Vec<Row<'_>> =
        rows.map(|((label, group), by_model)| (label, group, *by_model)).collect();
    let next = |it: &&Row<'_>| match seen(it).and_then(|it| it.next) {
        Some((group, chance)) => {
            let short = &labels[group].short;
            let chance = format!("{:.0} %", chance * 100.0);
            Value::from(words(format!("{} {chance}", short.en), format!("{} {chance}", short.zh)))
        }
        None => Value::Missing,
    };
    let (gmv, gmv_zh) = gmv(found.in_orders);
    let amount = format!("{gmv} in\n{step} d");
    let amount_zh = format!("{step} 天\n{gmv_zh}");
    let half_width = |it: &&Row<'_>| match seen(it).map(|it| it.value) {
        Some((value, Some(Interval { low, high }))) if value != 0.0 => {
            Value::from(format!("±{:.0} %", (high - low) / 2.0 / value.abs() * 100.0))
        }
        _ => Value::Missing,
    };
    let columns: Vec<Column<'_, &Row<'_>>> = vec![
        column("id", ("", ""), Format::Text, |it: &&Row<'_>| it.0.label.clone()),
        column("group", ("Group", "组"), Format::Text, |it: &&Row<'_>| it.0.rest.clone()),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&Row<'_>| it.1.n_users),
        column("amount", ("", ""), Format::Short, |it: &&Row<'_>| {
            seen(it).map_or(Value::Missing, |it| estimate(it.amount))
        })
        .for_programs(),
        column("step", (&amount, &amount_zh), Format::Short, |it: &&Row<'_>| {
            seen(it).map(|it| it.amount.0)
        })
        .for_people(),
        column("value", ("", ""), Format::Short, |it: &&Row<'_>| {
            seen(it).map_or(Value::Missing, |it| estimate(it.value))
        })
        .for_programs(),
        column("worth", ("Worth", "价值"), Format::Short, |it: &&Row<'_>| {
            seen(it).map(|it| it.value.0)
        })
        .for_people(),
        column("half_width", ("", ""), Format::Text, half_width).for_people(),
        column("by_model", ("By\nmodel", "价值\n模型"), Format::Short, |it: &&Row<'_>| it.2),
        column("stays", ("", ""), Format::Share, |it: &&Row<'_>| seen(it).map(|it| it.stays))
            .for_programs(),
        column("stay", ("Stay", "留下"), Format::Text, |it: &&Row<'_>| {
            seen(it).map(|it| format!("{:.0} %", it.stays * 100.0))
        })
        .for_people(),
        column("half_life_days", ("", ""), Format::Decimal(0), |it: &&Row<'_>| {
            seen(it).and_then(|it| it.half_life_days)
        })
        .for_programs(),
        column("next", ("", ""), Format::Text, |it: &&Row<'_>| {
            seen(it).and_then(|it| it.next).map(|(group, _)| labels[group].short.clone())
        })
        .for_programs(),
        column("next_chance", ("", ""), Format::Share, |it: &&Row<'_>| {
            seen(it).and_then(|it| it.next).map(|it| it.1)
        })
        .for_programs(),
        column("else_to", ("Else to", "否则去"), Format::Text, next).for_people(),
    ];
    page.table(Table::new("groups", &rows, &columns));
    page.paragraph(words(
        "Worth: what one user brings, ± half the width of an interval of 95 % over users; it \
         knows no season and no change of habits. By model: the mean of clv of the same users, which is of each \
         user and not of their group.",
        "价值：每位用户带来的金额，± 为以用户为单位的 95% 区间半宽；不含季节与习惯变化。价值模型：同一批用户 clv 的均值，按用户而非按组预测。",
    ));
}

/// Percent of each group's users who are in each a step later.
fn matrix(found: &GroupValues, labels: &[GroupLabel]) -> Table {
    let chances = &found.worth.chain.chances;
    let from =
        column("id", ("% to", "% 到"), Format::Text, |from: &usize| labels[*from].short.clone());
    let to = (0..labels.len()).map(|to| {
        let label = &labels[to].label;
        column(label.clone(), (label, label), Format::Decimal(0), move |from: &usize| {
            chances[[*from, to]] * 100.0
        })
    });
    let columns: Vec<Column<'_, usize>> = std::iter::once(from).chain(to).collect();
    Table::new("chances", 0..labels.len(), &columns).for_people()
}

/// All pairs of groups, for programs.
fn moves(page: &mut Document, found: &GroupValues, labels: &[GroupLabel]) {
    let (worth, n) = (&found.worth, labels.len());
    let pairs = (0..n).flat_map(|from| (0..n).map(move |to| (from, to)));
    let columns = [
        column("from", ("", ""), Format::Text, |it: &(usize, usize)| labels[it.0].name.clone()),
        column("to", ("", ""), Format::Text, |it: &(usize, usize)| labels[it.1].name.clone()),
        column("chance", ("", ""), Format::Decimal(6), |it: &(usize, usize)| {
            worth.chain.chances[[it.0, it.1]]
        }),
        column("difference", ("", ""), Format::Decimal(4), |it: &(usize, usize)| {
            worth.groups[it.1].value.0 - worth.groups[it.0].value.0
        }),
    ];
    page.table(Table::new("moves", pairs, &columns).for_programs());
}

/// Users and amounts of the steps to come.
fn to_come(page: &mut Document, found: &GroupValues, labels: &[GroupLabel]) {
    let worth = &found.worth;
    let (without, with) = (&worth.projected, &worth.projected_with_newcomers);
    let chain = &worth.chain;
    let step_days = u64::from(worth.step_days);
    let (gmv, gmv_zh) = gmv(found.in_orders);
    let (theirs, theirs_zh) = (format!("Their\n{gmv}"), format!("其\n{gmv_zh}"));
    let columns = [
        column("from", ("From", "自"), Format::Text, |step: &usize| {
            let days = chrono::Days::new(step_days * *step as u64);
            worth.now.checked_add_days(days).map(|it| it.date())
        }),
        column("users", ("Users of\nnow", "现有\n用户"), Format::Money, |step: &usize| {
            without.users(*step)
        }),
        column("amount", (&theirs, &theirs_zh), Format::Money, |step: &usize| {
            without.amount(*step, chain)
        }),
        column(
            "users_with_newcomers",
            ("With who\njoins", "含新\n用户"),
            Format::Money,
            |step: &usize| with.users(*step),
        ),
        column("amount_with_newcomers", (&theirs, &theirs_zh), Format::Money, |step: &usize| {
            with.amount(*step, chain)
        }),
    ];
    let n_steps = without.n_steps();
    page.table(Table::new("steps_to_come", 0..n_steps, &columns).for_programs());
    let every = n_steps.div_ceil(MAX_STEPS_TO_COME).max(1);
    page.table(Table::new("steps_to_come", (0..n_steps).step_by(every), &columns).for_people());
    page.paragraph(words(
        "With who joins: at every step as many as joined in the last one, by the group they ended \
         it in.",
        "含新用户：每一步的新增人数取最近一步的人数及其所在组。",
    ));
    let pairs = (0..=n_steps).flat_map(|step| (0..labels.len()).map(move |group| (step, group)));
    let columns = [
        column("step", ("", ""), Format::Count, |it: &(usize, usize)| it.0),
        column("group", ("", ""), Format::Text, |it: &(usize, usize)| labels[it.1].name.clone()),
        column("users", ("", ""), Format::Decimal(2), |it: &(usize, usize)| {
            without.users_of(it.0, it.1)
        }),
        column("users_with_newcomers", ("", ""), Format::Decimal(2), |it: &(usize, usize)| {
            with.users_of(it.0, it.1)
        }),
    ];
    page.table(Table::new("sizes_to_come", pairs, &columns).for_programs());
}
