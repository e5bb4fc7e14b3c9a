//! The read-out of an experiment: gates first, then effects.

use super::experiment_gates::{gates, intake};
use super::experiment_numbers::{by_error, p_text, signed};
use super::phrases::{thousands, users};
use crate::app::{ExperimentReadout, State};
use crate::dataset::Bilingual;
use crate::experiment::{
    Comparison, FEW_NOT_ZERO, LayerEffect, LayerResults, MetricResult, Tested, Verdict,
};
use crate::report::{Document, Format, Table, Value, column, digits, words};

/// Gates, and the effects unless they keep them back.
pub fn experiment_readout(found: &ExperimentReadout) -> Document {
    let mut page = Document::default();
    let plan = &found.plan;
    let n_users: u64 = found.n_users.iter().sum();
    page.fact("name", plan.name.as_str());
    page.fact("plan", found.hash.as_str());
    page.fact("as_of", found.as_of);
    page.fact("planned_end", plan.planned_end());
    page.fact("n_users", n_users);
    page.fact(
        "state",
        match found.state {
            State::Read => Value::code("read", "read", "已读取"),
            State::Held => Value::code("held", "held", "暂缓"),
            State::Refused => Value::code("refused", "refused", "拒绝"),
        },
    );
    let all = users(n_users as usize);
    page.heading(words(
        format!("{}: {} as of {}", plan.name, all.en, found.as_of),
        format!("{}：截至 {} 共{}", plan.name, found.as_of, all.zh),
    ));
    // What the page is about comes first where programs read.
    if let Some(readout) = &found.readout {
        page.fact("is_planned_end", readout.is_planned_end);
        page.table(for_programs(&readout.metrics).for_programs());
        page.table(layers_for_programs(&readout.metrics).for_programs());
        page.table(outliers(&readout.metrics).for_programs());
    }
    intake(&mut page, found);
    gates(&mut page, found);
    let Some(readout) = &found.readout else { return page };
    for metric in &readout.metrics {
        of_metric(&mut page, found, metric, readout.is_planned_end);
    }
    how_to_read(&mut page, found, readout.is_planned_end);
    page
}

fn signed_percent(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}

fn verdict(verdict: Verdict) -> Value {
    match verdict {
        Verdict::Higher => Value::code("higher", "higher", "更高"),
        Verdict::Lower => Value::code("lower", "lower", "更低"),
        Verdict::Open => Value::code("open", "not shown", "未证实"),
        Verdict::TooEarly => Value::code("too_early", "too early", "为时尚早"),
        Verdict::NotTestable => Value::code("not_testable", "no test", "无法检验"),
    }
}

type Row<'a> = (&'a MetricResult, &'a Comparison);

fn range(tested: Option<Tested>) -> Value {
    tested.map_or(Value::Missing, |it| Value::Range(it.interval.low, it.interval.high))
}

fn lift_range(tested: Option<Tested>) -> Value {
    let interval = tested.and_then(|it| it.lift_interval);
    interval.map_or(Value::Missing, |it| Value::Range(it.low, it.high))
}

