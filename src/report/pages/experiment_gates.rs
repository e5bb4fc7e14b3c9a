//! What has to hold before a number of an experiment is shown.

use super::experiment_numbers::p_text;
use super::experiment_plan::changed;
use super::phrases::{thousands, users};
use crate::app::{ExperimentReadout, State};
use crate::dataset::Bilingual;
use crate::experiment::{Gate, GateKind, Level, Located, MAX_EXPLAINED};
use crate::report::{Document, Format, Table, Value, column, digits, words};

/// Users who count otherwise than as a plain row.
pub(super) fn intake(page: &mut Document, found: &ExperimentReadout) {
    let it = &found.intake;
    let counts = [
        ("n_holdout", it.n_holdout, "of the holdout", "属于留存对照"),
        ("n_nothing", it.n_nothing, "with no part in the experiment", "不参与实验"),
        (
            "n_never_seen",
            it.n_never_seen,
            "assigned and never seen: they count as 0",
            "已分配但从未出现：按 0 计",
        ),
        (
            "n_never_assigned",
            it.n_never_assigned,
            "seen and never assigned: they do not count",
            "出现过但从未分配：不计入",
        ),
        (
            "n_added_rows",
            it.n_added_rows,
            "rows beyond the first of a user, added to it",
            "同一用户的多余行，已合并",
        ),
    ];
    let mut parts = Vec::new();
    for (key, n, en, zh) in counts {
        page.fact(key, n);
        if n > 0 {
            let number = thousands(n);
            parts.push((format!("{number} {en}"), format!("{number} {zh}")));
        }
    }
    if !it.never_assigned.is_empty() {
        page.fact("never_assigned", it.never_assigned.clone());
    }
    if !parts.is_empty() {
        let en: Vec<&str> = parts.iter().map(|it| it.0.as_str()).collect();
        let zh: Vec<&str> = parts.iter().map(|it| it.1.as_str()).collect();
        page.paragraph(words(
            format!("Besides: {}.", en.join("; ")),
            format!("另有：{}。", zh.join("；")),
        ));
    }
}

fn level(level: Level) -> Value {
    match level {
        Level::Passed => Value::code("passed", "passed", "通过"),
        Level::Held => Value::code("held", "held", "暂缓"),
        Level::Refused => Value::code("refused", "refused", "拒绝"),
    }
}

/// What has to hold, and what follows where it does not.
pub(super) fn gates(page: &mut Document, found: &ExperimentReadout) {
    let columns = [
        column("gate", ("Gate", "关卡"), Format::Text, |it: &&Gate| it.kind.name().to_owned()),
        column("level", ("", ""), Format::Text, |it: &&Gate| level(it.level)),
        column("p_value", ("p", "p"), Format::Text, |it: &&Gate| p_of(&it.kind).map(p_text))
            .for_people(),
        column("p", ("", ""), Format::Text, |it: &&Gate| p_of(&it.kind)).for_programs(),
        column("found", ("Found", "结果"), Format::Text, |it: &&Gate| said(found, &it.kind)),
    ];
    page.table(Table::new("gates", &found.gates, &columns));
    for gate in &found.gates {
        if gate.level != Level::Passed {
            let (name, what) = (gate.kind.name(), said(found, &gate.kind));
            let accepted = found.accepted.iter().find(|it| it.gate == name);
            page.warning(match (gate.level, accepted) {
                (Level::Held, Some(accepted)) => words(
                    format!("{name}: {}; accepted: {}", what.en, accepted.reason),
                    format!("{name}：{}；已接受：{}", what.zh, accepted.reason),
                ),
                _ => words(format!("{name}: {}", what.en), format!("{name}：{}", what.zh)),
            });
        }
        if let GateKind::ChangedPlan(deviations) = &gate.kind {
            for it in deviations {
                page.warning(changed(&it.key, it.sealed.as_deref(), it.now.as_deref()));
            }
        }
    }
    match found.state {
        State::Read => {}
        State::Held => page.paragraph(words(
            "No numbers: a gate holds them back. Find out why; if it is harmless, read out again \
             with --accept GATE=\"the reason\", which the read-out then shows.",
            "不给出数字：有关卡未通过。请查明原因；若确属无害，可用 --accept 关卡=\"理由\" 重新读取，理由会写入结果。",
        )),
        State::Refused => page.paragraph(words(
            "No numbers: who is in which arm, or what is measured, is not what was planned. The \
             numbers of such an experiment mislead, however they look; this cannot be accepted.",
            "不给出数字：各组用户或衡量方式与计划不符。此类实验的数字无论如何都会误导，不能以 --accept 接受。",
        )),
    }
}

