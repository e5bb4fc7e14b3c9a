//! Plans of experiments, and who was assigned.

use std::path::Path;

use super::phrases::{thousands, users};
use crate::app::{AssignedUsers, PlanFile, Planned};
use crate::dataset::Bilingual;
use crate::experiment::{ExperimentPlan, MetricOutlook, Outlook};
use crate::report::{Document, Format, Table, column, digits, words};

/// A plan to begin with was written.
pub fn plan_written(file: &Path) -> Document {
    let mut page = Document::default();
    super::files::saved(&mut page, file);
    let file = file.display();
    page.paragraph(words(
        format!(
            "Edit it, then see what it can find: layercake-compare plan {file} --bundle FOLDER"
        ),
        format!("编辑后查看其能检验出什么：layercake-compare plan {file} --bundle FOLDER"),
    ));
    page
}

/// A plan: what it says, and what it can find.
pub fn experiment_plan(
    file: &PlanFile,
    planned: Option<&Planned>,
    seal: Option<&Path>,
) -> Document {
    let mut page = Document::default();
    let plan = &file.plan;
    facts(&mut page, plan);
    let metric = &plan.primary().name;
    let (start, end, last) = (plan.start, plan.end, plan.planned_end());
    page.heading(words(
        format!(
            "{}: users enter from {start} until before {end}; `{metric}` decides on {last}",
            plan.name
        ),
        format!("{}：用户自 {start} 起进入，至 {end} 前止；{last} 由 `{metric}` 判定", plan.name),
    ));
    let columns = [
        column("arm", ("Arm", "组别"), Format::Text, |it: &(&str, f64)| it.0.to_owned()),
        column("share", ("Share of users", "用户占比"), Format::Share, |it: &(&str, f64)| it.1),
    ];
    let held_out = plan.holdout.as_ref().map_or(0.0, |it| it.share.get());
    let taking_part = plan.coverage.get() * (1.0 - held_out);
    let arms = plan.arms.iter().map(|arm| (arm.name.as_str(), arm.weight.get() * taking_part));
    let holdout = plan.holdout.iter().map(|it| ("holdout", it.share.get()));
    let arms = Table::new("arms", arms.chain(holdout), &columns);
    page.table(arms.clone().for_people());
    if let Some(planned) = planned {
        outlook(&mut page, planned);
    }
    page.table(arms.for_programs());
    for deviation in file.deviations() {
        page.warning(changed(
            &deviation.key,
            deviation.sealed.as_deref(),
            deviation.now.as_deref(),
        ));
    }
    match seal {
        Some(seal) => {
            page.fact("seal", seal);
            let seal = seal.display();
            page.paragraph(words(format!("Sealed in {seal}."), format!("已封存于 {seal}。")));
            if planned.is_none() {
                page.warning(words(
                    "sealed without a look at data: whether its metrics are there is not checked",
                    "封存时未查看数据：指标是否存在未经检查",
                ));
            }
        }
        None if file.sealed.is_none() => page.paragraph(words(
            "Not sealed yet: --seal keeps the plan as it is, before the first user enters.",
            "尚未封存：在第一位用户进入前用 --seal 固定此计划。",
        )),
        None => {}
    }
    page
}

/// "metric.gmv.window_days was 14 and is 28"
pub(super) fn changed(key: &str, sealed: Option<&str>, now: Option<&str>) -> Bilingual {
    let (was, is) = (sealed.unwrap_or("–"), now.unwrap_or("–"));
    words(
        format!("changed since the plan was sealed: {key} was {was} and is {is}"),
        format!("封存后被更改：{key} 原为 {was}，现为 {is}"),
    )
}

fn facts(page: &mut Document, plan: &ExperimentPlan) {
    page.fact("name", plan.name.as_str());
    page.fact("start", plan.start);
    page.fact("end", plan.end);
    page.fact("planned_end", plan.planned_end());
    page.fact("alpha", plan.alpha.get());
    page.fact("power", plan.power.get());
    page.fact("looks", plan.looks.get());
    page.fact("n_star", plan.n_star.get());
}

fn outlook(page: &mut Document, planned: &Planned) {
    let Planned { plan, outlook, alternatives } = planned;
    let population = outlook.population;
    page.fact("n_users", population.n_users);
    page.fact("users_per_week", population.users_per_week);
    let all = users(population.n_users as usize);
    let weekly = population.users_per_week.map(digits::whole);
    let (joining, joining_zh) = match &weekly {
        Some(n) => (format!(", {n} more a week"), format!("，每周新增 {n} 位")),
        None => Default::default(),
    };
    page.heading(words(
        format!("What {}{joining} can show", all.en),
        format!("{}{joining_zh}能检验出什么", all.zh),
    ));
    page.table(metrics("metrics", outlook));
    let percent = |share: f64| digits::percent(share);
    let (power, alpha) = (percent(plan.power.get()), percent(plan.alpha.get()));
    let looks = plan.looks.get();
    page.paragraph(words(
        format!(
            "Needed: users of the whole experiment for the lift that would matter, found with a \
             chance of {power} at alpha {alpha}, {}. Shows: the least lift that the users there \
             are would show.",
            if looks == 1 { "one look".to_owned() } else { format!("{looks} looks") }
        ),
        format!(
            "所需：为检验有意义的提升，整个实验所需的用户数（功效 {power}，alpha {alpha}，查看 {looks} 次）。\
             可检出：现有用户能检出的最小提升。"
        ),
    ));
    for metric in &outlook.metrics {
        for words in notes(plan, metric) {
            page.warning(words);
        }
    }
    if alternatives.metrics.is_empty() {
        return;
    }
    page.heading(words("Metrics of the same values that vary less", "同一数值、波动更小的指标"));
    page.table(metrics("alternatives", alternatives));
    let could =
        alternatives.metrics.iter().filter(|it| it.can_succeed(plan.power.get()) == Some(true));
    let could: Vec<&str> = could.map(|it| it.name.as_str()).collect();
    page.paragraph(match could.is_empty() {
        true => words(
            "None of them would show the same lift either: more users, a larger lift, or a longer \
             window are needed.",
            "它们也都无法检出同样的提升：需要更多用户、更大的提升或更长的窗口。",
        ),
        false => words(
            format!("With the users there are, these would show the same lift: {}. A lift of a \
                     share is not the same as one of a mean: choose what the lift is worth.", could.join(", ")),
            format!("以现有用户即可检出同样的提升：{}。占比的提升与均值的提升并不等价：请按其价值选择。", could.join("，")),
        ),
    });
}

