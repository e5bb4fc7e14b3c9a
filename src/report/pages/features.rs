//! The catalogue of features: all that the data allows, or what training kept.

use super::files::saved;
use super::input::{input, memory};
use super::phrases::{listed, users};
use crate::app::WrittenMatrix;
use crate::dataset::Bilingual;
use crate::features::{Candidate, Feature, FeaturePlan, Pruning, Verdict};
use crate::report::{Column, Document, Format, Table, Value, column, words};
use std::collections::HashSet;
use std::path::Path;

/// What the formulas take as known.
const TERMS: [(&str, &str); 7] = [
    (
        "order: rows of the order event that share an order_id; a row without one is an order of \
         its own. Its time is that of its first row; orders of one time come smallest amount first.",
        "order：共享 order_id 的订单事件行；没有 order_id 的行自成一单。时间取第一行；同一时间的订单按金额从小到大。",
    ),
    (
        "own events: all but outbound events, orders among them row by row.",
        "own events：除触达事件（outbound）之外的所有事件，订单按行计。",
    ),
    (
        "age: time before as-of; `age <= 7 d` includes what happened up to the moment seven days \
         before. What happens at as-of is never seen.",
        "age：截止日之前的时间；`age <= 7 d` 包含恰好七天前的事件。截止时刻发生的事件从不可见。",
    ),
    (
        "days since: begun days; an hour ago is one day.",
        "days since：按已开始的天数计；一小时前算一天。",
    ),
    (
        "gap: days between days with an order; an active gap, between days with an own event.",
        "gap：相邻下单日之间的天数；active gap 为相邻活跃日之间的天数。",
    ),
    (
        "sd: sample standard deviation. never: twice the length of the history, in whole days.",
        "sd：样本标准差。never：历史长度的两倍，按整天计。",
    ),
    (
        "returns: negative amounts may take shares of money beyond 0 and 1.",
        "returns：负金额可能使金额占比超出 0 到 1。",
    ),
];

/// One feature as it is listed.
struct Listed<'a> {
    feature: &'a Feature,
    /// What training made of it; unknown before.
    candidate: Option<&'a Candidate>,
    /// Whether habits are made of it and models do not see it.
    is_of_habits_only: bool,
}

/// The features of a catalogue, before training.
pub fn catalogue(plan: &FeaturePlan) -> Document {
    let rows = plan.features.iter().map(|feature| Listed {
        feature,
        candidate: None,
        is_of_habits_only: false,
    });
    listing(rows.collect(), None)
}

/// All features that a training run considered; `plan` has those that are computed.
pub fn candidates(candidates: &[Candidate], plan: &FeaturePlan) -> Document {
    let of_habits_only: HashSet<&str> = plan
        .features
        .iter()
        .filter(|feature| feature.info.of_habits_only)
        .map(|feature| feature.info.name.as_str())
        .collect();
    let rows = candidates.iter().map(|candidate| Listed {
        feature: &candidate.feature,
        candidate: Some(candidate),
        is_of_habits_only: of_habits_only.contains(candidate.feature.info.name.as_str()),
    });
    let n_kept = candidates.iter().filter(|candidate| candidate.verdict.is_kept()).count();
    listing(rows.collect(), Some((n_kept, of_habits_only.len())))
}

/// `n_used` of them by models, and beside these by habits alone.
fn listing(rows: Vec<Listed<'_>>, n_used: Option<(usize, usize)>) -> Document {
    let mut page = Document::default();
    for row in &rows {
        in_words(&mut page, row);
    }
    let n_features = rows.len();
    page.table(Table::new("features", rows, &columns()).for_programs());
    page.heading(words("Terms", "术语"));
    for (en, zh) in TERMS {
        page.paragraph(words(en, zh));
    }
    page.heading(match n_used {
        None => words(format!("{n_features} features"), format!("{n_features} 个特征")),
        Some((by_models, by_habits)) => words(
            format!(
                "{n_features} features, of which the models use {by_models}, and habits \
                 {by_habits} more"
            ),
            format!(
                "{n_features} 个特征，模型使用其中 {by_models} 个，购物方式另用 {by_habits} 个"
            ),
        ),
    });
    page
}

/// A paragraph about a feature. Names of the data may be long.
fn in_words(page: &mut Document, row: &Listed<'_>) {
    const LONGEST: usize = 1000;
    let (info, formula) = (&row.feature.info, row.feature.measure.to_string());
    let short = |text: &str| text.chars().take(LONGEST).collect::<String>();
    page.heading(Bilingual::same(format!("{} ({})", short(&info.name), info.unit.as_str())));
    page.paragraph(words(short(&info.meaning.en), short(&info.meaning.zh)));
    page.paragraph(Bilingual::same(format!("= {}", short(&formula))));
    let missing = info.when_missing.meaning();
    page.paragraph(words(
        format!("where there is none: {}", missing.en),
        format!("无数据时：{}", missing.zh),
    ));
    if let Some(candidate) = row.candidate {
        let reason = reason(&candidate.verdict);
        let auc = candidate.churn_auc.map(|auc| Bilingual::same(format!("AUC {auc:.3}")));
        let habits = row
            .is_of_habits_only
            .then(|| words("not for models, but kinds are made of it", "模型不用，但用于划分类型"));
        page.paragraph(listed(
            &std::iter::once(reason).chain(auc).chain(habits).collect::<Vec<_>>(),
        ));
    }
}

