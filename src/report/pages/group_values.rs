//! What members of each group are worth, and how far that holds.

use super::group_label::{GroupLabel, label_of};
use super::phrases::users;
use crate::app::GroupValues;
use crate::dataset::{Bilingual, Language};
use crate::models::worth::{
    GroupInNumbers, GroupsWorth, HeldOutGroup, HeldOutStep, StepsAhead, TRUSTED_ERROR,
};
use crate::report::{Column, Document, Format, Table, Value, column, digits, words};
use crate::stats::resample::Interval;

/// Groups beyond which a matrix is wider than a terminal.
const MAX_MATRIX_GROUPS: usize = 12;

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
    let by_model = found.total_by_model.map_or("–".to_owned(), digits::whole);
    page.fact("total_by_model", found.total_by_model);
    page.paragraph(words(
        format!(
            "Together {} {unit}, with an interval for which users these are and not for what the \
             chain gets wrong; the model of value expects {by_model} of the same users. Counted \
             over {n_steps} step{} of {step} days, which overlap, from {first} on, by one model at \
             all dates.",
            with_interval(base),
            if n_steps == 1 { "" } else { "s" },
        ),
        format!(
            "合计 {} {unit_zh}，区间只反映用户抽样，不含链本身的误差；价值模型对同一批用户的预期为 {by_model}。\
             自 {first} 起统计 {n_steps} 个 {step} 天的步长（相互重叠），所有日期使用同一模型。",
            with_interval(base)
        ),
    ));
    group_warnings(&mut page, worth, found.in_orders);
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
    memory(&mut page, found);
    if let Some(held_out) = &worth.held_out {
        came_true(&mut page, held_out, &labels, step, found.in_orders);
    }
    trusted(&mut page, found);
    to_come(&mut page, found, &labels);
    page
}

/// What amounts are in.
pub(super) fn unit(in_orders: bool, margin: f64) -> (&'static str, &'static str) {
    match (in_orders, margin == 1.0) {
        (true, _) => ("orders", "单"),
        (false, true) => ("of GMV", "GMV"),
        (false, false) => ("of GMV × margin", "GMV × 毛利率"),
    }
}

pub(super) fn estimate((value, interval): (f64, Option<Interval>)) -> Value {
    Value::Estimate(value, interval.map(|it| (it.low, it.high)))
}

/// 12,345 (11,111…13,333)
pub(super) fn with_interval(of: (f64, Option<Interval>)) -> String {
    digits::cell(&estimate(of), Format::Short, Language::English)
}

/// What speaks against relying on the chain.
pub(super) fn group_warnings(page: &mut Document, worth: &GroupsWorth, in_orders: bool) {
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
}

/// The head of a column of amounts.
fn gmv(in_orders: bool) -> (&'static str, &'static str) {
    if in_orders { ("Orders", "订单") } else { ("GMV", "GMV") }
}

type Row<'a> = (&'a GroupLabel, &'a GroupInNumbers, Option<f64>);