fn for_programs(metrics: &[MetricResult]) -> Table {
    let rows = metrics.iter().flat_map(|it| it.comparisons.iter().map(move |of| (it, of)));
    let control = |it: &Row<'_>| it.0.arms[0].clone();
    let treated = |it: &Row<'_>| {
        it.0.arms
            .iter()
            .find(|arm| arm.arm == it.1.arm)
            .cloned()
            .unwrap_or_else(|| it.0.arms[0].clone())
    };
    let number = Format::Decimal(6);
    let columns = [
        column("metric", ("", ""), Format::Text, |it: &Row<'_>| it.0.name.clone()),
        column("is_primary", ("", ""), Format::Text, |it: &Row<'_>| it.0.is_primary),
        column("arm", ("", ""), Format::Text, |it: &Row<'_>| it.1.arm.clone()),
        column("control_users", ("", ""), Format::Count, move |it: &Row<'_>| control(it).n_users),
        column("arm_users", ("", ""), Format::Count, move |it: &Row<'_>| treated(it).n_users),
        column("control_not_zero", ("", ""), Format::Count, move |it: &Row<'_>| {
            control(it).n_not_zero
        }),
        column("arm_not_zero", ("", ""), Format::Count, move |it: &Row<'_>| treated(it).n_not_zero),
        column("control_value", ("", ""), number, move |it: &Row<'_>| control(it).value),
        column("arm_value", ("", ""), number, move |it: &Row<'_>| treated(it).value),
        column("difference", ("", ""), number, |it: &Row<'_>| it.1.difference),
        column("standard_error", ("", ""), number, |it: &Row<'_>| it.1.standard_error),
        column("lift", ("", ""), number, |it: &Row<'_>| it.1.lift),
        column("one_look_p", ("", ""), number, |it: &Row<'_>| it.1.one_look.map(|it| it.p_value)),
        column("one_look", ("", ""), number, |it: &Row<'_>| range(it.1.one_look)),
        column("one_look_lift", ("", ""), number, |it: &Row<'_>| lift_range(it.1.one_look)),
        column("every_look_p", ("", ""), number, |it: &Row<'_>| {
            it.1.every_look.map(|it| it.p_value)
        }),
        column("every_look", ("", ""), number, |it: &Row<'_>| range(it.1.every_look)),
        column("every_look_lift", ("", ""), number, |it: &Row<'_>| lift_range(it.1.every_look)),
        column("p_adjusted", ("", ""), number, |it: &Row<'_>| it.1.p_adjusted),
        column("plain_difference", ("", ""), number, |it: &Row<'_>| it.1.plain.0),
        column("plain_standard_error", ("", ""), number, |it: &Row<'_>| it.1.plain.1),
        column("uncapped_difference", ("", ""), number, |it: &Row<'_>| it.1.uncapped),
        column("cap", ("", ""), number, |it: &Row<'_>| it.0.adjustments.cap),
        column("n_capped", ("", ""), Format::Count, |it: &Row<'_>| {
            it.0.adjustments.n_capped.iter().sum::<u64>()
        }),
        column("covariate_coefficient", ("", ""), number, |it: &Row<'_>| {
            it.0.adjustments.coefficient
        }),
        column("covariate_explains", ("", ""), number, |it: &Row<'_>| it.0.adjustments.explained),
        column("without_outliers", ("", ""), number, |it: &Row<'_>| {
            it.1.without_outliers.map(|it| it.difference)
        }),
        column("without_outliers_p", ("", ""), number, |it: &Row<'_>| {
            it.1.without_outliers.map(|it| it.p_value)
        }),
        column("n_open", ("", ""), Format::Count, |it: &Row<'_>| it.0.n_open),
        column("n_negative", ("", ""), Format::Count, |it: &Row<'_>| it.0.n_negative),
        column("n_missing", ("", ""), Format::Count, |it: &Row<'_>| it.0.n_missing),
        column("verdict", ("", ""), Format::Text, |it: &Row<'_>| verdict(it.1.verdict)),
    ];
    Table::new("comparisons", rows, &columns)
}

type LayerRow<'a> = (&'a MetricResult, &'a LayerResults, &'a LayerEffect);

fn layers_for_programs(metrics: &[MetricResult]) -> Table {
    let rows = metrics.iter().flat_map(|metric| {
        metric
            .by_layer
            .iter()
            .flat_map(move |arm| arm.layers.iter().map(move |layer| (metric, arm, layer)))
    });
    let number = Format::Decimal(6);
    let columns = [
        column("metric", ("", ""), Format::Text, |it: &LayerRow<'_>| it.0.name.clone()),
        column("arm", ("", ""), Format::Text, |it: &LayerRow<'_>| it.1.arm.clone()),
        column("layer", ("", ""), Format::Text, |it: &LayerRow<'_>| it.2.layer.clone()),
        column("control_users", ("", ""), Format::Count, |it: &LayerRow<'_>| it.2.n_users[0]),
        column("arm_users", ("", ""), Format::Count, |it: &LayerRow<'_>| it.2.n_users[1]),
        column("difference", ("", ""), number, |it: &LayerRow<'_>| it.2.difference),
        column("interval", ("", ""), number, |it: &LayerRow<'_>| range(it.2.tested)),
        column("p", ("", ""), number, |it: &LayerRow<'_>| it.2.tested.map(|it| it.p_value)),
        column("p_adjusted", ("", ""), number, |it: &LayerRow<'_>| it.2.p_adjusted),
        column("shrunken", ("", ""), number, |it: &LayerRow<'_>| it.2.shrunken.map(|it| it.effect)),
        column("q", ("", ""), number, |it: &LayerRow<'_>| {
            it.1.heterogeneity.as_ref().map(|it| it.q)
        }),
        column("q_p", ("", ""), number, |it: &LayerRow<'_>| {
            it.1.heterogeneity.as_ref().map(|it| it.p_value)
        }),
    ];
    Table::new("layers", rows, &columns)
}

fn outliers(metrics: &[MetricResult]) -> Table {
    type Row<'a> = (&'a MetricResult, &'a crate::experiment::Outlier);
    let rows = metrics.iter().flat_map(|it| it.outliers.iter().map(move |of| (it, of)));
    let columns = [
        column("metric", ("", ""), Format::Text, |it: &Row<'_>| it.0.name.clone()),
        column("user", ("", ""), Format::Text, |it: &Row<'_>| it.1.id.clone()),
        column("arm", ("", ""), Format::Text, |it: &Row<'_>| it.1.arm.clone()),
        column("value", ("", ""), Format::Decimal(6), |it: &Row<'_>| it.1.value),
    ];
    Table::new("outliers", rows, &columns)
}

/// The test that a reader may rely on now.
fn tested(metric: &Comparison, found: &ExperimentReadout) -> Option<Tested> {
    if found.plan.looks.get() == 1 {
        metric.one_look.or(metric.every_look)
    } else {
        metric.every_look
    }
}

fn of_metric(
    page: &mut Document,
    found: &ExperimentReadout,
    metric: &MetricResult,
    is_planned_end: bool,
) {
    let (name, decides) = (&metric.name, metric.is_primary);
    page.heading(words(
        format!("{name}{}", if decides { ", which decides" } else { "" }),
        format!("{name}{}", if decides { "（判定指标）" } else { "" }),
    ));
    let of = |arm: usize| (arm > 0).then(|| &metric.comparisons[arm - 1]);
    let error = |arm: usize| of(arm.max(1)).map_or(0.0, |it| it.standard_error);
    let difference = |arm: usize| {
        let it = of(arm)?;
        let error = it.standard_error;
        let value = signed(it.difference, error);
        Some(match tested(it, found) {
            Some(Tested { interval, .. }) => {
                format!(
                    "{value} ({}…{})",
                    signed(interval.low, error),
                    signed(interval.high, error)
                )
            }
            None => value,
        })
    };
    let columns = [
        column("arm", ("Arm", "组别"), Format::Text, |it: &usize| metric.arms[*it].arm.clone()),
        column("users", ("Users", "用户数"), Format::Count, |it: &usize| {
            metric.arms[*it].n_users
        }),
        column("value", ("Value", "数值"), Format::Text, |it: &usize| {
            by_error(metric.arms[*it].adjusted, error(*it))
        }),
        column("difference", ("Difference", "差异"), Format::Text, |it: &usize| difference(*it)),
        column("p", ("p", "p"), Format::Text, |it: &usize| {
            of(*it).and_then(|it| it.p_adjusted).map(p_text)
        }),
        column("verdict", ("", ""), Format::Text, |it: &usize| {
            of(*it).map_or(Value::Text(String::new()), |it| verdict(it.verdict))
        }),
    ];
    page.table(Table::new("metric", 0..metric.arms.len(), &columns).for_people());
    let lift = |it: &Comparison| {
        let value = signed_percent(it.lift?);
        Some(match tested(it, found).and_then(|it| it.lift_interval) {
            Some(range) => {
                let (low, high) = (signed_percent(range.low), signed_percent(range.high));
                format!("{} {value} ({low}…{high})", it.arm)
            }
            None => format!("{} {value}", it.arm),
        })
    };
    let lifts: Vec<String> = metric.comparisons.iter().filter_map(lift).collect();
    if !lifts.is_empty() {
        let lifts = lifts.join("; ");
        page.paragraph(words(format!("Lift: {lifts}."), format!("提升：{lifts}。")));
    }
    for note in notes(metric, found, is_planned_end) {
        page.paragraph(note);
    }
    for arm in &metric.by_layer {
        by_layer(page, found, arm);
    }
}

fn notes(metric: &MetricResult, found: &ExperimentReadout, is_planned_end: bool) -> Vec<Bilingual> {
    let mut notes = Vec::new();
    let adjustments = &metric.adjustments;
    if let Some(cap) = adjustments.cap {
        let n: u64 = adjustments.n_capped.iter().sum();
        let moved: Vec<String> = metric
            .comparisons
            .iter()
            .filter_map(|it| {
                let uncapped = it.uncapped?;
                Some(format!("{} {}", it.arm, signed(uncapped, it.standard_error)))
            })
            .collect();
        let (n, cap, moved) = (thousands(n), by_error(cap, cap / 100.0), moved.join(", "));
        notes.push(words(
            format!("Capped at {cap}: {n} users; without the cap the difference is: {moved}."),
            format!("以 {cap} 封顶：{n} 位用户；不封顶时差异为：{moved}。"),
        ));
    }
    if let (Some(theta), Some(explained)) = (adjustments.coefficient, adjustments.explained) {
        let first = metric.comparisons.first();
        let gain = first.map_or(0.0, |it| 1.0 - it.standard_error / it.plain.1);
        let (explained, gain) = (digits::percent(explained), digits::percent(gain));
        notes.push(words(
            format!(
                "The covariate explains {explained} of the variance (coefficient {theta:.4}); all \
                 adjustments together make the standard error {gain} smaller."
            ),
            format!(
                "协变量解释了 {explained} 的方差（系数 {theta:.4}）；全部调整使标准误缩小 {gain}。"
            ),
        ));
    }
    if !metric.outliers.is_empty() {
        let named: Vec<String> = metric
            .outliers
            .iter()
            .map(|it| {
                format!(
                    "{} ({}, {})",
                    if it.id.is_empty() { "?" } else { &it.id },
                    it.arm,
                    digits::whole(it.value)
                )
            })
            .collect();
        let without: Vec<String> = metric
            .comparisons
            .iter()
            .filter_map(|it| {
                let without = it.without_outliers?;
                let difference = signed(without.difference, without.standard_error);
                Some(format!("{} {difference}, p {}", it.arm, p_text(without.p_value)))
            })
            .collect();
        let (named, without) = (named.join(", "), without.join("; "));
        let (rest, rest_zh) = match without.is_empty() {
            true => ("nothing is left to test".to_owned(), "无从检验".to_owned()),
            false => (without.clone(), without),
        };
        notes.push(words(
            format!("Users who move it by themselves: {named}. Without them: {rest}."),
            format!("单凭一人即可改变结果的用户：{named}。剔除后：{rest_zh}。"),
        ));
    }
    if metric.n_open > 0 {
        let n = thousands(metric.n_open);
        notes.push(words(
            format!("The window of {n} users is not over yet: they do not count here."),
            format!("{n} 位用户的窗口尚未结束：此处不计入。"),
        ));
    }
    if metric.n_missing > 0 {
        let n = thousands(metric.n_missing);
        notes.push(words(
            format!("{n} users have no value here: they count as 0. Is that what it means?"),
            format!("{n} 位用户此处没有数值：按 0 计。这是否符合其含义？"),
        ));
    }
    if metric.n_negative > 0 {
        let n = thousands(metric.n_negative);
        notes.push(words(
            format!("{n} users have a value below 0, as after refunds: they count as they are."),
            format!("{n} 位用户的数值为负（如退款）：按原值计入。"),
        ));
    }
    if metric.arms.iter().any(|arm| arm.n_users > 0 && arm.n_not_zero < FEW_NOT_ZERO) {
        notes.push(words(
            format!(
                "An arm has fewer than {FEW_NOT_ZERO} users with a value other than 0: the test is \
                 too cautious to find much."
            ),
            format!("某组数值非零的用户少于 {FEW_NOT_ZERO} 位：检验过于保守，难以发现差异。"),
        ));
    }
    if metric.comparisons.iter().any(|it| it.verdict == Verdict::NotTestable) {
        notes.push(words(
            "An arm has fewer than two users or nothing to divide by, or the metric is the same for \
             everybody: there is nothing to test.",
            "某组用户不足两位或没有可作除数的数值，或该指标对所有人相同：无从检验。",
        ));
    }
    if is_planned_end && found.plan.looks.get() == 1 {
        let every: Vec<String> = metric
            .comparisons
            .iter()
            .filter_map(|it| {
                let tested = it.every_look?;
                let [low, high] = [tested.interval.low, tested.interval.high]
                    .map(|end| signed(end, it.standard_error));
                Some(format!("{} {low}…{high}", it.arm))
            })
            .collect();
        if !every.is_empty() {
            let every = every.join("; ");
            notes.push(words(
                format!("Valid at every look: {every}."),
                format!("任意时点均有效的区间：{every}。"),
            ));
        }
    }
    notes
}

fn by_layer(page: &mut Document, found: &ExperimentReadout, arm: &LayerResults) {
    if arm.layers.is_empty() {
        return;
    }
    let columns = [
        column("layer", ("Layer", "分层"), Format::Text, |it: &&LayerEffect| it.layer.clone()),
        column("control", ("Control", "对照"), Format::Count, |it: &&LayerEffect| it.n_users[0]),
        column("arm", ("Arm", "组别"), Format::Count, |it: &&LayerEffect| it.n_users[1]),
        column("difference", ("Difference", "差异"), Format::Text, |it: &&LayerEffect| {
            let interval = it.tested.map(|it| it.interval);
            let error = interval.map_or(0.0, |it| (it.high - it.low) / 4.0);
            match interval {
                Some(range) => format!(
                    "{} ({}…{})",
                    signed(it.difference, error),
                    signed(range.low, error),
                    signed(range.high, error)
                ),
                None => signed(it.difference, error),
            }
        }),
        column("p", ("p", "p"), Format::Text, |it: &&LayerEffect| it.p_adjusted.map(p_text)),
        column("shrunken", ("Shrunken", "收缩估计"), Format::Text, |it: &&LayerEffect| {
            it.shrunken.map(|it| signed(it.effect, it.standard_error))
        }),
    ];
    let name = &arm.arm;
    page.paragraph(words(format!("`{name}` by layer:"), format!("`{name}` 按分层：")));
    page.table(Table::new("by_layer", &arm.layers, &columns).for_people());
    if let Some(it) = &arm.heterogeneity {
        let differs = it.p_value < found.plan.alpha.get();
        let (q, df, p) = (it.q, it.degrees_of_freedom, p_text(it.p_value));
        page.paragraph(words(
            format!(
                "Layers {}: Cochran's Q {q:.2} on {df} degrees of freedom, p {p}.",
                if differs { "differ" } else { "are not shown to differ" }
            ),
            format!(
                "各层{}：Cochran Q {q:.2}，自由度 {df}，p {p}。",
                if differs { "有差异" } else { "的差异未得证实" }
            ),
        ));
    }
}

fn how_to_read(page: &mut Document, found: &ExperimentReadout, is_planned_end: bool) {
    let plan = &found.plan;
    let level = digits::percent(1.0 - plan.alpha.get());
    let end = plan.planned_end();
    page.heading(words("How to read this", "如何阅读"));
    let (valid, valid_zh) = match (is_planned_end, plan.looks.get()) {
        (true, 1) => {
            ("valid at this one look, at the planned end", "仅在计划终点的这一次查看时有效")
        }
        (false, 1) => (
            "valid at every look; the verdict is given at the planned end",
            "任意时点均有效；结论在计划终点给出",
        ),
        _ => ("valid at every look", "任意时点均有效"),
    };
    page.paragraph(words(
        format!(
            "Intervals are of {level} and {valid} ({end}). p is corrected: that of the metric which \
             decides for the number of arms, all others as one family of metrics, arms and layers. \
             Every user who was assigned counts, with 0 where nothing happened."
        ),
        format!(
            "区间置信度 {level}，{valid_zh}（{end}）。p 值经校正：判定指标按组别数校正，其余按指标、组别与分层合为一族校正。\
             所有已分配的用户都计入，无行为者按 0 计。"
        ),
    ));
    if !found.readout.as_ref().is_some_and(|it| it.metrics.iter().all(|it| it.by_layer.is_empty()))
    {
        page.paragraph(words(
            "Shrunken: the difference drawn towards that of all layers, the more the less is known \
             of the layer; the largest of ten is not read as real.",
            "收缩估计：把各层差异向全体拉近，信息越少拉得越多；以免把十层中最大的误当真实。",
        ));
    }
}
