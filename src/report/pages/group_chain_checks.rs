//! How far the chain behind the worth of groups holds.

use super::group_amounts::{estimate, gmv, unit, with_interval};
use super::group_label::GroupLabel;
use crate::app::GroupValues;
use crate::dataset::Bilingual;
use crate::models::worth::{FollowedGroup, HeldOutGroup, HeldOutStep, StepsAhead, TRUSTED_ERROR};
use crate::report::{Document, Format, Table, column, digits, words};

/// Memory, what came of several steps, and what of the last one; how far ahead.
pub(super) fn chain_checks(page: &mut Document, found: &GroupValues, labels: &[GroupLabel]) {
    memory(page, found);
    followed(page, found, labels);
    if let Some(held_out) = &found.worth.held_out {
        came_true(page, held_out, labels, found.worth.step_days, found.in_orders);
    }
    trusted(page, found);
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

/// What members ordered over several steps, beside what the chain says.
fn followed(page: &mut Document, found: &GroupValues, labels: &[GroupLabel]) {
    let worth = &found.worth;
    if worth.n_followed_steps == 0 {
        return;
    }
    type Row<'a> = (&'a GroupLabel, FollowedGroup);
    let rows = labels.iter().zip(&worth.groups);
    let rows: Vec<Row<'_>> =
        rows.filter_map(|(label, group)| Some((label, group.followed?))).collect();
    let (gmv, gmv_zh) = gmv(found.in_orders);
    let days = worth.n_followed_steps * worth.step_days as usize;
    let (by_chain, by_chain_zh) = (format!("{gmv} by\nthe chain"), format!("链预测\n{gmv_zh}"));
    let (came, came_zh) = (format!("{gmv}\ncame"), format!("实际\n{gmv_zh}"));
    let columns = [
        column("id", ("", ""), Format::Text, |it: &&Row<'_>| it.0.short.clone()),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&Row<'_>| it.1.n_users),
        column("expected", (&by_chain, &by_chain_zh), Format::Short, |it: &&Row<'_>| it.1.expected),
        column("actual", (&came, &came_zh), Format::Short, |it: &&Row<'_>| it.1.actual),
        column(
            "ratio",
            ("Came by\nchain", "实际\n/ 链"),
            Format::Decimal(2),
            |it: &&Row<'_>| estimate(it.1.ratio),
        ),
    ];
    let mut section = Document::default();
    section.fact("days", days);
    section.table(Table::new("groups", &rows, &columns));
    section.paragraph(words(
        "Of one user, from all moments with as many days behind them; users count once for each. \
         The chain was fitted to the same steps: where the two are apart, users of a group go on \
         differently by where they came from.",
        "按人均，取其后有足够天数的所有时刻，用户在每个时刻各计一次。链也由这些步长拟合：两者不一致之处，说明同组用户因来处不同而走向不同。",
    ));
    page.section(
        "followed",
        Some(words(
            format!("{days} days of members of each group, beside what the chain says"),
            format!("各组用户 {days} 天的实际与链的预测"),
        )),
        section,
    );
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
            format!(
                "Sizes of groups now, foretold from so many steps before by what was known then. {}",
                far.en
            ),
            format!("从若干步之前、按当时所知预测现在各组人数。{}", far.zh),
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