fn groups(page: &mut Document, found: &GroupValues, labels: &[GroupLabel]) {
    let step = found.worth.step_days;
    let rows = labels.iter().zip(&found.worth.groups).zip(&found.by_model);
    let rows: Vec<Row<'_>> =
        rows.map(|((label, group), by_model)| (label, group, *by_model)).collect();
    let next = |it: &&Row<'_>| match it.1.next {
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
    let half_width = |it: &&Row<'_>| match it.1.value {
        (value, Some(Interval { low, high })) if value != 0.0 => {
            Value::from(format!("±{:.0} %", (high - low) / 2.0 / value.abs() * 100.0))
        }
        _ => Value::Missing,
    };
    let columns: Vec<Column<'_, &Row<'_>>> = vec![
        column("id", ("", ""), Format::Text, |it: &&Row<'_>| it.0.label.clone()),
        column("group", ("Group", "组"), Format::Text, |it: &&Row<'_>| it.0.rest.clone()),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&Row<'_>| it.1.n_users),
        column("amount", ("", ""), Format::Short, |it: &&Row<'_>| estimate(it.1.amount))
            .for_programs(),
        column("step", (&amount, &amount_zh), Format::Short, |it: &&Row<'_>| it.1.amount.0)
            .for_people(),
        column("value", ("", ""), Format::Short, |it: &&Row<'_>| estimate(it.1.value))
            .for_programs(),
        column("worth", ("Worth", "价值"), Format::Short, |it: &&Row<'_>| it.1.value.0)
            .for_people(),
        column("half_width", ("", ""), Format::Text, half_width).for_people(),
        column("by_model", ("By\nmodel", "价值\n模型"), Format::Short, |it: &&Row<'_>| it.2),
        column("stays", ("", ""), Format::Share, |it: &&Row<'_>| it.1.stays).for_programs(),
        column("stay", ("Stay", "留下"), Format::Text, |it: &&Row<'_>| {
            format!("{:.0} %", it.1.stays * 100.0)
        })
        .for_people(),
        column("half_life_days", ("", ""), Format::Decimal(0), |it: &&Row<'_>| it.1.half_life_days)
            .for_programs(),
        column("next", ("", ""), Format::Text, |it: &&Row<'_>| {
            it.1.next.map(|(group, _)| labels[group].short.clone())
        })
        .for_programs(),
        column("next_chance", ("", ""), Format::Share, |it: &&Row<'_>| it.1.next.map(|it| it.1))
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

/// Whether where users came from matters.
fn memory(page: &mut Document, found: &GroupValues) {
    let Some(memory) = found.worth.memory else {
        page.paragraph(words(
            "Whether where users came from matters as well cannot be tested: no two steps follow \
             each other.",
            "无法检验此前所在的组是否也有影响：没有前后相接的两个步长。",
        ));
        return;
    };
    page.fact("memory_chi_squared", memory.chi_squared);
    page.fact("memory_degrees_of_freedom", memory.degrees_of_freedom);
    page.fact("memory_p_value", memory.p_value);
    page.fact("memory_strength", memory.strength);
    let strength = format!("{:.2}", memory.strength);
    page.paragraph(match memory.p_value < 0.05 {
        true => words(
            format!(
                "Where users came from matters beside where they are (χ² test, p {}; Cramér's V \
                 {strength}, of 0 to 1): two users of a group with different pasts go on \
                 differently, and far steps drift.",
                p_value(memory.p_value)
            ),
            format!(
                "除所在组外，此前所在的组也有影响（χ² 检验 p {}；Cramér's V {strength}，范围 0 到 1）：\
                 同组而来处不同的用户走向不同，步数越远偏差越大。",
                p_value(memory.p_value)
            ),
        ),
        false => words(
            format!(
                "No sign that where users came from matters beside where they are (χ² test, p {}).",
                p_value(memory.p_value)
            ),
            format!("未见此前所在的组有影响（χ² 检验 p {}）。", p_value(memory.p_value)),
        ),
    });
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "< .001".to_owned() } else { format!("= {p:.3}") }
}

/// The last step, as those before it foretold it.
fn came_true(
    page: &mut Document,
    held_out: &HeldOutStep,
    labels: &[GroupLabel],
    step: u32,
    in_orders: bool,
) {
    let from = held_out.from.date();
    let (unit, unit_zh) = unit(in_orders, 1.0);
    let mut section = Document::default();
    section.fact("from", from);
    section.fact("amount", estimate(held_out.amount));
    section.fact("actual_amount", held_out.actual_amount);
    section.fact("newcomers", held_out.newcomers.0);
    section.fact("actual_newcomers", held_out.newcomers.1);
    type Row<'a> = (&'a GroupLabel, &'a HeldOutGroup);
    let (gmv, gmv_zh) = gmv(in_orders);
    let (foretold, foretold_zh) = (format!("{gmv}\nforetold"), format!("预测\n{gmv_zh}"));
    let (came, came_zh) = (format!("{gmv}\ncame"), format!("实际\n{gmv_zh}"));
    let rows: Vec<Row<'_>> = labels.iter().zip(&held_out.groups).collect();
    let columns = [
        column("id", ("", ""), Format::Text, |it: &&Row<'_>| it.0.short.clone()),
        column("n_before", ("Before", "之前"), Format::Count, |it: &&Row<'_>| it.1.n_before),
        column("expected_users", ("Foretold", "预测"), Format::Money, |it: &&Row<'_>| {
            it.1.expected_users
        }),
        column("actual_users", ("Came", "实际"), Format::Count, |it: &&Row<'_>| {
            it.1.actual_users
        }),
        column("expected_amount", (&foretold, &foretold_zh), Format::Money, |it: &&Row<'_>| {
            it.1.expected_amount
        }),
        column("actual_amount", (&came, &came_zh), Format::Money, |it: &&Row<'_>| {
            it.1.actual_amount
        }),
    ];
    section.table(Table::new("groups", &rows, &columns));
    let percent = match held_out.actual_amount > 0.0 {
        true => format!("{:+.1} %", (held_out.amount.0 / held_out.actual_amount - 1.0) * 100.0),
        false => "–".to_owned(),
    };
    let (foretold, actual) =
        (with_interval(held_out.amount), digits::whole(held_out.actual_amount));
    let newcomers = digits::whole(held_out.newcomers.0);
    let joined = digits::count(held_out.newcomers.1 as u64);
    section.paragraph(words(
        format!(
            "Foretold {foretold} {unit}, came {actual}: {percent}. {joined} users joined, \
             {newcomers} in the step before."
        ),
        format!("预测 {foretold} {unit_zh}，实际 {actual}：{percent}。新加入 {joined} 人，前一步 {newcomers} 人。"),
    ));
    page.section(
        "held_out",
        Some(words(
            format!("The {step} days from {from} on, foretold by the steps before"),
            format!("用之前的步长预测 {from} 起的 {step} 天"),
        )),
        section,
    );
}

/// How far ahead sizes came true.
fn trusted(page: &mut Document, found: &GroupValues) {
    let worth = &found.worth;
    if worth.steps_ahead.is_empty() {
        page.paragraph(words(
            "How far ahead this may be trusted is unknown: there is no step to hold out.",
            "能预测多远尚不可知：没有可以留出的步长。",
        ));
        return;
    }
    let step = worth.step_days;
    let columns = [
        column("n_steps", ("Steps\nahead", "步数"), Format::Count, |it: &&StepsAhead| it.n_steps),
        column("days", ("Days", "天数"), Format::Count, move |it: &&StepsAhead| {
            it.n_steps * step as usize
        }),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&StepsAhead| it.n_users),
        column(
            "error",
            ("In the wrong\ngroup", "组别\n错误"),
            Format::Share,
            |it: &&StepsAhead| it.error,
        ),
        column(
            "error_if_nobody_moved",
            ("If nobody\nmoved", "假设\n不动"),
            Format::Share,
            |it: &&StepsAhead| it.error_if_nobody_moved,
        ),
    ];
    page.table(Table::new("steps_ahead", &worth.steps_ahead, &columns));
    let (trusted, ahead) = (worth.n_trusted_steps, worth.ahead.horizon_days);
    let limit = digits::percent(TRUSTED_ERROR);
    let sentence = |far: Bilingual| {
        words(
            format!("Sizes of groups now, foretold from so many steps before. {}", far.en),
            format!("从若干步之前预测现在各组人数。{}", far.zh),
        )
    };
    let n_days = trusted * step as usize;
    let seen = worth.steps_ahead.len();
    page.paragraph(sentence(match (trusted, trusted == seen) {
        (0, _) => words(
            format!(
                "Not even one step came true within {limit}: rely on the order of groups alone."
            ),
            format!("一步之内误差已超过 {limit}：只可参考各组的高低次序。"),
        ),
        (_, true) => words(
            format!(
                "They came true within {limit} for {n_days} days, as far as the history shows; \
                 worth looks {ahead} days ahead."
            ),
            format!("在历史所及的 {n_days} 天内误差不超过 {limit}；价值展望 {ahead} 天。"),
        ),
        (_, false) => words(
            format!(
                "They came true within {limit} for {n_days} days and not beyond; worth looks \
                 {ahead} days ahead."
            ),
            format!("{n_days} 天内误差不超过 {limit}，更远则否；价值展望 {ahead} 天。"),
        ),
    }));
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
    page.table(Table::new("steps_to_come", 0..n_steps, &columns));
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