fn p_of(kind: &GateKind) -> Option<f64> {
    match kind {
        GateKind::Mismatch(it)
        | GateKind::MismatchByLayer(it)
        | GateKind::MismatchByDay(it)
        | GateKind::HoldoutShare(it) => Some(it.p_value),
        GateKind::Imbalance { p_value, .. } => Some(*p_value),
        _ => None,
    }
}

/// What a gate found, in words.
fn said(found: &ExperimentReadout, kind: &GateKind) -> Bilingual {
    let some = |ids: &[String]| match ids.is_empty() {
        true => Default::default(),
        false => (format!(" ({} …)", ids.join(", ")), format!("（{} …）", ids.join("，"))),
    };
    match kind {
        GateKind::Mismatch(it) | GateKind::MismatchByLayer(it) | GateKind::MismatchByDay(it) => {
            counts(found, it)
        }
        GateKind::HoldoutShare(it) => {
            let [rest, held] = [it.n_users[0], it.n_users[1]].map(thousands);
            words(format!("{held} held out, {rest} not"), format!("留存 {held}，其余 {rest}"))
        }
        GateKind::TwoArms { n_users, examples } => {
            let (n, (en, zh)) = (users(*n_users as usize), some(examples));
            words(format!("{}{en}", n.en), format!("{}{zh}", n.zh))
        }
        GateKind::WithoutArm { n_users } => users(*n_users as usize),
        GateKind::OtherArmThanHash { n_users, n_checked, examples } => {
            let (n, of, (en, zh)) = (thousands(*n_users), thousands(*n_checked), some(examples));
            let another = *n_users as f64 > 0.2 * *n_checked as f64;
            let (hint, hint_zh) = match another {
                true => (": another salt?", "：盐值不同？"),
                false => ("", ""),
            };
            words(format!("{n} of {of}{en}{hint}"), format!("{of} 中的 {n}{zh}{hint_zh}"))
        }
        GateKind::OutsideDates { n_before, n_after } => {
            let [before, after] = [n_before, n_after].map(|n| thousands(*n));
            words(
                format!(
                    "{before} before the start, {after} after the end or the day of the data: set \
                     aside"
                ),
                format!("开始前 {before}，结束后或数据截止日后 {after}：已搁置"),
            )
        }
        GateKind::Imbalance { metric, arm, .. } => words(
            format!("{metric} before exposure, `{arm}` against the control"),
            format!("曝光前的 {metric}，`{arm}` 与对照"),
        ),
        GateKind::StrangeIds { n_never_seen, n_never_assigned, examples } => {
            let [seen, assigned] = [n_never_seen, n_never_assigned].map(|n| thousands(*n));
            let (en, zh) = some(examples);
            words(
                format!(
                    "{seen} were assigned and never seen, {assigned} seen and never assigned{en}: \
                     are ids written in two ways?"
                ),
                format!(
                    "{seen} 位已分配但从未出现，{assigned} 位出现但从未分配{zh}：id 的写法是否不同？"
                ),
            )
        }
        GateKind::TooGoodCovariate { metric, explained } => {
            let share = digits::percent(*explained);
            let (hint, hint_zh) = match *explained > MAX_EXPLAINED {
                true => (": was it known before exposure?", "：它在曝光前就已知吗？"),
                false => ("", ""),
            };
            words(
                format!("{metric}: explains {share} of the variance{hint}"),
                format!("{metric}：解释了 {share} 的方差{hint_zh}"),
            )
        }
        GateKind::ChangedPlan(deviations) => {
            let n = deviations.len();
            words(format!("{n} settings"), format!("{n} 项设置"))
        }
    }
}

fn counts(found: &ExperimentReadout, it: &Located) -> Bilingual {
    let arms = found.plan.arms.iter().zip(&it.n_users).zip(&it.test.expected);
    let parts: Vec<String> = arms
        .map(|((arm, n), expected)| {
            format!("{} {} ({:+.1})", arm.name, thousands(*n), *n as f64 - expected)
        })
        .collect();
    let place = it.layer.clone().or(it.day.map(|day| day.to_string()));
    let place = place.map_or(String::new(), |it| format!("{it}: "));
    Bilingual::same(format!("{place}{}", parts.join(", ")))
}
