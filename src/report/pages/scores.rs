//! A scoring run.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::churn_labels::label;
use super::files::saved;
use super::input::{input, memory};
use super::phrases::{layer_name, thousands, users};
use crate::app::{
    BackfilledNight, ExpectedChurn, GroupCount, Moved, MovedFlow, NightOutcome, ScoreSummary,
    Scored, ScoredPart,
};
use crate::dataset::Bilingual;
use crate::deliver::Delivered;
use crate::models::rules::LifecycleStage;
use crate::report::{Document, Format, Table, Value, column, words};
use crate::watch::{Check, ColumnDrift};

/// What a scoring run did.
pub fn scored(scored: &Scored) -> Document {
    let Scored { summary, folder, .. } = scored;
    let mut page = Document::default();
    let quarantine = summary.quarantine.as_ref().map(|list| folder.join(&list.name));
    page.section("input", None, input(&summary.input, quarantine.as_deref()));
    for text in &summary.warnings {
        page.warning(text.clone());
    }
    for check in &summary.checks {
        page.warning(odd(check));
    }
    page.table(groups("layers", ("Layer", "分层"), &summary.layers));
    page.table(groups("kinds", ("Kind", "类型"), &summary.kinds));
    if let Some(review) = &scored.review {
        page.fact("review", review.as_path());
        reviewed(&mut page, summary, &review.display().to_string());
    }
    totals(&mut page, scored);
    if let Some(expected) = &summary.expected_if_calibrated {
        expectation(&mut page, expected);
    }
    if let Some(since) = &summary.moved {
        moved(&mut page, since);
    }
    if summary.late.n_rows > 0 {
        page.paragraph(late(summary));
    }
    page.fact("n_late_rows", summary.late.n_rows);
    page.fact("n_users_with_late_rows", summary.late.n_users);
    page.table(checks(&summary.checks).for_programs());
    page.table(drift(&summary.drift).for_programs());
    page.table(lifecycle(summary).for_programs());
    page.table(assigned_by("assigned_by", &summary.assigned_by).for_programs());
    page.table(assigned_by("kind_assigned_by", &summary.kind_assigned_by).for_programs());
    page.fact("was_there", scored.was_there);
    if scored.was_there {
        page.paragraph(words(
            "published before from the same input, bundle, review and config: nothing was done",
            "此前已由相同的数据、模型、审阅和配置发布：本次未作改动",
        ));
    }
    saved(&mut page, &folder.join(&summary.scores.name));
    if let Some(used) = &scored.memory {
        page.section("memory", None, memory(used));
    }
    page
}

/// Something odd in a sentence.
fn odd(check: &Check) -> Bilingual {
    let Check { found, next_step, .. } = check;
    let known = check.acknowledged_until.map_or_else(Default::default, |until| {
        words(format!(" (acknowledged until {until})"), format!("（已确认至{until}）"))
    });
    let key = check.key();
    words(
        format!("{key}: {}{}; {}", found.en, known.en, next_step.en),
        format!("{key}：{}{}；{}", found.zh, known.zh, next_step.zh),
    )
}

fn drift(columns_of: &[ColumnDrift]) -> Table {
    let columns = [
        column("column", ("", ""), Format::Text, |it: &&ColumnDrift| it.column.clone()),
        column("psi", ("", ""), Format::Decimal(4), |it: &&ColumnDrift| it.psi),
        column("critical_psi", ("", ""), Format::Decimal(4), |it: &&ColumnDrift| it.critical_psi),
        column("is_noticed", ("", ""), Format::Text, |it: &&ColumnDrift| it.is_noticed),
        column("is_alarm", ("", ""), Format::Text, |it: &&ColumnDrift| it.is_alarm),
    ];
    Table::new("drift", columns_of, &columns)
}

fn checks(checks: &[Check]) -> Table {
    let columns = [
        column("gate", ("", ""), Format::Text, |it: &&Check| it.gate.as_str()),
        column("subject", ("", ""), Format::Text, |it: &&Check| it.subject.clone()),
        column("found", ("", ""), Format::Text, |it: &&Check| it.found.clone()),
        column("next_step", ("", ""), Format::Text, |it: &&Check| it.next_step.clone()),
    ];
    Table::new("checks", checks, &columns)
}