fn metrics(key: &'static str, outlook: &Outlook) -> Table {
    type Row<'a> = &'a MetricOutlook;
    let columns = [
        column("metric", ("Metric", "指标"), Format::Text, |it: &Row<'_>| it.name.clone()),
        column("value", ("Value", "数值"), Format::Short, |it: &Row<'_>| it.value),
        column("standard_deviation", ("SD", "标准差"), Format::Short, |it: &Row<'_>| {
            it.standard_deviation
        }),
        column("not_zero", ("Above\n0", "非零\n占比"), Format::Share, |it: &Row<'_>| {
            it.not_zero
        }),
        column("lift", ("Lift", "提升"), Format::Share, |it: &Row<'_>| it.lift),
        column("users_needed", ("Needed", "所需"), Format::Count, |it: &Row<'_>| it.users_needed),
        column("power", ("Power", "功效"), Format::Share, |it: &Row<'_>| it.power),
        column("detectable_lift", ("Shows", "可检出"), Format::Share, |it: &Row<'_>| {
            it.detectable_lift
        }),
        column("weeks", ("Weeks", "周数"), Format::Short, |it: &Row<'_>| it.weeks),
        column("users_needed_in_arm", ("", ""), Format::Count, |it: &Row<'_>| {
            it.users_needed_in_arm
        })
        .for_programs(),
        column("explained", ("", ""), Format::Share, |it: &Row<'_>| it.explained).for_programs(),
        column("cap", ("", ""), Format::Short, |it: &Row<'_>| it.cap).for_programs(),
    ];
    Table::new(key, &outlook.metrics, &columns)
}

/// What to know of a metric before a campaign.
fn notes(plan: &ExperimentPlan, metric: &MetricOutlook) -> Vec<Bilingual> {
    let name = &metric.name;
    let mut found = Vec::new();
    if metric.value == 0.0 || metric.standard_deviation == 0.0 {
        found.push(words(
            format!("`{name}` is the same for all users: nothing can be shown"),
            format!("`{name}` 对所有用户都相同：无从检验"),
        ));
    } else if metric.can_succeed(plan.power.get()) == Some(false) {
        let lift = digits::percent(metric.lift.unwrap_or_default());
        let in_arm = metric.users_needed_in_arm.map_or("–".into(), |n| thousands(n.ceil() as u64));
        let power = digits::percent(metric.power.unwrap_or_default());
        let weeks = metric.weeks.map_or(String::new(), |it| format!(", {it:.0} more weeks"));
        let weeks_zh = metric.weeks.map_or(String::new(), |it| format!("，还需 {it:.0} 周"));
        found.push(words(
            format!(
                "`{name}` cannot show a lift of {lift}: that needs {in_arm} users in the smallest \
                 arm{weeks}; with the users there are, the chance is {power}"
            ),
            format!(
                "`{name}` 无法检出 {lift} 的提升：最小组需要 {in_arm} 位用户{weeks_zh}；以现有用户，功效仅 {power}"
            ),
        ));
    }
    found
}

/// Who was assigned.
pub fn assigned(found: &AssignedUsers) -> Document {
    let mut page = Document::default();
    let n_users: usize = found.layers.iter().flat_map(|(_, counts)| counts).sum();
    let all = users(n_users);
    page.fact("as_of", found.as_of);
    page.fact("n_users", n_users);
    page.fact("n_earlier", found.n_earlier);
    page.fact("n_holdout", found.n_holdout);
    page.fact("n_nothing", found.n_nothing);
    page.heading(words(
        format!("{} in the arms as of {}", all.en, found.as_of),
        format!("截至 {} 各组共{}", found.as_of, all.zh),
    ));
    type Row<'a> = &'a (String, Vec<usize>);
    let mut columns =
        vec![column("layer", ("Layer", "分层"), Format::Text, |it: &Row<'_>| it.0.clone())];
    for (number, arm) in found.arms.iter().enumerate() {
        columns.push(column(arm.as_str(), (arm, arm), Format::Count, move |it: &Row<'_>| {
            it.1[number]
        }));
    }
    page.table(Table::new("layers", &found.layers, &columns));
    let (held, nothing) = (thousands(found.n_holdout), thousands(found.n_nothing));
    let earlier = thousands(found.n_earlier);
    page.paragraph(words(
        format!("Holdout: {held}. No part: {nothing}. Assigned by an earlier run, and not changed: {earlier}."),
        format!("留存对照：{held}。不参与：{nothing}。此前已分配、保持不变：{earlier}。"),
    ));
    super::files::saved(&mut page, &found.file);
    page
}
