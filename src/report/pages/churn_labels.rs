//! The settings of a churn model in words.

use super::phrases::{optional, thousands};
use crate::bundle::Bundle;
use crate::dataset::{Bilingual, ChurnLabel, ChurnRule};
use crate::models::churn::{AtStake, BaseRate, FlagRule, KeepingCosts, ModelChoice, RateOf};
use crate::report::{Value, digits, words};
use crate::stats::calibration::Calibration;

/// What counts as churn.
pub(super) fn label(label: &ChurnLabel) -> Bilingual {
    let (event, horizon) = (&label.event, label.horizon_days);
    let rule = match label.rule {
        ChurnRule::NoEvent => format!("在截止日后 {horizon} 天内没有 `{event}`"),
        ChurnRule::Silence => {
            let days = label.silence_days;
            format!("在截止日后 {horizon} 天内转为沉默（{days} 天没有 `{event}`）")
        }
        ChurnRule::OwnGap => {
            let factor = label.gap_factor;
            format!(
                "在截止日后 {horizon} 天内转为沉默（超过本人通常间隔的 {factor} 倍没有 `{event}`）"
            )
        }
    };
    let among = match label.lookback_days {
        None => format!("此前有过 `{event}`"),
        Some(days) => format!("此前 {days} 天内有过 `{event}`"),
    };
    let age = match label.min_age_days {
        0 => String::new(),
        days => format!("、首次至少在 {days} 天前"),
    };
    let not_silent = match label.rule {
        ChurnRule::NoEvent => "",
        _ => "、尚未沉默但届时可能沉默",
    };
    words(label.sentence(), format!("流失：{among}{age}{not_silent}的用户{rule}"))
}

/// A classifier.
pub(super) fn classifier(model: ModelChoice) -> Value {
    let (code, zh) = match model {
        ModelChoice::Auto => ("auto", "自动"),
        ModelChoice::Logistic => ("logistic", "逻辑回归"),
        ModelChoice::Trees => ("trees", "提升树"),
        ModelChoice::Blend => ("blend", "二者混合"),
    };
    Value::code(code, model.as_str(), zh)
}

/// Which classifier was chosen and why.
pub(super) fn chosen(bundle: &Bundle) -> Bilingual {
    let selection = &bundle.churn.settings.selection;
    let (dates_en, dates_zh) = match (selection.out_of_time, selection.validation_dates.len()) {
        (false, _) => ("other users of one date".to_owned(), "同一日期的其他用户".to_owned()),
        (true, 1) => ("a later date".to_owned(), "一个更晚的日期".to_owned()),
        (true, n) => (format!("{n} later dates"), format!("{n} 个更晚的日期")),
    };
    let losses = |of: fn(&Bilingual) -> &str, comma: &str| {
        let loss = selection.candidates.iter().map(|candidate| {
            let name = in_words(classifier(candidate.model));
            format!("{} {:.4}", of(&name), candidate.log_loss)
        });
        loss.collect::<Vec<_>>().join(comma)
    };
    let (trees_en, trees_zh) = match selection.chosen {
        ModelChoice::Logistic => (String::new(), String::new()),
        _ => {
            let (n, many) = (selection.n_rounds, if selection.n_rounds == 1 { "" } else { "s" });
            (format!(", {n} tree{many}"), format!("，{n} 棵树"))
        }
    };
    let (why_en, why_zh) = match bundle.config.churn.model {
        ModelChoice::Auto => ("lowest log loss on", "对数损失最小，验证于"),
        _ => ("as the config asks; log loss on", "按配置选用；对数损失，验证于"),
    };
    let name = in_words(classifier(selection.chosen));
    words(
        format!("{}{trees_en}: {why_en} {dates_en} ({})", name.en, losses(|it| &it.en, ", ")),
        format!("{}{trees_zh}：{why_zh}{dates_zh}（{}）", name.zh, losses(|it| &it.zh, "，")),
    )
}

fn in_words(value: Value) -> Bilingual {
    match value {
        Value::Code(_, words) | Value::Words(words) => words,
        _ => Bilingual::default(),
    }
}

/// How probabilities were calibrated, and what it did on the holdout.
pub(super) fn calibrated(bundle: &Bundle) -> Bilingual {
    let (settings, evaluation) = (&bundle.churn.settings, &bundle.record.churn);
    let scores = &evaluation.calibration;
    let (rate_en, rate_zh) = match bundle.config.churn.base_rate {
        BaseRate::Of(RateOf::Training) => ("in training", "训练中"),
        BaseRate::Of(RateOf::Latest) => ("in the latest training snapshot", "最近的训练快照中"),
        BaseRate::Known(_) => ("base_rate of the config", "配置的 base_rate"),
    };
    let (method_en, method_zh) = match settings.calibration {
        Calibration::None => ("none", "无"),
        Calibration::Sigmoid { .. } => ("sigmoid", "S 形曲线"),
        Calibration::Isotonic { .. } => ("isotonic", "保序回归"),
    };
    let n_rows = thousands(settings.n_calibration_rows);
    let (before, after) = (optional(scores.before.ece, 4), optional(scores.after.ece, 4));
    let mean = digits::percent(scores.after.mean_probability);
    let rate = digits::percent(holdout_rate(bundle));
    let base = digits::percent(settings.base_rate);
    words(
        format!(
            "calibrated ({method_en}) on {n_rows} predictions: ECE {before} before, {after} after; \
             mean probability {mean}, churn rate {rate} ({rate_en} {base})"
        ),
        format!(
            "用 {n_rows} 个预测校准（{method_zh}）：ECE 校准前 {before}，校准后 {after}；平均概率 \
             {mean}，流失率 {rate}（{rate_zh} {base}）"
        ),
    )
}

/// Churn rate of the users of the holdout.
pub(super) fn holdout_rate(bundle: &Bundle) -> f64 {
    let evaluation = &bundle.record.churn;
    evaluation.n_churned as f64 / evaluation.n_users.max(1) as f64
}

/// A way of flagging.
pub(super) fn flag(rule: FlagRule) -> Value {
    let percent = |share: f64| format!("{} %", (share * 1000.0).round() / 10.0);
    let (code, en, zh) = match rule {
        FlagRule::Share(share) => {
            let share = percent(share.get());
            ("share", format!("likeliest {share}"), format!("最可能流失的 {share}"))
        }
        FlagRule::TopN(n) => ("top_n", format!("likeliest {n}"), format!("最可能流失的 {n} 人")),
        FlagRule::Cutoff(from) => {
            ("cutoff", format!("probability from {from}"), format!("概率不低于 {from}"))
        }
        FlagRule::Precision(share) => {
            let share = percent(share.get());
            ("precision", format!("precision {share}"), format!("精确率 {share}"))
        }
        FlagRule::Profit(KeepingCosts { save_rate, cost, by }) => {
            let saved = percent(save_rate.get());
            let (of, of_zh) = match by {
                AtStake::PastYear => ("", ""),
                AtStake::Clv => (" of clv", "（按 clv）"),
            };
            (
                "profit",
                format!("profit{of} at cost {cost}, {saved} saved"),
                format!("成本 {cost}、挽回 {saved} 时获利{of_zh}"),
            )
        }
    };
    Value::Code(code, words(en, zh))
}