/// What scoring a part did.
pub fn scored_part(scored: &ScoredPart) -> Document {
    let mut page = Document::default();
    let (all, day) = (users(scored.n_users as usize), scored.as_of.date());
    page.fact("as_of", day);
    page.fact("part", scored.part.to_string());
    page.fact("n_users", scored.n_users);
    page.heading(words(
        format!("{} of part {} scored as of {day}", all.en, scored.part),
        format!("已为第 {} 部分的{}评分（截止日 {day}）", scored.part, all.zh),
    ));
    saved(&mut page, &scored.rows);
    page.section("memory", None, memory(&scored.memory));
    page
}

fn groups(key: &'static str, title: (&str, &str), groups: &[GroupCount]) -> Table {
    let columns = [
        column("id", ("", ""), Format::Text, |it: &&GroupCount| it.id.clone()),
        column("name", title, Format::Text, |it: &&GroupCount| layer_name(&it.name, &it.name_zh)),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &&GroupCount| it.n_users),
        column("n_at_risk", ("At risk", "有流失风险"), Format::Count, |it: &&GroupCount| {
            it.n_at_risk
        }),
        column(
            "mean_churn_probability",
            ("Mean churn prob.", "平均流失概率"),
            Format::Decimal(3),
            |it: &&GroupCount| it.mean_churn_probability,
        ),
    ];
    Table::new(key, groups, &columns)
}

/// Users in all, by risk and stage of life.
fn totals(page: &mut Document, scored: &Scored) {
    let summary = &scored.summary;
    let (all, day) = (users(summary.n_users as usize), summary.as_of.date());
    let (n_at_risk, n_near) =
        (thousands(summary.n_at_risk as usize), thousands(summary.n_silence_warnings as usize));
    page.fact("as_of", day);
    page.fact("n_users", summary.n_users);
    page.fact("n_at_risk", summary.n_at_risk);
    page.fact("n_silence_warnings", summary.n_silence_warnings);
    page.fact("churn_trusted", summary.churn_trusted);
    page.fact("mean_churn_probability", summary.mean_churn_probability);
    page.heading(words(
        format!("{} scored as of {day}, {n_at_risk} at risk, {n_near} near silence", all.en),
        format!(
            "已为{}评分（截止日 {day}），{n_at_risk} 人有流失风险，{n_near} 人临近沉默",
            all.zh
        ),
    ));
    let (trust_en, trust_zh) = match summary.churn_trusted {
        true => ("", ""),
        false => (" (training did not trust this model)", "（训练时判定此模型不可信）"),
    };
    let rule = label(&scored.churn_label);
    page.paragraph(words(format!("{}{trust_en}", rule.en), format!("{}{trust_zh}", rule.zh)));
    let stages = |of: fn(&Bilingual) -> &str| {
        let counts = summary.lifecycle.iter();
        let counts =
            counts.map(|(name, n)| format!("{} {}", of(&stage(name).1), thousands(*n as usize)));
        counts.collect::<Vec<_>>()
    };
    page.paragraph(words(stages(|it| &it.en).join(", "), stages(|it| &it.zh).join("，")));
}

/// What the probabilities say by themselves.
fn expectation(page: &mut Document, expected: &ExpectedChurn) {
    let ExpectedChurn { eligible, flag_precision, flag_recall } = expected;
    let mut of = Document::default();
    of.fact("n_eligible", eligible.n_users);
    of.fact("n_churned", eligible.n_positive);
    of.fact("sd_churned", eligible.sd_positive);
    of.fact("roc_auc", eligible.roc_auc);
    of.fact("brier", eligible.brier);
    of.fact("log_loss", eligible.log_loss);
    of.fact("flag_precision", *flag_precision);
    of.fact("flag_recall", *flag_recall);
    page.section("expected_if_calibrated", None, of);
    let whole = |x: f64| thousands(x.round() as u64);
    let (n, sd) = (whole(eligible.n_positive), whole(eligible.sd_positive));
    let auc = eligible.roc_auc.map_or_else(Default::default, |it| format!(", ROC AUC {it:.3}"));
    let percent = flag_precision.map(|it| format!("{:.0} %", 100.0 * it));
    let (right_en, right_zh) = percent.map_or_else(Default::default, |it| {
        (format!(", {it} of the flagged"), format!("，被标记者中 {it}"))
    });
    page.paragraph(words(
        format!("to be expected if the calibration holds: {n} ± {sd} churn{right_en}{auc}"),
        format!("若校准成立，预期：{n} ± {sd} 人流失{right_zh}{}", auc.replace(", ", "，")),
    ));
}