fn columns<'a>() -> Vec<Column<'static, Listed<'a>>> {
    let title = ("", "");
    let of_candidate = |it: &Listed<'_>, value: fn(&Candidate) -> Value| {
        it.candidate.map_or(Value::Missing, value)
    };
    vec![
        column("name", title, Format::Text, |it: &Listed<'_>| it.feature.info.name.clone()),
        column("unit", title, Format::Text, |it: &Listed<'_>| it.feature.info.unit.as_str()),
        column("meaning", title, Format::Text, |it: &Listed<'_>| it.feature.info.meaning.clone()),
        column("formula", title, Format::Text, |it: &Listed<'_>| it.feature.measure.to_string()),
        column("when_missing", title, Format::Short, |it: &Listed<'_>| {
            it.feature.info.when_missing.value()
        }),
        column("missing_means", title, Format::Text, |it: &Listed<'_>| {
            it.feature.info.when_missing.meaning()
        }),
        column("kept", title, Format::Text, move |it: &Listed<'_>| {
            of_candidate(it, |it| it.verdict.is_kept().into())
        }),
        column("of_habits_only", title, Format::Text, |it: &Listed<'_>| {
            Value::from(it.is_of_habits_only)
        }),
        column("reason", title, Format::Text, move |it: &Listed<'_>| {
            of_candidate(it, |it| reason(&it.verdict).into())
        }),
        column("churn_auc", title, Format::Decimal(3), move |it: &Listed<'_>| {
            of_candidate(it, |it| it.churn_auc.into())
        }),
        column("gmv_correlation", title, Format::Decimal(3), move |it: &Listed<'_>| {
            of_candidate(it, |it| it.gmv_correlation.into())
        }),
    ]
}

/// Why a feature was kept or dropped.
fn reason(verdict: &Verdict) -> Bilingual {
    let zh = match verdict {
        Verdict::Kept => "保留".into(),
        Verdict::Core => "保留：RFM 或生命周期需要".into(),
        Verdict::Wanted => "保留：配置中 keep = true".into(),
        Verdict::Constant => "恒定不变".into(),
        Verdict::DuplicateOf(other) => format!("与 {other} 相同"),
        Verdict::CollinearWith { other, correlation } => {
            format!("与 {other} 相关 {correlation:.3}")
        }
        Verdict::Irrelevant => "与结果的关系不超过偶然".into(),
        Verdict::Unstable => "与结果的关系在快照之间变化".into(),
        Verdict::BeyondLimit => "超出 max_features".into(),
    };
    words(verdict.reason(), zh)
}

/// How many features were dropped for which reason, if any.
pub(super) fn dropped(pruning: &Pruning) -> Option<Bilingual> {
    let mut groups: Vec<(Bilingual, usize)> = Vec::new();
    for candidate in pruning.candidates.iter().filter(|c| !c.verdict.is_kept()) {
        let zh = match &candidate.verdict {
            Verdict::Kept | Verdict::Core | Verdict::Wanted => "保留",
            Verdict::Constant => "恒定",
            Verdict::DuplicateOf(_) => "重复",
            Verdict::CollinearWith { .. } => "共线",
            Verdict::Irrelevant => "无关",
            Verdict::Unstable => "不稳定",
            Verdict::BeyondLimit => "超出上限",
        };
        let group = words(candidate.verdict.group(), zh);
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, count)) => *count += 1,
            None => groups.push((group, 1)),
        }
    }
    groups.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.en.cmp(&b.0.en)));
    let counts: Vec<Bilingual> = groups
        .into_iter()
        .map(|(group, n)| words(format!("{} {n}", group.en), format!("{} {n}", group.zh)))
        .collect();
    (!counts.is_empty()).then(|| listed(&counts))
}

/// A feature matrix as a file.
pub fn matrix(written: &WrittenMatrix, out: &Path) -> Document {
    let mut page = Document::default();
    page.section("input", None, input(&written.input, written.quarantine.as_deref()));
    for text in &written.warnings {
        page.warning(text.clone());
    }
    let (users, n, day) = (users(written.n_users), written.n_features, written.as_of.date());
    page.fact("n_users", written.n_users);
    page.fact("n_features", n);
    page.fact("as_of", day);
    page.heading(words(
        format!("{} × {n} features as of {day}", users.en),
        format!("{day}：{} × {n} 个特征", users.zh),
    ));
    saved(&mut page, out);
    page.section("memory", None, memory(&written.memory));
    page
}