/// Who changed group since the night before.
fn moved(page: &mut Document, moved: &Moved) {
    let mut of = Document::default();
    of.fact("since", moved.since);
    of.fact("same_model", moved.same_model);
    of.fact("n_users", moved.n_users);
    of.fact("n_new", moved.n_new);
    of.fact("n_gone", moved.n_gone);
    for (key, flows, it) in
        [("layers", "layer_flows", &moved.layers), ("kinds", "kind_flows", &moved.kinds)]
    {
        let mut partition = Document::default();
        partition.fact("n_users", it.n_users);
        partition.fact("share", it.share);
        partition.fact("by_users", it.by_users);
        partition.fact("by_model", it.by_model);
        of.section(key, None, partition);
        let columns = [
            column("from", ("", ""), Format::Text, |it: &&MovedFlow| it.from.clone()),
            column("to", ("", ""), Format::Text, |it: &&MovedFlow| it.to.clone()),
            column("n_users", ("", ""), Format::Count, |it: &&MovedFlow| it.n_users),
        ];
        of.table(Table::new(flows, &it.flows, &columns).for_programs());
    }
    page.section("moved", None, of);
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let (layers, kinds) = (percent(moved.layers.share), percent(moved.kinds.share));
    let (why_en, why_zh) = match (moved.same_model, moved.layers.by_users) {
        (true, _) => Default::default(),
        (false, Some(by_users)) => {
            let by_users = percent(by_users);
            (
                format!(
                    "; the model or its review is another one, and users alone usually move {by_users}"
                ),
                format!("；模型或审阅已更换，平时仅由用户自身变化的为 {by_users}"),
            )
        }
        (false, None) => {
            ("; the model or its review is another one".to_owned(), "；模型或审阅已更换".to_owned())
        }
    };
    let since = moved.since;
    page.paragraph(words(
        format!("since {since}: {layers} changed layer, {kinds} changed kind{why_en}"),
        format!("自 {since} 起：{layers} 的用户换了分层，{kinds} 换了类型{why_zh}"),
    ));
}

/// What was known too late for the night before.
fn late(summary: &ScoreSummary) -> Bilingual {
    let (rows, of) = (thousands(summary.late.n_rows), users(summary.late.n_users as usize));
    words(
        format!(
            "{rows} rows of {} arrived in the last day but tell of earlier ones: the scores of the \
             night before lacked them",
            of.en
        ),
        format!(
            "{}的 {rows} 行数据在最后一天才到达，却属于更早的日子：前一晚的评分未包含它们",
            of.zh
        ),
    )
}

/// Where scores were taken.
pub fn delivered(to: &[Delivered]) -> Document {
    let mut page = Document::default();
    let columns = [
        column("as_of", ("", ""), Format::Text, |it: &&Delivered| it.day),
        column("to", ("", ""), Format::Text, |it: &&Delivered| it.to.to_string()),
        column("n_users", ("", ""), Format::Count, |it: &&Delivered| it.n_users),
        column("was_there", ("", ""), Format::Text, |it: &&Delivered| it.was_there),
    ];
    if !to.is_empty() {
        page.table(Table::new("delivered", to, &columns).for_programs());
    }
    for it in to {
        let (day, place, of) = (it.day, &it.to, users(it.n_users as usize));
        page.paragraph(match it.was_there {
            true => words(
                format!("the same scores of {day} were in {place}"),
                format!("{place} 中已有相同的 {day} 评分"),
            ),
            false => words(
                format!("scores of {} as of {day} are in {place}", of.en),
                format!("{}截至 {day} 的评分已送至 {place}", of.zh),
            ),
        });
    }
    page
}

/// What came of each night of a backfill.
pub fn backfilled(nights: &[BackfilledNight]) -> Document {
    let mut page = Document::default();
    type Of<'a> = &'a BackfilledNight;
    fn summary<'a>(it: &Of<'a>) -> Option<&'a ScoreSummary> {
        it.published().map(|scored| &scored.summary)
    }
    let columns = [
        column("as_of", ("Night", "夜晚"), Format::Text, |it: &Of<'_>| it.day),
        column("outcome", ("Outcome", "结果"), Format::Text, |it: &Of<'_>| match &it.outcome {
            NightOutcome::Published(scored) if scored.was_there => {
                Value::code("was_there", "was there", "已有")
            }
            NightOutcome::Published(_) => Value::code("published", "published", "已发布"),
            NightOutcome::Refused(_) => Value::code("refused", "refused", "被拒绝"),
        }),
        column("n_users", ("Users", "用户数"), Format::Count, |it: &Of<'_>| {
            summary(it).map(|it| it.n_users)
        }),
        column("n_at_risk", ("At risk", "有流失风险"), Format::Count, |it: &Of<'_>| {
            summary(it).map(|it| it.n_at_risk)
        }),
        column("moved", ("Moved", "换分层"), Format::Share, |it: &Of<'_>| {
            summary(it).and_then(|it| Some(it.moved.as_ref()?.layers.share))
        }),
        column("n_late_rows", ("Late rows", "迟到行"), Format::Count, |it: &Of<'_>| {
            summary(it).map(|it| it.late.n_rows)
        }),
        column("n_late_users", ("Of users", "所属用户"), Format::Count, |it: &Of<'_>| {
            summary(it).map(|it| it.late.n_users)
        }),
    ];
    page.table(Table::new("nights", nights, &columns));
    said_of_nights(nights).into_iter().for_each(|it| page.warning(it));
    page
}

/// What was said of several nights in the same words, but for numbers, once.
fn said_of_nights(nights: &[BackfilledNight]) -> Vec<Bilingual> {
    let mut said: Vec<(String, Bilingual, Vec<NaiveDate>)> = Vec::new();
    for night in nights {
        for warning in night.published().iter().flat_map(|scored| &scored.summary.warnings) {
            let alike: String = warning.en.chars().filter(|it| !it.is_ascii_digit()).collect();
            match said.iter_mut().find(|it| it.0 == alike) {
                Some((_, _, days)) => days.push(night.day),
                None => said.push((alike, warning.clone(), vec![night.day])),
            }
        }
    }
    let with_days = |(_, warning, days): (String, Bilingual, Vec<NaiveDate>)| match &days[..] {
        [day] => words(format!("{day}: {}", warning.en), format!("{day}：{}", warning.zh)),
        [first, .., last] => {
            let n = days.len();
            words(
                format!("{n} nights, {first} – {last}: {}", warning.en),
                format!("{first} – {last} 的 {n} 个夜晚：{}", warning.zh),
            )
        }
        [] => warning,
    };
    said.into_iter().map(with_days).collect()
}

/// A stage of life by its name in files.
fn stage(name: &str) -> (&'static str, Bilingual) {
    let known = LifecycleStage::ALL.into_iter().find(|stage| stage.as_str() == name);
    let known = known.unwrap_or(LifecycleStage::Prospect);
    (known.as_str(), words(known.as_str(), known.as_str_zh()))
}

fn lifecycle(summary: &ScoreSummary) -> Table {
    type Row<'a> = (&'a String, &'a u64);
    let columns = [
        column("stage", ("", ""), Format::Text, |it: &Row<'_>| {
            let (code, words) = stage(it.0);
            Value::Code(code, words)
        }),
        column("n_users", ("", ""), Format::Count, |it: &Row<'_>| *it.1),
    ];
    Table::new("lifecycle", &summary.lifecycle, &columns)
}

fn assigned_by(key: &'static str, counts: &BTreeMap<String, u64>) -> Table {
    type Row<'a> = (&'a String, &'a u64);
    let columns = [
        column("assigned_by", ("", ""), Format::Text, |it: &Row<'_>| it.0.clone()),
        column("n_users", ("", ""), Format::Count, |it: &Row<'_>| *it.1),
    ];
    Table::new(key, counts, &columns)
}

/// Which review was used, and how many users it put elsewhere.
fn reviewed(page: &mut Document, summary: &ScoreSummary, file: &str) {
    let all = summary.assigned_by.iter().chain(&summary.kind_assigned_by);
    let moved = all.filter(|(by, _)| *by != "cluster");
    let moved: Vec<String> =
        moved.map(|(by, n)| format!("{by} {}", thousands(*n as usize))).collect();
    let moved = match moved.is_empty() {
        true => words("puts nobody into another layer or kind", "没有用户因此换分层或类型"),
        false => Bilingual::same(moved.join(", ")),
    };
    page.paragraph(words(
        format!("review {file}: {}", moved.en),
        format!("审阅文件 {file}：{}", moved.zh),
    ));
}
